//! A database of 100,000 runs and a million artifacts: ready, listed, measured, watched by many; and 1,000 runs in flight
//! that a kill leaves.

use crate::service::{Service, sqlite};
use crate::{median, millis, row};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};
use trainyard_engine::{Engine, ExecutorKind};

const ASKED: usize = 9;
const IN_FLIGHT: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(120);

/// Lists of every choice of filters, and the figures.
const PATHS: [&str; 9] = [
    "/api/v1/runs",
    "/api/v1/runs?state=failed",
    "/api/v1/runs?state=running",
    "/api/v1/runs?pipeline=pipeline-7",
    "/api/v1/runs?pipeline=pipeline-7&state=failed&limit=500",
    "/api/v1/runs?state=failed&before=00000000-0000-7000-8000-000000050000",
    "/api/v1/runs/00000000-0000-7000-8000-00000005000",
    "/api/v1/deliveries?limit=500",
    "/metrics",
];

/// The pages there.
const PAGES: [&str; 10] = [
    "/",
    "/runs",
    "/runs?state=failed",
    "/pipelines",
    "/models",
    "/deliveries",
    "/audit",
    "/data",
    "/tokens",
    "/compare?runs=00000000-0000-7000-8000-000000050000,00000000-0000-7000-8000-000000050001",
];

/// Pages that are open at once.
const OPEN: usize = 200;
/// How long nothing happens on them.
const QUIET: Duration = Duration::from_secs(10);

/// Lists, figures and pages of 100,000 runs.
pub async fn lists(folder: &Path) -> Result<()> {
    let data = folder.join("lists");
    one_run(folder, &data, ExecutorKind::Process, 1).await?;
    let database = data.join("trainyard.db");
    let database = database.to_str().context("no UTF-8")?;
    sqlite(&["fill", database])?;
    let artifact = sqlite(&["lineage", database])?.context("no artifact")?;
    let mut times = Vec::new();
    for _ in 0..3 {
        times.push(Service::start(&data, "[executor]\nkind = \"process\"\n")?.took);
    }
    let ready = median(times);
    row(
        "ready with 100,000 runs",
        &millis(ready),
        Some(("<= 1 s", ready <= Duration::from_secs(1))),
    );
    let service = Service::start(&data, "[executor]\nkind = \"process\"\n")?;
    let (time, path, _) = slowest(&service, &PATHS, |path| path.ends_with("5000"))?;
    let met = time <= Duration::from_millis(30);
    row(
        &format!("slowest of {} lists there, {path}", PATHS.len()),
        &millis(time),
        Some(("<= 30 ms", met)),
    );
    pages(&service, &format!("/lineage/bench/train/{artifact:.0}?direction=both"))?;
    open_pages(&service)
}

/// Hears of changes as a page does.
struct OpenPage(BufReader<TcpStream>);

impl OpenPage {
    fn of(service: &Service) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", service.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!("GET /live HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", service.port);
        stream.write_all(head.as_bytes())?;
        let mut page = Self(BufReader::new(stream));
        page.hear()?;
        Ok(page)
    }

    /// Takes what was told meanwhile.
    fn forget(&mut self) -> Result<()> {
        self.0.get_ref().set_nonblocking(true)?;
        while self.0.fill_buf().is_ok_and(|read| !read.is_empty()) {
            let read = self.0.buffer().len();
            self.0.consume(read);
        }
        self.0.get_ref().set_nonblocking(false)?;
        Ok(())
    }

    /// Waits for the next number.
    fn hear(&mut self) -> Result<()> {
        let mut line = String::new();
        while !line.starts_with("data:") {
            line.clear();
            ensure!(self.0.read_line(&mut line)? > 0, "the stream ended");
        }
        Ok(())
    }
}

/// What many open pages cost while nothing happens, and how soon the last of them hears of a change.
fn open_pages(service: &Service) -> Result<()> {
    let mut pages = (0..OPEN).map(|_| OpenPage::of(service)).collect::<Result<Vec<_>>>()?;
    let before = service.processor()?;
    std::thread::sleep(QUIET);
    let share = (service.processor()? - before).as_secs_f64() / QUIET.as_secs_f64();
    row(
        &format!("{OPEN} open pages while nothing happens"),
        &format!("{:.1} % of a core", share * 100.0),
        Some(("<= 1 %", share <= 0.01)),
    );
    let mut times = Vec::new();
    for number in 0..ASKED {
        let began = Instant::now();
        let body = format!("{{\"name\": \"bench-{number}\", \"role\": \"viewer\"}}");
        let answer = service.post("/api/v1/tokens", &body)?;
        ensure!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        for page in &mut pages {
            page.hear()?;
        }
        times.push(began.elapsed());
        // A deed is two changes: its beginning and its end may be told apart.
        std::thread::sleep(Duration::from_millis(200));
        for page in &mut pages {
            page.forget()?;
        }
    }
    let heard = median(times);
    row(
        "  a change is heard on the last of them after",
        &millis(heard),
        Some(("<= 100 ms", heard <= Duration::from_millis(100))),
    );
    Ok(())
}

