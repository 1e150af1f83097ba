//! What a schema or a step says about drift and skew.

use std::collections::BTreeMap;
use std::fmt;

use crate::distance::Distance;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How often a column in which nothing has changed may be reported, where nobody says it.
pub const SIGNIFICANCE_LEVEL: f64 = 0.01;

/// TFMD's `FeatureComparator`, extended: the distances that are measured, with their bounds.
///
/// A distance fires when it is more than its threshold **and** more than the quantile of its null distribution at
/// `1 - significance_level`, at the given numbers of values. Without a threshold the significance alone decides; at a
/// significance level of 1 the threshold alone, as in TFDV.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Comparator {
    /// Categories only.
    #[serde(alias = "infinity_norm", skip_serializing_if = "Option::is_none")]
    pub infinity_norm: Option<Bound>,
    /// Categories and numbers.
    #[serde(alias = "jensen_shannon_divergence", skip_serializing_if = "Option::is_none")]
    pub jensen_shannon_divergence: Option<Bound>,
    /// Categories and numbers.
    #[serde(alias = "normalized_abs_difference", skip_serializing_if = "Option::is_none")]
    pub normalized_abs_difference: Option<Bound>,
    /// Numbers only.
    #[serde(alias = "kolmogorov_smirnov", skip_serializing_if = "Option::is_none")]
    pub kolmogorov_smirnov: Option<Bound>,
    /// Numbers only; in standard deviations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wasserstein: Option<Bound>,
    /// Categories and numbers.
    #[serde(alias = "chi_square", skip_serializing_if = "Option::is_none")]
    pub chi_square: Option<Bound>,
    /// More than 0 and at most 1; [`SIGNIFICANCE_LEVEL`] when absent.
    #[serde(alias = "significance_level", skip_serializing_if = "Option::is_none")]
    pub significance_level: Option<f64>,
}

/// What a distance may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bound {
    /// At most; 0 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// TFMD's; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Value>,
}

/// Bounds on rows now to rows before, both included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NumExamplesComparator {
    /// At least; 0.5 is half as many.
    #[serde(alias = "min_fraction_threshold", skip_serializing_if = "Option::is_none")]
    pub min_fraction_threshold: Option<f64>,
    /// At most; no bound when absent.
    #[serde(alias = "max_fraction_threshold", skip_serializing_if = "Option::is_none")]
    pub max_fraction_threshold: Option<f64>,
}

impl Comparator {
    /// What it says of a distance; `None` when that is not measured.
    pub fn bound(&self, distance: Distance) -> Option<&Bound> {
        match distance {
            Distance::LInfty => self.infinity_norm.as_ref(),
            Distance::JensenShannonDivergence => self.jensen_shannon_divergence.as_ref(),
            Distance::NormalizedAbsoluteDifference => self.normalized_abs_difference.as_ref(),
            Distance::KolmogorovSmirnov => self.kolmogorov_smirnov.as_ref(),
            Distance::Wasserstein => self.wasserstein.as_ref(),
            Distance::ChiSquare => self.chi_square.as_ref(),
        }
    }

    /// What is wrong with its numbers.
    ///
    /// # Errors
    /// When a threshold is negative or no number, or the level is not in (0, 1].
    pub fn check(&self) -> Result<(), InvalidComparator> {
        if let Some(level) = self.significance_level.filter(|level| !(*level > 0.0 && *level <= 1.0)) {
            return Err(InvalidComparator::SignificanceLevel(level));
        }
        let thresholds = Distance::ALL
            .into_iter()
            .filter_map(|distance| self.bound(distance)?.threshold);
        match thresholds
            .into_iter()
            .find(|threshold| *threshold < 0.0 || threshold.is_nan())
        {
            Some(threshold) => Err(InvalidComparator::Threshold(threshold)),
            None => Ok(()),
        }
    }
}

/// A number of a comparator that means nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InvalidComparator {
    /// Not in (0, 1].
    SignificanceLevel(f64),
    /// Below 0, or no number.
    Threshold(f64),
}

