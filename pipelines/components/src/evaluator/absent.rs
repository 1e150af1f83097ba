//! Slices that were asked for by value, and that no row is in.

use std::collections::BTreeMap;

use super::predictions::{meant, some};
use super::slices::{Categories, SlicingSpec};
use crate::tfdv::listed::quoted;

/// A sentence on each value that no row has.
pub(super) fn absent(specs: &[SlicingSpec], columns: &BTreeMap<String, Categories>) -> Vec<String> {
    let mut notes = Vec::new();
    for spec in specs {
        for grouping in spec.groupings() {
            let column = &grouping.column;
            let wanted = spec.feature_values.get(column);
            let Some((value, categories)) = wanted.zip(columns.get(&grouping.name())) else {
                continue;
            };
            if categories.asked(value).is_none() {
                let mut has = categories.values().to_vec();
                has.sort_unstable();
                let near: Vec<&str> = has.iter().map(String::as_str).collect();
                let near = meant(value, &near);
                let said = match has.as_slice() {
                    [] => "there are no rows".to_owned(),
                    has => format!(
                        "it has {}",
                        some(&has.iter().map(|value| quoted(value)).collect::<Vec<_>>())
                    ),
                };
                let note = format!(
                    "no row has the value {} in column '{column}'{near}, so that there is no such slice: {said}",
                    quoted(value)
                );
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_no_row_has_are_told_with_those_there_are() {
        let mut store = Categories::default();
        ["7", "8", "9", "10", "11", "12"]
            .iter()
            .for_each(|value| store.push(Some(value)));
        let columns = BTreeMap::from([("store".to_owned(), store)]);
        let spec = |value: &str| SlicingSpec {
            feature_values: BTreeMap::from([("store".to_owned(), value.to_owned())]),
            ..SlicingSpec::default()
        };
        let long = "x".repeat(100_000);
        let notes = absent(&[spec("07"), spec("13"), spec("13"), spec(&long)], &columns);
        insta::assert_snapshot!(notes.join("\n"), @"
        no row has the value '13' in column 'store' (did you mean '10'?), so that there is no such slice: it has '10', '11', '12', '7', '8' and 1 more
        no row has the value a text of 100000 bytes in column 'store', so that there is no such slice: it has '10', '11', '12', '7', '8' and 1 more
        ");
    }
}
