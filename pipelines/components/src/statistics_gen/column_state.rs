//! The state of a column, of which statistics are made.

use anyhow::{Result, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, StringArray, UInt32Array};
use arrow_cast::cast;
use arrow_schema::DataType;
use arrow_select::take::take;
use serde::{Deserialize, Serialize};

use super::numeric::Numbers;
use super::text::Texts;
use crate::features::{Column, Kind};
use crate::tfdv::statistics::{CommonStatistics, FeatureNameStatistics, Path};

/// What was seen of one column so far, in bounded memory; merges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnState {
    rows: u64,
    missing: u64,
    /// Of a column of lists, which has any number of values in a row.
    lists: Option<ValueCounts>,
    values: Values,
}

/// How many values the rows with a list have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ValueCounts {
    least: u64,
    most: u64,
    total: u64,
}

impl ValueCounts {
    fn join(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            total: self.total + other.total,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Values {
    Numbers(Box<Numbers>),
    Texts(Box<Texts>),
}

impl ColumnState {
    /// Nothing seen yet.
    pub fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Int | Kind::Float => Values::Numbers(Box::default()),
            Kind::Bytes => Values::Texts(Box::default()),
        };
        Self {
            rows: 0,
            missing: 0,
            lists: None,
            values,
        }
    }

    /// Nothing seen yet, of the same kind.
    pub fn nothing(&self) -> Self {
        let values = match self.values {
            Values::Numbers(_) => Values::Numbers(Box::default()),
            Values::Texts(_) => Values::Texts(Box::default()),
        };
        Self {
            rows: 0,
            missing: 0,
            lists: None,
            values,
        }
    }

    /// Rows seen, with a value and without.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the values of one batch; text may come as a dictionary, which is counted by key. A row without a list is
    /// missing, one with an empty list is not (TFDV).
    ///
    /// # Errors
    /// When a value does not fit the kind.
    pub fn add(&mut self, array: &ArrayRef, kind: Kind) -> Result<()> {
        self.rows += array.len() as u64;
        self.missing += array.logical_null_count() as u64;
        if !array.data_type().is_nested() {
            return self.add_values(array, kind);
        }
        let (counts, values) = flattened(array)?;
        self.lists = self.lists.into_iter().chain(counts).reduce(ValueCounts::join);
        self.add_values(&values, kind)
    }

    fn add_values(&mut self, array: &ArrayRef, kind: Kind) -> Result<()> {
        match &mut self.values {
            Values::Numbers(numbers) => numbers.add(&mut present(array, kind)?),
            Values::Texts(texts) => match array.as_dictionary_opt::<Int32Type>() {
                Some(dictionary) if dictionary.values().as_any().is::<StringArray>() => {
                    let values = dictionary.values().as_string::<i32>();
                    let mut counts = vec![0u64; values.len()];
                    for key in dictionary.keys().iter().flatten() {
                        counts[key as usize] += 1;
                    }
                    let counted = values.iter().zip(counts).filter(|(_, count)| *count > 0);
                    counted.for_each(|(value, count)| texts.add(value.unwrap_or_default(), count));
                }
                _ if opaque(array.data_type()) => {
                    let bytes = cast(array, &DataType::Binary)?;
                    for value in bytes.as_binary::<i32>().iter().flatten() {
                        texts.add(std::str::from_utf8(value).unwrap_or(NOT_TEXT), 1);
                    }
                }
                _ => {
                    if let Column::Bytes(values) = Column::cast(array, kind)? {
                        values.iter().flatten().for_each(|value| texts.add(value, 1));
                    }
                }
            },
        }
        Ok(())
    }

    /// Adds what another state has seen.
    ///
    /// # Errors
    /// When one has numbers and the other text.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += other.rows;
        self.missing += other.missing;
        self.lists = self.lists.into_iter().chain(other.lists).reduce(ValueCounts::join);
        match (&mut self.values, &other.values) {
            (Values::Numbers(numbers), Values::Numbers(others)) => numbers.merge(others),
            (Values::Texts(texts), Values::Texts(others)) => texts.merge(others),
            _ => bail!("numbers and text cannot be merged: make the column one type"),
        }
        Ok(())
    }

    /// Makes merging this into others cheap.
    pub fn tidy(&mut self) {
        if let Values::Numbers(numbers) = &mut self.values {
            numbers.tidy();
        }
    }

    /// The statistics of the column.
    pub fn finish(&self, name: &str, kind: Kind) -> FeatureNameStatistics {
        let (mut num_stats, mut string_stats, custom_stats) = match &self.values {
            Values::Numbers(numbers) => (Some(numbers.finish(self.missing)), None, vec![numbers.custom()]),
            Values::Texts(texts) => (None, Some(texts.finish(self.missing)), Vec::new()),
        };
        let common = num_stats.as_mut().map(|stats| &mut stats.common_stats);
        let common = common.or(string_stats.as_mut().map(|stats| &mut stats.common_stats));
        if let (Some(lists), Some(common)) = (self.lists, common) {
            *common = CommonStatistics::of_lists(
                self.rows - self.missing,
                self.missing,
                lists.least,
                lists.most,
                lists.total,
            );
        }
        FeatureNameStatistics {
            path: Some(Path::column(name)),
            name: String::new(),
            data_type: kind.into(),
            num_stats,
            string_stats,
            custom_stats,
        }
    }
}

