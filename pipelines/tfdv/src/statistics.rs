//! `tensorflow_metadata/proto/v0/statistics.proto`: what statistics-gen measures.

use super::proto_json::{double, int64};
use super::schema::SchemaType;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// TFDV's name of the dataset of all rows beside those of slices.
pub const ALL_EXAMPLES: &str = "All Examples";

/// A part of the data that has fewer examples than others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallSpan {
    /// The name of its file.
    pub file: String,
    /// Its examples.
    pub examples: u64,
    /// Those of the part in the middle, by size.
    pub usual: u64,
}

/// The file `statistics.json` of one split.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DatasetFeatureStatisticsList {
    /// One of all rows; with slices it is named [`ALL_EXAMPLES`] and theirs follow.
    #[serde(default)]
    pub datasets: Vec<DatasetFeatureStatistics>,
}

impl DatasetFeatureStatisticsList {
    /// The datasets without those of slices.
    pub fn without_slices(mut self) -> Vec<DatasetFeatureStatistics> {
        if self.datasets.iter().any(|dataset| dataset.name == ALL_EXAMPLES) {
            self.datasets.retain(|dataset| dataset.name == ALL_EXAMPLES);
        }
        self.datasets
    }
}

/// The statistics of one split, or of one slice of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DatasetFeatureStatistics {
    /// The split, or as TFDV names slices: `origin_JFK`.
    pub name: String,
    /// Rows.
    #[serde(with = "int64")]
    pub num_examples: i64,
    /// One per column, in column order.
    pub features: Vec<FeatureNameStatistics>,
}

impl DatasetFeatureStatistics {
    /// The columns by name; the first of a name counts.
    pub fn by_name(&self) -> HashMap<String, &FeatureNameStatistics> {
        let mut columns = HashMap::with_capacity(self.features.len());
        for feature in &self.features {
            columns.entry(feature.column()).or_insert(feature);
        }
        columns
    }
}

/// The statistics of one column.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FeatureNameStatistics {
    /// Set where the column is named by `path`, as TFDV does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// Set where the column is named plainly, as old TFDV did.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// proto3 JSON leaves out the first value of an enumeration, here INT.
    #[serde(rename = "type")]
    pub data_type: FeatureType,
    /// Of INT and FLOAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_stats: Option<NumericStatistics>,
    /// Of STRING.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_stats: Option<StringStatistics>,
    /// Whatever else was measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_stats: Vec<CustomStatistic>,
}

impl FeatureNameStatistics {
    /// The column's name; the steps of a nested path are joined by dots.
    pub fn column(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(|| self.name.clone(), |path| path.step.join("."))
    }

    /// Counts of present and missing values.
    pub fn common(&self) -> CommonStatistics {
        let numeric = self.num_stats.as_ref().map(|stats| &stats.common_stats);
        let common = numeric.or(self.string_stats.as_ref().map(|stats| &stats.common_stats));
        common.cloned().unwrap_or_default()
    }

    /// Exact counts over the [`CELLS`], where statistics-gen made them.
    pub fn cells(&self) -> Option<&[Bucket]> {
        let cells = self.custom_stats.iter().find(|custom| custom.name == CELLS)?;
        cells.histogram.as_ref().map(|histogram| histogram.buckets.as_slice())
    }

    /// The kind of feature in the schema's words.
    pub fn kind(&self) -> SchemaType {
        match self.data_type {
            FeatureType::Int => SchemaType::Int,
            FeatureType::Float => SchemaType::Float,
            FeatureType::String | FeatureType::Bytes => SchemaType::Bytes,
        }
    }
}

/// Where a feature is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// One step for a column.
    #[serde(default)]
    pub step: Vec<String>,
}

impl Path {
    /// The path of a column.
    pub fn column(name: &str) -> Self {
        Self {
            step: vec![name.to_owned()],
        }
    }
}

/// `FeatureNameStatistics.Type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FeatureType {
    /// Integers.
    #[default]
    Int,
    /// Floating point.
    Float,
    /// Text.
    String,
    /// Opaque bytes; we never write it.
    Bytes,
}

/// Counts that every feature has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CommonStatistics {
    /// Rows with a value.
    #[serde(with = "int64")]
    pub num_non_missing: i64,
    /// Rows without.
    #[serde(with = "int64")]
    pub num_missing: i64,
    /// Values per row that has any: 1, where the column has no lists.
    #[serde(with = "int64")]
    pub min_num_values: i64,
    /// As `min_num_values`.
    #[serde(with = "int64")]
    pub max_num_values: i64,
    /// As `min_num_values`.
    pub avg_num_values: f64,
    /// Values in all rows.
    #[serde(with = "int64")]
    pub tot_num_values: i64,
}

