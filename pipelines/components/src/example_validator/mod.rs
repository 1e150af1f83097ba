//! example-validator: statistics and schema in, anomalies out, one file per split.

#[cfg(test)]
mod tests;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};
use std::thread::available_parallelism;

use crate::evaluator::predictions::meant;
use crate::examples::split_folder;
use crate::statistics_gen::{EMPTY_SPANS, SMALL_SPANS, read_statistics};
use crate::task::{ExecutorOutput, Task, data_properties, read_json, write_json};
use crate::tfdv::comparator::Comparison;
use crate::tfdv::statistics::SmallSpan;
use crate::tfdv::validate::{Control, Overrides, Severities, Validation};
use crate::tfdv::{
    Anomalies, AnomalyInfo, AnomalyType, DatasetFeatureStatistics, FeatureNameStatistics, Schema, Severity,
};
use crate::told;

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    on_anomaly: OnAnomaly,
    /// By anomaly type.
    #[serde(default)]
    severity_overrides: Overrides,
    /// By column and anomaly type; these count first.
    #[serde(default)]
    feature_severity_overrides: BTreeMap<String, Overrides>,
    /// Where the data are from, in the schema's words.
    #[serde(default)]
    environment: Option<String>,
    /// How to compare with `previous_statistics`.
    #[serde(default)]
    drift: Comparison,
    /// How to compare with `serving_statistics`.
    #[serde(default)]
    skew: Comparison,
}

/// What an anomaly of severity ERROR does to the step.
#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnAnomaly {
    #[default]
    /// Ends the run.
    Fail,
    /// Says so and goes on.
    Warn,
    /// Goes on; only anomalies.json tells.
    Ignore,
}

/// Reads the inputs `statistics` and `schema`, and `previous_statistics` and `serving_statistics` where they are;
/// writes the output `anomalies`: for each split TFMD's `anomalies.json` and, where there was something to compare
/// with, `distances.json` with every distance measured and what chance would make of it.
///
/// # Errors
/// When a split has an anomaly of severity ERROR and `on_anomaly` is fail, or when an input is
/// unreadable or the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let parameters: Parameters = task.parameters()?;
    let (statistics, output) = (task.input("statistics")?, task.output("anomalies")?);
    let schema: Schema = read_json(&task.input("schema")?.path.join("schema.json"))?;
    if let Some(environment) = &parameters.environment
        && schema.misses_environment(environment)
    {
        bail!(
            "the environment '{environment}' is not named in the schema: name it in default_environment, or in a feature's in_environment or not_in_environment"
        );
    }
    let previous = task
        .optional_input("previous_statistics")
        .map(read_statistics)
        .transpose()?;
    let serving = task
        .optional_input("serving_statistics")
        .map(read_statistics)
        .transpose()?;
    let severities = Severities {
        all: parameters.severity_overrides,
        features: parameters.feature_severity_overrides,
    };
    let threads = available_parallelism().map_or(1, usize::from);
    let empty_spans = statistics.properties.get(EMPTY_SPANS).cloned().unwrap_or_default();
    let empty_spans = Vec::<String>::deserialize(empty_spans).unwrap_or_default();
    let small_spans = statistics.properties.get(SMALL_SPANS).cloned().unwrap_or_default();
    let small_spans = Vec::<SmallSpan>::deserialize(small_spans).unwrap_or_default();
    let (mut blessed, mut errors, mut drifted) = (Map::new(), Vec::new(), Vec::new());
    for dataset in read_statistics(statistics)? {
        let split = &dataset.name;
        for (key, comparison) in [("drift", &parameters.drift), ("skew", &parameters.skew)] {
            known(key, comparison, &schema, &dataset)?;
        }
        let validation = Validation {
            schema: &schema,
            severities: &severities,
            environment: parameters.environment.as_deref(),
            drift: previous
                .as_deref()
                .map(|splits| control(splits, split, &parameters.drift)),
            skew: serving
                .as_deref()
                .map(|splits| control(splits, split, &parameters.skew)),
            threads,
            empty_spans: &empty_spans,
            small_spans: &small_spans,
            proportion: &parameters.drift,
        };
        let anomalies = validation.judge(&dataset);
        let folder = split_folder(output, split);
        write_json(&folder.join("anomalies.json"), &anomalies)?;
        if previous.is_some() || serving.is_some() {
            write_json(
                &folder.join("distances.json"),
                &json!({"distances": anomalies.measured()}),
            )?;
        }
        let found = findings(split, &anomalies, &severities);
        println!(
            "split {split}: {} examples, anomalies: {}",
            dataset.num_examples,
            found.len()
        );
        if parameters.on_anomaly != OnAnomaly::Ignore {
            let lines = found
                .iter()
                .map(|finding| format!("{}: {}", finding.severity, finding.sentence));
            told::print(&lines.collect::<Vec<_>>(), "in anomalies.json");
        }
        let drifts = found.iter().filter(|finding| is_comparison(finding.anomaly_type));
        drifted.extend(drifts.map(|finding| finding.sentence.clone()));
        let before = errors.len();
        errors.extend(found.into_iter().filter(|finding| finding.severity == Severity::Error));
        blessed.insert(split.clone(), i32::from(errors.len() == before).into());
    }
    let mut properties = data_properties(statistics);
    // As in TFX: 1 or 0 for each split; a warning does not take the blessing away.
    properties.insert("blessed".to_owned(), blessed.into());
    // Who is told of drift is told by these sentences; with none of them it is over.
    if [&previous, &serving]
        .into_iter()
        .flatten()
        .any(|splits| !splits.is_empty())
    {
        drifted.truncate(MOST_DRIFTED);
        properties.insert("drifted".to_owned(), drifted.into());
    }
    task.report(&ExecutorOutput::of("anomalies", properties))?;
    match errors.as_slice() {
        [first, others @ ..] if parameters.on_anomaly == OnAnomaly::Fail => bail!("{}", failure(first, others)),
        _ => Ok(()),
    }
}

