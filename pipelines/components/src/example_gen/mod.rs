//! example-gen: span files in, Examples out: one Parquet file per split, and which rows are of which span.

pub(crate) mod agree;
pub(crate) mod feature;
mod partition;
mod partition_key;
pub(crate) mod source;
mod splits;
mod writer;

use anyhow::{Result, anyhow, bail};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::csv::Settings;
use crate::examples::{ManifestSpan, SpanManifest};
use crate::features::Kind;
use crate::task::{ExecutorOutput, Task, write_json};
use crate::told;
use agree::{Agreed, agree};
use feature::{Feature, Values};
use partition::{OwnColumns, Partition};
use source::{Reading, SpanFile, span_name, spans};
use splits::Splits;
use writer::SplitWriter;

#[derive(Deserialize)]
struct Parameters {
    splits: Option<Map<String, Value>>,
    partition_feature_name: Option<String>,
    /// What a column is, whatever it looks like.
    #[serde(default)]
    column_types: BTreeMap<String, Kind>,
    /// Columns that are as if they were not there.
    #[serde(default)]
    exclude_columns: Vec<String>,
    /// Read apart, so that an error names the setting.
    #[serde(skip)]
    csv: Settings,
}

/// Reads the input `source`, writes the output `examples`.
///
/// # Errors
/// When a span file is unreadable or no table, when a column is text in one and a number in another, when there is no
/// row, when a parameter is wrong, or when the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let mut parameters: Parameters = task.parameters()?;
    parameters.csv = task.parameters()?;
    let splits = parameters
        .splits
        .as_ref()
        .map_or_else(|| Ok(Splits::standard()), Splits::parse)?;
    let (source, output) = (task.input("source")?, task.output("examples")?);
    let spans = spans(source)?;
    let reading = Reading {
        csv: parameters.csv.clone(),
        left_out: parameters.exclude_columns.clone(),
    };
    let mut files: Vec<SpanFile> = Vec::new();
    for span in &spans {
        let file = SpanFile::open(&source.path, &span.file, &reading)?;
        let why = file.why_text(|column| !parameters.column_types.contains_key(column));
        let notes: Vec<String> = file
            .notes
            .iter()
            .chain(&why)
            .map(|note| format!("{}: {note}", file.name))
            .collect();
        told::print(&notes, "notes on this file");
        files.push(file);
    }
    let there = |name: &String| files.iter().any(|file| file.left_out.contains(name));
    if let Some(unknown) = parameters.exclude_columns.iter().find(|name| !there(name)) {
        bail!("there is no column '{unknown}', which exclude_columns names");
    }
    let Agreed { features, notes } = agree(&files, &parameters.column_types)?;
    told::print(&notes, "notes on columns");
    if features.is_empty() {
        bail!("no column is left: exclude_columns and pandas' index are all that the files have");
    }
    let partition_feature = parameters.partition_feature_name.as_deref();
    let partition = partition_feature.map(|name| Partition::feature(&features, name));
    let partition = partition.transpose()?.unwrap_or(Partition::Record);

    let schema = Arc::new(Schema::new(features.iter().map(Feature::field).collect::<Vec<_>>()));
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
        let places = file.places(&features);
        let own = OwnColumns::new(file, &features);
        let assignment = partition.of(&own);
        for batch in file.batches(&features)? {
            let batch = batch?;
            let explain = |(name, row, error): (String, usize, anyhow::Error)| {
                let row = first_row + row + 1;
                error.context(format!(
                    "file {}: row {row} of column '{name}' does not fit (correct it, say what the column is in column_types, or leave it out with exclude_columns)",
                    file.name
                ))
            };
            let columns = columns(&features, &places, &batch).map_err(explain)?;
            let own = own.values(&columns, &batch).map_err(explain)?;
            let batch = RecordBatch::try_new(schema.clone(), columns.iter().map(Values::array).collect())?;
            let mut rows = vec![Vec::new(); writers.len()];
            assignment
                .assign(&own, batch.num_rows(), &splits, &mut rows)
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

/// The values of a batch by feature; names column and row of one that does not fit.
fn columns(
    features: &[Feature],
    places: &[Option<usize>],
    batch: &RecordBatch,
) -> Result<Vec<Values>, (String, usize, anyhow::Error)> {
    let values = |(feature, place): (&Feature, &Option<usize>)| {
        let values = feature.values(place.map(|place| batch.column(place)), batch.num_rows());
        values.map_err(|(row, error)| (feature.name.clone(), row, error))
    };
    features.iter().zip(places).map(values).collect()
}

/// What decides the split and the kinds of a row beside its own content.
fn configuration(parameters: &Parameters, features: &[Feature]) -> Value {
    let features = features
        .iter()
        .map(|feature| json!([feature.name, feature.to_string()]));
    let mut configuration = json!({
        "splits": parameters.splits,
        "partition_feature_name": parameters.partition_feature_name,
        "features": features.collect::<Vec<_>>(),
    });
    let csv = json!(parameters.csv);
    if csv != json!({}) {
        configuration["csv"] = csv;
    }
    configuration
}
