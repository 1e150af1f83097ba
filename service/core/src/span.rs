//! External data named by the time it covers: patterns, spans and windows, as in TFX's ExampleGen.

use crate::artifact::Digest;
use crate::spec::{RollingRange, StaticRange, Window};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of a data source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpanFile {
    /// Days since 1970-01-01 for dates (of a month, its first day), or the number.
    pub span: i64,
    /// The version, if the pattern has one.
    pub version: Option<i64>,
    /// The span for people, `2013-04`, `2013-04-30`, or the number as the file name writes it.
    pub label: String,
    /// The path below the data root.
    pub path: String,
}

/// A span file with its content, as `task.json` and the cache key name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanContent {
    /// Days since 1970-01-01 for dates, or the number.
    pub span: i64,
    /// The version, if the pattern has one.
    pub version: Option<i64>,
    /// The file's own name.
    pub file: String,
    /// The bytes.
    pub digest: Digest,
}

/// A parsed `uri` of a data source, for example `data/flights/{YYYY}-{MM}.parquet`.
///
/// A `uri` without placeholders is one file, span 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanPattern {
    uri: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Year,
    Month,
    Day,
    Span(Option<usize>),
    Version(Option<usize>),
}

impl Part {
    /// How many digits the part has, if that is fixed; `None` for literals and free numbers.
    fn width(&self) -> Option<usize> {
        match self {
            Self::Literal(_) => None,
            Self::Year => Some(4),
            Self::Month | Self::Day => Some(2),
            Self::Span(width) | Self::Version(width) => *width,
        }
    }
}

/// More digits than this do not fit a span number.
const MAX_DIGITS: usize = 18;

