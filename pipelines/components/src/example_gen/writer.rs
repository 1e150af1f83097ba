//! The Parquet files of the splits, written column by column: at any time a few columns have a writer, which takes some
//! 0.2 MB each, however many the file has.

use anyhow::{Context, Result};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::{Schema, SchemaRef};
use arrow_select::take::take_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, compute_leaves};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use crate::examples::{SpanRows, split_folder};
use crate::tfdv::threads::on_threads;

/// Rows a writer holds before it writes them down.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Bytes a writer holds before it writes them down, about: a row group of long texts or many columns has fewer rows.
const ROW_GROUP_BYTES: usize = 48 << 20;
/// Columns that are encoded before the first of them is written.
const COLUMNS: usize = 64;

/// The Parquet file of one split.
pub struct SplitWriter {
    /// The split's name.
    pub split: String,
    rows: usize,
    /// Where the current span starts.
    span: SpanRows,
    schema: SchemaRef,
    properties: WriterProperties,
    file: SerializedFileWriter<File>,
    /// The rows of the next row group, and about how many bytes they are.
    held: Vec<RecordBatch>,
    held_rows: usize,
    held_bytes: usize,
}

impl SplitWriter {
    /// Makes the split's folder and file.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn create(output: &Path, split: &str, schema: &SchemaRef) -> Result<Self> {
        let folder = split_folder(output, split);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join("data.parquet");
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties.clone()))?;
        Ok(Self {
            split: split.to_owned(),
            rows: 0,
            span: SpanRows::default(),
            schema: schema.clone(),
            properties,
            file: writer.into_serialized_writer()?.0,
            held: Vec::new(),
            held_rows: 0,
            held_bytes: 0,
        })
    }

    /// Adds rows of a batch.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, batch: &RecordBatch, rows: &[u32]) -> Result<()> {
        self.rows += rows.len();
        self.span.rows += rows.len() as u64;
        let width = batch.get_array_memory_size() / batch.num_rows().max(1);
        let fit = (ROW_GROUP_BYTES / width.max(1)).clamp(1, ROW_GROUP_ROWS);
        let mut rows = rows;
        while !rows.is_empty() {
            let room = fit.min(ROW_GROUP_ROWS - self.held_rows);
            let (now, later) = rows.split_at(room.min(rows.len()));
            self.held
                .push(take_record_batch(batch, &UInt32Array::from(now.to_vec()))?);
            self.held_rows += now.len();
            self.held_bytes += now.len() * width;
            if self.held_rows == ROW_GROUP_ROWS || self.held_bytes >= ROW_GROUP_BYTES {
                self.flush()?;
            }
            rows = later;
        }
        Ok(())
    }

    /// Writes what is held as a row group.
    fn flush(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        (self.held_rows, self.held_bytes) = (0, 0);
        if held.is_empty() {
            return Ok(());
        }
        let explain = || format!("cannot write split '{}'", self.split);
        let threads = available_parallelism().map_or(1, usize::from);
        let columns: Vec<usize> = (0..self.schema.fields().len()).collect();
        let mut group = self.file.next_row_group().with_context(explain)?;
        for columns in columns.chunks(COLUMNS) {
            let encode = |column: &usize| encode(&self.schema, &self.properties, &held, *column);
            for chunk in on_threads(columns, threads, encode) {
                chunk
                    .and_then(|chunk| Ok(chunk.append_to_row_group(&mut group)?))
                    .with_context(explain)?;
            }
        }
        group.close().with_context(explain)?;
        Ok(())
    }

    /// Ends the row group, so that the next span starts one of its own; says where the span is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end_span(&mut self) -> Result<SpanRows> {
        self.flush()?;
        self.span.row_groups.end = self.file.flushed_row_groups().len();
        let end = self.span.row_groups.end;
        let next = SpanRows {
            row_groups: end..end,
            rows: 0,
        };
        Ok(std::mem::replace(&mut self.span, next))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.file
            .close()
            .with_context(|| format!("cannot write split '{}'", self.split))?;
        println!("split {}: {} examples", self.split, self.rows);
        if self.rows == 0 {
            eprintln!(
                "warning: split '{}' is empty: give it more buckets or more data",
                self.split
            );
        }
        Ok(())
    }
}

/// One column of a row group, by a writer of its own as that of a file which has only this column.
fn encode(
    schema: &SchemaRef,
    properties: &WriterProperties,
    batches: &[RecordBatch],
    column: usize,
) -> Result<ArrowColumnChunk> {
    let field = schema.field(column);
    let alone = Arc::new(Schema::new(vec![field.clone()]));
    let file = ArrowWriter::try_new(io::sink(), alone, Some(properties.clone()))?;
    let (_, factory) = file.into_serialized_writer()?;
    let mut writer = factory
        .create_column_writers(0)?
        .pop()
        .with_context(|| format!("column '{}' has no writer", field.name()))?;
    for batch in batches {
        for leaf in compute_leaves(field, batch.column(column))? {
            writer.write(&leaf)?;
        }
    }
    Ok(writer.close()?)
}
