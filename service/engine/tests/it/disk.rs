//! A full disk: deliveries are refused, nothing is lost, and all goes on when there is room.

use crate::tiny::Task;
use crate::yard::{Yard, until};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use trainyard_core::run::{RunState, StepState};
use trainyard_engine::Engine;
use trainyard_executors::fake::Script;

/// A small disk of its own, gone when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` for those who may not mount.
    fn new(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "trainyard-test"])
            .arg(folder.path())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let filler = std::fs::File::create(self.path().join("filler")).unwrap();
        let mut size = 0;
        while std::os::unix::fs::FileExt::write_all_at(&filler, &[1; 4096], size).is_ok() {
            size += 4096;
        }
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
    disk.fill();
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
    disk.fill();
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
