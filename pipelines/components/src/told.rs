//! What a component tells on its way: a bounded number of lines of bounded length.

/// Lines of one kind.
const LINES: usize = 50;

/// Characters of a line.
const LONGEST: usize = 600;
/// Of these the last ones: what to do stands there.
const LONGEST_END: usize = 200;

/// Prints lines, and how many more of them there are.
pub fn print(lines: &[String], what: &str) {
    for line in shown(lines, what) {
        println!("{line}");
    }
}

fn shown(lines: &[String], what: &str) -> Vec<String> {
    let more = lines.len().saturating_sub(LINES);
    let rest = (more > 0).then(|| format!("{more} more {what}"));
    lines.iter().take(LINES).map(|line| cut(line)).chain(rest).collect()
}

/// A line's beginning and end.
pub fn cut(line: &str) -> String {
    let length = line.chars().count();
    if length <= LONGEST {
        return line.to_owned();
    }
    let head: String = line.chars().take(LONGEST - LONGEST_END - 3).collect();
    let tail: String = line.chars().skip(length - LONGEST_END).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_few_and_short() {
        let lines: Vec<String> = (0..3000).map(|column| format!("column 'c{column}' is text")).collect();
        let told = shown(&lines, "notes");
        assert_eq!((told.len(), told[50].as_str()), (51, "2950 more notes"));
        let long = cut(&format!("column '{}' is text: correct it", "é".repeat(50_000)));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with("is text: correct it"));
    }
}
