//! What the gate says, and the proof that it said yes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// TFX's blessing, three-valued: no thresholds means no judgement, not approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blessing {
    /// Every threshold held.
    Blessed,
    /// At least one did not.
    NotBlessed,
    /// There was nothing to judge by.
    NotEvaluated,
}

impl Blessing {
    /// As the API and the CLI write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blessed => "blessed",
            Self::NotBlessed => "not_blessed",
            Self::NotEvaluated => "not_evaluated",
        }
    }
}

/// One threshold on one slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The slice; empty is overall.
    pub slice_key: BTreeMap<String, String>,
    /// The metric; empty when the slice as a whole was not measured.
    pub metric: String,
    /// Whether the threshold held.
    pub passed: bool,
    /// The reason, with its numbers.
    pub sentence: String,
}

/// One row of the table people read: a metric on a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The slice; empty is overall.
    pub slice_key: BTreeMap<String, String>,
    /// The metric.
    pub metric: String,
    /// Rows in the slice.
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

/// The gate's answer with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub(super) blessing: Blessing,
    pub(super) rubber_stamp: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) comparisons: Vec<Comparison>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) interval_level: Option<f64>,
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

    /// Every threshold that was looked at, failures first.
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
        self.findings.iter().filter(|finding| !finding.passed)
    }

    /// The proof of approval by the gate; a person's is `Blessed::by_person`.
    pub fn bless<T>(&self, candidate: T) -> Option<Blessed<T>> {
        (self.blessing == Blessing::Blessed).then_some(Blessed(candidate))
    }
}

/// Something the gate approved. Pushing takes nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Blessed<T>(pub(super) T);

impl<T> Blessed<T> {
    /// What was approved.
    pub fn get(&self) -> &T {
        &self.0
    }
}
