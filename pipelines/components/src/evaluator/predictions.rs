//! Labels, predictions and the columns to slice by, of one model.

use anyhow::{Context, Result, bail};
use arrow_array::Array;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::slices::{Categories, Grouping};
use super::source::Source;
use crate::features::{Column, Kind};
use trainyard_tfma::metrics::{Model, ModelType};

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
    /// The columns of the classes' probabilities; none stands for all `PREDICTION_CLASS`.
    pub probabilities: &'a [String],
    /// The column that says which row is which.
    pub key: Option<&'a str>,
}

impl Columns<'_> {
    /// The probability columns of a multiclass model by class.
    fn probabilities_in(&self, features: &[(String, Kind)]) -> BTreeMap<String, String> {
        let prefix = format!("{}_", self.prediction);
        let class = |name: &str| name.strip_prefix(&prefix).unwrap_or(name).to_owned();
        match self.model_type {
            ModelType::MulticlassClassification if self.probabilities.is_empty() => features
                .iter()
                .filter(|(name, kind)| name.starts_with(&prefix) && *kind != Kind::Bytes && name != self.label)
                .map(|(name, _)| (class(name), name.clone()))
                .collect(),
            ModelType::MulticlassClassification => {
                let columns = self.probabilities.iter();
                columns.map(|name| (class(name), name.clone())).collect()
            }
            _ => BTreeMap::new(),
        }
    }
}

/// One model's predictions, row by row.
#[derive(Debug, Default)]
pub struct Predictions {
    /// What was true; of classes the place in `classes`.
    pub labels: Vec<f64>,
    /// What the model said; of classes the place in `classes`.
    pub predictions: Vec<f64>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// By class and row, once [`agree`] has run.
    pub probabilities: Vec<Vec<f64>>,
    /// By grouping.
    pub categories: BTreeMap<String, Categories>,
    /// As read: probabilities by class.
    pub by_class: BTreeMap<String, Vec<f64>>,
    /// What rows are paired by.
    pub keys: Vec<String>,
}

impl Predictions {
    /// Reads a table, and of its columns only the needed ones.
    ///
    /// # Errors
    /// When the file is unreadable, a column is missing, or a label or prediction is not legal.
    pub fn read(source: &Source, role: Role, columns: &Columns, groupings: &[Grouping]) -> Result<Self> {
        let features = source.features();
        let of_classes = columns.probabilities_in(features);
        let names: BTreeSet<&str> = [columns.label, columns.prediction]
            .into_iter()
            .chain(columns.key)
            .chain(groupings.iter().map(|grouping| grouping.column.as_str()))
            .chain(of_classes.values().map(String::as_str))
            .collect();
        if let Some((name, found)) = names.iter().find_map(|name| Some((name, source.unreadable(name)?))) {
            bail!(
                "column '{name}' of {role} is {found}, and one value in a row is needed: write it so where the predictions are made"
            );
        }
        if let Some(missing) = names.iter().find(|name| source.kind(name).is_none()) {
            let has: Vec<&str> = features.iter().map(|(name, _)| name.as_str()).collect();
            bail!(
                "{role} have no column '{missing}'{}, only {}: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')",
                meant(missing, &has),
                has.join(", ")
            );
        }
        let mut read = Self {
            categories: groupings
                .iter()
                .map(|grouping| (grouping.name(), Categories::default()))
                .collect(),
            by_class: of_classes.keys().map(|class| (class.clone(), Vec::new())).collect(),
            ..Self::default()
        };
        let multiclass = columns.model_type == ModelType::MulticlassClassification;
        let mut classes = Categories::default();
        let names: Vec<&str> = names.into_iter().collect();
        for batch in source.batches(&names)? {
            let batch = batch.with_context(|| format!("{role} cannot be read"))?;
            for name in &names {
                let Some(array) = batch.column_by_name(name) else {
                    bail!("{role} lost the column '{name}' on the way");
                };
                let kind = source.kind(name).unwrap_or(Kind::Bytes);
                let explain = || format!("column '{name}' of {role}");
                let column = Column::cast(array, kind).with_context(explain)?;
                for (asked, values, legal) in [
                    (columns.label, &mut read.labels, Legal::label(columns.model_type)),
                    (
                        columns.prediction,
                        &mut read.predictions,
                        Legal::prediction(columns.model_type),
                    ),
                ] {
                    if *name == asked && multiclass {
                        append_classes(&column, values, &mut classes).with_context(explain)?;
                    } else if *name == asked {
                        append(&column, values, legal).with_context(explain)?;
                    }
                }
                for (class, _) in of_classes.iter().filter(|(_, column)| column == name) {
                    if let Some(values) = read.by_class.get_mut(class) {
                        append(&column, values, Legal::prediction(ModelType::BinaryClassification))
                            .with_context(explain)?;
                    }
                }
                if columns.key == Some(*name) {
                    append_keys(&column, &mut read.keys).with_context(explain)?;
                }
                for grouping in groupings.iter().filter(|grouping| grouping.column == *name) {
                    if let Some(categories) = read.categories.get_mut(&grouping.name()) {
                        categorise(&column, grouping, categories).with_context(explain)?;
                    }
                }
            }
        }
        read.classes = classes.into_values();
        Ok(read)
    }

