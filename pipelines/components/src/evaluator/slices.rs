//! TFMA's slicing specs, and which rows are in which slice.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

use super::names::word;
use crate::tfdv::listed::quoted;

/// More slices than anybody can look at.
const MAX_SLICES: usize = 10_000;

/// The value of rows that have none, in the names of slices.
pub const MISSING: &str = "<missing>";

/// Feature to value; empty is overall.
pub type SliceKey = BTreeMap<String, String>;

/// Which slices to measure; `{}` is all rows.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlicingSpec {
    /// One slice for each combination of values of these columns.
    pub feature_keys: Vec<String>,
    /// Only rows with these values.
    pub feature_values: BTreeMap<String, String>,
    /// One slice for each range of these columns' numbers, cut at rising edges.
    pub bins: BTreeMap<String, Vec<f64>>,
}

impl SlicingSpec {
    /// The columns it looks at, by name.
    pub fn groupings(&self) -> Vec<Grouping> {
        let whole = self.feature_keys.iter().chain(self.feature_values.keys());
        let whole = whole.filter(|column| !self.bins.contains_key(*column));
        let mut groupings: BTreeMap<&String, &[f64]> = whole.map(|column| (column, [].as_slice())).collect();
        groupings.extend(self.bins.iter().map(|(column, edges)| (column, edges.as_slice())));
        let grouping = |(column, edges): (&String, &[f64])| Grouping {
            column: column.clone(),
            edges: edges.to_vec(),
        };
        groupings.into_iter().map(grouping).collect()
    }

    /// Whether its bins can be made.
    ///
    /// # Errors
    /// When edges are none, not finite or not rising.
    pub fn check(&self) -> Result<()> {
        for (column, edges) in &self.bins {
            let rising = edges.windows(2).all(|pair| pair[0] < pair[1]);
            if edges.is_empty() || !rising || !edges.iter().all(|edge| edge.is_finite()) {
                bail!("the bins of '{column}' are {edges:?}: give them at least one edge, each above the one before");
            }
        }
        Ok(())
    }
}

/// A column to slice by, and where to cut its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// As in the predictions.
    pub column: String,
    /// Rising; none means each value for itself.
    pub edges: Vec<f64>,
}

impl Grouping {
    /// Tells groupings apart.
    pub fn name(&self) -> String {
        if self.edges.is_empty() {
            self.column.clone()
        } else {
            format!("{} {:?}", self.column, self.edges)
        }
    }

    /// `(-inf, 0)`, `[0, 500)`, `[500, inf)`.
    pub fn bin_names(&self) -> Vec<String> {
        let ends: Vec<String> = ["-inf".to_owned()]
            .into_iter()
            .chain(self.edges.iter().map(f64::to_string))
            .chain(["inf".to_owned()])
            .collect();
        let name = |(bin, pair): (usize, &[String])| {
            let bracket = if bin == 0 { '(' } else { '[' };
            format!("{bracket}{}, {})", pair[0], pair[1])
        };
        ends.windows(2).enumerate().map(name).collect()
    }
}

/// A column to slice by: a small number for each row in place of its value.
#[derive(Debug, Default)]
pub struct Categories {
    codes: Vec<u32>,
    values: Vec<String>,
    known: HashMap<String, u32>,
}

/// The code of a missing value, and the group of a row in no slice.
const NONE: u32 = u32::MAX;

impl Categories {
    /// Appends a row.
    pub fn push(&mut self, value: Option<&str>) {
        let code = value.map_or(NONE, |value| self.code(value));
        self.codes.push(code);
    }

    /// The number that stands for a value.
    pub fn code(&mut self, value: &str) -> u32 {
        self.known.get(value).copied().unwrap_or_else(|| {
            let code = u32::try_from(self.values.len()).unwrap_or(NONE);
            self.values.push(value.to_owned());
            self.known.insert(value.to_owned(), code);
            code
        })
    }

    /// Makes the rows without a value a category too, called [`MISSING`]; the same word as a text is written in double
    /// quotes, so that it is another. Returns what whoever slices by `column` should know.
    pub fn name_missing(&mut self, column: &str) -> Vec<String> {
        let mut notes = Vec::new();
        let literal = |value: &str| value.trim_matches('"') == MISSING;
        if self.values.iter().any(|value| literal(value)) {
            self.rename(|value| match literal(value) {
                true => format!("\"{value}\""),
                false => value.to_owned(),
            });
            notes.push(format!(
                "column {} has the text {MISSING}: its slice is called \"{MISSING}\", since {MISSING} are the rows without a value",
                quoted(column)
            ));
        }
        if self.codes.contains(&NONE) {
            if self.values.is_empty() {
                notes.push(format!(
                    "column {} has no value in any row: its only slice is {MISSING}",
                    quoted(column)
                ));
            }
            let code = self.code(MISSING);
            let missing = self.codes.iter_mut().filter(|code| **code == NONE);
            missing.for_each(|missing| *missing = code);
        }
        notes
    }

