//! The judgement of one split: against a schema, against the previous span, against serving data.

use std::collections::BTreeMap;

use crate::anomalies::DriftSkewInfo;
use crate::comparator::Comparison;
use crate::drift::{self, Against};
use crate::schema::Feature;
use crate::statistics::Path;
use crate::{Anomalies, AnomalyInfo, AnomalyType, DatasetFeatureStatistics, Reason, Schema, Severity, checks};

/// Every anomaly is an ERROR but these.
pub type Overrides = BTreeMap<AnomalyType, Severity>;

/// How bad anomalies are: ERROR, but where somebody says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Severities {
    /// Of all columns, and of the split as a whole.
    pub all: Overrides,
    /// Of one column; counts before the others.
    pub features: BTreeMap<String, Overrides>,
}

impl Severities {
    /// How bad an anomaly of that type is in that column; `None` for the split as a whole.
    pub fn of(&self, anomaly_type: AnomalyType, column: Option<&str>) -> Severity {
        let own = column.and_then(|column| self.features.get(column)?.get(&anomaly_type));
        own.or(self.all.get(&anomaly_type)).copied().unwrap_or(Severity::Error)
    }
}

/// What a split is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    /// The same split of other data; `None` when those have none.
    pub statistics: Option<&'a DatasetFeatureStatistics>,
    /// How.
    pub comparison: &'a Comparison,
}

/// What a split is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    /// What the data should look like.
    pub schema: &'a Schema,
    /// How bad a deviation is.
    pub severities: &'a Severities,
    /// Where the data are from, such as SERVING; features that are not expected there may be missing.
    pub environment: Option<&'a str>,
    /// The previous span, if drift is looked for.
    pub drift: Option<Control<'a>>,
    /// Serving data, if skew is looked for.
    pub skew: Option<Control<'a>>,
}

impl Validation<'_> {
    /// How a split differs from what it should be.
    pub fn judge(&self, dataset: &DatasetFeatureStatistics) -> Anomalies {
        let schema = self.schema;
        let mut whole: Vec<Reason> = checks::dataset(schema.dataset_constraints.as_ref(), dataset.num_examples)
            .into_iter()
            .collect();
        let mut anomalies = Anomalies {
            data_missing: dataset.num_examples == 0,
            ..Anomalies::default()
        };
        let mut found: Vec<(String, Vec<Reason>)> = Vec::new();
        if !anomalies.data_missing {
            found = self.columns(dataset);
            for (control, against) in [(self.drift, Against::Previous), (self.skew, Against::Serving)] {
                if let Some(control) = control {
                    compare(
                        dataset,
                        schema,
                        control,
                        against,
                        &mut anomalies.drift_skew_info,
                        &mut found,
                        &mut whole,
                    );
                }
            }
        }
        anomalies.dataset_anomaly_info = self.info(None, whole);
        for (name, reasons) in found {
            let info = self.info(Some(&name), reasons);
            anomalies.anomaly_info.extend(info.map(|info| (name, info)));
        }
        anomalies
    }

    fn columns(&self, dataset: &DatasetFeatureStatistics) -> Vec<(String, Vec<Reason>)> {
        let known = self.schema.feature.iter().map(|feature| {
            let found = dataset.features.iter().find(|other| other.column() == feature.name);
            let expected = feature.expected_in(self.environment, self.schema);
            let reasons = match found {
                // What is there must be right, expected or not.
                Some(found) => {
                    let new = self.environment.filter(|_| !expected && !feature.excused());
                    let mut reasons: Vec<Reason> = new.map(checks::unexpected_column).into_iter().collect();
                    reasons.extend(checks::column(self.schema, feature, found, dataset.num_examples));
                    reasons
                }
                None if !expected => Vec::new(),
                None => checks::absent_column(feature).into_iter().collect(),
            };
            (feature.name.clone(), reasons)
        });
        let columns = dataset.features.iter().map(|found| found.column());
        let new = columns.filter(|name| self.schema.feature.iter().all(|feature| feature.name != *name));
        known
            .chain(new.map(|name| (name, vec![checks::unknown_column()])))
            .collect()
    }

    fn info(&self, column: Option<&str>, reasons: Vec<Reason>) -> Option<AnomalyInfo> {
        let worst = reasons
            .iter()
            .map(|reason| self.severities.of(reason.anomaly_type, column))
            .max()?;
        let descriptions: Vec<&str> = reasons.iter().map(|reason| reason.description.as_str()).collect();
        let short_description = match reasons.as_slice() {
            [only] => only.short_description.clone(),
            _ => "Multiple errors".to_owned(),
        };
        Some(AnomalyInfo {
            path: column.map(Path::column),
            severity: worst,
            short_description,
            description: descriptions.join("; "),
            reason: reasons,
        })
    }
}

/// Adds what one comparison measured and found.
fn compare(
    dataset: &DatasetFeatureStatistics,
    schema: &Schema,
    control: Control<'_>,
    against: Against,
    measured: &mut Vec<DriftSkewInfo>,
    found: &mut [(String, Vec<Reason>)],
    whole: &mut Vec<Reason>,
) {
    let nothing = DatasetFeatureStatistics::default();
    let statistics = control.statistics.unwrap_or(&nothing);
    whole.extend(drift::rows(
        dataset.num_examples,
        statistics.num_examples,
        schema,
        control.comparison,
        against,
    ));
    for (name, reasons) in found {
        let feature = schema.feature.iter().find(|feature| feature.name == *name).cloned();
        let feature = feature.unwrap_or_else(|| Feature::named(name));
        if feature.excused() {
            continue;
        }
        let compared = drift::column(dataset, statistics, &feature, control.comparison, against);
        reasons.extend(compared.reasons);
        if compared.measurements.is_empty() {
            continue;
        }
        let path = Path::column(name);
        let place = measured.iter().position(|info| info.path == path).unwrap_or_else(|| {
            measured.push(DriftSkewInfo {
                path,
                drift_measurements: Vec::new(),
                skew_measurements: Vec::new(),
            });
            measured.len() - 1
        });
        if let Some(info) = measured.get_mut(place) {
            match against {
                Against::Previous => info.drift_measurements = compared.measurements,
                Against::Serving => info.skew_measurements = compared.measurements,
            }
        }
    }
}
