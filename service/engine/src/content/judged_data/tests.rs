use super::super::Content;
use super::super::artifacts::ArtifactFolder;
use super::read::{STATISTICS, judged_split};
use super::sides::{Columns, Sides, feature};
use super::{FeatureDistance, OfSides};
use crate::house::locks::ContentLock;
use serde_json::{Value, json};
use std::sync::Arc;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_tfdv::distance::Distance;
use trainyard_tfdv::{Anomalies, DatasetFeatureStatistics};

fn numbers(name: &str, low: f64, high: f64, counts: &[f64]) -> Value {
    let width = (high - low) / counts.len() as f64;
    let buckets: Vec<Value> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| json!({"lowValue": low + width * at as f64, "highValue": low + width * (at + 1) as f64, "sampleCount": count}))
        .collect();
    let rows = counts.iter().sum::<f64>();
    json!({"path": {"step": [name]}, "type": "FLOAT", "numStats": {
        "commonStats": {"numNonMissing": rows.to_string(), "numMissing": rows.to_string()},
        "mean": (low + high) / 2.0, "median": 1.0, "histograms": [{"buckets": buckets}]}})
}

fn texts(name: &str, values: &[(&str, f64)]) -> Value {
    let buckets: Vec<Value> = values
        .iter()
        .map(|(value, count)| json!({"label": value, "sampleCount": count}))
        .collect();
    let rows: f64 = values.iter().map(|(_, count)| count).sum();
    json!({"path": {"step": [name]}, "type": "STRING", "stringStats": {
        "commonStats": {"numNonMissing": rows.to_string()}, "unique": values.len().to_string(),
        "rankHistogram": {"buckets": buckets}}})
}

fn dataset(features: &[Value]) -> DatasetFeatureStatistics {
    serde_json::from_value(json!({"name": "eval", "numExamples": "100", "features": features})).unwrap()
}

#[test]
fn sides_are_cut_in_the_same_way() {
    let now = dataset(&[
        numbers("hour", 0.0, 10.0, &[10.0; 10]),
        texts("origin", &[("EWR", 3.0), ("<b>", 1.0)]),
    ]);
    let before = dataset(&[
        numbers("hour", 0.0, 20.0, &[5.0, 15.0]),
        texts("origin", &[("JFK", 2.0)]),
    ]);
    let sides = Sides {
        before: Some(&before),
        ..Sides::alone(&now)
    };
    let columns = Columns::of(sides);
    let hour = feature("hour", &columns);
    assert_eq!(hour.missing.now, Some(0.5));
    assert_eq!(hour.bins.len(), 10);
    assert_eq!(hour.bins[0].label, "0 to 2");
    let all =
        |side: fn(&OfSides<f64>) -> Option<f64>| -> f64 { hour.bins.iter().filter_map(|bin| side(&bin.share)).sum() };
    assert!((all(|share| share.now) - 1.0).abs() < 1e-9);
    assert!((all(|share| share.before) - 1.0).abs() < 1e-9);
    assert_eq!(
        hour.bins[9].share,
        OfSides {
            now: Some(0.0),
            before: Some(0.15),
            serving: None
        }
    );
    let origin = feature("origin", &columns);
    let told: Vec<_> = origin
        .bins
        .iter()
        .map(|bin| (bin.label.as_str(), bin.share.now, bin.share.before))
        .collect();
    assert_eq!(
        told,
        [
            ("'JFK'", Some(0.0), Some(1.0)),
            ("'EWR'", Some(0.75), Some(0.0)),
            ("'<b>'", Some(0.25), Some(0.0)),
        ]
    );
}

#[test]
fn the_farthest_beyond_chance_comes_first_and_gone_columns_are_told() {
    let now = dataset(&[
        numbers("a", 0.0, 1.0, &[1.0]),
        numbers("b", 0.0, 1.0, &[1.0]),
        numbers("c", 0.0, 1.0, &[1.0]),
    ]);
    let distance = |feature: &str, value: f64, null_quantile: Option<f64>| FeatureDistance {
        feature: feature.to_owned(),
        comparison: "drift".to_owned(),
        distance: Distance::KolmogorovSmirnov,
        value,
        threshold: 0.1,
        null_quantile,
        significance_level: 0.01,
        fires: null_quantile.is_some_and(|quantile| value > quantile),
    };
    let anomalies: Anomalies = serde_json::from_value(json!({"anomalyInfo": {
        "gone": {"severity": "ERROR", "shortDescription": "", "description": "", "reason": [
            {"type": "SCHEMA_MISSING_COLUMN", "shortDescription": "", "description": "it is not in the data"}]}}}))
    .unwrap();
    let found = vec![distance("b", 0.2, Some(0.19)), distance("c", 0.3, Some(0.15))];
    let split = judged_split(Sides::alone(&now), Some((anomalies, found)));
    let order: Vec<&str> = split.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(order, ["c", "b", "a"]);
    assert_eq!(split.anomalies[0].sentence, "column 'gone': it is not in the data");
}

#[test]
fn what_is_not_there_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let content = Content {
        folder: ArtifactFolder::open(folder.path().join("artifacts")).unwrap(),
        lock: Arc::new(ContentLock::new(folder.path().join("lock"))),
    };
    let gone = ArtifactRef {
        name: "run/statistics/statistics".to_owned(),
        type_name: STATISTICS.to_owned(),
        digest: Digest::from_sha256(&[7; 32]),
        uri: String::new(),
        properties: Default::default(),
    };
    let mut problems = Vec::new();
    assert!(content.splits_of(&gone, &mut problems).is_empty());
    insta::assert_snapshot!(problems.join("\n"), @"the statistics run/statistics/statistics cannot be shown: they are no folder of Split-*/statistics.json, or retention removed them");
}
