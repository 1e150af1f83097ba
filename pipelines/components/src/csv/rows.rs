//! The rows of a text table as batches of Arrow.

use anyhow::{Result, bail};
use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, NullArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::fs::File;
use std::sync::Arc;

use super::cells::Spelling;
use super::records::{Record, Records};
use super::{CsvFile, explain, open, ragged};
use crate::examples::batch_rows;
use crate::features::Kind;

/// Bytes of text that a batch holds, give or take a row.
const BATCH_BYTES: usize = 32 * 1024 * 1024;

/// One column of the batch that is being filled.
enum Values {
    Int(Int64Builder),
    Float(Float64Builder),
    Bytes(StringBuilder),
    Nothing,
}

impl Values {
    fn new(kind: Option<Kind>) -> Self {
        match kind {
            Some(Kind::Int) => Self::Int(Int64Builder::new()),
            Some(Kind::Float) => Self::Float(Float64Builder::new()),
            Some(Kind::Bytes) => Self::Bytes(StringBuilder::new()),
            None => Self::Nothing,
        }
    }

    /// Appends a value; `false` when it is not of the kind.
    fn push(&mut self, value: &[u8], spelling: &Spelling) -> bool {
        let missing = spelling.missing(value);
        match self {
            Self::Nothing => missing,
            Self::Int(numbers) => {
                let number = spelling.int(value).filter(|_| !missing);
                numbers.append_option(number);
                missing || number.is_some()
            }
            Self::Float(numbers) => {
                let number = spelling.float(value).filter(|_| !missing);
                numbers.append_option(number);
                missing || number.is_some()
            }
            Self::Bytes(texts) => {
                let text = std::str::from_utf8(value).ok().filter(|_| !missing);
                texts.append_option(text);
                missing || text.is_some()
            }
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Int(values) => Arc::new(values.finish()),
            Self::Float(values) => Arc::new(values.finish()),
            Self::Bytes(values) => Arc::new(values.finish()),
            Self::Nothing => Arc::new(NullArray::new(rows)),
        }
    }
}

/// Batches of at most [`batch_rows`], one after the other.
pub struct Batches<'a> {
    file: &'a CsvFile,
    /// Which column each of the values is of.
    columns: Vec<usize>,
    records: Records<File>,
    record: Record,
    schema: SchemaRef,
    values: Vec<Values>,
    row: u64,
    done: bool,
}

impl<'a> Batches<'a> {
    pub(super) fn new(file: &'a CsvFile, reads: &[(usize, Option<Kind>)]) -> Result<Self> {
        let field = |(column, kind): &(usize, Option<Kind>)| {
            let name = &file.columns[*column].name;
            Field::new(name, kind.map_or(DataType::Null, Kind::arrow), true)
        };
        let schema = Schema::new(reads.iter().map(field).collect::<Vec<_>>());
        let mut batches = Self {
            file,
            records: Records::new(open(&file.path)?, file.separator),
            record: Record::default(),
            schema: Arc::new(schema),
            columns: reads.iter().map(|(column, _)| *column).collect(),
            values: reads.iter().map(|(_, kind)| Values::new(*kind)).collect(),
            row: 0,
            done: false,
        };
        for _ in 0..1 + usize::from(file.first_line_is_none) {
            batches.next_record()?;
        }
        Ok(batches)
    }

    fn next_record(&mut self) -> Result<bool> {
        let read = self.records.next(&mut self.record);
        read.map_err(|fault| explain(&self.file.path, self.file.separator, fault))
    }

    fn fill(&mut self) -> Result<Option<RecordBatch>> {
        let (mut rows, mut bytes) = (0, 0);
        let most = batch_rows(self.file.width);
        while rows < most && bytes < BATCH_BYTES && self.next_record()? {
            (self.row, rows) = (self.row + 1, rows + 1);
            if self.record.len() != self.file.width {
                bail!(
                    "{}",
                    ragged(&self.record, self.file.width, self.file.separator, self.file.asked)
                );
            }
            for (column, values) in self.columns.iter().zip(&mut self.values) {
                let column = &self.file.columns[*column];
                let value = self.record.value(column.place);
                bytes += value.len();
                if !values.push(value, &self.file.spelling) {
                    let text = String::from_utf8_lossy(value);
                    let shown: String = text.chars().take(60).collect();
                    bail!(
                        "row {} of column '{}' is '{shown}', and the column is to be read as {}: correct it, name it in missing_values, or give the column another type in column_types",
                        self.row,
                        column.name,
                        match values {
                            Values::Int(_) => "INT",
                            Values::Float(_) => "FLOAT",
                            Values::Bytes(_) => "BYTES",
                            Values::Nothing => "missing",
                        }
                    );
                }
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.values.iter_mut().map(|values| values.finish(rows)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?))
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.fill();
        self.done = !matches!(batch, Ok(Some(_)));
        batch.transpose()
    }
}
