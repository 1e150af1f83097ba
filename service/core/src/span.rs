//! External data named by the time it covers: patterns, spans and windows, as in TFX's ExampleGen.

mod as_of;
mod bucket;
mod pattern_error;
mod select;
mod unselected;
pub use as_of::{AsOf, Sight};
pub use bucket::{Bucket, Provider};
pub use pattern_error::{PathError, PatternError};
pub use unselected::{TooFewSpans, Unselected};

use crate::artifact::Digest;
use chrono::{Datelike, NaiveDate};
use pattern_error::MAX_DIGITS;
use serde::{Deserialize, Serialize};

/// A file of a data source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpanFile {
    /// Days since 1970-01-01 for dates (of a month, its first day), or the number.
    pub span: i64,
    /// The version, if the pattern has one.
    pub version: Option<i64>,
    /// The span for people, `2013-04`, `2013-04-30`, or the number as the file name writes it.
    pub label: String,
    /// The path below the data root, or the address of an object.
    pub path: String,
}

/// A span file with its content, as `task.json` and the cache key name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanContent {
    /// Days since 1970-01-01 for dates, or the number.
    pub span: i64,
    /// The version, if the pattern has one.
    pub version: Option<i64>,
    /// Its name for the step, as [`SpanPattern::staged_name`] makes it.
    pub file: String,
    /// The bytes.
    pub digest: Digest,
}

/// A parsed `uri` of a data source, for example `data/flights/{YYYY}-{MM}.parquet` or `s3://lake/flights/{SPAN}.csv`.
///
/// A `uri` without placeholders is one file, span 0. With a `*` after the last placeholder a span
/// is all files that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanPattern {
    uri: String,
    bucket: Option<Bucket>,
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
    /// `*`: anything within one folder or file name.
    Wildcard,
}

impl Part {
    /// How many digits the part has, if that is fixed; `None` for text and free numbers.
    fn width(&self) -> Option<usize> {
        match self {
            Self::Literal(_) | Self::Wildcard => None,
            Self::Year => Some(4),
            Self::Month | Self::Day => Some(2),
            Self::Span(width) | Self::Version(width) => *width,
        }
    }
}

impl SpanPattern {
    /// Parses a path with `{YYYY}`, `{MM}` and `{DD}` (the day may be absent), or `{SPAN}` or
    /// `{SPAN:width}`, and optionally `{VERSION}` or `{VERSION:width}`; then one `*` at most.
    pub fn parse(uri: &str) -> Result<Self, PatternError> {
        let bucket = match Bucket::of(uri)? {
            Some((bucket, key)) => {
                check_path(key)?;
                Some(bucket)
            }
            None => {
                check_path(uri)?;
                None
            }
        };
        let mut parts = Vec::new();
        let mut rest = uri;
        while let Some(open) = rest.find(['{', '}']) {
            push_text(&mut parts, &rest[..open]);
            let close = rest[open..].find('}').filter(|_| rest[open..].starts_with('{'));
            let Some(close) = close else {
                return Err(PatternError::Brace(uri.to_owned()));
            };
            let part = placeholder(&rest[open + 1..open + close])?;
            if parts
                .iter()
                .any(|p| std::mem::discriminant(p) == std::mem::discriminant(&part))
            {
                return Err(PatternError::Twice {
                    uri: uri.to_owned(),
                    placeholder: rest[open..=open + close].to_owned(),
                });
            }
            parts.push(part);
            rest = &rest[open + close + 1..];
        }
        push_text(&mut parts, rest);
        let pattern = Self {
            uri: uri.to_owned(),
            bucket,
            parts,
        };
        pattern.check()?;
        Ok(pattern)
    }