    /// The values in the order of their numbers.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Calls values by other names; those of one name are one.
    pub fn rename(&mut self, name: impl Fn(&str) -> String) {
        let mut renamed = Self::default();
        let codes: Vec<u32> = self.values.iter().map(|value| renamed.code(&name(value))).collect();
        let code = |code: &u32| codes.get(*code as usize).copied().unwrap_or(NONE);
        renamed.codes = self.codes.iter().map(code).collect();
        *self = renamed;
    }

    /// The number of a value that somebody asks for; where the column has no such text, `True` is 1, `02134` and
    /// `2134.0` are 2134, and nothing is the rows without a value.
    pub fn asked(&self, value: &str) -> Option<u32> {
        let known = |value: &str| self.known.get(value).copied();
        let equal = || {
            let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
            // Whole numbers beyond those of floating point keep their digits.
            let whole = value
                .trim()
                .parse::<i64>()
                .ok()
                .and_then(|whole| known(&whole.to_string()));
            whole.or_else(|| known(&(number + 0.0).to_string()))
        };
        known(value)
            .or_else(|| known(&word(value)?))
            .or_else(equal)
            .or_else(|| known(MISSING).filter(|_| value.is_empty()))
    }

    /// The values in the order of their numbers.
    pub fn into_values(self) -> Vec<String> {
        self.values
    }
}

/// The rows of each slice. The overall slice is always there; a row without a value in a column is in no slice by
/// that column, as in TFMA, unless [`Categories::name_missing`] made it one.
///
/// # Errors
/// When there are more than [`MAX_SLICES`].
pub fn slices(
    specs: &[SlicingSpec],
    columns: &BTreeMap<String, Categories>,
    rows: usize,
) -> Result<BTreeMap<SliceKey, Vec<u32>>> {
    let everything = (0u32..).take(rows).collect();
    let mut slices = BTreeMap::from([(SliceKey::new(), everything)]);
    for spec in specs {
        for (key, rows) in of_spec(spec, columns, rows)? {
            slices.insert(key, rows);
        }
        if slices.len() > MAX_SLICES {
            bail!("slicing_specs make more than {MAX_SLICES} slices: slice by columns with fewer values");
        }
    }
    Ok(slices)
}

