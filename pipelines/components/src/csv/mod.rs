//! Tables of separated text: read once to learn separator, columns and kinds, and to refuse what is wrong, and once more
//! for the rows. Memory does not grow with the file.

pub mod asked;
pub mod cells;
pub mod columns;
pub mod content;
pub mod dress;
mod header;
mod joined;
pub mod records;
mod rows;
pub mod separator;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::features::Kind;
use crate::tfdv::listed::quoted;
use crate::told::few;
use asked::{Asked, Setting};
use cells::{Cell, INFINITE_VALUES, MISSING_VALUES, Spelling};
use columns::{Evidence, Numbering};
use joined::Joined;
use records::{Fault, Record, Records, line_and_byte};
pub use rows::Batches;

/// Bytes that are looked at for the separator.
const SAMPLE_BYTES: u64 = 256 * 1024;

/// Columns that the log of one file speaks of at most.
const TOLD: usize = 20;

/// How text tables are written, where it is not to be found out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Settings {
    /// Between values: one character, or `tab`; without one it is detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Before the fraction: `.`, or `,`, where `.` may stand between thousands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// What stands for a missing value, in any case, in place of [`MISSING_VALUES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_values: Option<Vec<Value>>,
    /// What stands for infinity, in any case and with any sign, in place of [`INFINITE_VALUES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infinite_values: Option<Vec<Value>>,
    /// Quoted values may have lines that look like rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub line_breaks_in_values: bool,
    /// How whoever is told of a setting calls it.
    #[serde(skip)]
    pub asked: Asked,
}

impl Settings {
    fn separator(&self) -> Result<Option<u8>> {
        let byte = |setting| {
            cells::separator(setting).ok_or_else(|| {
                anyhow!(
                    "{} is {}: give it one character, such as ';' or '|', or tab",
                    self.asked.name(Setting::Separator),
                    quoted(setting)
                )
            })
        };
        self.separator.as_deref().map(byte).transpose()
    }

    fn spelling(&self) -> Result<Spelling> {
        let words = |setting: &Option<Vec<Value>>, usual: &[&str]| match setting {
            None => usual.iter().map(|word| (*word).to_owned()).collect(),
            // YAML makes numbers and null of words without quotes.
            Some(words) => words
                .iter()
                .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
                .collect(),
        };
        let decimal = match self.decimal.as_deref() {
            None | Some(".") => b'.',
            Some(",") => b',',
            Some(other) => bail!(
                "{} is {}: it is '.' or ','",
                self.asked.name(Setting::Decimal),
                quoted(other)
            ),
        };
        Ok(Spelling::new(
            words(&self.missing_values, &MISSING_VALUES),
            words(&self.infinite_values, &INFINITE_VALUES),
            decimal,
        ))
    }
}

/// One column of a file.
#[derive(Debug)]
pub struct CsvColumn {
    /// As the header has it.
    pub name: String,
    /// What was seen in it.
    pub evidence: Evidence,
    /// Its place in a record.
    place: usize,
}

/// A text table that was read once.
#[derive(Debug)]
pub struct CsvFile {
    path: PathBuf,
    /// Of the columns that are not left out.
    pub columns: Vec<CsvColumn>,
    /// What its reader should know.
    pub notes: Vec<String>,
    /// The columns that were asked to be left out, and are there.
    pub left_out: Vec<String>,
    separator: u8,
    /// Whether the first line is Excel's `sep=;`.
    first_line_is_none: bool,
    spelling: Spelling,
    /// Values in a record.
    width: usize,
    asked: Asked,
}

