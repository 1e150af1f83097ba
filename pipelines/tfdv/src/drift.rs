//! Drift and skew of one split: measured, and judged against chance.

use crate::anomalies::Measurement;
use crate::checks::reason;
use crate::comparator::{Comparator, Comparison, Correction, NumExamplesComparator, SIGNIFICANCE_LEVEL};
use crate::distance::Distance;
use crate::listed::{START, hash, quoted};
use crate::null::{self, Suspect};
use crate::schema::{Feature, SchemaType};
use crate::statistics::SmallSpan;
use crate::table::{Cut, Table};
use crate::tabulate::{categories, numbers};
use crate::{AnomalyType, FeatureNameStatistics, Reason, Schema};

/// Which comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// The previous span, by `drift_comparator`.
    Previous,
    /// Serving requests, by `skew_comparator`.
    Serving,
}

impl Against {
    fn comparator(self, feature: &Feature) -> Option<&Comparator> {
        match self {
            Self::Previous => feature.drift_comparator.as_ref(),
            Self::Serving => feature.skew_comparator.as_ref(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Previous => "the previous data",
            Self::Serving => "the serving data",
        }
    }
}

/// Everything measured of one column, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Compared {
    pub measurements: Vec<Measurement>,
    pub reasons: Vec<Reason>,
}

/// One column of both sides, where they have it.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    pub current: Option<&'a FeatureNameStatistics>,
    pub control: Option<&'a FeatureNameStatistics>,
    /// Columns of the current data.
    pub columns: usize,
}

/// Compares a column of the current data with that of the control.
pub fn column(sides: Sides, feature: &Feature, comparison: &Comparison, against: Against) -> Compared {
    let filled = |found: Option<_>| found.filter(|found: &&FeatureNameStatistics| found.common().num_non_missing > 0);
    let Some(now) = filled(sides.current) else {
        return Compared::default();
    };
    let of_schema = against.comparator(feature);
    let own = comparison.features.get(&feature.name);
    let mut compared = Compared::default();
    if let Some(Err(error)) = of_schema.map(Comparator::check) {
        compared.reasons.push(reason(
            AnomalyType::InvalidSchemaSpecification,
            "Invalid comparator",
            error.to_string(),
        ));
        return compared;
    }
    let explicit = |distance| {
        own.and_then(|own| own.bound(distance))
            .or(of_schema.and_then(|own| own.bound(distance)))
    };
    let some_explicit = Distance::ALL.into_iter().any(|distance| explicit(distance).is_some());
    let numeric = now.kind() != SchemaType::Bytes;
    let then = match filled(sides.control) {
        None => Err(format!(
            "{} have no value of it, and a comparator asks for some",
            against.words()
        )),
        Some(then) if numeric == (then.kind() == SchemaType::Bytes) => Err(format!(
            "the values are {}, and those of {} are {}",
            now.kind(),
            against.words(),
            then.kind()
        )),
        Some(then) => Ok(then),
    };
    let then = match then {
        Ok(then) => then,
        Err(description) => {
            compared
                .reasons
                .extend(some_explicit.then(|| nothing_to_compare_with(description)));
            return compared;
        }
    };
    let levels = [own, of_schema, Some(&comparison.all)];
    let mut level = levels
        .into_iter()
        .flatten()
        .find_map(|said| said.significance_level)
        .unwrap_or(SIGNIFICANCE_LEVEL);
    if comparison.correction == Correction::Bonferroni && level < 1.0 {
        level /= sides.columns.max(1) as f64;
    }
    let mut wanted = Vec::new();
    for distance in Distance::ALL {
        let fits = if numeric {
            !distance.needs_categories()
        } else {
            !distance.needs_order()
        };
        let said = explicit(distance);
        if fits {
            let bound = said.or(comparison.all.bound(distance));
            wanted.extend(bound.map(|bound| (distance, bound.threshold.unwrap_or(0.0))));
        } else if said.is_some() {
            let fitting = if numeric { "categories" } else { "numbers" };
            let description = format!(
                "the values are {}, and the {} that a comparator asks for is for {fitting}",
                now.kind(),
                distance.words()
            );
            compared.reasons.push(reason(
                AnomalyType::InvalidSchemaSpecification,
                "Comparator of another type",
                description,
            ));
        }
    }
    compared.measurements = measure(now, then, &wanted, level, against);
    let fired = compared.measurements.iter().filter(|measurement| measurement.fires());
    let reasons: Vec<Reason> = fired
        .map(|measurement| too_far(measurement, now, then, against))
        .collect();
    compared.reasons.extend(reasons);
    compared
}

