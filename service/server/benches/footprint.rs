//! How fast the service is ready, and what it holds while idle.

use crate::{median, millis, row};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 9;
const IDLE: Duration = Duration::from_secs(5);

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the binary several times on an empty data folder, then once more to sit idle.
pub async fn report(folder: &Path) -> Result<()> {
    let mut times = Vec::new();
    for round in 0..STARTS {
        let (service, took) = start(&folder.join(format!("start-{round}"))).await?;
        times.push(took);
        drop(service);
    }
    let ready = median(times);
    row(
        "process start to ready",
        &millis(ready),
        Some(("< 200 ms", ready < Duration::from_millis(200))),
    );
    let (service, _) = start(&folder.join("idle")).await?;
    tokio::time::sleep(IDLE).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.0.id()))?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let kilobytes: f64 = resident.trim().trim_end_matches(" kB").parse()?;
    row(
        &format!("resident after {} s idle", IDLE.as_secs()),
        &format!("{:.1} MB", kilobytes / 1024.0),
        Some(("< 50 MB", kilobytes < 50.0 * 1024.0)),
    );
    Ok(())
}

async fn start(data: &Path) -> Result<(Service, Duration)> {
    std::fs::create_dir_all(data)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = data.join("trainyard.toml");
    std::fs::write(
        &config,
        format!("data_dir = \"{}\"\nlisten = \"127.0.0.1:{port}\"\n", data.display()),
    )?;
    let started = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_trainyard"))
        .arg("--config")
        .arg(&config)
        .arg("serve")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let service = Service(child);
    while started.elapsed() < Duration::from_secs(20) {
        if ready(port) {
            return Ok((service, started.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("the service was not ready within 20s")
}

fn ready(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let request = format!("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 200"
}