impl CommonStatistics {
    /// Of a column with at most one value per row.
    pub fn of_column(present: u64, missing: u64) -> Self {
        let present = i64::try_from(present).unwrap_or(i64::MAX);
        let valency = i64::from(present > 0);
        Self {
            num_non_missing: present,
            num_missing: i64::try_from(missing).unwrap_or(i64::MAX),
            min_num_values: valency,
            max_num_values: valency,
            avg_num_values: valency as f64,
            tot_num_values: present,
        }
    }

    /// Of a column with lists: rows with one and without, the shortest, the longest, and values in all of them.
    pub fn of_lists(present: u64, missing: u64, least: u64, most: u64, total: u64) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            num_non_missing: number(present),
            num_missing: number(missing),
            min_num_values: number(least),
            max_num_values: number(most),
            avg_num_values: if present == 0 {
                0.0
            } else {
                total as f64 / present as f64
            },
            tot_num_values: number(total),
        }
    }
}

/// Of INT and FLOAT features, in the feature's own unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NumericStatistics {
    /// Counts.
    pub common_stats: CommonStatistics,
    /// Of the finite values.
    #[serde(with = "double")]
    pub mean: f64,
    /// Population standard deviation of the finite values.
    #[serde(with = "double")]
    pub std_dev: f64,
    /// Values equal to zero.
    #[serde(with = "int64")]
    pub num_zeros: i64,
    /// Infinities count, NaN does not.
    #[serde(with = "double")]
    pub min: f64,
    /// Of the finite values.
    #[serde(with = "double")]
    pub median: f64,
    /// Infinities count, NaN does not.
    #[serde(with = "double")]
    pub max: f64,
    /// One STANDARD (equal widths) and one QUANTILES (equal counts), ten buckets each.
    pub histograms: Vec<Histogram>,
}

impl NumericStatistics {
    /// How many values are NaN.
    pub fn num_nan(&self) -> i64 {
        self.histograms
            .iter()
            .map(|histogram| histogram.num_nan)
            .max()
            .unwrap_or(0)
    }
}

/// A histogram over the finite values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Histogram {
    /// Values that are NaN, in no bucket.
    #[serde(with = "int64")]
    pub num_nan: i64,
    /// Ascending and adjacent.
    pub buckets: Vec<Bucket>,
    /// Equal widths or equal counts.
    #[serde(rename = "type")]
    pub histogram_type: HistogramType,
}

/// `Histogram.HistogramType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HistogramType {
    /// Equal widths.
    #[default]
    Standard,
    /// Equal counts.
    Quantiles,
}

/// `low_value ≤ x < high_value`; the last bucket includes its high value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Bucket {
    /// Inclusive.
    #[serde(with = "double")]
    pub low_value: f64,
    /// Exclusive but in the last bucket.
    #[serde(with = "double")]
    pub high_value: f64,
    /// Values; fractional in quantiles.
    #[serde(with = "double")]
    pub sample_count: f64,
}

/// The name of the custom histogram whose cells are the same for all data, or nest: a cell of one is a cell of the
/// other, a part of one or several of them. Its counts are exact. Between cells there is no value.
pub const CELLS: &str = "cells";

/// `CustomStatistic`; values other than histograms are not read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomStatistic {
    /// What was measured.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// Of STRING features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StringStatistics {
    /// Counts.
    pub common_stats: CommonStatistics,
    /// Distinct values.
    #[serde(with = "int64")]
    pub unique: i64,
    /// The most frequent values, most frequent first, at most 20.
    pub top_values: Vec<FreqAndValue>,
    /// Mean length in bytes.
    pub avg_length: f64,
    /// The most frequent values, most frequent first, at most 1000.
    pub rank_histogram: RankHistogram,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FreqAndValue {
    /// The text, [`listed`](crate::listed).
    pub value: String,
    /// Rows.
    pub frequency: f64,
}

/// Values by frequency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RankHistogram {
    /// One per value.
    pub buckets: Vec<RankBucket>,
}

/// One value of a [`RankHistogram`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RankBucket {
    /// The value's rank, from 0.
    #[serde(with = "int64")]
    pub low_rank: i64,
    /// As `low_rank`.
    #[serde(with = "int64")]
    pub high_rank: i64,
    /// The value, [`listed`](crate::listed).
    pub label: String,
    /// Rows.
    pub sample_count: f64,
}
