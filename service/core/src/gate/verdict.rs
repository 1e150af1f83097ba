//! What the gate says, and the proof that it said yes.

use crate::artifact::{ArtifactRef, Digest};
use crate::evaluation::{SliceKey, place_name};
use crate::plan::{ChangeThreshold, CrossSlicingSpec, Requirement, SlicingSpec, SuspiciousImprovement, ValueThreshold};
use serde::{Deserialize, Serialize};

/// TFX's blessing: no thresholds means no judgement, not approval, and what serves already is nothing to approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blessing {
    /// Every threshold held.
    Blessed,
    /// At least one did not.
    NotBlessed,
    /// There was nothing to judge by.
    NotEvaluated,
    /// The candidate is, byte for byte, what serves.
    Unchanged,
}

impl Blessing {
    /// As the API and the CLI write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blessed => "blessed",
            Self::NotBlessed => "not_blessed",
            Self::NotEvaluated => "not_evaluated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What was judged, by TFMA's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Bounds of the value.
    ValueThreshold(ValueThreshold),
    /// Bounds of the difference to the baseline.
    ChangeThreshold(ChangeThreshold),
    /// Statistical evidence.
    Require(Requirement),
    /// A gain too large to believe.
    SuspiciousImprovement(SuspiciousImprovement),
}

/// One threshold on one slice, or on the difference of two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The slice; empty is overall.
    pub slice_key: SliceKey,
    /// The slice it is compared with; absent where the slice itself is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_slice_key: Option<SliceKey>,
    /// The metric; empty when it is about whole slices.
    pub metric: String,
    /// Whether the threshold held; `None` when there were too few examples to judge.
    pub passed: Option<bool>,
    /// The reason, with its numbers.
    pub sentence: String,
    /// The threshold; `None` when what it asks for was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
}

/// One row of the table people read: a metric on a slice, or a metric's difference between two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The slice; empty is overall.
    pub slice_key: SliceKey,
    /// The slice it is compared with: the values are then metric of the slice less metric of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_slice_key: Option<SliceKey>,
    /// The metric.
    pub metric: String,
    /// Rows in the slice; of two slices, in the smaller.
    pub num_examples: u64,
    /// The candidate's value; `None` where undefined.
    pub candidate: Option<f64>,
    /// The baseline's value, if there is a baseline.
    pub baseline: Option<f64>,
    /// Candidate minus baseline.
    pub difference: Option<f64>,
    /// The difference's interval, lower end first, at [`Verdict::interval_level`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// The thresholds in words, for example `≥ 0.60, change ≥ -0.005`.
    pub threshold: String,
    /// Whether all of them held; `None` when the slice was too small to judge.
    pub passed: Option<bool>,
}

impl Comparison {
    /// For people: `overall`, `origin=EWR`, `overall less origin=EWR`.
    pub fn slice_name(&self) -> String {
        place_name(&self.slice_key, self.baseline_slice_key.as_ref())
    }

    /// Whether it is of all rows, and of nothing else.
    pub fn is_overall(&self) -> bool {
        self.slice_key.is_empty() && self.baseline_slice_key.is_none()
    }
}

/// Slices, or pairs of slices, that thresholds look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slicing {
    /// Slices.
    SlicingSpec(SlicingSpec),
    /// Slices against others.
    CrossSlicingSpec(CrossSlicingSpec),
}

impl Slicing {
    pub(super) fn matches(&self, baseline_slice_key: Option<&SliceKey>, slice_key: &SliceKey) -> bool {
        match (self, baseline_slice_key) {
            (Self::SlicingSpec(spec), None) => spec.matches(slice_key),
            (Self::CrossSlicingSpec(spec), Some(base)) => spec.matches(base, slice_key),
            _ => false,
        }
    }

    /// The failure where none was measured.
    pub(super) fn missing(&self) -> Finding {
        let (slice_key, sentence) = match self {
            Self::SlicingSpec(spec) => (
                spec.feature_values.clone(),
                format!(
                    "no slice {} was measured: there were no such examples, or the evaluator does not slice so",
                    spec.describe()
                ),
            ),
            Self::CrossSlicingSpec(spec) => (
                SliceKey::new(),
                format!(
                    "no slice {} was compared: there were no such examples, or the evaluator does not compare so",
                    spec.describe()
                ),
            ),
        };
        Finding {
            slice_key,
            passed: Some(false),
            sentence,
            ..Finding::default()
        }
    }
}

/// TFMA's SlicingDetails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlicingDetails {
    /// Which slices were asked for.
    #[serde(flatten)]
    pub spec: Slicing,
    /// How many of them were measured.
    pub num_matching_slices: usize,
}

/// The gate's answer with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub(super) blessing: Blessing,
    pub(super) rubber_stamp: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) comparisons: Vec<Comparison>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) interval_level: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) slicing_details: Vec<SlicingDetails>,
    /// The version that serves these bytes already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unchanged: Option<String>,
}

impl Verdict {
    /// Approved, rejected, or not judged.
    pub fn blessing(&self) -> Blessing {
        self.blessing
    }

    /// Whether change thresholds were skipped because there was no baseline.
    pub fn rubber_stamp(&self) -> bool {
        self.rubber_stamp
    }

    /// Every threshold that was looked at: failures, then what was not judged, then what held.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The table, overall slice first.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// The confidence level of the table's intervals, for example 0.95; `None` if none has one.
    pub fn interval_level(&self) -> Option<f64> {
        let any = self.comparisons.iter().any(|row| row.interval.is_some());
        self.interval_level.filter(|_| any)
    }

    /// The findings that decided against the candidate.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.passed == Some(false))
    }

    /// What was not judged, since there were too few examples.
    pub fn unjudged(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.passed.is_none())
    }

    /// The first failure, or else what was not judged where there is no judgement; `None` of an approval.
    pub fn reason(&self) -> Option<&str> {
        let unevaluated = self.blessing == Blessing::NotEvaluated;
        let unjudged = self.unjudged().filter(|_| unevaluated);
        let first = self.failures().chain(unjudged).next();
        first.map(|finding| finding.sentence.as_str())
    }

    /// Which slices were asked for, and how many were measured.
    pub fn slicing_details(&self) -> &[SlicingDetails] {
        &self.slicing_details
    }

    /// The proof of approval by the gate, of the content it judged and of nothing else; a person's is
    /// [`Blessed::by_person`].
    pub fn bless(&self, judged: &Digest, candidate: &ArtifactRef) -> Option<Blessed> {
        let approved = self.blessing == Blessing::Blessed && *judged == candidate.digest;
        approved.then(|| Blessed(candidate.clone()))
    }

    /// The proof that the content was approved before and is to serve already. It holds while the ledger says so.
    pub fn bless_unchanged(&self, judged: &Digest, candidate: &ArtifactRef) -> Option<Blessed> {
        let unchanged = self.blessing == Blessing::Unchanged && *judged == candidate.digest;
        unchanged.then(|| Blessed(candidate.clone()))
    }
}

/// A model that was approved. Pushing takes nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Blessed(pub(super) ArtifactRef);

impl Blessed {
    /// The model that was approved.
    pub fn model(&self) -> &ArtifactRef {
        &self.0
    }

    /// The content that was approved.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }
}
