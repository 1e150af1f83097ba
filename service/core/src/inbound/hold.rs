//! Data arrivals that wait for more of their kind.

use super::pipelines::KnownPipeline;
use crate::event::DataArrived;
use crate::ids::{EventId, Micros, RepoName};
use crate::span::SpanPattern;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// The wait of a data arrival for its quiet period; it takes the place of an earlier one with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// When the quiet period is over; a later arrival moves it.
    pub until: Micros,
    /// The newest arrival.
    pub event: EventId,
    /// What waits.
    pub payload: HoldPayload,
}

/// The arrivals of one source for one pipeline, waiting together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPayload {
    /// The pipeline's repository.
    pub repo: RepoName,
    /// The pipeline.
    pub pipeline: String,
    /// The source.
    pub source: String,
    /// The spans that were named, in the order of their arrival; none means the newest.
    pub spans: Vec<String>,
}

impl Stored for HoldPayload {
    const WHAT: &'static str = "wait of data arrivals";
    const VERSION: u32 = 1;
}

impl HoldPayload {
    /// A first arrival for this pipeline; nothing is named yet.
    pub fn new(pipeline: &KnownPipeline, source: &str) -> Self {
        Self {
            repo: pipeline.repo.clone(),
            pipeline: pipeline.name.clone(),
            source: source.to_owned(),
            spans: Vec::new(),
        }
    }

    /// The name of the wait: later arrivals join the earlier ones.
    pub fn key(&self) -> String {
        format!("{} {} {}", self.repo, self.pipeline, self.source)
    }

    /// Whether it waits for this pipeline.
    pub fn is_for(&self, pipeline: &KnownPipeline) -> bool {
        self.repo == pipeline.repo && self.pipeline == pipeline.name
    }

    /// One more arrival; a span that waits already stays where it is.
    pub(super) fn join(&mut self, arrived: &DataArrived) {
        let new = arrived.span.iter().filter(|span| !self.spans.contains(span)).cloned();
        self.spans.extend(new.collect::<Vec<_>>());
    }

    /// The spans from the newest to the oldest by their meaning, and those without a meaning, which are left out of the
    /// run: a slip in one announcement is no fault of the others.
    pub(super) fn sorted(&self, pipeline: &KnownPipeline) -> (Vec<String>, Vec<String>) {
        let data = pipeline.plan.data.get(&self.source);
        let pattern = data.and_then(|data| SpanPattern::parse(&data.uri).ok());
        let meaning = |label: &String| pattern.as_ref().and_then(|pattern| pattern.span_named(label));
        let (mut spans, slips): (Vec<String>, Vec<String>) =
            self.spans.iter().cloned().partition(|label| meaning(label).is_some());
        spans.sort_by_key(|label| std::cmp::Reverse(meaning(label)));
        (spans, slips)
    }
}
