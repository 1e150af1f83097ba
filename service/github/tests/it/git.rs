//! The mirror, by real git over HTTP and on hostile repositories.

use crate::client::{REPO, TOKEN, simulator};
use crate::workspace::{Workspace, bytes_below};
use base64::Engine as _;
use secrecy::SecretString;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use trainyard_core::ids::CommitSha;
use trainyard_github::git::{GitError, Mirror};
use trainyard_github::simulator::{Simulator, SimulatorConfig};

fn mirror(simulator: &Simulator, folder: &Path) -> Mirror {
    Mirror::new(
        folder.join("mirror"),
        simulator.clone_url(REPO),
        Some(SecretString::from(TOKEN)),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_is_the_commit_and_nothing_else() {
    let (simulator, work, first) = simulator().await;
    work.write("pipelines/flights/pipeline.yaml", "name: flights\n");
    work.write("run.sh", "#!/bin/sh\n");
    std::fs::set_permissions(work.path("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    work.write(".gitattributes", "secret.txt export-ignore\nversion.txt export-subst\n");
    work.write("secret.txt", "kept");
    work.write("version.txt", "$Format:%H$");
    work.write("odd name ü\n.txt", "odd");
    symlink("../a.txt", work.path("pipelines/link")).unwrap();
    let second = work.commit("Second");
    work.git(&["push", "--quiet", "origin", "HEAD"]);
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&simulator, folder.path());
    let into = folder.path().join("runs/1/source");
    mirror.checkout(&second, &into).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(into.join(name)).unwrap();
    assert_eq!(
        (read("a.txt").as_str(), read("pipelines/flights/pipeline.yaml").as_str()),
        ("1", "name: flights\n")
    );
    assert_eq!(
        (
            read("secret.txt").as_str(),
            read("version.txt").as_str(),
            read("odd name ü\n.txt").as_str()
        ),
        ("kept", "$Format:%H$", "odd")
    );
    assert_eq!(read("pipelines/link"), "1");
    let mode = |name: &str| std::fs::metadata(into.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("run.sh") & 0o111 != 0, mode("a.txt") & 0o111, mode(".")),
        (true, 0, 0o755)
    );
    assert!(!into.join(".git").exists());
    assert_eq!(
        std::fs::read_dir(into.parent().unwrap()).unwrap().count(),
        1,
        "nothing temporary is left"
    );

    let old = folder.path().join("runs/2");
    mirror.checkout(&first, &old).await.unwrap();
    assert_eq!(std::fs::read_dir(&old).unwrap().count(), 1);
    mirror.checkout(&first, &old).await.unwrap();

    assert_eq!(mirror.show(&second, "run.sh").await.unwrap().unwrap(), b"#!/bin/sh\n");
    assert_eq!(mirror.show(&second, "pipelines/link").await.unwrap(), None);
    assert_eq!(mirror.show(&second, "pipelines").await.unwrap(), None);
    assert_eq!(mirror.show(&second, "nothing").await.unwrap(), None);
    assert_eq!(
        mirror.list(&second, "pipelines").await.unwrap(),
        ["pipelines/flights/pipeline.yaml"]
    );
    assert_eq!(mirror.list(&second, "pipe").await.unwrap(), [""; 0]);
    assert_eq!(mirror.list(&first, "").await.unwrap(), ["a.txt"]);
    let mut changed = mirror.changed_paths(&first, &second).await.unwrap();
    changed.retain(|path| path.starts_with("pipelines"));
    assert_eq!(changed, ["pipelines/flights/pipeline.yaml", "pipelines/link"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_are_compared_where_they_parted() {
    let (simulator, work, root) = simulator().await;
    work.git(&["checkout", "--quiet", "-b", "topic"]);
    let topic = work.push_file("topic.txt", "1");
    work.git(&["checkout", "--quiet", "main"]);
    let main = work.push_file("main.txt", "1");
    work.git(&["checkout", "--quiet", "--orphan", "other"]);
    let orphan = work.push_file("x.txt", "1");
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&simulator, folder.path());
    assert_eq!(mirror.merge_base(&main, &topic).await.unwrap(), Some(root.clone()));
    assert_eq!(mirror.merge_base(&main, &orphan).await.unwrap(), None);
    assert_eq!(mirror.changed_paths(&root, &topic).await.unwrap(), ["topic.txt"]);
    assert_eq!(mirror.fetch_branch("main").await.unwrap(), main);
    assert_eq!(mirror.commit_of("main").await.unwrap(), Some(main));
    assert_eq!(mirror.commit_of("nothing").await.unwrap(), None);
    let moved = {
        work.git(&["checkout", "--quiet", "main"]);
        work.git(&["commit", "--quiet", "--amend", "--message", "Rewritten"]);
        work.git(&["push", "--quiet", "--force", "origin", "main"]);
        work.head()
    };
    assert_eq!(mirror.fetch_branch("main").await.unwrap(), moved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_fetched_needs_no_host_any_more() {
    let (simulator, _work, sha) = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&simulator, folder.path());
    mirror.fetch(&sha).await.unwrap();
    drop(simulator);
    mirror.fetch(&sha).await.unwrap();
    mirror.checkout(&sha, &folder.path().join("tree")).await.unwrap();
    let gone = mirror.fetch(&CommitSha::new("1".repeat(40))).await.unwrap_err();
    assert!(matches!(gone, GitError::Unreachable { .. }), "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_written_nowhere() {
    let (simulator, _work, sha) = simulator().await;
    simulator.create_private_repo("acme/private").await.unwrap();
    let work = Workspace::new(&simulator, "acme/private");
    let hidden = work.push_file("a.txt", "1");
    let folder = tempfile::tempdir().unwrap();
    let open = |repo: &str, token: &str| {
        let path = folder.path().join(format!("{repo}-{token}"));
        Mirror::new(path, simulator.clone_url(repo), Some(SecretString::from(token)))
    };
    mirror(&simulator, folder.path())
        .checkout(&sha, &folder.path().join("tree"))
        .await
        .unwrap();
    let private = Mirror::new(
        folder.path().join("private"),
        simulator.clone_url("acme/private"),
        Some(SecretString::from(TOKEN)),
    );
    private
        .checkout(&hidden, &folder.path().join("private-tree"))
        .await
        .unwrap();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{TOKEN}"));
    for (path, bytes) in bytes_below(folder.path()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains(TOKEN) && !text.contains(&basic) && !text.contains("x-access-token"),
            "{}",
            path.display()
        );
    }
    let wrong = open("acme/private", "ghp_wrong").fetch(&hidden).await.unwrap_err();
    let missing = open("acme/nothing", "ghp_wrong").fetch(&hidden).await.unwrap_err();
    let never = mirror(&simulator, folder.path())
        .fetch(&CommitSha::new("1".repeat(40)))
        .await
        .unwrap_err();
    let branch = mirror(&simulator, folder.path())
        .fetch_branch("nothing")
        .await
        .unwrap_err();
    let said = [wrong, missing, never, branch]
        .map(|error| error.to_string())
        .join("\n");
    let said = said.replace(simulator.base_url(), "http://host");
    insta::assert_snapshot!(said, @"
    http://host/acme/private.git does not exist or the token has no access to it: check the name and give the token read access to contents
    http://host/acme/nothing.git does not exist or the token has no access to it: check the name and give the token read access to contents
    commit 1111111111111111111111111111111111111111 is not in http://host/acme/flights.git: was it force-pushed away?
    http://host/acme/flights.git has no branch 'nothing'
    ");
    assert!(!format!("{private:?}").contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_reach_no_git() {
    let (simulator, _work, sha) = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&simulator, folder.path());
    let touched = folder.path().join("touched");
    let evil = format!("--upload-pack=touch {}", touched.display());
    let bad = |error: GitError| assert!(matches!(error, GitError::BadName { .. }), "{error}");
    for name in [
        evil.as_str(),
        "-x",
        "a b",
        "HEAD~1",
        "main^{tree}",
        "..",
        "",
        "a:b",
        "main\n",
    ] {
        bad(mirror.fetch_branch(name).await.unwrap_err());
        bad(mirror.commit_of(name).await.unwrap_err());
        bad(mirror.fetch(&CommitSha::from(name)).await.unwrap_err());
        bad(mirror
            .checkout(&CommitSha::from(name), &folder.path().join("x"))
            .await
            .unwrap_err());
    }
    mirror.fetch(&sha).await.unwrap();
    for path in ["../../etc/passwd", "/etc/passwd", "a/../b", ""] {
        bad(mirror.show(&sha, path).await.unwrap_err());
    }
    assert_eq!(mirror.show(&sha, "--output=x").await.unwrap(), None);
    let work = folder.path().display();
    for url in [
        format!("ext::sh -c touch% {}", touched.display()),
        format!("file://{work}"),
        "-u".to_owned(),
        "ssh://h/x".to_owned(),
        "http://u:p@h/x".to_owned(),
    ] {
        let mirror = Mirror::new(folder.path().join("m2"), url.as_str(), None);
        bad(mirror.fetch(&sha).await.unwrap_err());
    }
    let local = Mirror::new(
        folder.path().join("m3"),
        format!("ext::sh -c touch% {}", touched.display()),
        None,
    )
    .allow_local();
    assert!(local.fetch(&sha).await.is_err());
    assert!(!touched.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_folder_is_read_when_allowed() {
    let (simulator, work, sha) = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    let local = Mirror::new(folder.path().join("m"), work.path("").display().to_string(), None).allow_local();
    local.fetch(&sha).await.unwrap();
    assert_eq!(local.list(&sha, "").await.unwrap(), ["a.txt"]);
    drop(simulator);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_out_of_the_tree_and_submodules_do_no_harm() {
    let (simulator, work, _sha) = simulator().await;
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&simulator, folder.path());
    for (at, target) in ["/etc/passwd", "../outside", "x/../../outside"].iter().enumerate() {
        work.git(&["checkout", "--quiet", "-B", &format!("evil{at}"), "main"]);
        symlink(target, work.path("link")).unwrap();
        let sha = work.commit("Link");
        work.git(&["push", "--quiet", "origin", "HEAD"]);
        let into = folder.path().join(format!("evil{at}"));
        let error = mirror.checkout(&sha, &into).await.unwrap_err();
        assert!(
            matches!(error, GitError::EscapingLink { .. }) && !into.exists(),
            "{error}"
        );
    }
    work.git(&["checkout", "--quiet", "-B", "sub", "main"]);
    let head = work.head();
    work.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]);
    work.write(
        ".gitmodules",
        "[submodule \"sub\"]\n\tpath = sub\n\turl = ext::sh -c true\n",
    );
    work.git(&["add", ".gitmodules"]);
    work.git(&["commit", "--quiet", "--message", "Submodule"]);
    work.git(&["push", "--quiet", "origin", "HEAD"]);
    let into = folder.path().join("sub");
    mirror.checkout(&work.head(), &into).await.unwrap();
    assert!(into.join("a.txt").exists() && std::fs::read_dir(into.join("sub")).map_or(0, Iterator::count) == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_one_mirror() {
    let (simulator, work, _sha) = simulator().await;
    let shas: Vec<CommitSha> = (0..6)
        .map(|at| work.push_file("a.txt", &format!("version {at}")))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for (at, sha) in shas.into_iter().enumerate() {
        let (mirror, into) = (
            mirror(&simulator, folder.path()),
            folder.path().join(format!("tree{at}")),
        );
        tasks.spawn(async move {
            mirror.checkout(&sha, &into).await.unwrap();
            assert_eq!(
                std::fs::read_to_string(into.join("a.txt")).unwrap(),
                format!("version {at}")
            );
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}/acme/flights.git", silent.local_addr().unwrap());
    let mirror =
        Mirror::new(folder.path().join("m"), url, None).with_fetch_limit(std::time::Duration::from_millis(300));
    let error = mirror.fetch(&CommitSha::new("1".repeat(40))).await.unwrap_err();
    assert!(matches!(error, GitError::TimedOut { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_push_is_streamed() {
    let config = SimulatorConfig {
        token: TOKEN.to_owned(),
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await.unwrap();
    simulator.create_repo(REPO).await.unwrap();
    let work = Workspace::new(&simulator, REPO);
    // Does not compress: git sends it in chunks without a length.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(3_000_000)
    .collect();
    work.write("noise.bin", &noise);
    let sha = work.commit("Noise");
    work.git(&["push", "--quiet", "origin", "HEAD"]);
    let folder = tempfile::tempdir().unwrap();
    let mirror = mirror(&simulator, folder.path());
    mirror.fetch(&sha).await.unwrap();
    assert_eq!(mirror.show(&sha, "noise.bin").await.unwrap().unwrap(), noise);
}
