//! Objects by signed addresses, asked for again while the store has troubles of its own. An address is a right: none
//! is ever in an error.

use futures_util::TryStreamExt as _;
use reqwest::{Body, Client, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep};
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

/// How long a store may have troubles before it is given up.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// The first pause and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// A connection is there by then.
const CONNECTED: Duration = Duration::from_secs(10);
/// Nothing was heard for so long: it is broken.
const SILENT: Duration = Duration::from_secs(120);

/// Bytes of a file that are read at once.
const PIECE: usize = 256 * 1024;
/// Characters of an answer that are told.
const LONGEST_WORDS: usize = 300;

/// Why an object was not had or not kept; a sentence.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store says no.
    #[error(
        "the object store refuses {what} (status {status}): {said}; see that its key may read and write the bucket, and that clocks agree"
    )]
    Refused {
        /// What was asked for.
        what: String,
        /// Of its answer.
        status: u16,
        /// The beginning of its answer.
        said: String,
    },
    /// It is not there.
    #[error("{what} is not in the object store: look for who else removes objects of the bucket")]
    Absent {
        /// What.
        what: String,
    },
    /// Troubles that did not pass.
    #[error("{what} could not be exchanged with the object store for {}s: {why}", PATIENCE.as_secs())]
    Away {
        /// What was asked for.
        what: String,
        /// The newest trouble.
        why: String,
    },
    /// Its bytes are others.
    #[error("{what} in the object store is not what was written there: look for who else writes to the bucket")]
    Changed {
        /// What.
        what: String,
    },
    /// This machine.
    #[error("{what}: {source}")]
    Disk {
        /// What was done.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// A client for the addresses of one task.
#[derive(Clone)]
pub(crate) struct Http(Client);

/// What one try came to.
enum Tried {
    Final(TransferError),
    Again(String),
}

impl Http {
    pub(crate) fn new() -> io::Result<Self> {
        // An error only says that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECTED)
            .read_timeout(SILENT)
            .build();
        client.map(Self).map_err(io::Error::other)
    }

    /// All of a small object; `None` if it is not there.
    pub(crate) async fn get(&self, address: &str, what: &str) -> Result<Option<Vec<u8>>, TransferError> {
        again(what, || async {
            match self.asked(address, what).await {
                Ok(answer) => answer.bytes().await.map(|bytes| Some(bytes.to_vec())).map_err(trouble),
                Err(Tried::Final(TransferError::Absent { .. })) => Ok(None),
                Err(tried) => Err(tried),
            }
        })
        .await
    }

    /// Hands the bytes of an object to `take`, anew after each trouble; all of them were read, and are what they must be,
    /// when it returns.
    pub(crate) async fn read<F>(&self, address: &str, what: &str, sha256: &str, take: F) -> Result<(), TransferError>
    where
        F: Fn(&mut dyn Read) -> io::Result<()> + Clone + Send + 'static,
    {
        again(what, || async {
            let answer = self.asked(address, what).await?;
            let bytes = answer.bytes_stream().map_err(|error| io::Error::other(said(&error)));
            let bridge = SyncIoBridge::new(StreamReader::new(bytes));
            let take = take.clone();
            let taken = tokio::task::spawn_blocking(move || {
                let mut hashed = Hashed::new(bridge);
                let taken = take(&mut hashed).and_then(|()| io::copy(&mut hashed, &mut io::sink()).map(drop));
                (taken, hashed.broke_off, hex::encode(hashed.hash.finalize()))
            });
            match taken.await {
                Ok((Ok(()), _, found)) if found == sha256 => Ok(()),
                Ok((Ok(()), _, _)) => Err(Tried::Final(TransferError::Changed { what: what.to_owned() })),
                Ok((Err(error), true, _)) => Err(Tried::Again(error.to_string())),
                Ok((Err(source), false, _)) => Err(Tried::Final(disk(what, source))),
                Err(error) => Err(Tried::Again(error.to_string())),
            }
        })
        .await
    }

    /// Keeps a small object.
    pub(crate) async fn put(&self, address: &str, what: &str, bytes: &[u8]) -> Result<(), TransferError> {
        again(what, || async {
            let request = self.0.put(address).body(bytes.to_vec());
            kept(request.send().await, what).await.map(drop)
        })
        .await
    }

    /// Keeps a small object unless one is there already; whether it did.
    pub(crate) async fn put_new(&self, address: &str, what: &str, bytes: &[u8]) -> Result<bool, TransferError> {
        again(what, || async {
            let request = self.0.put(address).header("if-none-match", "*").body(bytes.to_vec());
            let sent = request.send().await;
            let taken = [StatusCode::PRECONDITION_FAILED, StatusCode::CONFLICT];
            if sent.as_ref().is_ok_and(|answer| taken.contains(&answer.status())) {
                return Ok(false);
            }
            kept(sent, what).await.map(|_| true)
        })
        .await
    }

    /// Keeps a file of so many bytes.
    pub(crate) async fn put_file(
        &self,
        address: &str,
        what: &str,
        file: &Path,
        bytes: u64,
    ) -> Result<(), TransferError> {
        again(what, || async {
            let opened = tokio::fs::File::open(file).await;
            let opened = opened.map_err(|source| Tried::Final(disk(what, source)))?;
            let body = Body::wrap_stream(ReaderStream::with_capacity(opened.take(bytes), PIECE));
            let request = self.0.put(address).header("content-length", bytes).body(body);
            kept(request.send().await, what).await.map(drop)
        })
        .await
    }

    async fn asked(&self, address: &str, what: &str) -> Result<Response, Tried> {
        kept(self.0.get(address).send().await, what).await
    }
}

/// An answer that means that it was done.
async fn kept(sent: reqwest::Result<Response>, what: &str) -> Result<Response, Tried> {
    let answer = sent.map_err(trouble)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status == StatusCode::NOT_FOUND {
        return Err(Tried::Final(TransferError::Absent { what: what.to_owned() }));
    }
    let text: String = answer.text().await.unwrap_or_default();
    let said: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(LONGEST_WORDS)
        .collect();
    let passes =
        status.is_server_error() || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
    match passes {
        true => Err(Tried::Again(format!("status {}: {said}", status.as_u16()))),
        false => Err(Tried::Final(TransferError::Refused {
            what: what.to_owned(),
            status: status.as_u16(),
            said,
        })),
    }
}

/// Tries until it is done, refused, or was tried for too long.
async fn again<T, F: Future<Output = Result<T, Tried>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, TransferError> {
    let (started, mut pause) = (Instant::now(), PAUSES.0);
    loop {
        let why = match attempt().await {
            Ok(done) => return Ok(done),
            Err(Tried::Final(error)) => return Err(error),
            Err(Tried::Again(why)) => why,
        };
        if started.elapsed() > PATIENCE {
            return Err(TransferError::Away {
                what: what.to_owned(),
                why,
            });
        }
        eprintln!("[trainyard] {what} is tried again: {why}");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn trouble(error: reqwest::Error) -> Tried {
    Tried::Again(said(&error))
}

/// The innermost cause, which has no address in it.
fn said(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the connection broke off".to_owned(),
        None => cause.to_string(),
    }
}

fn disk(what: &str, source: io::Error) -> TransferError {
    TransferError::Disk {
        what: what.to_owned(),
        source,
    }
}

/// A reader that hashes what it reads, and knows whether it was the connection that failed.
struct Hashed<R> {
    from: R,
    hash: Sha256,
    broke_off: bool,
}

impl<R: Read> Hashed<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            hash: Sha256::new(),
            broke_off: false,
        }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer);
        match &read {
            Ok(read) => self.hash.update(&buffer[..*read]),
            Err(error) => self.broke_off |= error.kind() != io::ErrorKind::Interrupted,
        }
        read
    }
}
