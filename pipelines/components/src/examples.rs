//! The layout of Examples: `Split-<name>/data.parquet` and `spans.json`, and the reading of Parquet tables.

use anyhow::{Context, Result, anyhow, bail};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampSecondType;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Type as PhysicalType};
use parquet::file::statistics::Statistics;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::features::{FeatureSpec, Kind};
use crate::task::{InputArtifact, read_json};
use crate::tfdv::statistics::SmallSpan;

/// Rows per batch at most: long enough loops.
pub const BATCH_ROWS: usize = 16 * 1024;

/// Bytes per batch, about: bounded memory, whatever the number of columns.
const BATCH_BYTES: usize = 32 << 20;

/// Rows per batch of a table with so many columns.
pub fn batch_rows(columns: usize) -> usize {
    (BATCH_BYTES / (8 * columns.max(1))).clamp(1, BATCH_ROWS)
}

/// Rows per batch of coded text: its dictionary is then counted once per row group.
pub const TEXT_ROWS: usize = 128 * 1024;

/// Bytes of such a batch, about.
const CODED_BYTES: usize = 128 << 20;

/// The folder of one split.
pub fn split_folder(artifact: &Path, split: &str) -> PathBuf {
    artifact.join(format!("Split-{split}"))
}

/// The splits of an artifact: as its `split_names` order them, else its folders by name.
///
/// # Errors
/// When the folder cannot be read or has no split.
pub fn split_names(input: &InputArtifact) -> Result<Vec<String>> {
    let entries = fs::read_dir(&input.path).with_context(|| format!("cannot read {}", input.path.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_prefix("Split-").map(str::to_owned));
    }
    names.sort();
    if let Some(said) = input.properties.get("split_names").and_then(|names| names.as_array()) {
        let place = |name: &String| said.iter().position(|other| other == name).unwrap_or(said.len());
        names.sort_by_key(place);
    }
    if names.is_empty() {
        bail!(
            "{} has no folder Split-<name>, so there is no split to read",
            input.path.display()
        );
    }
    Ok(names)
}

/// Names in a sentence: the first of many, and how many more.
pub fn few(names: &[&str]) -> String {
    const NAMED: usize = 20;
    let shown: Vec<Cow<str>> = names.iter().take(NAMED).map(|name| short(name)).collect();
    match names.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// A name, cut where it is longer than anybody reads.
pub fn short(name: &str) -> Cow<'_, str> {
    const LETTERS: usize = 100;
    match name.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}

/// The file `spans.json` of Examples: which row groups are of which span. No row group holds rows of two.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SpanManifest {
    /// Everything but the data that decides which rows are in which split, and what they hold.
    pub configuration: Value,
    /// Oldest first.
    pub spans: Vec<ManifestSpan>,
}

/// Small spans that go with the statistics.
const MOST_SMALL: usize = 20;

/// The rows of one span file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ManifestSpan {
    /// The span number.
    pub span: i64,
    /// The version within the span.
    pub version: Option<i64>,
    /// The file's own name.
    pub file: String,
    /// Of the file's content; without one the span is not known again.
    pub digest: Option<String>,
    /// By split.
    pub splits: BTreeMap<String, SpanRows>,
}

/// Where the rows of a span are in a split's file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanRows {
    /// The row groups, in order.
    pub row_groups: Range<usize>,
    /// Rows.
    pub rows: u64,
}

impl SpanManifest {
    /// The manifest's own name.
    pub const FILE: &str = "spans.json";

    /// The manifest of Examples; `None` of Examples without one, as other makers write them.
    ///
    /// # Errors
    /// When there is one that cannot be understood.
    pub fn read(examples: &Path) -> Result<Option<Self>> {
        let path = examples.join(Self::FILE);
        path.exists().then(|| read_json(&path)).transpose()
    }

