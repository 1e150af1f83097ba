//! The states of a span's columns, and the file that keeps them for later windows.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::slices::Sliced;

/// Counts up whenever a state measures or stores something else than before; part of the name of every state.
pub const STATE_VERSION: u32 = 5;

/// First bytes of a state file.
const MAGIC: &[u8] = b"TYSTATE\x01";

/// The states of one split of one span, columns in feature order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanState {
    /// Rows.
    pub rows: u64,
    /// One per column.
    pub columns: Vec<Sliced>,
}

impl SpanState {
    /// The state that a file holds; `None` when it is of another version or no state.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes.strip_prefix(MAGIC)?).ok()
    }

    /// The bytes of a state file; a state that was read may be other bytes, so copy the file where it must be the same.
    ///
    /// # Errors
    /// None that a state can have.
    pub fn encode(&self) -> Result<Vec<u8>> {
        Ok(postcard::to_extend(self, MAGIC.to_vec())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Kind;
    use crate::statistics_gen::column_state::ColumnState;
    use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[test]
    fn a_file_holds_all_of_a_state_and_nothing_foreign() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("JFK"), None, Some("LGA"), Some("JFK")]));
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)]));
        let whole: ArrayRef = Arc::new(Int64Array::from_iter_values(0..50_000));
        let mut state = SpanState {
            rows: 50_000,
            columns: Vec::new(),
        };
        for (array, kind) in [(text, Kind::Bytes), (numbers, Kind::Float), (whole, Kind::Int)] {
            let mut column = Sliced::new(kind);
            let key = BTreeMap::from([("origin".to_owned(), "JFK".to_owned())]);
            column.add(&array, kind, &[(key, vec![0, 2].into())]).unwrap();
            state.columns.push(column);
        }
        let read = SpanState::decode(&state.encode().unwrap()).unwrap();
        assert_eq!((read.rows, read.columns.len()), (50_000, 3));
        for (read, column) in read.columns.iter().zip(&state.columns) {
            let said = |column: &ColumnState| serde_json::to_string(&column.finish("", Kind::Int)).unwrap();
            let key = column.slices().next().unwrap();
            assert!(read.slices().eq([key]));
            for slice in [None, Some(key)] {
                assert_eq!(said(read.of(slice).unwrap()), said(column.of(slice).unwrap()));
            }
        }
        for foreign in [&b""[..], b"TYSTATE\x02", b"TYSTATE\x01\xff\xff"] {
            assert!(SpanState::decode(foreign).is_none());
        }
    }
}
