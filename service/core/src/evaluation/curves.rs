//! What a person looks at of an evaluation: reliability, ROC, and precision against recall of both models.

use super::shape::SliceKey;
use serde::{Deserialize, Serialize};

/// The curves of both models over all rows, where the evaluator made plots.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curves {
    /// Of the model that was judged.
    pub candidate: Option<ModelCurves>,
    /// Of what it was compared with.
    pub baseline: Option<ModelCurves>,
}

/// The curves of one model; points are x and y, from left to right.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelCurves {
    /// The mean prediction and the share of positives of each bin that has rows.
    pub reliability: Vec<[f64; 2]>,
    /// False positive rate and true positive rate at each threshold.
    pub roc: Vec<[f64; 2]>,
    /// Recall and precision at each threshold.
    pub precision_recall: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct File {
    slices: Vec<Slice>,
}

#[derive(Deserialize)]
struct Slice {
    slice_key: SliceKey,
    #[serde(default)]
    plots: Plots,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Plots {
    candidate: Option<OfModel>,
    baseline: Option<OfModel>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OfModel {
    confusion_at_thresholds: Vec<Confusion>,
    reliability: Vec<Reliability>,
}

#[derive(Clone, Copy, Deserialize)]
struct Confusion {
    true_positives: f64,
    false_positives: f64,
    true_negatives: f64,
    false_negatives: f64,
}

#[derive(Clone, Copy, Deserialize)]
struct Reliability {
    mean_prediction: Option<f64>,
    mean_label: Option<f64>,
}

/// The curves in the text of an `evaluation.json`; none where there are no plots, or what is there is none of ours.
pub fn curves(text: &str) -> Option<Curves> {
    let file: File = serde_json::from_str(text).ok()?;
    let overall = file.slices.into_iter().find(|slice| slice.slice_key.is_empty())?;
    let curves = Curves {
        candidate: overall.plots.candidate.and_then(|plots| of_model(&plots)),
        baseline: overall.plots.baseline.and_then(|plots| of_model(&plots)),
    };
    (curves.candidate.is_some() || curves.baseline.is_some()).then_some(curves)
}

fn of_model(plots: &OfModel) -> Option<ModelCurves> {
    let part = |of: f64, rest: f64| (of + rest > 0.0).then(|| of / (of + rest));
    let thresholds = || plots.confusion_at_thresholds.iter();
    let mut roc: Vec<[f64; 2]> = thresholds()
        .filter_map(|at| {
            let false_rate = part(at.false_positives, at.true_negatives)?;
            Some([false_rate, part(at.true_positives, at.false_negatives)?])
        })
        .collect();
    if !roc.is_empty() {
        // Above every score nothing is called positive, and below the lowest everything.
        roc.extend([[0.0, 0.0], [1.0, 1.0]]);
    }
    let mut precision_recall: Vec<[f64; 2]> = thresholds()
        .filter_map(|at| {
            let recall = part(at.true_positives, at.false_negatives)?;
            Some([recall, part(at.true_positives, at.false_positives)?])
        })
        .collect();
    let mut reliability: Vec<[f64; 2]> = plots
        .reliability
        .iter()
        .filter_map(|bin| Some([bin.mean_prediction?, bin.mean_label?]))
        .collect();
    for points in [&mut roc, &mut precision_recall, &mut reliability] {
        points.retain(|point| point.iter().all(|end| end.is_finite()));
        points.sort_by(|one, other| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
        points.dedup();
    }
    let found = ModelCurves {
        reliability,
        roc,
        precision_recall,
    };
    (found != ModelCurves::default()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_follow_from_the_plots_of_all_rows() {
        let text = r#"{"schema_version":2,"slices":[{"slice_key":{"origin":"JFK"},"plots":{"candidate":{}}},
            {"slice_key":{},"plots":{"candidate":{"confusion_at_thresholds":[
              {"threshold":0.1,"true_positives":4,"false_positives":6,"true_negatives":2,"false_negatives":0},
              {"threshold":0.5,"true_positives":3,"false_positives":1,"true_negatives":7,"false_negatives":1},
              {"threshold":0.9,"true_positives":0,"false_positives":0,"true_negatives":8,"false_negatives":4}],
             "reliability":[{"lower":0,"upper":0.1,"num_examples":2,"mean_prediction":0.05,"mean_label":0.0},
              {"lower":0.1,"upper":0.2,"num_examples":0,"mean_prediction":null,"mean_label":null}]}}}]}"#;
        let found = curves(text).unwrap();
        let candidate = found.candidate.unwrap();
        assert_eq!(candidate.roc, [[0.0, 0.0], [0.125, 0.75], [0.75, 1.0], [1.0, 1.0]]);
        assert_eq!(candidate.precision_recall, [[0.75, 0.75], [1.0, 0.4]]);
        assert_eq!(candidate.reliability, [[0.05, 0.0]]);
        assert_eq!(found.baseline, None);
        for without in [
            "",
            "[]",
            r#"{"slices":[]}"#,
            r#"{"slices":[{"slice_key":{}}]}"#,
            r#"{"slices":[{"slice_key":{},"plots":{"candidate":{}}}]}"#,
        ] {
            assert_eq!(curves(without), None, "{without}");
        }
    }
}
