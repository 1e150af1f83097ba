//! Reading one span on all cores; the result does not depend on how many there are.

use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::state::{ColumnState, SpanState};
use crate::examples::Table;
use crate::features::{FeatureSpec, Kind};

/// Row groups that one thread reads at least in a row.
const STRETCH: usize = 16;
/// Stretches of a span at most, so that memory does not grow with rows.
const STRETCHES: usize = 16;

/// The part of a split that one span fills.
pub struct Part<'a> {
    /// The split's file.
    pub table: &'a Table,
    /// Its columns.
    pub features: &'a FeatureSpec,
    /// The span's row groups.
    pub row_groups: Range<usize>,
}

/// One thread's errand: a stretch of one column of one part.
struct Errand<'a> {
    part: usize,
    column: usize,
    /// Counts the stretches of a part.
    stretch: usize,
    name: &'a str,
    kind: Kind,
    table: &'a Table,
    row_groups: Range<usize>,
}

/// One column of one part, as far as it is measured.
struct Growing {
    state: ColumnState,
    /// Stretches in the state.
    stretches: usize,
    /// Stretches that were ready before an earlier one.
    early: BTreeMap<usize, ColumnState>,
}

impl Growing {
    /// Adds stretches in the order of the rows, whoever was ready first.
    fn add(&mut self, stretch: usize, state: ColumnState) -> Result<()> {
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
/// When a file cannot be read.
pub fn scan(parts: &[Part], threads: usize) -> Result<Vec<SpanState>> {
    let errands: Vec<Errand> = parts.iter().enumerate().flat_map(errands).collect();
    let growing = |(_, kind): &(String, Kind)| {
        Mutex::new(Growing {
            state: ColumnState::new(*kind),
            stretches: 0,
            early: BTreeMap::new(),
        })
    };
    let columns: Vec<Vec<_>> = parts
        .iter()
        .map(|part| part.features.0.iter().map(growing).collect())
        .collect();
    let work = |errand: &Errand| {
        let state = measure(errand)?;
        let column = &columns[errand.part][errand.column];
        let mut column = column.lock().map_err(|_| failed())?;
        column.add(errand.stretch, state)
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

/// What each item gives, in their order, worked on by as many threads.
pub fn on_threads<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        while let Some(item) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            items.get(number).map(|item| (number, item))
        } {
            done.push((item.0, work(item.1)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(share)).collect();
        let mut done = share();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// All stretches of one column, then those of the next, so that few states wait for an earlier stretch.
fn errands<'a>((number, part): (usize, &'a Part)) -> Vec<Errand<'a>> {
    let step = part.row_groups.len().div_ceil(STRETCHES).max(STRETCH);
    let starts = part.row_groups.clone().step_by(step).enumerate();
    let of_column = |(column, (name, kind)): (usize, &'a (String, Kind))| {
        starts.clone().map(move |(stretch, start)| Errand {
            part: number,
            column,
            stretch,
            name,
            kind: *kind,
            table: part.table,
            row_groups: start..part.row_groups.end.min(start + step),
        })
    };
    part.features.0.iter().enumerate().flat_map(of_column).collect()
}

fn measure(errand: &Errand) -> Result<ColumnState> {
    let mut state = ColumnState::new(errand.kind);
    let name = errand.name;
    for batch in errand.table.read_column(name, errand.row_groups.clone())? {
        let batch = batch.with_context(|| format!("column '{name}' cannot be read"))?;
        state
            .add(batch.column(0), errand.kind)
            .with_context(|| format!("column '{name}'"))?;
    }
    Ok(state)
}
