//! Why a run reads nothing of a data source.

use serde::{Deserialize, Serialize};

/// Why a run reads nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unselected {
    /// More may come, and until then nothing runs.
    TooFew(TooFewSpans),
    /// The source has no file at all.
    Empty {
        /// The data source.
        source: String,
        /// Its path pattern.
        uri: String,
    },
    /// A span that was named does not exist.
    NoSuchSpan {
        /// The data source.
        source: String,
        /// As it was named.
        span: String,
        /// The file it would be; `None` where the name has another shape than the pattern's.
        path: Option<String>,
        /// The source's path pattern.
        uri: String,
    },
}

/// A window with fewer spans than it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooFewSpans {
    /// The data source.
    pub source: String,
    /// Spans that the run may see.
    pub spans: usize,
    /// The newest of them, where the run names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
    /// Spans of them in the window.
    pub in_window: usize,
    /// Spans that the window needs.
    pub min_spans: usize,
}

impl Unselected {
    /// One sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::TooFew(too_few) => too_few.sentence(),
            Self::Empty { source, uri } => {
                let under = under(uri);
                format!("data source '{source}' has no data: expected files like {uri}{under}")
            }
            Self::NoSuchSpan {
                source,
                span,
                path,
                uri,
            } => {
                let expected = match path {
                    Some(path) => format!("the file {path}"),
                    None => format!("a file like {uri}"),
                };
                let under = under(uri);
                format!("span {span} of data source '{source}' does not exist: expected {expected}{under}")
            }
        }
    }
}

/// An address says itself where it is.
fn under(uri: &str) -> &'static str {
    match uri.contains("://") {
        true => "",
        false => " under the data root",
    }
}

impl TooFewSpans {
    /// One sentence.
    pub fn sentence(&self) -> String {
        let Self {
            source,
            spans,
            newest,
            in_window,
            min_spans,
        } = self;
        let plural = if *spans == 1 { "" } else { "s" };
        let newest = newest.as_ref().map(|name| format!(" up to {name}")).unwrap_or_default();
        let window = match in_window == spans {
            true => "its window needs".to_owned(),
            false => format!("{in_window} of them in its window, which needs"),
        };
        format!("data source '{source}' has {spans} span{plural}{newest}, {window} at least {min_spans}")
    }
}
