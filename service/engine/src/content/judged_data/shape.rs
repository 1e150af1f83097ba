//! What is told of the data of a run.

use super::super::schema_diff::SchemaDiff;
use serde::{Deserialize, Serialize};
use trainyard_tfdv::distance::Distance;

/// Data that a run measured, and what was found in them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JudgedData {
    /// The step that judged them; of statistics that nobody judged the one that made them.
    pub step: String,
    /// Whether a validator judged them.
    pub judged: bool,
    /// Whether it failed, so that what it found is gone: the same is found again in the same way.
    pub anew: bool,
    /// The name of the span, as far as the statistics know it.
    pub span: Option<String>,
    /// The same of the data before.
    pub before_span: Option<String>,
    /// By name, as the statistics have them.
    pub splits: Vec<JudgedSplit>,
    /// What the schema would have to allow; absent without a schema.
    pub schema: Option<SchemaDiff>,
    /// What is missing here, and why, a sentence each.
    pub problems: Vec<String>,
}

/// A split.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedSplit {
    /// Its name.
    pub name: String,
    /// Its rows: now, before, in serving.
    pub rows: OfSides<i64>,
    /// What is wrong with it as a whole.
    pub anomalies: Vec<FoundAnomaly>,
    /// Its columns: the farthest from what chance allows first, then those with anomalies, then as the data have them.
    pub features: Vec<JudgedFeature>,
}

/// Something of the data now, before, and in serving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct OfSides<T> {
    /// Now.
    pub now: Option<T>,
    /// Of the span before.
    pub before: Option<T>,
    /// Of serving requests.
    pub serving: Option<T>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedFeature {
    /// Its name.
    pub name: String,
    /// `INT`, `FLOAT` or `STRING`.
    pub kind: String,
    /// The share of rows without a value.
    pub missing: OfSides<f64>,
    /// The mean of numbers.
    pub mean: OfSides<f64>,
    /// The median of numbers.
    pub median: OfSides<f64>,
    /// The distribution, cut in the same way for all sides.
    pub bins: Vec<Bin>,
    /// Its distances; the farthest first.
    pub distances: Vec<FeatureDistance>,
    /// What is wrong with it.
    pub anomalies: Vec<FoundAnomaly>,
}

/// A part of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// A value, or the range of numbers.
    pub label: String,
    /// The share of the values that it has.
    pub share: OfSides<f64>,
}

/// A distance, as `distances.json` has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureDistance {
    /// The column.
    pub feature: String,
    /// `drift` from the span before, or `skew` from serving data.
    pub comparison: String,
    /// Which.
    pub distance: Distance,
    /// Its value.
    pub value: f64,
    /// What it may be at most.
    pub threshold: f64,
    /// What chance alone makes of it at most; absent where it was not needed.
    #[serde(default)]
    pub null_quantile: Option<f64>,
    /// How often chance alone goes beyond that.
    pub significance_level: f64,
    /// Whether it is an anomaly.
    pub fires: bool,
}

impl FeatureDistance {
    /// Which, in a sentence.
    pub fn words(&self) -> &'static str {
        self.distance.words()
    }

    /// How many times what is allowed it is: of chance where that was asked, else of the threshold.
    pub fn times_allowed(&self) -> f64 {
        let allowed = self.null_quantile.unwrap_or(0.0).max(self.threshold);
        match allowed > 0.0 {
            true => self.value / allowed,
            false => 0.0,
        }
    }
}

/// An anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundAnomaly {
    /// `ERROR` or `WARNING`.
    pub severity: String,
    /// TFDV's name of it.
    pub anomaly: String,
    /// What was found.
    pub sentence: String,
}
