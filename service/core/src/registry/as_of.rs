//! Old data never replaces newer: as of which span models were made, and what earlier runs have seen.

use super::{DataRead, Ledger, Promotion};
use crate::plan::Plan;
use crate::run::{Run, RunRequest, Withheld};
use crate::span::{AsOf, SpanPattern};
use std::collections::BTreeMap;

/// The newest spans that earlier runs of the pipeline, or the one of what serves, have seen, of the sources that this
/// run's event named: by source, then by number.
pub fn seen(request: &RunRequest, earlier: &[Run], ledger: &Ledger) -> BTreeMap<String, i64> {
    let serving = serving_of(&request.plan, ledger);
    let mut seen = BTreeMap::new();
    for source in request.newest_spans.keys() {
        // What nobody merged decides nothing for others.
        let of_runs = earlier
            .iter()
            .filter(|run| run.request.pull_request.is_none() && run.request.repo == request.repo)
            .filter_map(|run| run.as_of(source));
        let of_serving = serving.and_then(|entry| made_as_of(&request.plan, entry, source));
        let newest = of_runs.chain(of_serving).max();
        seen.extend(newest.map(|newest| (source.clone(), newest.span)));
    }
    seen
}

/// Why a run's model would bring older data back than what serves has seen. A run that sees everything there is never
/// does, nor one whose file allows it.
pub(super) fn older_data(run: &Run, ledger: &Ledger) -> Option<Withheld> {
    let plan = &run.request.plan;
    if plan.push.as_ref().is_none_or(|push| push.allow_older_data) {
        return None;
    }
    let serving = serving_of(plan, ledger)?;
    let named = run.request.newest_spans.keys().chain(run.request.as_of_spans.keys());
    named.into_iter().find_map(|source| {
        let own = run.as_of(source)?;
        let theirs = made_as_of(plan, serving, source)?;
        (own.span < theirs.span).then(|| Withheld::OlderData {
            source: source.clone(),
            span: own.label,
            serving_span: theirs.label,
            version: serving.version.clone(),
        })
    })
}

/// What serves, if it is of the same pipeline: another one's source of the same name may be anything.
fn serving_of<'a>(plan: &Plan, ledger: &'a Ledger) -> Option<&'a Promotion> {
    let pushed = ledger.serving()?.pushed;
    (pushed.pipeline == plan.pipeline).then_some(pushed)
}

/// As of which span of a source a version was made.
fn made_as_of(plan: &Plan, entry: &Promotion, source: &str) -> Option<AsOf> {
    let pattern = plan
        .data
        .get(source)
        .and_then(|data| SpanPattern::parse(&data.uri).ok());
    let reads = entry.evidence.judged().data;
    let of_source = reads.iter().filter(|read| read.source.as_deref() == Some(source));
    of_source.filter_map(|read| read_as_of(read, pattern.as_ref())).max()
}

/// What older binaries wrote names no more than the spans that were read.
fn read_as_of(read: &DataRead, pattern: Option<&SpanPattern>) -> Option<AsOf> {
    if read.as_of.is_some() {
        return read.as_of.clone();
    }
    let labels = read.spans.iter().filter_map(|label| label.as_str());
    let named = labels.filter_map(|label| {
        let span = pattern?.parse_label(label)?;
        let label = label.to_owned();
        Some(AsOf { span, label })
    });
    named.max()
}
