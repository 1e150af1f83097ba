//! `tensorflow_metadata/proto/v0/anomalies.proto`: how the data differs from the schema.

use super::statistics::Path;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The file `anomalies.json` of one split.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Anomalies {
    /// By column.
    pub anomaly_info: BTreeMap<String, AnomalyInfo>,
    /// Of the split as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_anomaly_info: Option<AnomalyInfo>,
    /// The split has no example, so that no column could be checked.
    #[serde(skip_serializing_if = "is_false")]
    pub data_missing: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What is wrong with one column, or with the split as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnomalyInfo {
    /// Where; absent for the split as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// The worst of its reasons.
    pub severity: Severity,
    /// The reason's, or that there are several.
    pub short_description: String,
    /// All reasons' sentences.
    pub description: String,
    /// Each finding.
    pub reason: Vec<Reason>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Which.
    #[serde(rename = "type")]
    pub anomaly_type: AnomalyType,
    /// A few words.
    pub short_description: String,
    /// What was found and what the schema says, with numbers.
    pub description: String,
}

/// `AnomalyInfo.Severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Reported.
    Warning,
    /// Fails the step unless it only warns.
    Error,
}

/// `AnomalyInfo.Type`: those that example-validator detects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnomalyType {
    /// A required column is not in the data.
    SchemaMissingColumn,
    /// A column is not in the schema.
    SchemaNewColumn,
    /// Values of another type.
    UnexpectedDataType,
    /// A required column without any value.
    FeatureTypeNotPresent,
    /// Too few rows have a value, as a number of rows.
    FeatureTypeLowNumberPresent,
    /// Too few rows have a value, as a share of the rows.
    FeatureTypeLowFractionPresent,
    /// Too few distinct values.
    FeatureTypeLowUnique,
    /// Too many distinct values.
    FeatureTypeHighUnique,
    /// Too many values outside of a domain of text.
    EnumTypeUnexpectedStringValues,
    /// A whole number below its domain.
    IntTypeSmallInt,
    /// A whole number above its domain.
    IntTypeBigInt,
    /// A number below its domain.
    FloatTypeSmallFloat,
    /// A number above its domain.
    FloatTypeBigFloat,
    /// NaN where none may be.
    FloatTypeHasNan,
    /// An infinity where none may be.
    FloatTypeHasInf,
    /// A domain for values of another type than the column's.
    DomainInvalidForType,
    /// The schema contradicts itself.
    InvalidSchemaSpecification,
    /// Too few rows.
    DatasetLowNumExamples,
    /// Too many rows.
    DatasetHighNumExamples,
}

impl fmt::Display for AnomalyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