impl CsvFile {
    /// Reads a file from end to end; columns named in `left_out` are not looked at.
    ///
    /// # Errors
    /// When it cannot be read, is no text, or no table: rows of different lengths, quotes that do not close, columns
    /// without a name.
    pub fn open(path: &Path, settings: &Settings, left_out: &[String]) -> Result<Self> {
        let (set, spelling) = (settings.separator()?, settings.spelling()?);
        let mut file = open(path)?;
        let mut head = Vec::new();
        (&mut file)
            .take(SAMPLE_BYTES)
            .read_to_end(&mut head)
            .with_context(|| unreadable(path))?;
        let whole = (head.len() as u64) < SAMPLE_BYTES;
        let (found, first_line_is_none) = separator::detect(&head, whole);
        let separator = set.unwrap_or(found);
        let mut records = Records::new(open(path)?, separator);
        let mut record = Record::default();
        let next = |records: &mut Records<File>, record: &mut Record| {
            records.next(record).map_err(|fault| explain(path, separator, fault))
        };
        if first_line_is_none {
            next(&mut records, &mut record)?;
        }
        if !next(&mut records, &mut record)? {
            bail!("it is empty: a CSV file starts with a line of column names");
        }
        let written: Vec<String> = record
            .values()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let names: Vec<String> = written.iter().map(|name| header::clean(name)).collect();
        let width = names.len();
        let no_table = match width {
            1 if !first_line_is_none => header::one_column(&head, whole, set),
            _ => header::above(&head, whole, set),
        };
        if let Some(no_table) = no_table {
            bail!("{}", no_table.sentence(settings.asked));
        }
        let out = |place: usize| left_out.contains(&names[place]) || left_out.contains(&written[place]);
        let mut columns: Vec<CsvColumn> = Vec::new();
        for (place, name) in names.iter().enumerate().filter(|(place, _)| !out(*place)) {
            columns.push(CsvColumn {
                name: name.clone(),
                evidence: Evidence::default(),
                place,
            });
        }
        let mut numberings: Vec<Numbering> = numberings(&names);
        let mut joined = Joined::new(settings, separator, width);
        let mut row = 0;
        while next(&mut records, &mut record)? {
            row += 1;
            if record.len() != width {
                bail!("{}", ragged(&record, width, separator, settings.asked));
            }
            if width > 1 && record.values().eq(written.iter().map(String::as_bytes)) {
                bail!(
                    "row {row} is the line of column names once more, as where files were put together: take it away"
                );
            }
            for column in &mut columns {
                let value = record.value(column.place);
                let cell = spelling.cell(value);
                column.evidence.add(cell, row, value);
                if spelling.grouped(value) && matches!(cell, Cell::Int(_) | Cell::Float | Cell::Huge) {
                    column.evidence.add_grouped(row, value);
                }
            }
            for (place, numbering) in numberings.iter_mut().enumerate() {
                numbering.add(spelling.cell(record.value(place)));
            }
            joined.look(&record, row, &columns, &spelling)?;
        }
        joined.end(&columns, &spelling)?;
        let mut file = Self {
            path: path.to_owned(),
            columns,
            notes: Vec::new(),
            left_out: [&names, &written]
                .into_iter()
                .flatten()
                .filter(|name| left_out.contains(name))
                .cloned()
                .collect(),
            separator,
            first_line_is_none,
            spelling,
            width,
            asked: settings.asked,
        };
        let unseen = (1..)
            .zip(written.iter().zip(&names))
            .filter(|(_, (written, name))| written != name);
        let unseen = unseen.map(|(place, (_, name))| {
            format!("the name of column {place} is read as '{name}', without the blanks or invisible letters around it")
        });
        file.notes = few(unseen.collect(), TOLD, "names are read so");
        file.leave_out_numbering(&numberings)?;
        file.note(set.is_none());
        Ok(file)
    }

    /// Leaves out what pandas and R write before the columns, once for each time the file was written; any other column
    /// needs a name.
    fn leave_out_numbering(&mut self, numberings: &[Numbering]) -> Result<()> {
        for place in 0..numberings.iter().take_while(|numbering| numbering.holds()).count() {
            if place + 1 == self.width || self.columns.first().is_none_or(|column| column.place != place) {
                continue;
            }
            let column = self.columns.remove(0);
            let which = if place == 0 { "the first column" } else { "the next one" };
            let named = match column.name.trim() {
                "" => "has no name".to_owned(),
                name => format!("is '{name}'"),
            };
            self.notes.push(format!(
                "{which} {named} and only numbers the rows, as pandas' index: it is left out"
            ));
        }
        if let Some(nameless) = self.columns.iter().find(|column| column.name.trim().is_empty()) {
            let (place, width) = (nameless.place + 1, self.width);
            let hint = match nameless.evidence.kind() {
                None if place == width => ", or take away the separator at the end of the lines",
                _ => "",
            };
            bail!(
                "column {place} of {width} has no name: name it in the first line{hint}, or leave it out with {}",
                self.asked.listing(Setting::ExcludeColumns, &nameless.name)
            );
        }
        Ok(())
    }

    fn note(&mut self, detected: bool) {
        if detected && self.separator != b',' {
            self.notes.push(format!(
                "its values are separated by {}",
                separator::named(self.separator)
            ));
        }
        if let ([only], 1) = (self.columns.as_slice(), self.width) {
            self.notes.push(format!(
                "it has only one column, {}: if there are more, say what is between them with {}",
                quoted(&only.name),
                self.asked.name(Setting::Separator)
            ));
        }
        let mut words: Vec<String> = Vec::new();
        for column in &self.columns {
            let missing = column.evidence.missing().iter();
            for (seen, count) in missing.filter(|_| column.evidence.kind() == Some(Kind::Bytes)) {
                let times = if *count == 1 { "once" } else { &format!("{count} times") };
                words.push(format!(
                    "'{}' in column '{}' ({times}, first in row {})",
                    seen.value, column.name, seen.row
                ));
            }
        }
        let grouped = self.columns.iter().filter_map(|column| {
            let (seen, count) = column.evidence.grouped().filter(|_| column.evidence.kind() != Some(Kind::Bytes))?;
            let number = self.spelling.float(seen.value.as_bytes()).unwrap_or_default();
            let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            Some(format!(
                "column '{}': {seen}{more}, read as {number}, since {} is ',' and a point stands between thousands: if it stands before a fraction, {}, and write all fractions of the file in one way",
                column.name,
                self.asked.name(Setting::Decimal),
                self.asked.set(Setting::Decimal, ".")
            ))
        });
        let grouped = few(grouped.collect(), TOLD, "columns with points between thousands");
        self.notes.extend(grouped);
        if !words.is_empty() {
            let told = few(words, TOLD, "such words").join(", ");
            self.notes.push(format!(
                "read as missing: {told}; {} names the words that are",
                self.asked.name(Setting::MissingValues)
            ));
        }
    }

