//! What the text of one value says: nothing, a number, or itself.

use super::dress::{Dress, dress};

/// How readers spell a missing value, in any case; an empty one is always missing. Those of pandas, with
/// its missing time, and `\N` of databases.
pub const MISSING_VALUES: [&str; 16] = [
    "NA", "N/A", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "-NaN", "NaT", "NULL", "None", "\\N", "1.#IND", "-1.#IND",
    "1.#QNAN", "-1.#QNAN",
];

/// How they spell infinity, in any case, with a sign or without.
pub const INFINITE_VALUES: [&str; 3] = ["inf", "infinity", "1.#INF"];

/// So many digits are a finite number.
const PLAIN_DIGITS: usize = 300;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Empty, or spelled as missing.
    Missing,
    /// A whole number of 64 bits.
    Int(i64),
    /// A whole number of more.
    Huge,
    /// A number with a fraction or an exponent.
    Float,
    /// Spelled as infinity.
    Infinite,
    /// A number with a zero before it that a number would lose, such as a code.
    Padded,
    /// A number that is written for people.
    Dressed(Dress),
    /// A number beyond those of 64-bit floating point.
    Beyond,
    /// Anything else.
    Text,
}

/// How values are spelled.
#[derive(Clone, Debug)]
pub struct Spelling {
    missing: Vec<String>,
    infinite: Vec<String>,
    /// Bytes that one of these begins with.
    begins: [bool; 256],
    /// What separates the fraction: `.`, or `,` with `.` between thousands.
    decimal: u8,
}

impl Default for Spelling {
    fn default() -> Self {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        Self::new(owned(&MISSING_VALUES), owned(&INFINITE_VALUES), b'.')
    }
}

impl Spelling {
    /// With these words in place of the usual ones.
    pub fn new(missing: Vec<String>, infinite: Vec<String>, decimal: u8) -> Self {
        let mut begins = [false; 256];
        for byte in missing.iter().filter_map(|word| word.bytes().next()) {
            begins[usize::from(byte.to_ascii_lowercase())] = true;
            begins[usize::from(byte.to_ascii_uppercase())] = true;
        }
        for byte in infinite.iter().filter_map(|word| word.bytes().next()) {
            for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase(), b'-', b'+'] {
                begins[usize::from(byte)] = true;
            }
        }
        Self {
            missing,
            infinite,
            begins,
            decimal,
        }
    }

    /// Whether a value stands for none.
    pub fn missing(&self, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        let spelled = || {
            self.missing
                .iter()
                .any(|word| word.as_bytes().eq_ignore_ascii_case(value))
        };
        value
            .first()
            .is_none_or(|first| self.begins[usize::from(*first)] && spelled())
    }

    /// What a value is.
    pub fn cell(&self, value: &[u8]) -> Cell {
        let value = value.trim_ascii();
        let Some(first) = value.first() else {
            return Cell::Missing;
        };
        if self.begins[usize::from(*first)] {
            if self
                .missing
                .iter()
                .any(|word| word.as_bytes().eq_ignore_ascii_case(value))
            {
                return Cell::Missing;
            }
            if self.infinity(value).is_some() {
                return Cell::Infinite;
            }
        }
        let Some(number) = Number::of(value, self.decimal) else {
            return dress(value, self.decimal).map_or(Cell::Text, Cell::Dressed);
        };
        if number.padded {
            Cell::Padded
        } else if number.whole {
            self.int(value).map_or(Cell::Huge, Cell::Int)
        } else if (number.exponent || value.len() > PLAIN_DIGITS) && self.float(value).is_none() {
            Cell::Beyond
        } else {
            Cell::Float
        }
    }

    /// Whether a number has points between its thousands, which could be meant before a fraction.
    pub fn grouped(&self, value: &[u8]) -> bool {
        self.decimal == b',' && value.contains(&b'.') && !value.contains(&b',')
    }

    /// The whole number that a value is.
    pub fn int(&self, value: &[u8]) -> Option<i64> {
        let value = value.trim_ascii();
        let (negative, digits) = match value.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, value),
        };
        let mut number = 0_i64;
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    let digit = i64::from(byte - b'0');
                    number = number.checked_mul(10)?;
                    number = if negative {
                        number.checked_sub(digit)?
                    } else {
                        number.checked_add(digit)?
                    };
                }
                b'.' if self.decimal == b',' => {}
                _ => return None,
            }
        }
        (!digits.is_empty()).then_some(number)
    }

    /// The number that a value is.
    pub fn float(&self, value: &[u8]) -> Option<f64> {
        let value = value.trim_ascii();
        if let Some(infinity) = self.infinity(value) {
            return Some(infinity);
        }
        Number::of(value, self.decimal)?;
        let text = std::str::from_utf8(value).ok()?;
        let number: Option<f64> = match self.decimal {
            b'.' => text.parse().ok(),
            _ => text.replace('.', "").replace(',', ".").parse().ok(),
        };
        // Only what is called infinite is.
        number.filter(|number| number.is_finite())
    }

    fn infinity(&self, value: &[u8]) -> Option<f64> {
        let (sign, word) = match value.split_first()? {
            (b'-', rest) => (-1.0, rest),
            (b'+', rest) => (1.0, rest),
            _ => (1.0, value),
        };
        let spelled = self
            .infinite
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(word));
        spelled.then_some(sign * f64::INFINITY)
    }
}