    /// The files of the spans without any row, where others have some; a version of a span in several files needs one
    /// with rows.
    pub fn empty(&self) -> Vec<String> {
        let mut rows: BTreeMap<(i64, Option<i64>), u64> = BTreeMap::new();
        for span in &self.spans {
            *rows.entry((span.span, span.version)).or_default() +=
                span.splits.values().map(|part| part.rows).sum::<u64>();
        }
        let some = rows.values().any(|rows| *rows > 0);
        let empty = self
            .spans
            .iter()
            .filter(|span| some && rows.get(&(span.span, span.version)) == Some(&0));
        empty.map(|span| span.file.clone()).collect()
    }

    /// The spans with fewer rows than the one in the middle by size, the smallest first; not those without any.
    pub fn small(&self) -> Vec<SmallSpan> {
        let mut rows: BTreeMap<(i64, Option<i64>), (u64, &str)> = BTreeMap::new();
        for span in &self.spans {
            let (all, _) = rows.entry((span.span, span.version)).or_insert((0, &span.file));
            *all += span.splits.values().map(|part| part.rows).sum::<u64>();
        }
        let mut rows: Vec<_> = rows.into_values().filter(|(rows, _)| *rows > 0).collect();
        rows.sort_by_key(|(rows, _)| *rows);
        let Some((usual, _)) = rows.get(rows.len() / 2).copied() else {
            return Vec::new();
        };
        let small = rows.into_iter().take_while(|(rows, _)| *rows < usual);
        let small = small.map(|(examples, file)| SmallSpan {
            file: file.to_owned(),
            examples,
            usual,
        });
        small.take(MOST_SMALL).collect()
    }

    /// Fails unless the spans fill a split's file from the first row group to the last.
    ///
    /// # Errors
    /// Names the split.
    pub fn check(&self, split: &str, table: &Table) -> Result<()> {
        let mut end = 0;
        let mut whole = true;
        for span in &self.spans {
            let part = span.splits.get(split).cloned().unwrap_or_default();
            let SpanRows { row_groups, rows } = part;
            whole &= row_groups.is_empty() || row_groups.start == end;
            whole &= row_groups.end <= table.row_groups() && table.rows_of(row_groups.clone()) == rows;
            end = end.max(row_groups.end);
        }
        if !whole || end != table.row_groups() {
            bail!(
                "{} of the Examples does not fit the file of split '{split}': make the Examples anew",
                Self::FILE
            );
        }
        Ok(())
    }
}

