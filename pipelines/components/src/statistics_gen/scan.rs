//! Reading one span on all cores; the result does not depend on how many there are.

use anyhow::{Context, Result, anyhow};
use std::ops::Range;
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
    name: &'a str,
    kind: Kind,
    table: &'a Table,
    row_groups: Range<usize>,
}

/// The states of all parts, on as many threads.
///
/// # Errors
/// When a file cannot be read.
pub fn scan(parts: &[Part], threads: usize) -> Result<Vec<SpanState>> {
    let errands: Vec<Errand> = parts.iter().enumerate().flat_map(errands).collect();
    let results: Vec<Mutex<Option<Result<ColumnState>>>> = errands.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((errand, result)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            errands.get(number).zip(results.get(number))
        } {
            let state = measure(errand);
            if let Ok(mut slot) = result.lock() {
                *slot = Some(state);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(errands.len()) {
            scope.spawn(work);
        }
        work();
    });
    let empty = |part: &Part| SpanState {
        rows: part.table.rows_of(part.row_groups.clone()),
        columns: part
            .features
            .0
            .iter()
            .map(|(_, kind)| ColumnState::new(*kind))
            .collect(),
    };
    let mut states: Vec<SpanState> = parts.iter().map(empty).collect();
    // In the order of the rows, whoever was ready first.
    for (errand, result) in errands.iter().zip(results) {
        let state = result.into_inner().ok().flatten();
        let state = state.ok_or_else(|| anyhow!("column '{}' was not measured: run the step again", errand.name))??;
        states[errand.part].columns[errand.column].merge(&state)?;
    }
    Ok(states)
}

fn errands<'a>((number, part): (usize, &'a Part)) -> Vec<Errand<'a>> {
    let step = part.row_groups.len().div_ceil(STRETCHES).max(STRETCH);
    let errand = |column: usize, start: usize| {
        let (name, kind) = &part.features.0[column];
        Errand {
            part: number,
            column,
            name,
            kind: *kind,
            table: part.table,
            row_groups: start..part.row_groups.end.min(start + step),
        }
    };
    let starts = part.row_groups.clone().step_by(step);
    starts
        .flat_map(|start| (0..part.features.0.len()).map(move |column| (column, start)))
        .map(|(column, start)| errand(column, start))
        .collect()
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
