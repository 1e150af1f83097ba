//! The standard components: what `uses` knows.

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
    /// The file may leave it out.
    pub(super) optional: bool,
    /// The step also runs when the one that makes it was skipped.
    pub(super) may_be_skipped: bool,
}

const fn needs(name: &'static str, type_name: &'static str) -> Input {
    Input {
        name,
        type_name,
        optional: false,
        may_be_skipped: false,
    }
}

const fn takes(name: &'static str, type_name: &'static str) -> Input {
    Input {
        name,
        type_name,
        optional: true,
        may_be_skipped: false,
    }
}

/// Something to compare with, if there is any yet.
const fn compares(name: &'static str, type_name: &'static str) -> Input {
    Input {
        may_be_skipped: true,
        ..takes(name, type_name)
    }
}

/// All of them.
pub(super) const STANDARD: [Standard; 5] = [
    Standard {
        name: "example-gen",
        component: "ExampleGen",
        inputs: &[],
        outputs: &[("examples", "Examples")],
        parameters: &[
            "splits",
            "partition_feature_name",
            "column_types",
            "exclude_columns",
            "separator",
            "decimal",
            "missing_values",
            "infinite_values",
            "line_breaks_in_values",
        ],
        reads_source: true,
        memo: None,
    },
    Standard {
        name: "statistics-gen",
        component: "StatisticsGen",
        inputs: &[needs("examples", "Examples")],
        outputs: &[("statistics", "ExampleStatistics")],
        parameters: &["slicing_specs"],
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
            compares("previous_statistics", "ExampleStatistics"),
            compares("serving_statistics", "ExampleStatistics"),
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
            "example_weight_key",
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
