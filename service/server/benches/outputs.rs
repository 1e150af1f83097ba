//! Steps that write very many files, or very much to their log.

use crate::{ROUNDS, median, millis, row};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use trainyard_engine::artifacts::{Abandoned, digest, remove_tree, seal};

/// Files of one output, a tenth of those that a careless step writes.
const FILES: usize = 10_000;

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
            std::fs::create_dir_all(&folder)?;
        }
        std::fs::write(folder.join(number.to_string()), format!("row {number} of an output"))?;
    }
    Ok(())
}
