//! What was seen in each column of a file, and so which kind it is, and why.

use std::collections::HashSet;
use std::fmt;

use super::asked::{Asked, Setting};
use super::cells::Cell;
use super::dress::Dress;
use crate::features::Kind;

/// Letters of a value that a sentence shows.
const SHOWN: usize = 60;

/// Spellings of a missing value that are remembered of a column.
const SPELLINGS: usize = 8;

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
    /// It is beyond floating point.
    Beyond { first: Seen },
    /// A number is written for people.
    Dressed { first: Seen, dress: Dress },
}

impl WhyText {
    /// The value that decided.
    pub fn first(&self) -> &Seen {
        match self {
            Self::Word { first, .. }
            | Self::Padded { first }
            | Self::Huge { first }
            | Self::Beyond { first }
            | Self::Dressed { first, .. } => first,
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
            Self::Beyond { first } => {
                format!("{first}, beyond the numbers of 64 bits: correct it, or write inf if it stands for infinity")
            }
            Self::Dressed { first, dress } => format!("{first}, {}", dress.sentence(asked)),
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
    beyond: Option<Seen>,
    dressed: Option<(Seen, Dress)>,
    /// All values that are numbers for people, but not of the kinds above.
    others: u64,
    word: Option<Seen>,
    words: u64,
    /// A whole number that floating point may not hold.
    large: Option<Seen>,
    /// The words that were read as missing as they are spelled, the first of each, and how many.
    missing: Vec<(Seen, u64)>,
    /// The first number with points between its thousands, and how many.
    grouped: Option<(Seen, u64)>,
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
            Cell::Missing => {
                let spelled = |seen: &&mut (Seen, u64)| seen.0.value.as_bytes() == value;
                if let Some((_, count)) = self.missing.iter_mut().find(spelled) {
                    *count += 1;
                } else if self.missing.len() < SPELLINGS {
                    self.missing.push((Seen::new(row, value), 1));
                }
            }
            Cell::Int(number) => {
                self.ints += 1;
                if number.unsigned_abs() > EXACT {
                    seen(&mut self.large);
                }
            }
            Cell::Float | Cell::Infinite => self.floats += 1,
            Cell::Huge => seen(&mut self.huge),
            Cell::Padded => seen(&mut self.padded),
            Cell::Beyond => {
                self.others += 1;
                seen(&mut self.beyond);
            }
            Cell::Dressed(dress) => {
                self.others += 1;
                self.dressed.get_or_insert_with(|| (Seen::new(row, value), dress));
            }
            Cell::Text => {
                self.words += 1;
                seen(&mut self.word);
            }
        }
    }

    /// Adds that a value of it has points between its thousands.
    pub fn add_grouped(&mut self, row: u64, value: &[u8]) {
        self.grouped.get_or_insert_with(|| (Seen::new(row, value), 0)).1 += 1;
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
        let (words, numbers) = (self.words, self.ints + self.floats + self.others);
        let word = of(&self.word).map(|first| WhyText::Word { first, words, numbers });
        let padded = || of(&self.padded).map(|first| WhyText::Padded { first });
        let dressed = || {
            self.dressed
                .clone()
                .map(|(first, dress)| WhyText::Dressed { first, dress })
        };
        let beyond = || of(&self.beyond).map(|first| WhyText::Beyond { first });
        // Beside numbers with a fraction it is one, too.
        let huge = || {
            of(&self.huge)
                .filter(|_| self.floats == 0)
                .map(|first| WhyText::Huge { first })
        };
        word.or_else(padded).or_else(dressed).or_else(beyond).or_else(huge)
    }

    /// Whether a value is text whatever else there is, and not only as a code is.
    pub fn wordy(&self) -> bool {
        self.word.is_some() || self.dressed.is_some() || self.beyond.is_some()
    }

