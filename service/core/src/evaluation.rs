//! `evaluation.json`: what the evaluator measured.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the file that is read.
pub const SCHEMA_VERSION: u32 = 1;

/// The content of a ModelEvaluation artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `binary_classification` or `regression`.
    pub model_type: String,
    /// The label column.
    #[serde(default)]
    pub label: String,
    /// The prediction column.
    #[serde(default)]
    pub prediction: String,
    /// Whether there was a baseline model.
    pub baseline: bool,
    /// Each slice with its metrics.
    pub slices: Vec<Slice>,
}

/// One slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Feature to value; empty is overall.
    pub slice_key: BTreeMap<String, String>,
    /// Rows in the slice.
    pub num_examples: u64,
    /// Metric name to values.
    pub metrics: BTreeMap<String, Measured>,
}

/// One metric on one slice; `None` where undefined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// The baseline's value.
    #[serde(default)]
    pub baseline: Option<f64>,
}

/// Reads `evaluation.json`. The error is one sentence.
pub fn parse(text: &str) -> Result<Evaluation, String> {
    let evaluation: Evaluation =
        serde_json::from_str(text).map_err(|error| format!("evaluation.json is not an evaluation: {error}"))?;
    if evaluation.schema_version != SCHEMA_VERSION {
        return Err(format!(
            "evaluation.json has schema_version {}, and this version of Trainyard reads {SCHEMA_VERSION}: use evaluator and service of the same version",
            evaluation.schema_version
        ));
    }
    let mut seen = BTreeSet::new();
    for slice in &evaluation.slices {
        if !seen.insert(&slice.slice_key) {
            return Err(format!(
                "evaluation.json has the slice {} twice",
                slice_name(&slice.slice_key)
            ));
        }
    }
    if !seen.contains(&BTreeMap::new()) {
        return Err("evaluation.json lacks the overall slice, the one with an empty slice_key".to_owned());
    }
    Ok(evaluation)
}

/// A slice for people: `overall`, `origin=EWR`, `carrier=UA and origin=EWR`.
pub fn slice_name(slice_key: &BTreeMap<String, String>) -> String {
    if slice_key.is_empty() {
        return "overall".to_owned();
    }
    slice_key
        .iter()
        .map(|(feature, value)| format!("{feature}={value}"))
        .collect::<Vec<_>>()
        .join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_evaluators_file() {
        let text = r#"{"schema_version":1,"model_type":"binary_classification","label":"late","prediction":"score","baseline":true,
            "slices":[{"slice_key":{},"num_examples":28000,"metrics":{"auc":{"candidate":0.65,"baseline":0.64},"log_loss":{"candidate":0.41,"baseline":null}}},
            {"slice_key":{"origin":"EWR"},"num_examples":9000,"metrics":{}}]}"#;
        let evaluation = parse(text).unwrap();
        assert_eq!(
            evaluation.slices[0].metrics["auc"],
            Measured {
                candidate: Some(0.65),
                baseline: Some(0.64)
            }
        );
        assert_eq!(evaluation.slices[0].metrics["log_loss"].baseline, None);
        assert_eq!(slice_name(&evaluation.slices[1].slice_key), "origin=EWR");
    }

    #[test]
    fn broken_files_are_explained() {
        let whole = |version: u32, slices: &str| {
            format!(r#"{{"schema_version":{version},"model_type":"regression","baseline":false,"slices":{slices}}}"#)
        };
        let slice = r#"{"slice_key":{},"num_examples":1,"metrics":{}}"#;
        let texts = [
            "".to_owned(),
            "{}".to_owned(),
            whole(2, &format!("[{slice}]")),
            whole(1, "[]"),
            whole(1, &format!("[{slice},{slice}]")),
            whole(
                1,
                r#"[{"slice_key":{},"num_examples":1,"metrics":{"auc":{"candidate":NaN}}}]"#,
            ),
            whole(1, r#"[{"slice_key":{},"num_examples":-1,"metrics":{}}]"#),
        ];
        let said: Vec<String> = texts.iter().map(|text| parse(text).unwrap_err()).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        evaluation.json is not an evaluation: EOF while parsing a value at line 1 column 0
        evaluation.json is not an evaluation: missing field `schema_version` at line 1 column 2
        evaluation.json has schema_version 2, and this version of Trainyard reads 1: use evaluator and service of the same version
        evaluation.json lacks the overall slice, the one with an empty slice_key
        evaluation.json has the slice overall twice
        evaluation.json is not an evaluation: expected value at line 1 column 137
        evaluation.json is not an evaluation: invalid value: integer `-1`, expected u64 at line 1 column 106
        "#);
    }
}
