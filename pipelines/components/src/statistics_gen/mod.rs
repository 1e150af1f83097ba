//! statistics-gen: Examples in, TFDV statistics out, one file per split.
//!
//! Each span is measured by itself and its state is kept in the output as `Split-<name>/spans/<key>.state`. The
//! statistics of a window are the merge of its spans' states, so a window that moved on reads only what is new.

mod cells;
mod column_state;
mod distinct;
#[cfg(test)]
mod noise;
mod numeric;
mod quantiles;
mod scan;
mod slices;
mod span_state;
mod text;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::available_parallelism;

use crate::evaluator::slices::{SliceKey, SlicingSpec};
use crate::examples::{ManifestSpan, SpanManifest, SpanRows, Table, split_folder, split_names};
use crate::features::{FeatureSpec, Kind};
use crate::task::{ExecutorOutput, InputArtifact, Task, data_properties, read_json, write_json_line};
use crate::tfdv::statistics::{ALL_EXAMPLES, DatasetFeatureStatistics, DatasetFeatureStatisticsList};
use crate::tfdv::threads::on_threads;
use column_state::ColumnState;
use scan::{Part, scan};
use slices::{Sliced, Slicing, slice_name};
use span_state::{STATE_VERSION, SpanState};

/// The property with the files of the spans that have no row.
pub const EMPTY_SPANS: &str = "empty_spans";
/// The property with the spans that have fewer rows than others.
pub const SMALL_SPANS: &str = "small_spans";

/// Spans whose states are in memory at once.
const SPANS: usize = 8;

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    slicing_specs: Vec<SlicingSpec>,
}

/// Reads the inputs `examples` and, where given, `stored_statistics` (an earlier output, whose spans are not read
/// again); writes the output `statistics`, which is the same with and without the latter. With the parameter
/// `slicing_specs` a split has one dataset of all rows, named as TFDV's `All Examples`, and one of each slice.
///
/// # Errors
/// When a split is unreadable, has a column that Examples cannot hold, lacks one to slice by or has too many slices,
/// or when the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let (examples, output) = (task.input("examples")?, task.output("statistics")?);
    let stored = task.optional_input("stored_statistics");
    let slicing = Slicing::new(task.parameters::<Parameters>()?.slicing_specs)?;
    let names = split_names(examples)?;
    let threads = available_parallelism().map_or(1, usize::from);
    let mut splits: Vec<Split> = names
        .iter()
        .map(|name| Split::open(examples, name))
        .collect::<Result<_>>()?;
    let manifest = match SpanManifest::read(&examples.path)? {
        Some(manifest) => manifest,
        None => one_span(&splits),
    };
    for split in &splits {
        manifest.check(&split.name, &split.table)?;
        slicing.check(&split.name, &split.features)?;
    }

    for spans in manifest.spans.chunks(threads.min(SPANS)) {
        // Taken over on all cores, then the new ones read on all cores, then all merged on all cores, in their order.
        let take = |span: &ManifestSpan| known(&manifest, &slicing, span, &splits, stored, output);
        let mut states = Vec::new();
        for (span, known) in spans.iter().zip(on_threads(spans, threads, take)) {
            let known = known?;
            let how = known.as_ref().map_or("read", |_| "taken from stored statistics");
            states.push(match known {
                Some(states) => states,
                None => {
                    let parts: Vec<Part> = splits.iter().map(|split| split.part(span)).collect();
                    let measured = scan(&parts, &slicing, threads)?;
                    if let Some(key) = span_key(&manifest, &slicing, span) {
                        for (split, state) in splits.iter().zip(&measured) {
                            write(&state_file(output, &split.name, &key), &state.encode()?)?;
                        }
                    }
                    measured
                }
            });
            println!("span {} ({}): {how}", span.span, span.file);
        }
        for (number, split) in splits.iter_mut().enumerate() {
            let states: Vec<&SpanState> = states.iter().map(|states| &states[number]).collect();
            split.merge(&states, threads)?;
        }
    }

    for split in &splits {
        let datasets = split.finish(threads);
        let (examples, features) = (split.total.rows, split.features.0.len());
        let slices = match datasets.len() - 1 {
            0 => String::new(),
            more => format!(", {more} slices"),
        };
        println!("split {}: {examples} examples, {features} features{slices}", split.name);
        let list = DatasetFeatureStatisticsList { datasets };
        write_json_line(&split_folder(output, &split.name).join("statistics.json"), &list)?;
    }
    let mut properties = data_properties(examples);
    properties.insert("split_names".to_owned(), names.into());
    let empty = manifest.empty();
    for file in &empty {
        println!("warning: the span {file} has no examples");
    }
    if !empty.is_empty() {
        properties.insert(EMPTY_SPANS.to_owned(), empty.into());
    }
    let small = manifest.small();
    if !small.is_empty() {
        properties.insert(SMALL_SPANS.to_owned(), serde_json::to_value(small)?);
    }
    task.report(&ExecutorOutput::of("statistics", properties))
}

