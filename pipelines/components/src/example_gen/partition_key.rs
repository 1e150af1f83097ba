//! The bytes by which a row is put into a split.
//!
//! They are those that TFX hashes: the row as a `tf.train.Example` message, map entries sorted by
//! feature name, or one feature of it as a `tf.train.Feature` message:
//!
//! ```text
//! Example  { 1: Features { 1: {1: name, 2: Feature} … } }       missing value: an empty Feature
//! Feature  { 1: BytesList {1: bytes …} | 2: FloatList {1: packed f32} | 3: Int64List {1: packed varint} }
//! ```
//!
//! The columns and kinds are those that the row's own file has, whatever the other files of a window have: a month that
//! brings a new column, lacks one, or has a fraction or a word where there were whole numbers moves no row of before.
//! Rows that files of the same columns and kinds have in common are in the same split, in whatever order they are.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};

use super::feature::{Feature, Values};
use crate::csv::cells::{Cell, Spelling};

/// Tag of a length-delimited field: `field_number << 3 | 2`.
const fn tag(field: u8) -> u8 {
    field << 3 | 2
}

/// Serialises rows with these features.
pub struct RecordKey {
    /// Column indices by feature name.
    order: Vec<usize>,
    names: Vec<Vec<u8>>,
}

impl RecordKey {
    /// For the rows of a file with these features.
    pub fn new(features: &[Feature]) -> Self {
        let names: Vec<Vec<u8>> = features
            .iter()
            .map(|feature| feature.name.clone().into_bytes())
            .collect();
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|left, right| names[*left].cmp(&names[*right]));
        Self { order, names }
    }

    /// The row as a `tf.train.Example`, replacing what is in `key`.
    pub fn write(&self, columns: &[Values], row: usize, key: &mut Vec<u8>) {
        let mut features = Vec::with_capacity(key.capacity());
        let (mut entry, mut feature) = (Vec::new(), Vec::new());
        for column in &self.order {
            feature_key(&columns[*column], row, &mut feature);
            entry.clear();
            delimited(tag(1), &self.names[*column], &mut entry);
            delimited(tag(2), &feature, &mut entry);
            delimited(tag(1), &entry, &mut features);
        }
        key.clear();
        delimited(tag(1), &features, key);
    }
}

/// One value, or a row's list of them, as a `tf.train.Feature`, replacing what is in `key`; empty when it is missing.
fn feature_key(column: &Values, row: usize, key: &mut Vec<u8>) {
    key.clear();
    match column {
        Values::Bytes(values) if values.is_valid(row) => bytes_key([values.value(row).as_bytes()].into_iter(), key),
        Values::Binary(values) if values.is_valid(row) => bytes_key([values.value(row)].into_iter(), key),
        Values::Float(values) if values.is_valid(row) => float_key([values.value(row)].into_iter(), key),
        Values::Int(values) if values.is_valid(row) => int_key([values.value(row)].into_iter(), key),
        Values::List(lists) if lists.is_valid(row) => list_key(&lists.value(row), key),
        _ => {}
    }
}

/// Serialises the value that keeps rows together.
#[derive(Default)]
pub struct EntityKey(Spelling);

impl EntityKey {
    /// A value as a `tf.train.Feature`: a whole number as one in text, too, since it names the same thing in a file
    /// whose column is text for the sake of another value.
    pub fn write(&self, column: &Values, row: usize, key: &mut Vec<u8>) {
        feature_key(column, row, key);
        if let Values::Bytes(values) = column
            && values.is_valid(row)
            && let Cell::Int(number) = self.0.cell(values.value(row).as_bytes())
        {
            key.clear();
            int_key([number].into_iter(), key);
        }
    }
}

fn list_key(list: &ArrayRef, key: &mut Vec<u8>) {
    if let Some(values) = list.as_string_opt::<i32>() {
        bytes_key(values.iter().flatten().map(str::as_bytes), key);
    } else if let Some(values) = list.as_primitive_opt::<Float64Type>() {
        float_key(values.iter().flatten(), key);
    } else if let Some(values) = list.as_primitive_opt::<Int64Type>() {
        int_key(values.iter().flatten(), key);
    }
}

