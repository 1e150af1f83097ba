//! The schema that data ask for when they have legitimately moved on: no narrower anywhere, wider where they need it.

use crate::infer::{MAX_STRING_DOMAIN_SIZE, infer};
use crate::listed::{is_cut, quoted};
use crate::schema::{DistributionConstraints, Feature, SchemaType, StringDomain, ValueCount};
use crate::validate::{Severities, Validation};
use crate::{DatasetFeatureStatistics, FeatureNameStatistics, Schema};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// One edit of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The column.
    pub feature: String,
    /// What becomes of it, in a few words.
    pub change: String,
    /// What the data are like.
    pub reason: String,
}

/// What became of a schema.
#[derive(Clone, Debug, Serialize)]
pub struct Relaxed {
    /// The schema that the data fit, but for what remains.
    pub schema: Schema,
    /// How it got there.
    pub changes: Vec<Change>,
    /// Anomalies that no wider schema excuses, such as text where numbers were.
    pub remaining: Vec<String>,
}

/// Widens a schema until the splits fit it. A column that is gone becomes DEPRECATED, a new one is inferred, a domain
/// of more than 100 values is given up (as TFDV does).
pub fn relax(schema: &Schema, splits: &[DatasetFeatureStatistics]) -> Relaxed {
    let mut relaxed = Relaxed {
        schema: schema.clone(),
        changes: Vec::new(),
        remaining: Vec::new(),
    };
    let splits: Vec<_> = splits.iter().filter(|split| split.num_examples > 0).cloned().collect();
    for split in &splits {
        let columns = split.by_name();
        for index in 0..relaxed.schema.feature.len() {
            widen(&mut relaxed, index, split.num_examples, &columns);
        }
    }
    add_new(&mut relaxed, &splits);
    let validation = Validation {
        schema: &relaxed.schema,
        severities: &Severities::default(),
        environment: None,
        drift: None,
        skew: None,
        threads: 1,
        empty_spans: &[],
        small_spans: &[],
        proportion: &crate::comparator::Comparison::default(),
    };
    for split in &splits {
        let anomalies = validation.judge(split);
        let whole = anomalies.dataset_anomaly_info.map(|info| info.description);
        relaxed.remaining.extend(whole);
        let columns = anomalies.anomaly_info.into_iter();
        relaxed
            .remaining
            .extend(columns.map(|(name, info)| format!("{name}: {}", info.description)));
    }
    relaxed.remaining.dedup();
    relaxed
}

fn add_new(relaxed: &mut Relaxed, splits: &[DatasetFeatureStatistics]) {
    // Columns of two types remain anomalies.
    let Ok(inferred) = infer(splits, MAX_STRING_DOMAIN_SIZE) else {
        return;
    };
    let names = relaxed.schema.feature.iter().map(|known| known.name.clone());
    let known: HashSet<String> = names.collect();
    for feature in &inferred.feature {
        if known.contains(&feature.name) {
            continue;
        }
        let data_type = feature
            .data_type
            .map_or_else(String::new, |data_type| format!(" of type {data_type}"));
        let mut feature = feature.clone();
        // A domain of its own: the schema may have another of that name.
        feature.string_domain = inferred.domain(&feature).ok().flatten().cloned();
        feature.domain = None;
        relaxed.changes.push(Change {
            feature: feature.name.clone(),
            change: format!("new feature{data_type}"),
            reason: "the column is in the data, and the schema does not know it".to_owned(),
        });
        relaxed.schema.feature.push(feature);
    }
}

