//! A user of the served model: asks for a prediction over the Open Inference Protocol.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A flight that somebody asks about: names as in the data, text and numbers.
const SAMPLE_FLIGHT: &[(&str, &str)] = &[
    ("carrier", "UA"),
    ("origin", "EWR"),
    ("dest", "ORD"),
    ("day_of_week", "3"),
    ("hour", "18"),
    ("minute", "30"),
    ("sched_arr_time", "2005"),
    ("distance", "719"),
    ("temp", "39"),
    ("dewp", "37"),
    ("humid", "92"),
    ("wind_dir", "60"),
    ("wind_speed", "18"),
    ("wind_gust", "28"),
    ("precip", "0.1"),
    ("pressure", "1005"),
    ("visib", "2"),
];

/// The model as its users see it.
pub struct Endpoint {
    url: String,
    client: reqwest::Client,
}

/// One answer.
pub struct Prediction {
    /// The version that answered.
    pub version: String,
    /// Probability of arriving more than 15 minutes late.
    pub late: f64,
}

impl Endpoint {
    pub fn new(model_server: &str) -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self {
            url: format!("{model_server}/v2/models/flights/infer"),
            client,
        })
    }

    /// An evening flight from Newark to Chicago on a wet and windy December Thursday.
    pub async fn predict(&self) -> Result<Prediction> {
        let number =
            |name: &str, value: f64| json!({"name": name, "shape": [1, 1], "datatype": "FP32", "data": [value]});
        let text =
            |name: &str, value: &str| json!({"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value]});
        let inputs: Vec<Value> = SAMPLE_FLIGHT
            .iter()
            .map(|(name, value)| match value.parse::<f64>() {
                Ok(parsed) => number(name, parsed),
                Err(_) => text(name, value),
            })
            .collect();
        let response = self
            .client
            .post(&self.url)
            .json(&json!({"inputs": inputs}))
            .send()
            .await?;
        let status = response.status();
        let answer: Value = response.json().await?;
        anyhow::ensure!(status.is_success(), "the model server refused: {answer}");
        let outputs = answer["outputs"].as_array().context("the answer has no outputs")?;
        let probabilities = outputs
            .iter()
            .find(|o| o["name"] == "probabilities")
            .context("no probabilities")?;
        let mut values = Vec::new();
        flatten(&probabilities["data"], &mut values);
        let late = *values.get(1).context("the answer has no second class")?;
        let version = answer["model_version"].as_str().unwrap_or("?").to_owned();
        Ok(Prediction { version, late })
    }
}

fn flatten(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, into)),
        other => into.extend(other.as_f64()),
    }
}
