//! What is wrong with a file that a person wrote, where, and what would be right.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Characters of a source line that are shown.
const SHOWN: usize = 160;

/// One mistake in a file.
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
    /// A problem with the file as a whole.
    pub(crate) fn whole(file: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            message: message.into(),
            hint: hint.map(str::to_owned),
        }
    }

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
        let place = column.saturating_sub(1) as usize;
        let begin = if source.chars().count() > SHOWN {
            place.saturating_sub(SHOWN / 2)
        } else {
            0
        };
        let source: String = printable(source).chars().skip(begin).take(SHOWN).collect();
        let before: String = source
            .chars()
            .take(place - begin)
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

/// Text of a stranger's file without what a terminal would obey: control characters and those that
/// turn the direction of writing become `�`.
fn printable(text: &str) -> String {
    let obeyed = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c,
                '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// `pipelines/flights/pipeline.yaml:12:5: message: hint`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", printable(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, ": {}", printable(hint)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_a_file_and_long_lines_are_cut() {
        let text = format!("a\u{1b}[2J\u{202e}b: {}!{}", "x".repeat(300), "y".repeat(300));
        let problem = Problem {
            file: "p.yaml".to_owned(),
            line: Some(1),
            column: Some(310),
            message: "unknown key 'a\u{1b}]0;title\u{7}'".to_owned(),
            hint: None,
        };
        let shown = problem.render(&text);
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
        assert!(
            shown.starts_with("p.yaml:1:310: unknown key 'a�]0;title�'\n 1 | xxx"),
            "{shown}"
        );
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(caret), Some('!'), "{shown}");
        assert!(lines.iter().all(|line| line.chars().count() <= SHOWN + 10));
    }
}