/// TFDV says nothing of it, or calls it a distance (1.16.1).
fn nothing_to_compare_with(description: String) -> Reason {
    reason(
        AnomalyType::ComparatorControlDataMissing,
        "Nothing to compare with",
        description,
    )
}

/// The distances, and for those over their thresholds the null quantiles; those over the same cells share their deals.
fn measure(
    now: &FeatureNameStatistics,
    then: &FeatureNameStatistics,
    wanted: &[(Distance, f64)],
    level: f64,
    against: Against,
) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    for cut in Cut::ALL {
        let group: Vec<_> = wanted.iter().filter(|(distance, _)| distance.cut() == cut).collect();
        if group.is_empty() {
            continue;
        }
        let table = table(now, then, cut);
        let first = measurements.len();
        measurements.extend(group.into_iter().map(|(distance, threshold)| Measurement {
            distance: *distance,
            value: distance.measure(&table),
            threshold: *threshold,
            null_quantile: None,
            significance_level: level,
        }));
        // What is within its threshold is no anomaly, chance or not, and at level 1 nothing is called chance.
        let suspected = |found: &&mut Measurement| level < 1.0 && found.value > found.threshold;
        let mut suspected: Vec<&mut Measurement> = measurements[first..].iter_mut().filter(suspected).collect();
        let suspects: Vec<Suspect> = suspected.iter().map(|found| suspect(found, &table)).collect();
        let quantiles = null::beyond(&table, &suspects, level, seed(&now.column(), against));
        for (found, quantile) in suspected.iter_mut().zip(quantiles) {
            found.null_quantile = quantile;
        }
    }
    measurements
}

fn suspect(found: &Measurement, table: &Table) -> Suspect {
    Suspect {
        distance: found.distance,
        value: found.value,
        open: (found.value - found.distance.measure_beyond_open(table)).max(0.0),
    }
}

fn table(now: &FeatureNameStatistics, then: &FeatureNameStatistics, cut: Cut) -> Table {
    match (&now.string_stats, &then.string_stats) {
        (Some(now), Some(then)) => categories(now, then),
        _ => numbers(now, then, cut),
    }
}

/// The same for the same column, so that a verdict can be reproduced.
fn seed(column: &str, against: Against) -> u64 {
    hash(START ^ (against as u64), column)
}

fn too_far(
    measurement: &Measurement,
    now: &FeatureNameStatistics,
    then: &FeatureNameStatistics,
    against: Against,
) -> Reason {
    let anomaly_type = match measurement.distance {
        Distance::LInfty => AnomalyType::ComparatorLInftyHigh,
        Distance::JensenShannonDivergence => AnomalyType::ComparatorJensenShannonDivergenceHigh,
        Distance::NormalizedAbsoluteDifference => AnomalyType::ComparatorNormalizedAbsoluteDifferenceHigh,
        Distance::KolmogorovSmirnov => AnomalyType::ComparatorKolmogorovSmirnovHigh,
        Distance::Wasserstein => AnomalyType::ComparatorWassersteinHigh,
        Distance::ChiSquare => AnomalyType::ComparatorChiSquareHigh,
    };
    let mut description = format!(
        "the {} from {} is {}",
        measurement.distance.words(),
        against.words(),
        figure(measurement.value)
    );
    if measurement.threshold > 0.0 {
        description += &format!(", and at most {} is allowed", figure(measurement.threshold));
    }
    if let (true, Some(quantile)) = (measurement.significance_level < 1.0, measurement.null_quantile) {
        let (n, m) = (now.common().num_non_missing, then.common().num_non_missing);
        let rare = figure(measurement.significance_level * 100.0);
        description += &format!(
            "; {n} and {m} values of the same origin are farther apart than {} only {rare}% of the time",
            figure(quantile)
        );
    }
    if let (Distance::LInfty, Some(worst)) = (measurement.distance, worst(now, then, against)) {
        description += &format!("; {worst} differs most");
    }
    reason(anomaly_type, "High distance", description)
}

