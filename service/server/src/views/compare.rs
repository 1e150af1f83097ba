//! Runs side by side.

use super::time;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use trainyard_core::run::{ImageState, Run};
use trainyard_store::RunRow;
use utoipa::ToSchema;

/// Runs side by side, what is said of each in one column.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// The runs, in the order they were asked for.
    pub runs: Vec<String>,
    /// What is compared.
    pub rows: Vec<ComparedRow>,
}

/// One thing that is said of each run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComparedRow {
    /// `run`, `parameters`, `metrics`, `data`, `images`, `gate` or `steps`; of versions also `version`.
    pub section: &'static str,
    /// Its name.
    pub name: String,
    /// A value for each run; null where a run has none.
    pub values: Vec<Option<String>>,
    /// Whether the runs differ in it.
    pub differs: bool,
}

/// A name and its value.
pub(super) type Pair = (String, String);

impl Comparison {
    /// Of runs that were read.
    pub fn of(runs: &[(RunRow, Run)]) -> Self {
        let told: Vec<Vec<(&'static str, Vec<Pair>)>> = runs.iter().map(|(row, run)| said(row, run)).collect();
        let sections = ["run", "parameters", "metrics", "data", "images", "gate", "steps"];
        Self {
            runs: runs.iter().map(|(row, _)| row.id.to_string()).collect(),
            rows: rows_of(&sections, &told),
        }
    }

    /// Only what differs.
    #[must_use]
    pub fn differences(mut self) -> Self {
        self.rows.retain(|row| row.differs);
        self
    }
}

/// What is said of several things, section by section, each name in a row.
pub(super) fn rows_of(sections: &[&'static str], told: &[Vec<(&'static str, Vec<Pair>)>]) -> Vec<ComparedRow> {
    let mut rows = Vec::new();
    for section in sections {
        let of = |all: &Vec<(&'static str, Vec<Pair>)>| -> Vec<Pair> {
            let found = all.iter().find(|(name, _)| name == section);
            found.map(|(_, pairs)| pairs.clone()).unwrap_or_default()
        };
        let columns: Vec<Vec<Pair>> = told.iter().map(of).collect();
        // In the order of the first one that has it.
        let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
        for (name, _) in columns.iter().flatten() {
            if seen.insert(name) {
                names.push(name);
            }
        }
        for name in names {
            let value = |column: &Vec<Pair>| {
                let found = column.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            };
            let values: Vec<Option<String>> = columns.iter().map(value).collect();
            rows.push(ComparedRow {
                section,
                name: name.clone(),
                differs: values.windows(2).any(|pair| pair[0] != pair[1]),
                values,
            });
        }
    }
    rows
}

fn said(row: &RunRow, run: &Run) -> Vec<(&'static str, Vec<Pair>)> {
    let plan = &run.request.plan;
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut about = vec![
        pair("pipeline", row.pipeline.clone()),
        pair("state", row.state.as_str().to_owned()),
        pair("why", row.cause.clone()),
        pair("asked for", time(row.created_at)),
    ];
    about.extend(
        row.blessing
            .map(|blessing| pair("verdict", word(&serde_json::json!(blessing)))),
    );
    about.extend(row.commit.as_ref().map(|commit| pair("commit", commit.to_string())));
    about.extend(row.branch.clone().map(|branch| pair("branch", branch)));
    if let (Some(from), Some(to)) = (row.started_at, row.ended_at) {
        let seconds = to.0.saturating_sub(from.0) / 1_000_000;
        about.push(pair("took", format!("{seconds} s")));
    }
    let parameters = plan.parameters.iter().map(|(name, value)| pair(name, word(value)));
    let mut metrics = Vec::new();
    for (name, value) in &row.metrics {
        flatten(name, value, &mut metrics);
    }
    for (step, record) in &run.steps {
        metrics.extend(
            record
                .metrics
                .iter()
                .map(|(name, value)| pair(&format!("{step}.{name}"), value.to_string())),
        );
    }
    let mut data: Vec<Pair> = Vec::new();
    data.extend(
        run.as_of
            .iter()
            .map(|(source, seen)| (format!("{source} as of"), seen.label.clone())),
    );
    for (step, record) in &run.steps {
        for (input, artifact) in &record.inputs {
            data.push((format!("{step}.{input}"), artifact.digest.to_string()));
        }
    }
    let images = run.images.iter().filter_map(|(name, state)| match state {
        ImageState::Built { image_id, .. } => Some((name.clone(), image_id.clone())),
        _ => None,
    });
    let gate = plan.gate.as_ref().and_then(|gate| serde_json::to_value(gate).ok());
    let mut rules = Vec::new();
    if let Some(Value::Object(gate)) = gate {
        for (name, value) in gate {
            flatten(&name, &value, &mut rules);
        }
    }
    let steps = run.steps.iter().map(|(name, record)| {
        let state = record.state.as_str();
        let took = record.started_at.zip(record.ended_at);
        let took = took.map(|(from, to)| format!(", {:.1} s", (to.0 - from.0) as f64 / 1e6));
        (name.to_string(), format!("{state}{}", took.unwrap_or_default()))
    });
    vec![
        ("run", about),
        ("parameters", parameters.collect()),
        ("metrics", metrics),
        ("data", data),
        ("images", images.collect()),
        ("gate", rules),
        ("steps", steps.collect()),
    ]
}

/// A value for people: a text without its quotes.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What is inside of a value, each under its whole name.
fn flatten(name: &str, value: &Value, into: &mut Vec<Pair>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                flatten(&format!("{name}.{field}"), value, into);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (place, item) in items.iter().enumerate() {
                flatten(&format!("{name}[{place}]"), item, into);
            }
        }
        Value::Null => {}
        other => into.push((name.to_owned(), word(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_inside_is_compared_by_its_whole_name() {
        let mut pairs = Vec::new();
        flatten(
            "auc",
            &json!({"candidate": 0.7, "slices": [{"n": 1}], "names": ["a", "b"], "none": null}),
            &mut pairs,
        );
        let told: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            told,
            ["auc.candidate=0.7", "auc.slices[0].n=1", "auc.names=[\"a\",\"b\"]"]
        );
    }
}
