//! Which values labels, predictions and weights may have, whatever their type.

use anyhow::{Result, anyhow, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, UInt64Type};
use arrow_array::{Array, Float64Array};
use arrow_schema::DataType;
use std::borrow::Cow;

use super::slices::{Categories, Grouping};
use crate::features::{Column, Kind};
use crate::tfdv::listed::quoted;
use trainyard_tfma::metrics::ModelType;

/// What computing in 32 bits can take a probability beyond 0 and 1: four steps of such a number at 1.
const ROUNDING: f64 = 4.0 * f32::EPSILON as f64;

/// Casts an array to `kind`; its first row is `first`, from 1. A number of 32 bits or less is the shortest decimal that
/// names it, as CSV has it: 0.1, and not 0.10000000149011612. Whole numbers of which one has more than 63 bits are text,
/// as in CSV.
///
/// # Errors
/// When a value does not fit, by row.
pub(super) fn cast(array: &dyn Array, kind: Kind, first: usize) -> Result<Column> {
    let widened: Float64Array = match array.data_type() {
        DataType::Float32 if kind == Kind::Float => {
            let values = array.as_primitive::<Float32Type>().iter();
            values.map(|value| value.map(shortest)).collect()
        }
        DataType::Float16 if kind == Kind::Float => {
            let values = array.as_primitive::<Float16Type>().iter();
            values.map(|value| value.map(shortest_of_16_bits)).collect()
        }
        DataType::UInt64
            if array
                .as_primitive::<UInt64Type>()
                .iter()
                .flatten()
                .any(|v| i64::try_from(v).is_err()) =>
        {
            return Column::cast(array, Kind::Bytes);
        }
        _ => {
            return Column::cast(array, kind).map_err(|whole| {
                let one = |row: &usize| Column::cast(&array.slice(*row, 1), kind).is_err();
                match (0..array.len()).find(one) {
                    Some(row) if kind == Kind::Bytes => {
                        anyhow!("row {} is no UTF-8 text, and nothing else is read", first + row)
                    }
                    Some(row) => whole.context(format!("row {}", first + row)),
                    None => whole,
                }
            });
        }
    };
    Ok(Column::Float(widened))
}

/// The number that the shortest decimal of a number of 32 bits is.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The number that the shortest decimal of a number of 16 bits is; five digits tell all of these apart.
fn shortest_of_16_bits(value: <Float16Type as ArrowPrimitiveType>::Native) -> f64 {
    let wide = value.to_f64();
    let near = (0..5).filter_map(|digits| format!("{wide:.digits$e}").parse::<f64>().ok());
    let mut same = near.filter(|near| <Float16Type as ArrowPrimitiveType>::Native::from_f64(*near) == value);
    same.next().unwrap_or(wide)
}

/// Which values a column may have.
pub(super) struct Legal {
    /// The value that counts, if it is one.
    counts: fn(f64) -> Option<f64>,
    /// Whether `true` and `false` stand for 1 and 0.
    truth: bool,
    /// Completes "row 3 is 7, and …".
    rule: &'static str,
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// 0 or 1, give or take what 32 bits explain.
pub(super) fn zero_or_one(value: f64) -> Option<f64> {
    [0.0, 1.0].into_iter().find(|whole| (value - whole).abs() <= ROUNDING)
}

/// From 0 to 1, once what 32 bits explain is taken off.
pub(super) fn probability(value: f64) -> Option<f64> {
    let near = (-ROUNDING..=1.0 + ROUNDING).contains(&value);
    near.then(|| value.clamp(0.0, 1.0))
}

impl Legal {
    pub(super) fn label(model_type: ModelType) -> Self {
        match model_type {
            ModelType::BinaryClassification => Self {
                counts: zero_or_one,
                truth: true,
                rule: "a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made",
            },
            ModelType::Regression | ModelType::MulticlassClassification => Self {
                counts: finite,
                truth: false,
                rule: "a label is a finite number: leave rows without one out of the predictions",
            },
        }
    }

    pub(super) fn prediction(model_type: ModelType) -> Self {
        match model_type {
            ModelType::BinaryClassification => Self {
                counts: probability,
                truth: true,
                rule: "a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row",
            },
            ModelType::Regression | ModelType::MulticlassClassification => Self {
                counts: finite,
                truth: false,
                rule: "a prediction is a finite number: look at what the model makes of this row",
            },
        }
    }

    /// Of one class among several.
    pub(super) fn probability() -> Self {
        Self {
            counts: probability,
            truth: false,
            rule: "a column PREDICTION_CLASS holds the probability of that class, from 0 to 1: rename it if it is none, or name those that are as probabilities",
        }
    }