    /// Why columns are text that could be thought to be numbers, for those of these names.
    pub fn why_text(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let columns = self.columns.iter().filter(|column| wanted(&column.name));
        let why = columns.filter_map(|column| Some((column, column.evidence.why_text()?)));
        let told = why.filter(|(_, why)| why.surprising());
        let told =
            told.map(|(column, why)| format!("column {} is text: {}", quoted(&column.name), why.sentence(self.asked)));
        few(told.collect(), TOLD, "columns are text for such reasons")
    }

    /// Streams the rows: of each entry the column at that place in [`CsvFile::columns`], read as that kind; `None`
    /// reads nothing.
    ///
    /// # Errors
    /// When the file cannot be opened; each batch when a value is not of its kind.
    pub fn batches(&self, reads: &[(usize, Option<Kind>)]) -> Result<Batches<'_>> {
        Batches::new(self, reads)
    }
}

/// The columns before all others that may be an index, as it is called by pandas: nameless at first, and when that was
/// read and written again, `Unnamed: 0` and `Unnamed: 0.1`.
fn numberings(names: &[String]) -> Vec<Numbering> {
    let named = |name: &str| name == "Unnamed: 0" || name.starts_with("Unnamed: 0.");
    let index = |(place, name): (usize, &String)| match (place, name.as_str()) {
        (0, "") => Some(Numbering::new(false)),
        (_, name) => named(name).then(|| Numbering::new(true)),
    };
    names.iter().enumerate().map_while(index).collect()
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| unreadable(path))
}

fn unreadable(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn ragged(record: &Record, width: usize, separator: u8, asked: Asked) -> String {
    let values = |count: usize| {
        if count == 1 {
            "1 value".to_owned()
        } else {
            format!("{count} values")
        }
    };
    let names = if width == 1 {
        "1 column".to_owned()
    } else {
        format!("{width} columns")
    };
    let hint = match (record.len() > width, record.len()) {
        (true, _) => format!("put a value with {} in it into quotes", separator::named(separator)),
        (false, _) => "complete it, or look whether the file was cut off there".to_owned(),
    };
    format!(
        "line {} has {} and the first line names {names}: {hint} (values are separated by {}; {} sets another)",
        record.line,
        values(record.len()),
        separator::named(separator),
        asked.name(Setting::Separator)
    )
}

/// What is wrong with a file, where, and what to do.
fn explain(path: &Path, separator: u8, fault: Fault) -> anyhow::Error {
    let place = |offset| match File::open(path).and_then(|file| line_and_byte(file, offset)) {
        Ok((line, byte)) => format!("line {line}, byte {byte}"),
        Err(_) => format!("byte {offset} of the file"),
    };
    match fault {
        Fault::Unreadable(error) => anyhow!(error).context(unreadable(path)),
        Fault::NotUtf8 { byte, offset } if content::binary(path) => anyhow!(
            "{} is 0x{byte:02X}, and it has control characters that no text has: it is binary or damaged, write it as CSV (UTF-8) or Parquet",
            place(offset)
        ),
        Fault::NotUtf8 { byte, offset } => anyhow!(
            "{} is 0x{byte:02X}, which is not UTF-8: find out its encoding{} and convert it, for example with iconv -f ENCODING -t UTF-8",
            place(offset),
            western(byte)
                .map(|letter| format!(" (in Latin-1 or Windows-1252, of the West, it would be '{letter}')"))
                .unwrap_or_default()
        ),
        Fault::CutLetter => anyhow!("it ends within a letter of UTF-8: the file was cut off, write it anew"),
        Fault::Zero { offset } => anyhow!(
            "{} is a zero byte, which no text has: the file is damaged or binary, write it anew",
            place(offset)
        ),
        Fault::OpenQuote { line } => anyhow!(
            "the quote that opens in line {line} is never closed, so that all after it would be one value: close it, write it twice if it is part of the value, or look whether the file was cut off"
        ),
        Fault::LongValue { line } => anyhow!(
            "line {line} has a value of more than 64 MB: the file has no line breaks, or is no text; write it anew"
        ),
        Fault::BehindQuote { opened, line } => {
            let opened = if opened == line {
                String::new()
            } else {
                format!(", which opened in line {opened}")
            };
            anyhow!(
                "line {line} has text behind the quote that closes a value{opened}, where {} or the end of the line must follow: write a quote within quotes twice",
                separator::named(separator)
            )
        }
    }
}

/// The letter that a byte is in Windows-1252.
fn western(byte: u8) -> Option<char> {
    const FROM_128: &str = "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ";
    match byte {
        0x80..=0x9f => FROM_128
            .chars()
            .nth(usize::from(byte - 0x80))
            .filter(|letter| *letter != '.'),
        0xa1..=0xff => Some(char::from(byte)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
