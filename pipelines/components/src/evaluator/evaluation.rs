//! `evaluation.json`: what was measured, and how sure it is.

use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use super::absent::absent;
use super::parameters::Parameters;
use super::predictions::Predictions;
use super::slices::{SliceKey, SlicingSpec, slices};
use trainyard_tfma::bootstrap::{Bootstrap, Interval, Replicates, interval, replicates};
use trainyard_tfma::metrics::{Model, ModelType, Plots, effective_rows};

/// The version of the file's shape.
const SCHEMA_VERSION: u32 = 2;

/// Slices are plotted when there are no more of them.
const MAX_PLOTTED: usize = 100;
/// Thresholds of the overall slice beside those that all slices have: the curves that people look at are of it.
const QUANTILES: usize = 90;

/// Numbers that replicates may hold at once, of 8 bytes each; more slices are drawn in parts.
const MAX_DRAWN: usize = 8_000_000;

/// The file `evaluation.json`.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    schema_version: u32,
    /// What was measured as what.
    pub model_type: ModelType,
    label: String,
    prediction: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    example_weight_key: Option<String>,
    /// Whether there was a model to compare with.
    pub baseline: bool,
    confidence_level: f64,
    /// `null` when no bootstrap was made.
    bootstrap: Option<Bootstrap>,
    /// The overall slice first.
    pub slices: Vec<Slice>,
    cross_slices: Vec<CrossSlice>,
    /// What was asked for and is not there, a sentence each.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl Evaluation {
    /// All rows.
    pub fn overall(&self) -> Option<&Slice> {
        self.slices.first()
    }
}

/// One slice and its metrics.
#[derive(Debug, Serialize)]
pub struct Slice {
    /// Feature to value.
    pub slice_key: SliceKey,
    /// Rows.
    pub num_examples: usize,
    /// The sum of their weights, where they have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    weighted_num_examples: Option<f64>,
    /// How many rows of equal weight would be as sure (Kish), where they have weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_num_examples: Option<f64>,
    /// By name.
    pub metrics: BTreeMap<String, Measured>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    plots: BTreeMap<&'static str, Plots>,
}

/// A baseline slice less a slice, as in TFMA, in each metric and of each model.
#[derive(Debug, Serialize)]
struct CrossSlice {
    baseline_slice_key: SliceKey,
    slice_key: SliceKey,
    metrics: BTreeMap<String, Measured>,
}

/// Values are `null` where undefined or without a baseline.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// The baseline's value.
    pub baseline: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_interval: Option<Interval>,
    /// Candidate less baseline, on the same rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// A value and how sure it is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Difference {
    /// Candidate less baseline.
    pub value: f64,
    /// How sure it is.
    #[serde(flatten)]
    pub interval: Interval,
    /// Of the standard error, for Student's t: one less than the rows that stand behind the metric.
    pub degrees_of_freedom: usize,
}

/// One slice as measured: by model and metric, NaN where undefined.
type Exact = Vec<Vec<f64>>;

/// Measures every slice, and draws replicates of it.
///
/// # Errors
/// When there are too many slices.
pub fn evaluate(
    parameters: &Parameters,
    candidate: &Predictions,
    baseline: Option<&Predictions>,
    threads: NonZero<usize>,
) -> Result<Evaluation> {
    let weights = candidate.scaled_weights();
    let models: Vec<Model> = [Some(candidate), baseline]
        .into_iter()
        .flatten()
        .map(|predictions| predictions.model(parameters.model_type, weights.as_deref()))
        .collect();
    let rows = candidate.labels.len();
    // By key, and the empty key of the overall slice is the smallest.
    let members = slices(&parameters.all_slicing_specs(), &candidate.categories, rows)?;
    let crosses = crosses(parameters, candidate)?;
    let (keys, rows): (Vec<SliceKey>, Vec<Vec<u32>>) = members.into_iter().unzip();
    let exact = exact(&models, &keys, &rows, threads);
    let values: Vec<Exact> = exact
        .iter()
        .map(|models| models.iter().map(|(values, _)| values.clone()).collect())
        .collect();
    let crosses: Vec<(usize, usize)> = crosses
        .iter()
        .filter_map(|(base, key)| Some((keys.binary_search(base).ok()?, keys.binary_search(key).ok()?)))
        .collect();
    let names = models[0].names();
    let support: Vec<Vec<usize>> = rows.iter().map(|rows| support(&models, rows)).collect();
    let drawing = Drawing {
        parameters,
        models: &models,
        rows: &rows,
        values: &values,
        support: &support,
        names: &names,
        threads,
    };
    let (measured, crossed) = drawing.measured(&crosses);
    let few = keys.len() <= MAX_PLOTTED;
    let weighs = !candidate.weights.is_empty();
    let sum_of_weights = |rows: &[u32]| {
        let sum: f64 = rows.iter().filter_map(|row| candidate.weights.get(*row as usize)).sum();
        Some(sum).filter(|sum| weighs && sum.is_finite())
    };
    let effective = |rows: &[u32]| {
        let of = |weights: &Vec<f64>| effective_rows(rows.iter().map(|row| weights[*row as usize]));
        weighs.then(|| weights.as_ref().map_or(rows.len() as f64, of))
    };
    let slices = keys.iter().zip(&rows).zip(measured).zip(exact);
    let slice = |(((key, rows), metrics), exact): (((&SliceKey, &Vec<u32>), _), Vec<OfModel>)| Slice {
        slice_key: key.clone(),
        num_examples: rows.len(),
        weighted_num_examples: sum_of_weights(rows),
        effective_num_examples: effective(rows),
        metrics,
        plots: ["candidate", "baseline"]
            .into_iter()
            .zip(exact)
            .filter(|_| few || key.is_empty())
            .filter_map(|(role, (_, plots))| Some((role, plots?)))
            .collect(),
    };
    let cross = |((base, key), metrics): (&(usize, usize), _)| CrossSlice {
        baseline_slice_key: keys[*base].clone(),
        slice_key: keys[*key].clone(),
        metrics,
    };
    Ok(Evaluation {
        schema_version: SCHEMA_VERSION,
        model_type: parameters.model_type,
        label: parameters.label.clone(),
        prediction: parameters.prediction.clone(),
        example_weight_key: parameters.example_weight_key.clone(),
        baseline: baseline.is_some(),
        confidence_level: parameters.confidence_level,
        bootstrap: Some(parameters.bootstrap).filter(|bootstrap| bootstrap.num_samples > 0),
        slices: slices.map(slice).collect(),
        cross_slices: crosses.iter().zip(crossed).map(cross).collect(),
        notes: candidate
            .notes
            .iter()
            .cloned()
            .chain(absent(&parameters.all_slicing_specs(), &candidate.categories))
            .collect(),
    })
}

