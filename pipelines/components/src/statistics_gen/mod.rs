//! statistics-gen: Examples in, TFDV statistics out, one file per split.
//!
//! Each column is read in one pass of its own, so memory is bounded by the values of one column.

mod numeric;
mod text;

use anyhow::{Context, Result, bail};
use arrow::array::Array;

use crate::examples::{Table, split_folder, split_names};
use crate::features::{Column, Kind};
use crate::task::{ExecutorOutput, InputArtifact, Task, data_properties, read_json, write_json};
use crate::tfdv::statistics::{DatasetFeatureStatistics, DatasetFeatureStatisticsList, FeatureNameStatistics, Path};
use numeric::Numbers;
use text::Texts;

/// Reads the input `examples`, writes the output `statistics`.
///
/// # Errors
/// When a split is unreadable or has a column that Examples cannot hold, or the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let (examples, output) = (task.input("examples")?, task.output("statistics")?);
    let splits = split_names(examples)?;
    for split in &splits {
        let table = Table::open(&split_folder(&examples.path, split).join("data.parquet"))?;
        let dataset = measure(&table, split)?;
        println!(
            "split {split}: {} examples, {} features",
            dataset.num_examples,
            dataset.features.len()
        );
        let file = split_folder(output, split).join("statistics.json");
        write_json(
            &file,
            &DatasetFeatureStatisticsList {
                datasets: vec![dataset],
            },
        )?;
    }
    let mut properties = data_properties(examples);
    properties.insert("split_names".to_owned(), splits.into());
    task.report(&ExecutorOutput::of("statistics", properties))
}

/// The statistics of each split, in order.
///
/// # Errors
/// When a file is missing or does not hold exactly one dataset.
pub fn read_statistics(statistics: &InputArtifact) -> Result<Vec<DatasetFeatureStatistics>> {
    let read = |split: String| {
        let path = split_folder(&statistics.path, &split).join("statistics.json");
        let mut list: DatasetFeatureStatisticsList = read_json(&path)?;
        let (Some(mut dataset), true) = (list.datasets.pop(), list.datasets.is_empty()) else {
            bail!("{} must hold the statistics of one dataset", path.display());
        };
        dataset.name = split;
        Ok(dataset)
    };
    split_names(statistics)?.into_iter().map(read).collect()
}

/// The statistics of every column of a table.
///
/// # Errors
/// When the table cannot be read.
pub fn measure(table: &Table, split: &str) -> Result<DatasetFeatureStatistics> {
    let features = table.features()?.0.into_iter();
    let features = features
        .map(|(name, kind)| measure_column(table, name, kind))
        .collect::<Result<_>>()?;
    let num_examples = i64::try_from(table.rows()).unwrap_or(i64::MAX);
    Ok(DatasetFeatureStatistics {
        name: split.to_owned(),
        num_examples,
        features,
    })
}

fn measure_column(table: &Table, name: String, kind: Kind) -> Result<FeatureNameStatistics> {
    let (mut numbers, mut texts, mut missing) = (Numbers::default(), Texts::default(), 0);
    for batch in table.read(&[&name])? {
        let batch = batch.with_context(|| format!("column '{name}' cannot be read"))?;
        let column = Column::cast(batch.column(0), kind).with_context(|| format!("column '{name}'"))?;
        missing += column.array().null_count() as u64;
        match column {
            Column::Int(values) => numbers.add(values.iter().flatten().map(|value| value as f64)),
            Column::Float(values) => numbers.add(values.iter().flatten()),
            Column::Bytes(values) => values.iter().flatten().for_each(|value| texts.add(value)),
        }
    }
    let numeric = kind != Kind::Bytes;
    Ok(FeatureNameStatistics {
        path: Some(Path::column(&name)),
        name: String::new(),
        data_type: kind.into(),
        num_stats: numeric.then(|| numbers.finish(missing)),
        string_stats: (!numeric).then(|| texts.finish(missing)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
        write_json(&file, &json!({"datasets": [{}, {}]})).unwrap();
        let error = read_statistics(&input).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{} must hold the statistics of one dataset", file.display())
        );
    }
}
