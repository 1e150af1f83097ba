//! `trainyard schema-diff`.

use super::output;
use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trainyard_tfdv::relax::relax;
use trainyard_tfdv::{DatasetFeatureStatisticsList, Schema};

/// The data differ from the schema.
const DIFFERENT: u8 = 2;

/// Propose the changes a schema needs when the data have legitimately moved on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard schema-diff --schema schema.json --statistics Split-train/statistics.json\n  \
    trainyard schema-diff --schema schema.json --statistics statistics.json --write   then review and commit\n\n\
    Exits with 0 if the data fit, 2 if they differ, 1 if a file cannot be read.")]
pub(super) struct SchemaDiff {
    /// The schema, as schema-gen writes it
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// The statistics of a split, as statistics-gen writes them; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    statistics: Vec<PathBuf>,
    /// Print the changes, what remains wrong, and the proposed schema as JSON
    #[arg(long)]
    json: bool,
    /// Write the proposed schema to the schema's file
    #[arg(long)]
    write: bool,
}

impl SchemaDiff {
    pub(super) fn perform(self) -> Result<ExitCode> {
        let schema: Schema = read(&self.schema)?;
        let mut splits = Vec::new();
        for file in &self.statistics {
            splits.extend(read::<DatasetFeatureStatisticsList>(file)?.datasets);
        }
        if splits.iter().all(|split| split.num_examples == 0) {
            bail!("the statistics have no example to compare the schema with: name those of a split that has some");
        }
        let relaxed = relax(&schema, &splits);
        let fits = relaxed.changes.is_empty() && relaxed.remaining.is_empty();
        let write = self.write && !relaxed.changes.is_empty();
        if write {
            let text = format!("{}\n", serde_json::to_string_pretty(&relaxed.schema)?);
            let name = self.schema.display();
            std::fs::write(&self.schema, text).with_context(|| format!("{name} cannot be written"))?;
        }
        if self.json {
            output::json(&json!(relaxed))?;
        } else if fits {
            output::text("the data fit the schema\n")?;
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
                (false, true) => "written: review the change and commit it\n",
                (false, false) => "add --write to change the file\n",
            };
            output::text(&shown)?;
        }
        Ok(if fits {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(DIFFERENT)
        })
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let name = path.display();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => bail!("{name} cannot be read: {error}"),
    };
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(value),
        Err(error) => bail!("{name} is not what it should be: {error}"),
    }
}
