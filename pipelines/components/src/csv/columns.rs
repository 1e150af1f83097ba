//! What was seen in each column of a file, and so which kind it is, and why.

use std::collections::HashSet;
use std::fmt;

use super::asked::{Asked, Setting};
use super::cells::Cell;
use crate::features::Kind;

/// Letters of a value that a sentence shows.
const SHOWN: usize = 60;

/// Whole numbers beyond it are not all floating-point numbers.
const EXACT: u64 = 1 << 53;

/// A value, and the first row that has it, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The row, without the header.
    pub row: u64,
    /// The text.
    pub value: String,
}

impl Seen {
    fn new(row: u64, value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { row, value: shown }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} is '{}'", self.row, self.value.escape_debug())
    }
}

/// Why a column is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyText {
    /// A value that is no number; beside so many numbers and among so many such values.
    Word { first: Seen, words: u64, numbers: u64 },
    /// A number would lose the leading zero.
    Padded { first: Seen },
    /// It has more digits than a whole number may have.
    Huge { first: Seen },
    /// A comma within a number.
    Comma { first: Seen },
}

impl WhyText {
    /// The value that decided.
    pub fn first(&self) -> &Seen {
        match self {
            Self::Word { first, .. } | Self::Padded { first } | Self::Huge { first } | Self::Comma { first } => first,
        }
    }

    /// Whether the column could as well be thought to be one of numbers, so that its reader wants to know.
    pub fn surprising(&self) -> bool {
        match self {
            Self::Word { words, numbers, .. } => numbers >= words,
            _ => true,
        }
    }
}

impl WhyText {
    /// The end of a sentence on the column, with the settings as whoever reads it calls them.
    pub fn sentence(&self, asked: Asked) -> String {
        let missing = asked.name(Setting::MissingValues);
        match self {
            Self::Word {
                first,
                words: 1,
                numbers,
            } => format!(
                "{first}, the only value of {} that is no number: if it stands for none, name it in {missing}",
                numbers + 1
            ),
            Self::Word { first, words, numbers } => format!(
                "{first}, one of {words} values of {} that are no numbers: if they stand for none, name them in {missing}",
                numbers + words
            ),
            Self::Padded { first } => format!("{first}, whose leading zero a number would lose"),
            Self::Huge { first } => format!("{first}, more than a whole number of 64 bits holds"),
            Self::Comma { first } => format!(
                "{first}, with a comma: if commas separate fractions, {}, and write thousands without them",
                asked.set(Setting::Decimal, ",")
            ),
        }
    }
}

/// What was seen in one column.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    ints: u64,
    floats: u64,
    padded: Option<Seen>,
    huge: Option<Seen>,
    comma: Option<Seen>,
    word: Option<Seen>,
    words: u64,
    /// A whole number that floating point may not hold.
    large: Option<Seen>,
    /// The first word that was read as missing, and how many.
    missing: Option<(Seen, u64)>,
}

impl Evidence {
    /// Adds a value of a row.
    pub fn add(&mut self, cell: Cell, row: u64, value: &[u8]) {
        let seen = |slot: &mut Option<Seen>| {
            if slot.is_none() {
                *slot = Some(Seen::new(row, value));
            }
        };
        match cell {
            Cell::Missing if value.is_empty() => {}
            Cell::Missing => match &mut self.missing {
                Some((_, count)) => *count += 1,
                None => self.missing = Some((Seen::new(row, value), 1)),
            },
            Cell::Int(number) => {
                self.ints += 1;
                if number.unsigned_abs() > EXACT {
                    seen(&mut self.large);
                }
            }
            Cell::Float | Cell::Infinite => self.floats += 1,
            Cell::Huge => seen(&mut self.huge),
            Cell::Padded => seen(&mut self.padded),
            Cell::Comma => seen(&mut self.comma),
            Cell::Text => {
                self.words += 1;
                seen(&mut self.word);
            }
        }
    }

    /// What the column holds; `None` where every value is missing.
    pub fn kind(&self) -> Option<Kind> {
        let number = match (self.ints > 0, self.floats > 0) {
            (_, true) => Some(Kind::Float),
            (true, false) => Some(Kind::Int),
            (false, false) => None,
        };
        self.why_text().map_or(number, |_| Some(Kind::Bytes))
    }

    /// Why it is text; `None` where it is not.
    pub fn why_text(&self) -> Option<WhyText> {
        let of = |seen: &Option<Seen>| seen.clone();
        let (words, numbers) = (self.words, self.ints + self.floats);
        let word = of(&self.word).map(|first| WhyText::Word { first, words, numbers });
        let padded = || of(&self.padded).map(|first| WhyText::Padded { first });
        let comma = || of(&self.comma).map(|first| WhyText::Comma { first });
        // Beside numbers with a fraction it is one, too.
        let huge = || {
            of(&self.huge)
                .filter(|_| self.floats == 0)
                .map(|first| WhyText::Huge { first })
        };
        word.or_else(padded).or_else(comma).or_else(huge)
    }

