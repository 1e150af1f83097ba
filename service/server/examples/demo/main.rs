//! The main job, told by the real parts: `make demo`.
//!
//! A simulated GitHub and the service start on loopback, a model server starts in a container, and
//! a year of flights passes: a push, nine months of data, two pull requests and a rollback.

mod endpoint;
mod parts;
mod repository;
mod story;
mod table;

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where everything is written; left for a look afterwards.
const FOLDER: &str = "target/demo";

fn main() -> ExitCode {
    let started = std::time::Instant::now();
    match run() {
        Ok(()) => {
            println!(
                "\nThe whole story took {}s. Its data is in {FOLDER}/.",
                started.elapsed().as_secs()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nerror: the demo stopped: {error:#}");
            eprintln!("The logs are in {FOLDER}/*.log.");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = std::env::current_dir()?;
    anyhow::ensure!(
        root.join("pipelines/flights/pipeline.yaml").exists(),
        "start it with `make demo` at the top of the repository"
    );
    let folder = fresh_folder(&root)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = async {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted.map_err(anyhow::Error::from),
                _ = terminate.recv() => Ok(()),
            }
        };
        // Leaving this scope stops every part, whichever way it is left.
        tokio::select! {
            told = story::tell(&root, &folder) => told,
            stopped = stop => match stopped {
                Ok(()) if story::keeps_on() => Ok(()),
                Ok(()) => anyhow::bail!("somebody stopped it"),
                Err(error) => Err(error),
            }
        }
    })
}

fn fresh_folder(root: &Path) -> Result<PathBuf> {
    let folder = root.join(FOLDER);
    if folder.exists() {
        // Artifacts are read-only folders, which an ordinary removal cannot enter.
        trainyard_engine::artifacts::remove_tree(&folder).with_context(|| format!("{FOLDER} cannot be emptied"))?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
