//! The spans that a person names for a run: a run as of then, and not of today.

use crate::plan::Plan;
use crate::span::SpanPattern;
use std::collections::BTreeMap;

/// Why a span that a person named is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanRefusal {
    /// The pipeline has no data source of that name, or none at all.
    NoSource {
        /// What was asked for.
        asked: String,
        /// The sources there are, for people.
        known: String,
    },
    /// It does not say of which source.
    WhichSource {
        /// What was asked for.
        asked: String,
        /// The sources there are, for people.
        known: String,
    },
    /// The source has no span of this form.
    NoSpan {
        /// The source.
        source: String,
        /// The span that was named.
        span: String,
        /// The source's path pattern.
        uri: String,
    },
    /// A source is named twice.
    Twice {
        /// The source.
        source: String,
    },
}

impl SpanRefusal {
    /// What is wrong and what to write.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoSource { asked, known } => {
                format!("there is no data source for the span '{asked}' (known: {known}): write SPAN, or SOURCE=SPAN")
            }
            Self::WhichSource { asked, known } => {
                format!("the span '{asked}' could be of several data sources ({known}): write SOURCE={asked}")
            }
            Self::NoSpan { source, span, uri } => {
                format!("'{span}' is no span of data source '{source}': its files are like {uri}")
            }
            Self::Twice { source } => format!("data source '{source}' is given two spans: name one"),
        }
    }
}

/// The spans that were asked for, `2014-06` or `flights=2014-06`, by source.
pub fn asked_spans(plan: &Plan, asked: &[String]) -> Result<BTreeMap<String, String>, SpanRefusal> {
    let known = || match plan.data.is_empty() {
        true => "none".to_owned(),
        false => plan.data.keys().cloned().collect::<Vec<_>>().join(", "),
    };
    let mut spans = BTreeMap::new();
    for asked in asked {
        let (source, span) = match asked.split_once('=') {
            Some((source, span)) => (source.to_owned(), span),
            None => match plan.data.keys().collect::<Vec<_>>().as_slice() {
                [only] => ((*only).clone(), asked.as_str()),
                [] => {
                    let (asked, known) = (asked.clone(), known());
                    return Err(SpanRefusal::NoSource { asked, known });
                }
                _ => {
                    let (asked, known) = (asked.clone(), known());
                    return Err(SpanRefusal::WhichSource { asked, known });
                }
            },
        };
        let Some(data) = plan.data.get(&source) else {
            let (asked, known) = (asked.clone(), known());
            return Err(SpanRefusal::NoSource { asked, known });
        };
        let pattern = SpanPattern::parse(&data.uri).ok();
        if pattern.and_then(|pattern| pattern.span_named(span)).is_none() {
            let (span, uri) = (span.to_owned(), data.uri.clone());
            return Err(SpanRefusal::NoSpan { source, span, uri });
        }
        if spans.insert(source.clone(), span.to_owned()).is_some() {
            return Err(SpanRefusal::Twice { source });
        }
    }
    Ok(spans)
}