    pub(super) fn weight() -> Self {
        Self {
            counts: |value| finite(value).filter(|weight| *weight >= 0.0),
            truth: false,
            rule: "a weight is a finite number of 0 or more: write one where the predictions are made",
        }
    }

    /// What a text stands for.
    fn of_text(&self, text: &str) -> Option<f64> {
        truth(text).filter(|_| self.truth).or_else(|| text.trim().parse().ok())
    }
}

/// Appends the values of a column that must all be there and legal; numbers may be written as text.
pub(super) fn append(column: &Column, values: &mut Vec<f64>, legal: &Legal) -> Result<()> {
    let array: Box<dyn Iterator<Item = Option<f64>>> = match column {
        Column::Int(array) => Box::new(array.iter().map(|value| value.map(|value| value as f64))),
        Column::Float(array) => Box::new(array.iter()),
        Column::Bytes(array) => {
            // A number beyond all is shown as it is written.
            let fits = |value: f64| value.is_nan() || (legal.counts)(value).is_some() || value.is_finite();
            let known = |text: Option<&str>| text.is_none_or(|text| legal.of_text(text).is_some_and(fits));
            if let Some(row) = array.iter().position(|text| !known(text)) {
                let text = array.value(row);
                bail!("row {} is {}, and {}", values.len() + row + 1, quoted(text), legal.rule);
            }
            Box::new(array.iter().map(|text| text.and_then(|text| legal.of_text(text))))
        }
    };
    for value in array {
        match value.map(|value| (legal.counts)(value).ok_or(value)) {
            Some(Ok(value)) => values.push(value),
            Some(Err(value)) => bail!("row {} is {value}, and {}", values.len() + 1, legal.rule),
            None => bail!("row {} has no value, and {}", values.len() + 1, legal.rule),
        }
    }
    Ok(())
}

/// Truth as writers of CSV spell it.
pub(super) fn truth(text: &str) -> Option<f64> {
    match text.trim() {
        "0" => Some(0.0),
        "1" => Some(1.0),
        text if text.eq_ignore_ascii_case("false") => Some(0.0),
        text if text.eq_ignore_ascii_case("true") => Some(1.0),
        _ => None,
    }
}

/// The values as text, whole numbers without a fraction.
fn texts<'a>(column: &'a Column) -> Box<dyn Iterator<Item = Option<Cow<'a, str>>> + 'a> {
    match column {
        Column::Bytes(values) => Box::new(values.iter().map(|value| value.map(Cow::Borrowed))),
        Column::Int(values) => Box::new(values.iter().map(|value| value.map(|value| value.to_string().into()))),
        Column::Float(values) => Box::new(values.iter().map(|value| value.map(|value| value.to_string().into()))),
    }
}

pub(super) fn append_classes(column: &Column, values: &mut Vec<f64>, classes: &mut Categories) -> Result<()> {
    if let Column::Float(numbers) = column
        && let Some(row) = numbers
            .iter()
            .position(|value| value.is_some_and(|value| value.fract() != 0.0))
    {
        bail!(
            "row {} is {}, and a class is needed: name the column of the predicted classes, and their probabilities apart",
            values.len() + row + 1,
            numbers.value(row)
        );
    }
    for class in texts(column) {
        let Some(class) = class else {
            bail!(
                "row {} has no value, and a class is needed: write it where the predictions are made",
                values.len() + 1
            );
        };
        values.push(f64::from(classes.code(&class)));
    }
    Ok(())
}

pub(super) fn append_keys(column: &Column, keys: &mut Vec<String>) -> Result<()> {
    for key in texts(column) {
        let Some(key) = key else {
            bail!(
                "row {} has no value, and a key is needed: pair rows by a column that has one in every row",
                keys.len() + 1
            );
        };
        keys.push(key.into_owned());
    }
    Ok(())
}

pub(crate) fn categorise(column: &Column, grouping: &Grouping, categories: &mut Categories) -> Result<()> {
    if grouping.edges.is_empty() {
        texts(column).for_each(|text| categories.push(text.as_deref()));
        return Ok(());
    }
    let names = grouping.bin_names();
    let mut push = |value: Option<f64>| {
        let bin = value.filter(|value| !value.is_nan());
        let bin = bin.map(|value| grouping.edges.partition_point(|edge| *edge <= value));
        categories.push(bin.map(|bin| names[bin].as_str()));
    };
    match column {
        Column::Int(values) => values.iter().for_each(|value| push(value.map(|value| value as f64))),
        Column::Float(values) => values.iter().for_each(&mut push),
        Column::Bytes(values) if values.null_count() == values.len() => values.iter().for_each(|_| push(None)),
        Column::Bytes(_) => bail!("its values are text, and bins are of numbers: slice by feature_keys"),
    }
    Ok(())
}
