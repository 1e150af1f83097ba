//! Old data never replaces newer: of which spans models were made, and what earlier runs have seen.

use super::{DataRead, Judged, Ledger, Promotion};
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

/// Why a run's model would bring older data back than what serves was made of. What counts is what both were made
/// of: why a run read what it read (a span that was named, a window, a file that is gone) does not, nor which pipeline
/// the other one is of.
pub(super) fn older_data(run: &Run, ledger: &Ledger) -> Option<Withheld> {
    let plan = &run.request.plan;
    if plan.push.as_ref().is_none_or(|push| push.allow_older_data) {
        return None;
    }
    let serving = ledger.serving()?.pushed;
    let reads = serving.evidence.judged().data;
    // Older binaries did not write what of it only judged the model: then all is compared with all.
    let all = reads.iter().all(|read| read.uri.is_none());
    let theirs = newest(&reads, all, |read| match all {
        true => newest_of_labels(plan, read),
        false => read.newest.clone(),
    });
    let own = newest(&Judged::of(run).data, all, |read| read.newest.clone());
    let (own, theirs) = gone_back(own, theirs)?;
    Some(Withheld::OlderData {
        serving_source: (own.source != theirs.source).then_some(theirs.source),
        source: own.source,
        span: own.newest.label,
        serving_span: theirs.newest.label,
        version: serving.version.clone(),
    })
}

/// The newest span of a source that a model was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Newest {
    source: String,
    uri: Option<String>,
    newest: AsOf,
}

/// By source; with `all`, what only judged the model counts, too.
fn newest(reads: &[DataRead], all: bool, of: impl Fn(&DataRead) -> Option<AsOf>) -> Vec<Newest> {
    let mut by_source: BTreeMap<String, Newest> = BTreeMap::new();
    for read in reads.iter().filter(|read| all || !read.judges) {
        let (Some(source), Some(newest)) = (read.source.clone(), of(read)) else {
            continue;
        };
        let known = by_source.get(&source).is_some_and(|known| known.newest >= newest);
        if !known {
            let uri = read.uri.clone();
            by_source.insert(source.clone(), Newest { source, uri, newest });
        }
    }
    by_source.into_values().collect()
}

/// A source of the candidate that ends before the same one of what serves. The same is what has its name, or else its
/// files; what is left over on both sides was renamed or is another pipeline's, and counts together.
fn gone_back(mut own: Vec<Newest>, theirs: Vec<Newest>) -> Option<(Newest, Newest)> {
    let (mut theirs, mut older) = (theirs, None);
    let same: [fn(&Newest, &Newest) -> bool; 2] = [
        |one, other| one.source == other.source,
        |one, other| one.uri.is_some() && one.uri == other.uri,
    ];
    for same in same {
        theirs.retain(|their| {
            let Some(place) = own.iter().position(|own| same(own, their) && comparable(own, their)) else {
                return true;
            };
            let own = own.remove(place);
            if own.newest.span < their.newest.span {
                older.get_or_insert((own, their.clone()));
            }
            false
        });
    }
    let newest = |left: &[Newest], dated| -> Option<Newest> {
        let of_kind = left.iter().filter(|read| read.newest.is_dated() == dated);
        of_kind.max_by_key(|read| read.newest.span).cloned()
    };
    let left_over = [true, false].into_iter().find_map(|dated| {
        let (own, their) = (newest(&own, dated)?, newest(&theirs, dated)?);
        (own.newest.span < their.newest.span).then_some((own, their))
    });
    older.or(left_over)
}

/// A date is neither before nor after a number.
fn comparable(one: &Newest, other: &Newest) -> bool {
    one.newest.is_dated() == other.newest.is_dated()
}

/// The newest of the spans of which an older binary wrote the labels only.
fn newest_of_labels(plan: &Plan, read: &DataRead) -> Option<AsOf> {
    let named = read.source.as_ref().and_then(|source| plan.data.get(source));
    let patterns = named.into_iter().chain(plan.data.values());
    let patterns: Vec<_> = patterns.filter_map(|data| SpanPattern::parse(&data.uri).ok()).collect();
    let labels = read.spans.iter().filter_map(|label| label.as_str());
    let spans = labels.filter_map(|label| {
        let span = patterns.iter().find_map(|pattern| pattern.parse_label(label))?;
        let label = label.to_owned();
        Some(AsOf { span, label })
    });
    spans.max()
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
