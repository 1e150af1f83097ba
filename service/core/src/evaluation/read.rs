//! From the file's text to its content, or why that is not believed.

use super::invalid::{InvalidEvaluation, Place};
use super::shape::{Evaluation, SCHEMA_VERSION, SliceKey};
use crate::json::quoted;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads `evaluation.json`.
pub fn parse(text: &str) -> Result<Evaluation, InvalidEvaluation> {
    if text.trim_start().starts_with(|first| first != '{') {
        return Err(InvalidEvaluation::NoObject);
    }
    let read: Result<Evaluation, _> = serde_json::from_str(text);
    // A version of another shape is told by its number, not by what is missing.
    let version = match &read {
        Ok(evaluation) => Some(evaluation.schema_version),
        Err(_) => serde_json::from_str(text)
            .ok()
            .map(|Version { schema_version }| schema_version),
    };
    if let Some(version) = version.filter(|version| !(1..=SCHEMA_VERSION).contains(version)) {
        return Err(InvalidEvaluation::Version(version));
    }
    let evaluation =
        read.map_err(|error| no_number(text).unwrap_or_else(|| InvalidEvaluation::Shape(error.to_string())))?;
    let mut slices = BTreeSet::new();
    for slice in &evaluation.slices {
        if !slices.insert(&slice.slice_key) {
            return Err(InvalidEvaluation::SliceTwice(slice.slice_key.clone()));
        }
    }
    if !slices.contains(&SliceKey::new()) {
        return Err(InvalidEvaluation::NoOverall);
    }
    let mut pairs = BTreeSet::new();
    for cross in &evaluation.cross_slices {
        let (base, key) = (&cross.baseline_slice_key, &cross.slice_key);
        let place = || Place::new(key, Some(base));
        if !pairs.insert((base, key)) {
            return Err(InvalidEvaluation::CrossSliceTwice(place()));
        }
        if let Some(missing) = [base, key].into_iter().find(|key| !slices.contains(key)) {
            return Err(InvalidEvaluation::NoSlice {
                cross: place(),
                missing: missing.clone(),
            });
        }
    }
    match contradiction(&evaluation) {
        Some(why) => Err(why),
        None => Ok(evaluation),
    }
}

/// The first of a metric's numbers that is none, as programs write NaN.
fn no_number(text: &str) -> Option<InvalidEvaluation> {
    let read: Value = serde_json::from_str(&quoted(text)).ok()?;
    let part = |name: &str| read.get(name).and_then(Value::as_array).into_iter().flatten();
    part("slices").chain(part("cross_slices")).find_map(|slice| {
        let key = |name: &str| {
            slice
                .get(name)
                .and_then(|key| serde_json::from_value::<SliceKey>(key.clone()).ok())
        };
        let metrics = slice.get("metrics")?.as_object()?;
        metrics.iter().find_map(|(metric, measured)| {
            let (number, value) = word(measured).or_else(|| word(measured.get("difference")?))?;
            Some(InvalidEvaluation::NoNumber {
                metric: metric.clone(),
                place: Box::new(Place::new(
                    &key("slice_key").unwrap_or_default(),
                    key("baseline_slice_key").as_ref(),
                )),
                key: number,
                value,
            })
        })
    })
}

/// The first value that is a word, with its key.
fn word(measured: &Value) -> Option<(String, String)> {
    let mut words = measured.as_object()?.iter();
    words.find_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
}

