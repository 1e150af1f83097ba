//! Requests without a signature beside signed ones: what strangers cost those who wait.

use crate::intake::Sender;
use crate::row;
use crate::service::Service;
use anyhow::{Result, ensure};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Strangers' connections, and how many requests a second they make together.
const STRANGERS: u32 = 64;
const RATE: u32 = 20_000;
/// One signed webhook each.
const PACE: Duration = Duration::from_millis(20);
const ROUND: Duration = Duration::from_secs(10);

/// As fast as asked, or as fast as the machine can.
async fn stranger(port: u16, until: Instant, refused: Arc<AtomicU64>) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let request = "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                   X-GitHub-Delivery: 0\r\nX-GitHub-Event: push\r\nContent-Length: 2\r\n\r\n{}";
    let pace = Duration::from_secs(1) * STRANGERS / RATE;
    let (mut due, mut answer) = (Instant::now(), [0; 2048]);
    while Instant::now() < until {
        due += pace;
        tokio::time::sleep_until(due.into()).await;
        stream.write_all(request.as_bytes()).await?;
        let read = stream.read(&mut answer).await?;
        ensure!(
            answer[..read].starts_with(b"HTTP/1.1 401"),
            "{}",
            String::from_utf8_lossy(&answer[..read])
        );
        refused.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The delay of signed webhooks alone and beside strangers, and the memory that the latter take.
pub async fn report(folder: &Path) -> Result<()> {
    let service = Service::start(&folder.join("forged"), &Service::with_webhooks())?;
    let sender = Sender::to(service.port);
    let mut alone = sender.run(Instant::now() + ROUND, Some(PACE)).await?;
    let until = Instant::now() + ROUND;
    let refused = Arc::new(AtomicU64::new(0));
    let mut strangers = Vec::new();
    for _ in 0..STRANGERS {
        strangers.push(tokio::spawn(stranger(service.port, until, Arc::clone(&refused))));
    }
    let mut beside = sender.run(until, Some(PACE)).await?;
    for stranger in strangers {
        stranger.await??;
    }
    alone.sort();
    beside.sort();
    let slow = |times: &[Duration]| times[times.len() * 99 / 100];
    let rate = refused.load(Ordering::Relaxed) as f64 / ROUND.as_secs_f64();
    row(
        "unsigned requests beside 50 signed ones a second",
        &format!("{rate:.0} /s"),
        None,
    );
    row("  p99 of the signed ones alone", &crate::millis(slow(&alone)), None);
    row(
        "  p99 of the signed ones beside them",
        &crate::millis(slow(&beside)),
        Some(("<= 1000 ms", slow(&beside) <= Duration::from_secs(1))),
    );
    let most = service.most_memory()?;
    row(
        "  most resident memory",
        &format!("{most:.0} MB"),
        Some(("<= 150 MB", most <= 150.0)),
    );
    Ok(())
}