/// The pairs (baseline slice, slice) that are compared; a slice is not compared with itself.
fn crosses(parameters: &Parameters, candidate: &Predictions) -> Result<Vec<(SliceKey, SliceKey)>> {
    let rows = candidate.labels.len();
    let mut pairs = Vec::new();
    for spec in &parameters.cross_slicing_specs {
        let of = |specs: &[_]| slices(specs, &candidate.categories, rows);
        let named = |spec: &SlicingSpec| -> Result<Vec<SliceKey>> {
            let keys = of(std::slice::from_ref(spec))?.into_keys();
            // slices() has the overall slice always, asked for or not.
            let overall = spec.groupings().is_empty();
            Ok(keys.filter(|key| key.is_empty() == overall).collect())
        };
        for base in named(&spec.baseline_spec)? {
            for slicing in &spec.slicing_specs {
                for key in named(slicing)? {
                    let pair = (base.clone(), key);
                    if pair.0 != pair.1 && !pairs.contains(&pair) {
                        pairs.push(pair);
                    }
                }
            }
        }
    }
    Ok(pairs)
}

/// The rows behind each metric, of the model with fewer.
fn support(models: &[Model], rows: &[u32]) -> Vec<usize> {
    let supports = models.iter().map(|model| model.support(rows));
    supports.reduce(|one, other| fewer(&one, &other)).unwrap_or_default()
}

fn fewer(one: &[usize], other: &[usize]) -> Vec<usize> {
    one.iter().zip(other).map(|(one, other)| *one.min(other)).collect()
}

/// A model's values on a slice, by the order of the metrics' names, and what can be drawn.
type OfModel = (Vec<f64>, Option<Plots>);

/// Measures all models on all slices, some slices on each thread.
fn exact(models: &[Model], keys: &[SliceKey], slices: &[Vec<u32>], threads: NonZero<usize>) -> Vec<Vec<OfModel>> {
    let mut measured: Vec<Vec<_>> = slices.iter().map(|_| vec![(Vec::new(), None); models.len()]).collect();
    let mut work: Vec<_> = measured
        .iter_mut()
        .zip(keys.iter().zip(slices))
        .flat_map(|(values, (key, rows))| {
            let quantiles = if key.is_empty() { QUANTILES } else { 0 };
            values
                .iter_mut()
                .zip(models)
                .map(move |(value, model)| (value, model, rows, quantiles))
        })
        .collect();
    // Large ones first, in turn to each thread.
    work.sort_by_key(|(_, _, rows, _)| std::cmp::Reverse(rows.len()));
    let mut shares: Vec<Vec<_>> = (0..threads.get()).map(|_| Vec::new()).collect();
    for (number, item) in work.into_iter().enumerate() {
        shares[number % threads.get()].push(item);
    }
    thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || {
                for (value, model, rows, quantiles) in share {
                    *value = model.measure(rows, quantiles);
                }
            });
        }
    });
    measured
}

/// What intervals are made from.
struct Drawing<'a> {
    parameters: &'a Parameters,
    models: &'a [Model<'a>],
    rows: &'a [Vec<u32>],
    values: &'a [Exact],
    /// By slice and metric.
    support: &'a [Vec<usize>],
    names: &'a [String],
    threads: NonZero<usize>,
}

