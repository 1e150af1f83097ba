//! The judgement itself.

use super::verdict::{Blessing, Verdict};
use crate::evaluation::Evaluation;
use crate::spec::Gate;

/// Judges a candidate by what the evaluator measured.
pub fn judge(gate: &Gate, evaluation: &Evaluation) -> Verdict {
    let _ = (gate, evaluation);
    Verdict { blessing: Blessing::NotEvaluated, rubber_stamp: false, findings: Vec::new(), comparisons: Vec::new() }
}
