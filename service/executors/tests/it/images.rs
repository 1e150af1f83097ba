//! Images built by the real engine.

use crate::engine::{self, BASE, Cleanup, engine};
use crate::proxy::{Fate, Proxy};
use crate::sources::Tree;
use crate::stage::until;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::*;
use futures_util::StreamExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_executors::*;

fn builder() -> DockerImageBuilder {
    DockerImageBuilder::connect(None)
}

/// A tree whose images are removed at the end.
fn tree(dockerfile: &str, files: &[(&str, &str)]) -> (Tree, Cleanup) {
    let tree = Tree::new(dockerfile, files);
    // Nobody has built this before.
    tree.write("unique", &tree.request.name);
    let cleanup = Cleanup(format!("io.trainyard.image={}", tree.request.name));
    (tree, cleanup)
}

/// The files of an image, with where its links lead.
async fn files(image_id: &str) -> Vec<String> {
    let docker = engine().await;
    let body = ContainerCreateBody {
        image: Some(image_id.to_owned()),
        cmd: Some(vec!["never".into()]),
        ..ContainerCreateBody::default()
    };
    let created = docker
        .create_container(None::<CreateContainerOptions>, body)
        .await
        .unwrap();
    let mut bytes = Vec::new();
    {
        let mut export = std::pin::pin!(docker.export_container(&created.id));
        while let Some(piece) = export.next().await {
            bytes.extend(piece.unwrap());
        }
    }
    let force = RemoveContainerOptionsBuilder::new().force(true).build();
    docker.remove_container(&created.id, Some(force)).await.unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        match entry.link_name().unwrap() {
            Some(link) => format!("{path} -> {}", link.display()),
            None => path,
        }
    });
    // The folder that the test copies to; the rest is Docker's own.
    let mut files: Vec<_> = entries
        .filter_map(|path| Some(path.strip_prefix("c/")?.to_owned()))
        .collect();
    files.retain(|path| !path.is_empty() && !path.ends_with('/'));
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_image_is_not_built_again() {
    let (tree, _cleanup) = tree("FROM scratch\nCOPY . /c/\n", &[("a.py", "1")]);
    let first = builder().build(&tree.request).await.unwrap();
    assert!(!first.reused && first.image_id.starts_with("sha256:"));
    assert!(
        std::fs::read_to_string(&tree.request.log_file)
            .unwrap()
            .contains("Step 2/")
    );
    std::fs::remove_file(&tree.request.log_file).unwrap();
    let proxy = Proxy::open();
    let another = DockerImageBuilder::connect(Some(&proxy.host()));
    let again = another.build(&tree.request).await.unwrap();
    assert_eq!(
        again,
        BuiltImage {
            reused: true,
            ..first.clone()
        }
    );
    assert!(!tree.request.log_file.exists());
    assert_eq!(proxy.requests(), ["GET json"], "one question, no build");
    tree.write("a.py", "2");
    let changed = builder().build(&tree.request).await.unwrap();
    assert!(!changed.reused && changed.key != first.key && changed.image_id != first.image_id);
    assert_eq!(files(&changed.image_id).await, ["a.py", "unique"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_holds_what_is_not_ignored() {
    let (tree, _cleanup) = tree(
        "FROM scratch\nCOPY . /c/\n",
        &[
            (
                ".dockerignore",
                "# not these\nunique\n**/*.py[co]\ndata\n!data/keep.csv\n.trainyard.Dockerfile\n*.Dockerfile\n",
            ),
            ("train.py", ""),
            ("train.pyc", ""),
            ("deep/er/x.pyo", ""),
            ("deep/er/x.py", ""),
            ("data/large.csv", ""),
            ("data/keep.csv", ""),
            ("deep/data/y.csv", ""),
            ("train.Dockerfile", ""),
            (&format!("{}/long.py", "n".repeat(120)), ""),
        ],
    );
    symlink("/etc/shadow", tree.request.context.join("outward")).unwrap();
    symlink("deep", tree.request.context.join("inward")).unwrap();
    let image = builder().build(&tree.request).await.unwrap();
    let long = format!("{}/long.py", "n".repeat(120));
    assert_eq!(
        files(&image.image_id).await,
        [
            ".dockerignore",
            "data/keep.csv",
            "deep/data/y.csv",
            "deep/er/x.py",
            "inward -> deep",
            &long,
            "outward -> /etc/shadow",
            "train.py",
        ]
    );
}

/// The Dockerfile is sent whatever `.dockerignore` says, also from inside the context.
#[tokio::test(flavor = "multi_thread")]
async fn the_dockerfile_is_always_sent() {
    let (mut tree, _cleanup) = tree(
        "",
        &[
            (".dockerignore", "*\n!a.py\n"),
            ("a.py", ""),
            ("Dockerfile", "FROM scratch\nCOPY a.py /c/\n"),
        ],
    );
    tree.request.dockerfile = tree.request.context.join("Dockerfile");
    // The unique file is ignored as well, so the key has to differ in another way.
    tree.request
        .build_args
        .insert("unique".into(), tree.request.name.clone());
    let image = builder().build(&tree.request).await.unwrap();
    assert_eq!(files(&image.image_id).await, ["a.py"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_base_is_another_image() {
    let (base, _base_cleanup) = tree("FROM scratch\nCOPY . /c/\n", &[("base", "1")]);
    let first_base = builder().build(&base.request).await.unwrap();
    base.write("base", "2");
    let second_base = builder().build(&base.request).await.unwrap();
    let name = format!("trainyard-test/{}", base.request.name);
    let tag = async |image_id: &str| {
        let as_name = TagImageOptionsBuilder::new().repo(&name).tag("moving").build();
        engine().await.tag_image(image_id, Some(as_name)).await.unwrap();
    };
    let dockerfile = format!("ARG TAG=absent\nFROM {name}:${{TAG}} AS one\nFROM one\nCOPY . /c/\n");
    let (mut tree, _cleanup) = tree(&dockerfile, &[]);
    tree.request.build_args.insert("TAG".into(), "moving".into());
    tag(&first_base.image_id).await;
    let first = builder().build(&tree.request).await.unwrap();
    assert!(builder().build(&tree.request).await.unwrap().reused);
    tag(&second_base.image_id).await;
    let second = builder().build(&tree.request).await.unwrap();
    assert!(!second.reused && second.key != first.key && second.image_id != first.image_id);
}

/// `LABEL` comes first in Dockerfiles that fail, so that what is left of them can be found.
fn labelled(rest: &str) -> (Tree, Cleanup) {
    let (tree, cleanup) = tree("", &[]);
    let dockerfile = format!("FROM {BASE}\nLABEL io.trainyard.image={}\n{rest}", tree.request.name);
    std::fs::write(&tree.request.dockerfile, dockerfile).unwrap();
    (tree, cleanup)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_says_where_and_why() {
    let (tree, _cleanup) = labelled("RUN for i in $(seq 30); do echo line $i; done; echo no such package; exit 3\n");
    let error = builder().build(&tree.request).await.unwrap_err();
    let BuildError::Failed { last_lines, .. } = &error else {
        panic!("{error:?}")
    };
    insta::assert_snapshot!(tree.sentence(&error), @"the build of <source>/dockerfiles/train.Dockerfile failed at `RUN for i in $(seq 30); do echo line $i; done; echo no such package; exit 3`: The command '/bin/sh -c for i in $(seq 30); do echo line $i; done; echo no such package; exit 3' returned a non-zero code: 3");
    assert_eq!(last_lines.len(), 20);
    assert_eq!(last_lines.last().unwrap(), "no such package");
    let log = std::fs::read_to_string(&tree.request.log_file).unwrap();
    assert!(
        log.contains("line 1\n") && log.contains("returned a non-zero code: 3"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dockerfile_that_cannot_be_read_is_refused() {
    let (tree, _cleanup) = tree("FROM scratch\nCOPPY . /\n", &[]);
    let error = builder().build(&tree.request).await.unwrap_err();
    assert!(matches!(error, BuildError::Refused { .. }), "{error:?}");
    insta::assert_snapshot!(tree.sentence(&error), @"<source>/dockerfiles/train.Dockerfile cannot be built: dockerfile parse error line 2: unknown instruction: COPPY");
    std::fs::write(&tree.request.dockerfile, "FROM scratch\nCOPY absent /\n").unwrap();
    let error = builder().build(&tree.request).await.unwrap_err();
    insta::assert_snapshot!(tree.sentence(&error).split(" failed to ").next().unwrap(), @"the build of <source>/dockerfiles/train.Dockerfile failed at `COPY absent /`: COPY failed: file not found in build context or excluded by .dockerignore: stat absent: file does not exist");
    std::fs::write(&tree.request.dockerfile, "FROM UPPER:x\n").unwrap();
    let error = builder().build(&tree.request).await.unwrap_err();
    insta::assert_snapshot!(tree.sentence(&error), @"'UPPER:x' is not the name of an image: no such image: UPPER:x: invalid reference format: repository name must be lowercase");
    std::fs::remove_file(&tree.request.dockerfile).unwrap();
    let error = builder().build(&tree.request).await.unwrap_err();
    insta::assert_snapshot!(tree.sentence(&error), @"the Dockerfile <source>/dockerfiles/train.Dockerfile cannot be read (No such file or directory (os error 2)): correct build.dockerfile or add the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_nowhere_is_refused() {
    let error = builder().resolve("127.0.0.1:1/absent:1").await.unwrap_err();
    assert!(matches!(error, BuildError::Refused { .. }), "{error:?}");
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("the image 127.0.0.1:1/absent:1 is not on this machine and cannot be pulled ("),
        "{sentence}"
    );
    assert_eq!(builder().resolve(BASE).await.unwrap(), engine::base().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_grows_while_it_builds() {
    let (tree, _cleanup) = labelled("RUN echo first of two; sleep 3; echo second of two\n");
    let request = tree.request.clone();
    let build = tokio::spawn(async move { builder().build(&request).await });
    let log = || std::fs::read_to_string(&tree.request.log_file).unwrap_or_default();
    until("the first line is there", || async {
        log().contains("\nfirst of two") || build.is_finished()
    })
    .await;
    assert!(!build.is_finished());
    build.await.unwrap().unwrap();
    assert!(log().contains("\nsecond of two"), "{}", log());
}

/// A build whose answer breaks off is not a failed build: it is asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_breaks_off_is_repeated() {
    let (tree, _cleanup) = tree("FROM scratch\nCOPY . /c/\n", &[("large", &"x".repeat(3 << 20))]);
    let proxy = Proxy::open();
    let builder = DockerImageBuilder::connect(Some(&proxy.host()));
    for fate in [Fate::Lost, Fate::CutAfter(0), Fate::CutAfter(300), Fate::Failing] {
        proxy.next("/build", fate);
        match (fate, builder.build(&tree.request).await) {
            (Fate::Failing, Err(BuildError::Failed { .. })) | (_, Err(BuildError::Unreachable { .. })) => {}
            (_, result) => panic!("{fate:?}: {result:?}"),
        }
    }
    proxy.next("/json", Fate::Failing);
    let asked = builder.build(&tree.request).await;
    assert!(matches!(asked, Err(BuildError::Unreachable { .. })), "{asked:?}");
    assert!(proxy.is_done());
    let built = builder.build(&tree.request).await.unwrap();
    assert_eq!(files(&built.image_id).await, ["large", "unique"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_is_told() {
    let (mut tree, _cleanup) = tree("FROM scratch\nCOPY . /c/\n", &[]);
    tree.request.log_file = PathBuf::from("/proc/build.log");
    let error = builder().build(&tree.request).await.unwrap_err();
    insta::assert_snapshot!(tree.sentence(&error), @"/proc/build.log cannot be written: No such file or directory (os error 2)");
}

/// Wherever the Dockerfile is and whatever begins with a byte order mark, the image has what is not left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_and_the_dockerfile_s_own_name_are_in_no_image() {
    const ALL: &str = "\u{feff}FROM scratch\nCOPY . /c/\n";
    let secret = ("secret.key", "s");
    let (outside, _cleanup) = tree(ALL, &[secret, (".dockerignore", "\u{feff}secret.key\r\n")]);
    let image = builder().build(&outside.request).await.unwrap();
    assert_eq!(files(&image.image_id).await, [".dockerignore", "unique"]);
    let hidden = (
        "\u{feff}.dockerignore\nsecret.key\n",
        "\u{feff}Dockerfile\nsecret.key\n.dockerignore\n",
    );
    let (tree_of_hidden, _cleanup_too) = tree(ALL, &[secret, (".dockerignore", hidden.0)]);
    let image = builder().build(&tree_of_hidden.request).await.unwrap();
    assert_eq!(files(&image.image_id).await, ["unique"]);
    let (mut inside, _cleanup_as_well) = tree("", &[secret, ("Dockerfile", ALL), (".dockerignore", hidden.1)]);
    inside.request.dockerfile = inside.request.context.join("Dockerfile");
    let image = builder().build(&inside.request).await.unwrap();
    assert_eq!(files(&image.image_id).await, ["unique"]);
    inside.write(".dockerignore", "secret.key\n");
    let image = builder().build(&inside.request).await.unwrap();
    assert_eq!(
        files(&image.image_id).await,
        [".dockerignore", "Dockerfile", "unique"],
        "as Docker does"
    );
}

/// What the classic builder does not know, BuildKit builds, where the engine has it.
#[tokio::test(flavor = "multi_thread")]
async fn buildkit_builds_what_needs_it() {
    let (mut tree, _cleanup) = labelled("");
    let name = &tree.request.name;
    // Named, so that no earlier build of this test has it in BuildKit's own cache.
    let run = format!("RUN --mount=type=cache,target=/cache echo first of two; : {name}; echo x > /cache/x");
    let dockerfile = format!(
        "# syntax=docker/dockerfile:1\nFROM {BASE}\nLABEL io.trainyard.image={name}\n{run}\nCOPY --chmod=640 a.py /c/a.py\nCOPY . /c/all/\n",
    );
    tree.write("Dockerfile", &dockerfile);
    tree.write("a.py", "1");
    tree.write(".dockerignore", "\u{feff}secret");
    tree.write("secret", "");
    tree.request.dockerfile = tree.request.context.join("Dockerfile");
    let first = builder().build(&tree.request).await.unwrap();
    assert!(!first.reused);
    assert_eq!(
        files(&first.image_id).await,
        ["a.py", "all/.dockerignore", "all/Dockerfile", "all/a.py", "all/unique"]
    );
    let log = std::fs::read_to_string(&tree.request.log_file).unwrap();
    assert!(
        log.contains("RUN --mount=type=cache") && log.contains("first of two\n"),
        "{log}"
    );
    assert!(builder().build(&tree.request).await.unwrap().reused);
    let failing = dockerfile.replace("echo x > /cache/x", "for i in $(seq 30); do echo line $i; done; exit 3");
    tree.write("Dockerfile", &failing);
    let error = builder().build(&tree.request).await.unwrap_err();
    let sentence = tree.sentence(&error);
    let BuildError::Failed { last_lines, .. } = error else {
        panic!("{error:?}")
    };
    assert!(
        sentence.starts_with(
            "the build of <source>/context/Dockerfile failed at `RUN --mount=type=cache,target=/cache echo first of two;"
        ) && sentence.ends_with("exit code: 3"),
        "{sentence}"
    );
    assert_eq!((last_lines.len(), last_lines[19].as_str()), (20, "line 30"));
    // A mistake on a line that only BuildKit reads.
    tree.write(
        "Dockerfile",
        &dockerfile.replace("--chmod=640", "--chmod=640 --nonsense"),
    );
    let error = builder().build(&tree.request).await.unwrap_err();
    let sentence = tree.sentence(&error).to_lowercase();
    assert!(
        sentence.contains("dockerfile parse error") && sentence.contains("nonsense"),
        "{sentence}"
    );
    assert!(!sentence.contains("llb"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_builder_here_builds_is_told_by_its_line() {
    let (tree, _cleanup) = labelled("RUN <<EOF\necho one\n# two\n\necho three > /three\nEOF\n");
    match builder().build(&tree.request).await {
        Ok(image) => assert!(!image.reused),
        Err(error @ BuildError::Refused { .. }) => {
            let version = engine::engine().await.version().await.unwrap().version.unwrap();
            let sentence = tree.sentence(&error).replace(&version, "<version>");
            insta::assert_snapshot!(sentence, @"<source>/dockerfiles/train.Dockerfile cannot be built: its line 3 has `RUN <<`, which Docker <version> does not know: join the commands by && in one RUN, or COPY a script or file from the repository, or begin it with `# syntax=docker/dockerfile:1` where the engine reaches Docker Hub");
        }
        Err(error) => panic!("{error:?}"),
    }
    let refusal = async |lines: &str| {
        let (tree, _cleanup) = labelled(lines);
        let error = builder().build(&tree.request).await.unwrap_err();
        assert!(matches!(error, BuildError::Refused { .. }), "{error:?}");
        assert!(!tree.request.log_file.exists(), "nothing was begun");
        tree.sentence(&error)
    };
    insta::assert_snapshot!(refusal("RUN --mount=type=secret,id=token cat /run/secrets/token\n").await, @"<source>/dockerfiles/train.Dockerfile cannot be built: its line 3 has `RUN --mount` of a secret: builds are given none: do this in a step, or bring the files into the context");
}

/// The image has the context and nothing beside it, also where BuildKit is given a Dockerfile from elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn buildkit_sees_the_context_only() {
    let lines = "COPY --chmod=640 unique /c/x\nCOPY . /c/all/\nADD [\"a b\", \"/c/\"]\nRUN --mount=target=/src \\\n  cp -r /src /c/bound\n";
    let (tree, _cleanup) = labelled(lines);
    tree.write("a b", "1");
    tree.write(".dockerignore", "secret\n.dockerignore\n");
    tree.write("secret", "1");
    let image = builder().build(&tree.request).await.unwrap();
    assert_eq!(
        files(&image.image_id).await,
        ["a b", "all/a b", "all/unique", "bound/a b", "bound/unique", "x"]
    );
    let log = std::fs::read_to_string(&tree.request.log_file).unwrap();
    assert!(log.contains("COPY . /c/all/"), "{log}");
}

/// A build that takes what others need is ended, and its sentence says which setting that was.
#[tokio::test(flavor = "multi_thread")]
async fn builds_have_limits() {
    let limits = BuildLimits {
        memory_bytes: Some(64 << 20),
        cpus: Some(0.5),
        largest_file: None,
        timeout: Duration::from_secs(60),
    };
    let (tree, _cleanup) = labelled("RUN python3 -c 'print(len(b\"x\" * (300 << 20)))'\n");
    let error = builder()
        .with_limits(limits.clone())
        .build(&tree.request)
        .await
        .unwrap_err();
    let sentence = tree.sentence(&error);
    assert!(
        sentence.ends_with("returned a non-zero code: 137, as a program does that uses more than the 64 MiB of memory that builds have: raise executor.build_memory"),
        "{sentence}"
    );
    // 5 GiB and more are no number of bollard's.
    let ample = BuildLimits {
        memory_bytes: Some(6 << 30),
        ..limits.clone()
    };
    builder().with_limits(ample).build(&tree.request).await.unwrap();
    let (slow, _cleanup) = labelled("RUN echo begun; sleep 300\n");
    let short = BuildLimits {
        timeout: Duration::from_secs(4),
        ..limits
    };
    let error = builder().with_limits(short).build(&slow.request).await.unwrap_err();
    let sentence = slow.sentence(&error);
    assert!(
        sentence.ends_with("it was not over after the 4 seconds that builds have: raise executor.build_timeout"),
        "{sentence}"
    );
}

/// Two runs of one commit ask for one image: it is built once.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_image_is_built_once_at_a_time() {
    let (tree, _cleanup) = labelled("RUN sleep 1\n");
    let builder = builder();
    let (one, other) = tokio::join!(builder.build(&tree.request), builder.build(&tree.request));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.image_id, other.image_id);
    assert_ne!(one.reused, other.reused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_says_what_the_tool_said() {
    let (tree, _cleanup) = labelled(
        "RUN printf '\\033[91mERROR: No matching distribution found for nothing==9\\n\\033[0m\\033[91mWARNING: You are using pip\\n\\033[0m' >&2; exit 1\n",
    );
    let error = builder().build(&tree.request).await.unwrap_err();
    let BuildError::Failed { last_lines, .. } = &error else {
        panic!("{error:?}")
    };
    let said = error.to_string();
    assert!(
        said.contains(": ERROR: No matching distribution found for nothing==9 (The command "),
        "{said}"
    );
    assert!(last_lines.iter().all(|line| !line.contains('\u{1b}')), "{last_lines:?}");
}
