//! A baseline that was trained on the rows that judge it: by comparison with it no candidate can be judged.

use crate::ids::{RunId, StepName};
use crate::plan::InputSource;
use crate::run::Run;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Spans that are named; more are counted.
const NAMED: usize = 5;

/// A baseline model that has seen in training what it is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfairBaseline {
    /// The run that made it.
    pub run: RunId,
    /// The data source.
    pub source: String,
    /// The spans in question, oldest first.
    pub spans: Vec<String>,
}

impl UnfairBaseline {
    /// What is unfair and what to do.
    pub fn sentence(&self) -> String {
        let named = self.spans.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = match self.spans.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "the model compared with was trained on the rows that judge it ({named}{more} of data source '{}', in run {}): judge by spans that neither has seen",
            self.source, self.run
        )
    }
}

/// The spans of a source by number, with their labels.
type Spans = BTreeMap<i64, String>;

/// Whether the baseline of `run`, which `step` of the run `maker` made, was trained on spans that judge it here, and
/// the candidate was not: where both read a span its splits keep training and evaluation apart.
pub fn unfair_baseline(run: &Run, maker: &Run, step: &StepName) -> Option<UnfairBaseline> {
    let gate = run.request.plan.gate.as_ref()?;
    let candidate = reads(run, &gate.model.0, None);
    let judging = reads(run, &gate.evaluation.0, Some(&gate.model.0));
    let trained = reads(maker, step, None);
    judging.into_iter().find_map(|((uri, source), spans)| {
        let of = |read: &BTreeMap<(String, String), Spans>| -> BTreeSet<i64> {
            let same = read.iter().filter(|((other, _), _)| *other == uri);
            same.flat_map(|(_, spans)| spans.keys().copied()).collect()
        };
        let (theirs, own) = (of(&trained), of(&candidate));
        let both = spans
            .into_iter()
            .filter(|(span, _)| theirs.contains(span) && !own.contains(span));
        let labels: Vec<String> = both.map(|(_, label)| label).collect();
        (!labels.is_empty()).then(|| UnfairBaseline {
            run: maker.request.id.clone(),
            source,
            spans: labels,
        })
    })
}

/// The spans that a step's outputs come from, by the path pattern and the name of their source; what comes by way of
/// `except` does not count.
fn reads(run: &Run, step: &StepName, except: Option<&StepName>) -> BTreeMap<(String, String), Spans> {
    let plan = &run.request.plan;
    let mut found: BTreeMap<(String, String), Spans> = BTreeMap::new();
    let (mut open, mut known) = (vec![step], BTreeSet::from([step]));
    while let Some(name) = open.pop() {
        let Some(planned) = plan.steps.get(name) else { continue };
        if let (Some(window), Some(record)) = (&planned.source, run.steps.get(name)) {
            let key = (window.uri.clone(), window.source.clone());
            let data = record.inputs.values().filter(|input| input.type_name == "ExternalData");
            let spans = data
                .filter_map(|data| data.properties.get("spans")?.as_array())
                .flatten();
            let spans = spans.filter_map(|span| {
                let label = span.get("label").and_then(Value::as_str)?;
                Some((span.get("span")?.as_i64()?, label.to_owned()))
            });
            found.entry(key).or_default().extend(spans);
        }
        for input in planned.inputs.values() {
            if let InputSource::Output { step: before, .. } = input
                && Some(before) != except
                && known.insert(before)
            {
                open.push(before);
            }
        }
    }
    found
}
