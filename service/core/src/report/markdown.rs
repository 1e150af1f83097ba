//! What others named, as text in GitHub's Markdown.

use crate::log::one_line;
use std::fmt::Write;

/// A cell or reason of more characters is cut.
pub(super) const MAX_CELL: usize = 200;

/// Text that shows as it is: no markup, no HTML, no table cell, nobody mentioned.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '!' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            // GitHub looks for @names and #numbers after decoding, so something stands between.
            '@' | '#' => {
                out.push(c);
                out.push('\u{200b}');
            }
            other => out.push(other),
        }
    }
    out
}
