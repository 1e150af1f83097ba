//! What a log says: its lines as a terminal would show them, and the one that says what went wrong.

mod event_file;
mod fault;
mod reported;
mod screen;
mod secrets;
mod style;
#[cfg(test)]
mod tests;
mod trace;

pub use event_file::{Damage, EventFile, FRAME, LONGEST_RECORD};
pub use fault::{error, fault};
pub use reported::{Curve, Curves};
pub use screen::{coloured, lines, one_line, several_lines};
pub use secrets::masked;
pub use style::{Run, Style};

/// Characters of the longest line that is told.
const LONGEST: usize = 500;
/// Of these the last ones: what is wrong with a value may be written behind it.
const LONGEST_END: usize = 150;

/// The last `most` lines that say something, cut to a readable length.
pub fn last_lines(text: &str, most: usize) -> Vec<String> {
    let mut shown: Vec<String> = lines(text)
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| cut(line.trim_end()))
        .collect();
    shown.split_off(shown.len().saturating_sub(most))
}

/// A line of bounded length: its beginning and its end.
fn cut(line: &str) -> String {
    let length = line.chars().count();
    if length <= LONGEST {
        return line.to_owned();
    }
    let head: String = line.chars().take(LONGEST - LONGEST_END - 3).collect();
    let tail: String = line.chars().skip(length - LONGEST_END).collect();
    format!("{} … {}", head.trim_end(), tail.trim_start())
}
