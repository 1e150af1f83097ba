//! Bytes of a log as a terminal shows them: no escape sequences, no overwritten text, no control characters.

use super::style::{Run, Style, runs};
use std::iter::Peekable;
use std::str::Chars;

/// Characters of a line; what follows of it is left out.
const LONGEST_LINE: usize = 1024 * 1024;

/// The lines of a log. Escape sequences are removed whole, what a carriage return overwrote is gone, a tab is a
/// space, and no control or direction character is left.
pub fn lines(text: &str) -> Vec<String> {
    screen(text, |line| line.into_iter().map(|(c, _)| c).collect())
}

/// The same, with the colours that a terminal would show.
pub fn coloured(text: &str) -> Vec<Vec<Run>> {
    screen(text, runs)
}

fn screen<T>(text: &str, shape: impl Fn(Vec<Cell>) -> T) -> Vec<T> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => lines.push(shape(line.end())),
            '\r' => line.carriage_return(),
            '\u{8}' => line.backspace(),
            '\u{1b}' => escape(&mut chars, &mut line),
            '\u{9b}' => control_sequence(&mut chars, &mut line),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => control_string(&mut chars),
            '\t' | '\u{2028}' | '\u{2029}' => line.put(' '),
            c if c.is_control() || is_direction(c) => {}
            c => line.put(c),
        }
        // Nobody reads on there, and what has no end must not be kept whole.
        if line.now.len() > LONGEST_LINE {
            line.now.truncate(LONGEST_LINE);
            line.back = line.back.min(LONGEST_LINE);
        }
    }
    if !line.is_empty() {
        lines.push(shape(line.end()));
    }
    lines
}

/// A text as one line without what a terminal would obey: escape sequences are removed whole, line breaks are
/// spaces, and no control or direction character is left. Nothing that was written is overwritten.
pub fn one_line(text: &str) -> String {
    shown(text, |c| {
        matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}').then_some(' ')
    })
}

/// The same of a text of several lines, whose breaks and tabs stay.
pub fn several_lines(text: &str) -> String {
    shown(text, |c| match c {
        '\n' | '\t' => Some(c),
        '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        _ => None,
    })
}

fn shown(text: &str, space: impl Fn(char) -> Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if space(c).is_some() => out.extend(space(c)),
            '\u{1b}' => escape(&mut chars, &mut Line::default()),
            '\u{9b}' => control_sequence(&mut chars, &mut Line::default()),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => control_string(&mut chars),
            c if c.is_control() || is_direction(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Characters that turn the text around them, or show nothing.
fn is_direction(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A character, and how it looks.
type Cell = (char, Style);

/// A line while it is written.
#[derive(Default)]
struct Line {
    /// How the next character looks; the end of a line changes nothing of it.
    style: Style,
    /// What stands there and has not been overwritten yet.
    before: Vec<Cell>,
    /// What was written since the carriage return.
    now: Vec<Cell>,
    /// How far backspaces have gone back in it; the text stays until something is written over it.
    back: usize,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.now.is_empty()
    }

    fn put(&mut self, c: char) {
        let (at, cell) = (self.now.len() - self.back, (c, self.style));
        match self.now.get_mut(at) {
            Some(there) => {
                *there = cell;
                self.back -= 1;
            }
            None => self.now.push(cell),
        }
    }

    fn backspace(&mut self) {
        self.back = self.now.len().min(self.back + 1);
    }

    fn carriage_return(&mut self) {
        if !is_blank(&self.now) {
            self.before = std::mem::take(&mut self.now);
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.now.clear();
        self.back = 0;
    }

    /// `EL`: to the end, or the whole line.
    fn erase(&mut self, parameters: &str) {
        if matches!(parameters, "" | "0") {
            self.before.clear();
            self.now.truncate(self.now.len() - self.back);
            self.back = 0;
        } else if parameters == "2" {
            self.before.clear();
            self.clear();
        }
    }

    /// What it shows; the next one begins.
    fn end(&mut self) -> Vec<Cell> {
        let (before, now) = (std::mem::take(&mut self.before), std::mem::take(&mut self.now));
        self.back = 0;
        if is_blank(&now) { before } else { now }
    }
}

fn is_blank(text: &[Cell]) -> bool {
    text.iter().all(|(c, _)| c.is_whitespace())
}

/// What follows an escape character, by ECMA-48 and ISO 2022.
fn escape(chars: &mut Peekable<Chars<'_>>, line: &mut Line) {
    match chars.peek().copied() {
        Some('[') => {
            chars.next();
            control_sequence(chars, line);
        }
        // OSC (titles, links), DCS, SOS, PM and APC go on to their terminator.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            control_string(chars);
        }
        // Character sets and the like: intermediates and a final character.
        Some(' '..='/') => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next_if(|c| matches!(c, '0'..='~'));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

fn control_sequence(chars: &mut Peekable<Chars<'_>>, line: &mut Line) {
    let mut parameters = String::new();
    while let Some(c) = chars.next_if(|c| matches!(c, '0'..='?')) {
        parameters.push(c);
    }
    while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    match chars.next_if(|c| matches!(c, '@'..='~')) {
        Some('K') => line.erase(&parameters),
        Some('m') => line.style.select(&parameters),
        _ => {}
    }
}

/// Up to BEL or ST; one without an end is over with its line, so that it hides nothing else.
fn control_string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if(|c| *c == '\\');
                return;
            }
            _ => {}
        }
    }
}
