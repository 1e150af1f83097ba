//! The paired Poisson bootstrap: in each replicate every row counts Poisson(1) times, for all models and
//! slices alike (Chamandy et al., 2012).
//!
//! One pass over the rows per replicate: rows are grouped by cell, the finest cross of all slices; each cell
//! sums weights by bin, and each slice adds up its cells. Memory grows with rows and with slices times
//! metrics times replicates, never with rows times replicates. A row that has a weight counts its weight times the
//! times it was drawn.

use crate::bins::{Bin, Channel, Histogram, Weight, used};
use crate::metrics::Model;
use crate::poisson;
use serde::{Deserialize, Serialize};
use std::num::NonZero;
use std::thread;

/// How often to draw, and from which numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// Replicates; 0 is none at all.
    pub num_samples: u32,
    /// The same seed gives the same file, bit by bit.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            num_samples: 1000,
            seed: 0,
        }
    }
}

/// Metrics of each replicate, NaN where undefined.
pub struct Replicates {
    values: Vec<f64>,
    /// Values of one replicate: slices, in them models, in them metrics.
    width: usize,
    models: usize,
    metrics: usize,
}

impl Replicates {
    /// One metric of one model on one slice, by replicate; the last is of the rows as they are.
    pub fn of(&self, slice: usize, model: usize, metric: usize) -> impl Iterator<Item = f64> {
        let place = (slice * self.models + model) * self.metrics + metric;
        self.values.iter().skip(place).step_by(self.width.max(1)).copied()
    }
}

/// The rows that are in the same slices.
struct Cell {
    rows: Vec<u32>,
    slices: Vec<usize>,
    channels: Vec<CellChannel>,
}

struct CellChannel {
    /// By row of the cell: the place among the cell's bins.
    places: Vec<u32>,
    bins: usize,
    /// By slice of the cell and bin of the cell: the place among the slice's bins.
    of_slices: Vec<Vec<u32>>,
}

/// Draws replicates of all models on all slices, on `threads` threads (and the same whatever their number).
pub fn replicates(
    models: &[Model],
    channels: &[Vec<Channel>],
    slices: &[&[u32]],
    bootstrap: Bootstrap,
    threads: NonZero<usize>,
) -> Replicates {
    match models.first().and_then(|model| model.weights) {
        None => drawn::<u32>(models, channels, slices, bootstrap, threads, &[]),
        Some(weights) => drawn::<f64>(models, channels, slices, bootstrap, threads, weights),
    }
}

fn drawn<W: Weight>(
    models: &[Model],
    channels: &[Vec<Channel>],
    slices: &[&[u32]],
    bootstrap: Bootstrap,
    threads: NonZero<usize>,
    of_rows: &[f64],
) -> Replicates {
    let rows = models.first().map_or(0, |model| model.labels.len());
    let metrics = models.first().map_or(0, |model| model.names().len());
    let weighted = models.first().and_then(|model| model.weights);
    let flat: Vec<&Channel> = channels.iter().flatten().collect();
    // By slice and channel.
    let bins: Vec<Vec<Vec<Bin>>> = slices
        .iter()
        .map(|rows| flat.iter().map(|channel| channel.bins(rows, weighted)).collect())
        .collect();
    let cells = cells(&flat, slices, &bins, rows);
    let width = slices.len() * models.len() * metrics;
    let samples = bootstrap.num_samples as usize + 1;
    let mut values = vec![f64::NAN; samples * width];
    let draw = |first: usize, values: &mut [f64]| {
        let mut times = vec![1; rows];
        let mut sums: Vec<Vec<Vec<W>>> = bins
            .iter()
            .map(|channels| channels.iter().map(|bins| vec![W::default(); bins.len()]).collect())
            .collect();
        for (replicate, values) in (first..).zip(values.chunks_mut(width.max(1))) {
            if replicate + 1 == samples {
                times.fill(1);
            } else {
                poisson::weights(bootstrap.seed, replicate as u64, &mut times);
            }
            add_up(&cells, &times, of_rows, &mut sums);
            let mut values = values.chunks_mut(metrics.max(1));
            for (bins, sums) in bins.iter().zip(&sums) {
                let mut histograms = bins.iter().zip(sums).map(|(bins, sums)| Histogram::new(bins, sums));
                for (model, channels) in models.iter().zip(channels) {
                    let histograms: Vec<Histogram<W>> = histograms.by_ref().take(channels.len()).collect();
                    if let Some(values) = values.next() {
                        values.copy_from_slice(&model.weighted(&histograms));
                    }
                }
            }
        }
    };
    let share = samples.div_ceil(threads.get());
    thread::scope(|scope| {
        for (thread, values) in values.chunks_mut((share * width).max(1)).enumerate() {
            let draw = &draw;
            scope.spawn(move || draw(thread * share, values));
        }
    });
    Replicates {
        values,
        width,
        models: models.len(),
        metrics,
    }
}

