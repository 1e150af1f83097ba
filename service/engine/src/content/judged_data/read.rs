//! Reading what the steps of a run wrote of its data.

use super::super::Content;
use super::super::artifacts::read_plain;
use super::super::schema_diff::diff_of;
use super::shape::{FeatureDistance, FoundAnomaly, JudgedData, JudgedFeature, JudgedSplit};
use super::sides::{Columns, Sides, feature};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::plan::PlannedStep;
use trainyard_core::run::{Run, StepRecord};
use trainyard_tfdv::comparator::Comparison;
use trainyard_tfdv::validate::{Control, Overrides, Severities, Validation};
use trainyard_tfdv::{Anomalies, AnomalyInfo, DatasetFeatureStatistics, DatasetFeatureStatisticsList, Schema};

/// Bytes of a file that is shown; statistics of some thousand features have them.
const LONGEST: u64 = 32 * 1024 * 1024;

/// The type of what statistics-gen makes.
pub(super) const STATISTICS: &str = "ExampleStatistics";
/// The type of what example-validator makes.
const ANOMALIES: &str = "ExampleAnomalies";

fn found(info: &AnomalyInfo) -> Vec<FoundAnomaly> {
    let reasons = info.reason.iter().map(|reason| FoundAnomaly {
        severity: info.severity.to_string(),
        anomaly: reason.anomaly_type.to_string(),
        sentence: reason.description.clone(),
    });
    reasons.collect()
}

/// The distances of a split.
#[derive(Deserialize)]
struct Distances {
    distances: Vec<FeatureDistance>,
}

impl Content {
    /// The data of a run; empty where it measured none. Reads files: not for the threads of requests.
    pub(crate) fn judged_data(&self, run: &Run) -> Vec<JudgedData> {
        let mut all = Vec::new();
        let mut known: Vec<&str> = Vec::new();
        let planned = |name| run.request.plan.steps.get(name);
        for (name, record) in &run.steps {
            let Some(statistics) = of_type(record.inputs.get("statistics"), STATISTICS) else {
                continue;
            };
            if !planned(name).is_some_and(|step| step.outputs.values().any(|kind| kind == ANOMALIES)) {
                continue;
            }
            let inputs = record.inputs.values().filter(|input| input.type_name == STATISTICS);
            known.extend(inputs.map(|input| input.name.as_str()));
            all.push(self.of_validator(name.as_str(), statistics, record, planned(name)));
        }
        for (name, record) in &run.steps {
            let made = record.outputs.values().filter(|output| output.type_name == STATISTICS);
            for statistics in made.filter(|made| !known.contains(&made.name.as_str())) {
                let mut data = JudgedData {
                    step: name.to_string(),
                    span: span_of(statistics),
                    ..JudgedData::default()
                };
                let now = self.splits_of(statistics, &mut data.problems);
                data.splits = now
                    .iter()
                    .map(|split| judged_split(Sides::alone(split), None))
                    .collect();
                all.push(data);
            }
        }
        all
    }

    fn of_validator(
        &self,
        name: &str,
        statistics: &ArtifactRef,
        record: &StepRecord,
        planned: Option<&PlannedStep>,
    ) -> JudgedData {
        let of = |input: &str| of_type(record.inputs.get(input), STATISTICS);
        let (before, serving) = (of("previous_statistics"), of("serving_statistics"));
        let mut data = JudgedData {
            step: name.to_owned(),
            judged: true,
            span: span_of(statistics),
            before_span: before.and_then(span_of),
            ..JudgedData::default()
        };
        let now = self.splits_of(statistics, &mut data.problems);
        let mut control = |side: Option<&ArtifactRef>| {
            side.map(|side| self.splits_of(side, &mut data.problems))
                .unwrap_or_default()
        };
        let (before, serving) = (control(before), control(serving));
        let schema = record.inputs.get("schema").and_then(|schema| {
            let place = self.place(&schema.digest);
            let file = if place.is_dir() {
                place.join("schema.json")
            } else {
                place
            };
            noted(read::<Schema>(&file), "schema", &mut data.problems)
        });
        let anomalies = record.outputs.values().find(|output| output.type_name == ANOMALIES);
        let rules = planned.map(Rules::of).unwrap_or_default();
        data.anew = anomalies.is_none() && schema.is_some();
        for split in &now {
            let sides = Sides {
                now: split,
                before: named(&before, &split.name),
                serving: named(&serving, &split.name),
            };
            let found = match (anomalies, &schema) {
                (Some(anomalies), _) => self.told(anomalies, &split.name, &mut data.problems),
                // What a step that failed wrote is gone; the same comes out of the same again.
                (None, Some(schema)) => Some(rules.judge(schema, sides, (!before.is_empty(), !serving.is_empty()))),
                (None, None) => None,
            };
            data.splits.push(judged_split(sides, found));
        }
        data.schema = schema.and_then(|schema| diff_of(&schema, &now).ok());
        data
    }

    /// The splits of statistics, by the names of their folders.
    pub(super) fn splits_of(
        &self,
        statistics: &ArtifactRef,
        problems: &mut Vec<String>,
    ) -> Vec<DatasetFeatureStatistics> {
        let place = self.place(&statistics.digest);
        let mut folders: Vec<_> = std::fs::read_dir(&place)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        folders.sort();
        let mut splits = Vec::new();
        for folder in folders {
            let Some(name) = split_name(&folder) else { continue };
            let file = folder.join("statistics.json");
            let list = noted(read::<DatasetFeatureStatisticsList>(&file), &statistics.name, problems);
            for mut dataset in list.into_iter().flat_map(DatasetFeatureStatisticsList::without_slices) {
                dataset.name.clone_from(&name);
                splits.push(dataset);
            }
        }
        if splits.is_empty() && problems.is_empty() {
            problems.push(format!(
                "the statistics {} cannot be shown: they are no folder of Split-*/statistics.json, or retention removed them",
                statistics.name
            ));
        }
        splits
    }

