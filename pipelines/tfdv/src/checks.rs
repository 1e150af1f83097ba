//! The checks of one column, and of a split as a whole, each with its sentence.

use crate::listed::quoted;
use crate::schema::{
    BoolDomain, DatasetConstraints, Feature, FloatDomain, IntDomain, SchemaType, StringDomain, UniqueConstraints,
};
use crate::statistics::{CommonStatistics, Histogram, HistogramType, NumericStatistics, StringStatistics};
use crate::{AnomalyType, FeatureNameStatistics, Reason, Schema};

/// Values listed in a sentence.
const LISTED: usize = 5;

pub(crate) fn reason(anomaly_type: AnomalyType, short: &str, description: String) -> Reason {
    Reason {
        anomaly_type,
        short_description: short.to_owned(),
        description,
    }
}

/// A column that the schema does not know.
pub fn unknown_column() -> Reason {
    let description = "the column is in the data, and the schema does not know it";
    reason(AnomalyType::SchemaNewColumn, "New column", description.to_owned())
}

/// A column that the schema does not expect in an environment, such as the label in serving data.
pub fn unexpected_column(environment: &str) -> Reason {
    let description = format!("the column is in the data, and the schema does not expect it in {environment}");
    reason(AnomalyType::SchemaNewColumn, "New column", description)
}

/// A column of the schema that is not in the data; `None` when it may be so.
pub fn absent_column(feature: &Feature) -> Option<Reason> {
    let description = "the column is not in the data, and the schema requires it";
    feature.required().then(|| {
        reason(
            AnomalyType::SchemaMissingColumn,
            "Column dropped",
            description.to_owned(),
        )
    })
}

/// Everything wrong with a column that schema and data (`rows` of them) have.
pub fn column(schema: &Schema, feature: &Feature, found: &FeatureNameStatistics, rows: i64) -> Vec<Reason> {
    if feature.excused() {
        return Vec::new();
    }
    if found.common().num_non_missing == 0 {
        let description = "no row has a value, and the schema requires some";
        let absent = || {
            reason(
                AnomalyType::FeatureTypeNotPresent,
                "Column dropped",
                description.to_owned(),
            )
        };
        return feature.required().then(absent).into_iter().collect();
    }
    let mut reasons = presence(feature, found, rows);
    let expected = feature.data_type.unwrap_or(found.kind());
    // Whole numbers fit FLOAT: a month of a CSV column without a fraction reads as INT.
    if expected.widened(found.kind()) != Some(expected) {
        let description = format!("the values are {}, and the schema says {expected}", found.kind());
        reasons.push(reason(
            AnomalyType::UnexpectedDataType,
            "Unexpected data type",
            description,
        ));
        return reasons;
    }
    reasons.extend(domains(schema, feature, found, expected));
    match (&feature.unique_constraints, &found.string_stats) {
        (Some(bounds), Some(texts)) => reasons.extend(distinct(bounds, texts.unique)),
        (Some(_), None) => reasons.push(reason(
            AnomalyType::FeatureTypeNoUnique,
            "No distinct values",
            format!(
                "the schema bounds the distinct values, and those of {} are not counted",
                found.kind()
            ),
        )),
        (None, _) => {}
    }
    reasons.extend(value_counts(feature, &found.common()));
    reasons
}

fn presence(feature: &Feature, found: &FeatureNameStatistics, rows: i64) -> Vec<Reason> {
    let Some(presence) = &feature.presence else {
        return Vec::new();
    };
    let present = found.common().num_non_missing;
    let mut reasons = Vec::new();
    if present < presence.min_count {
        let description = format!(
            "{present} rows have a value, and the schema requires {}",
            presence.min_count
        );
        reasons.push(reason(
            AnomalyType::FeatureTypeLowNumberPresent,
            "Column dropped",
            description,
        ));
    }
    if (present as f64) < presence.min_fraction * rows as f64 {
        let description = format!(
            "{present} of {rows} rows ({}) have a value, and the schema requires {}",
            percent(present as f64 / rows as f64),
            percent(presence.min_fraction)
        );
        reasons.push(reason(
            AnomalyType::FeatureTypeLowFractionPresent,
            "Column dropped",
            description,
        ));
    }
    reasons
}

