//! Why a metric is undefined, and what to do about it.

use super::rows::{Subject, looked_at};
use super::threshold;
use crate::plan::{Gate, MetricThreshold, SlicingSpec};

/// How a gate came to look at a slice, and so how it can look at others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// By a column of `slicing_specs`.
    ByColumn,
    /// By a column of `slicing_specs`, where the metric has `per_slice_thresholds` already.
    ByColumnBesidePerSlice,
    /// By a column in the metric's `per_slice_thresholds`.
    PerSliceByColumn,
    /// By its values.
    ByValue,
    /// As one of a pair.
    AsPair,
}

impl Chosen {
    pub(super) fn of(gate: &Gate, threshold: &MetricThreshold, subject: &Subject) -> Self {
        if subject.baseline_slice_key.is_some() {
            return Self::AsPair;
        }
        let by_column = |spec: &&SlicingSpec| spec.feature_values.len() < subject.slice_key.len();
        let own = || threshold.per_slice_thresholds.iter().flat_map(|own| &own.slicing_specs);
        let matching = |spec: &&SlicingSpec| spec.matches(subject.slice_key);
        let general = looked_at(gate).filter(matching).any(|spec| by_column(&spec));
        let per_slice = own().filter(matching).any(|spec| by_column(&spec));
        match (general, per_slice) {
            (true, _) if own().next().is_some() => Self::ByColumnBesidePerSlice,
            (true, _) => Self::ByColumn,
            (false, true) => Self::PerSliceByColumn,
            (false, false) => Self::ByValue,
        }
    }

    fn way_out(self) -> &'static str {
        match self {
            Self::ByColumn => "choose slices by feature_values in slicing_specs or per_slice_thresholds",
            Self::ByColumnBesidePerSlice => "choose slices by feature_values in slicing_specs",
            Self::PerSliceByColumn => "choose slices by feature_values in its per_slice_thresholds",
            Self::ByValue => "take the slice out of the gate",
            Self::AsPair => "choose slices by feature_values in cross_slicing_specs",
        }
    }
}

