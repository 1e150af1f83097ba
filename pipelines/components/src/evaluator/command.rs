//! `trainyard-components evaluate`: the evaluator on two files, with no service and no task.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::evaluation::Evaluation;
use super::guess::{Guess, guess};
use super::measured;
use super::parameters::{CrossSlicingSpec, Parameters, default_confidence_level};
use super::predictions::{Role, check};
use super::slice_text::{column, slice, split_at_word};
use super::slices::SlicingSpec;
use super::source::Source;
use crate::csv::Settings;
use crate::csv::asked::Asked;
use crate::example_gen::source::Reading;
use crate::examples::short;
use crate::task::write_json;
use crate::tfdv::listed::quoted;
use trainyard_tfma::bootstrap::Bootstrap;
use trainyard_tfma::metrics::ModelType;

/// What `evaluate --help` ends with.
pub const EXAMPLES: &str = "\
Examples:
  trainyard-components evaluate --predictions c.csv --baseline b.csv --label late \\
      --prediction score --out evaluation.json
  trainyard-components evaluate --predictions c.parquet --label price --prediction predicted \\
      --model-type regression --out -
  trainyard-components evaluate --predictions c.csv --baseline b.csv --key flight --label late \\
      --prediction score --slice origin --slice origin,carrier --slice carrier=UA \\
      --bins distance=0,500,1000 --out evaluation.json
  trainyard-components evaluate --predictions c.csv --label late --prediction score \\
      --cross-slice origin --cross-slice 'carrier=UA against carrier=B6' --out evaluation.json

Then judge it: trainyard gate --evaluation evaluation.json --gate gate.yaml";

/// What to measure on which rows.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The candidate's predictions with their labels: CSV or Parquet.
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// The baseline's predictions of the same rows; may use the same column names.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// The column of labels.
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// The column of predictions.
    #[arg(long, value_name = "COLUMN")]
    prediction: String,
    /// The column of the rows' weights (scikit-learn's sample_weight); left out, each row counts once.
    #[arg(long, value_name = "COLUMN", visible_alias = "sample-weight")]
    example_weight_key: Option<String>,
    /// What the model predicts; left out, it is told by labels and predictions, or asked for where these leave it open.
    #[arg(long, value_enum)]
    model_type: Option<ModelType>,
    /// Columns with the classes' probabilities (default: all PREDICTION_CLASS).
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    probabilities: Vec<String>,
    /// Slices: COLUMN, COLUMN,COLUMN for their cross, COLUMN=VALUE for one value, in double quotes where it has a
    /// comma (place="Washington, DC"); repeatable.
    #[arg(long = "slice", value_name = "SLICE", value_parser = slice)]
    slices: Vec<SlicingSpec>,
    /// Slices against others: SLICE (against all rows) or 'SLICE against SLICE'; repeatable.
    #[arg(long = "cross-slice", value_name = "SLICE", value_parser = cross_slice)]
    cross_slices: Vec<CrossSlicingSpec>,
    /// Slices by ranges of a number: COLUMN=EDGE,EDGE,...; repeatable. A slice that names the column is cut there.
    #[arg(long, value_name = "COLUMN=EDGES", value_parser = bins, allow_hyphen_values = true)]
    bins: Vec<(String, Edges)>,
    /// What stands for a missing value in text tables, in place of the usual words.
    #[arg(
        long,
        value_name = "WORD,...",
        value_delimiter = ',',
        alias = "missing_values",
        allow_hyphen_values = true
    )]
    missing_values: Option<Vec<String>>,
    /// What stands for infinity in text tables, in place of inf and infinity.
    #[arg(
        long,
        value_name = "WORD,...",
        value_delimiter = ',',
        alias = "infinite_values",
        allow_hyphen_values = true
    )]
    infinite_values: Option<Vec<String>>,
    /// What is before the fraction in text tables: . or ,
    #[arg(long, value_name = "SIGN")]
    decimal: Option<String>,
    /// What is between the values of text tables: one character, or tab (default: detected).
    #[arg(long, value_name = "SIGN")]
    separator: Option<String>,
    /// Quoted values of text tables may have lines that look like rows.
    #[arg(long, alias = "line_breaks_in_values")]
    line_breaks_in_values: bool,
    /// Columns that are as if they were not there.
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', alias = "exclude_columns")]
    exclude_columns: Vec<String>,
    /// Pairs rows by this column and not by order.
    #[arg(long, value_name = "COLUMN")]
    key: Option<String>,
    /// Replicates of the paired bootstrap; 0 for no intervals.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().num_samples)]
    bootstrap_samples: u32,
    /// The same seed gives the same file, bit by bit.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Of the intervals.
    #[arg(long, value_name = "LEVEL", default_value_t = default_confidence_level())]
    confidence_level: f64,
    /// Where evaluation.json goes; - is stdout.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The edges of bins.
#[derive(Clone, Debug)]
struct Edges(Vec<f64>);

