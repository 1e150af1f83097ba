//! Mirrors that a crash, a full disk or a person left in any state: each is made anew, and no push is lost to it.

use crate::client::{REPO, TOKEN, simulator};
use secrecy::SecretString;
use std::fs;
use std::path::{Path, PathBuf};
use trainyard_core::ids::CommitSha;
use trainyard_github::git::Mirror;

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Cuts every stored object in half, as a disk that lost its newest blocks does.
fn cut_objects(mirror: &Path) {
    for file in files(&mirror.join("objects")) {
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    }
}

type Damage = fn(&Path, &CommitSha);

const DAMAGES: &[(&str, Damage)] = &[
    ("the lock of the new commit's ref", |mirror, new| {
        fs::create_dir_all(mirror.join("refs/commits")).unwrap();
        fs::write(mirror.join(format!("refs/commits/{new}.lock")), "").unwrap();
    }),
    ("every other lock", |mirror, _| {
        for name in [
            "packed-refs.lock",
            "shallow.lock",
            "config.lock",
            "index.lock",
            "HEAD.lock",
        ] {
            fs::write(mirror.join(name), "").unwrap();
        }
    }),
    ("no HEAD", |mirror, _| fs::remove_file(mirror.join("HEAD")).unwrap()),
    ("an empty HEAD", |mirror, _| fs::write(mirror.join("HEAD"), "").unwrap()),
    ("half a config", |mirror, _| {
        fs::write(mirror.join("config"), "[core\n\tbare = ").unwrap()
    }),
    ("settings that lead elsewhere", |mirror, _| {
        let elsewhere = "\n[url \"http://127.0.0.1:9/\"]\n\tinsteadOf = http://\n";
        let settings = fs::read_to_string(mirror.join("config")).unwrap() + elsewhere;
        fs::write(mirror.join("config"), settings).unwrap();
    }),
    ("no settings", |mirror, _| {
        fs::remove_file(mirror.join("config")).unwrap()
    }),
    ("a garbled pack", |mirror, _| {
        let git = |arguments: &[&str]| {
            let mut git = std::process::Command::new("git");
            let done = git.arg("--git-dir").arg(mirror).args(arguments).status();
            assert!(done.unwrap().success());
        };
        git(&["repack", "-adq"]);
        for pack in files(&mirror.join("objects/pack")) {
            let mut bytes = fs::read(&pack).unwrap();
            let end = bytes.len() - 20;
            bytes[12..end].iter_mut().step_by(3).for_each(|byte| *byte ^= 0xff);
            fs::remove_file(&pack).unwrap();
            fs::write(&pack, bytes).unwrap();
        }
    }),
    ("a file in the place of its commits", |mirror, _| {
        let _ = fs::remove_dir_all(mirror.join("refs/commits"));
        fs::write(mirror.join("refs/commits"), "x").unwrap();
    }),
    ("a link to nowhere in its place", |mirror, _| {
        fs::remove_dir_all(mirror).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", mirror).unwrap();
    }),
    ("no objects", |mirror, _| {
        fs::remove_dir_all(mirror.join("objects")).unwrap()
    }),
    ("objects cut in half", |mirror, _| cut_objects(mirror)),
    ("empty objects", |mirror, _| {
        for file in files(&mirror.join("objects")) {
            fs::remove_file(&file).unwrap();
            fs::write(&file, "").unwrap();
        }
    }),
    ("no refs", |mirror, _| fs::remove_dir_all(mirror.join("refs")).unwrap()),
    ("refs that are nonsense", |mirror, _| {
        for file in files(&mirror.join("refs")) {
            fs::write(file, "nonsense").unwrap();
        }
        fs::write(mirror.join("packed-refs"), "nonsense").unwrap();
    }),
    ("a ref of a commit that is not there", |mirror, new| {
        fs::write(mirror.join(format!("refs/commits/{new}")), format!("{new}\n")).unwrap();
    }),
    ("a file in its place", |mirror, _| {
        fs::remove_dir_all(mirror).unwrap();
        fs::write(mirror, "no mirror").unwrap();
    }),
    ("an empty folder", |mirror, _| {
        fs::remove_dir_all(mirror).unwrap();
        fs::create_dir(mirror).unwrap();
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_mirror_is_made_anew() {
    let (simulator, work, first) = simulator().await;
    let second = work.push_file("b.txt", "2");
    for (what, damage) in DAMAGES {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("mirror.git");
        let open = || {
            Mirror::new(
                folder.clone(),
                simulator.clone_url(REPO),
                Some(SecretString::from(TOKEN)),
            )
        };
        open().fetch(&first).await.unwrap();
        damage(&folder, &second);
        let mirror = open();
        mirror
            .fetch(&second)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let listed = mirror
            .list(&second, "")
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(listed, ["a.txt", "b.txt"], "{what}");
        let changed = mirror.changed_paths(&first, &second).await;
        assert_eq!(
            changed.unwrap_or_else(|error| panic!("{what}: {error}")),
            ["b.txt"],
            "{what}"
        );
        for (sha, name) in [(&first, "1"), (&second, "2")] {
            let into = dir.path().join(name);
            mirror
                .checkout(sha, &into)
                .await
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(into.join("a.txt").exists(), "{what}");
        }
        assert_eq!(mirror.fetch_branch("main").await.unwrap(), second, "{what}");
    }
}

/// Objects that are damaged after the commit was fetched are found by who reads them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_is_damaged_later_is_found_by_who_reads_it() {
    let (simulator, work, first) = simulator().await;
    let second = work.push_file("b.txt", "2");
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mirror.git");
    let mirror = Mirror::new(
        folder.clone(),
        simulator.clone_url(REPO),
        Some(SecretString::from(TOKEN)),
    );
    mirror.fetch(&first).await.unwrap();
    mirror.fetch(&second).await.unwrap();
    cut_objects(&folder);
    assert_eq!(mirror.show(&second, "b.txt").await.unwrap().unwrap(), b"2");
    cut_objects(&folder);
    assert_eq!(mirror.list(&first, "").await.unwrap(), ["a.txt"]);
    cut_objects(&folder);
    assert_eq!(mirror.merge_base(&first, &second).await.unwrap(), Some(first.clone()));
    cut_objects(&folder);
    mirror.checkout(&second, &dir.path().join("tree")).await.unwrap();
    let missing = CommitSha::new("1".repeat(40));
    let error = mirror.fetch(&missing).await.unwrap_err();
    assert!(
        matches!(error, trainyard_github::git::GitError::CommitNotFound { .. }),
        "{error}"
    );
}

/// What the host does not have any more is taken over from the old mirror where that can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_whole_in_the_old_mirror_is_kept() {
    let (simulator, work, first) = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mirror.git");
    let mirror = Mirror::new(
        folder.clone(),
        simulator.clone_url(REPO),
        Some(SecretString::from(TOKEN)),
    );
    mirror.fetch(&first).await.unwrap();
    let second = work.push_file("b.txt", "2");
    fs::write(folder.join(format!("refs/commits/{second}.lock")), "").unwrap();
    mirror.fetch(&second).await.unwrap();
    drop(simulator);
    assert_eq!(mirror.list(&first, "").await.unwrap(), ["a.txt"]);
    assert_eq!(mirror.list(&second, "").await.unwrap(), ["a.txt", "b.txt"]);
}
