//! The span files: which there are, what columns they have, and their rows.

use anyhow::{Context, Result, anyhow, bail};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::feature::{Feature, Form};
use crate::csv::columns::{Evidence, Seen, WhyText};
use crate::csv::content::{HEAD_BYTES, foreign};
use crate::csv::{CsvFile, Settings};
use crate::examples::Table;
use crate::features::Kind;
use crate::task::InputArtifact;

/// Names that may end with what files of text are called.
const TEXT: [&str; 4] = ["csv", "tsv", "tab", "txt"];

/// How pandas calls an index that it writes into Parquet.
const PANDAS_INDEX: &str = "__index_level_";

/// One entry of the property `spans` of an ExternalData artifact.
#[derive(Clone, Debug, Deserialize)]
pub struct Span {
    /// The span number; of a date, days since 1970-01-01.
    pub span: i64,
    /// The version within the span.
    #[serde(default)]
    pub version: Option<i64>,
    /// The file's own name.
    pub file: String,
    /// Of the file's content.
    #[serde(default)]
    pub digest: Option<String>,
}

/// The spans of a source, oldest first.
///
/// # Errors
/// When the property `spans` is missing, wrong or empty.
pub fn spans(source: &InputArtifact) -> Result<Vec<Span>> {
    let spans = source.properties.get("spans").unwrap_or(&Value::Null);
    let mut spans = Vec::<Span>::deserialize(spans).context("the input 'source' has no readable property 'spans'")?;
    if spans.is_empty() {
        bail!("the input 'source' holds no span: check the source's uri and window");
    }
    spans.sort_by_key(|span| (span.span, span.version));
    Ok(spans)
}

/// How people call a span: its file's stem where that has a number in it, such as 2013-05.
pub fn span_name(span: &Span) -> String {
    let stem = Path::new(&span.file)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if stem.contains(|letter: char| letter.is_ascii_digit()) {
        stem
    } else {
        span.span.to_string()
    }
}

/// Whether a file is called as tables of text are.
pub fn is_named_as_text(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    TEXT.iter().any(|text| extension == *text)
}

/// How the files of a step are read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Of text tables.
    pub csv: Settings,
    /// Columns that are as if they were not there.
    pub left_out: Vec<String>,
}

/// One span file, its columns known.
pub struct SpanFile {
    /// The file's own name.
    pub name: String,
    /// In the file's column order, without those that are left out.
    pub columns: Vec<Found>,
    /// What its reader should know.
    pub notes: Vec<String>,
    /// The columns that were asked to be left out, and are there.
    pub left_out: Vec<String>,
    table: Kinded,
}

/// A column as one file has it.
pub struct Found {
    /// As the file has it.
    pub name: String,
    /// `None` where every value is missing.
    pub kind: Option<Kind>,
    /// How many values a row has.
    pub form: Form,
    /// Why it is so.
    pub origin: Origin,
}

/// What a column's kind was learned from.
pub enum Origin {
    /// Its values.
    Csv(Box<Evidence>),
    /// Its type, and the range of whole numbers.
    Parquet {
        /// As Arrow calls it.
        type_name: String,
        /// As far as the file says.
        range: Option<(i64, i64)>,
    },
}

impl Found {
    /// The value that makes it text.
    pub fn first_text(&self) -> Option<Seen> {
        match &self.origin {
            Origin::Csv(evidence) => evidence.why_text().map(|why| why.first().clone()),
            Origin::Parquet { .. } => None,
        }
    }

    /// The word that makes it text, which may stand for a missing value.
    pub fn word(&self) -> Option<Seen> {
        match &self.origin {
            Origin::Csv(evidence) => match evidence.why_text()? {
                WhyText::Word { first, .. } => Some(first),
                _ => None,
            },
            Origin::Parquet { .. } => None,
        }
    }

    /// A whole number that is not exact in floating point.
    pub fn inexact(&self) -> Option<String> {
        match &self.origin {
            Origin::Csv(evidence) => evidence.inexact().map(|seen| seen.value.clone()),
            Origin::Parquet { range, .. } => {
                let beyond = |number: &i64| number.unsigned_abs() > 1 << 53;
                range
                    .and_then(|(low, high)| [high, low].into_iter().find(beyond))
                    .map(|number| number.to_string())
            }
        }
    }
}