type Metrics = BTreeMap<String, Measured>;

impl Drawing<'_> {
    /// The metrics of each slice and of each pair of (baseline slice, slice).
    fn measured(&self, crosses: &[(usize, usize)]) -> (Vec<Metrics>, Vec<Metrics>) {
        let bootstrap = self.parameters.bootstrap;
        if bootstrap.num_samples == 0 {
            let slice = |slice: usize| self.metrics(&self.values[slice], &self.support[slice], |_, _| None);
            let cross = |(base, key): &(usize, usize)| self.metrics(&self.less(*base, *key), &[], |_, _| None);
            return (
                (0..self.values.len()).map(slice).collect(),
                crosses.iter().map(cross).collect(),
            );
        }
        let channels: Vec<_> = self.models.iter().map(Model::channels).collect();
        let per_slice = (bootstrap.num_samples as usize + 1) * self.models.len() * self.names.len();
        let part = (MAX_DRAWN / per_slice.max(1)).max(1);
        let mut slices = Vec::new();
        let mut crossed: Vec<Metrics> = vec![Metrics::new(); crosses.len()];
        for first in (0..self.rows.len()).step_by(part) {
            let own = first..self.rows.len().min(first + part);
            // The slices of this part, and the baseline slices they are compared with.
            let mut drawn: Vec<usize> = own.clone().collect();
            for (base, key) in crosses {
                if own.contains(key) && !drawn.contains(base) {
                    drawn.push(*base);
                }
            }
            let rows: Vec<&[u32]> = drawn.iter().map(|slice| self.rows[*slice].as_slice()).collect();
            let replicates = replicates(self.models, &channels, &rows, bootstrap, self.threads);
            for (place, slice) in drawn.iter().enumerate().take(own.len()) {
                slices.push(
                    self.metrics(&self.values[*slice], &self.support[*slice], |models, metric| {
                        Some(self.drawn(&replicates, place, models, metric)).filter(|_| self.rows[*slice].len() > 1)
                    }),
                );
            }
            for ((base, key), metrics) in crosses.iter().zip(&mut crossed) {
                let place = |slice| drawn.iter().position(|other| *other == slice);
                if let (true, Some(base_place), Some(key_place)) = (own.contains(key), place(*base), place(*key)) {
                    let support = fewer(&self.support[*key], &self.support[*base]);
                    *metrics = self.metrics(&self.less(*base, *key), &support, |models, metric| {
                        let key = self.drawn(&replicates, key_place, models.clone(), metric);
                        let base = self.drawn(&replicates, base_place, models, metric);
                        Some(base.into_iter().zip(key).map(|(base, key)| base - key).collect())
                    });
                }
            }
        }
        (slices, crossed)
    }

    /// A metric of one model, or of the first less the second.
    fn drawn(&self, replicates: &Replicates, slice: usize, models: Vec<usize>, metric: usize) -> Vec<f64> {
        match models.as_slice() {
            [first, second] => {
                let second = replicates.of(slice, *second, metric);
                replicates
                    .of(slice, *first, metric)
                    .zip(second)
                    .map(|(first, second)| first - second)
                    .collect()
            }
            [only] => replicates.of(slice, *only, metric).collect(),
            _ => Vec::new(),
        }
    }

    /// The sign is TFMA's.
    fn less(&self, base: usize, slice: usize) -> Exact {
        let less = |(base, slice): (&Vec<f64>, &Vec<f64>)| base.iter().zip(slice).map(|(b, s)| b - s).collect();
        self.values[base].iter().zip(&self.values[slice]).map(less).collect()
    }

    /// Names, values and the intervals of what `drawn` gives for models and metric.
    fn metrics(
        &self,
        values: &Exact,
        support: &[usize],
        drawn: impl Fn(Vec<usize>, usize) -> Option<Vec<f64>>,
    ) -> Metrics {
        let measured = |(metric, name): (usize, &String)| {
            let value = |model: usize| values.get(model).map(|values| values[metric]).filter(|v| v.is_finite());
            let sure = |exact: Option<f64>, models: Vec<usize>| {
                interval(
                    exact?,
                    drawn(models, metric)?.into_iter(),
                    self.parameters.confidence_level,
                )
            };
            let (candidate, baseline) = (value(0), value(1));
            let difference = candidate
                .zip(baseline)
                .map(|(candidate, baseline)| candidate - baseline);
            let measured = Measured {
                candidate,
                baseline,
                candidate_interval: sure(candidate, vec![0]),
                baseline_interval: sure(baseline, vec![1]),
                difference: difference
                    .zip(sure(difference, vec![0, 1]))
                    .map(|(value, interval)| Difference {
                        value,
                        interval,
                        degrees_of_freedom: support.get(metric).map_or(0, |rows| rows.saturating_sub(1)),
                    }),
            };
            (name.clone(), measured)
        };
        self.names.iter().enumerate().map(measured).collect()
    }
}
