//! Data sources: their spans, who read them, and what was measured of them.

use super::time;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use trainyard_core::inbound::KnownPipeline;
use trainyard_core::run::Run;
use trainyard_core::span::{SpanFile, SpanPattern};
use trainyard_engine::{External, JudgedData, JudgedFeature};
use trainyard_store::{Reads, Result, RunFilter, RunRow};
use utoipa::ToSchema;

/// Spans that are shown of a source, the newest.
const SPANS: usize = 60;
/// Runs that are looked at for who read a source, the newest of the pipeline.
const RUNS: u32 = 30;
/// Columns that are followed over time.
const FOLLOWED: usize = 8;
/// Somebody waits for a page: an object store that takes longer is told of there.
const PATIENCE: Duration = Duration::from_secs(5);

/// The data sources of all pipelines.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sources {
    /// By repository, pipeline and name.
    pub sources: Vec<SourceItem>,
}

/// A data source of a pipeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceItem {
    /// The repository of the pipeline.
    pub repo: String,
    /// The pipeline.
    pub pipeline: String,
    /// Its name there.
    pub source: String,
    /// Where it is: below the service's `data_root`, or in an object store.
    pub uri: String,
    /// How many spans are there.
    pub spans: usize,
    /// The newest of them.
    pub newest: Option<String>,
    /// Why nothing is known of its spans.
    pub problem: Option<String>,
}

/// A data source with its spans and the runs that read it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// The source.
    #[serde(flatten)]
    pub item: SourceItem,
    /// Its newest spans, the newest first.
    pub spans: Vec<SpanItem>,
    /// The newest runs of the pipeline that read it, the newest first.
    pub runs: Vec<SourceRun>,
    /// The columns with the most missing values, over the spans that runs measured.
    pub missing: Vec<MissingOf>,
}

/// A span of a source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SpanItem {
    /// Its name, for example `2013-04`.
    pub span: String,
    /// Its versions, if the source has versions, the newest last.
    pub versions: Vec<i64>,
    /// Files.
    pub files: usize,
    /// The runs among the newest that read it.
    pub read_by: Vec<String>,
}

/// A run that read a source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceRun {
    /// The run.
    pub run: String,
    /// Where it is.
    pub state: String,
    /// Why it was started.
    pub cause: String,
    /// When it was asked for.
    pub created_at: String,
    /// The newest span that it saw.
    pub as_of: Option<String>,
    /// The spans that it read, with their versions.
    pub spans: Vec<String>,
}

/// The missing values of a column over time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MissingOf {
    /// The column.
    pub feature: String,
    /// Span and share of rows without a value, the oldest first.
    pub points: Vec<MissingAt>,
}

/// The missing values of a column in one span.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MissingAt {
    /// The span.
    pub span: String,
    /// The share of rows without a value; absent where nobody measured it.
    pub share: Option<f64>,
}

/// What is there of a source now.
struct Listed {
    files: Vec<SpanFile>,
    /// Why it is not known, or what is missing.
    problem: Option<String>,
}

async fn listed(external: &External, uri: &str) -> Listed {
    let unknown = |problem: String| Listed {
        files: Vec::new(),
        problem: Some(problem),
    };
    let pattern = match SpanPattern::parse(uri) {
        Ok(pattern) => pattern,
        Err(error) => return unknown(error.to_string()),
    };
    let root = external.data_root().display();
    if pattern.bucket().is_none() && !external.data_root().is_dir() {
        return unknown(format!("data_root {root} is not there: correct it in trainyard.toml"));
    }
    let mut files = match tokio::time::timeout(PATIENCE, external.span_files(&pattern)).await {
        Ok(Ok(files)) => files,
        Ok(Err(error)) => return unknown(error.to_string()),
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            return unknown(format!(
                "{uri} was not listed within {seconds} s: look again in a moment"
            ));
        }
    };
    files.sort();
    let place = match pattern.bucket() {
        Some(_) => pattern.glob_root().to_owned(),
        None => root.to_string(),
    };
    let none = || format!("nothing below {place} is named so: put a first span there");
    let problem = files.is_empty().then(none);
    Listed { files, problem }
}

