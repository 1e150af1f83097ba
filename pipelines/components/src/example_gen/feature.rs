//! A column of Examples: its kind, whether it holds lists, and its values in this form.

use anyhow::{Context, Result, anyhow};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, Float64Array, Int64Array, ListArray, NullArray, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Field};
use std::fmt;
use std::sync::Arc;

use crate::features::{Column, Kind};

/// How many values a row has, and of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One or none.
    #[default]
    One,
    /// Any number of them: TFX's multivalent features.
    List,
    /// One or none, bytes that are no text.
    Binary,
}

/// A column of Examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// As in the files.
    pub name: String,
    /// `None` where no file has a value, so that any kind may still come.
    pub kind: Option<Kind>,
    /// How many values a row has.
    pub form: Form,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.form) {
            (None, _) => f.write_str("null"),
            (Some(kind), Form::One) => kind.fmt(f),
            (Some(kind), Form::List) => write!(f, "list of {kind}"),
            (Some(_), Form::Binary) => f.write_str("binary"),
        }
    }
}

impl Feature {
    /// The Arrow field that Examples have.
    pub fn field(&self) -> Field {
        let stored = match (self.kind, self.form) {
            (None, _) => DataType::Null,
            (Some(kind), Form::One) => kind.arrow(),
            (Some(kind), Form::List) => DataType::new_list(kind.arrow(), true),
            (Some(_), Form::Binary) => DataType::Binary,
        };
        Field::new(&self.name, stored, true)
    }

    /// The values of one batch; `None` of a file without the column.
    ///
    /// # Errors
    /// When a value does not fit; names its row in the batch, from 0.
    pub fn values(&self, array: Option<&ArrayRef>, rows: usize) -> Result<Values, (usize, anyhow::Error)> {
        let Some(kind) = self.kind else {
            return Ok(Values::Nothing(rows));
        };
        let nothing: ArrayRef = Arc::new(NullArray::new(rows));
        let array = array.unwrap_or(&nothing);
        let read = |array: &ArrayRef| match self.form {
            Form::One => Ok(match Column::cast(array, kind)? {
                Column::Int(values) => Values::Int(values),
                Column::Float(values) => Values::Float(values),
                Column::Bytes(values) => Values::Bytes(values),
            }),
            Form::Binary => {
                let bytes = cast(array, &DataType::Binary).context("it cannot be read as bytes")?;
                bytes
                    .as_binary_opt::<i32>()
                    .cloned()
                    .map(Values::Binary)
                    .ok_or_else(|| anyhow!("it is not binary"))
            }
            Form::List => lists(array, kind).map(Values::List),
        };
        read(array).map_err(|error| {
            // Slow, and only to say where.
            let wrong = |row: &usize| read(&array.slice(*row, 1)).is_err();
            ((0..array.len()).find(wrong).unwrap_or(0), error)
        })
    }
}

/// Lists of any flavour as lists of one kind.
fn lists(array: &ArrayRef, kind: Kind) -> Result<ListArray> {
    let field = Arc::new(Field::new_list_field(kind.arrow(), true));
    let element = match array.data_type() {
        DataType::Null => return Ok(ListArray::new_null(field, array.len())),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => field.data_type(),
        other => return Err(anyhow!("its rows are {other} and no lists")),
    };
    let same = cast(array, &DataType::new_list(element.clone(), true)).context("it cannot be read as lists")?;
    let same = same.as_list_opt::<i32>().ok_or_else(|| anyhow!("it holds no lists"))?;
    let values = Column::cast(same.values(), kind)?.array();
    Ok(ListArray::try_new(
        field,
        same.offsets().clone(),
        values,
        same.nulls().cloned(),
    )?)
}

/// The values of a column, missing ones as nulls.
#[derive(Clone, Debug)]
pub enum Values {
    /// So many rows without any.
    Nothing(usize),
    /// Integers.
    Int(Int64Array),
    /// Floating point.
    Float(Float64Array),
    /// Text.
    Bytes(StringArray),
    /// Bytes that are no text.
    Binary(BinaryArray),
    /// Any number of values of one of these.
    List(ListArray),
}

impl Values {
    /// For Arrow.
    pub fn array(&self) -> ArrayRef {
        match self {
            Self::Nothing(rows) => Arc::new(NullArray::new(*rows)),
            Self::Int(values) => Arc::new(values.clone()),
            Self::Float(values) => Arc::new(values.clone()),
            Self::Bytes(values) => Arc::new(values.clone()),
            Self::Binary(values) => Arc::new(values.clone()),
            Self::List(values) => Arc::new(values.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::Int32Type;
    use arrow_array::{FixedSizeListArray, LargeStringArray};

    fn feature(kind: Kind, form: Form) -> Feature {
        Feature {
            name: "x".to_owned(),
            kind: Some(kind),
            form,
        }
    }

    #[test]
    fn lists_of_any_flavour_become_lists_of_a_kind() {
        let pairs = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
            [Some([Some(1), None]), None, Some([Some(3), Some(4)])],
            2,
        );
        let pairs: ArrayRef = Arc::new(pairs);
        let Values::List(read) = feature(Kind::Float, Form::List).values(Some(&pairs), 3).unwrap() else {
            panic!("no lists");
        };
        assert_eq!((read.len(), read.null_count(), read.value(2).len()), (3, 1, 2));
        assert_eq!(read.value_type(), DataType::Float64);
        let absent = feature(Kind::Int, Form::List).values(None, 3).unwrap().array();
        assert_eq!((absent.len(), absent.null_count()), (3, 3));
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_by_row() {
        let texts: ArrayRef = Arc::new(LargeStringArray::from(vec!["1", "2", "far"]));
        let (row, _) = feature(Kind::Int, Form::One).values(Some(&texts), 3).unwrap_err();
        assert_eq!(row, 2);
    }
}
