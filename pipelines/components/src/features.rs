//! The three kinds of feature that Examples know, and how Arrow's many types become one of them.

use anyhow::{Context, Result, anyhow, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

use crate::tfdv::statistics::FeatureType;

/// The kind of a feature, as in `tf.train.Feature` and the TFMD schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// 64-bit integers; booleans are 0 and 1.
    Int,
    /// 64-bit floating point.
    Float,
    /// UTF-8 text; dates and times in ISO 8601, those of a time zone in UTC.
    Bytes,
}

impl Kind {
    /// The kind an Arrow type becomes, or its elements, if it is one of lists; a type without values (all missing) is
    /// none yet.
    ///
    /// # Errors
    /// When the type is nested more deeply, or otherwise not made of single values.
    pub fn of(data_type: &DataType) -> Result<Option<Self>> {
        Ok(Some(match data_type {
            DataType::Null => return Ok(None),
            DataType::Boolean => Self::Int,
            DataType::UInt64 => Self::Int,
            kind if kind.is_integer() => Self::Int,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale)
                if *scale <= 0 =>
            {
                Self::Int
            }
            kind if kind.is_floating() || kind.is_decimal() => Self::Float,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Bytes,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Bytes,
            DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Self::Bytes,
            DataType::Time32(_) | DataType::Time64(_) => Self::Bytes,
            DataType::Dictionary(_, value) => return Self::of(value),
            DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _)
                if !element.data_type().is_nested() =>
            {
                return Self::of(element.data_type());
            }
            other => bail!(
                "its type is {other}, and Examples hold only numbers, booleans, text, dates, times, bytes and lists of them: convert it, or leave it out with exclude_columns"
            ),
        }))
    }

    /// The Arrow type that Examples are stored in.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bytes => DataType::Utf8,
        }
    }

    /// The kind that holds both: integers widen to floating point, everything else must agree.
    pub fn widened(self, other: Self) -> Option<Self> {
        match (self, other) {
            (same, other) if same == other => Some(same),
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Some(Self::Float),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "INT",
            Self::Float => "FLOAT",
            Self::Bytes => "BYTES",
        })
    }
}

impl From<Kind> for FeatureType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int,
            Kind::Float => Self::Float,
            Kind::Bytes => Self::String,
        }
    }
}

/// Whole numbers of any type; names a value with a fraction or beyond them.
fn whole(array: &ArrayRef, cast: impl Fn(&dyn Array, &DataType) -> Result<ArrayRef>) -> Result<ArrayRef> {
    let fractions = array.data_type().is_floating() || array.data_type().is_decimal();
    if fractions && Kind::of(array.data_type())? == Some(Kind::Float) {
        let floats = cast(array, &DataType::Float64)?;
        let values = floats.as_primitive_opt::<Float64Type>();
        if let Some(value) = values.and_then(|values| values.iter().flatten().find(|value| value.fract() != 0.0)) {
            bail!("it has {value}, which is no whole number");
        }
    }
    let read = cast(array, &DataType::Int64);
    if array.data_type().is_decimal() {
        return read.with_context(|| format!("it has a whole number beyond {}: write it as text", i64::MAX));
    }
    read
}

/// One column in its kind, missing values as nulls.
#[derive(Clone, Debug)]
pub enum Column {
    /// Integers.
    Int(Int64Array),
    /// Floating point.
    Float(Float64Array),
    /// Text.
    Bytes(StringArray),
}

impl Column {
    /// Casts an Arrow array to `kind`.
    ///
    /// # Errors
    /// When a value does not fit, for example bytes that are not UTF-8.
    pub fn cast(array: &dyn Array, kind: Kind) -> Result<Self> {
        let strict = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        if array.data_type().is_nested() {
            bail!("a row of it holds a list of values, and one value is needed");
        }
        if let (Kind::Int, Some(numbers)) = (kind, array.as_primitive_opt::<UInt64Type>())
            && let Some(large) = numbers.iter().flatten().find(|number| i64::try_from(*number).is_err())
        {
            bail!(
                "it has {large}, and whole numbers reach to {}: write it as floating point or text",
                i64::MAX
            );
        }
        // An instant is the same in every zone, and UTC needs no table of zones.
        let zoneless = match array.data_type() {
            DataType::FixedSizeBinary(_) => DataType::Binary,
            DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
            other => other.clone(),
        };
        let cast = |array: &dyn Array, to: &DataType| {
            cast_with_options(array, to, &strict).context("it has a value that cannot be read")
        };
        let exact = cast(array, &zoneless)?;
        let array = match kind {
            Kind::Int => whole(&exact, cast)?,
            _ => cast(&exact, &kind.arrow())?,
        };
        let column = match kind {
            Kind::Int => array.as_any().downcast_ref().cloned().map(Self::Int),
            Kind::Float => array.as_any().downcast_ref().cloned().map(Self::Float),
            Kind::Bytes => array.as_any().downcast_ref().cloned().map(Self::Bytes),
        };
        column.ok_or_else(|| anyhow!("it cannot be read as {kind}"))
    }

