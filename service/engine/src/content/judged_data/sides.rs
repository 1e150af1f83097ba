//! One column of several data, cut in the same way.

use super::shape::{Bin, JudgedFeature, OfSides};
use std::collections::{BTreeMap, HashMap};
use trainyard_tfdv::statistics::{Bucket, HistogramType, NumericStatistics, StringStatistics};
use trainyard_tfdv::{DatasetFeatureStatistics, FeatureNameStatistics};

/// Bins of numbers: as many as the histograms of statistics-gen have, so that equal ranges are cut as they were.
const BINS: usize = 10;
/// Values of text that are shown, of each side the most frequent.
const VALUES: usize = 8;

/// A split now, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<'a> {
    pub(super) now: &'a DatasetFeatureStatistics,
    pub(super) before: Option<&'a DatasetFeatureStatistics>,
    pub(super) serving: Option<&'a DatasetFeatureStatistics>,
}

impl<'a> Sides<'a> {
    /// Without anything to compare with.
    pub(super) fn alone(now: &'a DatasetFeatureStatistics) -> Self {
        Self {
            now,
            before: None,
            serving: None,
        }
    }

    /// The same of each of them.
    pub(super) fn of<T>(self, read: impl Fn(&'a DatasetFeatureStatistics) -> Option<T>) -> OfSides<T> {
        OfSides {
            now: read(self.now),
            before: self.before.and_then(&read),
            serving: self.serving.and_then(&read),
        }
    }
}

impl<T: Copy> OfSides<T> {
    fn map<U>(self, read: impl Fn(T) -> Option<U>) -> OfSides<U> {
        OfSides {
            now: self.now.and_then(&read),
            before: self.before.and_then(&read),
            serving: self.serving.and_then(&read),
        }
    }

    fn all(self) -> impl Iterator<Item = T> {
        [self.now, self.before, self.serving].into_iter().flatten()
    }
}

/// The columns of all sides, by name.
pub(super) struct Columns<'a> {
    now: HashMap<String, &'a FeatureNameStatistics>,
    before: HashMap<String, &'a FeatureNameStatistics>,
    serving: HashMap<String, &'a FeatureNameStatistics>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(sides: Sides<'a>) -> Self {
        let by_name = |side: Option<&'a DatasetFeatureStatistics>| side.map(DatasetFeatureStatistics::by_name);
        Self {
            now: sides.now.by_name(),
            before: by_name(sides.before).unwrap_or_default(),
            serving: by_name(sides.serving).unwrap_or_default(),
        }
    }
}

/// A column, without what was found in it.
pub(super) fn feature(name: &str, columns: &Columns) -> JudgedFeature {
    let columns = OfSides {
        now: columns.now.get(name).copied(),
        before: columns.before.get(name).copied(),
        serving: columns.serving.get(name).copied(),
    };
    let numbers = columns.map(|column: &FeatureNameStatistics| column.num_stats.as_ref());
    let texts = columns.map(|column| column.string_stats.as_ref());
    let finite = |value: f64| value.is_finite().then_some(value);
    JudgedFeature {
        name: name.to_owned(),
        kind: columns
            .now
            .and_then(|column| serde_json::to_value(column.data_type).ok())
            .and_then(|kind| kind.as_str().map(str::to_owned))
            .unwrap_or_default(),
        missing: columns.map(missing),
        mean: numbers.map(|stats: &NumericStatistics| finite(stats.mean)),
        median: numbers.map(|stats| finite(stats.median)),
        bins: match texts.all().next() {
            Some(_) => values(texts),
            None => ranges(numbers),
        },
        distances: Vec::new(),
        anomalies: Vec::new(),
    }
}

fn missing(column: &FeatureNameStatistics) -> Option<f64> {
    let common = column.common();
    let rows = common.num_missing.saturating_add(common.num_non_missing);
    (rows > 0).then(|| common.num_missing as f64 / rows as f64)
}

