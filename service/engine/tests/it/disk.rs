//! A full disk: deliveries are refused, nothing is lost, and all goes on when there is room.

use crate::tiny::{self, Task};
use crate::yard::{Yard, until};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use trainyard_core::run::{RunState, StepState};
use trainyard_engine::{Engine, TargetKind};
use trainyard_executors::fake::Script;

/// A small disk of its own, gone when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` for those who may not mount.
    fn new(megabytes: u32) -> Option<Self> {
        Self::mounted(&format!("size={megabytes}m"))
    }

    /// With room for bytes, and for few files: who has its files can write to them when no other can be made.
    fn of_few_files(files: u32) -> Option<Self> {
        Self::mounted(&format!("size=64m,nr_inodes={files}"))
    }

    fn mounted(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "trainyard-test"])
            .arg(folder.path())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes also what the database's log has of room already, into which small writes fit.
    async fn fill_with_log(&self, yard: &Yard) {
        self.fill();
        for number in 0..10_000 {
            if yard
                .arrive(&format!("fills-{number}"), "nothing", "2013-01")
                .await
                .is_err()
            {
                return;
            }
        }
        panic!("the disk is never full");
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let filler = std::fs::File::create(self.path().join("filler")).unwrap();
        let mut size = 0;
        while std::os::unix::fs::FileExt::write_all_at(&filler, &[1; 4096], size).is_ok() {
            size += 4096;
        }
    }

    /// Takes all the files there are.
    fn fill_files(&self) {
        let folder = self.path().join("files");
        let made = std::fs::create_dir(&folder);
        for number in 0.. {
            if made.is_err() || std::fs::write(folder.join(number.to_string()), b"").is_err() {
                return;
            }
        }
    }

    fn free_files(&self) {
        std::fs::remove_dir_all(self.path().join("files")).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_deliveries_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new(24) else {
        eprintln!("not root: a small disk cannot be mounted, so nothing is tested");
        return;
    };
    let yard = Yard::with(|config| config.data_dir = disk.path().join("data")).await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.all_told().await;
    disk.fill_with_log(&yard).await;
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let refused = until("second webhook", async || yard.github.deliveries().into_iter().nth(1)).await;
    assert_eq!(refused.status_code, Some(503), "the sender is told to send it again");
    disk.free();
    yard.github.redeliver(&refused.guid).unwrap();
    let (row, _) = yard.last(2).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(yard.server.predict(), Some(("000002".to_owned(), 0.8)));
    assert!(Engine::check_database(&yard.config).await.is_ok());
}

#[tokio::test]
async fn a_run_that_meets_a_full_disk_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new(24) else {
        eprintln!("not root: a small disk cannot be mounted, so nothing is tested");
        return;
    };
    let yard = Yard::with(|config| config.data_dir = disk.path().join("data")).await;
    yard.hold("train");
    yard.push(&[]).await;
    yard.started("train", 1).await;
    let run = yard.runs().await.remove(0);
    disk.fill_with_log(&yard).await;
    assert!(
        yard.engine.cancel(&run.id, "ada").await.is_err(),
        "nothing can be stored"
    );
    disk.free();
    yard.release("train");
    let (row, _) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
}

/// Whatever the program says: there was no room left when it ended, and no retry of its own is needed.
#[tokio::test]
async fn a_step_that_meets_a_full_disk_is_the_service_s_trouble() {
    let Some(disk) = SmallDisk::new(24) else {
        eprintln!("not root: a small disk cannot be mounted, so nothing is tested");
        return;
    };
    let yard = Yard::with(|config| config.data_dir = disk.path().join("data")).await;
    yard.script("train", |_, program| {
        let folder = Task::of(program).outputs().join("model");
        std::fs::create_dir_all(&folder).unwrap();
        let room = rustix::fs::statvfs(&folder).unwrap();
        // The service's own files still find some.
        let most = (room.f_bavail * room.f_frsize).saturating_sub(3 << 20);
        std::fs::write(folder.join("large"), vec![1; usize::try_from(most).unwrap()]).unwrap();
        Script::exits(1, "ValueError: truncated")
    });
    yard.push(&[]).await;
    let run = until("wait for room", async || {
        let row = yard.runs().await.into_iter().next()?;
        let run = yard.engine.reads().load_run(&row.id).await.ok()?;
        matches!(run.steps["train"].state, StepState::Waiting { .. }).then_some(run)
    })
    .await;
    let StepState::Waiting { reason, .. } = &run.steps["train"].state else {
        unreachable!()
    };
    insta::assert_snapshot!(reason, @"step 'train' found the disk full: make room below the service's data_dir (ValueError: truncated)");
    assert_eq!(run.steps["train"].infrastructure_failures, 1);
}

