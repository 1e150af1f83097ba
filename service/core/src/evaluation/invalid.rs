//! Why an `evaluation.json` is not believed.

use super::shape::{SCHEMA_VERSION, SliceKey, place_name, slice_name};
use crate::figure;

/// One sentence each.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidEvaluation {
    /// It is something else.
    #[error("evaluation.json is not an evaluation: it is no JSON object")]
    NoObject,
    /// It cannot be read, in the parser's words.
    #[error("evaluation.json is not an evaluation: {0}")]
    Shape(String),
    /// A metric's number is none.
    #[error(
        "evaluation.json gives {metric} on {place} {value} for {key}, which is no number in JSON: write null for what is undefined"
    )]
    NoNumber {
        /// The metric.
        metric: String,
        /// Where.
        place: Box<Place>,
        /// `candidate`, `baseline`, or a key of its `difference`.
        key: String,
        /// As it is written.
        value: String,
    },
    /// Its version is not one of ours.
    #[error(
        "evaluation.json has schema_version {0}, and this version of Trainyard reads 1 to {SCHEMA_VERSION}: use evaluator and service of the same version"
    )]
    Version(u32),
    /// A slice is there twice.
    #[error("evaluation.json has the slice {} twice", slice_name(.0))]
    SliceTwice(SliceKey),
    /// The overall slice is missing.
    #[error("evaluation.json lacks the overall slice, the one with an empty slice_key")]
    NoOverall,
    /// A cross-slice is there twice.
    #[error("evaluation.json has the cross-slice {0} twice")]
    CrossSliceTwice(Place),
    /// A cross-slice names a slice that is not there.
    #[error("evaluation.json has the cross-slice {cross} and no slice {}", slice_name(missing))]
    NoSlice {
        /// The pair.
        cross: Place,
        /// The slice.
        missing: SliceKey,
    },
    /// It denies that there is a baseline, and has its value.
    #[error(
        "evaluation.json says that there is no baseline, and has one's {metric} on {place}: write baseline: true, or leave its values out"
    )]
    NoBaseline {
        /// The metric.
        metric: String,
        /// Where.
        place: Place,
    },
    /// A difference is not candidate minus baseline.
    #[error(
        "evaluation.json gives {metric} on {place} a difference of {}, and candidate minus baseline is {}: let the evaluator write that",
        figure::written(*stated),
        figure::written(*real)
    )]
    Difference {
        /// The metric.
        metric: String,
        /// Where.
        place: Place,
        /// The difference in the file.
        stated: f64,
        /// Candidate minus baseline.
        real: f64,
    },
}

/// A slice, or a pair of slices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The slice.
    pub slice_key: SliceKey,
    /// The slice it is compared with.
    pub baseline_slice_key: Option<SliceKey>,
}

impl Place {
    pub(super) fn new(slice_key: &SliceKey, baseline_slice_key: Option<&SliceKey>) -> Self {
        Self {
            slice_key: slice_key.clone(),
            baseline_slice_key: baseline_slice_key.cloned(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&place_name(&self.slice_key, self.baseline_slice_key.as_ref()))
    }
}