/// The states of a span that stored statistics have for all splits, copied to the output; `None` when it must be read.
fn known(
    manifest: &SpanManifest,
    slicing: &Slicing,
    span: &ManifestSpan,
    splits: &[Split],
    stored: Option<&InputArtifact>,
    output: &Path,
) -> Result<Option<Vec<SpanState>>> {
    let (Some(key), Some(stored)) = (span_key(manifest, slicing, span), stored) else {
        return Ok(None);
    };
    let read = |split: &Split| {
        let bytes = fs::read(state_file(&stored.path, &split.name, &key)).ok()?;
        let state = SpanState::decode(&bytes)?;
        split.fits(&state, span).then_some((state, bytes))
    };
    let Some(read) = splits.iter().map(read).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    for (split, (_, bytes)) in splits.iter().zip(&read) {
        write(&state_file(output, &split.name, &key), bytes)?;
    }
    Ok(Some(read.into_iter().map(|(state, _)| state).collect()))
}

fn state_file(statistics: &Path, split: &str, key: &str) -> PathBuf {
    split_folder(statistics, split).join(format!("spans/{key}.state"))
}

/// The name of a span's state: the same only for the same rows, measured in the same way.
fn span_key(manifest: &SpanManifest, slicing: &Slicing, span: &ManifestSpan) -> Option<String> {
    let digest = span.digest.as_ref()?;
    let identity = json!([STATE_VERSION, digest, manifest.configuration, slicing.identity()]).to_string();
    let hash = Sha256::digest(identity.as_bytes());
    Some(hash[..16].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Examples that nobody divided into spans are one that is never known again.
fn one_span(splits: &[Split]) -> SpanManifest {
    let part = |split: &Split| {
        let part = SpanRows {
            row_groups: 0..split.table.row_groups(),
            rows: split.table.rows(),
        };
        (split.name.clone(), part)
    };
    let span = ManifestSpan {
        file: "all rows".to_owned(),
        splits: splits.iter().map(part).collect(),
        ..ManifestSpan::default()
    };
    SpanManifest {
        configuration: json!(null),
        spans: vec![span],
    }
}

/// Writes a file and the folder it is in.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// One split, and what its spans so far add up to.
struct Split {
    name: String,
    table: Table,
    features: FeatureSpec,
    total: SpanState,
}

impl Split {
    fn open(examples: &InputArtifact, name: &str) -> Result<Self> {
        let table = Table::open(&split_folder(&examples.path, name).join("data.parquet"))?;
        let features = table.features()?;
        let columns = features.0.iter().map(|(_, kind)| Sliced::new(*kind)).collect();
        Ok(Self {
            name: name.to_owned(),
            table,
            features,
            total: SpanState { rows: 0, columns },
        })
    }

    fn part(&self, span: &ManifestSpan) -> Part<'_> {
        let rows = span.splits.get(&self.name).cloned().unwrap_or_default();
        Part {
            table: &self.table,
            features: &self.features,
            row_groups: rows.row_groups,
        }
    }

    /// Whether a stored state is of as many rows and columns as the span has here.
    fn fits(&self, state: &SpanState, span: &ManifestSpan) -> bool {
        let rows = span.splits.get(&self.name).map_or(0, |part| part.rows);
        state.rows == rows && state.columns.len() == self.features.0.len()
    }

    /// Adds spans in their order.
    fn merge(&mut self, states: &[&SpanState], threads: usize) -> Result<()> {
        self.total.rows += states.iter().map(|state| state.rows).sum::<u64>();
        let columns: Vec<_> = self.total.columns.iter_mut().map(Mutex::new).enumerate().collect();
        let merge = |(number, column): &(usize, Mutex<&mut Sliced>)| {
            let mut column = column
                .lock()
                .map_err(|_| anyhow!("a thread failed: run the step again"))?;
            let name = &self.features.0[*number].0;
            let mut others = states.iter().map(|state| &state.columns[*number]);
            others
                .try_for_each(|other| column.merge(other))
                .with_context(|| format!("column '{name}'"))
        };
        on_threads(&columns, threads, merge).into_iter().collect()
    }

    /// All rows, then each slice by name of column and value.
    fn finish(&self, threads: usize) -> Vec<DatasetFeatureStatistics> {
        let slices: Vec<_> = self
            .total
            .columns
            .first()
            .into_iter()
            .flat_map(Sliced::slices)
            .collect();
        let all = match slices.is_empty() {
            true => self.name.clone(),
            false => ALL_EXAMPLES.to_owned(),
        };
        let mut datasets = vec![self.dataset(all, self.total.rows, None, threads)];
        for slice in slices {
            let rows = self.total.columns.first().and_then(|column| column.of(Some(slice)));
            let rows = rows.map_or(0, ColumnState::rows);
            datasets.push(self.dataset(slice_name(slice), rows, Some(slice), threads));
        }
        datasets
    }

    fn dataset(&self, name: String, rows: u64, slice: Option<&SliceKey>, threads: usize) -> DatasetFeatureStatistics {
        let columns: Vec<_> = self.features.0.iter().zip(&self.total.columns).collect();
        let finish = |((name, kind), state): &(&(String, Kind), &Sliced)| Some(state.of(slice)?.finish(name, *kind));
        DatasetFeatureStatistics {
            name,
            num_examples: i64::try_from(rows).unwrap_or(i64::MAX),
            features: on_threads(&columns, threads, finish).into_iter().flatten().collect(),
        }
    }
}

/// The statistics of all rows of each split, in order; those of slices are left out.
///
/// # Errors
/// When a file is missing or holds neither one dataset nor one of all rows.
pub fn read_statistics(statistics: &InputArtifact) -> Result<Vec<DatasetFeatureStatistics>> {
    let read = |split: String| {
        let path = split_folder(&statistics.path, &split).join("statistics.json");
        let mut datasets = read_json::<DatasetFeatureStatisticsList>(&path)?.without_slices();
        let (Some(mut dataset), true) = (datasets.pop(), datasets.is_empty()) else {
            bail!(
                "{} must hold the statistics of one dataset, or of slices and one named '{ALL_EXAMPLES}'",
                path.display()
            );
        };
        dataset.name = split;
        Ok(dataset)
    };
    split_names(statistics)?.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::write_json;
    use serde_json::json;

    #[test]
    fn the_folder_names_the_split() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Split-eval/statistics.json");
        let input = serde_json::from_value(json!({"path": folder.path()})).unwrap();
        write_json(
            &file,
            &json!({"datasets": [{"name": "made elsewhere", "numExamples": "7"}]}),
        )
        .unwrap();
        let read = read_statistics(&input).unwrap();
        assert_eq!((read[0].name.as_str(), read[0].num_examples), ("eval", 7));
        write_json(
            &file,
            &json!({"datasets": [{"name": "origin_JFK"}, {"name": "All Examples", "numExamples": "7"}]}),
        )
        .unwrap();
        let read = read_statistics(&input).unwrap();
        assert_eq!(
            (read.len(), read[0].name.as_str(), read[0].num_examples),
            (1, "eval", 7)
        );
        write_json(&file, &json!({"datasets": [{}, {}]})).unwrap();
        let error = read_statistics(&input).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{} must hold the statistics of one dataset, or of slices and one named 'All Examples'",
                file.display()
            )
        );
    }
}