/// # Errors
/// When a comparison names a column that neither the schema nor the data have: it would never be compared.
fn known(key: &str, comparison: &Comparison, schema: &Schema, dataset: &DatasetFeatureStatistics) -> Result<()> {
    let in_schema = schema.feature.iter().map(|feature| feature.name.clone());
    let columns: BTreeSet<String> = in_schema
        .chain(dataset.features.iter().map(FeatureNameStatistics::column))
        .collect();
    if let Some(name) = comparison.features.keys().find(|name| !columns.contains(*name)) {
        let has: Vec<&str> = columns.iter().map(String::as_str).collect();
        bail!(
            "'{key}' names the column '{name}'{}, which neither the schema nor the data have: correct it under the step's 'with', or take it out",
            meant(name, &has)
        );
    }
    Ok(())
}

/// The split of that name, or the only one there is.
fn control<'a>(splits: &'a [DatasetFeatureStatistics], name: &str, comparison: &'a Comparison) -> Control<'a> {
    let named = splits.iter().find(|split| split.name == name);
    let only = if let [only] = splits { Some(only) } else { None };
    Control {
        statistics: named.or(only),
        comparison,
    }
}

/// Sentences of drift that go with the artifact; all of them are in `anomalies.json`.
const MOST_DRIFTED: usize = 10;

/// One anomaly in one place.
struct Finding {
    severity: Severity,
    anomaly_type: AnomalyType,
    sentence: String,
}

/// What people are told when the step fails, with the override that lets these data pass: of every type of error.
fn failure(first: &Finding, others: &[Finding]) -> String {
    let more = match others.len() {
        0 => String::new(),
        1 => " (and 1 more anomaly in its log)".to_owned(),
        more => format!(" (and {more} more anomalies in its log)"),
    };
    let right = match is_comparison(first.anomaly_type) {
        true => "or the threshold",
        false => "or the schema",
    };
    let mut overrides: Vec<String> = Vec::new();
    for finding in [first].into_iter().chain(others) {
        let override_ = format!("{}: WARNING", finding.anomaly_type);
        if !overrides.contains(&override_) {
            overrides.push(override_);
        }
    }
    format!(
        "{}{more}: correct the data {right}, or set severity_overrides: {{ {} }}",
        first.sentence,
        overrides.join(", ")
    )
}

/// Whether it is drift or skew.
fn is_comparison(anomaly: AnomalyType) -> bool {
    matches!(
        anomaly,
        AnomalyType::ComparatorLInftyHigh
            | AnomalyType::ComparatorJensenShannonDivergenceHigh
            | AnomalyType::ComparatorNormalizedAbsoluteDifferenceHigh
            | AnomalyType::ComparatorKolmogorovSmirnovHigh
            | AnomalyType::ComparatorWassersteinHigh
            | AnomalyType::ComparatorChiSquareHigh
    )
}

fn findings(split: &str, anomalies: &Anomalies, severities: &Severities) -> Vec<Finding> {
    let whole = anomalies.dataset_anomaly_info.iter().map(|info| (None, info));
    let columns = anomalies.anomaly_info.iter();
    let columns = columns.map(|(name, info)| (Some(name.as_str()), info));
    let finding = |(column, info): (Option<&str>, &AnomalyInfo)| {
        let place = column.map_or_else(String::new, |name| format!(", column '{name}'"));
        let reasons = info.reason.clone().into_iter();
        let findings: Vec<_> = reasons
            .map(|reason| Finding {
                severity: severities.of(reason.anomaly_type, column),
                anomaly_type: reason.anomaly_type,
                sentence: format!("split '{split}'{place}: {}", reason.description),
            })
            .collect();
        findings
    };
    whole.chain(columns).flat_map(finding).collect()
}
