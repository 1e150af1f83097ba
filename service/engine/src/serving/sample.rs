//! Sample rows with the answers the model itself gave, to be compared with what the server gives.

use super::protocol::ServingError;
use crate::content::artifacts::read_plain;
use serde::Deserialize;
use serde_json::Value;
use std::io;
use std::path::Path;
use trainyard_core::plan::InfraValidation;

/// The file in a Model artifact.
const SAMPLE: &str = "sample.json";
/// Its most bytes: a few rows are enough.
const LONGEST: u64 = 16 * 1024 * 1024;

/// A request, the expected answer, and how far the numbers may be apart. Without an expected answer any finite
/// one with as many rows as the request will do.
#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    /// An OIP V2 infer request.
    pub(super) request: Value,
    response: Option<Expected>,
    #[serde(default = "default_tolerance")]
    tolerance: f64,
}

#[derive(Debug, Deserialize)]
struct Expected {
    outputs: Vec<Output>,
}

#[derive(Debug, Deserialize)]
struct Output {
    name: String,
    shape: Option<Vec<u64>>,
    data: Value,
}

fn default_tolerance() -> f64 {
    1e-4
}

impl Sample {
    /// The model's sample; `None` where the pipeline does not ask for a query.
    pub(super) fn read(model: &Path, validation: InfraValidation) -> Result<Option<Self>, ServingError> {
        if validation == InfraValidation::LoadOnly {
            return Ok(None);
        }
        let sample = Self::read_if_there(model)?;
        if sample.is_none() {
            return Err(ServingError::Answer(format!(
                "the model has no {SAMPLE} to query it with: let the trainer write one, or set push.infra_validation to LOAD_ONLY"
            )));
        }
        Ok(sample)
    }

    /// The model's sample, if it has one.
    pub(super) fn read_if_there(model: &Path) -> Result<Option<Self>, ServingError> {
        let text = match read_plain(&model.join(SAMPLE), LONGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(ServingError::Folder(format!(
                    "the model's {SAMPLE} cannot be read: {error}"
                )));
            }
        };
        let sample = serde_json::from_slice(&text).map_err(|error| {
            ServingError::Answer(format!(
                "the model's {SAMPLE} is not what the contract asks for: {error}"
            ))
        })?;
        Ok(Some(sample))
    }

    /// Whether the server's answer is finite, of the shape it says, and has every expected output with its
    /// numbers. The error is a sentence.
    pub(super) fn check(&self, answer: &Value) -> Result<(), String> {
        let outputs = answer["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        outputs
            .iter()
            .try_for_each(|output| filled(output).and_then(|()| finite(output)))?;
        let Some(response) = &self.response else {
            return self.check_rows(outputs);
        };
        for expected in &response.outputs {
            let Some(served) = outputs.iter().find(|output| output["name"] == expected.name.as_str()) else {
                return Err(format!("the served model answers no output '{}'", expected.name));
            };
            if let (Some(want), Some(got)) = (&expected.shape, shape(served))
                && *want != got
            {
                return Err(format!(
                    "the served model answers shape {got:?} for '{}' where {want:?} was expected",
                    expected.name
                ));
            }
            let (mut want, mut got) = (Vec::new(), Vec::new());
            flatten(&expected.data, &mut want);
            flatten(&served["data"], &mut got);
            if want.len() != got.len() {
                return Err(format!(
                    "the served model answers {} values for '{}' where {} were expected",
                    got.len(),
                    expected.name,
                    want.len()
                ));
            }
            for (want, got) in want.iter().zip(&got) {
                self.compare(&expected.name, want, got)?;
            }
        }
        Ok(())
    }

    fn check_rows(&self, outputs: &[Value]) -> Result<(), String> {
        if outputs.is_empty() {
            return Err("the served model answers no outputs".to_owned());
        }
        let Some(rows) = self.request["inputs"][0]["shape"][0].as_u64() else {
            return Ok(());
        };
        let other = outputs
            .iter()
            .find(|output| shape(output).is_some_and(|shape| shape.first() != Some(&rows)));
        match other {
            Some(output) => Err(format!(
                "the served model answers shape {} for '{}' to a request of {rows} rows",
                output["shape"],
                output["name"].as_str().unwrap_or_default()
            )),
            None => Ok(()),
        }
    }

    fn compare(&self, name: &str, want: &Value, got: &Value) -> Result<(), String> {
        let same = match (want.as_f64(), got.as_f64()) {
            (Some(want), Some(got)) => (want - got).abs() <= self.tolerance,
            _ => want == got,
        };
        if same {
            return Ok(());
        }
        Err(format!(
            "the served model answers {got} for '{name}' where {want} was expected (tolerance {})",
            self.tolerance
        ))
    }
}

fn shape(output: &Value) -> Option<Vec<u64>> {
    output["shape"].as_array()?.iter().map(Value::as_u64).collect()
}

