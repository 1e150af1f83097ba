//! Lines of a log as a page shows them: with the colours that a terminal would show, and nothing that it would obey.

use crate::run_logs::Window;
use askama::Template;
use trainyard_core::log::{self, Run, Style};

/// So much of a log is on a page: bytes, and lines.
pub(super) const SHOWN: u64 = 64 * 1024;
const MOST: usize = 1000;

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The byte it begins at: the same in every window, while it is kept.
    pub(super) offset: u64,
    /// Its number, if somebody counted.
    pub(super) number: Option<u64>,
    pub(super) runs: Vec<Run>,
    /// Whether it has what is looked for.
    pub(super) hit: bool,
    /// Whether it says what went wrong.
    pub(super) fault: bool,
}

impl Line {
    fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }
}

/// The lines of a window, and where they are in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) all: Vec<Line>,
}

impl Lines {
    /// Not more than a page shows of them: the first ones, or the last with `keep_end`. `first` is how many there are
    /// before; `failed` marks the line that says what went wrong.
    pub(super) fn of(window: &Window, first: Option<u64>, keep_end: bool, q: &str, failed: bool) -> Self {
        let text = String::from_utf8_lossy(&window.bytes);
        let mut offset = window.from;
        let mut all: Vec<Line> = Vec::new();
        let pieces = window.bytes.split_inclusive(|byte| *byte == b'\n');
        for (place, (runs, piece)) in log::coloured(&text).into_iter().zip(pieces).enumerate() {
            all.push(Line {
                offset,
                number: first.map(|first| first + place as u64 + 1),
                hit: !q.is_empty() && memchr::memmem::find(piece, q.as_bytes()).is_some(),
                fault: false,
                runs,
            });
            offset += piece.len() as u64;
        }
        if failed
            && let Some(fault) = log::fault(&text)
            && let Some(line) = all.iter_mut().rfind(|line| line.text().trim().contains(fault.trim()))
        {
            line.fault = true;
        }
        let (mut from, mut to) = (window.from, window.to());
        if all.len() > MOST {
            if keep_end {
                all.drain(..all.len() - MOST);
                from = all.first().map_or(from, |line| line.offset);
            } else {
                to = all.get(MOST).map_or(to, |line| line.offset);
                all.truncate(MOST);
            }
        }
        Self { from, to, all }
    }

    /// As a part of a page.
    pub(super) fn html(&self) -> String {
        Part { shown: self }.render().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "log_lines.html")]
struct Part<'a> {
    shown: &'a Lines,
}

/// The classes of a look; empty for the usual one.
pub(super) fn look(style: &Style) -> String {
    let Style {
        colour,
        bold,
        faint,
        italic,
        underlined,
    } = style;
    let mut classes: Vec<String> = colour.map(|colour| format!("ansi-{colour}")).into_iter().collect();
    let marks = [
        (bold, "bold"),
        (faint, "faint"),
        (italic, "italic"),
        (underlined, "underlined"),
    ];
    classes.extend(
        marks
            .into_iter()
            .filter(|(has, _)| **has)
            .map(|(_, mark)| mark.to_owned()),
    );
    classes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: u64, text: &str) -> Window {
        Window {
            from,
            bytes: text.as_bytes().to_vec(),
            length: from + text.len() as u64,
        }
    }

    #[test]
    fn what_strangers_wrote_is_text_with_its_colours() {
        let text =
            "\u{1b}[1;31m<script>\u{1b}[0m\n\u{1b}]8;;https://x.y\u{7}link\u{1b}]8;;\u{7}\nValueError: no rows\n";
        let lines = Lines::of(&window(100, text), Some(7), true, "no rows", true);
        insta::assert_snapshot!(lines.html(), @r##"
        <span class="line" id="b100"><a href="?at=100#b100" aria-label="line 8">8</a><span class="ansi-1 bold">&#60;script&#62;</span>
        </span><span class="line" id="b120"><a href="?at=100#b120" aria-label="line 9">9</a>link
        </span><span class="line hit fault" id="b148"><a href="?at=100#b148" aria-label="line 10">10</a>ValueError: no rows
        </span>
        "##);
    }

    #[test]
    fn a_page_has_not_more_lines_than_that() {
        let text = "x\n".repeat(MOST + 10);
        let end = Lines::of(&window(0, &text), Some(0), true, "", false);
        assert_eq!((end.all.len(), end.from, end.all[0].number), (MOST, 20, Some(11)));
        let begin = Lines::of(&window(0, &text), None, false, "", false);
        assert_eq!(
            (begin.all.len(), begin.to, begin.all[0].number),
            (MOST, 2 * MOST as u64, None)
        );
    }
}
