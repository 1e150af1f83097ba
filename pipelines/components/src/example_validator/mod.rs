//! example-validator: statistics and schema in, anomalies out, one file per split.

#[cfg(test)]
mod tests;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::Map;

use crate::examples::split_folder;
use crate::statistics_gen::read_statistics;
use crate::task::{ExecutorOutput, Task, data_properties, read_json, write_json};
use crate::tfdv::validate::{Overrides, severity, validate};
use crate::tfdv::{Anomalies, AnomalyInfo, AnomalyType, Schema, Severity};

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    on_anomaly: OnAnomaly,
    #[serde(default)]
    severity_overrides: Overrides,
}

/// What an anomaly of severity ERROR does to the step.
#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnAnomaly {
    #[default]
    Fail,
    Warn,
}

/// Reads the inputs `statistics` and `schema`, writes the output `anomalies`.
///
/// # Errors
/// When a split has an anomaly of severity ERROR and `on_anomaly` is not warn, or when an input is
/// unreadable or the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let parameters: Parameters = task.parameters()?;
    let (statistics, output) = (task.input("statistics")?, task.output("anomalies")?);
    let schema: Schema = read_json(&task.input("schema")?.path.join("schema.json"))?;
    let (mut blessed, mut errors) = (Map::new(), Vec::new());
    for dataset in read_statistics(statistics)? {
        let split = &dataset.name;
        let anomalies = validate(&dataset, &schema, &parameters.severity_overrides);
        write_json(&split_folder(output, split).join("anomalies.json"), &anomalies)?;
        let found = findings(split, &anomalies, &parameters.severity_overrides);
        println!(
            "split {split}: {} examples, anomalies: {}",
            dataset.num_examples,
            found.len()
        );
        for finding in &found {
            println!("{}: {}", finding.severity, finding.sentence);
        }
        let before = errors.len();
        errors.extend(found.into_iter().filter(|finding| finding.severity == Severity::Error));
        blessed.insert(split.clone(), i32::from(errors.len() == before).into());
    }
    let mut properties = data_properties(statistics);
    // As in TFX: 1 or 0 for each split; a warning does not take the blessing away.
    properties.insert("blessed".to_owned(), blessed.into());
    task.report(&ExecutorOutput::of("anomalies", properties))?;
    match errors.as_slice() {
        [first, others @ ..] if parameters.on_anomaly == OnAnomaly::Fail => bail!("{}", failure(first, others.len())),
        _ => Ok(()),
    }
}

/// One anomaly in one place.
struct Finding {
    severity: Severity,
    anomaly_type: AnomalyType,
    sentence: String,
}

/// What people are told when the step fails.
fn failure(first: &Finding, others: usize) -> String {
    let more = match others {
        0 => String::new(),
        1 => " (and 1 more anomaly, listed above)".to_owned(),
        more => format!(" (and {more} more anomalies, listed above)"),
    };
    format!(
        "{}{more}: correct the data or the schema, or set severity_overrides: {{ {}: WARNING }}",
        first.sentence, first.anomaly_type
    )
}

fn findings(split: &str, anomalies: &Anomalies, overrides: &Overrides) -> Vec<Finding> {
    let whole = anomalies.dataset_anomaly_info.iter().map(|info| (String::new(), info));
    let columns = anomalies.anomaly_info.iter();
    let columns = columns.map(|(name, info)| (format!(", column '{name}'"), info));
    let finding = |(place, info): (String, &AnomalyInfo)| {
        let reasons = info.reason.clone().into_iter();
        let findings: Vec<_> = reasons
            .map(|reason| Finding {
                severity: severity(reason.anomaly_type, overrides),
                anomaly_type: reason.anomaly_type,
                sentence: format!("split '{split}'{place}: {}", reason.description),
            })
            .collect();
        findings
    };
    whole.chain(columns).flat_map(finding).collect()
}