fn of_spec(
    spec: &SlicingSpec,
    columns: &BTreeMap<String, Categories>,
    rows: usize,
) -> Result<Vec<(SliceKey, Vec<u32>)>> {
    // One group of all rows, divided column by column.
    let mut groups = vec![0; rows];
    let mut keys = vec![SliceKey::new()];
    for grouping in spec.groupings() {
        let name = &grouping.column;
        let Some(column) = columns.get(&grouping.name()) else {
            bail!("slicing_specs name the column '{name}', which was not read");
        };
        let wanted = spec.feature_values.get(name);
        let asked = wanted.map(|value| column.asked(value));
        let mut parts: HashMap<(u32, u32), u32> = HashMap::new();
        let mut divided = Vec::new();
        for (group, code) in groups.iter_mut().zip(&column.codes) {
            if *group == NONE || *code == NONE || asked.is_some_and(|asked| asked != Some(*code)) {
                *group = NONE;
                continue;
            }
            *group = *parts.entry((*group, *code)).or_insert_with(|| {
                let mut key = keys[*group as usize].clone();
                // One value is named as it is asked for.
                let value = wanted.unwrap_or(&column.values[*code as usize]);
                key.insert(name.clone(), value.clone());
                divided.push(key);
                divided.len() as u32 - 1
            });
        }
        if divided.len() > MAX_SLICES {
            bail!(
                "slicing by '{name}' makes {} slices, more than {MAX_SLICES}: slice by columns with fewer values",
                divided.len()
            );
        }
        keys = divided;
    }
    let mut slices: Vec<_> = keys.into_iter().map(|key| (key, Vec::new())).collect();
    for (row, group) in (0u32..).zip(groups) {
        if group != NONE {
            slices[group as usize].1.push(row);
        }
    }
    Ok(slices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn column(values: &[Option<&str>]) -> Categories {
        let mut column = Categories::default();
        values.iter().for_each(|value| column.push(*value));
        column
    }

    fn named(slices: BTreeMap<SliceKey, Vec<u32>>) -> String {
        let line = |(key, rows): (SliceKey, Vec<u32>)| format!("{key:?} {rows:?}");
        slices.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn flights() -> BTreeMap<String, Categories> {
        let origin = column(&[Some("EWR"), Some("JFK"), Some("EWR"), None, Some("JFK")]);
        let carrier = column(&[Some("UA"), Some("UA"), Some("B6"), Some("B6"), None]);
        BTreeMap::from([("origin".to_owned(), origin), ("carrier".to_owned(), carrier)])
    }

    fn sliced(specs: serde_json::Value) -> String {
        let specs: Vec<SlicingSpec> = serde_json::from_value(specs).unwrap();
        named(slices(&specs, &flights(), 5).unwrap())
    }

    #[test]
    fn by_value_by_feature_and_crossed() {
        insta::assert_snapshot!(sliced(json!([])), @"{} [0, 1, 2, 3, 4]");
        insta::assert_snapshot!(sliced(json!([{}, {"feature_keys": ["origin"]}])), @r#"
        {} [0, 1, 2, 3, 4]
        {"origin": "EWR"} [0, 2]
        {"origin": "JFK"} [1, 4]
        "#);
        insta::assert_snapshot!(sliced(json!([{"feature_keys": ["origin", "carrier"]}])), @r#"
        {} [0, 1, 2, 3, 4]
        {"carrier": "B6", "origin": "EWR"} [2]
        {"carrier": "UA", "origin": "EWR"} [0]
        {"carrier": "UA", "origin": "JFK"} [1]
        "#);
        insta::assert_snapshot!(
            sliced(json!([{"feature_keys": ["origin"], "feature_values": {"carrier": "UA"}}])), @r#"
        {} [0, 1, 2, 3, 4]
        {"carrier": "UA", "origin": "EWR"} [0]
        {"carrier": "UA", "origin": "JFK"} [1]
        "#);
        insta::assert_snapshot!(sliced(json!([{"feature_values": {"carrier": "ZZ"}}])), @"{} [0, 1, 2, 3, 4]");
    }

    #[test]
    fn what_is_asked_for_is_found_however_it_is_written() {
        let mut store = column(&[Some("2134"), Some("0.5"), Some("0421"), None]);
        assert!(store.name_missing("store").is_empty());
        let of = |value: &str| store.asked(value);
        for same in ["2134", "02134", "2134.0", " 2134", "2.134e3", "+2134"] {
            assert_eq!(of(same), Some(0), "{same}");
        }
        assert_eq!((of(".5"), of("0421"), of("421")), (Some(1), Some(2), None));
        assert_eq!(
            (of(""), of("<missing>"), of("nan"), of("x")),
            (Some(3), Some(3), None, None)
        );
    }

    #[test]
    fn the_word_for_missing_as_a_text_is_another_slice() {
        let mut literal = column(&[Some("<missing>"), None, Some("\"<missing>\""), Some("a")]);
        let notes = literal.name_missing("h");
        assert_eq!(
            literal.values(),
            ["\"<missing>\"", "\"\"<missing>\"\"", "a", "<missing>"]
        );
        assert_eq!((literal.asked("<missing>"), literal.asked("")), (Some(3), Some(3)));
        insta::assert_snapshot!(notes.join("\n"), @r#"column 'h' has the text <missing>: its slice is called "<missing>", since <missing> are the rows without a value"#);
        let mut alone = column(&[Some("<missing>")]);
        alone.name_missing("h");
        assert_eq!(
            (alone.asked("<missing>"), alone.asked("\"<missing>\"")),
            (None, Some(0))
        );
        let notes = column(&[None, None]).name_missing("g");
        insta::assert_snapshot!(notes.join("\n"), @"column 'g' has no value in any row: its only slice is <missing>");
        assert!(column(&[]).name_missing("g").is_empty());
    }

    #[test]
    fn a_slice_of_two_specs_is_there_once() {
        let specs = json!([{"feature_values": {"origin": "EWR"}}, {"feature_keys": ["origin"]}]);
        assert_eq!(sliced(specs), sliced(json!([{"feature_keys": ["origin"]}])));
    }

    #[test]
    fn unlimited_slices_are_refused() {
        let mut column = Categories::default();
        (0..=MAX_SLICES).for_each(|number| column.push(Some(&number.to_string())));
        let spec = SlicingSpec {
            feature_keys: vec!["tail".to_owned()],
            ..SlicingSpec::default()
        };
        let columns = BTreeMap::from([("tail".to_owned(), column)]);
        let error = slices(&[spec], &columns, MAX_SLICES + 1).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @"slicing by 'tail' makes 10001 slices, more than 10000: slice by columns with fewer values");
    }

    proptest! {
        #[test]
        fn slices_of_a_spec_partition_the_rows_with_values(
            rows in prop::collection::vec((prop::option::of(0..4), prop::option::of(0..4)), 0..60)
        ) {
            let text = |value: Option<i32>| value.map(|value| value.to_string());
            let (mut a, mut b) = (Categories::default(), Categories::default());
            for (left, right) in &rows {
                a.push(text(*left).as_deref());
                b.push(text(*right).as_deref());
            }
            let columns = BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
            let spec = SlicingSpec { feature_keys: vec!["a".to_owned(), "b".to_owned()], ..SlicingSpec::default() };
            let mut seen = Vec::new();
            for (key, members) in of_spec(&spec, &columns, rows.len()).unwrap() {
                prop_assert!(!members.is_empty());
                for row in members {
                    let (left, right) = rows[row as usize];
                    prop_assert_eq!((text(left), text(right)), (key.get("a").cloned(), key.get("b").cloned()));
                    seen.push(row);
                }
            }
            seen.sort_unstable();
            let whole = |row: &u32| rows[*row as usize].0.is_some() && rows[*row as usize].1.is_some();
            prop_assert_eq!(seen, (0..rows.len() as u32).filter(whole).collect::<Vec<_>>());
        }
    }
}
