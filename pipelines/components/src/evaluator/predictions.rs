//! Labels, predictions and the columns to slice by, of one model.

use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::names::{Names, folded};
use super::slices::{Categories, Grouping};
use super::source::Source;
pub(crate) use super::values::categorise;
use super::values::{Legal, append, append_classes, append_keys, cast};
use crate::examples::few;
use crate::features::Kind;
use crate::tfdv::listed::quoted;
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
    /// The column of the rows' weights.
    pub weight: Option<&'a str>,
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
    /// Of the rows; none where each counts once.
    pub weights: Vec<f64>,
    /// What their reader should know, a sentence each.
    pub notes: Vec<String>,
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
            .chain(columns.weight)
            .chain(groupings.iter().map(|grouping| grouping.column.as_str()))
            .chain(of_classes.values().map(String::as_str))
            .collect();
        check(source, role, columns.prediction, &names)?;
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
        let mut first = 1;
        for batch in source.batches(&names)? {
            let batch = batch.with_context(|| format!("{role} cannot be read"))?;
            for name in &names {
                let Some(array) = batch.column_by_name(name) else {
                    bail!("{role} lost the column '{name}' on the way");
                };
                let kind = source.kind(name).unwrap_or(Kind::Bytes);
                let explain = || format!("column {} of {role}", quoted(name));
                let column = cast(array, kind, first).with_context(explain)?;
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
                        append(&column, values, &legal).with_context(explain)?;
                    }
                }
                for (class, _) in of_classes.iter().filter(|(_, column)| column == name) {
                    if let Some(values) = read.by_class.get_mut(class) {
                        append(&column, values, &Legal::probability()).with_context(explain)?;
                    }
                }
                if columns.weight == Some(*name) {
                    append(&column, &mut read.weights, &Legal::weight()).with_context(explain)?;
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
            first += batch.num_rows();
        }
        for grouping in groupings.iter().filter(|grouping| grouping.edges.is_empty()) {
            if let Some(categories) = read.categories.get_mut(&grouping.name())
                && source.kind(&grouping.column) == Some(Kind::Bytes)
            {
                let names = Names::of(categories.values());
                categories.rename(|value| names.name(value));
            }
        }
        if columns.key.and_then(|key| source.kind(key)) == Some(Kind::Bytes) {
            let names = Names::of(&read.keys);
            read.keys.iter_mut().for_each(|key| *key = names.name(key));
        }
        for grouping in groupings {
            if let Some(categories) = read.categories.get_mut(&grouping.name()) {
                read.notes.extend(categories.name_missing(&grouping.column));
            }
        }
        read.name_classes(classes.into_values());
        if let Some(column) = columns.weight.filter(|_| !read.labels.is_empty())
            && read.weights.iter().all(|weight| *weight == 0.0)
        {
            bail!("column '{column}' of {role} has no weight above 0 in any row: nothing would count");
        }
        if multiclass {
            read.have_classes_in_common(role)?;
        }
        Ok(read)
    }

    /// Classes by one name each, whether they were written as numbers, as truth or as text.
    fn name_classes(&mut self, classes: Vec<String>) {
        let names = Names::of_classes(classes.iter().chain(self.by_class.keys()));
        let renamed: Vec<String> = classes.iter().map(|class| names.name(class)).collect();
        let mut distinct = Categories::default();
        let places: Vec<f64> = renamed.iter().map(|class| f64::from(distinct.code(class))).collect();
        for value in self.labels.iter_mut().chain(&mut self.predictions) {
            if let Some(place) = places.get(*value as usize).filter(|_| !places.is_empty()) {
                *value = *place;
            }
        }
        self.classes = distinct.into_values();
        let by_class = std::mem::take(&mut self.by_class);
        self.by_class = by_class
            .into_iter()
            .map(|(class, values)| (names.name(&class), values))
            .collect();
    }

    /// Fails where no predicted class is one of the labels': that is no accuracy of 0, but another language.
    fn have_classes_in_common(&self, role: Role) -> Result<()> {
        let of = |values: &[f64]| -> BTreeSet<&str> {
            let places: BTreeSet<usize> = values.iter().map(|place| *place as usize).collect();
            places
                .into_iter()
                .filter_map(|place| self.classes.get(place))
                .map(String::as_str)
                .collect()
        };
        let (labels, predicted) = (of(&self.labels), of(&self.predictions));
        let by_folded: BTreeMap<String, &str> = labels.iter().map(|label| (folded(label), *label)).collect();
        let near = predicted.difference(&labels).find_map(|said| {
            let label = by_folded.get(&folded(said))?;
            Some((*said, *label))
        });
        if let Some((said, label)) = near {
            bail!(
                "{role} have the class {} and the label {}, which differ only in case, blanks or as a number is written: write both by the same name",
                quoted(said),
                quoted(label)
            );
        }
        let by_folded: BTreeMap<String, &String> = self.by_class.keys().map(|class| (folded(class), class)).collect();
        let near = labels.union(&predicted).find_map(|said| {
            let column = by_folded.get(&folded(said))?;
            (column.as_str() != *said && !self.by_class.contains_key(*said)).then_some((said, column))
        });
        if let Some((said, column)) = near {
            bail!(
                "{role} have the class {} and a column of probabilities of {}, which differ only in case, blanks or as a number is written: write both by the same name",
                quoted(said),
                quoted(column)
            );
        }
        // Columns of probabilities may name the classes that nothing was predicted to be.
        let named = |class: &&str| self.by_class.contains_key(*class);
        if labels.is_empty() || !labels.is_disjoint(&predicted) || labels.iter().chain(&predicted).all(named) {
            return Ok(());
        }
        let listed = |classes: &BTreeSet<&str>| some(&classes.iter().map(|class| quoted(class)).collect::<Vec<_>>());
        bail!(
            "{role} have no class that is among the labels: the predicted are {}, the labels {}: write both by the same names",
            listed(&predicted),
            listed(&labels)
        );
    }

    /// What the metrics see, with the rows' weights where they have any.
    pub fn model<'a>(&'a self, model_type: ModelType, weights: Option<&'a [f64]>) -> Model<'a> {
        Model {
            model_type,
            labels: &self.labels,
            predictions: &self.predictions,
            classes: &self.classes,
            probabilities: &self.probabilities,
            weights,
        }
    }

    /// The weights, scaled so that no sum overflows; `None` where all are the same, which is no weight at all.
    pub fn scaled_weights(&self) -> Option<Vec<f64>> {
        let largest = self.weights.iter().copied().fold(0.0, f64::max);
        let first = self.weights.first()?;
        if self.weights.iter().all(|weight| weight == first) {
            return None;
        }
        // By a power of two, which loses nothing.
        let power = largest.log2().floor().clamp(-1000.0, 1000.0);
        Some(self.weights.iter().map(|weight| weight * (-power).exp2()).collect())
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
                        "{role} have no column with the probability of class {}: write one for each class, or none",
                        quoted(class)
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
            let missing: Vec<String> = keys
                .iter()
                .filter(|key| !rows.contains_key(key.as_str()))
                .map(|key| quoted(key))
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
            twice.push(quoted(key));
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
pub fn some(keys: &[String]) -> String {
    let named = keys[..keys.len().min(5)].join(", ");
    match keys.len().saturating_sub(5) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Fails unless each of the columns is there and has one value in a row.
///
/// # Errors
/// Names the column and those there are.
pub fn check<'a>(
    source: &Source,
    role: Role,
    prediction: &str,
    names: impl IntoIterator<Item = &'a &'a str> + Clone,
) -> Result<()> {
    let unreadable = |name: &&'a &'a str| source.unreadable(name);
    if let Some((name, found)) = names
        .clone()
        .into_iter()
        .find_map(|name| Some((name, unreadable(&name)?)))
    {
        bail!("column {} of {role} is {found}", quoted(name));
    }
    let Some(missing) = names.into_iter().find(|name| source.kind(name).is_none()) else {
        return Ok(());
    };
    let has: Vec<&str> = source.features().iter().map(|(name, _)| name.as_str()).collect();
    let classes = || of_classes(missing, &has).filter(|_| *missing == prediction);
    bail!(
        "{role} have no column {}{}, only {}: write it where the predictions are made, or ask for another (in a pipeline under the step's 'with')",
        quoted(missing),
        positive(missing, &has)
            .or_else(classes)
            .unwrap_or_else(|| meant(missing, &has)),
        few(&has)
    )
}

/// ` (p_cat, p_dog may be probabilities …)` where there are such columns, and none of the predicted class.
fn of_classes(column: &str, has: &[&str]) -> Option<String> {
    let prefix = format!("{column}_");
    let found: Vec<&str> = has.iter().copied().filter(|name| name.starts_with(&prefix)).collect();
    (found.len() > 1).then(|| {
        format!(
            " (if {} are the probabilities of classes, write the predicted class as {} beside them)",
            few(&found),
            quoted(column)
        )
    })
}

/// ` (did you mean 'late'?)` where a column is written much like it.
pub fn meant(column: &str, has: &[&str]) -> String {
    // Comparing long texts with each other takes long and helps nobody.
    const LONG: usize = 200;
    let short = has.iter().filter(|name| name.len().max(column.len()) <= LONG);
    let close = short
        .map(|name| match name.eq_ignore_ascii_case(column) {
            true => (0, name),
            false => (strsim::damerau_levenshtein(column, name), name),
        })
        .filter(|(distance, name)| {
            let letters = column.chars().count();
            // Of one letter nothing is left that would be alike.
            *distance <= 1 + letters / 4 && *distance < letters.max(name.chars().count())
        })
        .min();
    close.map_or_else(String::new, |(_, name)| format!(" (did you mean '{name}'?)"))
}

/// ` (the probability of 1 may be 'score_1')` where there are columns of both classes' probabilities.
fn positive(column: &str, has: &[&str]) -> Option<String> {
    let ends = ["1", "1.0", "true", "True"];
    let found = ends.map(|end| format!("{column}_{end}"));
    let found = found.into_iter().find(|name| has.contains(&name.as_str()))?;
    Some(format!(" (the probability of 1 may be '{found}')"))
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
        let name = |label: f64| {
            all.get(label as usize)
                .map(|class| quoted(class))
                .unwrap_or_else(|| label.to_string())
        };
        let key = candidate.keys.get(row);
        let place = key.map_or_else(|| format!("row {}", row + 1), |key| format!("key {}", quoted(key)));
        bail!(
            "{place} has the label {} for the candidate and {} for the baseline: let both predict the same examples{order}",
            name(candidate.labels[row]),
            name(baseline.labels[row])
        );
    }
    Ok(())
}
