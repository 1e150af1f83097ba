//! `tensorflow_metadata/proto/v0/schema.proto`: what the data should look like.

use super::proto_json::{double, int64, optional_int64};
use crate::comparator::{Comparator, NumExamplesComparator};
use crate::listed::is_listed_as;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The file `schema.json`. Names may be written in proto's own snake_case too.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Schema {
    /// In column order.
    pub feature: Vec<Feature>,
    /// Domains that features name.
    #[serde(alias = "string_domain", skip_serializing_if = "Vec::is_empty")]
    pub string_domain: Vec<StringDomain>,
    /// The environments that features without `in_environment` are expected in; all when empty.
    #[serde(alias = "default_environment", skip_serializing_if = "Vec::is_empty")]
    pub default_environment: Vec<String>,
    /// Bounds on the number of rows.
    #[serde(alias = "dataset_constraints", skip_serializing_if = "Option::is_none")]
    pub dataset_constraints: Option<DatasetConstraints>,
    /// What we do not check.
    #[serde(flatten)]
    pub unchecked: Map<String, Value>,
}

impl Schema {
    /// Whether the schema speaks of environments, and of all but this one. (TFDV knows only default ones.)
    pub fn misses_environment(&self, environment: &str) -> bool {
        let of_features = self.feature.iter();
        let of_features =
            of_features.flat_map(|feature| feature.in_environment.iter().chain(&feature.not_in_environment));
        let mut names = self.default_environment.iter().chain(of_features).peekable();
        names.peek().is_some() && names.all(|name| name != environment)
    }

    /// The domain of a feature: its own, else the one it names; `None` when it has none.
    ///
    /// # Errors
    /// The name of a domain that the schema does not define.
    pub fn domain<'a>(&'a self, feature: &'a Feature) -> Result<Option<&'a StringDomain>, &'a str> {
        match (&feature.string_domain, &feature.domain) {
            (Some(own), _) => Ok(Some(own)),
            (None, None) => Ok(None),
            (None, Some(name)) => match self.string_domain.iter().find(|domain| &domain.name == name) {
                Some(domain) => Ok(Some(domain)),
                None => Err(name),
            },
        }
    }
}

/// What one column should look like.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feature {
    /// The column.
    pub name: String,
    /// Its kind; without one, any.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<SchemaType>,
    /// How often a value must be there; without it the column is optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<FeaturePresence>,
    /// One value in every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<FixedShape>,
    /// One value in a row that has any.
    #[serde(alias = "value_count", default, skip_serializing_if = "Option::is_none")]
    pub value_count: Option<ValueCount>,
    /// The name of a domain of the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The feature's own domain.
    #[serde(alias = "string_domain", default, skip_serializing_if = "Option::is_none")]
    pub string_domain: Option<StringDomain>,
    /// Bounds of an INT feature.
    #[serde(alias = "int_domain", default, skip_serializing_if = "Option::is_none")]
    pub int_domain: Option<IntDomain>,
    /// Bounds of a FLOAT feature.
    #[serde(alias = "float_domain", default, skip_serializing_if = "Option::is_none")]
    pub float_domain: Option<FloatDomain>,
    /// How much may be outside the domain.
    #[serde(alias = "distribution_constraints", default, skip_serializing_if = "Option::is_none")]
    pub distribution_constraints: Option<DistributionConstraints>,
    /// Bounds on the number of distinct values of a BYTES feature.
    #[serde(alias = "unique_constraints", default, skip_serializing_if = "Option::is_none")]
    pub unique_constraints: Option<UniqueConstraints>,
    /// PLANNED, ALPHA, DEBUG_ONLY and DEPRECATED features are not required.
    #[serde(alias = "lifecycle_stage", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_stage: Option<String>,
    /// The words of a BYTES feature, or 0 and 1 of an INT one, that mean yes and no.
    #[serde(alias = "bool_domain", default, skip_serializing_if = "Option::is_none")]
    pub bool_domain: Option<BoolDomain>,
    /// Environments that it is expected in beside the default ones.
    #[serde(alias = "in_environment", default, skip_serializing_if = "Vec::is_empty")]
    pub in_environment: Vec<String>,
    /// Environments that it is not expected in, such as the label in SERVING.
    #[serde(alias = "not_in_environment", default, skip_serializing_if = "Vec::is_empty")]
    pub not_in_environment: Vec<String>,
    /// How far it may be from serving data.
    #[serde(alias = "skew_comparator", default, skip_serializing_if = "Option::is_none")]
    pub skew_comparator: Option<Comparator>,
    /// How far it may be from the previous span.
    #[serde(alias = "drift_comparator", default, skip_serializing_if = "Option::is_none")]
    pub drift_comparator: Option<Comparator>,
    /// What we do not check.
    #[serde(flatten)]
    pub unchecked: BTreeMap<String, Value>,
}

