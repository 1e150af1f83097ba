//! Which spans of a source a run reads: TFX's `RangeConfig`.

use super::{SpanFile, SpanPattern, TooFewSpans, Unselected};
use crate::plan::{RollingRange, SpanName, StaticRange, Window};
use std::collections::BTreeMap;

/// The files of one source: by span, then by version.
type Spans<'a> = BTreeMap<i64, BTreeMap<Option<i64>, Vec<&'a SpanFile>>>;

impl SpanPattern {
    /// The files a run reads, ascending by span, then version, then path.
    ///
    /// `newest` names the newest span the run may see. Without a window only the newest span is
    /// read: the greatest number, and of it the greatest version. What is wrong names `source`.
    pub fn select(
        &self,
        source: &str,
        files: &[SpanFile],
        window: Option<&Window>,
        newest: Option<&str>,
    ) -> Result<Vec<SpanFile>, Unselected> {
        let mut spans = Spans::new();
        for file in files {
            let versions = spans.entry(file.span).or_default();
            versions.entry(file.version).or_default().push(file);
        }
        if let Some(name) = newest {
            let last = self.span_named(name).filter(|span| spans.contains_key(span));
            let last = last.ok_or_else(|| self.no_such_span(source, name))?;
            spans.retain(|span, _| *span <= last);
        }
        if spans.is_empty() {
            return Err(Unselected::Empty {
                source: source.to_owned(),
                uri: self.uri.clone(),
            });
        }
        let all: Vec<i64> = spans.keys().copied().collect();
        let (taken, least) = match window {
            Some(Window {
                static_range: Some(range),
                ..
            }) => (self.static_range(source, &all, range)?, range.min_spans),
            Some(Window {
                rolling_range: Some(range),
                ..
            }) => (self.rolling_range(source, &all, range)?, range.min_spans),
            Some(_) | None => (all.last().copied().into_iter().collect(), 1),
        };
        let least = usize::try_from(least.max(1)).unwrap_or(usize::MAX);
        if taken.len() < least {
            return Err(Unselected::TooFew(TooFewSpans {
                source: source.to_owned(),
                spans: all.len(),
                newest: newest.map(str::to_owned),
                in_window: taken.len(),
                min_spans: least,
            }));
        }
        let every_version = window.is_some_and(Window::keep_all_versions);
        Ok(files_of(&spans, &taken, every_version))
    }

    /// Of spans that were named together the newest that is there, so that a slip in one does not keep the others from
    /// being read; of none that is there the first, so that what is wrong names it.
    pub fn newest_of<'a>(&self, named: &'a [String], files: &[SpanFile]) -> Option<&'a str> {
        let there = |name: &&String| {
            let span = self.span_named(name)?;
            files.iter().any(|file| file.span == span).then_some(span)
        };
        let newest = named.iter().filter(|name| there(name).is_some()).max_by_key(there);
        newest.or(named.first()).map(String::as_str)
    }

    /// TFX's order: ascending, the newest skipped, the lower bound, the last ones, then what is excluded.
    fn rolling_range(&self, source: &str, all: &[i64], range: &RollingRange) -> Result<Vec<i64>, Unselected> {
        let start = self
            .bound(source, range.start_span_number.as_ref())?
            .unwrap_or(i64::MIN);
        let skipped = usize::try_from(range.skip_num_recent_spans).unwrap_or(usize::MAX);
        let wanted = usize::try_from(range.num_spans).unwrap_or(usize::MAX);
        let kept = &all[..all.len().saturating_sub(skipped)];
        let kept = &kept[kept.partition_point(|span| *span < start)..];
        let kept = &kept[kept.len().saturating_sub(wanted)..];
        self.without(source, kept, &range.exclude_span_numbers)
    }

    fn static_range(&self, source: &str, all: &[i64], range: &StaticRange) -> Result<Vec<i64>, Unselected> {
        let start = self.bound(source, range.start_span.as_ref())?.unwrap_or(i64::MIN);
        let end = self.bound(source, range.end_span.as_ref())?.unwrap_or(i64::MAX);
        let kept: Vec<i64> = all
            .iter()
            .copied()
            .filter(|span| (start..=end).contains(span))
            .collect();
        self.without(source, &kept, &range.exclude_span_numbers)
    }

    fn without(&self, source: &str, spans: &[i64], excluded: &[SpanName]) -> Result<Vec<i64>, Unselected> {
        let mut kept = spans.to_vec();
        for name in excluded {
            let excluded = self.bound(source, Some(name))?;
            kept.retain(|span| Some(*span) != excluded);
        }
        Ok(kept)
    }

    fn bound(&self, source: &str, name: Option<&SpanName>) -> Result<Option<i64>, Unselected> {
        name.map(|name| {
            let found = self.span_named(name.as_str());
            found.ok_or_else(|| self.no_such_span(source, name.as_str()))
        })
        .transpose()
    }

    pub(super) fn no_such_span(&self, source: &str, name: &str) -> Unselected {
        Unselected::NoSuchSpan {
            source: source.to_owned(),
            span: name.to_owned(),
            path: self.path_of(name),
            uri: self.uri.clone(),
        }
    }
}

/// The newest version of each span, or all of them.
fn files_of(spans: &Spans<'_>, taken: &[i64], every_version: bool) -> Vec<SpanFile> {
    let versions = taken.iter().filter_map(|span| spans.get(span)).flat_map(|versions| {
        let passed = if every_version {
            0
        } else {
            versions.len().saturating_sub(1)
        };
        versions.values().skip(passed)
    });
    let mut files: Vec<SpanFile> = versions.flatten().map(|file| (*file).clone()).collect();
    files.sort();
    files
}