/// Finished training is not thrown away because its outputs cannot be sealed, or its log not be written, for now.
#[tokio::test]
async fn what_is_finished_waits_for_room_and_is_not_run_again() {
    let Some(disk) = SmallDisk::of_few_files(3000) else {
        eprintln!("not root: a small disk cannot be mounted, so nothing is tested");
        return;
    };
    let yard = Yard::with(|config| config.data_dir = disk.path().join("data")).await;
    yard.script("train", |_, program| {
        let mut script = tiny::usual(program).hanging();
        script.log = "trained\n".to_owned();
        // Made before the disk is full: the program met no trouble.
        for (path, content) in std::mem::take(&mut script.writes) {
            let path = Task::of(program).outputs().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        script
    });
    yard.push(&[]).await;
    let key = yard.started("train", 1).await;
    disk.fill_files();
    yard.executor.finish(&key);
    let waits = until("reason to wait", async || {
        yard.runs().await.into_iter().next()?.waits_for
    })
    .await;
    assert!(waits.contains("No space left on device"), "{waits}");
    assert_eq!(yard.runs().await[0].state, RunState::Running);
    disk.free_files();
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["train"].state, StepState::Succeeded { attempt: 1 });
    let trained = yard.programs().iter().filter(|step| step.as_str() == "train").count();
    assert_eq!((trained, row.waits_for), (1, None));
    let log = yard.engine.folders_of().attempt_log(&row.id, &key.node, 1);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "trained\n");
}

/// The folder of artifacts cannot be written, for whatever reason: a person helps, and then all goes on.
#[tokio::test]
async fn artifacts_that_cannot_be_written_are_waited_for() {
    let yard = Yard::new().await;
    yard.hold("train");
    yard.push(&[]).await;
    let key = yard.started("train", 1).await;
    let (folder, aside) = (
        yard.config.data_dir.join("artifacts"),
        yard.config.data_dir.join("aside"),
    );
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, b"no folder").unwrap();
    yard.executor.finish(&key);
    let waits = until("reason to wait", async || {
        yard.runs().await.into_iter().next()?.waits_for
    })
    .await;
    assert!(
        waits.contains("step 'train' is done, and its outputs wait to be published"),
        "{waits}"
    );
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    assert_eq!(run.steps["train"].state, StepState::Succeeded { attempt: 1 });
}

/// A model that is approved waits for room where it will serve, however long that takes: neither a try nor a number is
/// spent, and the run says what it waits for.
#[tokio::test]
async fn an_approved_model_waits_for_room_at_its_target() {
    for files in [false, true] {
        let disk = if files {
            SmallDisk::of_few_files(200)
        } else {
            SmallDisk::new(8)
        };
        let Some(disk) = disk else {
            eprintln!("not root: a small disk cannot be mounted, so nothing is tested");
            return;
        };
        let mut yard = Yard::with(|config| {
            let target = config.targets.get_mut("tiny").unwrap();
            let repository = disk.path().join("models");
            target.kind = TargetKind::TensorFlowServing { repository, url: None };
            // Its tries are soon over.
            target.max_loading_time = std::time::Duration::ZERO;
        })
        .await;
        for runs in 1..=2 {
            match files {
                true => disk.fill_files(),
                false => disk.fill(),
            }
            yard.push(&[("auc: 0.7", &format!("auc: 0.7{runs}"))]).await;
            let waits = until("reason to wait", async || {
                yard.runs().await.into_iter().nth(runs - 1)?.waits_for
            })
            .await;
            assert!(
                waits.contains("the approved model waits to be pushed") && waits.contains("No space left on device"),
                "{waits}"
            );
            yard.restart().await;
            assert_eq!(yard.runs().await[runs - 1].state, RunState::Running);
            let intents = yard.engine.reads().intents("tiny").await.unwrap();
            assert_eq!(intents.len(), runs - 1, "nothing was begun");
            match files {
                true => disk.free_files(),
                false => disk.free(),
            }
            let (row, _) = yard.last(runs).await;
            assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
            assert_eq!(yard.serving().await.version, format!("{runs:06}"));
        }
    }
}
