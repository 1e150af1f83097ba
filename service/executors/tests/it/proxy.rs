//! A socket before the real engine's that can disturb single requests, as a crash or a restart does.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// Nothing special.
    Pass,
    /// The connection ends before the engine sees it.
    Lost,
    /// The engine does it, and the answer is lost.
    AnswerLost,
    /// The answer breaks off after so many bytes.
    CutAfter(usize),
    /// The answer is well formed and says nothing.
    Empty,
    /// The engine answers with status 500.
    Failing,
    /// The connection stays open and nothing comes.
    Silent,
}

/// What happens to the next request whose line contains a text.
type Fates = Arc<Mutex<Vec<(&'static str, Fate)>>>;

pub struct Proxy {
    folder: tempfile::TempDir,
    fates: Fates,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let proxy = Self {
            folder,
            fates: Fates::default(),
            requests: Arc::default(),
        };
        let (fates, requests) = (Arc::clone(&proxy.fates), Arc::clone(&proxy.requests));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (fates, requests) = (Arc::clone(&fates), Arc::clone(&requests));
                tokio::spawn(async move { serve(client, &fates, &requests).await });
            }
        });
        proxy
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    /// The next request that contains the text meets this fate.
    pub fn next(&self, request: &'static str, fate: Fate) {
        self.fates.lock().unwrap().push((request, fate));
    }

    /// Whether every fate was met.
    pub fn is_done(&self) -> bool {
        self.fates.lock().unwrap().is_empty()
    }

    /// Method and path of every request so far, without names and queries.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut client: UnixStream, fates: &Fates, requests: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = String::from_utf8_lossy(&head)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    requests.lock().unwrap().push(shown(&line));
    let fate = {
        let mut fates = fates.lock().unwrap();
        let place = fates.iter().position(|(request, _)| line.contains(request));
        place.map_or(Fate::Pass, |place| fates.remove(place).1)
    };
    let mut engine = UnixStream::connect(engine_socket()).await?;
    match fate {
        Fate::Lost => return Ok(()),
        Fate::Silent => return std::future::pending().await,
        Fate::Empty => {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            return client.write_all(answer).await;
        }
        Fate::Failing => {
            let body = r#"{"message":"context deadline exceeded"}"#;
            let answer = format!(
                "HTTP/1.1 500 Oops\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            return client.write_all(answer.as_bytes()).await;
        }
        Fate::Pass => {
            engine.write_all(&head).await?;
            tokio::io::copy_bidirectional(&mut client, &mut engine).await?;
        }
        Fate::AnswerLost => {
            engine.write_all(&head).await?;
            let (mut from_client, _to_client) = client.split();
            let (mut from_engine, mut to_engine) = engine.split();
            tokio::select! {
                _ = tokio::io::copy(&mut from_client, &mut to_engine) => {}
                _ = from_engine.read_u8() => {}
            }
        }
        Fate::CutAfter(bytes) => {
            engine.write_all(&head).await?;
            let (mut from_client, mut to_client) = client.split();
            let (from_engine, mut to_engine) = engine.split();
            let mut some = from_engine.take(bytes as u64);
            tokio::select! {
                // The request may end long before its answer does.
                result = async { tokio::io::copy(&mut from_client, &mut to_engine).await?; std::future::pending().await } => return result,
                _ = tokio::io::copy(&mut some, &mut to_client) => {}
            }
        }
    }
    Ok(())
}

fn engine_socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").into()
}

/// `POST /containers/<name>/start?x=y HTTP/1.1` → `POST start`.
fn shown(line: &str) -> String {
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default().split('?').next().unwrap_or_default();
    match method {
        "DELETE" => method.to_owned(),
        _ => format!("{method} {}", path.rsplit('/').next().unwrap_or_default()),
    }
}
