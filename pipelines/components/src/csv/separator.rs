//! Which byte separates the values: the one by which all lines have as many values as the header.

use super::records::{Record, Records};

/// What separates values, likelier ones first.
const CANDIDATES: [u8; 6] = [b',', b'\t', b';', b'|', b'^', 1];

/// Records that are looked at.
const SAMPLE: usize = 1000;

/// What a person writes for a separator.
pub fn named(separator: u8) -> String {
    match separator {
        b'\t' => "tab".to_owned(),
        byte if byte.is_ascii_graphic() => format!("'{}'", char::from(byte)),
        byte => format!("byte {byte}"),
    }
}

/// The separator of a text that begins so, and whether its first line says it, as Excel's `sep=;` does.
///
/// `whole` says that nothing follows; otherwise the last line is cut off and is not looked at.
pub fn detect(head: &[u8], whole: bool) -> (u8, bool) {
    let text = head.strip_prefix(super::content::UTF_8_MARK).unwrap_or(head);
    let first = text
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .next()
        .unwrap_or_default();
    if let Some([separator]) = first.strip_prefix(b"sep=") {
        return (*separator, true);
    }
    let end = text.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
    let text = match (whole, end) {
        (false, Some(end)) => &text[..=end],
        _ => text,
    };
    let mut best = (0.0, 1, b',');
    for separator in CANDIDATES {
        let Some((share, values)) = fit(text, separator) else {
            continue;
        };
        if values > 1 && (share, values) > (best.0, best.1) {
            best = (share, values, separator);
        }
    }
    (best.2, false)
}

/// The share of lines with as many values as the header, and how many those are; `None` where quotes do not fit.
fn fit(text: &[u8], separator: u8) -> Option<(f64, usize)> {
    let (mut records, mut record) = (Records::new(text, separator), Record::default());
    let header = records.next(&mut record).ok()?.then(|| record.len())?;
    let (mut rows, mut same) = (0_usize, 0_usize);
    while rows < SAMPLE {
        match records.next(&mut record) {
            Ok(true) => {
                rows += 1;
                same += usize::from(record.len() == header);
            }
            Ok(false) => break,
            // Cut off within quotes, or wrong: whoever reads all of it will say so.
            Err(_) => {
                rows += 1;
                break;
            }
        }
    }
    Some((if rows == 0 { 1.0 } else { same as f64 / rows as f64 }, header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_one_that_fits_all_lines() {
        let of = |text: &str| named(detect(text.as_bytes(), true).0);
        let cases = [
            ("a,b\n1,2\n", "','"),
            ("a;b\n1,5;2,5\n", "';'"),
            ("a\tb\n1,2\t3\n", "tab"),
            ("a|b\n1|2\n", "'|'"),
            ("a^b\n1^2\n", "'^'"),
            ("a;b\n", "';'"),
            ("\"a,b\";\"c\"\n1;2\n", "';'"),
            ("a,b\n\"x;y\",z\n\"p;q\",r\n", "','"),
            ("a,b|c\n1,2|3\n4,5\n", "','"),
            ("day;hour,delay\n1;2,3\n", "','"),
            ("number\n1\n2\n", "','"),
            ("words\nhello, world\n", "','"),
            ("a;b;c\n1;2;3\n4;5\n6;7;8\n", "';'"),
            ("sep=;\na;b\n", "';'"),
            ("", "','"),
        ];
        for (text, separator) in cases {
            assert_eq!(of(text), separator, "{text}");
        }
        assert!(detect(b"\xef\xbb\xbfsep=|\r\na|b\r\n", true).1);
        assert_eq!(detect(b"a;b\n1;2\n3", false), (b';', false));
    }
}
