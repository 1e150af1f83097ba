//! What the programs of a run report while it trains.

use crate::run_logs::StepReport;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The curves of a run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RunCurves {
    /// The run.
    pub run: String,
    /// Steps that report something, in the plan's order.
    pub steps: Vec<StepCurves>,
}

/// The curves of a step.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StepCurves {
    /// The step.
    pub step: String,
    /// Its newest attempt, which reports this.
    pub attempt: u32,
    /// Whether the beginning of the log is gone, and with it the first reports.
    pub beginning_is_gone: bool,
    /// Points by metric, in the order of their steps; of long curves some.
    pub metrics: BTreeMap<String, Vec<CurvePoint>>,
    /// What is wrong with its TensorBoard event files, a sentence each.
    pub problems: Vec<String>,
}

/// A value at a step of the training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct CurvePoint {
    /// The step of the training, or its epoch.
    pub step: u64,
    /// The value.
    pub value: f64,
}

impl RunCurves {
    /// From what its steps report.
    pub fn new(run: &str, read: &[StepReport]) -> Self {
        let step = |report: &StepReport| StepCurves {
            step: report.step.clone(),
            attempt: report.attempt,
            beginning_is_gone: report.is_cut,
            problems: report.problems.clone(),
            metrics: report
                .curves
                .iter()
                .map(|(name, curve)| {
                    let points = curve.points().into_iter();
                    let points = points.map(|(step, value)| CurvePoint { step, value });
                    (name.to_owned(), points.collect())
                })
                .collect(),
        };
        Self {
            run: run.to_owned(),
            steps: read.iter().map(step).collect(),
        }
    }
}
