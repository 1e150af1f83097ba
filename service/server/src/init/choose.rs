//! Which column is predicted, and which columns it is predicted by.

use super::sample::{Column, Kind, Sample};
use std::cmp::Ordering;
use trainyard_core::suggest;

/// Names that labels have.
const LABELS: [&str; 22] = [
    "label",
    "target",
    "y",
    "class",
    "outcome",
    "churn",
    "churned",
    "default",
    "defaulted",
    "fraud",
    "is_fraud",
    "converted",
    "conversion",
    "clicked",
    "survived",
    "response",
    "late",
    "price",
    "sales",
    "exited",
    "cancelled",
    "canceled",
];
/// Values that are what one asks for, where a label has two.
const POSITIVE: [&str; 10] = [
    "yes", "y", "true", "t", "1", "positive", "pos", "churned", "fraud", "bad",
];
/// A text with more different values is no category.
const MOST_CATEGORIES: usize = 100;
/// Slices by a column with more values say little each.
const MOST_SLICES: usize = 10;

/// Why a column is not predicted, or not predicted by.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ChoiceError {
    #[error("there is no column '{asked}' in the sample: {hint}")]
    NoColumn { asked: String, hint: String },
    #[error("column '{0}' has no value in the sample: name another --label, or a sample with more rows")]
    Empty(String),
    #[error(
        "column '{0}' has the same value in every row of the sample: name another --label, or a sample with more rows"
    )]
    Constant(String),
    #[error(
        "column '{name}' has {values} different texts, and what is predicted is a number or one of two values: name another --label"
    )]
    ManyTexts { name: String, values: usize },
    #[error("no column is left to predict '{0}' by: name some with --columns")]
    NoFeature(String),
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// One of two values; the score is the probability of the second.
    Classification { kind: Kind, values: [String; 2] },
    /// A number.
    Regression,
}

/// The columns that a label is predicted by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features {
    pub(crate) numbers: Vec<String>,
    pub(crate) categories: Vec<String>,
    /// A category that the evaluation is sliced by.
    pub(crate) slice: Option<String>,
    /// Columns that are not used, and why.
    pub(crate) left_out: Vec<(String, String)>,
}

fn named<'a>(sample: &'a Sample, name: &str) -> Result<&'a Column, ChoiceError> {
    let found = sample.columns.iter().find(|column| column.name == name);
    found.ok_or_else(|| ChoiceError::NoColumn {
        asked: name.to_owned(),
        hint: suggest::hint(name, sample.columns.iter().map(|column| column.name.as_str())),
    })
}

/// What the column is a label of.
///
/// # Errors
/// When it cannot be predicted.
pub(crate) fn task(sample: &Sample, label: &str) -> Result<Task, ChoiceError> {
    let column = named(sample, label)?;
    let mut values: Vec<String> = column.values.iter().cloned().collect();
    match (values.len(), column.kind) {
        (0, _) => Err(ChoiceError::Empty(label.to_owned())),
        (1, _) => Err(ChoiceError::Constant(label.to_owned())),
        (2, kind) => {
            values.sort_by(|a, b| order(a, b));
            let positive = |value: &String| POSITIVE.iter().any(|word| word.eq_ignore_ascii_case(value.trim()));
            if kind == Kind::Text && positive(&values[0]) && !positive(&values[1]) {
                values.reverse();
            }
            let [first, second] = [values.remove(0), values.remove(0)];
            Ok(Task::Classification {
                kind,
                values: [first, second],
            })
        }
        (_, Kind::Number) => Ok(Task::Regression),
        (values, Kind::Text) => Err(ChoiceError::ManyTexts {
            name: label.to_owned(),
            values,
        }),
    }
}

/// Numbers by their value, texts by the alphabet.
fn order(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.trim().replacen(',', ".", 1).parse::<f64>().ok();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    }
}

/// The column that looks most like a label: by its name, or the last that can be one.
pub(crate) fn suggested_label(sample: &Sample) -> Option<&str> {
    let fits = |column: &&Column| task(sample, &column.name).is_ok() && !is_id(&column.name);
    let known = LABELS.iter().find_map(|word| {
        let called = |column: &&Column| column.name.eq_ignore_ascii_case(word);
        sample.columns.iter().filter(fits).find(called)
    });
    let found = known.or_else(|| sample.columns.iter().rfind(|column| fits(column)));
    found.map(|column| column.name.as_str())
}

/// The columns that the label is predicted by: those that are asked for, or all that can tell something.
///
/// # Errors
/// When one is not there, or none is left.
pub(crate) fn features(sample: &Sample, label: &str, asked: &[String]) -> Result<Features, ChoiceError> {
    let mut features = Features::default();
    let columns: Vec<&Column> = match asked {
        [] => sample.columns.iter().collect(),
        some => some.iter().map(|name| named(sample, name)).collect::<Result<_, _>>()?,
    };
    for column in columns.into_iter().filter(|column| column.name != label) {
        let name = column.name.clone();
        match (unfit(column), column.kind) {
            (Some(why), _) if asked.is_empty() => features.left_out.push((name, why)),
            (_, Kind::Number) => features.numbers.push(name),
            (_, Kind::Text) => features.categories.push(name),
        }
    }
    if features.numbers.is_empty() && features.categories.is_empty() {
        return Err(ChoiceError::NoFeature(label.to_owned()));
    }
    let few = |name: &&String| named(sample, name).is_ok_and(|column| (2..=MOST_SLICES).contains(&column.values.len()));
    features.slice = features.categories.iter().find(few).cloned();
    Ok(features)
}