/// Values in a row that has any, and that every row has some where there is a shape.
fn value_counts(feature: &Feature, common: &CommonStatistics) -> Vec<Reason> {
    let (least, most) = (common.min_num_values, common.max_num_values);
    let mut reasons = Vec::new();
    if feature.shape.is_some() && common.num_missing > 0 {
        let description = format!(
            "{} rows have no value, and the shape in the schema wants some in every row",
            common.num_missing
        );
        reasons.push(reason(
            AnomalyType::InvalidFeatureShape,
            "Invalid feature shape",
            description,
        ));
    }
    // Statistics made elsewhere may not count values.
    if most == 0 {
        return reasons;
    }
    if let Some(bounds) = &feature.value_count {
        if let Some(limit) = bounds.max.filter(|limit| *limit < bounds.min) {
            let description = format!(
                "the schema wants at least {} values in a row and at most {limit}",
                bounds.min
            );
            reasons.push(reason(
                AnomalyType::InvalidSchemaSpecification,
                "Invalid value count",
                description,
            ));
            return reasons;
        }
        if least < bounds.min {
            let description = format!("a row has {least} values, and the schema requires {}", bounds.min);
            reasons.push(reason(
                AnomalyType::FeatureTypeLowNumberValues,
                "Missing values",
                description,
            ));
        }
        if let Some(limit) = bounds.max.filter(|limit| most > *limit) {
            let description = format!("a row has {most} values, and the schema allows {limit}");
            reasons.push(reason(
                AnomalyType::FeatureTypeHighNumberValues,
                "Superfluous values",
                description,
            ));
        }
    }
    if let Some(shape) = &feature.shape {
        let size = shape.dim.iter().fold(1_i64, |size, dim| size.saturating_mul(dim.size));
        if least != size || most != size {
            let description = format!("rows have {least} to {most} values, and the shape in the schema holds {size}");
            reasons.push(reason(
                AnomalyType::InvalidFeatureShape,
                "Invalid feature shape",
                description,
            ));
        }
    }
    reasons
}

/// Text that a domain of numbers is for must be such numbers.
fn unparsed(texts: &StringStatistics, parses: impl Fn(&str) -> bool) -> Option<String> {
    let buckets = texts.rank_histogram.buckets.iter();
    let wrong: Vec<&str> = buckets
        .map(|bucket| bucket.label.as_str())
        .filter(|label| !parses(label))
        .collect();
    (!wrong.is_empty()).then(|| list(wrong.into_iter()))
}

fn truth(domain: &BoolDomain, found: &FeatureNameStatistics, kind: SchemaType) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match (&found.num_stats, &found.string_stats) {
        (Some(numbers), _) if kind == SchemaType::Int => {
            reasons.extend((numbers.min < 0.0).then(|| below(AnomalyType::BoolTypeSmallInt, numbers.min, 0.0)));
            reasons.extend((numbers.max > 1.0).then(|| above(AnomalyType::BoolTypeBigInt, numbers.max, 1.0)));
        }
        (Some(numbers), _) => reasons.extend(neither_zero_nor_one(numbers).map(|value| {
            let description = format!("there are values such as {value}, and the schema knows only 0 and 1");
            reason(AnomalyType::BoolTypeUnexpectedFloat, "Unexpected numbers", description)
        })),
        (_, Some(texts)) => {
            let words = [domain.true_value.as_str(), domain.false_value.as_str()];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            let wrong = unparsed(texts, |label| words.contains(&label));
            reasons.extend(wrong.map(|wrong| {
                let description = format!(
                    "there are values such as {wrong}, and the schema knows only {}",
                    list(words.into_iter())
                );
                reason(
                    AnomalyType::BoolTypeUnexpectedString,
                    "Unexpected string values",
                    description,
                )
            }));
        }
        _ => reasons.push(wrong_domain("bool_domain", SchemaType::Int, kind)),
    }
    reasons
}

/// A number that is neither, as far as extremes, median and histograms tell.
fn neither_zero_nor_one(numbers: &NumericStatistics) -> Option<f64> {
    let quantiles = numbers.histograms.iter();
    let quantiles = quantiles.filter(|histogram| histogram.histogram_type == HistogramType::Quantiles);
    let edges = quantiles
        .flat_map(|histogram| &histogram.buckets)
        .map(|bucket| bucket.low_value);
    // The middle of two of them is the median of as many zeros as ones.
    let seen = [numbers.min, numbers.max].into_iter().chain(edges);
    seen.into_iter()
        .find(|value| ![0.0, 0.5, 1.0].contains(value) || (*value == 0.5 && numbers.min == 0.5))
}