impl SourceItem {
    async fn read(external: &External, known: &KnownPipeline, source: &str, uri: &str) -> (Self, Listed) {
        let mut listed = listed(external, uri).await;
        let spans: BTreeSet<i64> = listed.files.iter().map(|file| file.span).collect();
        let problem = listed.problem.take();
        let item = Self {
            repo: known.repo.to_string(),
            pipeline: known.name.clone(),
            source: source.to_owned(),
            uri: uri.to_owned(),
            spans: spans.len(),
            newest: listed.files.last().map(|file| file.label.clone()),
            problem,
        };
        (item, listed)
    }
}

impl Sources {
    /// Of the pipelines that somebody may see.
    pub async fn read(external: &External, known: &[KnownPipeline]) -> Self {
        let all = known.iter().flat_map(|pipeline| {
            let named = pipeline.plan.data.iter();
            named.map(move |(name, source)| SourceItem::read(external, pipeline, name, &source.uri))
        });
        // Side by side: nobody waits for one store after the other.
        let read = futures_util::future::join_all(all).await;
        let mut sources: Vec<SourceItem> = read.into_iter().map(|(item, _)| item).collect();
        sources.sort_by(|one, other| {
            let key = |item: &SourceItem| (item.repo.clone(), item.pipeline.clone(), item.source.clone());
            key(one).cmp(&key(other))
        });
        Self { sources }
    }
}

impl SourceView {
    /// A source with the runs that read it, as they were loaded for it, the newest first; `None` if the pipeline has
    /// no such source.
    pub async fn read(
        store: &Reads,
        external: &External,
        known: &KnownPipeline,
        source: &str,
    ) -> Result<Option<(Self, Vec<Run>)>> {
        let Some(of_plan) = known.plan.data.get(source) else {
            return Ok(None);
        };
        let (item, listed) = SourceItem::read(external, known, source, &of_plan.uri).await;
        let newest = RunFilter {
            pipeline: Some(known.name.clone()),
            limit: RUNS,
            ..RunFilter::default()
        };
        let (mut runs, mut loaded) = (Vec::new(), Vec::new());
        let mut read_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in store.runs(&newest).await? {
            if row.repo.as_ref() != Some(&known.repo) {
                continue;
            }
            // One that cannot be read stands in the list of runs with its reason.
            let Ok(run) = store.load_run(&row.id).await else {
                continue;
            };
            let Some(reader) = reader(&row, &run, source, &mut read_by) else {
                continue;
            };
            runs.push(reader);
            loaded.push(run);
        }
        let mut spans: BTreeMap<i64, SpanItem> = BTreeMap::new();
        for file in &listed.files {
            let span = spans.entry(file.span).or_insert_with(|| SpanItem {
                span: file.label.clone(),
                versions: Vec::new(),
                files: 0,
                read_by: read_by.get(&file.label).cloned().unwrap_or_default(),
            });
            span.files += 1;
            if let Some(version) = file.version.filter(|version| !span.versions.contains(version)) {
                span.versions.push(version);
            }
        }
        let spans = spans.into_values().rev().take(SPANS).collect();
        let view = Self {
            item,
            spans,
            runs,
            missing: Vec::new(),
        };
        Ok(Some((view, loaded)))
    }
}

/// What a run read of a source; `None` where it did not look at it.
fn reader(row: &RunRow, run: &Run, source: &str, read_by: &mut BTreeMap<String, Vec<String>>) -> Option<SourceRun> {
    let inputs = run.steps.values().flat_map(|step| step.inputs.values());
    let of_it = inputs.filter(|input| input.properties.get("source").is_some_and(|name| name == source));
    let mut spans: BTreeSet<(i64, String)> = BTreeSet::new();
    for input in of_it {
        for span in input
            .properties
            .get("spans")
            .and_then(|spans| spans.as_array())
            .into_iter()
            .flatten()
        {
            let Some(label) = span["label"].as_str() else { continue };
            let readers = read_by.entry(label.to_owned()).or_default();
            if readers.last().is_none_or(|last| last != row.id.as_str()) {
                readers.push(row.id.to_string());
            }
            let version = span["version"].as_i64().map(|version| format!(" version {version}"));
            let number = span["span"].as_i64().unwrap_or_default();
            spans.insert((number, format!("{label}{}", version.unwrap_or_default())));
        }
    }
    let as_of = run.as_of(source).map(|as_of| as_of.label);
    if spans.is_empty() && as_of.is_none() {
        return None;
    }
    Some(SourceRun {
        run: row.id.to_string(),
        state: row.state.as_str().to_owned(),
        cause: row.cause.clone(),
        created_at: time(row.created_at),
        as_of,
        spans: spans.into_iter().map(|(_, name)| name).collect(),
    })
}

