//! What a file of lines and commas tells of its columns: their names, their types, and what they hold.

use std::collections::BTreeSet;
use std::io::Read;

/// So much of a sample is read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Of more rows only these are read.
const MOST_ROWS: usize = 50_000;
/// So many different values of a column are counted.
const MOST_VALUES: usize = 1_000;
/// Separators, as example-gen knows them, what is usual first.
const SEPARATORS: [u8; 5] = [b',', b'\t', b';', b'|', b'^'];
/// Words for a missing value, in any case, as example-gen knows them.
const MISSING: [&str; 14] = [
    "", "#n/a", "#n/a n/a", "#na", "-nan", "<na>", "\\n", "n/a", "na", "nan", "none", "null", "-1.#ind", "1.#qnan",
];

/// Why a sample tells nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SampleError {
    #[error("it cannot be read: {0}")]
    Unread(#[from] std::io::Error),
    #[error("it is no UTF-8 text: name a .csv file, or the columns with --columns")]
    NoText,
    #[error(
        "its lines are not equally long, whether by commas, tabs, semicolons, | or ^: name a .csv file, or the columns with --columns"
    )]
    NoTable,
    #[error("it has no row below its column names: name a file with data, or the columns with --columns")]
    NoRows,
    #[error("column {0} has no name: give it one in its first line")]
    NoName(usize),
    #[error("two of its columns are named '{0}': rename one")]
    SameName(String),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Its different values, missing ones aside, at most [`MOST_VALUES`].
    pub(crate) values: BTreeSet<String>,
    /// Rows that have a value.
    pub(crate) filled: usize,
}

/// The columns of a file, and how many of its rows were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    /// Whether its numbers are written with a comma, as where the separator is a semicolon.
    pub(crate) decimal_comma: bool,
}

impl Sample {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// When it is no table with a line of names.
    pub(crate) fn read(source: impl Read) -> Result<Self, SampleError> {
        let mut bytes = Vec::new();
        source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES {
            // The last line is cut.
            let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            bytes.truncate(end);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| SampleError::NoText)?;
        Self::parse(text.trim_start_matches('\u{feff}'))
    }

    /// # Errors
    /// When the text is no table with a line of names.
    pub(crate) fn parse(text: &str) -> Result<Self, SampleError> {
        let read = |separator: u8| {
            let mut reader = csv::ReaderBuilder::new();
            reader.delimiter(separator).flexible(true).has_headers(false);
            let records = reader.from_reader(text.as_bytes()).into_records();
            let records = records.take(MOST_ROWS + 1).collect::<Result<Vec<_>, _>>();
            records.unwrap_or_default()
        };
        let fits = |records: &Vec<csv::StringRecord>| {
            let width = records.first().map_or(0, csv::StringRecord::len);
            width > 1 && records.iter().all(|record| record.len() == width)
        };
        let tried = SEPARATORS.map(|separator| (separator, read(separator)));
        let (separator, records) = tried
            .into_iter()
            .find(|(_, records)| fits(records))
            .ok_or(SampleError::NoTable)?;
        let mut records = records.into_iter();
        let names = records.next().unwrap_or_default();
        let rows: Vec<csv::StringRecord> = records.collect();
        if rows.is_empty() {
            return Err(SampleError::NoRows);
        }
        let cells = |place: usize| rows.iter().filter_map(move |row| row.get(place));
        let comma = separator == b';' && (0..names.len()).any(|place| are(cells(place), |cell| number(cell, true)));
        let point = (0..names.len()).any(|place| are(cells(place), |cell| cell.contains('.') && number(cell, false)));
        let decimal_comma = comma && !point;
        let mut columns: Vec<Column> = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let name = name.trim();
            if name.is_empty() || name == "__index_level_0__" {
                // The index that pandas writes, which example-gen leaves out.
                match place == 0 || !name.is_empty() {
                    true => continue,
                    false => return Err(SampleError::NoName(place + 1)),
                }
            }
            if columns.iter().any(|column| column.name == name) {
                return Err(SampleError::SameName(name.to_owned()));
            }
            let filled = cells(place).filter(|cell| !is_missing(cell));
            columns.push(Column {
                name: name.to_owned(),
                kind: match are(cells(place), |cell| number(cell, decimal_comma)) {
                    true => Kind::Number,
                    false => Kind::Text,
                },
                filled: filled.clone().count(),
                values: filled.fold(BTreeSet::new(), |mut values, cell| {
                    if values.len() < MOST_VALUES {
                        values.insert(cell.to_owned());
                    }
                    values
                }),
            });
        }
        Ok(Self {
            columns,
            rows: rows.len(),
            decimal_comma,
        })
    }
}