impl SpanPattern {
    /// Parses a path with `{YYYY}`, `{MM}` and `{DD}` (the day may be absent), or `{SPAN}` or
    /// `{SPAN:width}`, and optionally `{VERSION}` or `{VERSION:width}`. The error is one sentence.
    pub fn parse(uri: &str) -> Result<Self, String> {
        check_path(uri)?;
        if uri.contains('*') {
            return Err(format!(
                "'{uri}' has a wildcard: write one file for each span, with placeholders such as {{YYYY}}-{{MM}}"
            ));
        }
        let mut parts = Vec::new();
        let mut rest = uri;
        while let Some(open) = rest.find(['{', '}']) {
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            let close = rest[open..].find('}').filter(|_| rest[open..].starts_with('{'));
            let Some(close) = close else {
                return Err(format!("'{uri}' has a brace without its partner"));
            };
            let part = placeholder(&rest[open + 1..open + close])?;
            if parts
                .iter()
                .any(|p| std::mem::discriminant(p) == std::mem::discriminant(&part))
                && !matches!(part, Part::Literal(_))
            {
                return Err(format!("'{uri}' has {} twice", &rest[open..=open + close]));
            }
            parts.push(part);
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let pattern = Self {
            uri: uri.to_owned(),
            parts,
        };
        pattern.check()?;
        Ok(pattern)
    }

    fn check(&self) -> Result<(), String> {
        let uri = &self.uri;
        let has = |part: &Part| self.parts.contains(part);
        let span = self.parts.iter().any(|p| matches!(p, Part::Span(_)));
        let version = self.parts.iter().any(|p| matches!(p, Part::Version(_)));
        let dated = has(&Part::Year) || has(&Part::Month) || has(&Part::Day);
        if dated && span {
            return Err(format!(
                "'{uri}' names spans by date and by number: use either {{YYYY}}, {{MM}} and {{DD}}, or {{SPAN}}"
            ));
        }
        if dated && !(has(&Part::Year) && has(&Part::Month)) {
            return Err(format!(
                "'{uri}' names spans by date but not fully: it needs {{YYYY}} and {{MM}}, and {{DD}} for days"
            ));
        }
        if version && !dated && !span {
            return Err(format!(
                "'{uri}' has a {{VERSION}} of nothing: it needs {{YYYY}} and {{MM}}, or {{SPAN}}"
            ));
        }
        for pair in self.parts.windows(2) {
            let free = matches!(&pair[0], Part::Span(None) | Part::Version(None));
            let digit_follows = match &pair[1] {
                Part::Literal(text) => text.starts_with(|c: char| c.is_ascii_digit()),
                _ => true,
            };
            if free && digit_follows {
                return Err(format!(
                    "'{uri}' does not tell where a number ends: give it a width, for example {{SPAN:4}}"
                ));
            }
        }
        Ok(())
    }

    /// The pattern as the pipeline file writes it.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The folder that holds all matching files: everything up to the last `/` before the first
    /// placeholder, without that `/`; empty for the data root itself.
    pub fn glob_root(&self) -> &str {
        let literal = self.uri.split('{').next().unwrap_or_default();
        literal.rfind('/').map_or("", |slash| &literal[..slash])
    }

    /// The span file that a path below the data root names, if it matches. Dates that do not exist
    /// (month 13) do not match.
    pub fn match_path(&self, relative: &str) -> Option<SpanFile> {
        let mut rest = relative;
        let mut found = Found::default();
        for part in &self.parts {
            if let Part::Literal(text) = part {
                rest = rest.strip_prefix(text.as_str())?;
                continue;
            }
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let length = part.width().unwrap_or(digits);
            if length == 0 || length > digits || length > MAX_DIGITS {
                return None;
            }
            let (number, after) = rest.split_at(length);
            // Without a width, 3 and 03 would be two files of one span.
            if part.width().is_none() && number.len() > 1 && number.starts_with('0') {
                return None;
            }
            found.set(part, number);
            rest = after;
        }
        if !rest.is_empty() {
            return None;
        }
        let (span, label) = found.span()?;
        let version = found.version.and_then(|number| number.parse().ok());
        Some(SpanFile {
            span,
            version,
            label,
            path: relative.to_owned(),
        })
    }

    /// The span of a label such as `2013-04` or `17`.
    pub fn parse_label(&self, label: &str) -> Option<i64> {
        self.found(label)?.span().map(|(span, _)| span)
    }

    /// The path that a label would have, whether or not such a span can exist; `{VERSION}` is left
    /// as it is. `None` when the label has another shape.
    pub fn path_of(&self, label: &str) -> Option<String> {
        let found = self.found(label)?;
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Year => path.push_str(found.year?),
                Part::Month => path.push_str(found.month?),
                Part::Day => path.push_str(found.day?),
                Part::Span(width) => {
                    let number: i64 = found.number?.parse().ok()?;
                    path.push_str(&format!("{number:0width$}", width = width.unwrap_or(0)));
                }
                Part::Version(_) => path.push_str("{VERSION}"),
            }
        }
        Some(path)
    }

    /// The pieces of a label that has the pattern's shape.
    fn found<'a>(&self, label: &'a str) -> Option<Found<'a>> {
        let digits =
            |text: &str| !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
        let mut found = Found::default();
        if self.parts.contains(&Part::Year) {
            let mut pieces = label.split('-');
            let daily = self.parts.contains(&Part::Day);
            let (year, month) = (pieces.next()?, pieces.next()?);
            let day = if daily { Some(pieces.next()?) } else { None };
            let fine = pieces.next().is_none() && digits(year) && digits(month) && day.is_none_or(digits);
            if !fine || year.len() != 4 || month.len() != 2 || day.is_some_and(|d| d.len() != 2) {
                return None;
            }
            found.year = Some(year);
            found.month = Some(month);
            found.day = day;
        } else if digits(label) {
            found.number = Some(label);
        } else {
            return None;
        }
        Some(found)
    }

    /// The files a run reads, ascending by span, each span in its newest version.
    ///
    /// `newest` is the label of the newest span the run may see. Without a window only the newest
    /// span is read. The error is one sentence that names `source`.
    pub fn select(
        &self,
        source: &str,
        files: &[SpanFile],
        window: Option<&Window>,
        newest: Option<&str>,
    ) -> Result<Vec<SpanFile>, String> {
        let mut spans: BTreeMap<i64, &SpanFile> = BTreeMap::new();
        for file in files {
            let kept = spans.entry(file.span).or_insert(file);
            if (file.version, &file.path) > (kept.version, &kept.path) {
                *kept = file;
            }
        }
        if let Some(label) = newest {
            let last = self.parse_label(label).filter(|span| spans.contains_key(span));
            let last = last.ok_or_else(|| self.missing(source, label))?;
            spans.retain(|span, _| *span <= last);
        }
        if spans.is_empty() {
            return Err(format!(
                "data source '{source}' has no data: expected files like {} under the data root",
                self.uri
            ));
        }
        let ascending: Vec<SpanFile> = spans.into_values().cloned().collect();
        match window {
            Some(Window {
                static_range: Some(range),
                ..
            }) => self.static_range(source, ascending, range),
            Some(Window {
                rolling_range: Some(range),
                ..
            }) => rolling_range(source, ascending, range),
            Some(_) | None => Ok(ascending.into_iter().next_back().into_iter().collect()),
        }
    }

    fn missing(&self, source: &str, label: &str) -> String {
        let expected = match self.path_of(label) {
            Some(path) => format!("the file {path}"),
            None => format!("a file like {}", self.uri),
        };
        format!("span {label} of data source '{source}' does not exist: expected {expected} under the data root")
    }

    fn static_range(
        &self,
        source: &str,
        ascending: Vec<SpanFile>,
        range: &StaticRange,
    ) -> Result<Vec<SpanFile>, String> {
        let start = self
            .parse_label(&range.start_span)
            .ok_or_else(|| self.missing(source, &range.start_span))?;
        let end = self
            .parse_label(&range.end_span)
            .ok_or_else(|| self.missing(source, &range.end_span))?;
        let taken: Vec<SpanFile> = ascending
            .into_iter()
            .filter(|file| (start..=end).contains(&file.span))
            .collect();
        if taken.is_empty() {
            let (first, last) = (&range.start_span, &range.end_span);
            return Err(format!(
                "data source '{source}' has no span from {first} to {last}: expected files like {} under the data root",
                self.uri
            ));
        }
        Ok(taken)
    }
}

