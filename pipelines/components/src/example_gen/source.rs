//! The span files: which there are, what columns they have, and their rows.

use anyhow::{Context, Result, anyhow, bail};
use arrow_array::RecordBatch;
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use arrow_schema::{Field, Schema};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::examples::{Table, batch_rows};
use crate::features::{FeatureSpec, Kind};
use crate::task::InputArtifact;

/// How a missing value is spelled in CSV: not at all, or NA.
const MISSING: &str = "^(NA)?$";

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

/// One span file, its columns known.
pub struct SpanFile {
    /// The file's own name.
    pub name: String,
    path: PathBuf,
    /// In the file's column order.
    kinds: Vec<(String, Option<Kind>)>,
    /// Of a Parquet file.
    table: Option<Table>,
}

impl SpanFile {
    /// Finds out the columns; a CSV file is read once from end to end for that.
    ///
    /// # Errors
    /// When the file is unreadable, neither CSV nor Parquet, or has a column that Examples cannot hold.
    pub fn open(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let mut magic = [0; 4];
        let mut file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let parquet = file.read_exact(&mut magic).is_ok() && &magic == b"PAR1";
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let (kinds, table) = if parquet {
            let table = Table::open(&path)?;
            (table.kinds()?, Some(table))
        } else if extension == "csv" {
            (csv_kinds(&path).with_context(|| format!("file {name}"))?, None)
        } else {
            bail!("file {name} is neither Parquet nor named .csv: example-gen reads these two");
        };
        let mut seen = BTreeSet::new();
        if let Some((twice, _)) = kinds.iter().find(|(column, _)| !seen.insert(column.as_str())) {
            bail!("file {name} has the column '{twice}' twice: rename one");
        }
        Ok(Self {
            name: name.to_owned(),
            path,
            kinds,
            table,
        })
    }

    /// Streams the rows, columns in the file's own order.
    ///
    /// # Errors
    /// When the file cannot be opened; each batch when its rows cannot be read.
    pub fn batches(&self, features: &FeatureSpec) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>> + '_>> {
        let explain = |error: arrow_schema::ArrowError| anyhow!(error).context(format!("file {}", self.name));
        if let Some(table) = &self.table {
            let columns: Vec<&str> = self.kinds.iter().map(|(name, _)| name.as_str()).collect();
            let reader = table.read(&columns)?;
            return Ok(Box::new(reader.map(move |batch| batch.map_err(explain))));
        }
        let kind = |name: &String| {
            features
                .0
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, kind)| *kind)
        };
        let field = |(name, _): &(String, _)| Field::new(name, kind(name).unwrap_or(Kind::Bytes).arrow(), true);
        let schema = Schema::new(self.kinds.iter().map(field).collect::<Vec<_>>());
        let file = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let builder = ReaderBuilder::new(Arc::new(schema))
            .with_header(true)
            .with_batch_size(batch_rows(self.kinds.len()));
        let reader = builder
            .with_null_regex(Regex::new(MISSING)?)
            .build(file)
            .map_err(explain)?;
        Ok(Box::new(reader.map(move |batch| batch.map_err(explain))))
    }
}

/// Columns and kinds of a CSV file: whole numbers, numbers, else text.
fn csv_kinds(path: &Path) -> Result<Vec<(String, Option<Kind>)>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let format = Format::default()
        .with_header(true)
        .with_null_regex(Regex::new(MISSING)?);
    let (schema, _) = format
        .infer_schema(file, None)
        .context("it is not a readable CSV file")?;
    if schema.fields().is_empty() {
        bail!("it is empty: a CSV file starts with a line of column names");
    }
    let kind = |field: &Arc<Field>| {
        // Only numbers are told from text: TRUE or a date stays as it is written.
        let kind = Kind::of(field.data_type())?;
        let text = kind.is_some() && !field.data_type().is_numeric();
        Ok((
            field.name().trim_start_matches('\u{feff}').to_owned(),
            if text { Some(Kind::Bytes) } else { kind },
        ))
    };
    schema.fields().iter().map(kind).collect()
}

