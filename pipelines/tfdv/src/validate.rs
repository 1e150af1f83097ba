//! The judgement of one split: against a schema, against the previous span, against serving data.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::anomalies::DriftSkewInfo;
use crate::comparator::Comparison;
use crate::drift::{self, Against, Compared, Sides};
use crate::schema::Feature;
use crate::statistics::{Path, SmallSpan};
use crate::threads::on_threads;
use crate::{
    Anomalies, AnomalyInfo, AnomalyType, DatasetFeatureStatistics, FeatureNameStatistics, Reason, Schema, Severity,
    checks,
};

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
    /// Cores to compare columns on; the judgement does not depend on them.
    pub threads: usize,
    /// Parts of the data without any example, by the names of their files.
    pub empty_spans: &'a [String],
    /// Parts with fewer examples than others.
    pub small_spans: &'a [SmallSpan],
    /// How many examples such a part may have: as the data may for one of the previous.
    pub proportion: &'a Comparison,
}

impl Validation<'_> {
    /// How a split differs from what it should be.
    pub fn judge(&self, dataset: &DatasetFeatureStatistics) -> Anomalies {
        let schema = self.schema;
        let mut whole: Vec<Reason> = checks::dataset(schema.dataset_constraints.as_ref(), dataset.num_examples)
            .into_iter()
            .collect();
        whole.extend(self.empty_spans.iter().map(|file| checks::empty_span(file)));
        whole.extend(drift::small_spans(self.small_spans, schema, self.proportion));
        let mut anomalies = Anomalies {
            data_missing: dataset.num_examples == 0,
            ..Anomalies::default()
        };
        let mut found: Vec<(String, Vec<Reason>)> = Vec::new();
        if !anomalies.data_missing {
            let columns = dataset.by_name();
            found = self.columns(dataset, &columns);
            for (control, against) in [(self.drift, Against::Previous), (self.skew, Against::Serving)] {
                if let Some(control) = control {
                    let nothing = DatasetFeatureStatistics::default();
                    let statistics = control.statistics.unwrap_or(&nothing);
                    let (rows, before) = (dataset.num_examples, statistics.num_examples);
                    whole.extend(drift::rows(rows, before, schema, control.comparison, against));
                    let compared = self.compare(&columns, statistics, control.comparison, against, &found);
                    add(compared, against, &mut anomalies.drift_skew_info, &mut found);
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

    fn columns(
        &self,
        dataset: &DatasetFeatureStatistics,
        columns: &HashMap<String, &FeatureNameStatistics>,
    ) -> Vec<(String, Vec<Reason>)> {
        let known = self.schema.feature.iter().map(|feature| {
            let expected = feature.expected_in(self.environment, self.schema);
            let reasons = match columns.get(&feature.name) {
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
        let names: HashSet<&str> = self
            .schema
            .feature
            .iter()
            .map(|feature| feature.name.as_str())
            .collect();
        let new = dataset.features.iter().map(FeatureNameStatistics::column);
        let new = new.filter(|name| !names.contains(name.as_str()));
        known
            .chain(new.map(|name| (name, vec![checks::unknown_column()])))
            .collect()
    }

    /// What one comparison measures and finds of each column, on all threads.
    fn compare(
        &self,
        columns: &HashMap<String, &FeatureNameStatistics>,
        control: &DatasetFeatureStatistics,
        comparison: &Comparison,
        against: Against,
        found: &[(String, Vec<Reason>)],
    ) -> Vec<Compared> {
        let before = control.by_name();
        let mut features: HashMap<&str, &Feature> = HashMap::new();
        for feature in &self.schema.feature {
            features.entry(&feature.name).or_insert(feature);
        }
        let compare = |(name, _): &(String, Vec<Reason>)| {
            let sides = Sides {
                current: columns.get(name).copied(),
                control: before.get(name).copied(),
                columns: columns.len(),
            };
            match features.get(name.as_str()) {
                Some(feature) if feature.excused() => Compared::default(),
                Some(feature) => drift::column(sides, feature, comparison, against),
                None => drift::column(sides, &Feature::named(name), comparison, against),
            }
        };
        on_threads(found, self.threads, compare)
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

/// Adds what one comparison measured and found, column by column.
fn add(
    compared: Vec<Compared>,
    against: Against,
    measured: &mut Vec<DriftSkewInfo>,
    found: &mut [(String, Vec<Reason>)],
) {
    let of_column = |info: &DriftSkewInfo| info.path.step.join(".");
    let mut places: HashMap<String, usize> = measured.iter().map(of_column).zip(0..).collect();
    for ((name, reasons), compared) in found.iter_mut().zip(compared) {
        reasons.extend(compared.reasons);
        if compared.measurements.is_empty() {
            continue;
        }
        let place = *places.entry(name.clone()).or_insert_with(|| {
            measured.push(DriftSkewInfo {
                path: Path::column(name),
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
