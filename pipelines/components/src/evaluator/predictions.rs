//! `predictions.parquet`: labels, predictions and the columns to slice by.

use anyhow::{Context, Result, bail};
use arrow::array::Array;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::metrics::ModelType;
use super::slices::Categories;
use crate::examples::Table;
use crate::features::{Column, Kind};

/// Whose predictions they are.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// The new model's.
    Candidate,
    /// Those of the model it is compared with.
    Baseline,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Candidate => "the candidate's predictions",
            Self::Baseline => "the baseline's predictions",
        })
    }
}

/// Which columns to read as what.
pub struct Columns<'a> {
    /// Decides which labels and predictions are legal.
    pub model_type: ModelType,
    /// The label column.
    pub label: &'a str,
    /// The prediction column.
    pub prediction: &'a str,
}

/// One model's predictions, row by row.
#[derive(Debug, Default)]
pub struct Predictions {
    /// What was true.
    pub labels: Vec<f64>,
    /// What the model said.
    pub predictions: Vec<f64>,
    /// By name.
    pub categories: BTreeMap<String, Categories>,
}

impl Predictions {
    /// Reads an InferenceResult, and of its columns only the needed ones.
    ///
    /// # Errors
    /// When the file is unreadable, a column is missing, or a label or prediction is not legal.
    pub fn read(folder: &Path, role: Role, columns: &Columns, slice_by: &BTreeSet<&String>) -> Result<Self> {
        let table = Table::open(&folder.join("predictions.parquet"))?;
        let features = table.features()?.0;
        let kind = |name: &str| {
            let found = features.iter().find(|(other, _)| other == name);
            found.map(|(_, kind)| *kind)
        };
        let names: BTreeSet<&str> = [columns.label, columns.prediction]
            .into_iter()
            .chain(slice_by.iter().map(|name| name.as_str()))
            .collect();
        if let Some(missing) = names.iter().find(|name| kind(name).is_none()) {
            let has: Vec<&str> = features.iter().map(|(name, _)| name.as_str()).collect();
            bail!(
                "{role} have no column '{missing}', only {}: write it where the predictions are made, or take it out of the step's parameters ('with')",
                has.join(", ")
            );
        }
        let mut read = Self {
            categories: slice_by
                .iter()
                .map(|name| (name.to_string(), Categories::default()))
                .collect(),
            ..Self::default()
        };
        let names: Vec<&str> = names.into_iter().collect();
        for batch in table.read(&names)? {
            let batch = batch.with_context(|| format!("{role} cannot be read"))?;
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                let name = field.name().as_str();
                let kind = kind(name).unwrap_or(Kind::Bytes);
                let column = Column::cast(array, kind).with_context(|| format!("column '{name}' of {role}"))?;
                if name == columns.label {
                    append(&column, &mut read.labels, Legal::label(columns.model_type))
                        .with_context(|| format!("column '{name}' of {role}"))?;
                }
                if name == columns.prediction {
                    append(&column, &mut read.predictions, Legal::prediction(columns.model_type))
                        .with_context(|| format!("column '{name}' of {role}"))?;
                }
                if let Some(categories) = read.categories.get_mut(name) {
                    categorise(&column, categories);
                }
            }
        }
        Ok(read)
    }

    /// Whether both models predicted the same rows.
    ///
    /// # Errors
    /// When the rows differ in number or in their labels.
    pub fn same_rows(&self, baseline: &Self) -> Result<()> {
        let (ours, theirs) = (self.labels.len(), baseline.labels.len());
        if ours != theirs {
            bail!(
                "the candidate has {ours} predictions and the baseline {theirs}: let both predict the same examples, in the same order"
            );
        }
        if let Some(row) = self
            .labels
            .iter()
            .zip(&baseline.labels)
            .position(|(left, right)| left != right)
        {
            bail!(
                "row {} has the label {} for the candidate and {} for the baseline: let both predict the same examples, in the same order",
                row + 1,
                self.labels[row],
                baseline.labels[row]
            );
        }
        Ok(())
    }
}

/// Which values a column may have.
struct Legal {
    test: fn(f64) -> bool,
    /// Completes "row 3 is 7, and …".
    rule: &'static str,
}

impl Legal {
    fn label(model_type: ModelType) -> Self {
        match model_type {
            ModelType::BinaryClassification => Self {
                test: |value| value == 0.0 || value == 1.0,
                rule: "a label of binary_classification is 0 or 1: write it so where the predictions are made",
            },
            ModelType::Regression => Self {
                test: f64::is_finite,
                rule: "a label is a finite number: leave rows without one out of the predictions",
            },
        }
    }

    fn prediction(model_type: ModelType) -> Self {
        match model_type {
            ModelType::BinaryClassification => Self {
                test: |value| (0.0..=1.0).contains(&value),
                rule: "a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row",
            },
            ModelType::Regression => Self {
                test: f64::is_finite,
                rule: "a prediction is a finite number: look at what the model makes of this row",
            },
        }
    }
}

/// Appends the values of a numeric column that must all be there and legal.
fn append(column: &Column, values: &mut Vec<f64>, legal: Legal) -> Result<()> {
    let array: Box<dyn Iterator<Item = Option<f64>>> = match column {
        Column::Int(array) => Box::new(array.iter().map(|value| value.map(|value| value as f64))),
        Column::Float(array) => Box::new(array.iter()),
        Column::Bytes(array) if array.null_count() < array.len() => {
            bail!("its values are text and must be numbers: convert them where the predictions are made")
        }
        Column::Bytes(array) => Box::new(array.iter().map(|_| None)),
    };
    for value in array {
        match value {
            Some(value) if (legal.test)(value) => values.push(value),
            Some(value) => bail!("row {} is {value}, and {}", values.len() + 1, legal.rule),
            None => bail!("row {} has no value, and {}", values.len() + 1, legal.rule),
        }
    }
    Ok(())
}

fn categorise(column: &Column, categories: &mut Categories) {
    match column {
        Column::Bytes(values) => values.iter().for_each(|value| categories.push(value)),
        Column::Int(values) => {
            let texts = values.iter().map(|value| value.map(|value| value.to_string()));
            texts.for_each(|text| categories.push(text.as_deref()));
        }
        Column::Float(values) => {
            let texts = values.iter().map(|value| value.map(|value| value.to_string()));
            texts.for_each(|text| categories.push(text.as_deref()));
        }
    }
}
