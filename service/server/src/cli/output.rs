//! What commands print: text, JSON, and tables whose columns line up.

use anyhow::Result;
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal, Write};
use trainyard_core::log::{one_line, several_lines};

/// Before and after the code of a colour, until it is printed: nobody's text can have it, since both are no characters.
const PAINT: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// Prints text that ends with a line break, without what a terminal would obey, our own colours aside. A reader
/// that went away, such as `head`, is no error.
pub(super) fn text(text: &str) -> Result<()> {
    bytes(painted(&several_lines(text)).as_bytes())
}

/// The escape sequences of our colours.
fn painted(text: &str) -> String {
    text.replace(PAINT[0], "\x1b[").replace(PAINT[1], "m")
}

/// Prints bytes as they are.
pub(super) fn bytes(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as indented JSON, piece by piece.
pub(super) fn json<T: Serialize>(value: &T) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from);
    match written.and_then(|()| writeln!(out)).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// What a word means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    Attention,
    Faint,
}

impl Tone {
    /// Of the words that states, verdicts and checks have.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "succeeded" | "blessed" | "ok" | "push" | "✓" => Self::Good,
            "failed" | "not_blessed" | "problem" | "✗" => Self::Bad,
            "cancelled" | "warning" | "waiting" | "not_evaluated" | "rollback" | "changes" => Self::Attention,
            "cached" | "skipped" | "pending" | "queued" | "unchanged" | "–" => Self::Faint,
            _ => Self::Plain,
        }
    }

    /// The word in its colour, if standard output is a terminal and `NO_COLOR` is not set.
    pub(super) fn paint(self, word: &str) -> String {
        let code = match self {
            _ if word.is_empty() => return String::new(),
            Self::Plain => return word.to_owned(),
            Self::Good => 32,
            Self::Bad => 31,
            Self::Attention => 33,
            Self::Faint => 2,
        };
        if colours() {
            let [begin, end] = PAINT;
            format!("{begin}{code}{end}{word}{begin}0{end}")
        } else {
            word.to_owned()
        }
    }
}

fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Rows below a heading, two spaces between columns; words are coloured by [`Tone::of`].
pub(super) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(heading: &[&str]) -> Self {
        Self {
            heading: heading.iter().map(|word| (*word).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    /// The table as text; columns that look like numbers are aligned at their end.
    pub(super) fn render(&self) -> String {
        let columns = self.heading.len();
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| cell(row, column).chars().count());
            cells.max().unwrap_or(0).max(self.heading[column].chars().count())
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let numeric: Vec<bool> = (0..columns)
            .map(|column| {
                let mut cells = self
                    .rows
                    .iter()
                    .map(|row| cell(row, column))
                    .filter(|text| text != "–")
                    .peekable();
                cells.peek().is_some() && cells.all(|text| is_number(&text))
            })
            .collect();
        let line = |cells: &[String], paint: &dyn Fn(&str) -> String| {
            let mut line = String::new();
            for column in 0..columns {
                let text = cell(cells, column);
                let gap = " ".repeat(widths[column] - text.chars().count());
                let painted = paint(&text);
                line.push_str(&if numeric[column] {
                    gap + &painted
                } else {
                    painted + &gap
                });
                line.push_str("  ");
            }
            line.trim_end().to_owned() + "\n"
        };
        let mut out = line(&self.heading, &|word| Tone::Faint.paint(word));
        for row in &self.rows {
            out.push_str(&line(row, &|word| Tone::of(word).paint(word)));
        }
        out
    }
}

/// A number, with its interval or without: `+0.0032`, `+0.0032 [-0.0011, +0.0074]`.
fn is_number(text: &str) -> bool {
    let number = text.split_once(" [").map_or(text, |(number, _)| number);
    number.parse::<f64>().is_ok()
}

/// Text of strangers without line breaks, terminal commands and marks of direction.
pub(super) fn plain(text: &str) -> String {
    one_line(text).replace(PAINT, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_colours_are_printed_and_no_sequence_of_others() {
        let [begin, end] = PAINT;
        let line = format!("{begin}31{end}failed{begin}0{end} \x1b]0;title\x07\x1b[2Jby \u{202e}ada\n");
        assert_eq!(painted(&several_lines(&line)), "\x1b[31mfailed\x1b[0m by ada\n");
        assert_eq!(plain(&line), "31failed0 by ada ");
    }

    #[test]
    fn columns_line_up_and_strangers_cannot_write_to_the_terminal() {
        let mut table = Table::new(&["SLICE", "AUC", "NOTE"]);
        table.row(vec!["overall".into(), "0.65".into(), "✓".into()]);
        table.row(vec!["origin=\x1b[31mJFK\n".into(), "-10.5".into(), String::new()]);
        insta::assert_snapshot!(table.render(), @r"
        SLICE          AUC  NOTE
        overall       0.65  ✓
        origin=JFK   -10.5
        ");
    }
}
