//! `executor_output.json`: what a program says of itself. The name is KFP's, the form is ours.

use crate::json::quoted;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

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

impl ExecutorOutput {
    /// How the data drift, a sentence each, as one of the outputs says; `None` where none says anything of it.
    pub fn drifted(&self) -> Option<Vec<String>> {
        self.properties.values().find_map(drifted)
    }
}

/// The property `drifted` of an artifact of who compares data: a sentence for each drift and skew, none if there is none.
pub fn drifted(properties: &Map<String, Value>) -> Option<Vec<String>> {
    let sentences = properties.get("drifted")?.as_array()?;
    Some(sentences.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Why the file is not what the contract asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExecutorOutput {
    /// It cannot be read, in the parser's words.
    #[error("it is not what the contract asks for: {0}")]
    Shape(String),
    /// It is a list, a number or a text.
    #[error("it is {0}, and a map is expected: {EXPECTED}")]
    NoMap(&'static str),
    /// What should be a map of metrics is something else.
    #[error("its 'metrics' are {0}, and a map of names and numbers is expected: {EXPECTED}")]
    NoMetrics(&'static str),
    /// A key that is none, and much like one, or numbers beside which there are no metrics.
    #[error("its key '{0}' is none that is read: {EXPECTED}")]
    Key(String),
    /// A metric is there twice.
    #[error(
        "metric '{metric}' is there twice, as {first} and {second}: write one of them, or give both names of their own"
    )]
    Twice {
        /// Its name.
        metric: String,
        /// As the program wrote it, cut.
        first: String,
        /// The other.
        second: String,
    },
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

/// How the file looks.
const EXPECTED: &str =
    r#"write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it"#;

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    metrics: Option<Metrics>,
    #[serde(default)]
    artifacts: Option<BTreeMap<String, Artifact>>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Metrics {
    Named(Named),
    Other(Value),
}

/// A map with all its entries, those of one name too.
struct Named(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names and numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl Written {
    /// The metrics, once nothing else says what they may be.
    fn metrics(self) -> Result<BTreeMap<String, f64>, InvalidExecutorOutput> {
        let near = |key: &&String| {
            let key = key.to_lowercase();
            ["metric", "metrics", "artifact", "artifacts"].contains(&key.as_str())
        };
        let bare = self.metrics.is_none() && self.artifacts.is_none();
        let number = |value: &Value| value.is_number() || value.as_str().is_some_and(is_not_finite);
        let mut others = self.others.iter();
        let numbered = || others.find(|(_, value)| bare && number(value)).map(|(key, _)| key);
        if let Some(key) = self.others.keys().find(near).or_else(numbered) {
            return Err(InvalidExecutorOutput::Key(cut(key)));
        }
        match self.metrics {
            None => Ok(BTreeMap::new()),
            Some(Metrics::Named(Named(entries))) => numbers(entries),
            Some(Metrics::Other(other)) => Err(InvalidExecutorOutput::NoMetrics(called(&other))),
        }
    }
}

fn called(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    properties: Map<String, Value>,
}

impl ExecutorOutput {
    /// Reads the file. A number that JSON does not have is told by the name of its metric.
    pub fn parse(text: &str) -> Result<Self, InvalidExecutorOutput> {
        let whole = serde_json::from_str::<Value>(&quoted(text));
        if let Some(other) = whole.ok().filter(|whole| !whole.is_object()) {
            return Err(InvalidExecutorOutput::NoMap(called(&other)));
        }
        let mut written: Written = serde_json::from_str(text).map_err(|error| {
            let named = serde_json::from_str::<Written>(&quoted(text)).ok();
            let metric = named.and_then(|written| written.metrics().err());
            metric.unwrap_or_else(|| InvalidExecutorOutput::Shape(error.to_string()))
        })?;
        let has_artifacts = written.artifacts.is_some();
        let artifacts = written.artifacts.take().unwrap_or_default().into_iter();
        written.artifacts = has_artifacts.then(BTreeMap::new);
        Ok(Self {
            metrics: written.metrics()?,
            properties: artifacts
                .map(|(output, artifact)| (output, artifact.properties))
                .collect(),
        })
    }
}

fn numbers(metrics: Vec<(String, Value)>) -> Result<BTreeMap<String, f64>, InvalidExecutorOutput> {
    let mut numbers = BTreeMap::new();
    let mut seen: BTreeMap<&String, &Value> = BTreeMap::new();
    for (metric, value) in &metrics {
        if let Some(first) = seen.insert(metric, value) {
            return Err(InvalidExecutorOutput::Twice {
                metric: cut(metric),
                first: cut(&first.to_string()),
                second: cut(&value.to_string()),
            });
        }
    }
    for (metric, value) in metrics {
        match value {
            Value::Null => {}
            Value::Number(number) if number.as_f64().is_some_and(f64::is_finite) => {
                numbers.extend(number.as_f64().map(|number| (metric, number)));
            }
            Value::String(text) if is_not_finite(&text) => {
                return Err(InvalidExecutorOutput::NotFinite {
                    metric: cut(&metric),
                    value: cut(&text),
                });
            }
            other => {
                let value = match other {
                    Value::String(text) => format!("the text '{}'", cut(&text)),
                    other => cut(&other.to_string()),
                };
                return Err(InvalidExecutorOutput::NoNumber {
                    metric: cut(&metric),
                    value,
                });
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
            r#"{"metrics": [{"name": "auc", "value": 0.65}]}"#,
            r#"{"metrics": 0.65}"#,
            r#"{"metric": {"auc": 0.65}}"#,
            r#"{"Metrics": {"auc": 0.65}}"#,
            r#"{"auc": 0.65}"#,
            r#"{"auc": NaN}"#,
            r#"[{"auc": 0.65}]"#,
            "0.65",
            r#"{"metrics": {"test": {"auc": 0.65}}}"#,
            r#"{"metrics": {"auc": 0.65, "auc": 0.75}}"#,
            r#"{"metrics": {"auc": 0.65}, "metrics": {"auc": 0.75}}"#,
            r#"{"artifacts": {"model": {"properties": {"loss": NaN}}}}"#,
            "{\"metrics\": {\"auc\": 0.65,",
            "",
        ];
        let said = texts.map(|text| ExecutorOutput::parse(text).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"), @r#"
        metric 'loss' is NaN, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is -Infinity, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is nan, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is 1e999, which is no number in JSON: write null where it is undefined, or leave it out
        metric 'loss' is the text 'high': write a number, or null where it is undefined
        metric 'loss' is the text '0.5': write a number, or null where it is undefined
        metric 'matrix' is [[1,2],[3,4]]: write a number, or null where it is undefined
        metric 'done' is true: write a number, or null where it is undefined
        metric 'done' is the text 'True': write a number, or null where it is undefined
        its 'metrics' are a list, and a map of names and numbers is expected: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        its 'metrics' are a list, and a map of names and numbers is expected: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        its 'metrics' are a number, and a map of names and numbers is expected: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        its key 'metric' is none that is read: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        its key 'Metrics' is none that is read: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        its key 'auc' is none that is read: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        its key 'auc' is none that is read: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        it is a list, and a map is expected: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        it is a number, and a map is expected: write {"metrics": {"auc": 0.65}, "artifacts": {"model": {"properties": {}}}} with what there is of it
        metric 'test' is {"auc":0.65}: write a number, or null where it is undefined
        metric 'auc' is there twice, as 0.65 and 0.75: write one of them, or give both names of their own
        it is not what the contract asks for: duplicate field `metrics` at line 1 column 36
        it is not what the contract asks for: expected value at line 1 column 49
        it is not what the contract asks for: EOF while parsing a value at line 1 column 25
        it is not what the contract asks for: EOF while parsing a value at line 1 column 0
        "#);
    }
}