fn domains(schema: &Schema, feature: &Feature, found: &FeatureNameStatistics, kind: SchemaType) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match (schema.domain(feature), &found.string_stats) {
        (Ok(None), _) => {}
        (Ok(Some(domain)), Some(texts)) => {
            let least = feature.distribution_constraints.as_ref();
            reasons.extend(vocabulary(
                domain,
                texts,
                least.map_or(1.0, |least| least.min_domain_mass),
            ));
        }
        (Ok(Some(_)), None) => reasons.push(wrong_domain("string_domain", SchemaType::Bytes, kind)),
        (Err(name), _) => reasons.push(reason(
            AnomalyType::InvalidDomainSpecification,
            "Unknown domain",
            format!("the schema gives it the domain '{name}' and does not define that"),
        )),
    }
    match (&feature.int_domain, &found.num_stats) {
        (None, _) => {}
        (Some(domain), Some(numbers)) if kind == SchemaType::Int => reasons.extend(integers(domain, numbers)),
        (Some(domain), None) => reasons.extend(
            found
                .string_stats
                .iter()
                .flat_map(|texts| written_integers(domain, texts)),
        ),
        (Some(_), _) => reasons.push(wrong_domain("int_domain", SchemaType::Int, kind)),
    }
    match (&feature.float_domain, &found.num_stats) {
        (None, _) => {}
        (Some(domain), Some(numbers)) if kind == SchemaType::Float => reasons.extend(floats(domain, numbers)),
        (Some(domain), None) => reasons.extend(
            found
                .string_stats
                .iter()
                .flat_map(|texts| written_floats(domain, texts)),
        ),
        (Some(_), _) => reasons.push(wrong_domain("float_domain", SchemaType::Float, kind)),
    }
    if let Some(domain) = &feature.bool_domain {
        reasons.extend(truth(domain, found, kind));
    }
    reasons
}

fn wrong_domain(domain: &str, fits: SchemaType, kind: SchemaType) -> Reason {
    reason(
        AnomalyType::DomainInvalidForType,
        "Domain of another type",
        format!("the values are {kind}, and the {domain} that the schema gives them is for {fits}"),
    )
}

/// More than `1 - least` of the values outside of the domain.
fn vocabulary(domain: &StringDomain, texts: &StringStatistics, least: f64) -> Option<Reason> {
    let buckets = texts.rank_histogram.buckets.iter();
    let outside: Vec<_> = buckets.filter(|bucket| !domain.holds(&bucket.label)).collect();
    let total = texts.common_stats.num_non_missing as f64;
    let count: f64 = outside.iter().map(|bucket| bucket.sample_count).sum();
    // The tolerance keeps 1 - 0.9 from being less than a tenth.
    let too_many = count > total * (1.0 - least) + 1e-9 * total;
    too_many.then(|| {
        let allowed = if least < 1.0 {
            format!("at most {} of them other than", percent(1.0 - least))
        } else {
            "only".to_owned()
        };
        let description = format!(
            "{count} of {total} values ({}) are outside of the domain, such as {}, and the schema allows {allowed} {}",
            percent(count / total),
            list(outside.iter().map(|bucket| bucket.label.as_str())),
            list(domain.value.iter().map(String::as_str)),
        );
        reason(
            AnomalyType::EnumTypeUnexpectedStringValues,
            "Unexpected string values",
            description,
        )
    })
}

fn integers(domain: &IntDomain, numbers: &NumericStatistics) -> Vec<Reason> {
    let small = domain.min.filter(|least| numbers.min < *least as f64);
    let big = domain.max.filter(|most| numbers.max > *most as f64);
    let small = small.map(|least| below(AnomalyType::IntTypeSmallInt, numbers.min, least as f64));
    let big = big.map(|most| above(AnomalyType::IntTypeBigInt, numbers.max, most as f64));
    small.into_iter().chain(big).collect()
}

/// Text that should be whole numbers, as far as its values are listed.
fn written_integers(domain: &IntDomain, texts: &StringStatistics) -> Vec<Reason> {
    let parse = |label: &str| label.trim().parse::<i64>().ok();
    if let Some(wrong) = unparsed(texts, |label| parse(label).is_some()) {
        let description = format!("there are values such as {wrong}, and the schema wants whole numbers");
        return vec![reason(
            AnomalyType::IntTypeNotIntString,
            "Not whole numbers",
            description,
        )];
    }
    let buckets = texts.rank_histogram.buckets.iter();
    let values: Vec<f64> = buckets
        .filter_map(|bucket| parse(&bucket.label))
        .map(|value| value as f64)
        .collect();
    integers(domain, &range(&values))
}

/// Text that should be numbers, as far as its values are listed.
fn written_floats(domain: &FloatDomain, texts: &StringStatistics) -> Vec<Reason> {
    let parse = |label: &str| label.trim().parse::<f64>().ok();
    if let Some(wrong) = unparsed(texts, |label| parse(label).is_some()) {
        let description = format!("there are values such as {wrong}, and the schema wants numbers");
        return vec![reason(AnomalyType::FloatTypeStringNotFloat, "Not numbers", description)];
    }
    let buckets = texts.rank_histogram.buckets.iter();
    let values: Vec<f64> = buckets.filter_map(|bucket| parse(&bucket.label)).collect();
    floats(domain, &range(&values))
}

