//! The standard components: what `uses` knows.

use super::Direction;

/// A standard component.
pub(super) struct Standard {
    /// As `uses` names it.
    pub(super) name: &'static str,
    /// Its MLMD execution type.
    pub(super) component: &'static str,
    /// Its inputs from other steps.
    pub(super) inputs: &'static [Input],
    /// Output name and artifact type.
    pub(super) outputs: &'static [(&'static str, &'static str)],
    /// The parameters it reads.
    pub(super) parameters: &'static [&'static str],
    /// Whether it reads external data, named by `source` and `window` in its `with`.
    pub(super) reads_source: bool,
    /// An input the driver fills with what the step itself published before, as its memo: an output's
    /// name and the input's.
    pub(super) memo: Option<(&'static str, &'static str)>,
}

/// An input of a standard component.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) type_name: &'static str,
    pub(super) optional: bool,
}

const fn needs(name: &'static str, type_name: &'static str) -> Input {
    Input {
        name,
        type_name,
        optional: false,
    }
}

const fn takes(name: &'static str, type_name: &'static str) -> Input {
    Input {
        name,
        type_name,
        optional: true,
    }
}

/// All of them.
pub(super) const STANDARD: [Standard; 5] = [
    Standard {
        name: "example-gen",
        component: "ExampleGen",
        inputs: &[],
        outputs: &[("examples", "Examples")],
        parameters: &["splits", "partition_feature_name"],
        reads_source: true,
        memo: None,
    },
    Standard {
        name: "statistics-gen",
        component: "StatisticsGen",
        inputs: &[needs("examples", "Examples")],
        outputs: &[("statistics", "ExampleStatistics")],
        parameters: &[],
        reads_source: false,
        memo: Some(("statistics", "stored_statistics")),
    },
    Standard {
        name: "schema-gen",
        component: "SchemaGen",
        inputs: &[needs("statistics", "ExampleStatistics")],
        outputs: &[("schema", "Schema")],
        parameters: &["max_string_domain_size"],
        reads_source: false,
        memo: None,
    },
    Standard {
        name: "example-validator",
        component: "ExampleValidator",
        inputs: &[
            needs("statistics", "ExampleStatistics"),
            needs("schema", "Schema"),
            takes("previous_statistics", "ExampleStatistics"),
            takes("serving_statistics", "ExampleStatistics"),
        ],
        outputs: &[("anomalies", "ExampleAnomalies")],
        parameters: &[
            "on_anomaly",
            "severity_overrides",
            "feature_severity_overrides",
            "environment",
            "drift",
            "skew",
        ],
        reads_source: false,
        memo: None,
    },
    Standard {
        name: "evaluator",
        component: "Evaluator",
        inputs: &[
            needs("candidate", "InferenceResult"),
            takes("baseline", "InferenceResult"),
        ],
        outputs: &[("evaluation", "ModelEvaluation")],
        parameters: &[
            "model_type",
            "label",
            "prediction",
            "probabilities",
            "slicing_specs",
            "cross_slicing_specs",
            "bootstrap",
            "confidence_level",
        ],
        reads_source: false,
        memo: None,
    },
];

/// The component of that name.
pub(super) fn standard(name: &str) -> Option<&'static Standard> {
    STANDARD.iter().find(|standard| standard.name == name)
}

const HIGHER: Option<Direction> = Some(Direction::HigherIsBetter);
const LOWER: Option<Direction> = Some(Direction::LowerIsBetter);

/// A metric, and which way it is better; `None` where neither is.
type Metric = (&'static str, Option<Direction>);

/// The metrics the standard evaluator measures, by `model_type`.
pub(super) const METRICS: [(&str, &[Metric]); 3] = [
    (
        "binary_classification",
        &[
            ("auc", HIGHER),
            ("pr_auc", HIGHER),
            ("log_loss", LOWER),
            ("brier_score", LOWER),
            ("accuracy", HIGHER),
            ("precision", HIGHER),
            ("recall", HIGHER),
            ("f1", HIGHER),
            ("calibration", None),
            ("mean_label", None),
            ("mean_prediction", None),
            ("expected_calibration_error", LOWER),
            ("max_calibration_error", LOWER),
        ],
    ),
    (
        "multiclass_classification",
        &[
            ("accuracy", HIGHER),
            ("macro_precision", HIGHER),
            ("macro_recall", HIGHER),
            ("macro_f1", HIGHER),
            ("weighted_precision", HIGHER),
            ("weighted_recall", HIGHER),
            ("weighted_f1", HIGHER),
            ("log_loss", LOWER),
            ("auc", HIGHER),
        ],
    ),
    (
        "regression",
        &[
            ("mean_squared_error", LOWER),
            ("root_mean_squared_error", LOWER),
            ("mean_absolute_error", LOWER),
            ("r_squared", HIGHER),
            ("mean_error", None),
            ("median_absolute_error", LOWER),
            ("p90_absolute_error", LOWER),
            ("mean_absolute_percentage_error", LOWER),
        ],
    ),
];

/// The metrics of one class of a multiclass model, as `precision:CLASS`.
const OF_CLASS: [Metric; 3] = [("precision", HIGHER), ("recall", HIGHER), ("f1", HIGHER)];

/// Whether the standard evaluator measures a metric of that name for models of that type.
pub(super) fn measures(model_type: &str, metric: &str) -> bool {
    match metric.split_once(':') {
        Some((name, _)) => {
            model_type == "multiclass_classification" && OF_CLASS.iter().any(|(known, _)| *known == name)
        }
        None => METRICS
            .iter()
            .any(|(known, metrics)| *known == model_type && metrics.iter().any(|(name, _)| *name == metric)),
    }
}

/// Which way a metric of the standard evaluator is better; `None` for those that have no better, and
/// for all others.
pub(super) fn better(metric: &str) -> Option<Direction> {
    let whole = METRICS.iter().flat_map(|(_, metrics)| metrics.iter());
    let found = match metric.split_once(':') {
        Some((name, _)) => OF_CLASS.iter().find(|(known, _)| *known == name),
        None => whole.into_iter().find(|(known, _)| *known == metric),
    };
    found.and_then(|(_, direction)| *direction)
}

/// The execution type of a user's own step: TFX's name where an output tells it.
pub(super) fn execution_type<'a>(step: &str, mut output_types: impl Iterator<Item = &'a str>) -> String {
    let known = output_types.find_map(|type_name| match type_name {
        "Model" => Some("Trainer"),
        "TransformGraph" => Some("Transform"),
        "InferenceResult" => Some("BulkInferrer"),
        _ => None,
    });
    known.map_or_else(|| camel_case(step), str::to_owned)
}

fn camel_case(name: &str) -> String {
    name.split(['-', '_'])
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execution_types() {
        assert_eq!(execution_type("train", ["Model"].into_iter()), "Trainer");
        assert_eq!(
            execution_type("transform", ["Examples", "TransformGraph"].into_iter()),
            "Transform"
        );
        assert_eq!(execution_type("make-plots_now", ["Plots"].into_iter()), "MakePlotsNow");
    }
}
