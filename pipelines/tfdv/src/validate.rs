//! The judgement of one split against a schema.

use std::collections::BTreeMap;

use crate::statistics::Path;
use crate::{Anomalies, AnomalyInfo, AnomalyType, DatasetFeatureStatistics, Reason, Schema, Severity, checks};

/// Every anomaly is an ERROR but these.
pub type Overrides = BTreeMap<AnomalyType, Severity>;

/// How bad an anomaly of that type is.
pub fn severity(anomaly_type: AnomalyType, overrides: &Overrides) -> Severity {
    overrides.get(&anomaly_type).copied().unwrap_or(Severity::Error)
}

/// How a split differs from the schema.
pub fn validate(dataset: &DatasetFeatureStatistics, schema: &Schema, overrides: &Overrides) -> Anomalies {
    let whole: Vec<Reason> = checks::dataset(schema.dataset_constraints.as_ref(), dataset.num_examples)
        .into_iter()
        .collect();
    let mut anomalies = Anomalies {
        dataset_anomaly_info: info(None, whole, overrides),
        data_missing: dataset.num_examples == 0,
        ..Anomalies::default()
    };
    if anomalies.data_missing {
        return anomalies;
    }
    let known = schema.feature.iter().map(|feature| {
        let found = dataset.features.iter().find(|other| other.column() == feature.name);
        let reasons = match found {
            Some(found) => checks::column(schema, feature, found, dataset.num_examples),
            None => checks::absent_column(feature).into_iter().collect(),
        };
        (feature.name.clone(), reasons)
    });
    let columns = dataset.features.iter().map(|found| found.column());
    let new = columns.filter(|name| schema.feature.iter().all(|feature| feature.name != *name));
    let new = new.map(|name| (name, vec![checks::unknown_column()]));
    for (name, reasons) in known.chain(new) {
        let info = info(Some(Path::column(&name)), reasons, overrides);
        anomalies.anomaly_info.extend(info.map(|info| (name, info)));
    }
    anomalies
}

fn info(path: Option<Path>, reasons: Vec<Reason>, overrides: &Overrides) -> Option<AnomalyInfo> {
    let worst = reasons
        .iter()
        .map(|reason| severity(reason.anomaly_type, overrides))
        .max()?;
    let descriptions: Vec<&str> = reasons.iter().map(|reason| reason.description.as_str()).collect();
    let short_description = match reasons.as_slice() {
        [only] => only.short_description.clone(),
        _ => "Multiple errors".to_owned(),
    };
    Some(AnomalyInfo {
        path,
        severity: worst,
        short_description,
        description: descriptions.join("; "),
        reason: reasons,
    })
}
