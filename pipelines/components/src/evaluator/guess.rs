//! What a model predicts, told by its labels and predictions; what they leave open is asked for.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

use super::names::folded;
use super::predictions::Role;
use super::source::Source;
use super::values::{cast, probability, truth, zero_or_one};
use crate::examples::few;
use crate::features::{Column, Kind};
use crate::tfdv::listed::quoted;
use trainyard_tfma::metrics::ModelType;

/// Labels of which so many are 0 or 1 are those of two classes, and the others mistakes.
const MOSTLY: f64 = 0.9;

/// More classes than this are rather numbers.
const MOST_CLASSES: usize = 50;

/// What a column holds, counted.
#[derive(Default)]
struct Seen {
    rows: usize,
    /// Values that are there.
    values: usize,
    /// Of them numbers, and truth that is written as text.
    numbers: usize,
    truths: usize,
    /// 0 and 1, give or take rounding, and how many of each.
    halves: [usize; 2],
    /// From 0 to 1.
    probabilities: usize,
    whole: usize,
    /// Distinct numbers, as long as they are few, and texts.
    distinct: BTreeSet<String>,
    texts: BTreeSet<String>,
    /// The first that is neither 0 nor 1, and the first that is no number: its row and text.
    first_other: Option<(usize, String)>,
    first_text: Option<(usize, String)>,
}

impl Seen {
    fn of(source: &Source, column: &str) -> Result<Self> {
        let mut seen = Self::default();
        let Some(kind) = source.kind(column) else {
            // Whoever reads it says so.
            return Ok(seen);
        };
        let mut row = 0;
        for batch in source.batches(&[column])? {
            let batch = batch.with_context(|| format!("{} cannot be read", Role::Candidate))?;
            let Some(array) = batch.column_by_name(column) else {
                continue;
            };
            match cast(array, kind, row + 1)
                .with_context(|| format!("column {} of {}", quoted(column), Role::Candidate))?
            {
                Column::Int(values) => values
                    .iter()
                    .for_each(|value| seen.number(&mut row, value.map(|v| v as f64))),
                Column::Float(values) => values.iter().for_each(|value| seen.number(&mut row, value)),
                Column::Bytes(values) => values.iter().for_each(|value| seen.text(&mut row, value)),
            }
        }
        seen.rows = row;
        Ok(seen)
    }

    fn text(&mut self, row: &mut usize, text: Option<&str>) {
        let number = text.and_then(|text| text.trim().parse::<f64>().ok());
        let said = text.filter(|_| number.is_none()).and_then(truth);
        let Some(text) = text.filter(|_| number.is_none() && said.is_none()) else {
            self.truths += usize::from(said.is_some());
            self.number(row, number.or(said));
            return;
        };
        *row += 1;
        self.values += 1;
        let shown = quoted(text);
        if self.texts.len() <= MOST_CLASSES {
            self.texts.insert(shown.clone());
        }
        self.first_text.get_or_insert_with(|| (*row, shown.clone()));
        self.first_other.get_or_insert((*row, shown));
    }

    fn number(&mut self, row: &mut usize, value: Option<f64>) {
        *row += 1;
        let Some(value) = value else {
            return;
        };
        self.values += 1;
        self.numbers += 1;
        self.probabilities += usize::from(probability(value).is_some());
        self.whole += usize::from(value.fract() == 0.0);
        match zero_or_one(value) {
            Some(half) => self.halves[half as usize] += 1,
            None => {
                self.first_other.get_or_insert_with(|| (*row, value.to_string()));
            }
        }
        if self.distinct.len() <= MOST_CLASSES {
            self.distinct.insert(value.to_string());
        }
    }

    fn zeros_and_ones(&self) -> usize {
        self.halves.iter().sum()
    }

    fn has_text(&self) -> bool {
        self.numbers < self.values
    }

    fn are_few(&self) -> bool {
        self.distinct.len() <= MOST_CLASSES && self.distinct.len() * 2 <= self.values
    }