/// Whether there are values, and all of them are so.
fn are<'a>(cells: impl Iterator<Item = &'a str>, so: impl Fn(&str) -> bool) -> bool {
    let mut filled = cells.filter(|cell| !is_missing(cell)).peekable();
    filled.peek().is_some() && filled.all(so)
}

fn is_missing(cell: &str) -> bool {
    let cell = cell.trim();
    MISSING.iter().any(|word| word.eq_ignore_ascii_case(cell))
}

/// Whether it is a number as example-gen reads one; a redundant leading zero makes it a code.
fn number(cell: &str, decimal_comma: bool) -> bool {
    let cell = cell.trim();
    let cell = match decimal_comma {
        true if cell.contains('.') => return false,
        true => cell.replacen(',', ".", 1),
        false => cell.to_owned(),
    };
    let digits = cell.trim_start_matches(['+', '-']);
    let code = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    !code && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> String {
        match Sample::parse(text) {
            Ok(sample) => {
                let columns = sample.columns.iter();
                let columns = columns.map(|column| format!("{}: {:?}", column.name, column.kind));
                let comma = if sample.decimal_comma { "; decimal comma" } else { "" };
                format!("{}{comma}", columns.collect::<Vec<_>>().join(", "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn columns_are_numbers_if_all_their_values_are() {
        let cases = [
            "a,b\n1,x\n2.5,y\n",
            "a,b\n1,\n,NaN\n",
            "a\tb\n-1e3\t+2\n",
            "zip,n\n0421,1\n12345,2\n",
            "half,n\n0.5,1\n0,2\n",
            "a;b\n1,5;x\n2,5;y\n",
            "a;b\n1.5;1,2\n2.5;3,4\n",
            ",a,b\n0,1,x\n1,2,y\n",
            "\"Total ($)\",b\n\"1\",\"x, y\"\n",
            "n,date\n1,2024-01-01\n2,2024-01-02\n",
            "a,inf\n1,inf\n",
        ];
        let shown: Vec<String> = cases.iter().map(|text| kinds(text)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        a: Number, b: Text
        a: Number, b: Text
        a: Number, b: Number
        zip: Text, n: Number
        half: Number, n: Number
        a: Number, b: Text; decimal comma
        a: Number, b: Text
        a: Number, b: Text
        Total ($): Number, b: Text
        n: Number, date: Text
        a: Number, inf: Text
        ");
    }

    #[test]
    fn what_is_no_table_is_said() {
        let cases = ["", "a,b\n", "one\ntwo\n", "a,b\n1\n", "a,,b\n1,2,3\n", "a,a\n1,2\n"];
        let shown: Vec<String> = cases.iter().map(|text| kinds(text)).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        its lines are not equally long, whether by commas, tabs, semicolons, | or ^: name a .csv file, or the columns with --columns
        it has no row below its column names: name a file with data, or the columns with --columns
        its lines are not equally long, whether by commas, tabs, semicolons, | or ^: name a .csv file, or the columns with --columns
        its lines are not equally long, whether by commas, tabs, semicolons, | or ^: name a .csv file, or the columns with --columns
        column 2 has no name: give it one in its first line
        two of its columns are named 'a': rename one
        ");
        assert!(matches!(Sample::read(&[0xff, 0xfe][..]), Err(SampleError::NoText)));
    }

    #[test]
    fn a_cut_last_line_is_not_read() {
        let row = format!("1,{}\n", "x".repeat(999));
        let text = format!("a,b\n{}", row.repeat(17_000));
        let sample = Sample::read(text.as_bytes()).unwrap();
        assert!((16_000..17_000).contains(&sample.rows), "{}", sample.rows);
    }
}
