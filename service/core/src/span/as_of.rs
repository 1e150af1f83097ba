//! As of which span a run sees a data source.

use super::{SpanFile, SpanPattern, Unselected};
use serde::{Deserialize, Serialize};

/// The newest span of a data source that a run could see, whatever of it its windows took.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AsOf {
    /// Days since 1970-01-01 for dates, or the number.
    pub span: i64,
    /// The span for people.
    pub label: String,
}

impl AsOf {
    /// Whether it is a date, and no number: of a number the label says the same.
    pub fn is_dated(&self) -> bool {
        self.label.parse() != Ok(self.span)
    }
}

/// Up to where a run may look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Spans that were named together, one of which must exist: up to the newest that does. Without any, everything
    /// there is.
    pub spans: Vec<String>,
    /// The newest span that earlier runs have seen, by number: a late announcement of an old span means that and the
    /// correction with it.
    pub seen: Option<i64>,
}

impl SpanPattern {
    /// The newest of these files' spans that a run with this sight sees; `None` where it sees everything and there is
    /// nothing.
    pub fn as_of(&self, source: &str, files: &[SpanFile], sight: &Sight) -> Result<Option<AsOf>, Unselected> {
        let last = match self.newest_of(&sight.spans, files) {
            None => i64::MAX,
            Some(name) => {
                let named = self.span_named(name);
                let named = named.filter(|span| files.iter().any(|file| file.span == *span));
                let named = named.ok_or_else(|| self.no_such_span(source, name))?;
                named.max(sight.seen.unwrap_or(named))
            }
        };
        let seen = files.iter().filter(|file| file.span <= last);
        let newest = seen.max_by_key(|file| file.span);
        Ok(newest.map(|file| AsOf {
            span: file.span,
            label: file.label.clone(),
        }))
    }
}