/// The category whose share differs most, with both shares.
fn worst(now: &FeatureNameStatistics, then: &FeatureNameStatistics, against: Against) -> Option<String> {
    let table = table(now, then, Cut::Buckets);
    let (n, m) = table.totals();
    let shares = table
        .labels
        .iter()
        .zip(&table.cells)
        .map(|(label, cell)| (label, cell.current / n, cell.control / m));
    let (label, p, q) = shares.max_by(|(_, p, q), (_, r, s)| (p - q).abs().total_cmp(&(r - s).abs()))?;
    let (p, q) = (figure(p * 100.0), figure(q * 100.0));
    Some(match against {
        Against::Previous => format!("{} ({q}% before, {p}% now)", quoted(label)),
        Against::Serving => format!("{} ({p}% here, {q}% in serving)", quoted(label)),
    })
}

/// Three significant digits.
fn figure(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let places = (2 - value.abs().log10().floor() as i32).clamp(0, 12);
    let text = format!("{value:.*}", places as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Data that are suddenly ten times fewer are seldom right, where nobody says what is.
const LEAST_FRACTION: f64 = 0.1;

/// How many rows there may be for one of the previous data, and whether somebody says so.
fn proportion(schema: &Schema, comparison: &Comparison) -> (NumExamplesComparator, bool) {
    let of_schema = || {
        let constraints = schema.dataset_constraints.as_ref()?;
        constraints.num_examples_drift_comparator.as_ref()
    };
    let said = comparison.num_examples.as_ref().or_else(of_schema);
    let usual = || NumExamplesComparator {
        min_fraction_threshold: Some(LEAST_FRACTION),
        max_fraction_threshold: None,
    };
    (said.cloned().unwrap_or_else(usual), said.is_some())
}

/// The parts of the data that are much smaller than the others, by the bound on data to the previous ones.
pub fn small_spans(spans: &[SmallSpan], schema: &Schema, comparison: &Comparison) -> Vec<Reason> {
    let Some(least) = proportion(schema, comparison).0.min_fraction_threshold else {
        return Vec::new();
    };
    let fraction = |span: &SmallSpan| span.examples as f64 / span.usual.max(1) as f64;
    let small = spans.iter().filter(|span| fraction(span) < least);
    let reason = |span: &SmallSpan| {
        let description = format!(
            "the span {} has {} examples, {} times the {} that are usual for the others, and at least {least} times is required",
            span.file,
            span.examples,
            figure(fraction(span)),
            span.usual
        );
        reason(AnomalyType::ComparatorLowNumExamples, "Low num examples", description)
    };
    small.map(reason).collect()
}

/// Whether the number of rows is in proportion to the control's.
pub fn rows(current: i64, control: i64, schema: &Schema, comparison: &Comparison, against: Against) -> Option<Reason> {
    // Serving data are as many as were asked for: they are compared where somebody says how.
    if against == Against::Serving && comparison.num_examples.is_none() {
        return None;
    }
    let (bounds, asked) = proportion(schema, comparison);
    let NumExamplesComparator {
        min_fraction_threshold,
        max_fraction_threshold,
    } = bounds;
    if control <= 0 {
        if !asked {
            return None;
        }
        let description = format!(
            "{} have no example to compare the number of examples with",
            against.words()
        );
        return Some(nothing_to_compare_with(description));
    }
    let fraction = current as f64 / control as f64;
    let found = format!(
        "there are {current} examples, {} times the {control} of {}",
        figure(fraction),
        against.words()
    );
    if let Some(least) = min_fraction_threshold.filter(|least| fraction < *least) {
        let description = format!("{found}, and at least {least} times is required");
        return Some(reason(
            AnomalyType::ComparatorLowNumExamples,
            "Low num examples",
            description,
        ));
    }
    let most = max_fraction_threshold.filter(|most| fraction > *most)?;
    let description = format!("{found}, and at most {most} times is allowed");
    Some(reason(
        AnomalyType::ComparatorHighNumExamples,
        "High num examples",
        description,
    ))
}
