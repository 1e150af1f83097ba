//! The plots of a run: reliability, ROC, and precision against recall of both models.

use serde::Serialize;
use trainyard_core::evaluation::{Curves, ModelCurves};
use utoipa::ToSchema;

/// The curves of the models that a run compared.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunPlots {
    /// The run.
    pub run: String,
    /// `candidate` and `baseline` with `reliability`, `roc` and `precision_recall`, each a list of points; `null` where
    /// the evaluation has no plots.
    #[schema(value_type = Option<Object>)]
    pub curves: Option<Curves>,
}

/// One of the plots.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// What people call it.
    pub name: &'static str,
    /// What goes from left to right.
    pub x: &'static str,
    /// What goes up.
    pub y: &'static str,
    /// Its points of a model.
    pub points: fn(&ModelCurves) -> &[[f64; 2]],
}

/// All that there are.
pub const PLOTS: [Plot; 3] = [
    Plot {
        name: "Reliability",
        x: "mean prediction",
        y: "share of positives",
        points: |of| &of.reliability,
    },
    Plot {
        name: "ROC",
        x: "false positive rate",
        y: "true positive rate",
        points: |of| &of.roc,
    },
    Plot {
        name: "Precision and recall",
        x: "recall",
        y: "precision",
        points: |of| &of.precision_recall,
    },
];

/// Why there is nothing to draw of an evaluation.
pub const NO_PLOTS: &str = "The evaluation has no plots: the standard evaluator makes them of binary classification.";

impl Plot {
    /// Its points of both models, those of a model without any left out.
    pub fn of(self, curves: &Curves) -> Vec<(&'static str, Vec<[f64; 2]>)> {
        let sides = [("candidate", &curves.candidate), ("serving", &curves.baseline)];
        let of = |(side, model): (&'static str, &Option<ModelCurves>)| {
            let points = (self.points)(model.as_ref()?).to_vec();
            (!points.is_empty()).then_some((side, points))
        };
        sides.into_iter().filter_map(of).collect()
    }
}