    /// What a validator wrote of a split.
    fn told(
        &self,
        anomalies: &ArtifactRef,
        split: &str,
        problems: &mut Vec<String>,
    ) -> Option<(Anomalies, Vec<FeatureDistance>)> {
        let folder = self.place(&anomalies.digest).join(format!("Split-{split}"));
        let found = noted(
            read::<Anomalies>(&folder.join("anomalies.json")),
            &anomalies.name,
            problems,
        )?;
        let measured = folder.join("distances.json");
        let distances = match measured.exists() {
            true => noted(read::<Distances>(&measured), &anomalies.name, problems),
            false => None,
        };
        Some((found, distances.map(|found| found.distances).unwrap_or_default()))
    }
}

/// How a validator judges, as its parameters say.
#[derive(Debug, Default)]
struct Rules {
    severities: Severities,
    environment: Option<String>,
    drift: Comparison,
    skew: Comparison,
}

impl Rules {
    fn of(step: &PlannedStep) -> Self {
        fn said<T: DeserializeOwned + Default>(step: &PlannedStep, name: &str) -> T {
            let value = step.parameters.get(name).cloned();
            value
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default()
        }
        Self {
            severities: Severities {
                all: said::<Overrides>(step, "severity_overrides"),
                features: said::<BTreeMap<String, Overrides>>(step, "feature_severity_overrides"),
            },
            environment: said(step, "environment"),
            drift: said(step, "drift"),
            skew: said(step, "skew"),
        }
    }

    fn judge(&self, schema: &Schema, sides: Sides, (drift, skew): (bool, bool)) -> (Anomalies, Vec<FeatureDistance>) {
        let control = |wanted: bool, statistics, comparison| wanted.then_some(Control { statistics, comparison });
        let validation = Validation {
            schema,
            severities: &self.severities,
            environment: self.environment.as_deref(),
            drift: control(drift, sides.before, &self.drift),
            skew: control(skew, sides.serving, &self.skew),
            threads: 1,
            empty_spans: &[],
            small_spans: &[],
            proportion: &self.drift,
        };
        let anomalies = validation.judge(sides.now);
        let measured = serde_json::to_value(anomalies.measured()).and_then(serde_json::from_value);
        (anomalies, measured.unwrap_or_default())
    }
}

pub(super) fn judged_split(sides: Sides, found_in_it: Option<(Anomalies, Vec<FeatureDistance>)>) -> JudgedSplit {
    let (anomalies, mut distances) = found_in_it.unwrap_or_default();
    distances.sort_by(|one, other| other.times_allowed().total_cmp(&one.times_allowed()));
    let columns = Columns::of(sides);
    let names = sides.now.features.iter().map(|column| column.column());
    let mut features: Vec<JudgedFeature> = names
        .map(|name| {
            let mut shown = feature(&name, &columns);
            shown.distances = distances
                .iter()
                .filter(|found| found.feature == name)
                .cloned()
                .collect();
            shown.anomalies = anomalies.anomaly_info.get(&name).map(found).unwrap_or_default();
            shown
        })
        .collect();
    let far = |feature: &JudgedFeature| {
        let times = feature.distances.iter().map(FeatureDistance::times_allowed);
        times.fold(0.0, f64::max)
    };
    features.sort_by(|one, other| {
        let wrong = |feature: &JudgedFeature| !feature.anomalies.is_empty();
        let by_distance = far(other).total_cmp(&far(one));
        by_distance.then_with(|| wrong(other).cmp(&wrong(one)))
    });
    // A column that the data do not have is an anomaly of none of those above.
    let gone = anomalies.anomaly_info.iter();
    let gone = gone.filter(|(name, _)| !features.iter().any(|feature| feature.name == **name));
    let gone = gone.flat_map(|(name, info)| {
        let of_column = |found: FoundAnomaly| FoundAnomaly {
            sentence: format!("column '{name}': {}", found.sentence),
            ..found
        };
        found(info).into_iter().map(of_column).collect::<Vec<_>>()
    });
    let whole = anomalies.dataset_anomaly_info.iter().flat_map(found);
    JudgedSplit {
        name: sides.now.name.clone(),
        rows: sides.of(|split| Some(split.num_examples)),
        anomalies: whole.chain(gone).collect(),
        features,
    }
}

fn of_type<'a>(artifact: Option<&'a ArtifactRef>, kind: &str) -> Option<&'a ArtifactRef> {
    artifact.filter(|artifact| artifact.type_name == kind)
}

/// The split of that name, or the only one there is, as a validator takes it.
fn named<'a>(splits: &'a [DatasetFeatureStatistics], name: &str) -> Option<&'a DatasetFeatureStatistics> {
    let only = if let [only] = splits { Some(only) } else { None };
    splits.iter().find(|split| split.name == name).or(only)
}

fn split_name(folder: &Path) -> Option<String> {
    folder.file_name()?.to_str()?.strip_prefix("Split-").map(str::to_owned)
}

/// The name of its span, as steps hand it on.
fn span_of(data: &ArtifactRef) -> Option<String> {
    let said = data
        .properties
        .get("span_name")
        .or_else(|| data.properties.get("span"))?;
    Some(match said {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    })
}

fn read<T: DeserializeOwned>(file: &Path) -> std::io::Result<T> {
    let text = read_plain(file, LONGEST)?;
    Ok(serde_json::from_slice(&text)?)
}

/// What was read, or its problem among the others.
fn noted<T>(read: std::io::Result<T>, what: &str, problems: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| problems.push(format!("{what} cannot be shown: {error}")))
        .ok()
}
