//! What a log says last.

use std::fs;
use std::path::Path;

/// The last wanted line of a log that says something, for the sentence a user reads first.
pub(crate) fn last_line(log: &Path, wanted: impl Fn(&str) -> bool) -> Option<String> {
    const LONGEST: usize = 500;
    let text = fs::read(log).ok()?;
    let tail = String::from_utf8_lossy(&text[text.len().saturating_sub(8192)..]).into_owned();
    let line = tail
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && wanted(line))?;
    let mut clean: String = line.chars().filter(|c| !c.is_control()).take(LONGEST + 1).collect();
    if let Some((end, _)) = clean.char_indices().nth(LONGEST) {
        clean.truncate(end);
        clean.push('…');
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_that_is_cut_says_so() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let last = |text: String| {
            fs::write(log.path(), text).unwrap();
            last_line(log.path(), |_| true)
        };
        assert_eq!(last("first\nlast\n\n".to_owned()).as_deref(), Some("last"));
        assert_eq!(last("ä".repeat(500)), Some("ä".repeat(500)));
        assert_eq!(last("ä".repeat(501)), Some("ä".repeat(500) + "…"));
        assert_eq!(last(String::new()), None);
    }
}