/// The features that all files agree on, in the column order of the first.
///
/// # Errors
/// When a file has other columns or types than the first, naming file and column.
pub fn agree(files: &[SpanFile]) -> Result<FeatureSpec> {
    let Some((first, others)) = files.split_first() else {
        bail!("there is no file to read");
    };
    let mut agreed = first.kinds.clone();
    for file in others {
        for (column, kind) in &mut agreed {
            let Some((_, found)) = file.kinds.iter().find(|(name, _)| name == column) else {
                bail!(
                    "file {} has no column '{column}', which {} has: all spans need the same columns",
                    file.name,
                    first.name
                );
            };
            *kind = match (*kind, *found) {
                (known, None) => known,
                (None, found) => found,
                (Some(known), Some(found)) => Some(known.widened(found).ok_or_else(|| {
                    anyhow!(
                        "column '{column}' is {found} in file {} but {known} in the spans before, starting with {}: make it one type",
                        file.name, first.name
                    )
                })?),
            };
        }
        if let Some((new, _)) = file
            .kinds
            .iter()
            .find(|(name, _)| agreed.iter().all(|(known, _)| known != name))
        {
            bail!(
                "file {} has a column '{new}' that {} has not: all spans need the same columns",
                file.name,
                first.name
            );
        }
    }
    Ok(FeatureSpec(
        agreed
            .into_iter()
            .map(|(name, kind)| (name, kind.unwrap_or(Kind::Bytes)))
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn files(texts: &[&str]) -> (tempfile::TempDir, Result<Vec<SpanFile>>) {
        let folder = tempfile::tempdir().unwrap();
        let open = |(month, text): (usize, &&str)| {
            let name = format!("2013-{:02}.csv", month + 1);
            fs::write(folder.path().join(&name), text).unwrap();
            SpanFile::open(folder.path(), &name)
        };
        let files = texts.iter().enumerate().map(open).collect();
        (folder, files)
    }

    fn agreed(texts: &[&str]) -> Result<FeatureSpec> {
        agree(&files(texts).1?)
    }

    fn said(texts: &[&str]) -> String {
        crate::task::sentence(&agreed(texts).unwrap_err())
    }

    #[test]
    fn kinds_of_csv_columns() {
        let text = "\u{feff}n,x,s,day,flag,none,nan\n1,1.5,a,2013-01-01,TRUE,NA,nan\nNA,,NA,,,,2\n";
        let kinds = agreed(&[text]).unwrap().0;
        let said: Vec<String> = kinds.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        assert_eq!(
            said.join(", "),
            "n INT, x FLOAT, s BYTES, day BYTES, flag BYTES, none BYTES, nan FLOAT"
        );
    }

    #[test]
    fn whole_numbers_widen_and_missing_columns_fit_everything() {
        let kinds = agreed(&["a,b\n1,NA\n", "b,a\n7,1.5\n"]).unwrap();
        assert_eq!(
            kinds,
            FeatureSpec(vec![("a".to_owned(), Kind::Float), ("b".to_owned(), Kind::Int)])
        );
    }

    #[test]
    fn disagreements_name_file_and_column() {
        insta::assert_snapshot!(said(&["a,b\n1,2\n", "a\n1\n"]), @"file 2013-02.csv has no column 'b', which 2013-01.csv has: all spans need the same columns");
        insta::assert_snapshot!(said(&["a\n1\n", "a,c\n1,2\n"]), @"file 2013-02.csv has a column 'c' that 2013-01.csv has not: all spans need the same columns");
        insta::assert_snapshot!(said(&["a\n1\n", "a\n1.5\n", "a\nx\n"]), @"column 'a' is BYTES in file 2013-03.csv but FLOAT in the spans before, starting with 2013-01.csv: make it one type");
        insta::assert_snapshot!(said(&["a,a\n1,2\n"]), @"file 2013-01.csv has the column 'a' twice: rename one");
        insta::assert_snapshot!(said(&[""]), @"file 2013-01.csv: it is empty: a CSV file starts with a line of column names");
    }

    #[test]
    fn rows_are_read_in_the_agreed_kinds() {
        let (_folder, files) = files(&["a,s\n1,x\nNA,\n", "s,a\nNA,2.5\n"]);
        let files = files.unwrap();
        let features = agree(&files).unwrap();
        let rows: Vec<RecordBatch> = files
            .iter()
            .flat_map(|file| file.batches(&features).unwrap())
            .collect::<Result<_>>()
            .unwrap();
        let columns: Vec<_> = rows.iter().map(|batch| features.columns(batch).unwrap()).collect();
        insta::assert_snapshot!(format!("{:?}", columns.iter().map(|c| (c[0].array().null_count(), c[1].array().null_count())).collect::<Vec<_>>()), @"[(1, 1), (0, 1)]");
    }

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