/// The most frequent values of all sides, and the others together.
fn values(texts: OfSides<&StringStatistics>) -> Vec<Bin> {
    let shares = |stats: &StringStatistics| -> BTreeMap<String, f64> {
        let total = stats.common_stats.num_non_missing.max(1) as f64;
        let ranked = &stats.rank_histogram.buckets;
        match ranked.is_empty() {
            true => {
                let top = stats.top_values.iter();
                top.map(|value| (value.value.clone(), value.frequency / total))
                    .collect()
            }
            false => {
                let top = ranked.iter();
                top.map(|bucket| (bucket.label.clone(), bucket.sample_count / total))
                    .collect()
            }
        }
    };
    let sides = [texts.now, texts.before, texts.serving].map(|side| side.map(shares));
    // Of thousands of values only the most frequent of each side can be among those of all.
    let mut labels: Vec<(String, f64)> = Vec::new();
    for side in sides.iter().flatten() {
        let mut most: Vec<(&String, &f64)> = side.iter().collect();
        most.sort_by(|(_, share), (_, less)| less.total_cmp(share));
        for (label, share) in most.into_iter().take(VALUES) {
            match labels.iter_mut().find(|(known, _)| known == label) {
                Some((_, most)) => *most = most.max(*share),
                None => labels.push((label.clone(), *share)),
            }
        }
    }
    labels.sort_by(|(one, share), (other, less)| less.total_cmp(share).then_with(|| one.cmp(other)));
    labels.truncate(VALUES);
    let share = |label: &str| {
        let [now, before, serving] = &sides;
        let of =
            |side: &Option<BTreeMap<String, f64>>| side.as_ref().map(|side| side.get(label).copied().unwrap_or(0.0));
        OfSides {
            now: of(now),
            before: of(before),
            serving: of(serving),
        }
    };
    let mut bins: Vec<Bin> = labels
        .iter()
        .map(|(label, _)| Bin {
            label: trainyard_tfdv::listed::quoted(label),
            share: share(label),
        })
        .collect();
    let rest = |side: fn(&OfSides<f64>) -> Option<f64>| {
        let shown: Option<f64> = bins.iter().map(|bin| side(&bin.share)).sum();
        shown.map(|shown| (1.0 - shown).max(0.0))
    };
    let others = OfSides {
        now: rest(|share| share.now),
        before: rest(|share| share.before),
        serving: rest(|share| share.serving),
    };
    if !bins.is_empty() && others.all().any(|share| share > 0.0005) {
        bins.push(Bin {
            label: "others".to_owned(),
            share: others,
        });
    }
    bins
}

/// The numbers of all sides in the same ranges; values lie evenly within a bucket, as TFDV takes it.
fn ranges(numbers: OfSides<&NumericStatistics>) -> Vec<Bin> {
    let sides = numbers.map(|stats| {
        let standard = |wanted| {
            stats
                .histograms
                .iter()
                .find(move |histogram| histogram.histogram_type == wanted)
        };
        let histogram = standard(HistogramType::Standard).or_else(|| standard(HistogramType::Quantiles))?;
        Some(histogram.buckets.as_slice())
    });
    let edges = sides
        .all()
        .flatten()
        .flat_map(|bucket| [bucket.low_value, bucket.high_value]);
    let edges: Vec<f64> = edges.filter(|edge| edge.is_finite()).collect();
    let low = edges.iter().copied().fold(f64::INFINITY, f64::min);
    let high = edges.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !(low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let count = if low < high { BINS } else { 1 };
    let edge = |at: usize| low + (high - low) * at as f64 / count as f64;
    let bins = (0..count).map(|at| {
        let (from, to) = (edge(at), edge(at + 1));
        Bin {
            label: match count {
                1 => figure(from),
                _ => format!("{} to {}", figure(from), figure(to)),
            },
            share: sides.map(|buckets: &[Bucket]| share_of(buckets, from, to, at + 1 == count)),
        }
    });
    bins.collect()
}

/// The share of the values of buckets that lie between two numbers.
fn share_of(buckets: &[Bucket], from: f64, to: f64, last: bool) -> Option<f64> {
    let total: f64 = buckets.iter().map(|bucket| bucket.sample_count).sum();
    if total <= 0.0 {
        return None;
    }
    let part = |bucket: &Bucket| {
        let (low, high) = (bucket.low_value.max(f64::MIN), bucket.high_value.min(f64::MAX));
        let width = high - low;
        if width <= 0.0 {
            let inside = low >= from && (low < to || last);
            return if inside { bucket.sample_count } else { 0.0 };
        }
        let common = (high.min(to) - low.max(from)).max(0.0);
        bucket.sample_count * (common / width)
    };
    Some(buckets.iter().map(part).sum::<f64>() / total)
}

/// Four significant digits, for a heading.
fn figure(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let places = (3 - value.abs().log10().floor() as i32).clamp(0, 9);
    let text = format!("{value:.*}", usize::try_from(places).unwrap_or(0));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
