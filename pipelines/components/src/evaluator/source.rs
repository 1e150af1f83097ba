//! A table of predictions: Parquet, or CSV with a line of column names.

use anyhow::{Context, Result, bail};
use arrow_array::RecordBatch;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::csv::asked::Asked;
use crate::csv::columns::WhyText;
use crate::csv::dress::Dress;
use crate::example_gen::agree::agree;
use crate::example_gen::feature::Feature;
use crate::example_gen::source::{Origin, Reading, SpanFile, is_named_as_text};
use crate::examples::Table;
use crate::features::{FeatureSpec, Kind};
use crate::tfdv::listed::quoted;

/// An opened table.
pub struct Source {
    file: Kinded,
    /// Columns that are as if they were not there.
    left_out: Vec<String>,
    features: FeatureSpec,
}

enum Kinded {
    Parquet(Table),
    Csv(Box<SpanFile>, Vec<Feature>),
}

impl Source {
    /// A Parquet file without the columns that are left out.
    ///
    /// # Errors
    /// When the file is unreadable or no Parquet file.
    pub fn parquet(path: &Path, left_out: &[String]) -> Result<Self> {
        let table = Table::open(path)?;
        let mut features = table.single();
        features.0.retain(|(name, _)| !left_out.contains(name));
        let mut names = HashSet::new();
        if let Some((twice, _)) = features.0.iter().find(|(name, _)| !names.insert(name)) {
            bail!(
                "file {} has the column {} twice: rename one",
                path.display(),
                quoted(twice)
            );
        }
        Ok(Self {
            features,
            file: Kinded::Parquet(table),
            left_out: left_out.to_vec(),
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
            return Self::parquet(path, &reading.left_out);
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
            left_out: file.left_out.clone(),
            file: Kinded::Csv(Box::new(file), features),
        })
    }

    /// Completes "column 'x' is …" of one that is there and none of [`Source::features`].
    pub fn unreadable(&self, column: &str) -> Option<String> {
        if self.left_out.iter().any(|out| out == column) {
            return Some("left out by --exclude-columns: take it out there, or name another".to_owned());
        }
        match &self.file {
            Kinded::Parquet(table) => {
                let found = table.columns().find(|(name, _)| *name == column)?;
                self.kind(column).is_none().then(|| match found.1 {
                    list if list.is_nested() => {
                        format!("{list}, and one value in a row is needed: write it so where the predictions are made")
                    }
                    other => format!(
                        "{other}, which is not read: write it as a number or text where the predictions are made"
                    ),
                })
            }
            Kinded::Csv(..) => None,
        }
    }

    /// The end of a sentence on a column that is text only since its numbers have commas.
    pub fn with_commas(&self, column: &str) -> Option<String> {
        match &self.file {
            Kinded::Parquet(_) => None,
            Kinded::Csv(file, _) => {
                let found = file.columns.iter().find(|found| found.name == column)?;
                let Origin::Csv(evidence) = &found.origin else {
                    return None;
                };
                let why = evidence.why_text()?;
                matches!(
                    why,
                    WhyText::Dressed {
                        dress: Dress::Comma,
                        ..
                    }
                )
                .then(|| why.sentence(Asked::Flags))
            }
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