/// TFX's order: sorted, the newest skipped, the last ones taken, then counted.
fn rolling_range(source: &str, mut ascending: Vec<SpanFile>, range: &RollingRange) -> Result<Vec<SpanFile>, String> {
    let skipped = usize::try_from(range.skip_num_recent_spans).unwrap_or(usize::MAX);
    ascending.truncate(ascending.len().saturating_sub(skipped));
    let wanted = usize::try_from(range.num_spans).unwrap_or(usize::MAX);
    let taken = ascending.split_off(ascending.len().saturating_sub(wanted));
    let least = usize::try_from(range.min_spans.max(1)).unwrap_or(usize::MAX);
    if taken.len() < least {
        let left = match skipped {
            0 => "has".to_owned(),
            n => format!("without its newest {n} has"),
        };
        return Err(format!(
            "data source '{source}' {left} {} spans, and its window needs at least {least}: bring more data or lower min_spans",
            taken.len()
        ));
    }
    Ok(taken)
}

/// Paths of the pipeline file stay below a root.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') || path.contains("://") {
        return Err(format!(
            "'{path}' is not a relative path: write it with / and without a leading one"
        ));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!("'{path}' leaves its root: '..' is not allowed"));
    }
    Ok(())
}

fn placeholder(text: &str) -> Result<Part, String> {
    let unknown = || {
        format!(
            "{{{text}}} is not known in a data path: expected {{YYYY}}, {{MM}}, {{DD}}, {{SPAN}}, {{SPAN:4}} or {{VERSION}}"
        )
    };
    let (name, width) = match text.split_once(':') {
        Some((name, width)) => {
            let width: usize = width.parse().map_err(|_| unknown())?;
            if width == 0 || width > MAX_DIGITS {
                return Err(format!("{{{text}}} needs a width from 1 to {MAX_DIGITS}"));
            }
            (name, Some(width))
        }
        None => (text, None),
    };
    match (name, width) {
        ("YYYY", None) => Ok(Part::Year),
        ("MM", None) => Ok(Part::Month),
        ("DD", None) => Ok(Part::Day),
        ("SPAN", width) => Ok(Part::Span(width)),
        ("VERSION", width) => Ok(Part::Version(width)),
        _ => Err(unknown()),
    }
}

#[derive(Default)]
struct Found<'a> {
    year: Option<&'a str>,
    month: Option<&'a str>,
    day: Option<&'a str>,
    number: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn set(&mut self, part: &Part, digits: &'a str) {
        match part {
            Part::Literal(_) => {}
            Part::Year => self.year = Some(digits),
            Part::Month => self.month = Some(digits),
            Part::Day => self.day = Some(digits),
            Part::Span(_) => self.number = Some(digits),
            Part::Version(_) => self.version = Some(digits),
        }
    }

    /// The span and its label; `None` when the date does not exist.
    fn span(&self) -> Option<(i64, String)> {
        let Some(year) = self.year else {
            let number = self.number.unwrap_or("0");
            return Some((number.parse().ok()?, number.to_owned()));
        };
        let (month, day) = (self.month?, self.day.unwrap_or("01"));
        let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
        let label = match self.day {
            Some(day) => format!("{year}-{month}-{day}"),
            None => format!("{year}-{month}"),
        };
        Some((i64::from(date.num_days_from_ce() - epoch.num_days_from_ce()), label))
    }
}

#[cfg(test)]
mod tests;