/// Sums of weights by slice, channel and bin.
fn add_up<W: Weight>(cells: &[Cell], times: &[u8], of_rows: &[f64], sums: &mut [Vec<Vec<W>>]) {
    sums.iter_mut().flatten().for_each(|sums| sums.fill(W::default()));
    let (mut picked, mut scratch): (Vec<W::OfRow>, Vec<W>) = (Vec::new(), Vec::new());
    for cell in cells {
        picked.clear();
        let drawn = |row: &u32| W::drawn(times[*row as usize], *row as usize, of_rows);
        picked.extend(cell.rows.iter().map(drawn));
        for (number, channel) in cell.channels.iter().enumerate() {
            scratch.clear();
            scratch.resize(channel.bins, W::default());
            for (place, weight) in channel.places.iter().zip(&picked) {
                scratch[*place as usize] += (*weight).into();
            }
            for (slice, places) in cell.slices.iter().zip(&channel.of_slices) {
                let sums = &mut sums[*slice][number];
                for (place, weight) in places.iter().zip(&scratch) {
                    sums[*place as usize] += *weight;
                }
            }
        }
    }
}

/// Groups rows by the slices they are in; rows in none are left out.
fn cells(channels: &[&Channel], slices: &[&[u32]], bins: &[Vec<Vec<Bin>>], rows: usize) -> Vec<Cell> {
    // Each slice in turn divides the groups it shares rows with.
    let mut groups = vec![0_u32; rows];
    let mut members: Vec<Vec<usize>> = vec![Vec::new()];
    for (slice, rows) in slices.iter().enumerate() {
        let mut divided = vec![None; members.len()];
        for row in *rows {
            let group = groups[*row as usize] as usize;
            groups[*row as usize] = *divided[group].get_or_insert_with(|| {
                let mut inside = members[group].clone();
                inside.push(slice);
                members.push(inside);
                members.len() as u32 - 1
            });
        }
    }
    let mut cells: Vec<Cell> = members
        .into_iter()
        .map(|slices| Cell {
            rows: Vec::new(),
            slices,
            channels: Vec::new(),
        })
        .collect();
    for (row, group) in (0..).zip(&groups) {
        cells[*group as usize].rows.push(row);
    }
    cells.retain(|cell| !cell.rows.is_empty() && !cell.slices.is_empty());
    for cell in &mut cells {
        let channel = |(number, channel): (usize, &&Channel)| {
            let codes = || cell.rows.iter().map(|row| channel.codes[*row as usize]);
            let used = used(codes());
            let places = places(&used);
            let of_slice = |slice: &usize| {
                let all: Vec<u32> = bins[*slice][number].iter().map(|bin| bin.code).collect();
                let all = self::places(&all);
                used.iter().map(|code| all[*code as usize]).collect()
            };
            CellChannel {
                places: codes().map(|code| places[code as usize]).collect(),
                bins: used.len(),
                of_slices: cell.slices.iter().map(of_slice).collect(),
            }
        };
        cell.channels = channels.iter().enumerate().map(channel).collect();
    }
    cells
}

/// From code to place.
fn places(codes: &[u32]) -> Vec<u32> {
    let mut places = vec![0; codes.last().map_or(0, |last| *last as usize + 1)];
    for (place, code) in (0..).zip(codes) {
        places[*code as usize] = place;
    }
    places
}

/// How sure a value is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Of the replicates.
    pub standard_error: f64,
    /// The percentile interval.
    pub lower: f64,
    /// The percentile interval.
    pub upper: f64,
}

/// The interval around an exact value; replicates without the metric are left out.
///
/// The last replicate has the rows as they are: what the bins lose is added back to the others.
pub fn interval(exact: f64, replicates: impl Iterator<Item = f64>, confidence_level: f64) -> Option<Interval> {
    let mut values: Vec<f64> = replicates.collect();
    let offset = exact - values.pop()?;
    values.retain(|value| value.is_finite());
    if values.len() < 2 || !offset.is_finite() {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    values.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| {
        let rank = share * (count - 1.0);
        let (below, above) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
        below + (above - below) * rank.fract() + offset
    };
    let tail = (1.0 - confidence_level) / 2.0;
    Some(Interval {
        standard_error: (squares / (count - 1.0)).sqrt(),
        lower: quantile(tail),
        upper: quantile(1.0 - tail),
    })
}
