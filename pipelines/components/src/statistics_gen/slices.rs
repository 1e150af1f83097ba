//! Statistics of slices: a column's states of all rows and of the rows of each slice, measured in the same pass.

use anyhow::{Context, Result, bail};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_select::take::take;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::column_state::ColumnState;
use crate::evaluator::predictions::{categorise, meant};
use crate::evaluator::slices::{Categories, Grouping, SliceKey, SlicingSpec, slices};
use crate::examples::few;
use crate::features::{Column, FeatureSpec, Kind};
use crate::tfdv::listed::listed;

/// Slices of a split at most: each needs up to some 0.1 MB of memory for each column.
const MAX_SLICES: usize = 200;

/// Which slices to measure beside all rows.
#[derive(Debug, Default)]
pub struct Slicing {
    specs: Vec<SlicingSpec>,
    groupings: Vec<Grouping>,
}

impl Slicing {
    /// # Errors
    /// When bins cannot be made.
    pub fn new(specs: Vec<SlicingSpec>) -> Result<Self> {
        specs.iter().try_for_each(SlicingSpec::check)?;
        let mut specs = specs;
        for value in specs.iter_mut().flat_map(|spec| spec.feature_values.values_mut()) {
            *value = listed(value).into_owned();
        }
        let mut groupings: Vec<Grouping> = Vec::new();
        for grouping in specs.iter().flat_map(SlicingSpec::groupings) {
            if !groupings.contains(&grouping) {
                groupings.push(grouping);
            }
        }
        Ok(Self { specs, groupings })
    }

    /// Whether there is nothing but all rows.
    pub fn is_empty(&self) -> bool {
        self.groupings.is_empty()
    }

    /// What tells it from other slicings; null of none.
    pub fn identity(&self) -> Value {
        match self.is_empty() {
            true => Value::Null,
            false => json!(self.specs),
        }
    }

    /// The columns it looks at.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.groupings.iter().map(|grouping| grouping.column.as_str())
    }

    /// Fails when a split lacks a column.
    ///
    /// # Errors
    /// Names the column and those there are.
    pub fn check(&self, split: &str, features: &FeatureSpec) -> Result<()> {
        let names: Vec<&str> = features.0.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(missing) = self.columns().find(|column| !names.contains(column)) {
            bail!(
                "slicing_specs name the column '{missing}'{}, but split '{split}' has only {}",
                meant(missing, &names),
                few(&names)
            );
        }
        Ok(())
    }

    /// The rows of each slice, ascending; rows without a value are a slice too, and long values are
    /// [`listed`].
    ///
    /// # Errors
    /// When a column cannot be sliced or makes too many slices.
    pub fn rows(&self, batch: &RecordBatch, features: &FeatureSpec) -> Result<Vec<(SliceKey, UInt32Array)>> {
        let mut columns = BTreeMap::new();
        for grouping in &self.groupings {
            let name = &grouping.column;
            let kind = features
                .0
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, kind)| *kind);
            let (Some(array), Some(kind)) = (batch.column_by_name(name), kind) else {
                bail!("there is no column '{name}' to slice by");
            };
            let mut categories = Categories::default();
            categorise(&Column::cast(array, kind)?, grouping, &mut categories)
                .with_context(|| format!("slicing_specs and column '{name}'"))?;
            categories.rename(|value| listed(value).into_owned());
            categories.name_missing(name);
            columns.insert(grouping.name(), categories);
        }
        let found = slices(&self.specs, &columns, batch.num_rows())?.into_iter();
        let sliced = found.filter(|(key, _)| !key.is_empty());
        Ok(sliced.map(|(key, rows)| (key, UInt32Array::from(rows))).collect())
    }
}

/// What TFDV calls a slice: `carrier_UA_origin_JFK`.
pub fn slice_name(key: &SliceKey) -> String {
    let parts: Vec<String> = key.iter().map(|(column, value)| format!("{column}_{value}")).collect();
    parts.join("_")
}

/// The states of one column: of all rows, and of each slice that has any row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sliced {
    all: ColumnState,
    slices: BTreeMap<SliceKey, ColumnState>,
}

impl Sliced {
    /// Nothing seen yet.
    pub fn new(kind: Kind) -> Self {
        Self {
            all: ColumnState::new(kind),
            slices: BTreeMap::new(),
        }
    }

