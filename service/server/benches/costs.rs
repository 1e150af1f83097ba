//! What Trainyard costs: `make bench`.
//!
//! Ours and the limit alternate in one run, so that a busy machine disturbs both; medians and their
//! ratio are reported. Nothing here passes or fails by time.

mod docker;
mod footprint;
mod forged;
mod intake;
mod many_runs;
mod outputs;
mod pending;
mod service;

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trainyard_engine::{Engine, EngineConfig, ExecutorKind};

/// Containers of the chain.
const STEPS: usize = 10;
/// Rounds of each side; one more warms up.
const ROUNDS: usize = 9;
/// An image with `/bin/true`.
const IMAGE: &str = "trainyard/base:bookworm";

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    println!("load {}, {} cores", load()?, std::thread::available_parallelism()?);
    row("fsync of 4 KiB", &millis(fsync(folder.path())?), None);
    // One part alone: `cargo bench --bench costs -- intake`.
    let only = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("outputs") {
        outputs::report(folder.path())?;
    }
    if wanted("steps") {
        runtime.block_on(outputs::steps(folder.path()))?;
    }
    if wanted("containers") {
        runtime.block_on(containers(folder.path()))?;
    }
    if wanted("footprint") {
        runtime.block_on(footprint::report(folder.path()))?;
    }
    if wanted("intake") {
        runtime.block_on(intake::report(folder.path()))?;
    }
    if wanted("forged") {
        runtime.block_on(forged::report(folder.path()))?;
    }
    if wanted("pending") {
        runtime.block_on(pending::report(folder.path()))?;
    }
    if wanted("lists") {
        runtime.block_on(many_runs::lists(folder.path()))?;
    }
    if wanted("resumed") {
        runtime.block_on(many_runs::resumed(folder.path()))?;
    }
    Ok(())
}

/// A chain of containers through the engine, against the same through the raw API.
async fn containers(folder: &Path) -> Result<()> {
    let engine = Engine::open(config(&folder.join("chain"))).await?;
    let uncached = pipeline(folder, "uncached", false)?;
    let cached = pipeline(folder, "cached", true)?;
    let mut raw_api = docker::Raw::connect()?;
    let image = raw_api.image_id(IMAGE)?;

    let (mut ours, mut raw, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    run(&engine, &cached).await?;
    for round in 0..=ROUNDS {
        let through_engine = run(&engine, &uncached).await?;
        let started = Instant::now();
        for step in 0..STEPS {
            raw_api.run_to_end(
                &image,
                &format!("trainyard-bench-{}-{round}-{step}", std::process::id()),
            )?;
        }
        let through_api = started.elapsed();
        let unchanged = run(&engine, &cached).await?;
        if round > 0 {
            ours.push(through_engine);
            raw.push(through_api);
            nothing.push(unchanged);
        }
    }
    let (ours, raw, nothing) = (median(ours), median(raw), median(nothing));
    let ratio = ours.as_secs_f64() / raw.as_secs_f64();
    row(&format!("chain of {STEPS} x /bin/true, engine"), &millis(ours), None);
    row(
        &format!("chain of {STEPS} x /bin/true, raw Docker API"),
        &millis(raw),
        None,
    );
    row(
        "  engine, by raw API",
        &format!("{ratio:.3} x"),
        Some(("<= 1.100 x", ratio <= 1.1)),
    );
    row(
        &format!("run of {STEPS} steps in which nothing changed"),
        &millis(nothing),
        None,
    );
    Ok(())
}

async fn run(engine: &Engine, folder: &Path) -> Result<Duration> {
    let started = Instant::now();
    let id = engine
        .request_local(folder, &serde_json::Map::new(), false, "bench")
        .await?;
    let run = engine.drive(&id).await?;
    let took = started.elapsed();
    ensure!(
        run.state == trainyard_core::run::RunState::Succeeded,
        "the run ended: {:?}",
        run.summary
    );
    Ok(took)
}

/// Ten steps of `/bin/true`, one after the other.
fn pipeline(folder: &Path, name: &str, cache: bool) -> Result<PathBuf> {
    let pipeline = folder.join("pipelines").join(name);
    std::fs::create_dir_all(&pipeline)?;
    let mut text = format!("name: {name}\nsteps:\n");
    for step in 0..STEPS {
        let after = if step == 0 {
            String::new()
        } else {
            format!(", after: [step{}]", step - 1)
        };
        writeln!(
            text,
            "  step{step}: {{ image: \"{IMAGE}\", command: [/bin/true], cache: {cache}{after} }}"
        )?;
    }
    std::fs::write(pipeline.join("pipeline.yaml"), text)?;
    Ok(pipeline)
}

fn config(data_dir: &Path) -> EngineConfig {
    EngineConfig {
        data_dir: data_dir.to_owned(),
        data_root: data_dir.join("data"),
        objects: Default::default(),
        database_url: None,
        public_url: None,
        github: None,
        executor: ExecutorKind::Docker,
        components_image: "trainyard/components".to_owned(),
        max_parallel_steps: 2,
        max_parallel_runs: 1,
        limits: Default::default(),
        secrets: Default::default(),
        secrets_dir: None,
        gpus: None,
        targets: BTreeMap::new(),
        retention: Default::default(),
        notify: Vec::new(),
        traces: None,
    }
}

fn fsync(folder: &Path) -> Result<Duration> {
    use std::io::Write;
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(median(times))
}

/// A line of the table: the figure, its value, and the goal with whether it is met.
pub fn row(figure: &str, value: &str, goal: Option<(&str, bool)>) {
    let (goal, met) = goal.map_or(("", ""), |(goal, met)| (goal, if met { "met" } else { "NOT MET" }));
    println!("{}", format!("{figure:<66} {value:>14}   {goal:<14} {met}").trim_end());
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Milliseconds with one decimal.
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn load() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg").context("no /proc/loadavg")?;
    Ok(text.split_whitespace().next().unwrap_or("?").to_owned())
}