/// The median of the slowest of these paths, which it is, and which is largest in bytes; some may be of nothing.
fn slowest<'p>(
    service: &Service,
    paths: &[&'p str],
    may_be_missing: impl Fn(&str) -> bool,
) -> Result<(Duration, &'p str, (usize, &'p str))> {
    let (mut slowest, mut largest) = ((Duration::ZERO, ""), (0, ""));
    for path in paths {
        let mut times = Vec::new();
        for _ in 0..ASKED {
            let asked = Instant::now();
            let answer = service.get(path)?;
            times.push(asked.elapsed());
            ensure!(
                answer.starts_with("HTTP/1.1 200") || may_be_missing(path),
                "{path}: {answer:.300}"
            );
            largest = largest.max((answer.len(), *path));
        }
        slowest = slowest.max((median(times), *path));
    }
    Ok((slowest.0, slowest.1, largest))
}

/// How long the slowest page takes, whole, and how long the largest is.
fn pages(service: &Service, lineage: &str) -> Result<()> {
    let all = [&PAGES[..], &[lineage]].concat();
    let (time, path, (length, largest)) = slowest(service, &all, |path| path.starts_with("/compare"))?;
    row(
        &format!("slowest of {} pages there, {path}", all.len()),
        &millis(time),
        Some(("<= 100 ms", time <= Duration::from_millis(100))),
    );
    row(
        &format!("  the largest, {largest}"),
        &format!("{} KB", length / 1000),
        Some(("<= 150 KB", length <= 150_000)),
    );
    Ok(())
}

/// Runs with a step each that sleeps; as many as are asked for are requested.
async fn one_run(folder: &Path, data: &Path, executor: ExecutorKind, runs: usize) -> Result<()> {
    let pipeline = folder.join("pipelines/sleeper");
    std::fs::create_dir_all(&pipeline)?;
    let text = "name: sleeper\nconcurrency: { max_active_runs: 100000 }\nsteps:\n  \
        sleep: { image: none, command: [/bin/sleep, '600'] }\n";
    std::fs::write(pipeline.join("pipeline.yaml"), text)?;
    let config = trainyard_engine::EngineConfig {
        executor,
        ..crate::config(data)
    };
    let engine = Engine::open(config).await?;
    for _ in 0..runs {
        engine
            .request_local(&pipeline, &serde_json::Map::new(), false, "bench")
            .await?;
    }
    engine.close().await;
    Ok(())
}

/// From the start after a kill until every run has its worker again.
pub async fn resumed(folder: &Path) -> Result<()> {
    let data = folder.join("resumed");
    one_run(folder, &data, ExecutorKind::Process, IN_FLIGHT).await?;
    let settings = format!("[executor]\nkind = \"process\"\nmax_parallel_runs = {IN_FLIGHT}\n");
    let mut service = Service::start(&data, &settings)?;
    let path = service.database.to_str().context("no UTF-8")?.to_owned();
    let until = |query: &str, wanted: usize| -> Result<()> {
        let began = Instant::now();
        while sqlite(&["count", &path, query])? != Some(wanted as f64) {
            ensure!(began.elapsed() < PATIENCE, "{query} is not {wanted}");
        }
        Ok(())
    };
    until("SELECT COUNT(*) FROM runs WHERE steps LIKE '%\"running\"%'", IN_FLIGHT)?;
    service.kill();
    let began = Instant::now();
    let service = Service::start(&data, &settings)?;
    until(
        "SELECT COUNT(*) FROM runs WHERE lease_epoch > 1 AND lease_owner IS NOT NULL",
        IN_FLIGHT,
    )?;
    let took = began.elapsed();
    let met = took <= Duration::from_secs(2);
    row(
        &format!("{IN_FLIGHT} runs in flight resumed after a kill -9"),
        &millis(took),
        Some(("<= 2 s", met)),
    );
    row("  resident then", &format!("{:.0} MB", service.memory()?), None);
    Ok(())
}