    /// Adds one batch of the column, and which of its rows are in which slice.
    ///
    /// # Errors
    /// When a value does not fit the kind, or there are too many slices.
    pub fn add(&mut self, array: &ArrayRef, kind: Kind, slices: &[(SliceKey, UInt32Array)]) -> Result<()> {
        self.all.add(array, kind)?;
        for (key, rows) in slices {
            self.slice(key)?.add(&take(array, rows, None)?, kind)?;
        }
        Ok(())
    }

    /// Adds what another has seen, slice by slice.
    ///
    /// # Errors
    /// When one has numbers and the other text, or there are too many slices.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.all.merge(&other.all)?;
        for (key, state) in &other.slices {
            self.slice(key)?.merge(state)?;
        }
        Ok(())
    }

    /// Makes merging this into others cheap.
    pub fn tidy(&mut self) {
        self.all.tidy();
        self.slices.values_mut().for_each(ColumnState::tidy);
    }

    fn slice(&mut self, key: &SliceKey) -> Result<&mut ColumnState> {
        if !self.slices.contains_key(key) {
            if self.slices.len() == MAX_SLICES {
                let columns: Vec<&str> = key.keys().map(String::as_str).collect();
                bail!(
                    "slicing by {} makes more than {MAX_SLICES} slices: slice by columns with fewer values, or name values in feature_values",
                    columns.join(" and ")
                );
            }
            self.slices.insert(key.clone(), self.all.nothing());
        }
        self.slices.get_mut(key).context("the slice is there by now")
    }

    /// The slices, by name of column and value.
    pub fn slices(&self) -> impl Iterator<Item = &SliceKey> {
        self.slices.keys()
    }

    /// The state of a slice; of all rows without one.
    pub fn of(&self, slice: Option<&SliceKey>) -> Option<&ColumnState> {
        slice.map_or(Some(&self.all), |key| self.slices.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, Int64Array, StringArray};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn slicing(specs: serde_json::Value) -> Slicing {
        Slicing::new(serde_json::from_value(specs).unwrap()).unwrap()
    }

    fn flights() -> (RecordBatch, FeatureSpec) {
        let origin: ArrayRef = Arc::new(StringArray::from(vec![Some("JFK"), None, Some("LGA"), Some("JFK")]));
        let hour: ArrayRef = Arc::new(Int64Array::from(vec![5, 6, 5, 6]));
        let delay: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None, Some(4.0)]));
        let batch = RecordBatch::try_from_iter([("origin", origin), ("hour", hour), ("delay", delay)]).unwrap();
        let kinds = [("origin", Kind::Bytes), ("hour", Kind::Int), ("delay", Kind::Float)];
        (
            batch,
            FeatureSpec(kinds.map(|(name, kind)| (name.to_owned(), kind)).to_vec()),
        )
    }

    #[test]
    fn slices_are_named_as_tfdv_names_them_and_hold_their_rows() {
        let (batch, features) = flights();
        let specs = json!([{}, {"feature_keys": ["origin", "hour"]}, {"feature_values": {"origin": "JFK"}}, {"bins": {"delay": [2.0]}}]);
        let rows = slicing(specs).rows(&batch, &features).unwrap();
        let said = rows
            .iter()
            .map(|(key, rows)| format!("{} {:?}", slice_name(key), rows.values().to_vec()));
        insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @"
        delay_(-inf, 2) [0]
        delay_<missing> [2]
        delay_[2, inf) [1, 3]
        hour_5_origin_JFK [0]
        hour_5_origin_LGA [2]
        hour_6_origin_<missing> [1]
        hour_6_origin_JFK [3]
        origin_JFK [0, 3]
        ");
    }

    #[test]
    fn every_row_is_in_a_slice_and_no_name_holds_a_document() {
        let document = "secret ".repeat(2000);
        let origin: ArrayRef = Arc::new(StringArray::from(vec![Some(document.as_str()), None, Some("LGA")]));
        let batch = RecordBatch::try_from_iter([("origin", origin)]).unwrap();
        let features = FeatureSpec(vec![("origin".to_owned(), Kind::Bytes)]);
        let sliced = |specs| -> Vec<(String, usize)> {
            let rows = slicing(specs).rows(&batch, &features).unwrap().into_iter();
            rows.map(|(key, rows)| (slice_name(&key), rows.values().len()))
                .collect()
        };
        let found = sliced(json!([{"feature_keys": ["origin"]}]));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names[0], names[1]), ("origin_<missing>", "origin_LGA"));
        assert!(
            names[2].starts_with("origin___LARGE_BYTES__ [14000 bytes, "),
            "{}",
            names[2]
        );
        assert_eq!(found.iter().map(|(_, rows)| rows).sum::<usize>(), 3);
        let whole = json!([{"feature_values": {"origin": document}}, {"feature_values": {"origin": "<missing>"}}]);
        assert_eq!(sliced(whole).len(), 2);
    }

    #[test]
    fn a_text_that_reads_like_no_value_is_a_slice_of_its_own() {
        let texts = vec![Some("<missing>"), None, Some("\"<missing>\""), Some("<missing>")];
        let origin: ArrayRef = Arc::new(StringArray::from(texts));
        let batch = RecordBatch::try_from_iter([("origin", origin)]).unwrap();
        let features = FeatureSpec(vec![("origin".to_owned(), Kind::Bytes)]);
        let specs = json!([{"feature_keys": ["origin"]}]);
        let rows = slicing(specs).rows(&batch, &features).unwrap();
        let said = rows
            .iter()
            .map(|(key, rows)| format!("{} {:?}", slice_name(key), rows.values().to_vec()));
        insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @r#"
        origin_""<missing>"" [2]
        origin_"<missing>" [0, 3]
        origin_<missing> [1]
        "#);
    }

    #[test]
    fn columns_that_are_not_there_and_too_many_slices_are_refused() {
        let (_, features) = flights();
        let error = slicing(json!([{"feature_keys": ["dest"]}]))
            .check("eval", &features)
            .unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"slicing_specs name the column 'dest', but split 'eval' has only origin, hour, delay");
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..=200));
        let batch = RecordBatch::try_from_iter([("tailnum", numbers.clone())]).unwrap();
        let features = FeatureSpec(vec![("tailnum".to_owned(), Kind::Int)]);
        let rows = slicing(json!([{"feature_keys": ["tailnum"]}]))
            .rows(&batch, &features)
            .unwrap();
        let error = Sliced::new(Kind::Int).add(&numbers, Kind::Int, &rows).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"slicing by tailnum makes more than 200 slices: slice by columns with fewer values, or name values in feature_values");
    }

    proptest! {
        #[test]
        fn a_slice_has_the_state_of_its_rows_alone_and_merges(
            rows in prop::collection::vec((0..3_i64, prop::option::of(-5.0..5.0)), 0..60), cut in 0..60_usize
        ) {
            let array = |rows: &[(i64, Option<f64>)]| -> ArrayRef { Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.1))) };
            let features = FeatureSpec(vec![("group".to_owned(), Kind::Int)]);
            let slicing = slicing(json!([{"feature_keys": ["group"]}]));
            let sliced = |rows: &[(i64, Option<f64>)]| {
                let group: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0)));
                let batch = RecordBatch::try_from_iter([("group", group)]).unwrap();
                let mut sliced = Sliced::new(Kind::Float);
                sliced.add(&array(rows), Kind::Float, &slicing.rows(&batch, &features).unwrap()).unwrap();
                sliced
            };
            let (first, second) = rows.split_at(cut.min(rows.len()));
            let mut merged = sliced(first);
            merged.merge(&sliced(second)).unwrap();
            let whole = sliced(&rows);
            prop_assert!(whole.slices().eq(merged.slices()));
            for key in whole.slices() {
                let group: i64 = key["group"].parse().unwrap();
                let own: Vec<_> = rows.iter().filter(|row| row.0 == group).copied().collect();
                let mut alone = ColumnState::new(Kind::Float);
                alone.add(&array(&own), Kind::Float).unwrap();
                prop_assert_eq!(whole.of(Some(key)), Some(&alone));
                let said = |state: &ColumnState| state.finish("x", Kind::Float);
                let (merged, alone) = (said(merged.of(Some(key)).unwrap()), said(&alone));
                prop_assert_eq!(merged.num_stats.map(|stats| (stats.common_stats, stats.min, stats.max, stats.median)),
                    alone.num_stats.map(|stats| (stats.common_stats, stats.min, stats.max, stats.median)));
            }
        }
    }
}
