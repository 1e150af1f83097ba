//! Verdicts where a comparison with the baseline model says nothing: the candidate is what serves, or the baseline
//! was trained on the rows that judge it. What the candidate must be by itself is judged all the same.

use super::verdict::{Blessing, Comparison, Finding, Rule, Verdict};

impl Verdict {
    /// The verdict on a candidate that is, byte for byte, what serves as `version`: a difference to itself says
    /// nothing. What its own value fails is a failure still.
    pub fn of_unchanged(self, version: &str) -> Self {
        let mut verdict = self.without_comparisons();
        if verdict.failures().next().is_none() {
            verdict.blessing = Blessing::Unchanged;
            verdict.unchanged = Some(version.to_owned());
        } else {
            verdict.blessing = Blessing::NotBlessed;
        }
        verdict
    }

    /// The verdict where the comparison is unfair, for the reason in `sentence`: nothing is approved by it. A verdict
    /// that rests on no comparison stays as it is.
    pub fn of_unfair_comparison(self, sentence: String) -> Self {
        if !self.findings.iter().any(compares) {
            return self;
        }
        let mut verdict = self.without_comparisons();
        let failed = verdict.failures().count();
        verdict.blessing = if failed > 0 {
            Blessing::NotBlessed
        } else {
            Blessing::NotEvaluated
        };
        let told = Finding {
            sentence,
            ..Finding::default()
        };
        verdict.findings.insert(failed, told);
        verdict
    }

    /// Without what was found by comparing with the baseline model.
    fn without_comparisons(mut self) -> Self {
        let (compared, kept): (Vec<Finding>, Vec<Finding>) = self.findings.into_iter().partition(compares);
        for row in &mut self.comparisons {
            if compared.iter().any(|finding| is_of(finding, row)) {
                let own = kept.iter().filter(|finding| is_of(finding, row));
                let judged: Vec<bool> = own.filter_map(|finding| finding.passed).collect();
                if judged.is_empty() {
                    row.threshold.clear();
                    row.passed = None;
                } else {
                    row.passed = Some(judged.into_iter().all(|passed| passed));
                }
            }
        }
        self.findings = kept;
        self
    }

    /// The version that serves the judged bytes already, where that is what the gate says.
    pub fn unchanged(&self) -> Option<&str> {
        self.unchanged.as_deref()
    }
}

/// Whether the row of the table is what the finding is about.
fn is_of(finding: &Finding, row: &Comparison) -> bool {
    finding.slice_key == row.slice_key
        && finding.baseline_slice_key == row.baseline_slice_key
        && finding.metric == row.metric
}

/// Whether it was found by comparing with the baseline model.
fn compares(finding: &Finding) -> bool {
    match finding.rule {
        Some(Rule::ChangeThreshold(_) | Rule::Require(_) | Rule::SuspiciousImprovement(_)) => true,
        Some(Rule::ValueThreshold(_)) | None => false,
    }
}