    /// Adds what was seen in the same column of another file.
    pub fn merge(&mut self, other: &Self) {
        self.ints += other.ints;
        self.floats += other.floats;
        self.words += other.words;
        self.others += other.others;
        self.dressed = self.dressed.take().or_else(|| other.dressed.clone());
        for (own, others) in [
            (&mut self.padded, &other.padded),
            (&mut self.huge, &other.huge),
            (&mut self.beyond, &other.beyond),
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
    pub fn missing(&self) -> &[(Seen, u64)] {
        &self.missing
    }

    /// The first number with points between its thousands, and how many.
    pub fn grouped(&self) -> Option<&(Seen, u64)> {
        self.grouped.as_ref()
    }

    /// Whether numbers are all or most of what was seen.
    pub fn numeric(&self) -> bool {
        self.ints + self.floats > self.words && self.padded.is_none() && self.dressed.is_none()
    }
}

/// Rows whose values are remembered to tell a numbering from data.
const REMEMBERED: usize = 16 * 1024;

/// Every so manieth number at least is there in a numbering.
const SPARSE: u64 = 4;

/// Whether a first column numbers the rows, as the index of a pandas data frame.
#[derive(Debug)]
pub struct Numbering {
    /// Whether its name is pandas' own, so that its numbers may be in any order.
    named: bool,
    seen: HashSet<i64>,
    first: Option<i64>,
    last: Option<i64>,
    rows: u64,
    broken: bool,
}

impl Numbering {
    /// Of a column that is named as pandas names an index that it reads back, or of one without a name.
    pub fn new(named: bool) -> Self {
        Self {
            named,
            seen: HashSet::new(),
            first: None,
            last: None,
            rows: 0,
            broken: false,
        }
    }

    /// Adds the value of the next row.
    pub fn add(&mut self, cell: Cell) {
        match cell {
            Cell::Int(number) if number >= 0 => {
                self.broken |= match self.named {
                    true => self.seen.len() < REMEMBERED && !self.seen.insert(number),
                    false => self.last.is_some_and(|last| number <= last),
                };
                self.first.get_or_insert(number);
                (self.last, self.rows) = (Some(number), self.rows + 1);
            }
            _ => self.broken = true,
        }
    }

    /// Whether it is one: whole numbers from 0 on, none twice; without a name counting up, a few left out.
    pub fn holds(&self) -> bool {
        let counts = || match (self.first, self.last) {
            (Some(first), Some(last)) => last.abs_diff(first) < self.rows.saturating_mul(SPARSE),
            _ => true,
        };
        !self.broken && (self.named || counts())
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
        insta::assert_snapshot!(why(&["1", "(5)"]), @"row 2 is '(5)', a number in parentheses: write a negative number with '-'");
        insta::assert_snapshot!(why(&["1 234", "$5"]), @"row 1 is '1 234', a number with separated thousands: write it in digits only");
        insta::assert_snapshot!(why(&["1", "1e400"]), @"row 2 is '1e400', beyond the numbers of 64 bits: correct it, or write inf if it stands for infinity");
        let flag = seen(&["1", "?"]).why_text().unwrap().sentence(Asked::Flags);
        insta::assert_snapshot!(flag, @"row 2 is '?', the only value of 2 that is no number: if it stands for none, name it in --missing-values");
        let flag = seen(&["1,5"]).why_text().unwrap().sentence(Asked::Flags);
        insta::assert_snapshot!(flag, @"row 1 is '1,5', with a comma: if commas separate fractions, give --decimal ',', and write thousands without them");
        assert!(!seen(&["a", "b", "1"]).why_text().unwrap().surprising());
        assert!(!seen(&["a", "b", "5%"]).why_text().unwrap().surprising());
    }

    #[test]
    fn a_numbering_is_no_data() {
        let numbers = |named: bool, values: &[i64]| {
            let mut numbering = Numbering::new(named);
            values.iter().for_each(|value| numbering.add(Cell::Int(*value)));
            numbering.holds()
        };
        assert!(numbers(true, &[0, 1, 2]) && numbers(true, &[5, 9, 2]) && numbers(true, &[]));
        assert!(!numbers(true, &[3, 1, 3]) && !numbers(true, &[-1, 0]));
        assert!(numbers(false, &[0, 1, 2]) && numbers(false, &[100, 101, 104]) && numbers(false, &[]));
        assert!(!numbers(false, &[5, 9, 2]) && !numbers(false, &[1007, 2044, 5301]) && !numbers(false, &[10, 20, 30]));
    }
}
