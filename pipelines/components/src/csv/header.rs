//! The line of column names: what is in the names and not seen, and what is above it.

use super::asked::{Asked, Setting};
use super::records::{Record, Records};
use super::separator::{self, named};

/// Letters of a line that a sentence shows.
const SHOWN: usize = 60;

/// Lines that are looked at.
const SAMPLE: usize = 200;

/// Lines above a header at most.
const ABOVE: usize = 20;

/// What separates values in some files, but is not guessed.
const RARE: [u8; 4] = [b'~', b'#', b':', 0x1f];

/// A name without what is not seen: blanks around it, byte order marks and spaces without a width.
pub fn clean(name: &str) -> String {
    let unseen = |letter: &char| !matches!(letter, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}');
    let seen: String = name.chars().filter(unseen).collect();
    seen.trim().to_owned()
}

/// Why a file that would be a table of one column is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTable {
    /// Its first line says what went wrong where it came from.
    Message { line: String },
    /// The separator that was set is not in it.
    SetSeparator { set: u8, found: Option<u8> },
    /// All its lines have something between values that is not guessed.
    Separated { by: u8, values: usize },
    /// All its lines have as many words, and some are numbers.
    Spaces { values: usize },
    /// Every line is a key and a value.
    KeyValues { line: String },
    /// A line above the one with the column names.
    Above { line: String, comment: bool, header: usize },
}

impl NoTable {
    /// What is wrong, and what to do, with the settings as whoever reads it calls them.
    pub fn sentence(&self, asked: Asked) -> String {
        let (setting, by) = (asked.name(Setting::Separator), |by: &str| {
            asked.set(Setting::Separator, by)
        });
        match self {
            Self::Message { line } => format!(
                "its first line is '{line}' and names no columns: look at where it was downloaded from, it looks like an error message"
            ),
            Self::SetSeparator {
                set,
                found: Some(found),
            } => format!(
                "{setting} is {}, which its first line does not have, and its values are separated by {}: correct the setting, or take it out",
                named(*set),
                named(*found)
            ),
            Self::SetSeparator { set, found: None } => format!(
                "{setting} is {}, which its first line does not have: correct the setting, or take it out if there is only one column",
                named(*set)
            ),
            Self::Separated { by: separator, values } => format!(
                "all of its lines have {values} values separated by {}, which is not guessed: {}, or put the values into quotes if there is only one column",
                named(*separator),
                by(&char::from(*separator).to_string())
            ),
            Self::Spaces { values } => format!(
                "all of its lines have {values} values with spaces between them, which is not guessed: {} if it is a single space everywhere, or convert it to CSV or Parquet",
                by(" ")
            ),
            Self::KeyValues { line } => format!(
                "its lines are keys with values, such as '{line}', and no table: convert it to CSV or Parquet, or bring the file that it describes"
            ),
            Self::Above { line, comment, header } => format!(
                "its first line is '{line}', which looks like a {}: take away what is above line {header}, so that the first line names the columns",
                if *comment { "comment" } else { "title" }
            ),
        }
    }
}

fn shown(line: &str) -> String {
    let mut text: String = line.trim().chars().take(SHOWN).collect();
    if text.len() < line.trim().len() {
        text.push('…');
    }
    text
}