/// A Parquet file whose footer is read.
pub struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl Table {
    /// Opens the file.
    ///
    /// # Errors
    /// When it cannot be read or is no Parquet file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default())
            .and_then(readable)
            .with_context(|| format!("{} is not a whole Parquet file: write it anew", path.display()))?;
        let groups = metadata.metadata().row_groups().iter();
        let unread = |codec: &Compression| matches!(codec, Compression::BROTLI(_) | Compression::LZO);
        let mut codecs = groups.flat_map(|group| group.columns().iter().map(|column| column.compression()));
        if let Some(codec) = codecs.find(unread) {
            let codec = codec.to_string();
            let codec = codec.split('(').next().unwrap_or(&codec);
            bail!(
                "{} is compressed with {codec}, which is not read: write it with zstd, snappy, gzip or lz4",
                path.display()
            );
        }
        Ok(Self {
            path: path.to_owned(),
            metadata,
        })
    }

    /// The columns with their Arrow types.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &DataType)> {
        let fields = self.metadata.schema().fields().iter();
        fields.map(|field| (field.name().as_str(), field.data_type()))
    }

    /// The smallest and the largest whole number of the columns that hold some, as far as the file says.
    pub fn ranges(&self) -> HashMap<String, (i64, i64)> {
        let mut ranges: HashMap<String, (i64, i64)> = HashMap::new();
        for group in self.metadata.metadata().row_groups() {
            for column in group.columns() {
                let ([name], Some(Statistics::Int64(found))) = (column.column_path().parts(), column.statistics())
                else {
                    continue;
                };
                if let (Some(low), Some(high)) = (found.min_opt(), found.max_opt()) {
                    let range = ranges.entry(name.clone()).or_insert((*low, *high));
                    *range = (range.0.min(*low), range.1.max(*high));
                }
            }
        }
        ranges
    }

    /// Column and row, from 1, of the first INT96 that is beyond what microseconds of 64 bits reach, some 292,000 years
    /// around 1970: it would wrap around. Those in lists are not looked at.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn beyond_microseconds(&self) -> Result<Option<(String, u64)>> {
        let mut columns = int96(&self.metadata).into_iter().zip(self.columns());
        let mut names = Vec::new();
        columns.by_ref().for_each(|(int96, (name, data_type))| {
            names.extend((int96 && !data_type.is_nested()).then_some(name));
        });
        if names.is_empty() {
            return Ok(None);
        }
        let metadata = in_unit(self.metadata.clone(), TimeUnit::Second)?;
        let reader = self.builder(metadata, &names)?.with_batch_size(BATCH_ROWS).build()?;
        let most = i64::MAX / 1_000_000;
        let mut before = 0;
        for batch in reader {
            let batch = batch?;
            for column in 0..batch.num_columns() {
                let seconds = batch.column(column).as_primitive::<TimestampSecondType>();
                let beyond = |row: &usize| seconds.is_valid(*row) && seconds.value(*row).unsigned_abs() >= most as u64;
                if let Some(row) = (0..seconds.len()).find(beyond) {
                    return Ok(Some((
                        batch.schema().field(column).name().clone(),
                        before + row as u64 + 1,
                    )));
                }
            }
            before += batch.num_rows() as u64;
        }
        Ok(None)
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The number of row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// The number of rows of these row groups; those that the file does not have count nothing.
    pub fn rows_of(&self, row_groups: Range<usize>) -> u64 {
        let groups = self
            .metadata
            .metadata()
            .row_groups()
            .get(row_groups)
            .unwrap_or_default();
        groups
            .iter()
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .sum()
    }

    /// So many rows have about so many bytes at most, by the row group with the longest.
    fn rows_within(&self, bytes: usize) -> usize {
        let groups = self.metadata.metadata().row_groups().iter();
        let longest = groups
            .map(|group| group.total_byte_size() / group.num_rows().max(1))
            .max();
        let longest = longest.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        (bytes / longest.max(1)).max(1)
    }

    /// The features, where a column without any value counts as text.
    ///
    /// # Errors
    /// When a column's type is none that Examples hold, naming file and column.
    pub fn features(&self) -> Result<FeatureSpec> {
        let feature = |(name, data_type): (&str, &DataType)| {
            let kind = Kind::of(data_type).with_context(|| format!("column '{name}'"))?;
            Ok((name.to_owned(), kind.unwrap_or(Kind::Bytes)))
        };
        let features: Result<Vec<_>> = self.columns().map(feature).collect();
        Ok(FeatureSpec(
            features.with_context(|| format!("file {}", self.path.display()))?,
        ))
    }

    /// The features with one value in a row, for readers that ask for a few by name: other columns, such as lists,
    /// are no concern of theirs.
    pub fn single(&self) -> FeatureSpec {
        let single = self.columns().filter(|(_, data_type)| !data_type.is_nested());
        let feature = |(name, data_type): (&str, &DataType)| {
            let kind = Kind::of(data_type).ok()?;
            Some((name.to_owned(), kind.unwrap_or(Kind::Bytes)))
        };
        FeatureSpec(single.filter_map(feature).collect())
    }

    /// Streams the named columns in batches of at most [`BATCH_ROWS`], fewer of many columns or long values.
    ///
    /// # Errors
    /// When a column is missing or the file cannot be read.
    pub fn read(&self, columns: &[&str]) -> Result<ParquetRecordBatchReader> {
        let builder = self.builder(self.metadata.clone(), columns)?;
        let rows = batch_rows(columns.len()).min(self.rows_within(BATCH_BYTES));
        let reader = builder.with_batch_size(rows).build();
        reader.with_context(|| format!("cannot read {}", self.path.display()))
    }

    /// Streams columns of some row groups; text comes as dictionaries.
    ///
    /// # Errors
    /// When a column is missing or the file cannot be read.
    pub fn read_coded(
        &self,
        columns: &[&str],
        row_groups: Range<usize>,
        rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let text = |field: &Field| columns.contains(&field.name().as_str()) && field.data_type() == &DataType::Utf8;
        let schema = self.metadata.schema();
        let metadata = if schema.fields().iter().any(|field| text(field)) {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            let field = |field: &Arc<Field>| match text(field) {
                true => Arc::new(field.as_ref().clone().with_data_type(coded.clone())),
                false => field.clone(),
            };
            let schema = Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>());
            let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
            ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options)?
        } else {
            self.metadata.clone()
        };
        let builder = self.builder(metadata, columns)?.with_row_groups(row_groups.collect());
        let reader = builder.with_batch_size(rows.min(self.rows_within(CODED_BYTES))).build();
        reader.with_context(|| format!("cannot read {}", self.path.display()))
    }

    fn builder(
        &self,
        metadata: ArrowReaderMetadata,
        columns: &[&str],
    ) -> Result<ParquetRecordBatchReaderBuilder<File>> {
        let schema = self.metadata.schema();
        let place = |name: &&str| {
            let place = schema.fields().iter().position(|field| field.name() == name);
            place.ok_or_else(|| {
                let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                anyhow!("{} has no column '{name}', only {}", self.path.display(), few(&names))
            })
        };
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_>>()?;
        let file = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), places);
        Ok(builder.with_projection(mask))
    }
}

