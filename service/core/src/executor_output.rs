//! `executor_output.json`: what a program says of itself. The name is KFP's, the form is ours.

use crate::json::quoted;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Characters of a value that a sentence shows.
const SHOWN: usize = 40;

/// The content of the file; all of it is optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutorOutput {
    /// Numbers by name; what was `null` is left out.
    pub metrics: BTreeMap<String, f64>,
    /// By the name of the output: what is to be known of the artifact.
    pub properties: BTreeMap<String, Map<String, Value>>,
}

/// Why the file is not what the contract asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExecutorOutput {
    /// It cannot be read, in the parser's words.
    #[error("it is not what the contract asks for: {0}")]
    Shape(String),
    /// A metric is NaN or infinite.
    #[error(
        "metric '{metric}' is {value}, which is no number in JSON: write null where it is undefined, or leave it out"
    )]
    NotFinite {
        /// Its name.
        metric: String,
        /// As the program wrote it.
        value: String,
    },
    /// A metric is something else.
    #[error("metric '{metric}' is {value}: write a number, or null where it is undefined")]
    NoNumber {
        /// Its name.
        metric: String,
        /// As the program wrote it, cut.
        value: String,
    },
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    metrics: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    artifacts: Option<BTreeMap<String, Artifact>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    properties: Map<String, Value>,
}

impl ExecutorOutput {
    /// Reads the file. A number that JSON does not have is told by the name of its metric.
    pub fn parse(text: &str) -> Result<Self, InvalidExecutorOutput> {
        let written: Written = serde_json::from_str(text).map_err(|error| {
            let named = serde_json::from_str::<Written>(&quoted(text)).ok();
            let metric = named.and_then(|written| numbers(written.metrics.unwrap_or_default()).err());
            metric.unwrap_or_else(|| InvalidExecutorOutput::Shape(error.to_string()))
        })?;
        let artifacts = written.artifacts.unwrap_or_default().into_iter();
        Ok(Self {
            metrics: numbers(written.metrics.unwrap_or_default())?,
            properties: artifacts
                .map(|(output, artifact)| (output, artifact.properties))
                .collect(),
        })
    }
}

fn numbers(metrics: BTreeMap<String, Value>) -> Result<BTreeMap<String, f64>, InvalidExecutorOutput> {
    let mut numbers = BTreeMap::new();
    for (metric, value) in metrics {
        match value {
            Value::Null => {}
            Value::Number(number) if number.as_f64().is_some_and(f64::is_finite) => {
                numbers.extend(number.as_f64().map(|number| (metric, number)));
            }
            Value::String(text) if is_not_finite(&text) => {
                return Err(InvalidExecutorOutput::NotFinite { metric, value: text });
            }
            other => {
                let value = match other {
                    Value::String(text) => format!("the text '{}'", cut(&text)),
                    other => cut(&other.to_string()),
                };
                return Err(InvalidExecutorOutput::NoNumber { metric, value });
            }
        }
    }
    Ok(numbers)
}

/// Whether a word is one of the numbers that JSON does not have, as programs spell them.
pub(crate) fn is_not_finite(word: &str) -> bool {
    word.parse::<f64>().is_ok_and(|number| !number.is_finite())
}

fn cut(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_null_and_properties() {
        let text = r#"{"metrics": {"auc": 0.65, "rows": 7, "lift": null}, "artifacts": {"model": {"properties": {"trees": 9}}, "notes": {}}}"#;
        let read = ExecutorOutput::parse(text).unwrap();
        assert_eq!(
            read.metrics,
            BTreeMap::from([("auc".to_owned(), 0.65), ("rows".to_owned(), 7.0)])
        );
        assert_eq!(json!(read.properties), json!({"model": {"trees": 9}, "notes": {}}));
        for empty in ["{}", r#"{"metrics": null, "artifacts": null}"#] {
            assert_eq!(ExecutorOutput::parse(empty), Ok(ExecutorOutput::default()));
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        let texts = [
            r#"{"metrics": {"auc": 0.65, "loss": NaN}}"#,
            r#"{"metrics": {"loss": -Infinity}}"#,
            r#"{"metrics": {"loss": "nan"}}"#,
            r#"{"metrics": {"loss": 1e999}}"#,
            r#"{"metrics": {"loss": "high"}}"#,
            r#"{"metrics": {"loss": "0.5"}}"#,
            r#"{"metrics": {"matrix": [[1, 2], [3, 4]]}}"#,
            r#"{"metrics": {"done": true}}"#,
            r#"{"metrics": {"done": True}}"#,
            r#"{"metrics": [0.65]}"#,
            r#"{"artifacts": {"model": {"properties": {"loss": NaN}}}}"#,
            "{\"metrics\": {\"auc\": 0.65,",
            "",
        ];
        let said = texts.map(|text| ExecutorOutput::parse(text).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @"
        metric 'loss' is NaN, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is -Infinity, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is nan, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is 1e999, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is the text 'high': write a number, or null where it is undefined
        metric 'loss' is the text '0.5': write a number, or null where it is undefined
        metric 'matrix' is [[1,2],[3,4]]: write a number, or null where it is undefined
        metric 'done' is true: write a number, or null where it is undefined
        metric 'done' is the text 'True': write a number, or null where it is undefined
        it is not what the contract asks for: invalid type: sequence, expected a map at line 1 column 12
        it is not what the contract asks for: expected value at line 1 column 49
        it is not what the contract asks for: EOF while parsing a value at line 1 column 25
        it is not what the contract asks for: EOF while parsing a value at line 1 column 0
        ");
    }
}
