//! Reading one span on all cores; the result does not depend on how many there are.

use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use super::slices::{Sliced, Slicing};
use super::span_state::SpanState;
use crate::examples::{TEXT_ROWS, Table, batch_rows};
use crate::features::{FeatureSpec, Kind};
use crate::tfdv::threads::on_threads;

/// Row groups that one thread reads at least in a row.
const STRETCH: usize = 16;
/// Stretches of a span at most, so that memory does not grow with rows.
const STRETCHES: usize = 16;

/// Errands of a span for each thread, about: none is long enough to be waited for.
const ERRANDS: usize = 32;

/// The part of a split that one span fills.
pub struct Part<'a> {
    /// The split's file.
    pub table: &'a Table,
    /// Its columns.
    pub features: &'a FeatureSpec,
    /// The span's row groups.
    pub row_groups: Range<usize>,
}

/// One thread's errand: a stretch of some columns of one part.
struct Errand<'a> {
    number: usize,
    part: &'a Part<'a>,
    columns: Range<usize>,
    /// Counts the stretches of a part.
    stretch: usize,
    row_groups: Range<usize>,
}

/// One column of one part, as far as it is measured.
struct Growing {
    state: Sliced,
    /// Stretches in the state.
    stretches: usize,
    /// Stretches that were ready before an earlier one.
    early: BTreeMap<usize, Sliced>,
}

impl Growing {
    /// Adds stretches in the order of the rows, whoever was ready first.
    fn add(&mut self, stretch: usize, state: Sliced) -> Result<()> {
        self.early.insert(stretch, state);
        while let Some(state) = self.early.remove(&self.stretches) {
            self.state.merge(&state)?;
            self.stretches += 1;
        }
        Ok(())
    }
}

/// The states of all parts, on as many threads.
///
/// # Errors
/// When a file cannot be read, or there are too many slices.
pub fn scan(parts: &[Part], slicing: &Slicing, threads: usize) -> Result<Vec<SpanState>> {
    // Slices are found anew for each errand, and so is the schema of the file, so its columns are many where there are
    // many; a state does not depend on its neighbours.
    let width = |part: &Part| match slicing.is_empty() {
        true => (part.features.0.len() / (ERRANDS * threads)).max(1),
        false => part.features.0.len().div_ceil(2 * threads),
    };
    let errands: Vec<Errand> = (0..)
        .zip(parts)
        .flat_map(|(number, part)| errands(number, part, width(part)))
        .collect();
    let growing = |(_, kind): &(String, Kind)| {
        Mutex::new(Growing {
            state: Sliced::new(*kind),
            stretches: 0,
            early: BTreeMap::new(),
        })
    };
    let columns: Vec<Vec<_>> = parts
        .iter()
        .map(|part| part.features.0.iter().map(growing).collect())
        .collect();
    let work = |errand: &Errand| {
        let states = measure(errand, slicing)?;
        for (column, state) in columns[errand.number][errand.columns.clone()].iter().zip(states) {
            let mut column = column.lock().map_err(|_| failed())?;
            column.add(errand.stretch, state)?;
        }
        Ok(())
    };
    on_threads(&errands, threads, work)
        .into_iter()
        .collect::<Result<()>>()?;
    let state = |(part, columns): (&Part, Vec<Mutex<Growing>>)| {
        let state = |column: Mutex<Growing>| Ok(column.into_inner().map_err(|_| failed())?.state);
        Ok(SpanState {
            rows: part.table.rows_of(part.row_groups.clone()),
            columns: columns.into_iter().map(state).collect::<Result<_>>()?,
        })
    };
    parts.iter().zip(columns).map(state).collect()
}

/// A thread panicked, which [`on_threads`] passes on by itself.
fn failed() -> anyhow::Error {
    anyhow!("a thread failed: run the step again")
}

/// All stretches of the first columns, then those of the next, so that few states wait for an earlier stretch.
fn errands<'a>(number: usize, part: &'a Part, width: usize) -> Vec<Errand<'a>> {
    let step = part.row_groups.len().div_ceil(STRETCHES).max(STRETCH);
    let starts = part.row_groups.clone().step_by(step).enumerate();
    let all = part.features.0.len();
    let of_columns = |first: usize| {
        starts.clone().map(move |(stretch, start)| Errand {
            number,
            part,
            columns: first..all.min(first + width),
            stretch,
            row_groups: start..part.row_groups.end.min(start + step),
        })
    };
    (0..all).step_by(width.max(1)).flat_map(of_columns).collect()
}

/// The states of an errand's columns.
fn measure(errand: &Errand, slicing: &Slicing) -> Result<Vec<Sliced>> {
    let Part { table, features, .. } = errand.part;
    let columns = &features.0[errand.columns.clone()];
    let mut names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    names.extend(slicing.columns());
    // Without slices a text column comes a whole row group at a time: its dictionary is then counted once.
    let rows = match columns {
        [(_, Kind::Bytes)] if slicing.is_empty() => TEXT_ROWS,
        _ => batch_rows(names.len()),
    };
    let explain = || format!("column '{}' cannot be read", names.join("' or '"));
    let mut states: Vec<Sliced> = columns.iter().map(|(_, kind)| Sliced::new(*kind)).collect();
    for batch in table.read_coded(&names, errand.row_groups.clone(), rows)? {
        let batch = batch.with_context(explain)?;
        let slices = slicing.rows(&batch, features)?;
        for ((name, kind), state) in columns.iter().zip(&mut states) {
            let array = batch.column_by_name(name).with_context(explain)?;
            let added = state.add(array, *kind, &slices);
            added.with_context(|| format!("column '{name}'"))?;
        }
    }
    states.iter_mut().for_each(Sliced::tidy);
    Ok(states)
}
