//! The answer to what a person asked in a comment: one comment for it, which grows with what is done.

use super::markdown::escape;
use super::one_line;
use crate::command::OURS;
use std::fmt::Write;

/// GitHub's limit, in characters.
const MAX_COMMENT: usize = 65_535;
/// A command of more characters is cut.
const MAX_COMMAND: usize = 120;

/// The hidden first line of the one comment that tells a person that he may not, in a pull request.
pub fn refusal_marker(person: i64) -> String {
    format!("{OURS}refused:{person} -->")
}

/// An answer as far as it is.
#[derive(Clone, Copy, Debug)]
pub struct Answering<'a> {
    /// The comment that asks.
    pub comment: u64,
    /// Who wrote it.
    pub login: &'a str,
    /// Its commands.
    pub commands: &'a [String],
    /// How many more there were.
    pub left_out: usize,
    /// What came of the first of them, in Markdown.
    pub said: &'a [String],
}

impl Answering<'_> {
    /// The hidden first line by which the answer is found again.
    pub fn marker(&self) -> String {
        format!("{OURS}answer:{} -->", self.comment)
    }

    /// The whole comment. None of its lines is a command.
    pub fn body(&self) -> String {
        let mut text = format!("{}\n", self.marker());
        for (command, said) in self.commands.iter().zip(self.said) {
            let command = escape(&one_line(command, MAX_COMMAND));
            let _ = write!(text, "**{command}** ({}): {said}\n\n", escape(self.login));
        }
        if self.left_out > 0 && self.said.len() >= self.commands.len() {
            let _ = writeln!(
                text,
                "{} more were left out: at most {} commands of a comment are looked at.",
                self.left_out,
                self.commands.len()
            );
        }
        if text.chars().count() > MAX_COMMENT {
            text = text.chars().take(MAX_COMMENT - 1).collect::<String>() + "…";
        }
        text
    }
}
