//! What a schema would have to allow of a run's data.

use super::Content;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;
use trainyard_core::run::Run;
use trainyard_tfdv::relax::relax;
use trainyard_tfdv::{DatasetFeatureStatistics, DatasetFeatureStatisticsList, Schema};

/// One edit of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaChange {
    /// The column.
    pub feature: String,
    /// What becomes of it, in a few words.
    pub change: String,
    /// What the data are like.
    pub reason: String,
}

/// A schema beside data.
#[derive(Clone, Debug, Serialize)]
pub struct SchemaDiff {
    /// The schema that the data fit, but for what remains; in TFMD's JSON.
    pub schema: Value,
    /// How it got there.
    pub changes: Vec<SchemaChange>,
    /// Anomalies that no wider schema excuses.
    pub remaining: Vec<String>,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum SchemaDiffError {
    /// The text of the schema is none.
    #[error("it is not what it should be: {0}")]
    Schema(#[source] serde_json::Error),
    /// The text of the schema is of statistics.
    #[error("it holds statistics and no schema: name what schema-gen writes")]
    NoSchema,
    /// A text of statistics is none.
    #[error("it is not what it should be: {error}")]
    Statistics {
        /// Which of them, from 0.
        index: usize,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
    /// No split has a row.
    #[error("the statistics have no example to compare the schema with: name those of a split that has some")]
    NoExamples,
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(text)
}

/// What `schema` would have to allow of data with these statistics, all in the JSON of TFMD and TFDV.
pub fn schema_diff(schema: &[u8], statistics: &[Vec<u8>]) -> Result<SchemaDiff, SchemaDiffError> {
    let schema: Schema = read(schema).map_err(SchemaDiffError::Schema)?;
    let mut splits = Vec::new();
    for (index, text) in statistics.iter().enumerate() {
        let list: DatasetFeatureStatisticsList =
            read(text).map_err(|error| SchemaDiffError::Statistics { index, error })?;
        splits.extend(list.without_slices());
    }
    diff_of(&schema, &splits)
}

/// The same of what was read.
pub(crate) fn diff_of(schema: &Schema, splits: &[DatasetFeatureStatistics]) -> Result<SchemaDiff, SchemaDiffError> {
    if schema.unchecked.contains_key("datasets") {
        return Err(SchemaDiffError::NoSchema);
    }
    if splits.iter().all(|split| split.num_examples == 0) {
        return Err(SchemaDiffError::NoExamples);
    }
    let relaxed = relax(schema, splits);
    let changes = relaxed.changes.into_iter().map(|change| SchemaChange {
        feature: change.feature,
        change: change.change,
        reason: change.reason,
    });
    Ok(SchemaDiff {
        changes: changes.collect(),
        remaining: relaxed.remaining,
        schema: serde_json::to_value(relaxed.schema).map_err(SchemaDiffError::Schema)?,
    })
}

impl Content {
    /// Where the statistics are that the validators of a run judged.
    pub(crate) fn judged_statistics(&self, run: &Run) -> Vec<PathBuf> {
        let steps = run.request.plan.steps.iter();
        let validators = steps.filter(|(_, step)| step.component == "ExampleValidator");
        let judged = validators.filter_map(|(name, _)| run.steps.get(name)?.inputs.get("statistics"));
        judged.map(|statistics| self.place(&statistics.digest)).collect()
    }
}