/// What a metric lacks; told by the other metrics of the same slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undefined<'a> {
    /// The slice has no rows.
    NoRows,
    /// None of its rows has a weight above 0.
    NoWeight,
    /// No label is 1.
    NoPositive,
    /// No label is 0.
    NoNegative,
    /// All labels are the same class.
    OneClass,
    /// No row is predicted to be positive.
    NonePredicted,
    /// No row is, or is predicted to be, positive.
    NoneEither,
    /// All labels are the same number, or there is one.
    OneLabel,
    /// A label is 0, and the error is divided by it.
    LabelZero,
    /// No label is of the class.
    NotAmongLabels(&'a str),
    /// The class is never predicted.
    NeverPredicted(&'a str),
    /// Neither.
    NeitherOfClass(&'a str),
    /// There are no columns of probabilities.
    NoProbabilities,
    /// It overflows.
    TooLarge,
    /// It is a difference, and one of the two slices lacks it.
    OneOfTwo,
    /// The evaluation does not tell.
    Unknown,
}

impl<'a> Undefined<'a> {
    /// Of a metric of the standard evaluator; others are unknown.
    pub(super) fn of(metric: &'a str, subject: &Subject, model_type: &str) -> Self {
        if subject.num_examples == 0 {
            return Self::NoRows;
        }
        if subject.effective == Some(0.0) {
            return Self::NoWeight;
        }
        if subject.baseline_slice_key.is_some() {
            return Self::OneOfTwo;
        }
        // Labels are those of both models.
        let also = |name: &str| {
            subject
                .metrics
                .get(name)
                .and_then(|found| found.candidate.or(found.baseline))
        };
        let (name, class) = metric.split_once(':').unwrap_or((metric, ""));
        match model_type {
            "binary_classification" => match (name, also("mean_label")) {
                ("auc" | "pr_auc" | "recall" | "calibration", Some(0.0)) => Self::NoPositive,
                ("auc" | "pr_auc", Some(1.0)) => Self::NoNegative,
                ("precision", Some(_)) => Self::NonePredicted,
                ("f1", Some(0.0)) => Self::NoneEither,
                _ => Self::Unknown,
            },
            "regression" => match (name, also("mean_squared_error"), also("mean_absolute_error")) {
                ("r_squared", Some(_), _) => Self::OneLabel,
                ("r_squared" | "mean_squared_error" | "root_mean_squared_error", None, Some(_)) => Self::TooLarge,
                ("mean_absolute_percentage_error", _, Some(_)) => Self::LabelZero,
                _ => Self::Unknown,
            },
            "multiclass_classification" if also("accuracy").is_some() => match (name, also("log_loss")) {
                ("precision", _) => Self::NeverPredicted(class),
                ("recall", _) => Self::NotAmongLabels(class),
                ("f1", _) => Self::NeitherOfClass(class),
                ("log_loss" | "auc", None) => Self::NoProbabilities,
                ("auc", Some(_)) => Self::OneClass,
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    /// Whether other rows would help, and not another model.
    fn is_of_the_rows(self) -> bool {
        !matches!(
            self,
            Self::NonePredicted | Self::NeverPredicted(_) | Self::NoProbabilities | Self::TooLarge
        )
    }

    /// The end of a sentence on a metric that is undefined on a slice of so many rows.
    pub(super) fn sentence(self, rows: &str) -> String {
        match self {
            Self::NoRows => "there are no examples".to_owned(),
            Self::NoWeight => "none of its examples has a weight above 0".to_owned(),
            Self::NoPositive => format!("none of its {rows} is positive"),
            Self::NoNegative => format!("none of its {rows} is negative"),
            Self::OneClass => format!("its {rows} are all of one class"),
            Self::NonePredicted => format!("none of its {rows} is predicted to be positive (above 0.5)"),
            Self::NoneEither => format!("none of its {rows} is positive or predicted to be"),
            Self::OneLabel => format!("the labels of its {rows} do not differ"),
            Self::LabelZero => "its error is divided by the label, which is 0 in one of its examples".to_owned(),
            Self::NotAmongLabels(class) => format!("none of its {rows} is of class '{class}'"),
            Self::NeverPredicted(class) => format!("class '{class}' is predicted for none of its {rows}"),
            Self::NeitherOfClass(class) => format!("none of its {rows} is of class '{class}' or predicted to be"),
            Self::NoProbabilities => "the predictions have no columns with the probabilities of the classes".to_owned(),
            Self::TooLarge => "its errors are too large to be squared".to_owned(),
            Self::OneOfTwo => "it is on one of the two slices".to_owned(),
            Self::Unknown => format!("the evaluation has no number for its {rows}"),
        }
    }
}

/// The sentence on a candidate's metric without a value: what is undefined does not pass.
pub(super) fn of_candidate(metric: &str, subject: &Subject, model_type: &str, chosen: Chosen) -> String {
    let why = Undefined::of(metric, subject, model_type);
    let out = match why {
        Undefined::NoProbabilities => "write them, or judge another metric".to_owned(),
        why if !why.is_of_the_rows() => "judge another metric, or look at the model".to_owned(),
        _ if subject.is_overall() => "evaluate other rows, or judge another metric".to_owned(),
        _ => format!(
            "set min_slice_size above {}, or {}",
            subject.counts_as(),
            chosen.way_out()
        ),
    };
    // A cell of the comment has room for so much.
    let whose = if why.is_of_the_rows() { "" } else { " for the candidate" };
    format!(
        "{} is undefined{whose}, since {}: {out}",
        threshold::place(metric, subject),
        why.sentence(&subject.rows_in_words())
    )
}

/// The sentence on a change that cannot be judged, since the other model's metric has no value.
pub(super) fn of_baseline(metric: &str, subject: &Subject, model_type: &str) -> String {
    format!(
        "{} is undefined for the model compared with, since {}, so that its change cannot be judged: keep a value_threshold alone, or judge another metric",
        threshold::place(metric, subject),
        Undefined::of(metric, subject, model_type).sentence(&subject.rows_in_words())
    )
}
