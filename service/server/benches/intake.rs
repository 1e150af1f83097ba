//! Signed webhooks, answered after the fsync, against a group-committing writer of the same rows.

use crate::row;
use crate::service::{SECRET, Service, sqlite};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trainyard_github::signature::sign;

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);

/// A body as large as GitHub's of a small push.
fn body() -> Vec<u8> {
    let mut body = br#"{"zen": "Keep it logically awesome."}"#.to_vec();
    body.resize(8192, b' ');
    body
}

pub struct Sender {
    port: u16,
    body: Arc<Vec<u8>>,
    signature: Arc<String>,
    next: Arc<AtomicU64>,
    accepted: Arc<AtomicU64>,
}

impl Sender {
    pub fn to(port: u16) -> Self {
        let body = body();
        Self {
            port,
            signature: Arc::new(sign(SECRET, &body)),
            body: Arc::new(body),
            next: Arc::default(),
            accepted: Arc::default(),
        }
    }

    /// Sends until `until`, each at its time where there is a pace; the times from when each was due to its answer.
    pub async fn run(&self, until: Instant, pace: Option<Duration>) -> Result<Vec<Duration>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let (mut times, mut answer) = (Vec::new(), [0; 2048]);
        let mut due = Instant::now();
        while Instant::now() < until {
            if let Some(pace) = pace {
                due += pace;
                tokio::time::sleep_until(due.into()).await;
            } else {
                due = Instant::now();
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let head = format!(
                "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 User-Agent: GitHub-Hookshot/0000000\r\nX-GitHub-Delivery: {}\r\nX-GitHub-Event: ping\r\n\
                 X-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
                guid(number),
                self.signature,
                self.body.len()
            );
            stream.write_all(&[head.as_bytes(), &self.body].concat()).await?;
            let read = stream.read(&mut answer).await?;
            ensure!(
                answer[..read].starts_with(b"HTTP/1.1 202"),
                "{}",
                String::from_utf8_lossy(&answer[..read])
            );
            self.accepted.fetch_add(1, Ordering::Relaxed);
            times.push(due.elapsed());
        }
        Ok(times)
    }
}

/// Numbers spread over all ids, as GitHub's are.
fn guid(number: u64) -> String {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-11ef-8000-{number:012x}",
        spread >> 32,
        (spread >> 16) & 0xffff
    )
}

async fn load(sender: &Arc<Sender>, pace: Option<Duration>) -> Result<(f64, Vec<Duration>)> {
    let (began, mut tasks) = (Instant::now(), Vec::new());
    let until = began + ROUND;
    for _ in 0..CONNECTIONS {
        let sender = Arc::clone(sender);
        tasks.push(tokio::spawn(async move { sender.run(until, pace).await }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    times.sort();
    Ok((times.len() as f64 / began.elapsed().as_secs_f64(), times))
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

/// The rates of both, how far the settling is behind, the delay at half the rate, and what a kill loses.
pub async fn report(folder: &Path) -> Result<()> {
    let mut service = Service::start(&folder.join("intake"), &Service::with_webhooks())?;
    let bare = folder.join("bare");
    drop(Service::start(&bare, "")?);
    let bare = bare.join("trainyard.db");
    let sender = Arc::new(Sender::to(service.port));
    let (mut ours, mut limit, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let began = Instant::now();
        let before = sender.accepted.load(Ordering::Relaxed);
        let (rate, _) = load(&sender, None).await?;
        let sent = (sender.accepted.load(Ordering::Relaxed) - before) as f64;
        while !service.get("/metrics")?.contains("\ntrainyard_deliveries_waiting 0\n") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let took = began.elapsed();
        let seconds = ROUND.as_secs_f64().to_string();
        let path = bare.to_str().context("no UTF-8")?;
        let writer = sqlite(&["write", path, &CONNECTIONS.to_string(), &seconds])?.context("no rate")?;
        if round > 0 {
            ours.push(rate);
            limit.push(writer);
            settled.push(sent / took.as_secs_f64());
        }
    }
    let (rate, limit, settled) = (middle(ours), middle(limit), middle(settled));
    row(
        "group-committing writer, 64 rows of 8 KiB a commit",
        &format!("{limit:.0} /s"),
        None,
    );
    row(
        "signed webhooks of 8 KiB, 64 connections, answered after fsync",
        &format!("{rate:.0} /s"),
        None,
    );
    let ratio = rate / limit;
    row(
        "  webhooks, by the writer",
        &format!("{ratio:.2} x"),
        Some((">= 0.70 x", ratio >= 0.7)),
    );
    let behind = settled / rate;
    row(
        "  accepted and settled, by accepted",
        &format!("{behind:.2} x"),
        Some((">= 0.90 x", behind >= 0.9)),
    );
    let pace = Duration::from_secs_f64(CONNECTIONS as f64 / (rate / 2.0));
    let (_, times) = load(&sender, Some(pace)).await?;
    let slow = times[times.len() * 99 / 100];
    row(
        "  p99 at half the rate",
        &crate::millis(slow),
        Some(("<= 25 ms", slow <= Duration::from_millis(25))),
    );
    row(
        "  resident after all of it",
        &format!("{:.0} MB", service.memory()?),
        None,
    );
    // In the middle of it, so that some are half way.
    let loading = Arc::clone(&sender);
    let load = tokio::spawn(async move { load(&loading, None).await.is_ok() });
    tokio::time::sleep(ROUND / 3).await;
    service.kill();
    load.await?;
    let accepted = sender.accepted.load(Ordering::Relaxed);
    let path = service.database.to_str().context("no UTF-8")?;
    let stored = sqlite(&["count", path, "SELECT COUNT(*) FROM deliveries"])?.context("no count")? as u64;
    let lost = accepted.saturating_sub(stored);
    row(
        "  of those answered before a kill -9, lost",
        &format!("{lost} of {accepted}"),
        Some(("0", lost == 0)),
    );
    Ok(())
}