impl Feature {
    /// A feature without any demand.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            data_type: None,
            presence: None,
            shape: None,
            value_count: None,
            domain: None,
            string_domain: None,
            int_domain: None,
            float_domain: None,
            distribution_constraints: None,
            unique_constraints: None,
            lifecycle_stage: None,
            bool_domain: None,
            in_environment: Vec::new(),
            not_in_environment: Vec::new(),
            skew_comparator: None,
            drift_comparator: None,
            unchecked: BTreeMap::new(),
        }
    }

    /// Whether the feature's lifecycle stage excuses it from every check.
    pub fn excused(&self) -> bool {
        let stage = self.lifecycle_stage.as_deref().unwrap_or_default();
        ["PLANNED", "ALPHA", "DEBUG_ONLY", "DEPRECATED", "DISABLED"].contains(&stage)
    }

    /// Whether the feature is expected in an environment: named by it, or one of the schema's default ones (all
    /// are when it has none), and not excluded. Without an environment every feature is expected (TFDV).
    pub fn expected_in(&self, environment: Option<&str>, schema: &Schema) -> bool {
        let Some(environment) = environment else { return true };
        let names = |list: &[String]| list.iter().any(|name| name == environment);
        let default = schema.default_environment.is_empty() || names(&schema.default_environment);
        !names(&self.not_in_environment) && (names(&self.in_environment) || default)
    }

    /// Whether data without the column is wrong.
    pub fn required(&self) -> bool {
        let demanded = |presence: &FeaturePresence| presence.min_count > 0 || presence.min_fraction > 0.0;
        !self.excused() && self.presence.as_ref().is_some_and(demanded)
    }
}

/// `FeatureType` of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SchemaType {
    /// Text.
    Bytes,
    /// Integers.
    Int,
    /// Floating point.
    Float,
}

impl SchemaType {
    /// The type that holds both: integers widen to floating point, everything else must agree.
    pub fn widened(self, other: Self) -> Option<Self> {
        match (self, other) {
            (same, other) if same == other => Some(same),
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Some(Self::Float),
            _ => None,
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// How often a value must be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FeaturePresence {
    /// Share of rows, 0..1.
    #[serde(alias = "min_fraction", with = "double", skip_serializing_if = "is_zero")]
    pub min_fraction: f64,
    /// Rows.
    #[serde(alias = "min_count", with = "int64")]
    pub min_count: i64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// A tensor shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FixedShape {
    /// One dimension of size 1 for a column.
    #[serde(default)]
    pub dim: Vec<Dim>,
}

/// One dimension.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dim {
    /// Its length.
    #[serde(with = "int64")]
    pub size: i64,
}

/// How many values a row holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValueCount {
    /// At least.
    #[serde(with = "int64")]
    pub min: i64,
    /// At most; no bound when absent.
    #[serde(with = "optional_int64", skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// The values a BYTES feature may have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StringDomain {
    /// As features name it.
    pub name: String,
    /// The values.
    pub value: Vec<String>,
}

impl StringDomain {
    /// Whether a value that statistics list is one of them.
    pub fn holds(&self, label: &str) -> bool {
        self.value.iter().any(|value| is_listed_as(value, label))
    }
}

/// The range of an INT feature, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IntDomain {
    /// No lower end when absent.
    #[serde(with = "optional_int64", skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// No upper end when absent.
    #[serde(with = "optional_int64", skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// The range of a FLOAT feature, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FloatDomain {
    /// No lower end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// No upper end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// NaN is an anomaly.
    #[serde(alias = "disallow_nan", skip_serializing_if = "std::ops::Not::not")]
    pub disallow_nan: bool,
    /// An infinity is an anomaly.
    #[serde(alias = "disallow_inf", skip_serializing_if = "std::ops::Not::not")]
    pub disallow_inf: bool,
}

/// What yes and no look like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BoolDomain {
    /// Of a BYTES feature.
    #[serde(alias = "true_value", skip_serializing_if = "String::is_empty")]
    pub true_value: String,
    /// Of a BYTES feature.
    #[serde(alias = "false_value", skip_serializing_if = "String::is_empty")]
    pub false_value: String,
}

/// How much of the data must be in the domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DistributionConstraints {
    /// Share of values, 0..1.
    #[serde(alias = "min_domain_mass", default = "whole")]
    pub min_domain_mass: f64,
}

fn whole() -> f64 {
    1.0
}

/// Bounds on distinct values, both included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UniqueConstraints {
    /// At least.
    #[serde(with = "int64")]
    pub min: i64,
    /// At most; no bound when absent.
    #[serde(with = "optional_int64", skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// Bounds on the number of rows, both included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DatasetConstraints {
    /// At least.
    #[serde(alias = "min_examples_count", with = "int64")]
    pub min_examples_count: i64,
    /// At most; no bound when absent.
    #[serde(
        alias = "max_examples_count",
        with = "optional_int64",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_examples_count: Option<i64>,
    /// How many rows there may be for one of the previous span.
    #[serde(alias = "num_examples_drift_comparator", skip_serializing_if = "Option::is_none")]
    pub num_examples_drift_comparator: Option<NumExamplesComparator>,
    /// What we do not check.
    #[serde(flatten)]
    pub unchecked: Map<String, Value>,
}
