//! Splits by hash buckets, as TFX's ExampleGen makes them.

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::task::check_split_name;

/// The splits in order, each with its share of the buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splits {
    names: Vec<String>,
    /// The first bucket after each split's own.
    ends: Vec<u64>,
}

impl Splits {
    /// TFX's default: train 2, eval 1.
    pub fn standard() -> Self {
        Self {
            names: vec!["train".to_owned(), "eval".to_owned()],
            ends: vec![2, 3],
        }
    }

    /// Reads `{train: 4, eval: 1}`; the order counts.
    ///
    /// # Errors
    /// When there is no split, a name is not fit for a folder, or a share is not a whole number of at least 1.
    pub fn parse(shares: &Map<String, Value>) -> Result<Self> {
        let mut splits = Self {
            names: Vec::new(),
            ends: Vec::new(),
        };
        let mut end = 0;
        for (name, share) in shares {
            check_split_name(name)?;
            let Some(buckets @ 1..=1_000_000) = share.as_u64() else {
                bail!("split '{name}' has {share} buckets: give it a whole number from 1 to 1000000");
            };
            end += buckets;
            splits.names.push(name.clone());
            splits.ends.push(end);
        }
        if splits.names.is_empty() {
            bail!("'splits' is empty: name at least one split, for example {{all: 1}}");
        }
        Ok(splits)
    }

    /// Their names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The index of the split a key belongs to: its bucket is `sha256(key) mod buckets`, big-endian.
    pub fn of(&self, key: &[u8]) -> usize {
        let buckets = self.ends.last().copied().unwrap_or(1);
        let digest = Sha256::digest(key);
        let bucket = digest
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u64::from(*byte)) % buckets);
        self.ends.partition_point(|end| *end <= bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn splits(value: Value) -> Result<Splits> {
        Splits::parse(value.as_object().unwrap())
    }

    #[test]
    fn buckets_are_the_whole_digest_big_endian() {
        // sha256("abc") = ba7816bf…f20015ad; int(…, 16) % 1000 = 965 and % 7 = 5, computed with Python.
        let thousand = splits(json!({"low": 965, "hit": 1, "high": 34})).unwrap();
        assert_eq!(thousand.of(b"abc"), 1);
        let seven = splits(json!({"low": 5, "hit": 1, "high": 1})).unwrap();
        assert_eq!(seven.of(b"abc"), 1);
    }

    #[test]
    fn order_counts_and_an_end_is_exclusive() {
        let rows = |splits: &Splits| -> Vec<usize> { (0u32..9).map(|row| splits.of(&row.to_le_bytes())).collect() };
        let forward = rows(&splits(json!({"train": 2, "eval": 1})).unwrap());
        assert_eq!(forward, rows(&Splits::standard()));
        let backward = rows(&splits(json!({"eval": 1, "train": 2})).unwrap());
        assert_ne!(forward, backward);
        assert!(
            rows(&splits(json!({"all": 1})).unwrap())
                .iter()
                .all(|split| *split == 0)
        );
    }

    #[test]
    fn shares_follow_the_buckets() {
        let splits = splits(json!({"train": 4, "eval": 1})).unwrap();
        let train = (0u32..10_000).filter(|row| splits.of(&row.to_le_bytes()) == 0).count();
        assert!((7_800..8_200).contains(&train), "{train}");
    }

    #[test]
    fn wrong_splits_are_explained() {
        let said = |value| splits(value).unwrap_err().to_string();
        insta::assert_snapshot!(said(json!({})), @"'splits' is empty: name at least one split, for example {all: 1}");
        insta::assert_snapshot!(said(json!({"train": 0})), @"split 'train' has 0 buckets: give it a whole number from 1 to 1000000");
        insta::assert_snapshot!(said(json!({"train": 0.5})), @"split 'train' has 0.5 buckets: give it a whole number from 1 to 1000000");
        insta::assert_snapshot!(said(json!({"../up": 1})), @"'../up' is no name for a split: use letters, digits, '-' and '_'");
    }
}
