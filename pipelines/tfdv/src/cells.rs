//! Two data sets over cells that nest: the finest intervals whose counts are exact on both sides.

use crate::FeatureNameStatistics;
use crate::statistics::{Bucket, HistogramType};
use crate::table::{Cell, Cut, Table};

/// Cells of equal shares of both sides together, at most; as many as the buckets of two histograms.
const SHARES: f64 = 20.0;

/// A place between numbers: just below one, or (true) just above it.
type Place = (f64, bool);

/// Counts of both sides between two places.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval {
    from: Place,
    to: Place,
    current: f64,
    control: f64,
}

/// The cells of both sides cut as wanted; `None` when a side has no exact counts.
///
/// Every choice but that of TFDV's buckets depends on both sides' values together, so that dealing them out anew
/// (permutation) tells exactly how far unchanged data are apart.
pub fn table(current: &FeatureNameStatistics, control: &FeatureNameStatistics, cut: Cut, scale: f64) -> Option<Table> {
    let intervals = common(current.cells()?, control.cells()?);
    let merged = match cut {
        Cut::Every => intervals,
        Cut::Buckets => {
            let mut edges: Vec<f64> = [current, control].into_iter().flat_map(edges).collect();
            edges.sort_by(f64::total_cmp);
            // TFDV's intervals are open above, but for the last.
            edges.pop();
            grouped(intervals, |interval, _| {
                let middle = interval.from.0 / 2.0 + interval.to.0 / 2.0;
                edges.partition_point(|edge| *edge <= middle)
            })
        }
        Cut::Shares => {
            let total: f64 = intervals
                .iter()
                .map(|interval| interval.current + interval.control)
                .sum();
            grouped(intervals, |_, before| (before / total * SHARES) as usize)
        }
    };
    let cell = |interval: &Interval| Cell {
        current: interval.current,
        control: interval.control,
        open: 0.0,
        open_below: 0.0,
        width: if scale > 0.0 {
            (interval.to.0 - interval.from.0) / scale
        } else {
            0.0
        },
        matches: true,
    };
    Some(Table {
        cells: merged.iter().map(cell).collect(),
        labels: Vec::new(),
    })
}

/// The ends of TFDV's equal-width buckets.
fn edges(feature: &FeatureNameStatistics) -> Vec<f64> {
    let histograms = feature.num_stats.iter().flat_map(|stats| &stats.histograms);
    let standard = histograms.filter(|histogram| histogram.histogram_type == HistogramType::Standard);
    let buckets = standard.flat_map(|histogram| &histogram.buckets);
    let ends = buckets.flat_map(|bucket| [bucket.low_value, bucket.high_value]);
    ends.filter(|end| end.is_finite()).collect()
}

/// Neighbours with the same key become one; the key is of the interval and of the values before it.
fn grouped(intervals: Vec<Interval>, key: impl Fn(&Interval, f64) -> usize) -> Vec<Interval> {
    let mut groups: Vec<(usize, Interval)> = Vec::new();
    let mut before = 0.0;
    for interval in intervals {
        let key = key(&interval, before);
        before += interval.current + interval.control;
        match groups.last_mut() {
            Some((last, group)) if *last == key => {
                group.to = interval.to;
                group.current += interval.current;
                group.control += interval.control;
            }
            _ => groups.push((key, interval)),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The intervals between places that cut no bucket of either side; some hold no value.
fn common(current: &[Bucket], control: &[Bucket]) -> Vec<Interval> {
    let (left, right) = (Side::of(current), Side::of(control));
    let mut places: Vec<Place> = left.ends().chain(right.ends()).collect();
    places.sort_by(order);
    places.dedup();
    let known = places
        .into_iter()
        .filter_map(|place| Some((place, left.below(place)?, right.below(place)?)));
    let known: Vec<(Place, f64, f64)> = known.collect();
    let between = |pair: &[(Place, f64, f64)]| match pair {
        [(from, a, b), (to, c, d)] => Some(Interval {
            from: *from,
            to: *to,
            current: c - a,
            control: d - b,
        }),
        _ => None,
    };
    known.windows(2).filter_map(between).collect()
}

fn order(left: &Place, right: &Place) -> std::cmp::Ordering {
    left.0.total_cmp(&right.0).then(left.1.cmp(&right.1))
}

/// Ascending buckets, and how many values are below each.
struct Side(Vec<(Place, Place, f64)>, f64);

impl Side {
    fn of(buckets: &[Bucket]) -> Self {
        let mut count = 0.0;
        let place = |bucket: &Bucket| {
            let below = count;
            count += bucket.sample_count.max(0.0);
            let point = bucket.low_value == bucket.high_value;
            ((bucket.low_value, false), (bucket.high_value, point), below)
        };
        let places = buckets.iter().map(place).collect();
        Self(places, count)
    }

    fn ends(&self) -> impl Iterator<Item = Place> {
        self.0.iter().flat_map(|(from, to, _)| [*from, *to])
    }

    /// How many values are below a place; `None` inside a bucket, where nobody knows.
    fn below(&self, place: Place) -> Option<f64> {
        let next = self.0.partition_point(|(_, to, _)| order(to, &place).is_le());
        match self.0.get(next) {
            None => Some(self.1),
            Some((from, _, below)) => order(&place, from).is_le().then_some(*below),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(low_value: f64, high_value: f64, sample_count: f64) -> Bucket {
        Bucket {
            low_value,
            high_value,
            sample_count,
        }
    }

    #[test]
    fn what_one_side_knows_more_finely_adds_up() {
        let points = [
            bucket(0.0, 0.0, 7.0),
            bucket(1.0, 1.0, 2.0),
            bucket(1.5, 1.5, 1.0),
            bucket(4.0, 4.0, 3.0),
        ];
        let wide = [bucket(0.0, 0.5, 10.0), bucket(1.0, 2.0, 20.0), bucket(8.0, 8.0, 5.0)];
        let found = common(&points, &wide).into_iter();
        let found: Vec<_> = found
            .map(|cell| (cell.from.0, cell.to.0, cell.current, cell.control))
            .collect();
        assert_eq!(
            found,
            [
                (0.0, 0.5, 7.0, 10.0),
                (0.5, 1.0, 0.0, 0.0),
                (1.0, 2.0, 3.0, 20.0),
                (2.0, 4.0, 0.0, 0.0),
                (4.0, 4.0, 3.0, 0.0),
                (4.0, 8.0, 0.0, 0.0),
                (8.0, 8.0, 0.0, 5.0)
            ]
        );
        assert!(common(&points, &[]).len() > 1);
        assert!(common(&[], &[]).is_empty());
    }

    #[test]
    fn shares_are_of_both_sides_together() {
        let point = |place: usize| bucket(place as f64, place as f64, 1.0);
        let points: Vec<Bucket> = (0..1000).map(point).collect();
        let groups = grouped(common(&points, &points), |_, before| {
            (before / 2000.0 * SHARES) as usize
        });
        assert_eq!(groups.len(), 20);
        assert!(
            groups
                .iter()
                .all(|group| group.current == 50.0 && group.control == 50.0)
        );
    }
}