    /// The same column for Arrow.
    pub fn array(&self) -> ArrayRef {
        match self {
            Self::Int(values) => Arc::new(values.clone()),
            Self::Float(values) => Arc::new(values.clone()),
            Self::Bytes(values) => Arc::new(values.clone()),
        }
    }
}

/// A named kind per column, in column order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSpec(pub Vec<(String, Kind)>);

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{BinaryArray, BooleanArray, TimestampSecondArray};

    #[test]
    fn kinds_of_arrow_types() {
        assert_eq!(Kind::of(&DataType::Boolean).unwrap(), Some(Kind::Int));
        assert_eq!(Kind::of(&DataType::Float32).unwrap(), Some(Kind::Float));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        assert_eq!(Kind::of(&dictionary).unwrap(), Some(Kind::Bytes));
        assert_eq!(Kind::of(&DataType::Null).unwrap(), None);
        let list = DataType::new_list(DataType::Int64, true);
        assert_eq!(Kind::of(&list).unwrap(), Some(Kind::Int));
        let nested = DataType::new_list(list, true);
        assert!(
            Kind::of(&nested)
                .unwrap_err()
                .to_string()
                .starts_with("its type is List")
        );
    }

    #[test]
    fn values_become_their_kind() {
        let Column::Int(bits) = Column::cast(&BooleanArray::from(vec![Some(true), None]), Kind::Int).unwrap() else {
            panic!("not integers");
        };
        assert_eq!(bits, Int64Array::from(vec![Some(1), None]));
        let Column::Bytes(times) = Column::cast(&TimestampSecondArray::from(vec![1_357_034_400]), Kind::Bytes).unwrap()
        else {
            panic!("not text");
        };
        assert_eq!(times.value(0), "2013-01-01T10:00:00");
        let in_new_york = TimestampSecondArray::from(vec![1_357_034_400]).with_timezone("America/New_York");
        let Column::Bytes(times) = Column::cast(&in_new_york, Kind::Bytes).unwrap() else {
            panic!("not text");
        };
        assert_eq!(times.value(0), "2013-01-01T10:00:00Z");
        assert!(Column::cast(&BinaryArray::from(vec![&b"\xff"[..]]), Kind::Bytes).is_err());
    }

    #[test]
    fn whole_numbers_stay_exact_and_fractions_are_named() {
        use arrow_array::Decimal128Array;
        let exact = Decimal128Array::from(vec![123_456_789_012_345_671, 123_456_789_012_345_672]);
        let exact = exact.with_precision_and_scale(18, 0).unwrap();
        assert_eq!(Kind::of(exact.data_type()).unwrap(), Some(Kind::Int));
        let Column::Int(read) = Column::cast(&exact, Kind::Int).unwrap() else {
            panic!("not integers");
        };
        assert_eq!(read.values(), &[123_456_789_012_345_671, 123_456_789_012_345_672]);
        let said = |array: &dyn Array| Column::cast(array, Kind::Int).unwrap_err().to_string();
        let far = Decimal128Array::from(vec![i128::from(i64::MAX) + 1]);
        let far = far.with_precision_and_scale(20, 0).unwrap();
        insta::assert_snapshot!(said(&far), @"it has a whole number beyond 9223372036854775807: write it as text");
        let halves = Decimal128Array::from(vec![150])
            .with_precision_and_scale(10, 2)
            .unwrap();
        assert_eq!(Kind::of(halves.data_type()).unwrap(), Some(Kind::Float));
        insta::assert_snapshot!(said(&halves), @"it has 1.5, which is no whole number");
        insta::assert_snapshot!(said(&Float64Array::from(vec![1.0, 1.5])), @"it has 1.5, which is no whole number");
        assert!(Column::cast(&Float64Array::from(vec![Some(2.0), None]), Kind::Int).is_ok());
    }

    #[test]
    fn only_integers_widen() {
        assert_eq!(Kind::Int.widened(Kind::Float), Some(Kind::Float));
        assert_eq!(Kind::Int.widened(Kind::Bytes), None);
        assert_eq!(Kind::Bytes.widened(Kind::Bytes), Some(Kind::Bytes));
    }
}
