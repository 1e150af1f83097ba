//! The bytes by which a row is put into a split.
//!
//! They are those that TFX hashes: the row as a `tf.train.Example` message, map entries sorted by
//! feature name, or one feature of it as a `tf.train.Feature` message:
//!
//! ```text
//! Example  { 1: Features { 1: {1: name, 2: Feature} … } }       missing value: an empty Feature
//! Feature  { 1: BytesList {1: bytes} | 2: FloatList {1: packed f32} | 3: Int64List {1: packed varint} }
//! ```
//!
//! So the same row is always in the same split, whatever file, order or month it comes in, and equal
//! rows are never on both sides.

use arrow_array::Array;

use crate::features::{Column, FeatureSpec};

/// Tag of a length-delimited field: `field_number << 3 | 2`.
const fn tag(field: u8) -> u8 {
    field << 3 | 2
}

/// Serialises rows of one [`FeatureSpec`].
pub struct RecordKey {
    /// Column indices by feature name.
    order: Vec<usize>,
    names: Vec<Vec<u8>>,
}

impl RecordKey {
    /// For rows with these features.
    pub fn new(features: &FeatureSpec) -> Self {
        let names: Vec<Vec<u8>> = features.0.iter().map(|(name, _)| name.clone().into_bytes()).collect();
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|left, right| names[*left].cmp(&names[*right]));
        Self { order, names }
    }

    /// The row as a `tf.train.Example`, replacing what is in `key`.
    pub fn write(&self, columns: &[Column], row: usize, key: &mut Vec<u8>) {
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

/// One value as a `tf.train.Feature`, replacing what is in `key`; empty when the value is missing.
pub fn feature_key(column: &Column, row: usize, key: &mut Vec<u8>) {
    key.clear();
    let mut list = Vec::new();
    match column {
        Column::Bytes(values) if values.is_valid(row) => {
            delimited(tag(1), values.value(row).as_bytes(), &mut list);
            delimited(tag(1), &list, key);
        }
        Column::Float(values) if values.is_valid(row) => {
            // f32 is what a FloatList holds.
            delimited(tag(1), &(values.value(row) as f32).to_le_bytes(), &mut list);
            delimited(tag(2), &list, key);
        }
        Column::Int(values) if values.is_valid(row) => {
            let mut packed = Vec::new();
            varint(values.value(row).cast_unsigned(), &mut packed);
            delimited(tag(1), &packed, &mut list);
            delimited(tag(3), &list, key);
        }
        _ => {}
    }
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
    use crate::features::Kind;
    use arrow_array::{Float64Array, Int64Array, StringArray};

    /// `Example(features={"dep_delay": [-5], "origin": [b"EWR"], "temp": [39.02], "gust": []})` as Google's
    /// Python protobuf serialises it with `deterministic=True`.
    const EXAMPLE: &str = "0a4c0a1b0a096465705f64656c6179120e1a0c0a0afbffffffffffffffff010a080a046775737412000a110a066f726967696e12070a050a034557520a100a0474656d70120812060a047b141c42";

    #[test]
    fn a_row_is_a_deterministic_example() {
        let features = [
            ("temp", Kind::Float),
            ("origin", Kind::Bytes),
            ("gust", Kind::Float),
            ("dep_delay", Kind::Int),
        ];
        let features = FeatureSpec(features.map(|(name, kind)| (name.to_owned(), kind)).to_vec());
        let columns = [
            Column::Float(Float64Array::from(vec![39.02])),
            Column::Bytes(StringArray::from(vec!["EWR"])),
            Column::Float(Float64Array::from(vec![None])),
            Column::Int(Int64Array::from(vec![-5])),
        ];
        let mut key = b"left over".to_vec();
        RecordKey::new(&features).write(&columns, 0, &mut key);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, EXAMPLE);
    }

    #[test]
    fn a_value_is_a_feature() {
        let mut key = Vec::new();
        feature_key(&Column::Int(Int64Array::from(vec![300])), 0, &mut key);
        assert_eq!(key, [0x1a, 4, 0x0a, 2, 0xac, 2]);
        feature_key(&Column::Bytes(StringArray::from(vec![None::<&str>])), 0, &mut key);
        assert!(key.is_empty());
    }
}