/// Spark's INT96 as microseconds: as nanoseconds, a timestamp reaches from 1677 to 2262 only, and others wrap around.
fn readable(metadata: ArrowReaderMetadata) -> parquet::errors::Result<ArrowReaderMetadata> {
    in_unit(metadata, TimeUnit::Microsecond)
}

/// Which columns have INT96.
fn int96(metadata: &ArrowReaderMetadata) -> Vec<bool> {
    let parquet = metadata.parquet_schema();
    let mut int96 = vec![false; metadata.schema().fields().len()];
    for (place, leaf) in parquet.columns().iter().enumerate() {
        if leaf.physical_type() == PhysicalType::INT96 {
            int96[parquet.get_column_root_idx(place)] = true;
        }
    }
    int96
}

/// The types that a column is read in: INT96 in this unit, and what is no text without its dictionary, which not all
/// readers decode.
fn in_unit(metadata: ArrowReaderMetadata, unit: TimeUnit) -> parquet::errors::Result<ArrowReaderMetadata> {
    let int96 = int96(&metadata);
    let fields = metadata.schema().fields();
    let read: Vec<Arc<Field>> = fields
        .iter()
        .zip(int96)
        .map(|(field, int96)| {
            if int96 {
                coarser(field, unit)
            } else {
                field.as_ref().clone()
            }
        })
        .map(|field| Arc::new(plain(&field)))
        .collect();
    if read.iter().eq(fields.iter()) {
        return Ok(metadata);
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(read)));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)
}

/// The field without the dictionary of numbers, truth and times, in lists too.
fn plain(field: &Field) -> Field {
    let element = |element: &Arc<Field>| Arc::new(plain(element));
    let data_type = match field.data_type() {
        DataType::Dictionary(_, value) if !(value.is_string() || value.is_binary()) => value.as_ref().clone(),
        DataType::List(of) => DataType::List(element(of)),
        DataType::LargeList(of) => DataType::LargeList(element(of)),
        DataType::Struct(of) => DataType::Struct(of.iter().map(element).collect()),
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}

/// The field with this unit for nanoseconds or microseconds, in lists too.
fn coarser(field: &Field, unit: TimeUnit) -> Field {
    let element = |element: &Arc<Field>| Arc::new(coarser(element, unit));
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond | TimeUnit::Microsecond, zone) => {
            DataType::Timestamp(unit, zone.clone())
        }
        DataType::List(of) => DataType::List(element(of)),
        DataType::LargeList(of) => DataType::LargeList(element(of)),
        DataType::Struct(of) => DataType::Struct(of.iter().map(element).collect()),
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}