    /// The distinct numbers in a sentence, as numbers.
    fn numbers_in_words(&self) -> String {
        let mut numbers: Vec<f64> = self.distinct.iter().filter_map(|text| text.parse().ok()).collect();
        numbers.sort_by(f64::total_cmp);
        let texts: Vec<String> = numbers.iter().map(f64::to_string).collect();
        few(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn is_text(&self) -> bool {
        self.numbers * 2 < self.values
    }

    fn share(&self, of: usize) -> f64 {
        of as f64 / self.values.max(1) as f64
    }
}

/// The model type, and by which sign it was told.
#[derive(Debug, PartialEq, Eq)]
pub struct Guess {
    pub model_type: ModelType,
    /// Completes "taken for regression, since …".
    pub since: &'static str,
}

/// Guesses by the candidate's labels and predictions, where `probabilities` says whether columns of these were named.
///
/// # Errors
/// Where they fit more than one model type, or none; the sentence says what to give.
pub fn guess(source: &Source, label: &str, prediction: &str, probabilities: bool) -> Result<Guess> {
    let guess = |model_type, since| Ok(Guess { model_type, since });
    if probabilities {
        return guess(
            ModelType::MulticlassClassification,
            "columns of probabilities are named",
        );
    }
    let (labels, said) = (Seen::of(source, label)?, Seen::of(source, prediction)?);
    for (name, seen) in [(label, &labels), (prediction, &said)] {
        if seen.values == 0 && seen.rows > 0 {
            bail!(
                "column {} of {} has no value in any row: write it where the predictions are made, or name another",
                quoted(name),
                Role::Candidate
            );
        }
        if let Some(why) = source.with_commas(name) {
            bail!("column {} of {} is text: {why}", quoted(name), Role::Candidate);
        }
    }
    if said.values > 0 && said.is_text() && source.kind(prediction) == Some(Kind::Bytes) {
        return guess(ModelType::MulticlassClassification, "the predictions are text");
    }
    if labels.zeros_and_ones() == labels.values {
        return guess(ModelType::BinaryClassification, "all labels are 0 or 1");
    }
    if labels.is_text() {
        let (row, text) = labels.first_text.clone().unwrap_or_default();
        if labels.texts.len() == 2 && labels.numbers == 0 {
            let texts: Vec<&str> = labels.texts.iter().map(String::as_str).collect();
            bail!(
                "column '{label}' of {} holds {}, and a label of binary_classification is 0 or 1, or false or true: write 1 for the one that the predictions are of where these are made, or name the column of the predicted classes as --prediction",
                Role::Candidate,
                texts.join(" and ")
            );
        }
        bail!(
            "column '{label}' of {}: row {row} is {text}, and a label of binary_classification is 0 or 1, or false or true: write it so where the predictions are made, or name the column of the predicted classes as --prediction",
            Role::Candidate
        );
    }
    let (row, other) = labels.first_other.clone().unwrap_or_default();
    let both = labels.halves.iter().all(|count| *count > 0);
    if both && labels.share(labels.zeros_and_ones()) >= MOSTLY {
        // A text is nothing that a regression predicts.
        let or_amounts = match labels.has_text() {
            true => "",
            false => ", or say what the model predicts with --model-type regression",
        };
        bail!(
            "column '{label}' of {}: row {row} is {other}, and {} of {} labels are 0 or 1: correct the others{or_amounts}",
            Role::Candidate,
            labels.zeros_and_ones(),
            labels.values
        );
    }
    let whole = labels.whole == labels.values;
    // Columns with the probability of each class say that the numbers are classes.
    let prefix = format!("{prediction}_");
    let columns = source
        .features()
        .iter()
        .filter_map(|(name, _)| name.strip_prefix(&prefix));
    let columns: BTreeSet<String> = columns.map(folded).collect();
    let probability_of = |class: &String| columns.contains(&folded(class));
    if whole && labels.distinct.len() <= MOST_CLASSES && labels.distinct.iter().all(probability_of) {
        return guess(
            ModelType::MulticlassClassification,
            "there is a column of probabilities for each label",
        );
    }
    let scores = said.values > 0 && said.probabilities == said.values;
    let two = labels.distinct.len() <= 2 && (whole || labels.values > 2);
    if !labels.has_text() && (two || (whole && labels.are_few() && scores && said.whole < said.values)) {
        let all = if labels.distinct.len() == 1 { "all " } else { "" };
        let to_what = match labels.distinct.len() {
            0..=2 => "write the labels as 0 and 1 where the predictions are made if these are scores of 1",
            _ => "name the column of the predicted classes as --prediction if they are classes",
        };
        bail!(
            "the labels in column '{label}' of {} are {all}{}, which may be classes or amounts: {to_what}, or say what the model predicts with --model-type (model_type in a pipeline) regression or multiclass_classification",
            Role::Candidate,
            labels.numbers_in_words()
        );
    }
    let whole = whole && said.whole == said.values;
    if labels.are_few() && whole && said.values > 0 && said.distinct.is_subset(&labels.distinct) {
        bail!(
            "columns '{label}' and '{prediction}' of {} hold the same {} whole numbers, which may be classes or amounts: say which with --model-type multiclass_classification or regression",
            Role::Candidate,
            labels.distinct.len()
        );
    }
    if let Some((row, text)) = &labels.first_text {
        bail!(
            "column '{label}' of {}: row {row} is {text} among labels that are numbers: correct it, or say what the model predicts with --model-type multiclass_classification if they are classes",
            Role::Candidate
        );
    }
    guess(ModelType::Regression, "the labels are numbers other than 0 and 1")
}
