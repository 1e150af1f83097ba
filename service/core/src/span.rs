//! External data named by the time it covers: patterns, spans and windows, as in TFX's ExampleGen.

use crate::artifact::Digest;
use crate::spec::Window;
use serde::{Deserialize, Serialize};

/// A file of a data source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpanFile {
    /// Days since 1970-01-01 for dates, or the number.
    pub span: i64,
    /// The version, if the pattern has one.
    pub version: Option<i64>,
    /// The span as the file name writes it, for example `2013-04`.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanPattern {
    uri: String,
}

impl SpanPattern {
    /// Parses a path with `{YYYY}`, `{MM}` and `{DD}` (the day may be absent), or `{SPAN}` or
    /// `{SPAN:width}`, and optionally `{VERSION}` or `{VERSION:width}`. The error is one sentence.
    pub fn parse(uri: &str) -> Result<Self, String> {
        Ok(Self { uri: uri.to_owned() })
    }

    /// The pattern as the pipeline file writes it.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The folder that holds all matching files: everything up to the last `/` before the first
    /// placeholder, without that `/`; empty for the data root itself.
    pub fn glob_root(&self) -> &str {
        ""
    }

    /// The span file that a path below the data root names, if it matches.
    pub fn match_path(&self, relative: &str) -> Option<SpanFile> {
        let _ = relative;
        None
    }

    /// The span of a label such as `2013-04` or `17`.
    pub fn parse_label(&self, label: &str) -> Option<i64> {
        let _ = label;
        None
    }

    /// The path that a label would have; `{VERSION}` is left as it is.
    pub fn path_of(&self, label: &str) -> Option<String> {
        let _ = label;
        None
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
        let _ = (files, window, newest);
        Err(format!("data source '{source}' cannot be read yet"))
    }
}
