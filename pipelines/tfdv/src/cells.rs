//! Two data sets over cells that nest: the finest intervals whose counts are exact on both sides.

use crate::FeatureNameStatistics;
use crate::statistics::{Bucket, HistogramType};
use crate::table::{Cell, Cut, Table};

/// Cells of equal shares of both sides together, at most, and values of the smaller side in one of them, about: the
/// usual five that chi-square wants.
const SHARES: f64 = 20.0;
const EXPECTED: f64 = 5.0;

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

/// With fewer values on a side, the ends of its buckets are dealt out anew too.
const FEW: f64 = 1000.0;
/// Buckets of a histogram, as many as statistics-gen and TFDV make.
const BUCKETS: usize = 10;

/// The cells of both sides cut as wanted; `None` when a side has no exact counts.
///
/// How they are cut depends on both sides' values together, or is done again for every deal, so that dealing the
/// values out anew (permutation) tells exactly how far unchanged data are apart.
pub fn table(current: &FeatureNameStatistics, control: &FeatureNameStatistics, cut: Cut, scale: f64) -> Option<Table> {
    let cell = |interval: Interval| Cell {
        current: interval.current,
        control: interval.control,
        open: 0.0,
        open_below: 0.0,
        width: if scale > 0.0 {
            (interval.to.0 - interval.from.0) / scale
        } else {
            0.0
        },
        middle: interval.from.0 / 2.0 + interval.to.0 / 2.0,
        matches: true,
    };
    let cells: Vec<Cell> = common(current.cells()?, control.cells()?)
        .into_iter()
        .map(cell)
        .collect();
    let every = Table {
        cells,
        ..Table::default()
    };
    let (n, m) = every.totals();
    Some(match cut {
        Cut::Every => every,
        Cut::Shares => {
            let mut before = 0.0;
            // Both sides have two shares of EXPECTED values, or as many as there are.
            let shares = (2.0 * n.min(m) / EXPECTED).clamp(2.0, SHARES).floor();
            let share = |cell: &Cell| {
                let share = before / (n + m) * shares;
                before += cell.current + cell.control;
                share as usize
            };
            Table {
                cells: grouped(&every.cells, share),
                ..Table::default()
            }
        }
        Cut::Buckets if n.min(m) < FEW => Table {
            cells: rebucketed(&every.cells),
            labels: Vec::new(),
            finer: every.cells,
        },
        Cut::Buckets => Table {
            cells: bucketed(&every.cells, [current, control].into_iter().flat_map(edges).collect()),
            ..Table::default()
        },
    })
}

/// Ascending cells counted between the union of the edges; TFDV's intervals are open above, but for the last.
fn bucketed(cells: &[Cell], mut edges: Vec<f64>) -> Vec<Cell> {
    edges.sort_unstable_by(f64::total_cmp);
    let last = edges.last().copied();
    edges.retain(|edge| Some(*edge) != last);
    let mut passed = 0;
    grouped(cells, |cell| {
        while edges.get(passed).is_some_and(|edge| *edge <= cell.middle) {
            passed += 1;
        }
        passed
    })
}

/// Cells counted as statistics-gen would count them, were they all that is known of both sides.
pub fn rebucketed(cells: &[Cell]) -> Vec<Cell> {
    let ends = |count: fn(&Cell) -> f64| {
        let mut middles = cells
            .iter()
            .filter(|cell| cell.matches && count(cell) > 0.0)
            .map(|cell| cell.middle);
        let low = middles.next();
        let high = middles.next_back().or(low);
        let edges = (0..=BUCKETS).map(move |number| {
            let share = number as f64 / BUCKETS as f64;
            Some(low? * (1.0 - share) + high? * share)
        });
        edges.flatten()
    };
    let edges = ends(|cell| cell.current).chain(ends(|cell| cell.control)).collect();
    bucketed(cells, edges)
}

/// The ends of TFDV's equal-width buckets.
fn edges(feature: &FeatureNameStatistics) -> Vec<f64> {
    let histograms = feature.num_stats.iter().flat_map(|stats| &stats.histograms);
    let standard = histograms.filter(|histogram| histogram.histogram_type == HistogramType::Standard);
    let buckets = standard.flat_map(|histogram| &histogram.buckets);
    let ends = buckets.flat_map(|bucket| [bucket.low_value, bucket.high_value]);
    ends.filter(|end| end.is_finite()).collect()
}

/// Neighbours with the same key become one.
fn grouped(cells: &[Cell], mut key: impl FnMut(&Cell) -> usize) -> Vec<Cell> {
    let mut groups: Vec<(usize, Cell)> = Vec::new();
    for cell in cells {
        let key = key(cell);
        match groups.last_mut() {
            Some((last, group)) if *last == key && cell.matches => {
                group.current += cell.current;
                group.control += cell.control;
                group.width += cell.width;
            }
            _ => groups.push((key, cell.clone())),
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
    fn buckets_are_of_equal_widths() {
        let cell = |place: usize| Cell {
            current: 1.0,
            control: 1.0,
            open: 0.0,
            open_below: 0.0,
            width: 0.0,
            middle: place as f64,
            matches: true,
        };
        let cells: Vec<Cell> = (0..1000).map(cell).collect();
        let groups = rebucketed(&cells);
        assert_eq!(groups.len(), 10);
        assert!(
            groups
                .iter()
                .all(|group| group.current == 100.0 && group.control == 100.0)
        );
    }
}
