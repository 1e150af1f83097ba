//! A table of predictions: Parquet, or CSV with a line of column names.

use anyhow::{Context, Result, bail};
use arrow_array::RecordBatch;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::example_gen::source::{SpanFile, agree};
use crate::examples::Table;
use crate::features::{FeatureSpec, Kind};

/// An opened table.
pub struct Source {
    file: Kinded,
    features: FeatureSpec,
}

enum Kinded {
    Parquet(Table),
    Csv(SpanFile),
}

impl Source {
    /// A Parquet file.
    ///
    /// # Errors
    /// When the file is unreadable or no Parquet file.
    pub fn parquet(path: &Path) -> Result<Self> {
        let table = Table::open(path)?;
        let features = table.features()?;
        let mut names = HashSet::new();
        if let Some((twice, _)) = features.0.iter().find(|(name, _)| !names.insert(name)) {
            bail!("file {} has the column '{twice}' twice: rename one", path.display());
        }
        Ok(Self {
            features,
            file: Kinded::Parquet(table),
        })
    }

    /// A Parquet or CSV file, told apart by content and name.
    ///
    /// # Errors
    /// When the file is unreadable or neither.
    pub fn open(path: &Path) -> Result<Self> {
        let mut magic = [0; 4];
        let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        if file.read_exact(&mut magic).is_ok() && &magic == b"PAR1" {
            return Self::parquet(path);
        }
        let csv = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let (Some(name), true) = (path.file_name().and_then(OsStr::to_str), csv) else {
            bail!(
                "{} is neither Parquet nor named .csv: predictions are read from these two",
                path.display()
            );
        };
        let file = SpanFile::open(path.parent().unwrap_or(Path::new("")), name)?;
        let features = agree(std::slice::from_ref(&file))?;
        Ok(Self {
            file: Kinded::Csv(file),
            features,
        })
    }

    /// All columns.
    pub fn features(&self) -> &[(String, Kind)] {
        &self.features.0
    }

    /// What a column holds, if it is there.
    pub fn kind(&self, column: &str) -> Option<Kind> {
        let found = self.features().iter().find(|(name, _)| name == column);
        found.map(|(_, kind)| *kind)
    }

    /// Streams at least the named columns.
    ///
    /// # Errors
    /// When the file cannot be opened; each batch when its rows cannot be read.
    pub fn batches(&self, columns: &[&str]) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>> + '_>> {
        match &self.file {
            Kinded::Parquet(table) => Ok(Box::new(table.read(columns)?.map(|batch| Ok(batch?)))),
            Kinded::Csv(file) => file.batches(&self.features),
        }
    }
}