/// Where the file denies its own numbers: a gate that believed either could bless what is worse.
fn contradiction(evaluation: &Evaluation) -> Option<InvalidEvaluation> {
    let slices = evaluation
        .slices
        .iter()
        .map(|slice| (&slice.slice_key, None, &slice.metrics));
    let crosses = evaluation.cross_slices.iter();
    let crosses = crosses.map(|cross| (&cross.slice_key, Some(&cross.baseline_slice_key), &cross.metrics));
    for (key, base, metrics) in slices.chain(crosses) {
        for (name, measured) in metrics {
            if !evaluation.baseline && measured.baseline.is_some() {
                return Some(InvalidEvaluation::NoBaseline {
                    metric: name.clone(),
                    place: Place::new(key, base),
                });
            }
            if let Some([stated, real]) = measured.denied_difference() {
                return Some(InvalidEvaluation::Difference {
                    metric: name.clone(),
                    place: Place::new(key, base),
                    stated,
                    real,
                });
            }
        }
    }
    None
}

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Measured, slice_name};

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
                baseline: Some(0.64),
                ..Measured::default()
            }
        );
        assert_eq!(evaluation.slices[0].metrics["log_loss"].baseline, None);
        assert_eq!(slice_name(&evaluation.slices[1].slice_key), "origin=EWR");
    }

    #[test]
    fn reads_the_paired_difference_and_leaves_plots_aside() {
        let text = r#"{"schema_version":2,"model_type":"regression","baseline":true,"confidence_level":0.95,"bootstrap":{"num_samples":1000,"seed":0},
            "slices":[{"slice_key":{},"num_examples":9,"metrics":{"r_squared":{"candidate":0.65,"baseline":0.64,
            "candidate_interval":{"standard_error":0.1,"lower":0,"upper":1},
            "difference":{"value":0.01,"standard_error":0.002,"lower":0.006,"upper":0.014}}},"plots":{"candidate":{}}}],"cross_slices":[]}"#;
        let difference = parse(text).unwrap().slices[0].metrics["r_squared"].difference.unwrap();
        assert_eq!((difference.value, difference.standard_error), (Some(0.01), Some(0.002)));
        assert_eq!((difference.lower, difference.upper), (Some(0.006), Some(0.014)));
    }

    #[test]
    fn broken_files_are_explained() {
        let whole = |version: u32, slices: &str| {
            format!(r#"{{"schema_version":{version},"model_type":"regression","baseline":false,"slices":{slices}}}"#)
        };
        let slice = r#"{"slice_key":{},"num_examples":1,"metrics":{}}"#;
        let crossed = |crosses: &str| whole(2, &format!(r#"[{slice}],"cross_slices":[{crosses}]"#));
        let lying = |difference: f64| {
            format!(
                r#"{{"schema_version":2,"model_type":"regression","baseline":true,"slices":[{{"slice_key":{{}},"num_examples":1,"metrics":{{"auc":{{"candidate":0.5,"baseline":0.75,"difference":{{"value":{difference},"standard_error":0.01}}}}}}}}]}}"#
            )
        };
        assert!(parse(&lying(-0.2501)).is_ok(), "rounded");
        let texts = [
            "".to_owned(),
            "{}".to_owned(),
            whole(3, &format!("[{slice}]")),
            whole(1, "[]"),
            whole(1, &format!("[{slice},{slice}]")),
            whole(
                1,
                r#"[{"slice_key":{},"num_examples":1,"metrics":{"auc":{"candidate":NaN}}}]"#,
            ),
            whole(1, r#"[{"slice_key":{},"num_examples":-1,"metrics":{}}]"#),
            whole(
                1,
                r#"[{"slice_key":{},"num_examples":1,"metrics":{"auc":{"candidate":"Infinity"}}}]"#,
            ),
            whole(
                1,
                r#"[{"slice_key":{},"num_examples":1,"metrics":{"auc":{"candidate":1e999}}}]"#,
            ),
            whole(1, r#"[{"slice_key":{"hour":7},"num_examples":1,"metrics":{}}]"#),
            r#"{"schema_version":7,"segments":[]}"#.to_owned(),
            "[1,2]".to_owned(),
            whole(0, "[]"),
            crossed(r#"{"baseline_slice_key":{},"slice_key":{"origin":"EWR"},"metrics":{}}"#),
            crossed(
                r#"{"baseline_slice_key":{},"slice_key":{},"metrics":{}},{"baseline_slice_key":{},"slice_key":{},"metrics":{}}"#,
            ),
            crossed(r#"{"slice_key":{},"metrics":{}}"#),
            whole(
                1,
                r#"[{"slice_key":{},"num_examples":1,"metrics":{"auc":{"candidate":0.5,"baseline":0.75}}}]"#,
            ),
            lying(0.25),
        ];
        let said: Vec<String> = texts.iter().map(|text| parse(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        evaluation.json is not an evaluation: EOF while parsing a value at line 1 column 0
        evaluation.json is not an evaluation: missing field `schema_version` at line 1 column 2
        evaluation.json has schema_version 3, and this version of Trainyard reads 1 to 2: use evaluator and service of the same version
        evaluation.json lacks the overall slice, the one with an empty slice_key
        evaluation.json has the slice overall twice
        evaluation.json gives auc on overall NaN for candidate, which is no number in JSON: write null for what is undefined
        evaluation.json is not an evaluation: invalid value: integer `-1`, expected u64 at line 1 column 106
        evaluation.json gives auc on overall Infinity for candidate, which is no number in JSON: write null for what is undefined
        evaluation.json gives auc on overall 1e999 for candidate, which is no number in JSON: write null for what is undefined
        evaluation.json is not an evaluation: invalid type: integer `7`, expected a string at line 1 column 95
        evaluation.json has schema_version 7, and this version of Trainyard reads 1 to 2: use evaluator and service of the same version
        evaluation.json is not an evaluation: it is no JSON object
        evaluation.json has schema_version 0, and this version of Trainyard reads 1 to 2: use evaluator and service of the same version
        evaluation.json has the cross-slice overall less origin=EWR and no slice origin=EWR
        evaluation.json has the cross-slice overall less overall twice
        evaluation.json is not an evaluation: missing field `baseline_slice_key` at line 1 column 166
        evaluation.json says that there is no baseline, and has one's auc on overall: write baseline: true, or leave its values out
        evaluation.json gives auc on overall a difference of 0.25, and candidate minus baseline is -0.25: let the evaluator write that
        ");
    }
}