    /// What the metrics see.
    pub fn model(&self, model_type: ModelType) -> Model<'_> {
        Model {
            model_type,
            labels: &self.labels,
            predictions: &self.predictions,
            classes: &self.classes,
            probabilities: &self.probabilities,
        }
    }

    /// Puts classes in the order of `all`.
    fn rename(&mut self, all: &[String], role: Role) -> Result<()> {
        if all.is_empty() {
            return Ok(());
        }
        let place = |class: &String| all.iter().position(|other| other == class).unwrap_or(0) as f64;
        let places: Vec<f64> = self.classes.iter().map(place).collect();
        for value in self.labels.iter_mut().chain(&mut self.predictions) {
            *value = places[*value as usize];
        }
        self.classes = all.to_vec();
        if !self.by_class.is_empty() {
            for class in all {
                let Some(values) = self.by_class.remove(class) else {
                    bail!(
                        "{role} have no column with the probability of class '{class}': write one for each class, or none"
                    );
                };
                self.probabilities.push(values);
            }
        }
        Ok(())
    }

    /// Puts rows in the order of the candidate's keys.
    fn reorder(&mut self, keys: &[String]) -> Result<()> {
        let theirs = unique("baseline", &self.keys)?;
        let ours = unique("candidate", keys)?;
        for (name, other, keys, rows) in [
            ("baseline", "candidate", keys, &theirs),
            ("candidate", "baseline", self.keys.as_slice(), &ours),
        ] {
            let missing: Vec<&str> = keys
                .iter()
                .map(String::as_str)
                .filter(|key| !rows.contains_key(key))
                .collect();
            if !missing.is_empty() {
                bail!(
                    "the {name} lacks {} of the {other}'s {} keys ({}): let both predict the same examples",
                    missing.len(),
                    keys.len(),
                    some(&missing)
                );
            }
        }
        let order: Vec<usize> = keys
            .iter()
            .filter_map(|key| theirs.get(key.as_str()).copied())
            .collect();
        let columns = [&mut self.labels, &mut self.predictions];
        for values in columns.into_iter().chain(self.by_class.values_mut()) {
            *values = order.iter().map(|row| values[*row]).collect();
        }
        Ok(())
    }
}

/// The row of each key.
fn unique<'a>(model: &str, keys: &'a [String]) -> Result<HashMap<&'a str, usize>> {
    let mut rows = HashMap::new();
    let mut twice = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        if rows.insert(key.as_str(), row).is_some() {
            twice.push(key.as_str());
        }
    }
    if !twice.is_empty() {
        let count = twice.len();
        let rows = if count == 1 {
            "1 row".to_owned()
        } else {
            format!("{count} rows")
        };
        bail!(
            "the {model} repeats a key in {rows} of {} ({}): pair rows by a key that is unique",
            keys.len(),
            some(&twice)
        );
    }
    Ok(rows)
}