/// The extremes of numbers that were written as text.
fn range(values: &[f64]) -> NumericStatistics {
    let numbers = || values.iter().copied().filter(|value| !value.is_nan());
    let nan = values.len() - numbers().count();
    NumericStatistics {
        common_stats: CommonStatistics::of_column(values.len() as u64, 0),
        min: numbers().fold(f64::INFINITY, f64::min),
        max: numbers().fold(f64::NEG_INFINITY, f64::max),
        histograms: vec![Histogram {
            num_nan: nan as i64,
            ..Histogram::default()
        }],
        ..NumericStatistics::default()
    }
}

fn floats(domain: &FloatDomain, numbers: &NumericStatistics) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (nan, present) = (numbers.num_nan(), numbers.common_stats.num_non_missing);
    if nan < present {
        let small = domain.min.filter(|least| numbers.min < *least);
        let big = domain.max.filter(|most| numbers.max > *most);
        reasons.extend(small.map(|least| below(AnomalyType::FloatTypeSmallFloat, numbers.min, least)));
        reasons.extend(big.map(|most| above(AnomalyType::FloatTypeBigFloat, numbers.max, most)));
    }
    if domain.disallow_nan && nan > 0 {
        let description = format!("{nan} of {present} values are NaN, and the schema allows none");
        reasons.push(reason(AnomalyType::FloatTypeHasNan, "Not a number", description));
    }
    if domain.disallow_inf && (numbers.min.is_infinite() || numbers.max.is_infinite()) {
        let description = "some values are infinite, and the schema allows none".to_owned();
        reasons.push(reason(AnomalyType::FloatTypeHasInf, "Infinite values", description));
    }
    reasons
}

fn below(anomaly_type: AnomalyType, smallest: f64, least: f64) -> Reason {
    let description = format!("the smallest value is {smallest}, and the schema allows none below {least}");
    reason(anomaly_type, "Out-of-range values", description)
}

fn above(anomaly_type: AnomalyType, largest: f64, most: f64) -> Reason {
    let description = format!("the largest value is {largest}, and the schema allows none above {most}");
    reason(anomaly_type, "Out-of-range values", description)
}

fn distinct(bounds: &UniqueConstraints, unique: i64) -> Option<Reason> {
    let found = format!("there are {unique} distinct values, and the schema");
    if unique < bounds.min {
        let description = format!("{found} requires {}", bounds.min);
        return Some(reason(
            AnomalyType::FeatureTypeLowUnique,
            "Few distinct values",
            description,
        ));
    }
    let most = bounds.max.filter(|most| unique > *most)?;
    let description = format!("{found} allows {most}");
    Some(reason(
        AnomalyType::FeatureTypeHighUnique,
        "Many distinct values",
        description,
    ))
}

/// Whether there are as many rows as the schema wants; none at all are always too few.
pub fn dataset(constraints: Option<&DatasetConstraints>, rows: i64) -> Option<Reason> {
    let low = |description| reason(AnomalyType::DatasetLowNumExamples, "Low num examples", description);
    let constraints = constraints.cloned().unwrap_or_default();
    if rows < constraints.min_examples_count {
        let least = constraints.min_examples_count;
        return Some(low(format!(
            "there are {rows} examples, and the schema requires {least}"
        )));
    }
    if rows == 0 {
        return Some(low("there are no examples, so that nothing can be checked".to_owned()));
    }
    let most = constraints.max_examples_count.filter(|most| rows > *most)?;
    let description = format!("there are {rows} examples, and the schema allows {most}");
    Some(reason(
        AnomalyType::DatasetHighNumExamples,
        "High num examples",
        description,
    ))
}

/// A part of the window that has a header and no row, however many the others have.
pub fn empty_span(file: &str) -> Reason {
    let description = format!("the span {file} has no examples");
    reason(AnomalyType::DatasetLowNumExamples, "Low num examples", description)
}

/// A share in percent, to two places where they are needed; never nothing for something, never all for less.
fn percent(share: f64) -> String {
    match (share * 10_000.0).round() / 100.0 {
        0.0 if share > 0.0 => "<0.01%".to_owned(),
        100.0 if share < 1.0 => ">99.99%".to_owned(),
        rounded => format!("{rounded}%"),
    }
}

/// The first few values in quotes, each cut where it is long.
fn list<'a>(values: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = values.len().saturating_sub(LISTED);
    let mut words: Vec<String> = values.take(LISTED).map(quoted).collect();
    words.extend((more > 0).then(|| format!("{more} more")));
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn rounding_hides_nothing() {
        let shares = [0.0, 1e-6, 0.002, 0.0333333, 0.99999, 1.0];
        assert_eq!(
            shares.map(percent),
            ["0%", "<0.01%", "0.2%", "3.33%", ">99.99%", "100%"]
        );
    }
}