fn cross_slice(text: &str) -> Result<CrossSlicingSpec, String> {
    let (compared, base) = split_at_word(text, " against ").unwrap_or((text, "overall"));
    let baseline_spec = match base.trim() {
        "overall" => SlicingSpec::default(),
        base => slice(base)?,
    };
    Ok(CrossSlicingSpec {
        baseline_spec,
        slicing_specs: vec![slice(compared)?],
    })
}

fn bins(text: &str) -> Result<(String, Edges), String> {
    let explain = || "bins are COLUMN=EDGE,EDGE,... with numbers as edges".to_owned();
    let (name, edges) = text.rsplit_once('=').ok_or_else(explain)?;
    let edges: Result<Vec<f64>, _> = edges.split(',').map(|edge| edge.trim().parse()).collect();
    Ok((column(name)?, Edges(edges.map_err(|_| explain())?)))
}

impl Arguments {
    fn reading(&self) -> Reading {
        let words = |words: &Option<Vec<String>>| {
            let words = words.as_ref()?.iter();
            Some(words.map(|word| Value::String(word.clone())).collect())
        };
        Reading {
            csv: Settings {
                separator: self.separator.clone(),
                decimal: self.decimal.clone(),
                missing_values: words(&self.missing_values),
                infinite_values: words(&self.infinite_values),
                line_breaks_in_values: self.line_breaks_in_values,
                asked: Asked::Flags,
            },
            left_out: self.exclude_columns.clone(),
        }
    }

    /// Columns whose values are refused by row where they are none of theirs.
    fn judged_columns(&self) -> Vec<&str> {
        let weight = self.example_weight_key.as_deref();
        [self.label.as_str(), &self.prediction]
            .into_iter()
            .chain(weight)
            .collect()
    }

    /// What to slice by, and what to hold against what, cut where bins say.
    fn slicing_specs(&self) -> (Vec<SlicingSpec>, Vec<CrossSlicingSpec>) {
        let bins: BTreeMap<&String, &Vec<f64>> = self.bins.iter().map(|(column, edges)| (column, &edges.0)).collect();
        let (mut specs, mut crosses) = (self.slices.clone(), self.cross_slices.clone());
        for (column, edges) in &bins {
            let crossed = crosses
                .iter_mut()
                .flat_map(|cross| cross.slicing_specs.iter_mut().chain([&mut cross.baseline_spec]));
            let mut named = false;
            for spec in specs
                .iter_mut()
                .chain(crossed)
                .filter(|spec| spec.feature_keys.contains(column))
            {
                spec.feature_keys.retain(|key| key != *column);
                spec.bins.insert(column.to_string(), edges.to_vec());
                named = true;
            }
            if !named {
                specs.push(SlicingSpec {
                    bins: BTreeMap::from([(column.to_string(), edges.to_vec())]),
                    ..SlicingSpec::default()
                });
            }
        }
        (specs, crosses)
    }
}

/// Measures, writes `evaluation.json` and says what it found.
///
/// # Errors
/// When predictions are unreadable, illegal or of different rows, when a column is missing, or when the
/// output cannot be written.
pub fn run(arguments: &Arguments) -> Result<()> {
    let inputs = [Some(&arguments.predictions), arguments.baseline.as_ref()];
    if let Some(input) = inputs
        .into_iter()
        .flatten()
        .find(|input| same_file(input, &arguments.out))
    {
        bail!(
            "--out is {}, which is read: give the evaluation a file of its own",
            input.display()
        );
    }
    let (reading, judged) = (arguments.reading(), arguments.judged_columns());
    let open = |path: &Path| Source::open(path, &reading, &judged);
    let candidate = open(&arguments.predictions)?;
    let baseline = arguments.baseline.as_deref().map(open).transpose()?;
    check(&candidate, Role::Candidate, &arguments.prediction, &judged)?;
    let model_type = match arguments.model_type {
        Some(model_type) => model_type,
        None => {
            let (label, prediction) = (&arguments.label, &arguments.prediction);
            let Guess { model_type, since } =
                guess(&candidate, label, prediction, !arguments.probabilities.is_empty())?;
            eprintln!(
                "taken for {}, since {since}; --model-type says otherwise",
                model_type.name()
            );
            model_type
        }
    };
    if model_type != ModelType::MulticlassClassification && !arguments.probabilities.is_empty() {
        bail!("--probabilities belong to multiclass_classification: leave them out, or give that --model-type");
    }
    let (slicing_specs, cross_slicing_specs) = arguments.slicing_specs();
    let all = cross_slicing_specs.iter();
    let all = all.flat_map(|cross| [&cross.baseline_spec].into_iter().chain(&cross.slicing_specs));
    slicing_specs
        .iter()
        .chain(all)
        .try_for_each(|spec| comma(spec, &candidate))?;
    let parameters = Parameters {
        model_type,
        label: arguments.label.clone(),
        prediction: arguments.prediction.clone(),
        example_weight_key: arguments.example_weight_key.clone(),
        probabilities: arguments.probabilities.clone(),
        slicing_specs,
        cross_slicing_specs,
        bootstrap: Bootstrap {
            num_samples: arguments.bootstrap_samples,
            seed: arguments.seed,
        },
        confidence_level: arguments.confidence_level,
    };
    let evaluation = measured(&parameters, &candidate, baseline.as_ref(), arguments.key.as_deref())?;
    if evaluation.overall().is_none_or(|overall| overall.num_examples == 0) {
        bail!(
            "{} has no rows: there is nothing to measure",
            arguments.predictions.display()
        );
    }
    if let Some(baseline) = arguments.baseline.as_deref().filter(|_| !evaluation.baseline) {
        bail!(
            "{} has no rows: leave --baseline out if there is no model to compare with",
            baseline.display()
        );
    }
    for note in &evaluation.notes {
        eprintln!("{note}");
    }
    if arguments.out.as_os_str() == "-" {
        let mut text = serde_json::to_vec_pretty(&evaluation)?;
        text.push(b'\n');
        std::io::stdout().write_all(&text).context("cannot write to stdout")?;
    } else {
        write_whole(&arguments.out, &evaluation)?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{}", summary(&evaluation)).context("cannot write to stdout")?;
    }
    Ok(())
}