fn bytes_key<'a>(values: impl Iterator<Item = &'a [u8]>, key: &mut Vec<u8>) {
    let mut list = Vec::new();
    values.for_each(|value| delimited(tag(1), value, &mut list));
    delimited(tag(1), &list, key);
}

fn float_key(values: impl Iterator<Item = f64>, key: &mut Vec<u8>) {
    // f32 is what a FloatList holds.
    let packed: Vec<u8> = values.flat_map(|value| (value as f32).to_le_bytes()).collect();
    packed_key(tag(2), &packed, key);
}

fn int_key(values: impl Iterator<Item = i64>, key: &mut Vec<u8>) {
    let mut packed = Vec::new();
    values.for_each(|value| varint(value.cast_unsigned(), &mut packed));
    packed_key(tag(3), &packed, key);
}

/// Protobuf writes nothing of a list without values.
fn packed_key(kind: u8, packed: &[u8], key: &mut Vec<u8>) {
    let mut list = Vec::new();
    if !packed.is_empty() {
        delimited(tag(1), packed, &mut list);
    }
    delimited(kind, &list, key);
}

fn delimited(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example_gen::feature::Form;
    use crate::features::Kind;
    use arrow_array::types::Int64Type;
    use arrow_array::{Float64Array, Int64Array, ListArray, StringArray};

    /// `Example(features={"dep_delay": [-5], "origin": [b"EWR"], "temp": [39.02], "gust": []})` as Google's
    /// Python protobuf serialises it with `deterministic=True`.
    const EXAMPLE: &str = "0a4c0a1b0a096465705f64656c6179120e1a0c0a0afbffffffffffffffff010a080a046775737412000a110a066f726967696e12070a050a034557520a100a0474656d70120812060a047b141c42";

    fn features(names: &[(&str, Kind)]) -> Vec<Feature> {
        let feature = |(name, kind): &(&str, Kind)| Feature {
            name: (*name).to_owned(),
            kind: Some(*kind),
            form: Form::One,
        };
        names.iter().map(feature).collect()
    }

    #[test]
    fn a_row_is_a_deterministic_example() {
        let names = [
            ("temp", Kind::Float),
            ("origin", Kind::Bytes),
            ("gust", Kind::Float),
            ("dep_delay", Kind::Int),
        ];
        let columns = [
            Values::Float(Float64Array::from(vec![39.02])),
            Values::Bytes(StringArray::from(vec!["EWR"])),
            Values::Float(Float64Array::from(vec![None])),
            Values::Int(Int64Array::from(vec![-5])),
        ];
        let mut key = b"left over".to_vec();
        RecordKey::new(&features(&names)).write(&columns, 0, &mut key);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, EXAMPLE);
    }

    #[test]
    fn an_entity_is_one_as_a_number_and_as_text() {
        let keys = EntityKey::default();
        let key = |values: Values| {
            let mut key = b"left over".to_vec();
            keys.write(&values, 0, &mut key);
            key
        };
        let text = |value: &str| key(Values::Bytes(StringArray::from(vec![value])));
        let number = key(Values::Int(Int64Array::from(vec![421])));
        assert_eq!(
            [text("421"), text("+421"), text(" 421")],
            [(); 3].map(|()| number.clone())
        );
        assert!(
            [text("0421"), text("421.0"), text("A421")]
                .iter()
                .all(|other| *other != number)
        );
        assert!(key(Values::Bytes(StringArray::from(vec![None::<&str>]))).is_empty());
    }

    #[test]
    fn a_value_is_a_feature() {
        let mut key = Vec::new();
        feature_key(&Values::Int(Int64Array::from(vec![300])), 0, &mut key);
        assert_eq!(key, [0x1a, 4, 0x0a, 2, 0xac, 2]);
        let lists =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(300)]), None, Some(vec![])]);
        feature_key(&Values::List(lists.clone()), 0, &mut key);
        assert_eq!(key, [0x1a, 5, 0x0a, 3, 1, 0xac, 2]);
        feature_key(&Values::List(lists.clone()), 1, &mut key);
        assert!(key.is_empty());
        feature_key(&Values::List(lists), 2, &mut key);
        assert_eq!(key, [0x1a, 0]);
        feature_key(&Values::Bytes(StringArray::from(vec![None::<&str>])), 0, &mut key);
        assert!(key.is_empty());
    }
}
