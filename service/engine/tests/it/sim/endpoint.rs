//! A server of the outer world: it answers late, twice, wrongly or never, as the world says.

use super::world::Shared;
use std::net::TcpListener;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Every answer takes so long at least.
const LEAST: Duration = Duration::from_millis(1);

/// What comes of a request.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub after: Duration,
    pub status: u16,
    pub body: String,
    pub headers: &'static str,
    /// The connection ends without an answer.
    pub closes: bool,
    /// There is never an answer.
    pub hangs: bool,
    pub twice: bool,
}

impl Reply {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            body: body.to_string(),
            ..Self::default()
        }
    }

    pub fn closes() -> Self {
        Self {
            closes: true,
            ..Self::default()
        }
    }

    pub fn hangs() -> Self {
        Self {
            hangs: true,
            ..Self::default()
        }
    }

    pub fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, world: Shared) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        while connections.try_join_next().is_some() {}
        connections.spawn(answer(stream, world.clone()));
    }
}

async fn answer(mut stream: TcpStream, world: Shared) {
    let Some((method, path, body)) = request(&mut stream).await else {
        return;
    };
    let reply = world.lock().unwrap().request(&method, &path, &body);
    // No answer is there at once: when it comes is the virtual clock's matter, not the machine's.
    tokio::time::sleep(reply.after.max(LEAST)).await;
    if reply.hangs {
        std::future::pending::<()>().await;
    }
    if reply.closes {
        return;
    }
    let text = format!(
        "HTTP/1.1 {} So\r\ncontent-type: application/json\r\n{}content-length: {}\r\nconnection: close\r\n\r\n{}",
        reply.status,
        reply.headers,
        reply.body.len(),
        reply.body
    );
    let text = if reply.twice { text.repeat(2) } else { text };
    let _ = stream.write_all(text.as_bytes()).await;
}

/// Method, path and body.
async fn request(stream: &mut TcpStream) -> Option<(String, String, Vec<u8>)> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
    let first = String::from_utf8_lossy(&read[..end]).lines().next()?.to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Some(0), |length| length.trim().parse().ok())?;
    while read.len() < end + length {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = first.split(' ').map(str::to_owned);
    Some((words.next()?, words.next()?, read.split_off(end)))
}