/// The columns with the most missing values over the spans that were measured, `measured` from the newest on.
pub fn missing_over(measured: &[(String, JudgedData)]) -> Vec<MissingOf> {
    type Side = fn(&JudgedFeature) -> Option<f64>;
    let now: BTreeSet<&str> = measured.iter().map(|(span, _)| span.as_str()).collect();
    let mut by_span: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (span, data) in measured {
        // What it was compared with was measured as well, unless a run measured it for itself.
        let before = data.before_span.as_deref().filter(|span| !now.contains(span));
        let before = before.map(|span| (span, (|feature: &JudgedFeature| feature.missing.before) as Side));
        let sides: [Option<(&str, Side)>; 2] = [Some((span, |feature| feature.missing.now)), before];
        for (span, side) in sides.into_iter().flatten() {
            // The newest that measured a span counts.
            if by_span.contains_key(span) {
                continue;
            }
            let features = data
                .splits
                .first()
                .map(|split| split.features.as_slice())
                .unwrap_or_default();
            let shares = features
                .iter()
                .filter_map(|feature| Some((feature.name.as_str(), side(feature)?)));
            let shares: BTreeMap<&str, f64> = shares.collect();
            if !shares.is_empty() {
                by_span.insert(span, shares);
                order.push(span);
            }
        }
    }
    order.reverse();
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, share) in by_span.values().flatten() {
        let most = worst.entry(name).or_default();
        *most = most.max(*share);
    }
    let mut names: Vec<(&str, f64)> = worst.into_iter().filter(|(_, share)| *share > 0.0).collect();
    names.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let of = |name: &str| {
        let at = |span: &&str| MissingAt {
            span: (*span).to_owned(),
            share: by_span.get(span).and_then(|shares| shares.get(name).copied()),
        };
        MissingOf {
            feature: name.to_owned(),
            points: order.iter().map(at).collect(),
        }
    };
    names.into_iter().take(FOLLOWED).map(|(name, _)| of(name)).collect()
}

/// The data of a run, as its steps met them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunData {
    /// The run.
    pub run: String,
    /// What each validator judged, and statistics that nobody judged: `step`, `span`, `splits` with `features`, `schema`,
    /// `problems`.
    #[schema(value_type = Vec<Object>)]
    pub data: Vec<JudgedData>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainyard_engine::{JudgedSplit, OfSides};

    fn measured(span: &str, shares: &[(&str, f64)]) -> (String, JudgedData) {
        let feature = |(name, share): &(&str, f64)| JudgedFeature {
            name: (*name).to_owned(),
            kind: "INT".to_owned(),
            missing: OfSides {
                now: Some(*share),
                ..OfSides::default()
            },
            mean: OfSides::default(),
            median: OfSides::default(),
            bins: Vec::new(),
            distances: Vec::new(),
            anomalies: Vec::new(),
        };
        let split = JudgedSplit {
            name: "eval".to_owned(),
            rows: OfSides::default(),
            anomalies: Vec::new(),
            features: shares.iter().map(feature).collect(),
        };
        let data = JudgedData {
            splits: vec![split],
            ..JudgedData::default()
        };
        (span.to_owned(), data)
    }

    #[test]
    fn missing_values_go_from_the_oldest_span_to_the_newest() {
        let all = [
            measured("2013-03", &[("delay", 0.3), ("hour", 0.0)]),
            measured("2013-02", &[("delay", 0.1), ("gust", 0.9)]),
            measured("2013-02", &[("delay", 0.7)]),
        ];
        let told = missing_over(&all);
        let lines: Vec<String> = told
            .iter()
            .map(|of| {
                let points = of.points.iter().map(|at| format!("{} {:?}", at.span, at.share));
                format!("{}: {}", of.feature, points.collect::<Vec<_>>().join(", "))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        gust: 2013-02 Some(0.9), 2013-03 None
        delay: 2013-02 Some(0.1), 2013-03 Some(0.3)
        ");
    }
}
