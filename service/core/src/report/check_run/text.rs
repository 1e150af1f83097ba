//! Text within GitHub's limits.

/// GitHub's limit of a summary: it says characters, and so many bytes are no more of them.
const MAX_SUMMARY: usize = 65_535;

/// Stands at the end of what was cut.
const NOTE: &str = "\nThe rest does not fit here: the details have all of it.\n";

/// A summary within GitHub's limit: cut after a whole line, with a note, and a block of code that was open is closed.
pub(super) fn cut(text: String) -> String {
    if text.len() <= MAX_SUMMARY {
        return text;
    }
    let mut kept = String::new();
    let mut fence = String::new();
    for line in text.split_inclusive('\n') {
        let end = if fence.is_empty() { 0 } else { fence.len() + 1 };
        if kept.len() + line.len() + end + NOTE.len() > MAX_SUMMARY {
            break;
        }
        kept.push_str(line);
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        if ticks.len() >= 3 && fence.is_empty() {
            fence = ticks;
        } else if !fence.is_empty() && line.trim_end() == fence {
            fence.clear();
        }
    }
    if !fence.is_empty() {
        kept.push_str(&fence);
        kept.push('\n');
    }
    kept.push_str(NOTE);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_after_a_line() {
        assert_eq!(cut("short".to_owned()), "short");
        let exact = "x".repeat(MAX_SUMMARY);
        assert_eq!(cut(exact.clone()), exact);
        for line in ["| a row | – |\n", "ü\n", "0123456789\n"] {
            let long = cut(line.repeat(MAX_SUMMARY));
            assert!(
                long.len() <= MAX_SUMMARY && long.len() > MAX_SUMMARY - 100,
                "{}",
                long.len()
            );
            let rows = long.strip_suffix(NOTE).unwrap();
            assert!(rows.ends_with(line), "no part of a row");
        }
        // One line that is longer than all there may be.
        assert_eq!(cut("x".repeat(MAX_SUMMARY + 1)), NOTE);
    }

    #[test]
    fn a_block_of_code_is_closed() {
        let block = format!("````text\n{}", "```\nsome line\n".repeat(10_000));
        let long = cut(block);
        assert!(long.len() <= MAX_SUMMARY);
        assert!(
            long.ends_with(&format!("\n````\n{NOTE}")),
            "{}",
            &long[long.len() - 120..]
        );
    }
}
