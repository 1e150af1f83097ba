//! External data, and which spans of it are taken: TFX's `RangeConfig`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// External data, named by the time it covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// A path below the service's `data_root`, with `{YYYY}`, `{MM}`, `{DD}` or `{SPAN}`, and `{VERSION}`;
    /// with a `*` behind them a span is several files. `s3://BUCKET/…`, `gs://BUCKET/…` and `az://CONTAINER/…` are in an
    /// object store of the service's settings.
    pub uri: String,
    /// Which spans a run takes unless its step says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// Which files of a data source a step reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceWindow {
    /// The source's name.
    pub source: String,
    /// Its path pattern.
    pub uri: String,
    /// Which spans; the newest one if absent.
    pub window: Option<Window>,
}

/// Which spans of a source are taken: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The newest spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_range: Option<RollingRange>,
    /// Fixed spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub static_range: Option<StaticRange>,
}

impl Window {
    /// Whether every version of a span is read.
    pub fn keep_all_versions(&self) -> bool {
        self.rolling_range.as_ref().is_some_and(|range| range.keep_all_versions)
            || self.static_range.as_ref().is_some_and(|range| range.keep_all_versions)
    }
}

/// TFX's rolling range: sort ascending, drop the newest `skip_num_recent_spans` and those before
/// `start_span_number`, take the last `num_spans`, then leave out `exclude_span_numbers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollingRange {
    /// No span before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_span_number: Option<SpanName>,
    /// How many spans at most.
    pub num_spans: u32,
    /// How many of the newest are left out.
    #[serde(default)]
    pub skip_num_recent_spans: u32,
    /// Every version of each span, not only its newest.
    #[serde(default)]
    pub keep_all_versions: bool,
    /// Spans left out at last: nothing older takes their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_span_numbers: Vec<SpanName>,
    /// With fewer spans the step is skipped; 1 if absent.
    #[serde(default = "one")]
    pub min_spans: u32,
}

/// TFX's static range: the spans from `start_span` to `end_span`, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticRange {
    /// The first; the oldest there is if absent.
    #[serde(default, alias = "start_span_number", skip_serializing_if = "Option::is_none")]
    pub start_span: Option<SpanName>,
    /// The last; the newest there is if absent.
    #[serde(default, alias = "end_span_number", skip_serializing_if = "Option::is_none")]
    pub end_span: Option<SpanName>,
    /// Every version of each span, not only its newest.
    #[serde(default)]
    pub keep_all_versions: bool,
    /// Spans left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_span_numbers: Vec<SpanName>,
    /// With fewer spans the step is skipped; 1 if absent.
    #[serde(default = "one")]
    pub min_spans: u32,
}

fn one() -> u32 {
    1
}

/// A span by its label, as file names write it (`2013-01`), or by its number: of dates, days since
/// 1970-01-01.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SpanName(String);

impl SpanName {
    /// As the file has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SpanName {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for SpanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SpanName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber)
    }
}

struct TextOrNumber;

impl Visitor<'_> for TextOrNumber {
    type Value = SpanName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span, such as 2013-01 or 17")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SpanName, E> {
        Ok(text.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<SpanName, E> {
        Ok(SpanName(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<SpanName, E> {
        Ok(SpanName(number.to_string()))
    }
}

impl JsonSchema for SpanName {
    fn schema_name() -> Cow<'static, str> {
        "SpanName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A span by its label, as file names write it (2013-01), or by its number: of dates, days since 1970-01-01.",
            "type": ["string", "integer"],
        })
    }
}
