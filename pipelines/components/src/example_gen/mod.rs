//! example-gen: span files in, Examples out: one Parquet file per split, and which rows are of which span.

mod partition_key;
pub(crate) mod source;
mod splits;
mod writer;

use anyhow::{Context, Result, anyhow, bail};
use arrow_array::RecordBatch;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::examples::{ManifestSpan, SpanManifest};
use crate::features::{Column, FeatureSpec, Kind};
use crate::task::{ExecutorOutput, Task, write_json};
use partition_key::{RecordKey, feature_key};
use source::{SpanFile, agree, span_name, spans};
use splits::Splits;
use writer::SplitWriter;

#[derive(Deserialize)]
struct Parameters {
    splits: Option<Map<String, Value>>,
    partition_feature_name: Option<String>,
}

/// Reads the input `source`, writes the output `examples`.
///
/// # Errors
/// When a span file is unreadable or differs in its columns, when there is no row, when a parameter is
/// wrong, or when the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let parameters: Parameters = task.parameters()?;
    let splits = parameters
        .splits
        .as_ref()
        .map_or_else(|| Ok(Splits::standard()), Splits::parse)?;
    let (source, output) = (task.input("source")?, task.output("examples")?);
    let spans = spans(source)?;
    let files: Vec<SpanFile> = spans
        .iter()
        .map(|span| SpanFile::open(&source.path, &span.file))
        .collect::<Result<_>>()?;
    let features = agree(&files)?;
    let partition_feature = parameters.partition_feature_name.as_deref();
    let partition = Partition::new(&features, partition_feature)?;

    let schema = Arc::new(features.schema());
    let mut writers: Vec<SplitWriter> = splits
        .names()
        .iter()
        .map(|name| SplitWriter::create(output, name, &schema))
        .collect::<Result<_>>()?;
    let mut manifest = SpanManifest {
        configuration: configuration(&parameters, &features),
        spans: Vec::new(),
    };
    let mut total = 0;
    for (span, file) in spans.iter().zip(&files) {
        let mut first_row = 0;
        for batch in file.batches(&features)? {
            let columns = features
                .columns(&batch?)
                .with_context(|| format!("file {}", file.name))?;
            let batch = RecordBatch::try_new(schema.clone(), columns.iter().map(Column::array).collect())?;
            let mut rows = vec![Vec::new(); writers.len()];
            partition
                .assign(&columns, batch.num_rows(), &splits, &mut rows)
                .map_err(|row| {
                    anyhow!(
                        "row {} of file {} has no value in '{}', which partition_feature_name needs in every row",
                        first_row + row + 1,
                        file.name,
                        partition_feature.unwrap_or_default()
                    )
                })?;
            for (writer, rows) in writers.iter_mut().zip(rows) {
                writer.write(&batch, &rows)?;
            }
            first_row += batch.num_rows();
        }
        let mut filled = ManifestSpan {
            span: span.span,
            version: span.version,
            file: span.file.clone(),
            digest: span.digest.clone(),
            ..ManifestSpan::default()
        };
        for writer in &mut writers {
            filled.splits.insert(writer.split.clone(), writer.end_span()?);
        }
        manifest.spans.push(filled);
        println!("{}: {first_row} examples", file.name);
        total += first_row;
    }
    if total == 0 {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        bail!(
            "there is no row of data in {}: fill the span or leave it out of the window",
            names.join(", ")
        );
    }
    for writer in writers {
        writer.finish()?;
    }
    write_json(&output.join(SpanManifest::FILE), &manifest)?;

    let mut properties = Map::new();
    if let Some(newest) = spans.last() {
        properties.insert("span".to_owned(), newest.span.into());
        properties.insert("span_name".to_owned(), span_name(newest).into());
        properties.extend(newest.version.map(|version| ("version".to_owned(), version.into())));
    }
    properties.insert("split_names".to_owned(), splits.names().into());
    properties.insert("num_examples".to_owned(), total.into());
    task.report(&ExecutorOutput::of("examples", properties))
}

/// What decides the split and the kinds of a row beside its own content.
fn configuration(parameters: &Parameters, features: &FeatureSpec) -> Value {
    let features = features.0.iter().map(|(name, kind)| json!([name, kind.to_string()]));
    json!({
        "splits": parameters.splits,
        "partition_feature_name": parameters.partition_feature_name,
        "features": features.collect::<Vec<_>>(),
    })
}

/// What decides a row's split.
enum Partition {
    Record(RecordKey),
    /// The column's index.
    Feature(usize),
}

impl Partition {
    fn new(features: &FeatureSpec, feature: Option<&str>) -> Result<Self> {
        let Some(name) = feature else {
            return Ok(Self::Record(RecordKey::new(features)));
        };
        let place = features.0.iter().position(|(other, _)| other == name);
        let place = place.ok_or_else(|| anyhow!("there is no column '{name}', which partition_feature_name names"))?;
        if features.0[place].1 == Kind::Float {
            bail!("column '{name}' is FLOAT: set partition_feature_name to a column of whole numbers or text");
        }
        Ok(Self::Feature(place))
    }

    /// Appends each row's number to its split's list; the number of a row without a value is the error.
    fn assign(&self, columns: &[Column], count: usize, splits: &Splits, rows: &mut [Vec<u32>]) -> Result<(), usize> {
        let mut key = Vec::new();
        for (row, number) in (0..count).zip(0u32..) {
            match self {
                Self::Record(record) => record.write(columns, row, &mut key),
                Self::Feature(column) => feature_key(&columns[*column], row, &mut key),
            }
            if key.is_empty() {
                return Err(row);
            }
            rows[splits.of(&key)].push(number);
        }
        Ok(())
    }
}
