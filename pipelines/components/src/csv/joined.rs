//! Quoted values with line breaks: text of several lines, or rows that a stray quote joins?

use anyhow::{Result, bail};

use super::asked::{Asked, Setting};
use super::cells::{Cell, Spelling};
use super::records::{Record, Records};
use super::{CsvColumn, Settings};

/// Rows after which it is known which columns are numbers.
const KNOWN: u64 = 20;

/// Bytes that are kept until then.
const KEPT_BYTES: usize = 1024 * 1024;

/// A value of several lines whose lines all look like rows.
struct Suspect {
    /// The line in which the record begins.
    line: u64,
    /// Whole lines, from the second of the value on, by value.
    rows: Vec<Vec<Vec<u8>>>,
}

/// Looks at every record with a line break in a value.
pub struct Joined {
    off: bool,
    asked: Asked,
    separator: u8,
    width: usize,
    early: Vec<Suspect>,
    bytes: usize,
}

impl Joined {
    /// For records of `width` values; where the settings allow line breaks, nothing is found.
    pub fn new(settings: &Settings, separator: u8, width: usize) -> Self {
        Self {
            off: settings.line_breaks_in_values,
            asked: settings.asked,
            separator,
            width,
            early: Vec::new(),
            bytes: 0,
        }
    }

    /// # Errors
    /// When a quote joins lines that are rows.
    pub fn look(&mut self, record: &Record, row: u64, columns: &[CsvColumn], spelling: &Spelling) -> Result<()> {
        if row == KNOWN {
            self.end(columns, spelling)?;
        }
        if self.off || !record.broken {
            return Ok(());
        }
        let Some(suspect) = self.suspect(record) else {
            return Ok(());
        };
        if row >= KNOWN {
            return self.judge(&suspect, columns, spelling);
        }
        self.bytes += suspect.rows.iter().flatten().map(Vec::len).sum::<usize>();
        if self.bytes <= KEPT_BYTES {
            self.early.push(suspect);
        }
        Ok(())
    }

    /// Judges what came before it was known which columns are numbers.
    ///
    /// # Errors
    /// As [`Joined::look`].
    pub fn end(&mut self, columns: &[CsvColumn], spelling: &Spelling) -> Result<()> {
        let early = std::mem::take(&mut self.early);
        early
            .iter()
            .try_for_each(|suspect| self.judge(suspect, columns, spelling))
    }

    /// The lines of a value that has several, if each is as long as a row.
    fn suspect(&self, record: &Record) -> Option<Suspect> {
        let place =
            (0..record.len()).find(|place| record.value(*place).iter().any(|byte| matches!(byte, b'\n' | b'\r')))?;
        let text = record.value(place);
        let mut lines: Vec<Vec<u8>> = text
            .split(|byte| *byte == b'\n' || (*byte == b'\r' && !text.contains(&b'\n')))
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            .collect();
        let first = lines.remove(0);
        if place + self.values(&first)?.len() != self.width {
            return None;
        }
        // What follows the quote is of the last line.
        let last = lines.last_mut()?;
        for other in place + 1..record.len() {
            last.push(self.separator);
            last.extend_from_slice(record.value(other));
        }
        let rows: Option<Vec<_>> = lines.iter().map(|line| self.values(line)).collect();
        let rows = rows?;
        rows.iter().all(|row| row.len() == self.width).then_some(Suspect {
            line: record.line,
            rows,
        })
    }

    fn values(&self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let (mut records, mut record) = (Records::new(line, self.separator), Record::default());
        records
            .next(&mut record)
            .ok()?
            .then(|| record.values().map(<[u8]>::to_vec).collect())
    }

    /// Its lines are rows if numbers are where the columns have numbers; without such columns, if their separators are too many for a text.
    fn judge(&self, suspect: &Suspect, columns: &[CsvColumn], spelling: &Spelling) -> Result<()> {
        let numeric: Vec<usize> = columns
            .iter()
            .filter(|column| column.evidence.numeric())
            .map(|column| column.place)
            .collect();
        let fits = |row: &Vec<Vec<u8>>| {
            let cells: Vec<Cell> = numeric.iter().map(|place| spelling.cell(&row[*place])).collect();
            cells.iter().all(|cell| !matches!(cell, Cell::Text | Cell::Dressed(_)))
                && cells.iter().any(|cell| *cell != Cell::Missing)
        };
        let joined = match numeric.is_empty() {
            // A text of several lines has its separators now and then; row after row, or more than one in a row, is a table.
            true => match self.width {
                // A paragraph has empty lines, and a row none: what else lines of one value are, nobody can tell.
                0 | 1 => true,
                // Prose has a blank behind its comma.
                2 => suspect.rows.len() > 1 || suspect.rows.iter().all(|row| !row[1].starts_with(b" ")),
                _ => true,
            },
            false => suspect.rows.iter().all(fits),
        };
        if joined {
            bail!(
                "a quote in line {} joins lines that look like rows of their own, up to line {}: close it or write it twice, or {} if all of it is one value",
                suspect.line,
                suspect.line + suspect.rows.len() as u64,
                self.asked.switch(Setting::LineBreaksInValues)
            );
        }
        Ok(())
    }
}
