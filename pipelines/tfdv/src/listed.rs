//! How values of text are listed: short ones as they are, of long ones the beginning, of documents nothing but a mark.
//!
//! What is cut ends with its length and a hash, so that equal values are listed equally, different ones differently, and
//! counts, distinct values and distances are those of the whole values.

use std::borrow::Cow;

/// A longer value is cut, in bytes.
const WHOLE: usize = 256;
/// What remains of it at most, in bytes.
const BEGINNING: usize = 200;
/// From a longer value nothing is shown, as in TFDV, in bytes.
const SHOWN: usize = 1024;
/// TFDV's mark in place of such a value.
const LARGE: &str = "__LARGE_BYTES__";
/// Characters of a value in a sentence.
const QUOTED: usize = 60;

/// The value as statistics list it, of at most 256 bytes.
pub fn listed(value: &str) -> Cow<'_, str> {
    let length = value.len();
    if length <= WHOLE {
        return Cow::Borrowed(value);
    }
    let beginning = match length > SHOWN {
        true => LARGE.to_owned(),
        false => format!("{}…", &value[..value.floor_char_boundary(BEGINNING)]),
    };
    Cow::Owned(format!("{beginning} [{length} bytes, {:016x}]", hash(START, value)))
}

/// Whether a listed value stands for a longer one.
pub fn is_cut(label: &str) -> bool {
    length_of_cut(label).is_some()
}

/// Whether a value is listed as this label.
pub fn is_listed_as(value: &str, label: &str) -> bool {
    value == label || (value.len() > WHOLE && listed(value) == label)
}

/// Beginning and length in bytes of a value that was cut.
fn length_of_cut(label: &str) -> Option<(&str, usize)> {
    let (rest, hash) = label.strip_suffix(']')?.rsplit_once(" bytes, ")?;
    let (beginning, length) = rest.rsplit_once(" [")?;
    let hexadecimal = hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    let length = length.parse().ok().filter(|length| *length > WHOLE)?;
    (hexadecimal && (beginning == LARGE || beginning.ends_with('…'))).then_some((beginning, length))
}

/// A listed value in a sentence: on one line, in quotes, cut where it is long; a document only by its length.
pub fn quoted(label: &str) -> String {
    let beginning = match length_of_cut(label) {
        Some((LARGE, length)) => return format!("a text of {length} bytes"),
        Some((beginning, _)) => beginning,
        None if label.len() > SHOWN => return format!("a text of {} bytes", label.len()),
        None => label,
    };
    let visible = |text: &str| text.replace(|letter: char| letter.is_control(), " ");
    match beginning.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("'{}…'", visible(&beginning[..end])),
        None => format!("'{}'", visible(beginning)),
    }
}

/// FNV-1a starts here.
pub(crate) const START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
pub(crate) fn hash(start: u64, text: &str) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(start, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_are_whole_and_long_ones_known_by_length_and_hash() {
        assert_eq!(listed("JFK"), "JFK");
        assert_eq!(listed(&"x".repeat(256)), "x".repeat(256));
        let cut = listed(&"é".repeat(200)).into_owned();
        assert_eq!(cut, format!("{}… [400 bytes, bd62f1ecfb466f85]", "é".repeat(100)));
        let document = "secret ".repeat(2000);
        let mark = listed(&document).into_owned();
        assert!(
            mark.starts_with("__LARGE_BYTES__ [14000 bytes, ") && mark.len() < 60,
            "{mark}"
        );
        assert_ne!(mark, listed(&document.replace("secret secret", "secret SECRET")));
        for label in [&cut, &mark] {
            assert!(is_cut(label) && label.len() <= 256 && listed(label) == **label);
        }
        assert!(is_listed_as(&document, &mark) && is_listed_as("JFK", "JFK") && !is_listed_as("JFK", &mark));
        for whole in [
            "JFK",
            "",
            "x [300 bytes, 0123456789abcdef]",
            "x… [30 bytes, 0123456789abcdef]",
            "[] bytes, ]",
        ] {
            assert!(!is_cut(whole), "{whole}");
        }
    }

    #[test]
    fn a_sentence_has_no_document_and_one_line() {
        let said = |value: &str| quoted(&listed(value));
        assert_eq!(said("JFK"), "'JFK'");
        assert_eq!(said("two\nlines\x1b[0m"), "'two lines [0m'");
        assert_eq!(said(&"long ".repeat(50)), format!("'{}…'", "long ".repeat(12)));
        assert_eq!(said(&"long ".repeat(100)), format!("'{}…'", "long ".repeat(12)));
        assert_eq!(said(&"secret ".repeat(2000)), "a text of 14000 bytes");
        // Statistics made elsewhere list values whole.
        assert_eq!(quoted(&"secret ".repeat(2000)), "a text of 14000 bytes");
    }
}