/// Fails where what follows a comma is no column, and so rather a part of the value before it.
fn comma(spec: &SlicingSpec, source: &Source) -> Result<()> {
    let unknown: Vec<&str> = spec
        .feature_keys
        .iter()
        .map(String::as_str)
        .filter(|name| source.kind(name).is_none() && source.unreadable(name).is_none())
        .collect();
    if let (Some((column, value)), Some(first)) = (spec.feature_values.iter().next_back(), unknown.first()) {
        bail!(
            "there is no column {}, which follows a comma behind {column}={value}: if it is a part of that value, put the value into double quotes, as in --slice '{column}=\"{value}, {}\"'",
            quoted(first),
            unknown.join(", ")
        );
    }
    Ok(())
}

fn same_file(one: &Path, other: &Path) -> bool {
    std::fs::canonicalize(one).is_ok_and(|one| std::fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Writes the file whole or not at all: a full disk leaves what was there before.
fn write_whole(out: &Path, evaluation: &Evaluation) -> Result<()> {
    // A pipe, a device or a folder is not replaced.
    if out.metadata().is_ok_and(|found| !found.is_file()) {
        return write_json(out, evaluation);
    }
    let out = std::fs::canonicalize(out).unwrap_or_else(|_| out.to_owned());
    let mut part = out.clone().into_os_string();
    part.push(".part");
    let written = write_json(Path::new(&part), evaluation)
        .and_then(|()| std::fs::rename(&part, &out).with_context(|| format!("cannot write {}", out.display())));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Four decimals and so many more, and a power of ten where these would show nothing, or far too much.
fn number(value: f64, more: usize) -> String {
    if value == 0.0 || (1e-3..1e9).contains(&value.abs()) {
        format!("{value:.*}", 4 + more)
    } else {
        format!("{value:.*e}", 2 + more)
    }
}

/// How many digits more tell two numbers apart.
fn apart(one: Option<f64>, other: Option<f64>) -> usize {
    let differ = one.zip(other).filter(|(one, other)| one != other);
    let reads = |(one, other): (f64, f64)| (0..17).find(|more| number(one, *more) != number(other, *more));
    differ.and_then(reads).unwrap_or(0)
}

/// With its sign.
fn signed(value: f64) -> String {
    let sign = if value.is_sign_negative() { "" } else { "+" };
    format!("{sign}{}", number(value, 0))
}

/// Metrics of the whole, a line each.
fn summary(evaluation: &Evaluation) -> String {
    let Some(overall) = evaluation.overall() else {
        return String::new();
    };
    let shown = |value: Option<f64>, more: usize| value.map_or("-".to_owned(), |value| number(value, more));
    let slices = match evaluation.slices.len() {
        1 => "no slices".to_owned(),
        2 => "1 slice".to_owned(),
        more => format!("{} slices", more - 1),
    };
    let mut lines = vec![format!(
        "{}: {} examples, {slices}",
        evaluation.model_type.name(),
        overall.num_examples
    )];
    let compared = evaluation.baseline;
    let width = overall
        .metrics
        .keys()
        .map(|name| short(name).chars().count())
        .max()
        .unwrap_or(0)
        .max("metric".len());
    let mut head = format!("{:width$}  {:>10}", "metric", "candidate");
    if compared {
        head += &format!("  {:>10}  difference (interval)", "baseline");
    }
    lines.push(head);
    for (name, measured) in &overall.metrics {
        let more = apart(measured.candidate, measured.baseline);
        let mut line = format!("{:width$}  {:>10}", short(name), shown(measured.candidate, more));
        if compared {
            line += &format!("  {:>10}", shown(measured.baseline, more));
        }
        if let Some(difference) = measured.difference {
            let interval = difference.interval;
            line += &format!(
                "  {} ({} to {})",
                signed(difference.value),
                signed(interval.lower),
                signed(interval.upper)
            );
        }
        lines.push(line);
    }
    lines.join("\n")
}