fn is_comment(line: &str) -> bool {
    ["#", "%", "//", "--"]
        .into_iter()
        .any(|mark| line.trim_start().starts_with(mark))
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

/// Whole lines of a text's beginning, those without anything left out, with their numbers.
fn lines(head: &[u8], whole: bool) -> Vec<(usize, String)> {
    let end = match whole {
        true => head.len(),
        false => head
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(head.len(), |end| end + 1),
    };
    let text = String::from_utf8_lossy(&head[..end])
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let lines = (1..)
        .zip(text.split('\n'))
        .map(|(number, line)| (number, line.trim_start_matches('\u{feff}').to_owned()));
    lines.filter(|(_, line)| !line.trim().is_empty()).take(SAMPLE).collect()
}

/// What is above the header of a text that begins so, and is no header: a comment or a title.
pub fn above(head: &[u8], whole: bool, set: Option<u8>) -> Option<NoTable> {
    let lines = lines(head, whole);
    let (_, first) = lines.first()?;
    let comment = is_comment(first);
    // What separates the first line as all the others is no accident.
    let all: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
    let by = set.unwrap_or_else(|| separator::detect(all.join("\n").as_bytes(), true).0);
    let widths: Vec<usize> = lines.iter().map(|(_, line)| width(line, by)).collect();
    if !comment && widths[0] > 1 && widths.iter().all(|width| *width == widths[0]) {
        return None;
    }
    for above in 1..lines.len().min(ABOVE) {
        let rest = &lines[above..];
        let text: Vec<&str> = rest.iter().map(|(_, line)| line.as_str()).collect();
        let text = text.join("\n");
        let by = set.unwrap_or_else(|| separator::detect(text.as_bytes(), true).0);
        let (mut records, mut record) = (Records::new(text.as_bytes(), by), Record::default());
        let mut widths = Vec::new();
        while let Ok(true) = records.next(&mut record) {
            widths.push(record.len());
        }
        let one = widths.first().copied().unwrap_or(0);
        let narrower = lines[..above].iter().all(|(_, line)| width(line, by) < one);
        let parted = rest[0].0 > lines[above - 1].0 + 1;
        let names = comment || (are_names(&rest[0].1, by) && (parted || below_is_other(rest, by)));
        if one > 1 && widths.len() > 1 && widths.iter().all(|width| *width == one) && narrower && names {
            return Some(NoTable::Above {
                line: shown(first),
                comment,
                header: rest[0].0,
            });
        }
        // A comment of as many values is known by what is below the names.
        let commented = lines[..above].iter().all(|(_, line)| is_comment(line));
        if commented && rest.len() > 1 && !is_comment(&rest[0].1) && below_is_other(rest, by) {
            return Some(NoTable::Above {
                line: shown(first),
                comment,
                header: rest[0].0,
            });
        }
    }
    None
}

fn width(line: &str, by: u8) -> usize {
    let (mut records, mut record) = (Records::new(line.as_bytes(), by), Record::default());
    match records.next(&mut record) {
        Ok(true) => record.len(),
        _ => 0,
    }
}

/// Whether a line may name columns: every value of it is there, and none is a number.
fn are_names(line: &str, by: u8) -> bool {
    line.split(char::from(by))
        .all(|name| !name.trim().is_empty() && !is_number(name.trim().trim_matches('"')))
}

/// Whether the first of these lines has words where all the others have numbers.
fn below_is_other(lines: &[(usize, String)], by: u8) -> bool {
    let split = |line: &str| -> Vec<String> { line.split(char::from(by)).map(str::to_owned).collect() };
    let names = split(&lines[0].1);
    let rows: Vec<Vec<String>> = lines[1..].iter().map(|(_, line)| split(line)).collect();
    let numbers = |place: usize| {
        rows.iter()
            .all(|row| row.get(place).is_some_and(|value| is_number(value)))
    };
    names.iter().all(|name| !is_number(name)) && (0..names.len()).any(numbers)
}

/// What a text is whose lines would be one column.
pub fn one_column(head: &[u8], whole: bool, set: Option<u8>) -> Option<NoTable> {
    let lines = lines(head, whole);
    let (_, first) = lines.first()?;
    if let Some(set) = set {
        let (found, _) = separator::detect(head, whole);
        let found = (found != set && width(first, found) > 1).then_some(found);
        return Some(NoTable::SetSeparator { set, found });
    }
    if is_message(first, lines.len() == 1) {
        return Some(NoTable::Message { line: shown(first) });
    }
    if let Some(above) = above(head, whole, None) {
        return Some(above);
    }
    if lines.len() < 2 {
        return None;
    }
    if lines.iter().all(|(_, line)| is_key_value(line)) {
        return Some(NoTable::KeyValues { line: shown(first) });
    }
    let values = |by: u8| {
        let values = first.split(char::from(by)).count();
        let same = lines
            .iter()
            .all(|(_, line)| line.split(char::from(by)).count() == values);
        (values > 1 && same).then_some(values)
    };
    for by in RARE {
        // Times and paths have colons.
        if let Some(values) = values(by)
            && (by != b':' || below_is_other(&lines, by))
        {
            return Some(NoTable::Separated { by, values });
        }
    }
    let words = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let count = words(first).len();
    let rows: Vec<Vec<String>> = lines[1..].iter().map(|(_, line)| words(line)).collect();
    let numbers = |place: usize| rows.iter().all(|row| is_number(&row[place]));
    let table = count > 1 && rows.iter().all(|row| row.len() == count) && (0..count).any(numbers);
    table.then_some(NoTable::Spaces { values: count })
}

/// `404 Not Found`, `Access Denied`: what servers say in place of a file.
fn is_message(line: &str, only: bool) -> bool {
    const PHRASES: [&str; 16] = [
        "not found",
        "forbidden",
        "access denied",
        "unauthorized",
        "bad request",
        "bad gateway",
        "gateway timeout",
        "gateway time-out",
        "internal server error",
        "service unavailable",
        "too many requests",
        "moved permanently",
        "permission denied",
        "method not allowed",
        "proxy error",
        "request timeout",
    ];
    let text = line.trim().to_ascii_lowercase();
    let rest = text
        .trim_start_matches("http/")
        .trim_start_matches(|letter: char| letter.is_ascii_digit() || " .:-".contains(letter));
    let rest = rest
        .strip_prefix("error")
        .map_or(rest, |rest| rest.trim_start_matches([':', ' ']));
    let code = text.len() > 3 && text.bytes().take(3).all(|byte| byte.is_ascii_digit());
    PHRASES.into_iter().any(|phrase| {
        rest.starts_with(phrase) && (only || code || text.starts_with("http/") || rest.len() == phrase.len())
    }) || (only && text.contains(' ') && text.ends_with(['.', '!']))
}

fn is_key_value(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("- ");
    let Some((key, value)) = line.split_once(':') else {
        return false;
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && key.bytes().all(word)
        && (value.is_empty() || value.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        one_column(text.as_bytes(), true, None)
            .map(|found| found.sentence(Asked::Keys))
            .unwrap_or_default()
    }

    #[test]
    fn names_lose_what_is_not_seen() {
        for name in [" a ", "\u{feff}a", "a\u{200b}", "\u{a0}a\t", "\u{feff}\u{feff} a"] {
            assert_eq!(clean(name), "a", "{name:?}");
        }
        assert_eq!(clean("a b"), "a b");
    }

    #[test]
    fn what_is_no_column_is_told() {
        insta::assert_snapshot!(said("404 Not Found\n"), @"its first line is '404 Not Found' and names no columns: look at where it was downloaded from, it looks like an error message");
        insta::assert_snapshot!(said("a~b\n1~x\n"), @"all of its lines have 2 values separated by '~', which is not guessed: set separator: '~', or put the values into quotes if there is only one column");
        insta::assert_snapshot!(said("a  b\n1  x\n2 y\n"), @"all of its lines have 2 values with spaces between them, which is not guessed: set separator: ' ' if it is a single space everywhere, or convert it to CSV or Parquet");
        insta::assert_snapshot!(said("outs:\n- md5: 1f\n  size: 9\n  path: a.csv\n"), @"its lines are keys with values, such as 'outs:', and no table: convert it to CSV or Parquet, or bring the file that it describes");
        insta::assert_snapshot!(said("Flights of 2013\n\nflight;origin\n1;EWR\n2;JFK\n"), @"its first line is 'Flights of 2013', which looks like a title: take away what is above line 3, so that the first line names the columns");
        insta::assert_snapshot!(said("# exported\nn\n1\n2\n"), @"its first line is '# exported', which looks like a comment: take away what is above line 2, so that the first line names the columns");
        for text in [
            "words\nmany of them\n",
            "n\n1\n2\n",
            "time\n12:30\n13:45\n",
            "name\nJohn Smith\nJane Doe\n",
            "n\n",
            "full name\nJohn Smith\n",
        ] {
            assert_eq!(said(text), "", "{text}");
        }
        let set = |text: &str| {
            one_column(text.as_bytes(), true, Some(b';'))
                .unwrap()
                .sentence(Asked::Keys)
        };
        insta::assert_snapshot!(set("a,b\n1,2\n"), @"separator is ';', which its first line does not have, and its values are separated by ',': correct the setting, or take it out");
        insta::assert_snapshot!(set("a\n1\n"), @"separator is ';', which its first line does not have: correct the setting, or take it out if there is only one column");
        let above = |text: &str| {
            above(text.as_bytes(), true, None)
                .map(|found| found.sentence(Asked::Keys))
                .unwrap_or_default()
        };
        insta::assert_snapshot!(above("# id, name\nid,name\n1,x\n2,y\n"), @"its first line is '# id, name', which looks like a comment: take away what is above line 2, so that the first line names the columns");
        assert_eq!(above("#id,name\n1,x\n2,y\n"), "");
        assert_eq!(above("a,b\n1,2\n3,4,5\n"), "");
        for table in [
            "a;b\n1,5;x\n2,25;y\n",
            "date;a;b\n1;1,5;2,5\n2;3,5;4,5\n",
            "id\tcity\n1\tParis, FR\n2\tRome, IT\n",
            "id|tags\n1|a;b\n2|c;d\n",
            "place\nBoston, MA\nAustin, TX\n",
            "tags\na;b\nc;d\n",
            "a,b\n1,2,\n3,4,\n",
            "\"a\",\"b\"\n\"1\",1,2\n\"2\",3,4\n",
        ] {
            assert_eq!(above(table), "", "{table}");
        }
    }
}
