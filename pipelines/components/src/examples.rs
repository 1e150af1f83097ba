//! The layout of artifacts by split (`Split-<name>/…`) and the reading of Parquet tables.

use anyhow::{Context, Result, anyhow, bail};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::features::{FeatureSpec, Kind};
use crate::task::InputArtifact;

/// Rows per batch everywhere: bounded memory, long enough loops.
pub const BATCH_ROWS: usize = 16 * 1024;

/// The folder of one split.
pub fn split_folder(artifact: &Path, split: &str) -> PathBuf {
    artifact.join(format!("Split-{split}"))
}

/// The splits of an artifact: as its `split_names` order them, else its folders by name.
///
/// # Errors
/// When the folder cannot be read or has no split.
pub fn split_names(input: &InputArtifact) -> Result<Vec<String>> {
    let entries = fs::read_dir(&input.path).with_context(|| format!("cannot read {}", input.path.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_prefix("Split-").map(str::to_owned));
    }
    names.sort();
    if let Some(said) = input.properties.get("split_names").and_then(|names| names.as_array()) {
        let place = |name: &String| said.iter().position(|other| other == name).unwrap_or(said.len());
        names.sort_by_key(place);
    }
    if names.is_empty() {
        bail!(
            "{} has no folder Split-<name>, so there is no split to read",
            input.path.display()
        );
    }
    Ok(names)
}

/// A Parquet file whose footer is read.
pub struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Table {
    /// Opens the file.
    ///
    /// # Errors
    /// When it cannot be read or is no Parquet file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default())
            .with_context(|| format!("{} is not a whole Parquet file: write it anew", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            metadata,
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The columns with the kind each becomes; `None` where every value is missing by type.
    ///
    /// # Errors
    /// When a column's type is none that Examples hold, naming file and column.
    pub fn kinds(&self) -> Result<Vec<(String, Option<Kind>)>> {
        let kind = |field: &std::sync::Arc<arrow::datatypes::Field>| {
            let kind = Kind::of(field.data_type()).with_context(|| format!("column '{}'", field.name()));
            kind.map(|kind| (field.name().clone(), kind))
        };
        let kinds: Result<Vec<_>> = self.metadata.schema().fields().iter().map(kind).collect();
        kinds.with_context(|| format!("file {}", self.path.display()))
    }

    /// The features, where a column without any value counts as text.
    ///
    /// # Errors
    /// As [`Table::kinds`].
    pub fn features(&self) -> Result<FeatureSpec> {
        let kinds = self.kinds()?.into_iter();
        Ok(FeatureSpec(
            kinds.map(|(name, kind)| (name, kind.unwrap_or(Kind::Bytes))).collect(),
        ))
    }

    /// Streams the named columns in batches of [`BATCH_ROWS`].
    ///
    /// # Errors
    /// When a column is missing or the file cannot be read.
    pub fn read(&self, columns: &[&str]) -> Result<ParquetRecordBatchReader> {
        let schema = self.metadata.schema();
        let place = |name: &&str| {
            let place = schema.fields().iter().position(|field| field.name() == name);
            place.ok_or_else(|| {
                let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                anyhow!(
                    "{} has no column '{name}', only {}",
                    self.path.display(),
                    names.join(", ")
                )
            })
        };
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_>>()?;
        let file = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), places);
        let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
        reader.with_context(|| format!("cannot read {}", self.path.display()))
    }
}
