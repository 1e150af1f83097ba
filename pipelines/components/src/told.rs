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
    few(lines.iter().map(|line| cut(line)).collect(), LINES, what)
}

/// So many of these at most, and how many more there are.
pub fn few(mut told: Vec<String>, most: usize, what: &str) -> Vec<String> {
    let more = told.len().saturating_sub(most);
    told.truncate(most);
    told.extend((more > 0).then(|| format!("{more} more {what}")));
    told
}

/// A line's beginning and end.
fn cut(line: &str) -> String {
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
