//! Stored rows that this program cannot read: set aside, said once, and in nobody's way.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// More than anybody reads; a row beyond them is left out of its list all the same.
const MOST: usize = 1000;

/// A stored row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// What it is, for example `pipeline`.
    pub what: &'static str,
    /// Which one.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What of a run cannot be read, in lists and by itself.
const OF_RUNS: [&str; 4] = ["run", "run at work", "request of run", "event of run"];
/// The same of deliveries.
const OF_DELIVERIES: [&str; 2] = ["delivery", "delivery that waits"];

impl Unreadable {
    /// Whether it is part of a run.
    pub fn is_of_run(&self) -> bool {
        OF_RUNS.contains(&self.what)
    }

    /// Whether it is a delivery.
    pub fn is_of_delivery(&self) -> bool {
        OF_DELIVERIES.contains(&self.what)
    }

    /// For people.
    pub fn sentence(&self) -> String {
        let Self { what, key, problem } = self;
        format!("the stored {what} '{key}' cannot be read: {problem}")
    }
}

/// The rows that were met and could not be read, each once.
#[derive(Default)]
pub(crate) struct SetAside(Mutex<BTreeMap<(&'static str, String), Unreadable>>);

impl SetAside {
    pub(crate) fn all(&self) -> Vec<Unreadable> {
        self.rows().values().cloned().collect()
    }

    pub(crate) fn find(&self, what: &'static str, key: &str) -> Option<Unreadable> {
        self.rows().get(&(what, key.to_owned())).cloned()
    }

    /// What a read met of one kind: rows that cannot be read join, and those of before stay that are
    /// `still` so.
    pub(crate) fn met(&self, what: &'static str, unreadable: Vec<Unreadable>, still: impl Fn(&str) -> bool) {
        let mut rows = self.rows();
        rows.retain(|(kind, key), _| *kind != what || still(key) || unreadable.iter().any(|row| row.key == *key));
        for row in unreadable {
            let (place, sentence) = ((row.what, row.key.clone()), row.sentence());
            let known = rows.contains_key(&place);
            if known || rows.len() < MOST {
                rows.insert(place, row);
            }
            if !known {
                tracing::error!("{sentence}; it is left out until it is repaired");
            }
        }
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, BTreeMap<(&'static str, String), Unreadable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(key: &str) -> Unreadable {
        Unreadable {
            what: "pipeline",
            key: key.to_owned(),
            problem: "its plan is not understood: it is empty".to_owned(),
        }
    }

    #[test]
    fn a_row_is_known_once_until_it_is_well_again() {
        let rows = SetAside::default();
        rows.met("pipeline", vec![bad("a"), bad("b")], |_| false);
        rows.met(
            "run",
            vec![Unreadable {
                what: "run",
                ..bad("a")
            }],
            |_| false,
        );
        rows.met("pipeline", vec![bad("b")], |key| key == "a");
        assert_eq!(
            rows.all(),
            [
                bad("a"),
                bad("b"),
                Unreadable {
                    what: "run",
                    ..bad("a")
                }
            ]
        );
        rows.met("pipeline", Vec::new(), |key| key != "a");
        rows.met("run", Vec::new(), |_| false);
        assert_eq!(rows.all(), [bad("b")]);
        assert_eq!(
            rows.all()[0].sentence(),
            "the stored pipeline 'b' cannot be read: its plan is not understood: it is empty"
        );
    }

    #[test]
    fn they_are_bounded() {
        let rows = SetAside::default();
        let many = (0..2 * MOST).map(|number| bad(&number.to_string())).collect();
        rows.met("pipeline", many, |_| false);
        assert_eq!(rows.all().len(), MOST);
    }
}
