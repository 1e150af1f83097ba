//! `stage out`: waits until the program has ended, and takes away what it said and made.

use crate::bring::{task, told};
use crate::http::{Http, TransferError};
use crate::pack::{Packed, Parts, pack, unpack};
use crate::place::{self, at};
use crate::protocol::{End, FORMAT, Later, PART_BYTES, Report, Shown, Task};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// Between two looks whether the program has started.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks whether a later input is there.
const LOOK_LATER: Duration = Duration::from_millis(200);
/// `O_NOFOLLOW`: what the program left may be a link to what only this container sees.
const NO_LINK: i32 = 0o400_000;

/// Takes everything away; the code to end with.
pub async fn take(pod: &str) -> i32 {
    match taken(pod).await {
        Ok(()) => 0,
        Err(error) => {
            told(&error.to_string());
            1
        }
    }
}

async fn taken(pod: &str) -> Result<(), Box<dyn std::error::Error>> {
    let http = Http::new()?;
    let task = task(&http).await?;
    for later in &task.later {
        tokio::spawn(shown(http.clone(), later.clone()));
    }
    // A pod that is ended before its program began has nothing to say. Later this program goes on for as long as it may.
    let mut asked_to_end = signal(SignalKind::terminate())?;
    while !at(place::STARTED).exists() {
        tokio::select! {
            _ = asked_to_end.recv() => return Ok(()),
            () = sleep(LOOK) => {}
        }
    }
    tokio::task::spawn_blocking(until_unlocked).await??;
    let end = file(at(place::END).as_path()).and_then(|mut file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    });
    let log = log(&http, &task).await?;
    let outputs = match task.outputs {
        true => outputs(&http, &task).await?,
        false => Vec::new(),
    };
    let report = Report {
        format: FORMAT,
        pod: pod.to_owned(),
        end: end.unwrap_or(End::Unseen),
        log: Some(log),
        outputs,
    };
    http.put(&task.report, "the report of the end", &serde_json::to_vec(&report)?)
        .await?;
    Ok(())
}

/// Whoever holds the lock has ended when this returns.
fn until_unlocked() -> io::Result<()> {
    let lock = File::open(at(place::LOCK))?;
    loop {
        match flock(&lock, FlockOperation::LockShared) {
            Err(rustix::io::Errno::INTR) => {}
            held => return Ok(held?),
        }
    }
}

fn file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(NO_LINK).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("what the program left there is no file")),
    }
}

async fn log(http: &Http, task: &Task) -> Result<Packed, TransferError> {
    let (what, path) = ("the log", at(place::LOG));
    let disk = |source: io::Error| TransferError::Disk {
        what: what.to_owned(),
        source,
    };
    let packed = (|| {
        let (mut file, mut hash) = (file(&path)?, Sha256::new());
        let bytes = io::copy(&mut file, &mut Hashing(&mut hash))?;
        Ok(Packed {
            sha256: hex::encode(hash.finalize()),
            bytes,
        })
    })();
    let packed = packed.map_err(disk)?;
    http.put_file(&task.log, what, &path, packed.bytes).await?;
    Ok(packed)
}

struct Hashing<'a>(&'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Part by part, so that neither memory nor disk holds more than one.
async fn outputs(http: &Http, task: &Task) -> Result<Vec<Packed>, TransferError> {
    let (http, addresses) = (http.clone(), task.parts.clone());
    let runtime = Handle::current();
    let what = "the outputs";
    let disk = |source: io::Error| TransferError::Disk {
        what: what.to_owned(),
        source,
    };
    let packed = tokio::task::spawn_blocking(move || {
        let mut done = Vec::new();
        let mut failed = None;
        let mut parts = Parts::new(PART_BYTES, &at(place::SCRATCH), |path, packed| {
            let address = addresses.get(done.len()).ok_or_else(|| {
                io::Error::other("they are more than a step may make, which executor.max_output says")
            })?;
            let bytes = packed.bytes;
            done.push(packed);
            let kept = runtime.block_on(http.put_file(address, what, path, bytes));
            kept.map_err(|error| {
                let sentence = error.to_string();
                failed = Some(error);
                io::Error::other(sentence)
            })
        });
        let packed = pack(&at(place::OUTPUTS), &mut parts).and_then(|()| parts.finish());
        match (failed, packed) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(TransferError::Disk {
                what: what.to_owned(),
                source: error,
            }),
            (None, Ok(())) => Ok(done),
        }
    });
    packed.await.map_err(|error| disk(io::Error::other(error)))?
}

/// Shows a later input once it is in the store.
async fn shown(http: Http, later: Later) {
    let what = "a later input";
    let found = loop {
        match http.get(&later.marker, what).await {
            Ok(Some(marker)) => match serde_json::from_slice::<Shown>(&marker) {
                Ok(found) => break found,
                Err(error) => return told(&format!("{what} cannot be read: {error}")),
            },
            Ok(None) => sleep(LOOK_LATER).await,
            Err(error) => return told(&error.to_string()),
        }
    };
    let scratch = at(place::LATER).join(format!(".{}", later.name));
    let shown = at(place::LATER).join(&later.name).join(&found.name);
    let lay_out = move |from: &mut dyn io::Read| {
        let _ = std::fs::remove_dir_all(&scratch);
        unpack(from, &scratch)?;
        std::fs::rename(&scratch, &shown)
    };
    let shown = async {
        http.read(&later.get, what, &found.packed.sha256, lay_out).await?;
        http.put(&later.shown, what, b"").await
    };
    if let Err(error) = shown.await {
        told(&error.to_string());
    }
}