    fn check(&self) -> Result<(), PatternError> {
        let wrong = |why: fn(String) -> PatternError| Err(why(self.uri.clone()));
        let has = |part: &Part| self.parts.contains(part);
        let span = self.parts.iter().any(|p| matches!(p, Part::Span(_)));
        let version = self.parts.iter().any(|p| matches!(p, Part::Version(_)));
        let dated = has(&Part::Year) || has(&Part::Month) || has(&Part::Day);
        if dated && span {
            return wrong(PatternError::DateAndNumber);
        }
        if dated && !(has(&Part::Year) && has(&Part::Month)) {
            return wrong(PatternError::HalfADate);
        }
        if version && !dated && !span {
            return wrong(PatternError::VersionOfNothing);
        }
        if let Some(star) = self.parts.iter().position(|p| *p == Part::Wildcard)
            && self.parts[star + 1..].iter().any(|p| !matches!(p, Part::Literal(_)))
        {
            return wrong(PatternError::Wildcard);
        }
        for pair in self.parts.windows(2) {
            let free = matches!(&pair[0], Part::Span(None) | Part::Version(None));
            let digit_follows = match &pair[1] {
                Part::Literal(text) => text.starts_with(|c: char| c.is_ascii_digit()),
                _ => true,
            };
            if free && digit_follows {
                return wrong(PatternError::Endless);
            }
        }
        Ok(())
    }

    /// The pattern as the pipeline file writes it.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The bucket that its files are in; `None` where they are below the data root.
    pub fn bucket(&self) -> Option<&Bucket> {
        self.bucket.as_ref()
    }

    /// The folder that holds all matching files: everything up to the last `/` before the first
    /// placeholder or `*`, without that `/`; empty for the data root itself.
    pub fn glob_root(&self) -> &str {
        let literal = self.uri.split(['{', '*']).next().unwrap_or_default();
        literal.rfind('/').map_or("", |slash| &literal[..slash])
    }

    /// The name by which a step finds a matching path: the path below [`Self::glob_root`] with `-`
    /// for `/`, so that files of one name in several folders do not meet.
    pub fn staged_name(&self, path: &str) -> String {
        let below = path.strip_prefix(self.glob_root()).unwrap_or(path);
        below.trim_start_matches('/').replace('/', "-")
    }

    /// The span file that a path below the data root, or the address of an object, names, if it matches. Dates that do not exist
    /// (month 13) do not match.
    pub fn match_path(&self, relative: &str) -> Option<SpanFile> {
        let mut rest = relative;
        let mut found = Found::default();
        for part in &self.parts {
            if let Part::Literal(text) = part {
                rest = rest.strip_prefix(text.as_str())?;
                continue;
            }
            if *part == Part::Wildcard {
                rest = self.after_wildcard(rest)?;
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

    /// What is left of a path's end behind that which the `*` takes: no `/`, and no name that is
    /// hidden.
    fn after_wildcard<'a>(&'a self, rest: &'a str) -> Option<&'a str> {
        let tail = match self.parts.last() {
            Some(Part::Literal(text)) => text.as_str(),
            _ => "",
        };
        let taken = rest.strip_suffix(tail)?;
        let starts_name = self.uri.starts_with('*') || self.uri.contains("/*");
        let hidden = starts_name && rest.starts_with('.');
        (!taken.contains('/') && !hidden).then_some(tail)
    }

    /// The span that a pipeline file names: by label, or by number (of dates, days since 1970-01-01).
    pub fn span_named(&self, name: &str) -> Option<i64> {
        let dated = self.parts.contains(&Part::Year);
        self.parse_label(name).or_else(|| name.parse().ok().filter(|_| dated))
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
                Part::Wildcard => path.push('*'),
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
}

/// Paths of the pipeline file stay below a root.
pub(crate) fn check_path(path: &str) -> Result<(), PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') || path.contains("://") {
        return Err(PathError::NotRelative(path.to_owned()));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(PathError::Leaves(path.to_owned()));
    }
    Ok(())
}

/// Text between placeholders, in which `*` has its meaning.
fn push_text(parts: &mut Vec<Part>, text: &str) {
    for (index, piece) in text.split('*').enumerate() {
        if index > 0 {
            parts.push(Part::Wildcard);
        }
        if !piece.is_empty() {
            parts.push(Part::Literal(piece.to_owned()));
        }
    }
}

fn placeholder(text: &str) -> Result<Part, PatternError> {
    let unknown = || PatternError::Unknown(text.to_owned());
    let (name, width) = match text.split_once(':') {
        Some((name, width)) => {
            let width: usize = width.parse().map_err(|_| unknown())?;
            if width == 0 || width > MAX_DIGITS {
                return Err(PatternError::Width(text.to_owned()));
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
            Part::Literal(_) | Part::Wildcard => {}
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
