//! Schema inference: the schema that statistics suggest, by the rules of `tfdv.infer_schema`.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use crate::listed::is_cut;
use crate::schema::{
    BoolDomain, Dim, Feature, FeaturePresence, FixedShape, IntDomain, SchemaType, StringDomain, ValueCount,
};
use crate::{DatasetFeatureStatistics, FeatureNameStatistics, Schema};

/// TFDV's default for the most values that a domain of text is made of.
pub const MAX_STRING_DOMAIN_SIZE: usize = 100;

/// Why no schema can be inferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InferenceError {
    /// No split has a row.
    NoExamples,
    /// A column has two types.
    TwoTypes {
        /// Which.
        column: String,
        /// In one split.
        one: SchemaType,
        /// In another.
        other: SchemaType,
    },
}

impl fmt::Display for InferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoExamples => f.write_str("there are no examples to infer a schema from"),
            Self::TwoTypes { column, one, other } => write!(
                f,
                "column '{column}': its values are {one} in one split and {other} in another: make them one type in the data"
            ),
        }
    }
}

impl std::error::Error for InferenceError {}

/// The narrowest schema that all splits satisfy, by the rules of `tfdv.infer_schema`.
///
/// # Errors
/// When no split has an example, or a column has different types in two splits.
pub fn infer(splits: &[DatasetFeatureStatistics], max_string_domain_size: usize) -> Result<Schema, InferenceError> {
    let splits: Vec<_> = splits.iter().filter(|split| split.num_examples > 0).collect();
    if splits.is_empty() {
        return Err(InferenceError::NoExamples);
    }
    let mut seen: HashSet<String> = HashSet::new();
    let mut names: Vec<String> = Vec::new();
    for name in splits
        .iter()
        .flat_map(|split| &split.features)
        .map(FeatureNameStatistics::column)
    {
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    let columns: Vec<_> = splits.iter().map(|split| split.by_name()).collect();
    let mut schema = Schema::default();
    for column in names {
        let found: Vec<&FeatureNameStatistics> =
            columns.iter().filter_map(|split| split.get(&column).copied()).collect();
        let everywhere = found.len() == splits.len();
        let mut feature = Feature::named(&column);
        feature.data_type = data_type(&column, &found)?;
        infer_presence(&mut feature, &found, everywhere);
        schema
            .string_domain
            .extend(infer_domain(&mut feature, &found, max_string_domain_size));
        schema.feature.push(feature);
    }
    Ok(schema)
}

/// The type of the splits that have a value. Text without any value is what TFDV calls a column of which nothing is
/// known, so that any type may still come.
fn data_type(column: &str, found: &[&FeatureNameStatistics]) -> Result<Option<SchemaType>, InferenceError> {
    let mut types = found
        .iter()
        .filter(|feature| feature.common().num_non_missing > 0)
        .map(|feature| feature.kind());
    let Some(one) = types.next() else {
        let declared = found.first().map(|feature| feature.kind());
        return Ok(declared.filter(|kind| *kind != SchemaType::Bytes));
    };
    match types.find(|other| *other != one) {
        Some(other) => Err(InferenceError::TwoTypes {
            column: column.to_owned(),
            one,
            other,
        }),
        None => Ok(Some(one)),
    }
}

fn infer_presence(feature: &mut Feature, found: &[&FeatureNameStatistics], everywhere: bool) {
    let seen = found.iter().any(|feature| feature.common().num_non_missing > 0);
    let complete = everywhere && found.iter().all(|feature| feature.common().num_missing == 0);
    feature.presence = seen.then_some(FeaturePresence {
        min_fraction: if complete { 1.0 } else { 0.0 },
        min_count: 1,
    });
    if !seen {
        return;
    }
    let counts = found
        .iter()
        .map(|feature| feature.common())
        .filter(|common| common.num_non_missing > 0);
    // Statistics made elsewhere may not count values: then a row has one.
    let counts = counts.map(|common| match common.max_num_values {
        0 => (1, 1),
        most => (common.min_num_values, most),
    });
    let (least, most) = counts.fold((i64::MAX, 0), |(least, most), (low, high)| {
        (least.min(low), most.max(high))
    });
    // TFDV calls it a shape only where no row is without a value, and all have as many.
    if complete && least == most {
        feature.shape = Some(FixedShape {
            dim: vec![Dim { size: most }],
        });
    } else {
        feature.value_count = Some(ValueCount {
            min: least.min(1),
            max: (most == 1).then_some(1),
        });
    }
}

/// The words that TFDV takes for truth values where no other is seen.
const TRUTH: [(&str, &str); 3] = [("true", "false"), ("TRUE", "FALSE"), ("1", "0")];

/// Words that are numbers too: truth values only where both are seen.
const DIGITS: (&str, &str) = ("1", "0");

/// What the values have in common, as TFDV sees it, but that a column of nothing but ones, such as the month in the
/// statistics of January, is one of numbers: truth values, whole numbers written as text, or a vocabulary, which is returned.
fn infer_domain(feature: &mut Feature, found: &[&FeatureNameStatistics], max_size: usize) -> Option<StringDomain> {
    if feature.data_type == Some(SchemaType::Int) {
        let numbers = found.iter().filter_map(|feature| feature.num_stats.as_ref());
        let numbers = numbers.filter(|stats| stats.common_stats.num_non_missing > 0);
        let range = numbers.fold(None, |range: Option<(f64, f64)>, stats| {
            let (low, high) = range.unwrap_or((stats.min, stats.max));
            Some((low.min(stats.min), high.max(stats.max)))
        });
        feature.bool_domain = range
            .filter(|range| *range == (0.0, 1.0))
            .map(|_| BoolDomain::default());
        return None;
    }
    let texts: Vec<_> = found
        .iter()
        .filter_map(|feature| feature.string_stats.as_ref())
        .collect();
    let complete = texts
        .iter()
        .all(|stats| stats.unique == stats.rank_histogram.buckets.len() as i64);
    let buckets = texts.iter().flat_map(|stats| &stats.rank_histogram.buckets);
    let values: BTreeSet<&str> = buckets.map(|bucket| bucket.label.as_str()).collect();
    if values.is_empty() {
        return None;
    }
    let seen = |word: &str| values.get(word).map(|word| (*word).to_owned()).unwrap_or_default();
    let only = |pair: &&(&str, &str)| {
        values.iter().all(|value| *value == pair.0 || *value == pair.1) && (**pair != DIGITS || values.len() == 2)
    };
    if let Some((yes, no)) = TRUTH.iter().find(only) {
        feature.bool_domain = Some(BoolDomain {
            true_value: seen(yes),
            false_value: seen(no),
        });
        return None;
    }
    if values.iter().all(|value| value.trim().parse::<i64>().is_ok()) {
        feature.int_domain = Some(IntDomain::default());
        return None;
    }
    // Long texts are no vocabulary, and known only by their beginning.
    let words = complete && values.len() <= max_size && !values.iter().any(|value| is_cut(value));
    words.then(|| {
        feature.domain = Some(feature.name.clone());
        StringDomain {
            name: feature.name.clone(),
            value: values.into_iter().map(str::to_owned).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(name: &str, missing: u64, values: &[&str]) -> serde_json::Value {
        let bucket = |label: &&str| json!({"label": label, "sampleCount": 1.0});
        let buckets: Vec<_> = values.iter().map(bucket).collect();
        json!({"path": {"step": [name]}, "type": "STRING", "stringStats": {
            "commonStats": {"numNonMissing": values.len(), "numMissing": missing},
            "unique": values.len(), "rankHistogram": {"buckets": buckets}}})
    }

    fn split(features: &[serde_json::Value]) -> DatasetFeatureStatistics {
        serde_json::from_value(json!({"name": "train", "numExamples": "3", "features": features})).unwrap()
    }

    #[test]
    fn a_schema_fits_every_split() {
        let train = split(&[text("origin", 0, &["LGA", "EWR"]), text("gate", 2, &["A"])]);
        let eval = split(&[text("origin", 0, &["JFK", "EWR"]), text("gate", 0, &["B"])]);
        let schema = infer(&[train, eval], 2).unwrap();
        insta::assert_snapshot!(serde_json::to_string(&schema).unwrap(), @r#"{"feature":[{"name":"origin","type":"BYTES","presence":{"minFraction":1.0,"minCount":"1"},"shape":{"dim":[{"size":"1"}]}},{"name":"gate","type":"BYTES","presence":{"minCount":"1"},"valueCount":{"min":"1","max":"1"},"domain":"gate"}],"stringDomain":[{"name":"gate","value":["A","B"]}]}"#);
        assert_eq!(
            infer(&[split(&[text("origin", 0, &["a", "b"])])], 2)
                .unwrap()
                .string_domain
                .len(),
            1
        );
    }

    /// What `tfdv.infer_schema` of TFDV 1.16.1 says of the same values.
    #[test]
    fn domains_as_measured_in_tfdv() {
        let domain = |feature: serde_json::Value| {
            let schema = infer(&[split(&[feature])], 100).unwrap();
            let mut written = serde_json::to_value(&schema.feature[0]).unwrap();
            let found = ["boolDomain", "intDomain", "domain"].map(|key| (key, written[key].take()));
            let found = found.into_iter().find(|(_, domain)| !domain.is_null());
            found.map_or("none".to_owned(), |(key, domain)| format!("{key} {domain}"))
        };
        let words = |values: &[&str]| domain(text("x", 0, values));
        assert_eq!(
            words(&["true", "false"]),
            r#"boolDomain {"trueValue":"true","falseValue":"false"}"#
        );
        assert_eq!(
            words(&["TRUE", "FALSE"]),
            r#"boolDomain {"trueValue":"TRUE","falseValue":"FALSE"}"#
        );
        assert_eq!(words(&["0", "1"]), r#"boolDomain {"trueValue":"1","falseValue":"0"}"#);
        assert_eq!(words(&["true"]), r#"boolDomain {"trueValue":"true"}"#);
        for values in [
            ["True", "False"],
            ["yes", "no"],
            ["true", "x"],
            ["1.5", "2"],
            ["", "1"],
            ["0x10", "1"],
            ["99999999999999999999", "1"],
        ] {
            assert_eq!(words(&values), r#"domain "x""#, "{values:?}");
        }
        for values in [["-1", "+2"], ["0", " 1"], ["1", "03"]] {
            assert_eq!(words(&values), "intDomain {}", "{values:?}");
        }
        let numbers = |kind: &str, min: f64, max: f64| {
            domain(
                json!({"name": "x", "type": kind, "numStats": {"commonStats": {"numNonMissing": 3}, "min": min, "max": max}}),
            )
        };
        assert_eq!(numbers("INT", 0.0, 1.0), "boolDomain {}");
        // TFDV takes nothing but ones for truth values.
        assert_eq!(
            (numbers("INT", 1.0, 1.0).as_str(), words(&["1"]).as_str()),
            ("none", "intDomain {}")
        );
        for (kind, min, max) in [
            ("INT", 0.0, 0.0),
            ("INT", -1.0, 1.0),
            ("INT", 0.0, 2.0),
            ("FLOAT", 0.0, 1.0),
        ] {
            assert_eq!(numbers(kind, min, max), "none", "{kind} {min} {max}");
        }
    }

    #[test]
    fn a_domain_needs_every_value() {
        let mut origin = text("origin", 0, &["a", "b"]);
        origin["stringStats"]["unique"] = json!("3");
        assert!(infer(&[split(&[origin])], 100).unwrap().string_domain.is_empty());
    }

    #[test]
    fn the_type_is_that_of_the_splits_with_values() {
        let empty = split(&[text("x", 3, &[])]);
        assert_eq!(
            infer(std::slice::from_ref(&empty), 100).unwrap().feature[0].data_type,
            None
        );
        let full = json!({"name": "x", "numStats": {"commonStats": {"numNonMissing": "3"}}});
        let schema = infer(&[empty, split(std::slice::from_ref(&full))], 100).unwrap();
        assert_eq!(schema.feature[0].data_type, Some(SchemaType::Int));
        let error = infer(&[split(&[text("x", 0, &["a"])]), split(&[full])], 100).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column 'x': its values are BYTES in one split and INT in another: make them one type in the data"
        );
    }

    #[test]
    fn lists_have_a_number_of_values_or_a_shape() {
        let inferred = |missing: u64, least: u64, most: u64| {
            let common =
                json!({"numNonMissing": 3, "numMissing": missing, "minNumValues": least, "maxNumValues": most});
            let feature = json!({"name": "x", "numStats": {"commonStats": common, "min": 5.0, "max": 7.0}});
            let schema = infer(&[split(&[feature])], 100).unwrap();
            let written = serde_json::to_value(&schema.feature[0]).unwrap();
            format!("{} {}", written["shape"], written["valueCount"])
        };
        assert_eq!(inferred(0, 2, 2), r#"{"dim":[{"size":"2"}]} null"#);
        assert_eq!(inferred(1, 2, 2), r#"null {"min":"1"}"#);
        assert_eq!(inferred(0, 0, 3), r#"null {"min":"0"}"#);
        assert_eq!(inferred(0, 0, 1), r#"null {"min":"0","max":"1"}"#);
    }

    #[test]
    fn no_examples_no_schema() {
        let error = infer(&[DatasetFeatureStatistics::default()], 100).unwrap_err();
        assert_eq!(error.to_string(), "there are no examples to infer a schema from");
    }
}
