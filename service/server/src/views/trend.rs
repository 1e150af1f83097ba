//! A metric over the runs of a pipeline.

use super::RunItem;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How long a run took, in seconds: every run that is over has it.
pub const TOOK: &str = "took";

/// A metric over the runs of a pipeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trend {
    /// The pipeline.
    pub pipeline: String,
    /// The metrics that its runs have, by name; `took` are seconds.
    pub metrics: Vec<String>,
    /// The one that was asked for.
    pub metric: String,
    /// Runs that have it, the oldest first.
    pub points: Vec<TrendPoint>,
}

/// A run with its value.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TrendPoint {
    /// The run.
    pub run: String,
    /// When it was asked for.
    pub created_at: String,
    /// Where it is.
    pub state: String,
    /// Why it was started.
    pub cause: String,
    /// What the gate said.
    pub blessing: Option<String>,
    /// The value of its model.
    pub value: f64,
    /// The value of what it was compared with.
    pub baseline: Option<f64>,
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|value| value.is_finite())
}

/// Each metric of a run with the value of what it was compared with.
fn values(metrics: &Map<String, Value>) -> BTreeMap<&str, (f64, Option<f64>)> {
    let pair = |value: &Value| match value {
        Value::Object(sides) => {
            let baseline = sides.get("baseline").and_then(number);
            Some((sides.get("candidate").and_then(number)?, baseline))
        }
        other => Some((number(other)?, None)),
    };
    let found = metrics
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), pair(value)?)));
    found.collect()
}

impl Trend {
    /// Of runs of a pipeline, the newest first; without a metric the first of those there are.
    pub fn of(pipeline: &str, runs: &[RunItem], metric: Option<&str>) -> Self {
        let mut names: Vec<String> = Vec::new();
        for run in runs {
            for name in values(&run.head.metrics).into_keys() {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names.sort();
        names.push(TOOK.to_owned());
        let metric = metric.map_or_else(|| names[0].clone(), str::to_owned);
        let points = runs.iter().rev().filter_map(|run| {
            let head = &run.head;
            let (value, baseline) = match metric.as_str() {
                TOOK => (head.seconds()? as f64, None),
                name => *values(&head.metrics).get(name)?,
            };
            Some(TrendPoint {
                run: head.id.clone(),
                created_at: head.created_at.clone(),
                state: head.state.clone(),
                cause: head.cause.clone(),
                blessing: head.blessing.clone(),
                value,
                baseline,
            })
        });
        Self {
            pipeline: pipeline.to_owned(),
            points: points.collect(),
            metrics: names,
            metric,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_metric_is_a_number_or_that_of_the_candidate() {
        let metrics =
            json!({"auc": {"candidate": 0.7, "baseline": 0.6}, "loss": 1, "blessed": true, "log": {"baseline": 1}});
        let Value::Object(metrics) = metrics else { panic!() };
        assert_eq!(
            values(&metrics),
            BTreeMap::from([("auc", (0.7, Some(0.6))), ("loss", (1.0, None))])
        );
    }
}