/// Why a column tells nothing of others' labels.
fn unfit(column: &Column) -> Option<String> {
    match (column.values.len(), column.kind) {
        (0, _) => Some("it has no value in the sample".to_owned()),
        (1, _) => Some("it is the same in every row of the sample".to_owned()),
        _ if is_id(&column.name) => Some("it looks like the name of a row".to_owned()),
        (many, Kind::Text) if many > MOST_CATEGORIES => Some(match many == column.filled {
            true => "it is text that is another one in every row".to_owned(),
            false => format!("it is text with {many} different values or more"),
        }),
        _ => None,
    }
}

/// `id`, `customer_id`, `customerID`, `row number`.
fn is_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    let ends = ["_id", " id", "-id", "uuid", "guid"];
    ["id", "index", "unnamed: 0", "rownumber", "row_number"].contains(&lower.as_str())
        || ends.iter().any(|end| lower.ends_with(end))
        || name.ends_with("Id")
        || name.ends_with("ID")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Customers: a number, two texts, and what became of them.
    fn sample(header: &str, rows: &[&str]) -> Sample {
        Sample::parse(&format!("{header}\n{}\n", rows.join("\n"))).unwrap()
    }

    #[test]
    fn a_label_has_two_values_or_is_a_number() {
        let sample = sample(
            "flag,answer,truth,grade,score,mood,plan,same,empty",
            &[
                "0,no,True,pass,1.5,good,a,x,",
                "1,yes,False,fail,2.5,bad,b,x,",
                "1,yes,False,fail,3.5,bad,c,x,",
            ],
        );
        let shown: Vec<String> = [
            "flag", "answer", "truth", "grade", "score", "mood", "plan", "same", "empty", "anwser",
        ]
        .iter()
        .map(|label| match task(&sample, label) {
            Ok(Task::Classification { values, .. }) => format!("{label}: {} or {}", values[0], values[1]),
            Ok(Task::Regression) => format!("{label}: a number"),
            Err(error) => error.to_string(),
        })
        .collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        flag: 0 or 1
        answer: no or yes
        truth: False or True
        grade: fail or pass
        score: a number
        mood: good or bad
        column 'plan' has 3 different texts, and what is predicted is a number or one of two values: name another --label
        column 'same' has the same value in every row of the sample: name another --label, or a sample with more rows
        column 'empty' has no value in the sample: name another --label, or a sample with more rows
        there is no column 'anwser' in the sample: did you mean 'answer'? known are flag, answer, truth, grade, score, mood, plan, same, empty
        ");
    }

    #[test]
    fn a_label_is_suggested_by_its_name_and_else_by_its_place() {
        let rows = ["1,a,0,x", "2,b,1,y", "3,c,1,x"];
        let cases = ["Target,b,c,d", "a,b,churned,d", "a,b,c,d", "a,b,c,customer_id"];
        let shown: Vec<&str> = cases
            .map(|header| sample(header, &rows))
            .each_ref()
            .map(|sample| suggested_label(sample).unwrap_or("none"))
            .map(|label| match label {
                "Target" => "Target",
                "churned" => "churned",
                "d" => "d",
                "c" => "c",
                _ => "another",
            })
            .into();
        assert_eq!(shown, ["Target", "churned", "d", "c"]);
        assert_eq!(suggested_label(&sample("a,b", &["x,x", "y,y", "z,z"])), None);
    }

    #[test]
    fn columns_that_tell_nothing_are_left_out() {
        let rows: Vec<String> = (0..300)
            .map(|row| {
                format!(
                    "{row},C{row},{},{},same,{},{}",
                    row % 7,
                    ["a", "b"][row % 2],
                    row * 2,
                    row % 2
                )
            })
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let sample = sample("customerID,phone,visits,plan,country,spent,churned", &rows);
        insta::assert_debug_snapshot!(features(&sample, "churned", &[]).unwrap(), @r#"
        Features {
            numbers: [
                "visits",
                "spent",
            ],
            categories: [
                "plan",
            ],
            slice: Some(
                "plan",
            ),
            left_out: [
                (
                    "customerID",
                    "it looks like the name of a row",
                ),
                (
                    "phone",
                    "it is text that is another one in every row",
                ),
                (
                    "country",
                    "it is the same in every row of the sample",
                ),
            ],
        }
        "#);
        let asked = ["phone", "visits"].map(str::to_owned);
        let asked = features(&sample, "churned", &asked).unwrap();
        assert_eq!(
            (asked.numbers, asked.categories),
            (vec!["visits".to_owned()], vec!["phone".to_owned()])
        );
        let none = features(&sample, "churned", &["churned".to_owned()]).unwrap_err();
        assert_eq!(none, ChoiceError::NoFeature("churned".to_owned()));
        insta::assert_snapshot!(features(&sample, "churned", &["visit".to_owned()]).unwrap_err(), @"there is no column 'visit' in the sample: did you mean 'visits'? known are customerID, phone, visits, plan, country, spent, churned");
    }
}
