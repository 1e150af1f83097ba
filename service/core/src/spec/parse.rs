//! Text to [`Pipeline`], strictly.

use super::{Pipeline, Problem};

/// Reads a pipeline file. `file` is its path for messages.
pub fn parse(file: &str, text: &str) -> Result<Pipeline, Problem> {
    serde_saphyr::from_str(text).map_err(|error| Problem {
        file: file.to_owned(),
        line: None,
        column: None,
        message: error.without_snippet().to_string(),
        hint: None,
    })
}