impl fmt::Display for InvalidComparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignificanceLevel(level) => {
                write!(
                    f,
                    "the significance_level is {level}, and must be more than 0 and at most 1"
                )
            }
            Self::Threshold(threshold) => write!(f, "a threshold is {threshold}, and must not be below 0"),
        }
    }
}

impl std::error::Error for InvalidComparator {}

/// The step parameter `drift` or `skew`: comparators for all features, and for some. The most specific word on
/// a distance counts: `features`, then the schema's comparator, then the one for all.
///
/// ```yaml
/// drift:
///   jensen_shannon_divergence: { threshold: 0.1 }   # of all features
///   significance_level: 0.01
///   correction: bonferroni                          # or none, the default
///   num_examples: { min_fraction_threshold: 0.5 }   # rows now to rows before
///   features:
///     carrier: { infinity_norm: { threshold: 0.05 } }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct Comparison {
    /// Of every feature that both sides have.
    pub all: Comparator,
    /// Of single features; it is an anomaly when the control has no such feature.
    pub features: BTreeMap<String, Comparator>,
    /// What many features do to the level.
    pub correction: Correction,
    /// Numbers of rows; the schema's `num_examples_drift_comparator` when absent.
    pub num_examples: Option<NumExamplesComparator>,
}

impl Default for Comparison {
    /// Evidently's threshold for the Jensen-Shannon distance, 0.1: it is the root of the divergence.
    fn default() -> Self {
        let bound = Bound {
            threshold: Some(0.01),
            source: None,
        };
        Self {
            all: Comparator {
                jensen_shannon_divergence: Some(bound),
                ..Comparator::default()
            },
            features: BTreeMap::new(),
            correction: Correction::None,
            num_examples: None,
        }
    }
}

/// What many features do to the significance level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Correction {
    /// The level is that of each distance.
    #[default]
    None,
    /// The level is that of all features together: each has its share of it.
    Bonferroni,
}

/// Why a parameter `drift` or `skew` is none.
#[derive(Debug)]
pub enum InvalidComparison {
    /// A part of it has another shape.
    Part(&'static str, serde_json::Error),
    /// What is said of all features has another shape.
    Shape(serde_json::Error),
    /// What is said of all features means nothing.
    All(InvalidComparator),
    /// What is said of one feature means nothing.
    Feature(String, InvalidComparator),
}

impl fmt::Display for InvalidComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(name, error) => write!(f, "{name}: {error}"),
            Self::Shape(error) => error.fmt(f),
            Self::All(error) => error.fmt(f),
            Self::Feature(feature, error) => write!(f, "feature '{feature}': {error}"),
        }
    }
}

impl std::error::Error for InvalidComparison {}

impl TryFrom<BTreeMap<String, Value>> for Comparison {
    type Error = InvalidComparison;

    fn try_from(mut written: BTreeMap<String, Value>) -> Result<Self, InvalidComparison> {
        fn part<T: serde::de::DeserializeOwned + Default>(
            value: Option<Value>,
            name: &'static str,
        ) -> Result<T, InvalidComparison> {
            value
                .map_or(Ok(T::default()), serde_json::from_value)
                .map_err(|error| InvalidComparison::Part(name, error))
        }
        let features: BTreeMap<String, Comparator> = part(written.remove("features"), "features")?;
        let correction = part(written.remove("correction"), "correction")?;
        let num_examples = part(written.remove("num_examples"), "num_examples")?;
        let all: Comparator =
            serde_json::from_value(written.into_iter().collect()).map_err(InvalidComparison::Shape)?;
        all.check().map_err(InvalidComparison::All)?;
        for (feature, comparator) in &features {
            let wrong = |error| InvalidComparison::Feature(feature.clone(), error);
            comparator.check().map_err(wrong)?;
        }
        Ok(Self {
            all,
            features,
            correction,
            num_examples,
        })
    }
}