/// The first five, and how many more there are.
fn some(keys: &[&str]) -> String {
    let named = keys.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(5) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// ` (did you mean 'late'?)` where a column is written much like it.
pub fn meant(column: &str, has: &[&str]) -> String {
    let close = has
        .iter()
        .map(|name| (strsim::damerau_levenshtein(column, name), name))
        .filter(|(distance, _)| *distance <= 1 + column.chars().count() / 4)
        .min();
    close.map_or_else(String::new, |(_, name)| format!(" (did you mean '{name}'?)"))
}

/// Gives both models the same rows (by key where there is one) and the same classes.
///
/// # Errors
/// When rows differ in number, keys or labels, or a class has no probability column.
pub fn agree(candidate: &mut Predictions, mut baseline: Option<&mut Predictions>, keyed: bool) -> Result<()> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for model in [Some(&*candidate), baseline.as_deref()].into_iter().flatten() {
        all.extend(model.classes.iter().chain(model.by_class.keys()).cloned());
    }
    let mut all: Vec<String> = all.into_iter().collect();
    // Whole numbers as numbers: 2 before 10.
    if all.iter().all(|class| class.parse::<i64>().is_ok()) {
        all.sort_by_key(|class| class.parse::<i64>().unwrap_or(0));
    }
    if let Some(baseline) = baseline.as_deref_mut().filter(|_| keyed) {
        baseline.reorder(&candidate.keys)?;
    }
    candidate.rename(&all, Role::Candidate)?;
    let Some(baseline) = baseline else {
        return Ok(());
    };
    baseline.rename(&all, Role::Baseline)?;
    let order = if keyed { "" } else { ", in the same order" };
    let (ours, theirs) = (candidate.labels.len(), baseline.labels.len());
    if ours != theirs {
        bail!(
            "the candidate has {ours} predictions and the baseline {theirs}: let both predict the same examples{order}"
        );
    }
    let mut pairs = candidate.labels.iter().zip(&baseline.labels);
    if let Some(row) = pairs.position(|(left, right)| left != right) {
        let name = |label: f64| all.get(label as usize).cloned().unwrap_or_else(|| label.to_string());
        let key = candidate.keys.get(row);
        let place = key.map_or_else(|| format!("row {}", row + 1), |key| format!("key {key}"));
        bail!(
            "{place} has the label {} for the candidate and {} for the baseline: let both predict the same examples{order}",
            name(candidate.labels[row]),
            name(baseline.labels[row])
        );
    }
    Ok(())
}

/// Which values a column may have.
struct Legal {
    test: fn(f64) -> bool,
    /// Whether `true` and `false` stand for 1 and 0.
    truth: bool,
    /// Completes "row 3 is 7, and …".
    rule: &'static str,
}

impl Legal {
    fn label(model_type: ModelType) -> Self {
        match model_type {
            ModelType::BinaryClassification => Self {
                test: |value| value == 0.0 || value == 1.0,
                truth: true,
                rule: "a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made",
            },
            ModelType::Regression | ModelType::MulticlassClassification => Self {
                test: f64::is_finite,
                truth: false,
                rule: "a label is a finite number: leave rows without one out of the predictions",
            },
        }
    }

    fn prediction(model_type: ModelType) -> Self {
        match model_type {
            ModelType::BinaryClassification => Self {
                test: |value| (0.0..=1.0).contains(&value),
                truth: false,
                rule: "a prediction of binary_classification is a probability from 0 to 1: look at what the model makes of this row",
            },
            ModelType::Regression | ModelType::MulticlassClassification => Self {
                test: f64::is_finite,
                truth: false,
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
        Column::Bytes(array) if legal.truth => {
            let known = |text: Option<&str>| text.is_none_or(|text| truth(text).is_some());
            if let Some(row) = array.iter().position(|text| !known(text)) {
                let text = array.value(row);
                bail!("row {} is '{text}', and {}", values.len() + row + 1, legal.rule);
            }
            Box::new(array.iter().map(|text| text.and_then(truth)))
        }
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

/// Truth as writers of CSV spell it.
fn truth(text: &str) -> Option<f64> {
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

fn append_classes(column: &Column, values: &mut Vec<f64>, classes: &mut Categories) -> Result<()> {
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

fn append_keys(column: &Column, keys: &mut Vec<String>) -> Result<()> {
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