/// What TFDV lists in place of bytes that are no text.
const NOT_TEXT: &str = "__BYTES_VALUE__";

fn opaque(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}

/// How many values the lists have, where there is one, and all of them.
fn flattened(array: &ArrayRef) -> Result<(Option<ValueCounts>, ArrayRef)> {
    let element = match array.data_type() {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => field.data_type(),
        other => bail!("its type is {other}, which has no statistics"),
    };
    let lists = cast(array, &DataType::new_list(element.clone(), true))?;
    let lists = lists.as_list::<i32>();
    let mut counts = None;
    let mut places = Vec::new();
    for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
        let ends = &lists.value_offsets()[row..row + 2];
        let length = (ends[1] - ends[0]) as u64;
        let own = ValueCounts {
            least: length,
            most: length,
            total: length,
        };
        counts = Some(counts.map_or(own, |known: ValueCounts| known.join(own)));
        places.extend(ends[0] as u32..ends[1] as u32);
    }
    // A null list may hide values, so they are taken one by one.
    let values = take(lists.values(), &UInt32Array::from(places), None)?;
    Ok((counts, values))
}

/// The present values as floating point.
fn present(array: &ArrayRef, kind: Kind) -> Result<Vec<f64>> {
    let gapless = array.null_count() == 0;
    if let (Some(values), true) = (array.as_primitive_opt::<Float64Type>(), gapless) {
        return Ok(values.values().to_vec());
    }
    if let (Some(values), true) = (array.as_primitive_opt::<Int64Type>(), gapless) {
        return Ok(values.values().iter().map(|value| *value as f64).collect());
    }
    Ok(match Column::cast(array, kind)? {
        Column::Int(values) => values.iter().flatten().map(|value| value as f64).collect(),
        Column::Float(values) => values.iter().flatten().collect(),
        Column::Bytes(_) => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::Int64Type;
    use arrow_array::{BinaryArray, ListArray, NullArray};
    use std::sync::Arc;

    #[test]
    fn a_dictionary_counts_as_its_values() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("JFK"), None, Some("LGA"), Some("JFK")]));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let (mut plain, mut coded) = (ColumnState::new(Kind::Bytes), ColumnState::new(Kind::Bytes));
        plain.add(&text, Kind::Bytes).unwrap();
        coded.add(&cast(&text, &dictionary).unwrap(), Kind::Bytes).unwrap();
        assert_eq!(plain, coded);
    }

    #[test]
    fn lists_are_counted_as_tfdv_counts_them() {
        let row = |values: &[i64]| Some(values.iter().copied().map(Some).collect::<Vec<_>>());
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([row(&[1, 2, 3]), None, row(&[]), row(&[6])]);
        let lists: ArrayRef = Arc::new(lists);
        let mut whole = ColumnState::new(Kind::Int);
        whole.add(&lists, Kind::Int).unwrap();
        let mut merged = ColumnState::new(Kind::Int);
        for part in [lists.slice(0, 2), lists.slice(2, 2)] {
            let mut state = ColumnState::new(Kind::Int);
            state.add(&part, Kind::Int).unwrap();
            merged.merge(&state).unwrap();
        }
        for state in [whole, merged] {
            let stats = state.finish("x", Kind::Int).num_stats.unwrap();
            assert_eq!((stats.min, stats.max, stats.mean), (1.0, 6.0, 3.0));
            let said = serde_json::to_string(&stats.common_stats).unwrap();
            assert_eq!(
                said,
                r#"{"numNonMissing":"3","numMissing":"1","minNumValues":"0","maxNumValues":"3","avgNumValues":1.3333333333333333,"totNumValues":"4"}"#
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_and_columns_of_nothing() {
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"\xff\xd8"[..]), Some(b"JFK"), None]));
        let mut state = ColumnState::new(Kind::Bytes);
        state.add(&bytes, Kind::Bytes).unwrap();
        let stats = state.finish("x", Kind::Bytes).string_stats.unwrap();
        let values: Vec<_> = stats.top_values.iter().map(|top| top.value.as_str()).collect();
        assert_eq!(values, ["JFK", "__BYTES_VALUE__"]);
        let nothing: ArrayRef = Arc::new(NullArray::new(7));
        let mut state = ColumnState::new(Kind::Bytes);
        state.add(&nothing, Kind::Bytes).unwrap();
        assert_eq!(state.finish("x", Kind::Bytes).common().num_missing, 7);
    }
}
