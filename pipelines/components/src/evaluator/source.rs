//! A table of predictions: Parquet, or CSV with a line of column names.

use anyhow::{Context, Result, bail};
use arrow_array::RecordBatch;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::example_gen::agree::agree;
use crate::example_gen::feature::Feature;
use crate::example_gen::source::{Reading, SpanFile, is_named_as_text};
use crate::examples::Table;
use crate::features::{FeatureSpec, Kind};

/// An opened table.
pub struct Source {
    file: Kinded,
    features: FeatureSpec,
}

enum Kinded {
    Parquet(Table),
    Csv(Box<SpanFile>, Vec<Feature>),
}

impl Source {
    /// A Parquet file.
    ///
    /// # Errors
    /// When the file is unreadable or no Parquet file.
    pub fn parquet(path: &Path) -> Result<Self> {
        let table = Table::open(path)?;
        let features = table.single();
        let mut names = HashSet::new();
        if let Some((twice, _)) = features.0.iter().find(|(name, _)| !names.insert(name)) {
            bail!("file {} has the column '{twice}' twice: rename one", path.display());
        }
        Ok(Self {
            features,
            file: Kinded::Parquet(table),
        })
    }

    /// A Parquet or CSV file, told apart by content and name. Why columns are text is told, unless whoever reads them
    /// says so anyway.
    ///
    /// # Errors
    /// When the file is unreadable or neither.
    pub fn open(path: &Path, reading: &Reading, told_elsewhere: &[&str]) -> Result<Self> {
        let mut magic = [0; 4];
        let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        if file.read_exact(&mut magic).is_ok() && &magic == b"PAR1" {
            return Self::parquet(path);
        }
        let csv = is_named_as_text(path);
        let (Some(name), true) = (path.file_name().and_then(OsStr::to_str), csv) else {
            bail!(
                "{} is neither Parquet nor named .csv: predictions are read from these two",
                path.display()
            );
        };
        let file = SpanFile::open(path.parent().unwrap_or(Path::new("")), name, reading)?;
        for note in file
            .notes
            .iter()
            .chain(&file.why_text(|column| !told_elsewhere.contains(&column)))
        {
            eprintln!("{name}: {note}");
        }
        let features = agree(std::slice::from_ref(&file), &BTreeMap::new())?.features;
        let kind = |feature: &Feature| (feature.name.clone(), feature.kind.unwrap_or(Kind::Bytes));
        Ok(Self {
            features: FeatureSpec(features.iter().map(kind).collect()),
            file: Kinded::Csv(Box::new(file), features),
        })
    }

    /// What a column is that has more than one value in a row, and so is none of [`Source::features`].
    pub fn unreadable(&self, column: &str) -> Option<String> {
        match &self.file {
            Kinded::Parquet(table) => {
                let found = table.columns().find(|(name, _)| *name == column)?;
                self.kind(column).is_none().then(|| found.1.to_string())
            }
            Kinded::Csv(..) => None,
        }
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
            Kinded::Csv(file, features) => file.batches(features),
        }
    }
}
