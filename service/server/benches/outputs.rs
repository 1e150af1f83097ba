//! Steps that write very many files, or very much to their log.

use crate::{IMAGE, ROUNDS, config, median, millis, row, run};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use trainyard_engine::artifacts::{Abandoned, digest, remove_tree, seal};
use trainyard_engine::{Engine, EngineConfig, ExecutorKind};

/// Files of one output, a tenth of those that a careless step writes.
const FILES: usize = 10_000;

/// What a careless step does, as a shell says it; in files, and in bytes of its log.
const CARELESS: [(&str, &str); 3] = [
    (
        "a step of 100,000 output files",
        "mkdir -p $0 && cd $0 && seq 100000 | split -a 5 -l 1 -",
    ),
    (
        "a step of 1 GB of log",
        "mkdir -p $0 && echo done > $0/model && yes 'a line of a log that is of the usual length' | head -c 1000000000",
    ),
    (
        "a step of 100 MB of log",
        "mkdir -p $0 && echo done > $0/model && yes 'a line of a log that is of the usual length' | head -c 100000000",
    ),
];

/// Careless steps as a whole, against their programs alone with a sync of their disk.
pub async fn steps(folder: &Path) -> Result<()> {
    // Docker itself takes minutes for a gigabyte of short lines.
    let [files, log, less] = CARELESS;
    let kinds = [
        ("process", ExecutorKind::Process, [files, log]),
        ("container", ExecutorKind::Docker, [files, less]),
    ];
    for (kind, executor, careless_ones) in kinds {
        let engine = Engine::open(EngineConfig {
            executor,
            ..config(&folder.join(format!("careless-{kind}")))
        })
        .await?;
        for (number, (what, script)) in careless_ones.into_iter().enumerate() {
            let pipeline = careless(folder, &format!("{kind}-{number}"), script)?;
            let ours = run(&engine, &pipeline).await?;
            let alone = folder.join("alone");
            let output = fs::File::create(folder.join("alone.log"))?;
            let started = Instant::now();
            let program = Command::new("sh")
                .args(["-c", script])
                .arg(&alone)
                .stdout(output)
                .status();
            program.context("sh")?;
            let synced = Command::new("sync").arg("--file-system").arg(&alone).status();
            synced.context("sync")?;
            let limit = started.elapsed();
            remove_tree(&alone)?;
            let ratio = ours.as_secs_f64() / limit.as_secs_f64();
            row(&format!("{what}, {kind}"), &millis(ours), None);
            row(
                "  its program alone and a sync",
                &format!("{} = {ratio:.1} x", millis(limit)),
                None,
            );
        }
        engine.close().await;
    }
    Ok(())
}

fn careless(folder: &Path, name: &str, script: &str) -> Result<PathBuf> {
    let pipeline = folder.join("pipelines").join(name);
    fs::create_dir_all(&pipeline)?;
    let text = format!(
        "name: {name}\nsteps:\n  make:\n    image: \"{IMAGE}\"\n    command: [sh, -c, {script:?}, \"{{{{outputs.made}}}}\"]\n    \
         outputs: {{ made: Dataset }}\n    cache: false\n"
    );
    fs::write(pipeline.join("pipeline.yaml"), text)?;
    Ok(pipeline)
}

/// What it costs to seal them, against reading them and syncing their disk once.
pub fn report(folder: &Path) -> Result<()> {
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS / 3 {
        for sealed in [true, false] {
            let root = folder.join("files");
            write(&root)?;
            let started = Instant::now();
            if sealed {
                seal(&root, &Abandoned::default())?;
            } else {
                digest(&root, &Abandoned::default())?;
                let synced = Command::new("sync").arg("--file-system").arg(&root).status();
                synced.context("sync")?;
            }
            let took = started.elapsed();
            remove_tree(&root)?;
            if round > 0 {
                let times: &mut Vec<Duration> = if sealed { &mut ours } else { &mut limit };
                times.push(took);
            }
        }
    }
    let (ours, limit) = (median(ours), median(limit));
    let ratio = ours.as_secs_f64() / limit.as_secs_f64();
    row(&format!("an output of {FILES} files, sealed"), &millis(ours), None);
    row("  the same files, read and synced once", &millis(limit), None);
    row(
        "  sealed, by that",
        &format!("{ratio:.2} x"),
        Some(("<= 2.00 x", ratio <= 2.0)),
    );
    Ok(())
}

fn write(root: &Path) -> Result<()> {
    for number in 0..FILES {
        let folder = root.join((number / 100).to_string());
        if number % 100 == 0 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(number.to_string()), format!("row {number} of an output"))?;
    }
    Ok(())
}
