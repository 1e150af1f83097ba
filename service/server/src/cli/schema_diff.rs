//! `trainyard schema-diff`.

use super::{output, runs};
use crate::config::Config;
use anyhow::{Result, anyhow, bail};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trainyard_core::ids::StepName;
use trainyard_core::plan::{InputSource, PlannedStep};
use trainyard_core::run::Run;
use trainyard_engine::{SchemaDiffError, judged_statistics, schema_diff};

/// The data differ from the schema.
const DIFFERENT: u8 = 2;

/// Propose the changes a schema needs when the data have moved on, or a first schema
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard schema-diff 0192f0c1-2b3c           what the schema would have to allow\n  \
    trainyard schema-diff 0192f0c1-2b3c --write   then review the change and commit it\n  \
    trainyard schema-diff --schema schema.json --statistics statistics/Split-train/statistics.json\n\n\
    Start it at the top of the repository. A schema of {} knows nothing yet: --write infers it.\n\
    Exits with 0 if the data fit, or do now that --write has changed the schema, 2 if they differ, 1 if a file cannot be read.")]
pub(super) struct SchemaDiff {
    /// The run whose example-validator judged the data; the beginning of its id is enough
    #[arg(value_name = "RUN", conflicts_with = "statistics")]
    run: Option<String>,
    /// The schema; that of the run's pipeline file if absent
    #[arg(long, value_name = "FILE", required_unless_present = "run")]
    schema: Option<PathBuf>,
    /// What statistics-gen writes, the folder or a file of it; may be repeated
    #[arg(long, value_name = "PATH", required_unless_present = "run")]
    statistics: Vec<PathBuf>,
    /// Print the changes, what remains wrong, and the proposed schema as JSON
    #[arg(long)]
    json: bool,
    /// Write the proposed schema to the schema's file
    #[arg(long)]
    write: bool,
}

impl SchemaDiff {
    pub(super) async fn perform(self, load: impl FnOnce() -> Result<Config>) -> Result<ExitCode> {
        let (file, statistics) = match &self.run {
            None => (self.schema.clone(), self.statistics.clone()),
            Some(run) => {
                let config = load()?;
                let store = super::reads(&config).await?;
                let run = store.load_run(&runs::row(&store, run).await?.id).await?;
                let judged = judged_statistics(&config.engine()?, &run)?;
                if judged.is_empty() {
                    bail!(
                        "no example-validator of run {} came to its statistics: name some with --schema and --statistics",
                        run.request.id
                    );
                }
                (self.schema.clone().or_else(|| schema_file(&run)), judged)
            }
        };
        let Some(file) = file else {
            bail!("the run's pipeline file names no schema of the repository: name one with --schema");
        };
        let files: Vec<PathBuf> = statistics
            .iter()
            .map(|path| statistics_files(path))
            .collect::<Result<Vec<_>>>()?
            .concat();
        let texts = files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
        let relaxed = schema_diff(&read(&file)?, &texts).map_err(|error| match error {
            SchemaDiffError::Schema(error) => anyhow!("{} is not what it should be: {error}", file.display()),
            SchemaDiffError::NoSchema => anyhow!(
                "{} holds statistics and no schema: name what schema-gen writes",
                file.display()
            ),
            SchemaDiffError::Statistics { index, error } => {
                anyhow!("{} is not what it should be: {error}", files[index].display())
            }
            error @ SchemaDiffError::NoExamples => error.into(),
        })?;
        let fits = relaxed.changes.is_empty() && relaxed.remaining.is_empty();
        let write = self.write && !relaxed.changes.is_empty();
        if write {
            let text = format!("{}\n", serde_json::to_string_pretty(&relaxed.schema)?);
            write_whole(&file, &text)?;
        }
        if self.json {
            output::json(&json!(relaxed))?;
        } else if fits {
            // Of a run that failed nevertheless, it was a distance.
            let elsewhere = self
                .run
                .as_ref()
                .map_or("", |_| "; drift and skew are bounded in the pipeline file");
            output::text(&format!("the data fit the schema{elsewhere}\n"))?;
        } else {
            let mut shown = String::new();
            for change in &relaxed.changes {
                shown += &format!("~ {}: {}  ({})\n", change.feature, change.change, change.reason);
            }
            for remaining in &relaxed.remaining {
                shown += &format!("! {remaining}  (no change of the schema is proposed for this)\n");
            }
            shown += match (relaxed.changes.is_empty(), write) {
                (true, _) => "no change is proposed: look at the data\n",
                (false, true) if relaxed.remaining.is_empty() => "written: review the change and commit it\n",
                (false, true) => "written: review the change and commit it; what has a ! remains, look at the data\n",
                (false, false) => "add --write to change the file\n",
            };
            output::text(&shown)?;
        }
        Ok(if fits || (write && relaxed.remaining.is_empty()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(DIFFERENT)
        })
    }
}

/// The validators of a run.
fn validators(run: &Run) -> impl Iterator<Item = (&StepName, &PlannedStep)> {
    let steps = run.request.plan.steps.iter();
    steps.filter(|(_, step)| step.component == "ExampleValidator")
}

/// The file of the repository that the run's validator reads as its schema.
fn schema_file(run: &Run) -> Option<PathBuf> {
    validators(run).find_map(|(_, step)| match step.inputs.get("schema") {
        Some(InputSource::File { path, .. }) => Some(PathBuf::from(path)),
        _ => None,
    })
}

/// The file itself, or those of the splits in the folder, by name.
fn statistics_files(path: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return Ok(vec![path.to_owned()]);
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path().join("statistics.json")))
        .filter(|file| file.is_file())
        .collect();
    if files.is_empty() {
        bail!(
            "{} has no Split-*/statistics.json: name what statistics-gen wrote",
            path.display()
        );
    }
    files.sort();
    Ok(files)
}

/// Writes a schema whole or not at all: a full disk leaves the one that people reviewed.
fn write_whole(file: &Path, text: &str) -> Result<()> {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let written = std::fs::write(&part, text)
        .and_then(|()| std::fs::set_permissions(&part, std::fs::metadata(&file)?.permissions()))
        .and_then(|()| std::fs::rename(&part, &file));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&part);
        bail!("{} cannot be written: {error}", file.display());
    }
    Ok(())
}

/// Bytes of a schema or of statistics: some ten thousand features.
const LONGEST: u64 = 256 * 1024 * 1024;

fn read(path: &Path) -> Result<Vec<u8>> {
    let name = path.display();
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        bail!("{name} cannot be read: {error}");
    }
    if bytes.len() as u64 > LONGEST {
        bail!(
            "{name} has more than {} MiB: that is no schema and no statistics",
            LONGEST >> 20
        );
    }
    Ok(bytes)
}