/// Whether an output has as many values as its shape says.
fn filled(output: &Value) -> Result<(), String> {
    let mut values = Vec::new();
    flatten(&output["data"], &mut values);
    let said = shape(output).and_then(|shape| shape.into_iter().try_fold(1u64, u64::checked_mul));
    match said {
        Some(said) if said != values.len() as u64 => Err(format!(
            "the served model answers {} values for '{}', which its shape {} does not hold",
            values.len(),
            output["name"].as_str().unwrap_or_default(),
            output["shape"]
        )),
        _ => Ok(()),
    }
}

/// Whether every number of an output is finite. NaN and infinities arrive as null, or as words.
fn finite(output: &Value) -> Result<(), String> {
    let datatype = output["datatype"].as_str().unwrap_or("FP64");
    if !datatype.starts_with("FP") && datatype != "BF16" {
        return Ok(());
    }
    let mut values = Vec::new();
    flatten(&output["data"], &mut values);
    let Some(place) = values
        .iter()
        .position(|value| !value.is_number() && !value.is_boolean())
    else {
        return Ok(());
    };
    let rows = output["shape"][0].as_u64().and_then(|rows| usize::try_from(rows).ok());
    let width = rows.and_then(|rows| values.len().checked_div(rows)).unwrap_or(1).max(1);
    let said = match values[place] {
        Value::Null => "NaN or an infinity (null)".to_owned(),
        other => other.to_string(),
    };
    Err(format!(
        "the served model answers {said} for row {} of '{}', where a finite number was expected",
        place / width + 1,
        output["name"].as_str().unwrap_or_default()
    ))
}

/// V2 data may be flat or nested.
fn flatten<'a>(data: &'a Value, into: &mut Vec<&'a Value>) {
    match data {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
        item => into.push(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_compared_value_by_value() {
        let sample: Sample = serde_json::from_value(json!({
            "request": {},
            "response": {"outputs": [{"name": "probabilities", "data": [[0.75, 0.25]]}]},
        }))
        .unwrap();
        let answer = |data: Value| json!({"outputs": [{"name": "probabilities", "data": data}]});
        assert_eq!(
            sample.check(&answer(json!([0.75, 0.25]))),
            Ok(()),
            "flat or nested is the same"
        );
        assert_eq!(
            sample.check(&answer(json!([0.75004, 0.24996]))),
            Ok(()),
            "within the tolerance"
        );
        let refusal = |data: Value| sample.check(&answer(data)).unwrap_err();
        insta::assert_snapshot!(refusal(json!([0.75, 0.35])), @"the served model answers 0.35 for 'probabilities' where 0.25 was expected (tolerance 0.0001)");
        insta::assert_snapshot!(refusal(json!([0.75, null])), @"the served model answers NaN or an infinity (null) for row 2 of 'probabilities', where a finite number was expected");
        let rows = json!({"outputs": [{"name": "p", "datatype": "FP32", "shape": [3, 2], "data": [0.1, 0.9, 0.2, 0.8, 0.3, "NaN"]}]});
        insta::assert_snapshot!(sample.check(&rows).unwrap_err(), @r#"the served model answers "NaN" for row 3 of 'p', where a finite number was expected"#);
        insta::assert_snapshot!(refusal(json!([0.75])), @"the served model answers 1 values for 'probabilities' where 2 were expected");
        let torn = json!({"outputs": [{"name": "p", "datatype": "FP32", "shape": [3, 2], "data": [0.1, 0.9]}]});
        insta::assert_snapshot!(sample.check(&torn).unwrap_err(), @"the served model answers 2 values for 'p', which its shape [3,2] does not hold");
        insta::assert_snapshot!(sample.check(&json!({})).unwrap_err(), @"the served model answers no output 'probabilities'");
    }

    #[test]
    fn shape_and_rows_count() {
        let request = json!({"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [1, 2]}]});
        let answer = |shape: Value, data: Value| json!({"outputs": [{"name": "y", "datatype": "FP32", "shape": shape, "data": data}]});
        let expected = json!({"outputs": [{"name": "y", "shape": [2, 1], "data": [1, 2]}]});
        let sample: Sample = serde_json::from_value(json!({"request": request, "response": expected})).unwrap();
        assert_eq!(sample.check(&answer(json!([2, 1]), json!([1, 2]))), Ok(()));
        insta::assert_snapshot!(sample.check(&answer(json!([1, 2]), json!([1, 2]))).unwrap_err(), @"the served model answers shape [1, 2] for 'y' where [2, 1] was expected");
        let sample: Sample = serde_json::from_value(json!({"request": request})).unwrap();
        assert_eq!(
            sample.check(&answer(json!([2]), json!([7, 8]))),
            Ok(()),
            "whatever it answers"
        );
        insta::assert_snapshot!(sample.check(&answer(json!([1]), json!([7]))).unwrap_err(), @"the served model answers shape [1] for 'y' to a request of 2 rows");
        insta::assert_snapshot!(sample.check(&answer(json!([2]), json!([7, null]))).unwrap_err(), @"the served model answers NaN or an infinity (null) for row 2 of 'y', where a finite number was expected");
        insta::assert_snapshot!(sample.check(&json!({"outputs": []})).unwrap_err(), @"the served model answers no outputs");
    }
}
