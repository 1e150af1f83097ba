//! `tensorflow_metadata/proto/v0/anomalies.proto`: how the data differs from the schema.

use super::distance::Distance;
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
    /// Every distance that was measured, those that are small enough too, by column.
    #[serde(alias = "drift_skew_info", skip_serializing_if = "nothing_of_tfmd")]
    pub drift_skew_info: Vec<DriftSkewInfo>,
}

/// How far a column is from the previous span and from serving data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftSkewInfo {
    /// The column.
    pub path: Path,
    /// From the previous span; written are the distances that TFMD has.
    #[serde(alias = "drift_measurements", default, skip_serializing_if = "none_of_tfmd")]
    #[serde(serialize_with = "those_of_tfmd")]
    pub drift_measurements: Vec<Measurement>,
    /// From serving data; written are the distances that TFMD has.
    #[serde(alias = "skew_measurements", default, skip_serializing_if = "none_of_tfmd")]
    #[serde(serialize_with = "those_of_tfmd")]
    pub skew_measurements: Vec<Measurement>,
}

fn nothing_of_tfmd(infos: &[DriftSkewInfo]) -> bool {
    let nothing =
        |info: &DriftSkewInfo| none_of_tfmd(&info.drift_measurements) && none_of_tfmd(&info.skew_measurements);
    infos.iter().all(nothing)
}

fn none_of_tfmd(measurements: &[Measurement]) -> bool {
    !measurements.iter().any(|measurement| measurement.distance.of_tfmd())
}

fn those_of_tfmd<S: serde::Serializer>(measurements: &[Measurement], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(measurements.iter().filter(|measurement| measurement.distance.of_tfmd()))
}

/// One distance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Which.
    #[serde(rename = "type")]
    pub distance: Distance,
    /// Its value.
    pub value: f64,
    /// What it may be at most.
    pub threshold: f64,
    /// What it is at most, at the significance level, when nothing has changed: the quantile of its null
    /// distribution at these numbers of values, and what the coarseness of the statistics adds. `None` where nobody
    /// needs it (within the threshold, or a threshold that decides alone) or the distance is not beyond it. Not in
    /// TFMD's message.
    #[serde(skip)]
    pub null_quantile: Option<f64>,
    /// How often an unchanged column is farther away, after correction for the number of columns. Not in TFMD's
    /// message.
    #[serde(skip)]
    pub significance_level: f64,
}

/// One distance with all that belongs to it, as `distances.json` has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The column.
    pub feature: String,
    /// `drift` from the previous span or `skew` from serving data.
    pub comparison: &'static str,
    /// Which.
    pub distance: Distance,
    /// Its value.
    pub value: f64,
    /// What it may be at most.
    pub threshold: f64,
    /// As [`Measurement::null_quantile`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_quantile: Option<f64>,
    /// As [`Measurement::significance_level`].
    pub significance_level: f64,
    /// Whether it is an anomaly.
    pub fires: bool,
}

impl Anomalies {
    /// Every distance that was measured, in column order.
    pub fn measured(&self) -> Vec<Measured> {
        let sides = |info: &DriftSkewInfo| {
            let drift = info.drift_measurements.iter().map(|measurement| ("drift", measurement));
            let skew = info.skew_measurements.iter().map(|measurement| ("skew", measurement));
            let measured = |(comparison, measurement): (&'static str, &Measurement)| Measured {
                feature: info.path.step.join("."),
                comparison,
                distance: measurement.distance,
                value: measurement.value,
                threshold: measurement.threshold,
                null_quantile: measurement.null_quantile,
                significance_level: measurement.significance_level,
                fires: measurement.fires(),
            };
            drift.chain(skew).map(measured).collect::<Vec<_>>()
        };
        self.drift_skew_info.iter().flat_map(sides).collect()
    }
}

impl Measurement {
    /// Whether it is too far away, and not by chance.
    pub fn fires(&self) -> bool {
        let beyond = self.null_quantile.is_some_and(|quantile| self.value > quantile);
        self.value > self.threshold && (self.significance_level >= 1.0 || beyond)
    }
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
    /// Which; a type that TFMD does not have is written as its CUSTOM_VALIDATION.
    #[serde(rename = "type", serialize_with = "of_tfmd")]
    pub anomaly_type: AnomalyType,
    /// A few words.
    pub short_description: String,
    /// What was found and what the schema says, with numbers.
    pub description: String,
}

/// So that TFMD's own parser reads the file.
fn of_tfmd<S: serde::Serializer>(anomaly_type: &AnomalyType, serializer: S) -> Result<S::Ok, S::Error> {
    match anomaly_type {
        AnomalyType::ComparatorKolmogorovSmirnovHigh
        | AnomalyType::ComparatorWassersteinHigh
        | AnomalyType::ComparatorChiSquareHigh => serializer.serialize_str("CUSTOM_VALIDATION"),
        known => known.serialize(serializer),
    }
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
    /// A domain that the schema does not define.
    InvalidDomainSpecification,
    /// Too few rows.
    DatasetLowNumExamples,
    /// Too many rows.
    DatasetHighNumExamples,
    /// Rows with too few values.
    FeatureTypeLowNumberValues,
    /// Rows with too many values.
    FeatureTypeHighNumberValues,
    /// A fixed shape for rows that have more values or fewer.
    InvalidFeatureShape,
    /// Distinct values are to be counted, and of numbers they are not.
    FeatureTypeNoUnique,
    /// Text that is not a whole number.
    IntTypeNotIntString,
    /// Text that is not a number.
    FloatTypeStringNotFloat,
    /// A truth value below 0.
    BoolTypeSmallInt,
    /// A truth value above 1.
    BoolTypeBigInt,
    /// A truth value that is a number other than 0 and 1.
    BoolTypeUnexpectedFloat,
    /// A truth value of an unknown word.
    BoolTypeUnexpectedString,
    /// Categories are too far from the control's.
    #[serde(rename = "COMPARATOR_L_INFTY_HIGH")]
    ComparatorLInftyHigh,
    /// Too far by the Jensen-Shannon divergence.
    ComparatorJensenShannonDivergenceHigh,
    /// Too far by the normalised absolute difference.
    ComparatorNormalizedAbsoluteDifferenceHigh,
    /// Too far by Kolmogorov and Smirnov; not in TFDV.
    ComparatorKolmogorovSmirnovHigh,
    /// Too far by Wasserstein; not in TFDV.
    ComparatorWassersteinHigh,
    /// Too far by chi-square; not in TFDV.
    ComparatorChiSquareHigh,
    /// Nothing to compare with.
    ComparatorControlDataMissing,
    /// Far fewer rows than before.
    ComparatorLowNumExamples,
    /// Far more rows than before.
    ComparatorHighNumExamples,
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