    /// Whether a value is text whatever else there is, and not only as a code is.
    pub fn wordy(&self) -> bool {
        self.word.is_some() || self.comma.is_some()
    }

    /// Adds what was seen in the same column of another file.
    pub fn merge(&mut self, other: &Self) {
        self.ints += other.ints;
        self.floats += other.floats;
        self.words += other.words;
        for (own, others) in [
            (&mut self.padded, &other.padded),
            (&mut self.huge, &other.huge),
            (&mut self.comma, &other.comma),
            (&mut self.word, &other.word),
            (&mut self.large, &other.large),
        ] {
            if own.is_none() {
                own.clone_from(others);
            }
        }
    }

    /// A whole number that is not exact in floating point.
    pub fn inexact(&self) -> Option<&Seen> {
        self.large.as_ref().or(self.huge.as_ref())
    }

    /// Words that were read as missing.
    pub fn missing(&self) -> Option<&(Seen, u64)> {
        self.missing.as_ref()
    }

    /// Whether numbers are all or most of what was seen.
    pub fn numeric(&self) -> bool {
        self.ints + self.floats > self.words && self.padded.is_none() && self.comma.is_none()
    }
}

/// Rows whose values are remembered to tell a numbering from data.
const REMEMBERED: usize = 16 * 1024;

/// Whether a first column numbers the rows, as the index of a pandas data frame: whole numbers from 0 on, none twice as
/// far as is remembered.
#[derive(Debug, Default)]
pub struct Numbering {
    seen: HashSet<i64>,
    broken: bool,
}

impl Numbering {
    /// Adds the value of the next row.
    pub fn add(&mut self, cell: Cell) {
        match cell {
            Cell::Int(number) if number >= 0 => {
                self.broken |= self.seen.len() < REMEMBERED && !self.seen.insert(number);
            }
            _ => self.broken = true,
        }
    }

    /// Whether it is one.
    pub fn holds(&self) -> bool {
        !self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::cells::Spelling;

    fn seen(values: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        for (row, value) in (1..).zip(values) {
            evidence.add(Spelling::default().cell(value.as_bytes()), row, value.as_bytes());
        }
        evidence
    }

    #[test]
    fn the_kind_is_what_all_values_are() {
        let kind = |values: &[&str]| seen(values).kind();
        assert_eq!(kind(&["1", "NA", "2"]), Some(Kind::Int));
        assert_eq!(kind(&["1", "NaN", "2.5", "-inf"]), Some(Kind::Float));
        assert_eq!(kind(&["inf"]), Some(Kind::Float));
        assert_eq!(kind(&["", "null", "\\N"]), None);
        assert_eq!(kind(&[]), None);
        assert_eq!(kind(&["1", "0421"]), Some(Kind::Bytes));
        assert_eq!(kind(&["1", "99999999999999999999"]), Some(Kind::Bytes));
        assert_eq!(kind(&["1.5", "99999999999999999999"]), Some(Kind::Float));
        assert_eq!(kind(&["1", "x"]), Some(Kind::Bytes));
    }

    #[test]
    fn the_reason_names_value_and_row() {
        let why = |values: &[&str]| {
            seen(values)
                .why_text()
                .map(|why| why.sentence(Asked::Keys))
                .unwrap_or_default()
        };
        insta::assert_snapshot!(why(&["1", "2", "unknown"]), @"row 3 is 'unknown', the only value of 3 that is no number: if it stands for none, name it in missing_values");
        insta::assert_snapshot!(why(&["1", "?", "-"]), @"row 2 is '?', one of 2 values of 3 that are no numbers: if they stand for none, name them in missing_values");
        insta::assert_snapshot!(why(&["421", "0421"]), @"row 2 is '0421', whose leading zero a number would lose");
        insta::assert_snapshot!(why(&["1,5"]), @"row 1 is '1,5', with a comma: if commas separate fractions, set decimal: ',', and write thousands without them");
        let flag = seen(&["1", "?"]).why_text().unwrap().sentence(Asked::Flags);
        insta::assert_snapshot!(flag, @"row 2 is '?', the only value of 2 that is no number: if it stands for none, name it in --missing-values");
        let flag = seen(&["1,5"]).why_text().unwrap().sentence(Asked::Flags);
        insta::assert_snapshot!(flag, @"row 1 is '1,5', with a comma: if commas separate fractions, give --decimal ',', and write thousands without them");
        assert!(!seen(&["a", "b", "1"]).why_text().unwrap().surprising());
    }

    #[test]
    fn a_numbering_is_no_data() {
        let numbers = |values: &[i64]| {
            let mut numbering = Numbering::default();
            values.iter().for_each(|value| numbering.add(Cell::Int(*value)));
            numbering.holds()
        };
        assert!(numbers(&[0, 1, 2]) && numbers(&[5, 9, 2]) && numbers(&[]));
        assert!(!numbers(&[3, 1, 3]) && !numbers(&[-1, 0]));
    }
}
