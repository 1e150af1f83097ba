//! What is wrong with a pipeline file, where, and what would be right.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One mistake in a pipeline file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file's path, as messages show it.
    pub file: String,
    /// From 1, where known.
    pub line: Option<u32>,
    /// From 1, in characters, where known.
    pub column: Option<u32>,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Problem {
    /// The problem with its source line and a caret below the place; `text` is the file's content.
    pub fn render(&self, text: &str) -> String {
        let mut out = self.to_string();
        let (Some(line), Some(column)) = (self.line, self.column) else {
            return out;
        };
        let Some(source) = text.lines().nth(line.saturating_sub(1) as usize) else {
            return out;
        };
        let number = line.to_string();
        let before: String = source
            .chars()
            .take(column.saturating_sub(1) as usize)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        out.push_str(&format!(
            "\n {number} | {source}\n {:width$} | {before}^",
            "",
            width = number.len()
        ));
        out
    }
}

/// `pipelines/flights/pipeline.yaml:12:5: message: hint`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, ": {hint}"),
            None => Ok(()),
        }
    }
}
