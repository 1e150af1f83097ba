//! What goes through the bucket: inputs by digest, the task of a pod, and what it left there.

use super::manifest::{MOST_OUTPUTS, input};
use crate::abandoned::Abandoned;
use crate::contract::{ExecutorError, InputContent, Program};
use crate::staging::Mount;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use trainyard_core::artifact::Digest;
use trainyard_sources::{Access, Exchange, LONGEST_SIGNED, ObjectError};
use trainyard_stage::{
    Bring, Claim, Content, FORMAT, Later, Object, PART_BYTES, Packed, Report, Shown, StagedObject, Task, pack, unpack,
};

/// Bytes that are handed on at once, and pieces that are ready.
const PIECE: usize = 1 << 20;
const READY: usize = 4;
/// A pod may wait for a node, and its program takes its time.
const GOOD_FOR: Duration = LONGEST_SIGNED;

/// Between two looks whether a later input is shown, and when it must be.
const LOOK: Duration = Duration::from_millis(100);
const SHOWN: Duration = Duration::from_secs(300);

/// Objects of one attempt.
pub(super) struct Freight<'a> {
    pub(super) exchange: &'a Exchange,
    /// The folder of the bucket that is the attempt's own.
    pub(super) folder: String,
}

/// The address of a task, and its hash: what a pod has to know.
pub(super) struct TaskAddress {
    pub(super) address: String,
    pub(super) sha256: String,
}

pub(super) fn told(error: ObjectError) -> ExecutorError {
    let message = error.to_string();
    match error {
        ObjectError::Disk { .. } => ExecutorError::Failed {
            message,
            source: Some(error.into()),
        },
        error if error.passes() => ExecutorError::Unreachable {
            what: "the object store".to_owned(),
            hint: message,
            source: Some(error.into()),
        },
        _ => ExecutorError::Failed {
            message,
            source: Some(error.into()),
        },
    }
}