enum Kinded {
    Parquet(Table),
    Csv(Box<CsvFile>),
}

impl SpanFile {
    /// Finds out the columns; a CSV file is read once from end to end for that.
    ///
    /// # Errors
    /// When the file is unreadable, neither CSV nor Parquet, or has a column that Examples cannot hold.
    pub fn open(folder: &Path, name: &str, reading: &Reading) -> Result<Self> {
        let path = folder.join(name);
        let mut head = Vec::new();
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        file.take(HEAD_BYTES as u64)
            .read_to_end(&mut head)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let file = if head.starts_with(b"PAR1") {
            Self::parquet(&path, name, reading)?
        } else if head.is_empty() && !is_named_as_text(&path) {
            bail!("file {name} is empty, without a single byte: bring it again");
        } else if let Some(foreign) = foreign(&head) {
            return Err(anyhow!(foreign).context(format!("file {name}")));
        } else if is_named_as_text(&path) {
            Self::csv(&path, name, reading).with_context(|| format!("file {name}"))?
        } else {
            bail!("file {name} is neither Parquet nor named .csv: example-gen reads these two");
        };
        let mut seen = BTreeSet::new();
        if let Some(twice) = file.columns.iter().find(|column| !seen.insert(column.name.as_str())) {
            bail!("file {name} has the column '{}' twice: rename one", twice.name);
        }
        Ok(file)
    }

    fn csv(path: &Path, name: &str, reading: &Reading) -> Result<Self> {
        let mut file = CsvFile::open(path, &reading.csv, &reading.left_out)?;
        let found = |column: &crate::csv::CsvColumn| Found {
            name: column.name.clone(),
            kind: column.evidence.kind(),
            form: Form::One,
            origin: Origin::Csv(Box::new(column.evidence.clone())),
        };
        Ok(Self {
            name: name.to_owned(),
            columns: file.columns.iter().map(found).collect(),
            notes: std::mem::take(&mut file.notes),
            left_out: std::mem::take(&mut file.left_out),
            table: Kinded::Csv(Box::new(file)),
        })
    }

