use super::*;
use crate::contract::Network;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeId;

struct Nothing;

impl Trees for Nothing {
    fn open(&self, _digest: &Digest) -> Option<PathBuf> {
        None
    }
}

struct Place {
    root: tempfile::TempDir,
    staging: Staging,
    key: AttemptKey,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = root.path().join(name);
            fs::create_dir(&folder).unwrap();
            folder
        };
        Self {
            staging: Staging::new(folder("work"), folder("data"), Nothing),
            key: AttemptKey::new(&RunId::new("run"), NodeId::parse("train"), 2),
            root,
        }
    }

    fn attempt(&self, name: &str) -> PathBuf {
        self.root.path().join("work/run/train/2").join(name)
    }

    fn data(&self, name: &str, content: &str) -> PathBuf {
        let path = self.root.path().join("data").join(name);
        fs::write(&path, content).unwrap();
        path
    }

    async fn lay_out(&self, target: &str, content: InputContent) -> Result<Vec<Mount>, ExecutorError> {
        let program = Program {
            image: None,
            command: Vec::new(),
            environment: BTreeMap::new(),
            secrets: Vec::new(),
            inputs: vec![Input {
                target: PathBuf::from(target),
                content,
            }],
            outputs: Some(PathBuf::from("/trainyard/outputs")),
            working_directory: None,
            cpus: None,
            memory_bytes: None,
            shm_bytes: None,
            largest_file: None,
            gpus: None,
            network: Network::None,
        };
        self.staging.lay_out(&self.key, &program, Some((10001, 10001))).await
    }
}

fn staged(name: &str, path: &str) -> StagedFile {
    StagedFile {
        name: name.to_owned(),
        path: PathBuf::from(path),
        digest: Digest::from_sha256(&[0; 32]),
    }
}

#[tokio::test]
async fn what_was_not_finished_is_made_anew_and_what_was_is_left_alone() {
    let place = Place::new();
    let task = || InputContent::Bytes(b"{}".to_vec());
    fs::create_dir_all(place.attempt("outputs")).unwrap();
    fs::write(place.attempt("outputs/half"), "of an earlier crash").unwrap();
    let mounts = place.lay_out("/trainyard/task.json", task()).await.unwrap();
    assert!(!place.attempt("outputs/half").exists());
    assert_eq!(fs::read(place.attempt("task.json")).unwrap(), b"{}");

    fs::write(place.attempt("outputs/model"), "of the running program").unwrap();
    assert_eq!(place.lay_out("/trainyard/task.json", task()).await.unwrap(), mounts);
    assert!(place.attempt("outputs/model").exists());
    let seen: Vec<_> = mounts
        .iter()
        .map(|mount| (mount.source.clone(), mount.target.to_str().unwrap(), mount.writable))
        .collect();
    assert_eq!(
        seen,
        [
            (place.attempt("task.json"), "/trainyard/task.json", false),
            (place.attempt("outputs"), "/trainyard/outputs", true)
        ]
    );
    place.staging.remove(&place.key).await.unwrap();
    assert!(!place.attempt("").exists());
}

#[tokio::test]
async fn the_outputs_belong_to_who_writes_them() {
    let place = Place::new();
    place.lay_out("/empty", InputContent::Empty).await.unwrap();
    let outputs = fs::metadata(place.attempt("outputs")).unwrap();
    if rustix::process::geteuid().is_root() {
        assert_eq!((outputs.uid(), outputs.gid()), (10001, 10001));
    } else {
        assert_eq!(outputs.mode() & 0o777, 0o777);
    }
}

#[tokio::test]
async fn data_are_linked_where_everybody_may_read_them_and_copied_elsewhere() {
    let place = Place::new();
    let open = place.data("open.csv", "1");
    let closed = place.data("closed.csv", "2");
    fs::set_permissions(&closed, Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("open.csv", place.root.path().join("data/link.csv")).unwrap();
    let files = vec![
        staged("a", "open.csv"),
        staged("b", "closed.csv"),
        staged("c", "link.csv"),
    ];
    place
        .lay_out("/trainyard/inputs/source", InputContent::Files(files))
        .await
        .unwrap();
    let of = |name: &str| fs::symlink_metadata(place.attempt("source").join(name)).unwrap();
    let inode = fs::metadata(&open).unwrap().ino();
    assert_eq!(of("a").ino(), inode);
    assert_eq!(of("c").ino(), inode, "not the link, which would lead nowhere");
    assert_ne!(of("b").ino(), fs::metadata(&closed).unwrap().ino());
    assert_eq!(of("b").mode() & 0o777, 0o444);
    assert_eq!(fs::read(place.attempt("source/b")).unwrap(), b"2");
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_named() {
    let place = Place::new();
    let said = |error: ExecutorError| error.to_string().replace(place.root.path().to_str().unwrap(), "<root>");
    let missing = InputContent::Files(vec![staged("a", "gone.csv")]);
    let error = place.lay_out("/trainyard/inputs/source", missing).await.unwrap_err();
    assert!(matches!(error, ExecutorError::Failed { .. }), "it may come back");
    insta::assert_snapshot!(said(error), @"<root>/data/gone.csv cannot be handed to the step: No such file or directory (os error 2)");
    assert!(!place.attempt("ready").exists());
    let error = place
        .lay_out(
            "/trainyard/inputs/model",
            InputContent::Tree(Digest::from_sha256(&[1; 32])),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, ExecutorError::Refused { .. }));
    insta::assert_snapshot!(said(error), @"the input /trainyard/inputs/model cannot be read, since its content sha256:0101010101010101010101010101010101010101010101010101010101010101 is not there any more: start the run again");
    let error = place
        .staging
        .show(&place.key, place.root.path(), Path::new("/models/line"))
        .unwrap_err();
    insta::assert_snapshot!(said(error), @"<root>/work/run/train/2/models/line cannot be written: No such file or directory (os error 2)");
}

/// Services before this one laid attempts out as it does, so that it finds their programs' folders as they are.
#[tokio::test]
async fn what_an_older_service_laid_out_is_used_as_it_is() {
    let place = Place::new();
    let older = [
        ("/trainyard/task.json", "task.json", InputContent::Bytes(b"{}".to_vec())),
        (
            "/trainyard/inputs/source",
            "source",
            InputContent::Files(vec![staged("a", "gone.csv")]),
        ),
        ("/trainyard/inputs/baseline", "absent", InputContent::Empty),
        ("/models", "models", InputContent::Later),
    ];
    for folder in ["outputs", "source", "absent", "models"] {
        fs::create_dir_all(place.attempt(folder)).unwrap();
    }
    for file in ["task.json", "sealed.json", "ready"] {
        fs::write(place.attempt(file), "of an older service").unwrap();
    }
    for (target, name, content) in older {
        let mounts = place.lay_out(target, content).await.unwrap();
        assert_eq!(
            (&mounts[0].source, &mounts[1].source),
            (&place.attempt(name), &place.attempt("outputs"))
        );
    }
    let task = fs::read_to_string(place.attempt("task.json")).unwrap();
    assert_eq!(task, "of an older service");
    assert!(place.attempt("sealed.json").exists());
}