fn widen(relaxed: &mut Relaxed, index: usize, rows: i64, columns: &HashMap<String, &FeatureNameStatistics>) {
    let Relaxed { schema, changes, .. } = relaxed;
    let Schema {
        feature, string_domain, ..
    } = schema;
    let Some(feature) = feature.get_mut(index).filter(|feature| !feature.excused()) else {
        return;
    };
    let name = feature.name.clone();
    let mut change = |change: String, reason: String| {
        changes.push(Change {
            feature: name.clone(),
            change,
            reason,
        });
    };
    let found = columns.get(&feature.name).copied();
    let Some(found) = found.filter(|found| found.common().num_non_missing > 0) else {
        if feature.required() {
            feature.lifecycle_stage = Some("DEPRECATED".to_owned());
            change(
                "lifecycle_stage: DEPRECATED".to_owned(),
                "no row has a value".to_owned(),
            );
        }
        return;
    };
    presence(feature, found, rows, &mut change);
    shape(feature, found, &mut change);
    if feature.data_type == Some(SchemaType::Int) && found.kind() == SchemaType::Float {
        feature.data_type = Some(SchemaType::Float);
        change("type: INT to FLOAT".to_owned(), "the values have fractions".to_owned());
        (feature.int_domain, feature.bool_domain) = (None, None);
    }
    if let Some(numbers) = &found.num_stats {
        if let Some(domain) = &mut feature.int_domain {
            if domain.min.is_some_and(|least| numbers.min < least as f64) {
                domain.min = Some(numbers.min.floor() as i64);
                change(
                    format!("int_domain.min: {}", numbers.min),
                    format!("the smallest value is {}", numbers.min),
                );
            }
            if domain.max.is_some_and(|most| numbers.max > most as f64) {
                domain.max = Some(numbers.max.ceil() as i64);
                change(
                    format!("int_domain.max: {}", numbers.max),
                    format!("the largest value is {}", numbers.max),
                );
            }
        }
        if let Some(domain) = &mut feature.float_domain {
            // An infinite bound is none.
            if domain.min.is_some_and(|least| numbers.min < least) {
                domain.min = Some(numbers.min).filter(|least| least.is_finite());
                change(
                    format!("float_domain.min: {}", numbers.min),
                    format!("the smallest value is {}", numbers.min),
                );
            }
            if domain.max.is_some_and(|most| numbers.max > most) {
                domain.max = Some(numbers.max).filter(|most| most.is_finite());
                change(
                    format!("float_domain.max: {}", numbers.max),
                    format!("the largest value is {}", numbers.max),
                );
            }
        }
    }
    meaning(feature, found, &mut change);
    vocabulary(feature, string_domain, found, &mut change);
}

fn presence(feature: &mut Feature, found: &FeatureNameStatistics, rows: i64, change: &mut impl FnMut(String, String)) {
    let present = found.common().num_non_missing;
    let Some(presence) = &mut feature.presence else { return };
    let reason = format!("{present} of {rows} rows have a value");
    if present < presence.min_count {
        presence.min_count = present;
        change(format!("presence.min_count: {present}"), reason.clone());
    }
    if (present as f64) < presence.min_fraction * rows as f64 {
        // Rounded down, so that these data fit.
        let fraction = (present as f64 / rows as f64 * 10_000.0).floor() / 10_000.0;
        change(
            format!("presence.min_fraction: {} to {fraction}", presence.min_fraction),
            reason,
        );
        presence.min_fraction = fraction;
    }
}

/// A shape wants a value in every row.
fn shape(feature: &mut Feature, found: &FeatureNameStatistics, change: &mut impl FnMut(String, String)) {
    let missing = found.common().num_missing;
    if missing > 0 && feature.shape.take().is_some() {
        feature.value_count = Some(ValueCount { min: 1, max: Some(1) });
        change(
            "shape: to value_count 1".to_owned(),
            "some rows have no value".to_owned(),
        );
    }
}

/// Truth values, and numbers as text, that are none any more.
fn meaning(feature: &mut Feature, found: &FeatureNameStatistics, change: &mut impl FnMut(String, String)) {
    let more = found
        .num_stats
        .as_ref()
        .is_some_and(|numbers| numbers.min < 0.0 || numbers.max > 1.0);
    let labels = || {
        let buckets = found
            .string_stats
            .iter()
            .flat_map(|texts| &texts.rank_histogram.buckets);
        buckets.map(|bucket| bucket.label.as_str())
    };
    let other = feature.bool_domain.as_ref().and_then(|domain| {
        labels().find(|label| label.is_empty() || (*label != domain.true_value && *label != domain.false_value))
    });
    if feature.bool_domain.is_some() && (more || other.is_some()) {
        feature.bool_domain = None;
        let reason = other.map_or_else(
            || "there are values other than 0 and 1".to_owned(),
            |label| format!("there are values such as {}", quoted(label)),
        );
        change("bool_domain removed".to_owned(), reason);
    }
    if let Some(label) = labels().find(|label| label.trim().parse::<i64>().is_err())
        && feature.int_domain.take().is_some()
    {
        change(
            "int_domain removed".to_owned(),
            format!("there are values such as {}", quoted(label)),
        );
    }
}

