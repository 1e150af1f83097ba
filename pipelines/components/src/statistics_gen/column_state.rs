//! The state of a column, of which statistics are made.

use anyhow::{Result, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, StringArray};
use serde::{Deserialize, Serialize};

use super::numeric::Numbers;
use super::text::Texts;
use crate::features::{Column, Kind};
use crate::tfdv::statistics::{FeatureNameStatistics, Path};

/// What was seen of one column so far, in bounded memory; merges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnState {
    rows: u64,
    missing: u64,
    values: Values,
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
            values,
        }
    }

    /// Rows seen, with a value and without.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the values of one batch; text may come as a dictionary, which is counted by key.
    ///
    /// # Errors
    /// When a value does not fit the kind.
    pub fn add(&mut self, array: &ArrayRef, kind: Kind) -> Result<()> {
        self.rows += array.len() as u64;
        self.missing += array.null_count() as u64;
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
        let (num_stats, string_stats, custom_stats) = match &self.values {
            Values::Numbers(numbers) => (Some(numbers.finish(self.missing)), None, vec![numbers.custom()]),
            Values::Texts(texts) => (None, Some(texts.finish(self.missing)), Vec::new()),
        };
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
    use arrow_cast::cast;
    use arrow_schema::DataType;
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
}