impl Freight<'_> {
    fn name(&self, part: &str) -> String {
        format!("{}/{part}", self.folder)
    }

    async fn sign(&self, access: Access, name: &str) -> Result<String, ExecutorError> {
        self.exchange.sign(access, name, GOOD_FOR).await.map_err(told)
    }

    /// Brings everything that the program reads, and writes down what its pod has to do. What is there is not sent again.
    pub(super) async fn load(&self, program: &Program, laid: &[Mount]) -> Result<TaskAddress, ExecutorError> {
        let (mut inputs, mut later) = (Vec::new(), Vec::new());
        for (place, (asked, mount)) in program.inputs.iter().zip(laid).enumerate() {
            let name = input(place);
            let content = match &asked.content {
                InputContent::Tree(digest) => Content::Tree(self.tree(digest, &mount.source).await?),
                InputContent::Bytes(bytes) => match String::from_utf8(bytes.clone()) {
                    Ok(text) => Content::Text(text),
                    Err(_) => Content::Tree(
                        self.tree(&Digest::from_sha256(&Sha256::digest(bytes)), &mount.source)
                            .await?,
                    ),
                },
                InputContent::Files(files) => {
                    let mut staged = Vec::new();
                    for file in files {
                        let object = self.file(&file.digest, &mount.source.join(&file.name)).await?;
                        staged.push(StagedObject {
                            name: file.name.clone(),
                            object,
                        });
                    }
                    Content::Files(staged)
                }
                InputContent::Empty => Content::Empty,
                InputContent::Later => {
                    let target = asked
                        .target
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned();
                    later.push(Later {
                        name,
                        marker: self.sign(Access::Get, &self.later(&target, "json")).await?,
                        get: self.sign(Access::Get, &self.later(&target, "tar")).await?,
                        shown: self.sign(Access::Put, &self.later(&target, "shown")).await?,
                    });
                    continue;
                }
            };
            inputs.push(Bring { name, content });
        }
        let most = program.largest_file.unwrap_or(MOST_OUTPUTS);
        // What a tar stream has beside the bytes of files.
        let count = most.saturating_add(most / 8).div_ceil(PART_BYTES) + 1;
        let mut parts = Vec::new();
        for part in 0..count.min(MOST_OUTPUTS.div_ceil(PART_BYTES)) {
            parts.push(self.sign(Access::Put, &self.part(part)).await?);
        }
        let claim = self.name("claim");
        let task = Task {
            format: FORMAT,
            claim: Claim {
                put: self.sign(Access::Put, &claim).await?,
                get: self.sign(Access::Get, &claim).await?,
            },
            inputs,
            later,
            outputs: program.outputs.is_some(),
            parts,
            log: self.sign(Access::Put, &self.log()).await?,
            report: self.sign(Access::Put, &self.name("report.json")).await?,
        };
        let bytes = serde_json::to_vec(&task).map_err(|error| ExecutorError::Failed {
            message: "the task of a pod cannot be written down".to_owned(),
            source: Some(error.into()),
        })?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let name = self.name("task.json");
        self.exchange.put(&name, bytes).await.map_err(told)?;
        let address = self.sign(Access::Get, &name).await?;
        Ok(TaskAddress { address, sha256 })
    }

    fn later(&self, target: &str, ending: &str) -> String {
        self.name(&format!("later/{target}.{ending}"))
    }

    fn part(&self, number: u64) -> String {
        self.name(&format!("outputs/{number:06}"))
    }

    /// The whole log.
    pub(super) fn log(&self) -> String {
        self.name("log")
    }

    /// A tree that is kept by digest: packed, with what was packed beside it.
    async fn tree(&self, digest: &Digest, source: &Path) -> Result<Object, ExecutorError> {
        let (name, marker) = (
            format!("trees/{}.tar", digest.hex()),
            format!("trees/{}.json", digest.hex()),
        );
        let known = self.exchange.get(&marker).await.map_err(told)?;
        let known = known.and_then(|known| serde_json::from_slice::<Packed>(&known).ok());
        let packed = match known {
            Some(packed) if self.exchange.contains(&name).await.map_err(told)? => packed,
            _ => {
                let packed = self.send_tree(&name, source).await?;
                self.exchange
                    .put(&marker, serde_json::to_vec(&packed).unwrap_or_default())
                    .await
                    .map_err(told)?;
                packed
            }
        };
        let get = self.sign(Access::Get, &name).await?;
        Ok(Object {
            get,
            sha256: packed.sha256,
        })
    }

    async fn send_tree(&self, name: &str, source: &Path) -> Result<Packed, ExecutorError> {
        let source = source.to_owned();
        self.send(name, move |to| pack(&source, to)).await
    }

    async fn file(&self, digest: &Digest, source: &Path) -> Result<Object, ExecutorError> {
        let name = format!("files/{}", digest.hex());
        if !self.exchange.contains(&name).await.map_err(told)? {
            let (path, expected) = (source.to_owned(), digest.hex().to_owned());
            self.send(&name, move |to| {
                io::copy(&mut File::open(&path)?, to)?;
                to.flush()?;
                match to.sha256() == expected {
                    true => Ok(()),
                    false => Err(io::Error::other(
                        "the file changed since it was chosen: run again on the new content",
                    )),
                }
            })
            .await?;
        }
        let get = self.sign(Access::Get, &name).await?;
        Ok(Object {
            get,
            sha256: digest.hex().to_owned(),
        })
    }

    /// Sends what `write` writes, piece by piece.
    async fn send(
        &self,
        name: &str,
        write: impl FnOnce(&mut Pieces) -> io::Result<()> + Send + 'static,
    ) -> Result<Packed, ExecutorError> {
        let (to, pieces) = mpsc::channel(READY);
        let writing = Abandoned::run(move |_| {
            let mut writer = Pieces {
                to,
                buffer: Vec::new(),
                hash: Sha256::new(),
                bytes: 0,
            };
            match write(&mut writer).and_then(|()| writer.flush()) {
                Ok(()) => Some(Packed {
                    sha256: writer.sha256(),
                    bytes: writer.bytes,
                }),
                Err(error) => {
                    let _ = writer.to.blocking_send(Err(error));
                    None
                }
            }
        });
        let (sent, written) = tokio::join!(self.exchange.upload(name, pieces), writing);
        sent.map_err(told)?;
        written.flatten().ok_or_else(|| ExecutorError::Failed {
            message: format!("{name} was not sent, because of a defect: see the service's log"),
            source: None,
        })
    }

    /// Sends what a later input shows, and returns when the program sees it.
    pub(super) async fn show(&self, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        let text = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
        let (folder, name) = (
            text(target.parent().and_then(Path::file_name)),
            text(target.file_name()),
        );
        let packed = self.send_tree(&self.later(&folder, "tar"), source).await?;
        let shown = serde_json::to_vec(&Shown { name, packed }).unwrap_or_default();
        self.exchange
            .put(&self.later(&folder, "json"), shown)
            .await
            .map_err(told)?;
        let seen = self.later(&folder, "shown");
        let seen = async {
            while !self.exchange.contains(&seen).await.map_err(told)? {
                sleep(LOOK).await;
            }
            Ok(())
        };
        timeout(SHOWN, seen).await.unwrap_or_else(|_| {
            Err(ExecutorError::Failed {
                message: format!(
                    "{} was not shown to its program within {}s: look at its pod",
                    target.display(),
                    SHOWN.as_secs()
                ),
                source: None,
            })
        })
    }

    /// What the pod said of its end, if it did.
    pub(super) async fn report(&self) -> Result<Option<Report>, ExecutorError> {
        let Some(bytes) = self.exchange.get(&self.name("report.json")).await.map_err(told)? else {
            return Ok(None);
        };
        let read = Report::read(&bytes);
        read.map(Some).map_err(|error| ExecutorError::Refused {
            message: error.to_string(),
        })
    }

    /// Brings what the program made to a path that is not there yet. Every part is what the pod says it is.
    pub(super) async fn unload(&self, parts: &[Packed], to: PathBuf) -> Result<(), ExecutorError> {
        let (sender, pieces) = mpsc::channel::<io::Result<Bytes>>(READY);
        let laying = Abandoned::run(move |_| {
            unpack(
                Arriving {
                    pieces,
                    current: Bytes::new(),
                },
                &to,
            )
        });
        let reading = async {
            let read = self.read_parts(parts, &sender).await;
            if read.is_err() {
                let _ = sender.send(Err(io::Error::other("it broke off"))).await;
            }
            drop(sender);
            read
        };
        let (read, laid) = tokio::join!(reading, laying);
        read?;
        laid.unwrap_or_else(|| Err(io::Error::other("a defect")))
            .map_err(|error| ExecutorError::Failed {
                message: format!("the outputs cannot be laid out: {error}"),
                source: Some(error.into()),
            })
    }

    async fn read_parts(&self, parts: &[Packed], to: &mpsc::Sender<io::Result<Bytes>>) -> Result<(), ExecutorError> {
        for (number, part) in (0..).zip(parts) {
            let name = self.part(number);
            let changed = || ExecutorError::Failed {
                message: format!(
                    "{name} of the bucket is not what the pod wrote there: look for who else writes to the bucket"
                ),
                source: None,
            };
            let mut bytes = self.exchange.read(&name, 0).await.map_err(told)?.ok_or_else(changed)?;
            let mut hash = Sha256::new();
            while let Some(piece) = bytes.next().await {
                let piece = piece.map_err(|error| ExecutorError::Unreachable {
                    what: "the object store".to_owned(),
                    hint: format!("it broke off while {name} was read"),
                    source: Some(error.into()),
                })?;
                hash.update(&piece);
                if to.send(Ok(piece)).await.is_err() {
                    // Whoever lays it out says why it stopped.
                    return Ok(());
                }
            }
            if hex::encode(hash.finalize()) != part.sha256 {
                return Err(changed());
            }
        }
        Ok(())
    }

    /// Removes everything of the attempt.
    pub(super) async fn discard(&self) -> Result<(), ExecutorError> {
        self.exchange.remove_folder(&self.folder).await.map_err(told)
    }
}

/// Bytes on their way into an upload, hashed.
struct Pieces {
    to: mpsc::Sender<io::Result<Vec<u8>>>,
    buffer: Vec<u8>,
    hash: Sha256,
    bytes: u64,
}

impl Pieces {
    fn sha256(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.buffer);
        let gone = |_| io::Error::other("the upload was given up");
        self.to.blocking_send(Ok(piece)).map_err(gone)
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => self.hand_on(),
        }
    }
}

/// Bytes of a download, as a reader.
struct Arriving {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.current.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.current.split_to(taken));
        Ok(taken)
    }
}