fn vocabulary(
    feature: &mut Feature,
    shared: &mut [StringDomain],
    found: &FeatureNameStatistics,
    change: &mut impl FnMut(String, String),
) {
    let named = feature
        .domain
        .as_ref()
        .and_then(|name| shared.iter_mut().find(|domain| domain.name == *name));
    let (Some(domain), Some(texts)) = (feature.string_domain.as_mut().or(named), &found.string_stats) else {
        return;
    };
    let buckets = texts.rank_histogram.buckets.iter();
    let new: Vec<_> = buckets.filter(|bucket| !domain.holds(&bucket.label)).collect();
    let outside: f64 = new.iter().map(|bucket| bucket.sample_count).sum();
    let total = texts.common_stats.num_non_missing as f64;
    let mass = |constraints: &DistributionConstraints| constraints.min_domain_mass;
    let allowed = 1.0 - feature.distribution_constraints.as_ref().map_or(1.0, mass);
    if outside <= total * allowed + 1e-9 * total {
        return;
    }
    let reason = format!("{outside} of {total} values are outside of the domain");
    // A long text is no word of a vocabulary, and known only by its beginning.
    let long = new.iter().any(|bucket| is_cut(&bucket.label));
    if long || domain.value.len() + new.len() > MAX_STRING_DOMAIN_SIZE {
        (feature.domain, feature.string_domain) = (None, None);
        let why = match long {
            true => format!("{reason}, and some are long texts"),
            false => format!("{reason}, and with them it has more than {MAX_STRING_DOMAIN_SIZE}"),
        };
        change("domain removed".to_owned(), why);
        return;
    }
    let labels: Vec<String> = new.iter().map(|bucket| bucket.label.clone()).collect();
    let words: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
    change(format!("domain: + {}", words.join(", ")), reason);
    domain.value.extend(labels);
    domain.value.sort();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_relaxed_schema_fits() {
        let schema: Schema = serde_json::from_value(json!({"feature": [
            {"name": "origin", "type": "BYTES", "presence": {"min_fraction": 1.0, "min_count": "1"}, "shape": {"dim": [{"size": "1"}]}, "string_domain": {"value": ["EWR", "JFK"]}},
            {"name": "n", "type": "INT", "int_domain": {"min": "0", "max": "9"}},
            {"name": "gone", "type": "INT", "presence": {"min_count": "1"}},
            {"name": "flag", "type": "INT", "bool_domain": {}},
            {"name": "zip", "type": "BYTES", "int_domain": {}},
            {"name": "sure", "type": "BYTES", "bool_domain": {"true_value": "true", "false_value": "false"}},
            {"name": "text", "type": "FLOAT"}]}))
        .unwrap();
        let texts = |values: &[&str], missing: u64| {
            let buckets: Vec<_> = values
                .iter()
                .map(|value| json!({"label": value, "sampleCount": 1.0}))
                .collect();
            json!({"commonStats": {"numNonMissing": values.len(), "numMissing": missing}, "unique": values.len(), "rankHistogram": {"buckets": buckets}})
        };
        let split: DatasetFeatureStatistics = serde_json::from_value(json!({"numExamples": 3, "features": [
            {"name": "origin", "type": "STRING", "stringStats": texts(&["EWR", "LGA"], 1)},
            {"name": "n", "type": "INT", "numStats": {"commonStats": {"numNonMissing": 3}, "min": -2.0, "max": 5.0}},
            {"name": "flag", "type": "INT", "numStats": {"commonStats": {"numNonMissing": 3}, "min": 0.0, "max": 2.0}},
            {"name": "zip", "type": "STRING", "stringStats": texts(&["10001", "SW1A"], 1)},
            {"name": "sure", "type": "STRING", "stringStats": texts(&["true", "false", "perhaps"], 0)},
            {"name": "text", "type": "STRING", "stringStats": texts(&["x"], 2)},
            {"name": "new", "type": "STRING", "stringStats": texts(&["y", "z", "w"], 0)}]}))
        .unwrap();
        let relaxed = relax(&schema, std::slice::from_ref(&split));
        let lines: Vec<String> = relaxed
            .changes
            .iter()
            .map(|change| format!("{}: {} ({})", change.feature, change.change, change.reason))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        origin: presence.min_fraction: 1 to 0.6666 (2 of 3 rows have a value)
        origin: shape: to value_count 1 (some rows have no value)
        origin: domain: + 'LGA' (1 of 2 values are outside of the domain)
        n: int_domain.min: -2 (the smallest value is -2)
        gone: lifecycle_stage: DEPRECATED (no row has a value)
        flag: bool_domain removed (there are values other than 0 and 1)
        zip: int_domain removed (there are values such as 'SW1A')
        sure: bool_domain removed (there are values such as 'perhaps')
        new: new feature of type BYTES (the column is in the data, and the schema does not know it)
        ");
        assert_eq!(
            relaxed.remaining,
            ["text: the values are BYTES, and the schema says FLOAT"]
        );
        assert!(relax(&relaxed.schema, &[split]).changes.is_empty());
    }
}
