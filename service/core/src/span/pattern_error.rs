//! Why a text is no pattern of spans.

/// More digits than this do not fit a span number.
pub(super) const MAX_DIGITS: usize = 18;

/// Why a `uri` is no [`SpanPattern`](super::SpanPattern).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It begins as no address of an object store does.
    #[error(
        "'{0}' is neither a path nor an object store that is known: write a path below data_root, s3://BUCKET/…, gs://BUCKET/… or az://CONTAINER/…"
    )]
    Scheme(String),
    /// Its bucket is no name.
    #[error("'{0}' names no bucket: write one of letters, digits, '-', '_' and '.' behind '://', without placeholders")]
    Bucket(String),
    /// `{` without `}`, or the other way round.
    #[error("'{0}' has a brace without its partner")]
    Brace(String),
    /// A placeholder that stands there before.
    #[error("'{uri}' has {placeholder} twice")]
    Twice {
        /// The pattern.
        uri: String,
        /// With its braces.
        placeholder: String,
    },
    /// What stands in braces is no placeholder.
    #[error(
        "{{{0}}} is not known in a data path: expected {{YYYY}}, {{MM}}, {{DD}}, {{SPAN}}, {{SPAN:4}} or {{VERSION}}"
    )]
    Unknown(String),
    /// A width that no number has.
    #[error("{{{0}}} needs a width from 1 to {MAX_DIGITS}")]
    Width(String),
    /// `{YYYY}` beside `{SPAN}`.
    #[error("'{0}' names spans by date and by number: use either {{YYYY}}, {{MM}} and {{DD}}, or {{SPAN}}")]
    DateAndNumber(String),
    /// A date without year or month.
    #[error("'{0}' names spans by date but not fully: it needs {{YYYY}} and {{MM}}, and {{DD}} for days")]
    HalfADate(String),
    /// `{VERSION}` without a span.
    #[error("'{0}' has a {{VERSION}} of nothing: it needs {{YYYY}} and {{MM}}, or {{SPAN}}")]
    VersionOfNothing(String),
    /// `*` before a placeholder, or a second one.
    #[error(
        "'{0}' has a * in the wrong place: a single one may come after the last placeholder, as in {{YYYY}}-{{MM}}/part-*.parquet"
    )]
    Wildcard(String),
    /// A number without a width, and a digit after it.
    #[error("'{0}' does not tell where a number ends: give it a width, for example {{SPAN:4}}")]
    Endless(String),
}

/// Why a text is no path below a root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is none.
    #[error("the path is empty")]
    Empty,
    /// It begins at the top of a disk, or is another system's.
    #[error("'{0}' is not a relative path: write it with / and without a leading one")]
    NotRelative(String),
    /// It goes up.
    #[error("'{0}' leaves its root: '..' is not allowed")]
    Leaves(String),
}