    fn parquet(path: &Path, name: &str, reading: &Reading) -> Result<Self> {
        let table = Table::open(path)?;
        let ranges = table.ranges();
        let beyond = table.beyond_microseconds().with_context(|| format!("file {name}"))?;
        if let Some((column, row)) = beyond.filter(|(column, _)| !reading.left_out.contains(column)) {
            bail!(
                "file {name}: row {row} of column '{column}' is a time of INT96 beyond 292,000 years from 1970: correct it, or leave the column out with exclude_columns"
            );
        }
        let (mut columns, mut notes, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (column, data_type) in table.columns() {
            if reading.left_out.iter().any(|out| out == column) {
                left_out.push(column.to_owned());
                continue;
            }
            if column
                .strip_prefix(PANDAS_INDEX)
                .is_some_and(|level| level.ends_with("__"))
            {
                notes.push(format!("column '{column}' is pandas' index: it is left out"));
                continue;
            }
            if column.trim().is_empty() {
                bail!(
                    "file {name} has a column without a name: name it, or leave it out with exclude_columns: ['{column}']"
                );
            }
            let explain = || format!("file {name}: column '{column}'");
            let kind = Kind::of(data_type).with_context(explain)?;
            let form = match data_type {
                nested if nested.is_nested() => Form::List,
                _ if is_binary(data_type) && !texts(&table, column).with_context(explain)? => Form::Binary,
                _ => Form::One,
            };
            columns.push(Found {
                name: column.to_owned(),
                kind,
                form,
                origin: Origin::Parquet {
                    type_name: data_type.to_string(),
                    range: ranges.get(column).copied(),
                },
            });
        }
        Ok(Self {
            name: name.to_owned(),
            columns,
            notes,
            left_out,
            table: Kinded::Parquet(table),
        })
    }

    /// Why columns are text that could be thought to be numbers, for those of these names.
    pub fn why_text(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        match &self.table {
            Kinded::Csv(file) => file.why_text(wanted),
            Kinded::Parquet(_) => Vec::new(),
        }
    }

    /// Where each feature is among the columns of a batch; `None` where the file has no such column.
    pub fn places(&self, features: &[Feature]) -> Vec<Option<usize>> {
        let names = self.columns.iter().map(|column| column.name.as_str());
        let places: HashMap<&str, usize> = names.zip(0..).collect();
        let place = |feature: &Feature| places.get(feature.name.as_str()).copied();
        features.iter().map(place).collect()
    }

    /// The kind that each column of a text table is read as, and behind them those that are read as their own kind, too,
    /// by the column's place: a number that is text elsewhere is still a number for its split.
    fn reads(&self, features: &[Feature]) -> Vec<(usize, Option<Kind>)> {
        let mut kinds: Vec<(usize, Option<Kind>)> = (0..self.columns.len()).map(|place| (place, None)).collect();
        for (feature, place) in features.iter().zip(self.places(features)) {
            place.into_iter().for_each(|place| kinds[place].1 = feature.kind);
        }
        if let Kinded::Csv(_) = self.table {
            for (place, column) in self.columns.iter().enumerate() {
                if kinds[place].1.is_some() && column.kind.is_some() && column.kind != kinds[place].1 {
                    kinds.push((place, column.kind));
                }
            }
        }
        kinds
    }

    /// Where each of the file's columns is, read as the file itself has it, among the columns of a batch of these
    /// features.
    pub fn own_places(&self, features: &[Feature]) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.columns.len()).collect();
        for (at, (place, _)) in self.reads(features).iter().enumerate().skip(places.len()) {
            places[*place] = at;
        }
        places
    }

    /// Streams the rows, columns in the file's own order; those of a CSV file in the kinds of these features, and once
    /// more where [`SpanFile::own_places`] says so.
    ///
    /// # Errors
    /// When the file cannot be opened; each batch when its rows cannot be read.
    pub fn batches(&self, features: &[Feature]) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>> + '_>> {
        let explain = |error: anyhow::Error| error.context(format!("file {}", self.name));
        match &self.table {
            Kinded::Parquet(table) => {
                let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
                let reader = table.read(&columns)?;
                Ok(Box::new(reader.map(move |batch: Result<_, ArrowError>| {
                    batch.map_err(|error| explain(anyhow!("{}", damaged(&error))))
                })))
            }
            Kinded::Csv(file) => {
                let batches = file.batches(&self.reads(features)).map_err(explain)?;
                Ok(Box::new(batches.map(move |batch| batch.map_err(explain))))
            }
        }
    }
}

/// What a page that cannot be read says, without the names of the layers that it came through.
fn damaged(error: &ArrowError) -> String {
    let said = error.to_string();
    let cause = [
        "Parquet argument error: ",
        "External error: ",
        "Parquet error: ",
        "Arrow: ",
    ]
    .iter()
    .fold(said.as_str(), |said, layer| said.strip_prefix(layer).unwrap_or(said));
    format!("its data are damaged: write it anew, or bring it again ({cause})")
}

fn is_binary(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_binary(value),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => true,
        _ => false,
    }
}

/// Whether all bytes of a binary column are text, as those that old Hive and Impala wrote.
fn texts(table: &Table, column: &str) -> Result<bool> {
    for batch in table.read(&[column])? {
        let bytes = cast(batch?.column(0), &DataType::Binary)?;
        let bytes = bytes
            .as_binary_opt::<i32>()
            .ok_or_else(|| anyhow!("it is not binary"))?;
        if bytes.iter().flatten().any(|value| std::str::from_utf8(value).is_err()) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_oldest_first_and_versions_within_them() {
        let entry = |span: i64, version: Option<i64>, file: &str| serde_json::json!({"span": span, "version": version, "file": file});
        let listed = [entry(2, None, "c"), entry(1, Some(10), "b"), entry(1, Some(9), "a")];
        let source = serde_json::json!({"path": "source", "properties": {"spans": listed}});
        let spans = spans(&serde_json::from_value(source).unwrap()).unwrap();
        assert_eq!(
            spans.iter().map(|span| span.file.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn spans_are_called_as_their_files() {
        let span = |file: &str| {
            span_name(&Span {
                span: 15706,
                version: None,
                file: file.to_owned(),
                digest: None,
            })
        };
        assert_eq!(span("2013-05.parquet"), "2013-05");
        assert_eq!(span("flights.csv"), "15706");
    }
}