/// How a number is written.
struct Number {
    whole: bool,
    exponent: bool,
    padded: bool,
}

impl Number {
    /// `-1`, `.5`, `2.`, `1e-3`; with a decimal comma `1.234,5` too.
    fn of(value: &[u8], decimal: u8) -> Option<Self> {
        let unsigned = match value.split_first()? {
            (b'-' | b'+', rest) => rest,
            _ => value,
        };
        let digits = |text: &[u8]| {
            text.iter()
                .position(|byte| !byte.is_ascii_digit())
                .unwrap_or(text.len())
        };
        let mut end = digits(unsigned);
        let leading = end;
        // No thousands begin with 0: `0.123` is a fraction.
        if decimal == b',' && (1..=3).contains(&leading) && unsigned.first() != Some(&b'0') {
            while unsigned.get(end) == Some(&b'.') && unsigned.get(end + 1..).map(digits) == Some(3) {
                end += 4;
            }
        }
        let padded = unsigned.first() == Some(&b'0') && end > 1;
        let rest = &unsigned[end..];
        let (fraction, rest) = match rest.split_first() {
            Some((byte, rest)) if *byte == decimal => {
                let end = digits(rest);
                (Some(end), &rest[end..])
            }
            _ => (None, rest),
        };
        if leading + fraction.unwrap_or(0) == 0 {
            return None;
        }
        let exponent = match rest.split_first() {
            None => false,
            Some((b'e' | b'E', rest)) => {
                let unsigned = match rest.split_first()? {
                    (b'-' | b'+', rest) => rest,
                    _ => rest,
                };
                if unsigned.is_empty() || digits(unsigned) < unsigned.len() {
                    return None;
                }
                true
            }
            Some(_) => return None,
        };
        Some(Self {
            whole: fraction.is_none() && !exponent,
            exponent,
            padded,
        })
    }
}

/// The byte that a setting asks for as the separator of values; `None` of more than one character, and of one that
/// values and numbers are made of.
pub fn separator(setting: &str) -> Option<u8> {
    match (setting, setting.as_bytes()) {
        ("tab" | "\\t", _) => Some(b'\t'),
        (_, [byte]) if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\n\r.-+\0".contains(byte) => {
            Some(*byte)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_values_say() {
        let spelling = Spelling::default();
        let cells = |values: &[&str]| {
            values
                .iter()
                .map(|value| spelling.cell(value.as_bytes()))
                .collect::<Vec<_>>()
        };
        for value in [
            "", " ", "NA", "n/a", "#N/A", "<NA>", "None", "\\N", "nan", "NaN", "-nan", "NULL", "null", " NA ", "NaT",
        ] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Missing, "{value}");
            assert!(spelling.missing(value.as_bytes()));
        }
        for (value, number) in [
            ("Infinity", f64::INFINITY),
            ("-Infinity", -f64::INFINITY),
            ("INF", f64::INFINITY),
            ("+inf", f64::INFINITY),
        ] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Infinite, "{value}");
            assert_eq!(spelling.float(value.as_bytes()), Some(number));
        }
        assert_eq!(
            cells(&[
                "0",
                "-0",
                "7",
                "+7",
                " 7 ",
                "9223372036854775807",
                "-9223372036854775808"
            ]),
            [0, 0, 7, 7, 7, i64::MAX, i64::MIN].map(Cell::Int)
        );
        for value in ["0421", "00", "007.5", "-01", "+00421", "00e1", "0123"] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Padded, "{value}");
        }
        for value in ["0.5", "-0.5", ".5", "5.", "1e5", "1.5E-3", "0e0", "0.0"] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Float, "{value}");
        }
        for value in ["9223372036854775808", "-99999999999999999999"] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Huge, "{value}");
        }
        for value in ["1,5", "-0,25", "1,234", "1,234,567.5"] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Dressed(Dress::Comma), "{value}");
        }
        for value in ["1e999", "-1e400"] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Beyond, "{value}");
            assert_eq!(spelling.float(value.as_bytes()), None);
        }
        for value in [
            "EWR",
            "TRUE",
            "2013-01-01",
            "0x10",
            "1.2.3",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "infinite",
            "12:30",
            "1,2,3",
            "Nan.",
        ] {
            assert_eq!(spelling.cell(value.as_bytes()), Cell::Text, "{value}");
        }
    }

    #[test]
    fn settings_replace_the_usual_words() {
        let spelling = Spelling::new(vec!["-999".to_owned(), "?".to_owned()], vec!["oo".to_owned()], b',');
        let cell = |value: &str| spelling.cell(value.as_bytes());
        assert_eq!([cell("-999"), cell("?"), cell("")], [Cell::Missing; 3]);
        assert_eq!(
            (cell("NA"), cell("-oo"), cell("inf")),
            (Cell::Text, Cell::Infinite, Cell::Text)
        );
        assert_eq!(
            (cell("1,5"), cell("1.234"), cell("1.234,5")),
            (Cell::Float, Cell::Int(1234), Cell::Float)
        );
        assert_eq!(
            (cell("0.123"), cell("12.34"), cell("1.5")),
            [(); 3].map(|()| Cell::Dressed(Dress::Point)).into()
        );
        assert_eq!(spelling.float(b"-1.234.567,25"), Some(-1_234_567.25));
        assert_eq!(separator("tab"), Some(b'\t'));
        assert_eq!((separator(";;"), separator("1"), separator("")), (None, None, None));
    }
}
