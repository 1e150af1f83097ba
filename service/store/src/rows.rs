//! Reading lists row by row: one that cannot be read is set aside, and the others are returned.

use crate::connection::{Arg, Row};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::statement::Statement;
use crate::unreadable::Unreadable;

/// What the rows of a list are, and how people tell them apart.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// For example `pipeline`; a name for each list, since each reads other columns.
    pub(crate) what: &'static str,
    /// For example repository and name.
    pub(crate) key: fn(&Row) -> Result<String>,
}

/// How much of a kind a read looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Every row of the kind that could be in its list.
    Whole,
    /// Some of them: nothing is known of the others.
    Part,
}

impl Kind {
    fn key(self, row: &Row) -> String {
        (self.key)(row).unwrap_or_else(|_| "?".to_owned())
    }

    /// The row with what is wrong with it.
    pub(crate) fn unreadable(self, row: &Row, error: StoreError) -> Unreadable {
        Unreadable {
            what: self.what,
            key: self.key(row),
            problem: error.problem(),
        }
    }

    /// A row that nobody may overlook.
    pub(crate) fn strictly<T>(self, row: &Row, read: impl Fn(&Row) -> Result<T>) -> Result<T> {
        read(row).map_err(|error| StoreError::Unreadable(self.unreadable(row, error)))
    }

    /// Rows of the same thing, which follow each other.
    pub(crate) fn groups(self, rows: &[Row]) -> impl Iterator<Item = &[Row]> {
        rows.chunk_by(move |one, other| self.key(one) == self.key(other))
    }
}

impl Reads {
    /// The rows that can be read, in their order.
    pub(crate) fn readable<T>(
        &self,
        kind: Kind,
        extent: Extent,
        rows: &[Row],
        read: impl Fn(&Row) -> Result<T>,
    ) -> Vec<T> {
        let read = rows.iter().map(|row| (row, read(row)));
        self.sorted_out(kind, extent, rows, read)
    }

    /// The same of things that are several rows each.
    pub(crate) fn readable_groups<T>(
        &self,
        kind: Kind,
        extent: Extent,
        rows: &[Row],
        read: impl Fn(&[Row]) -> Result<T>,
    ) -> Vec<T> {
        let read = kind.groups(rows).map(|group| (&group[0], read(group)));
        self.sorted_out(kind, extent, rows, read)
    }

    fn sorted_out<'r, T>(
        &self,
        kind: Kind,
        extent: Extent,
        rows: &[Row],
        read: impl Iterator<Item = (&'r Row, Result<T>)>,
    ) -> Vec<T> {
        let (mut well, mut unreadable) = (Vec::new(), Vec::new());
        for (row, value) in read {
            match value {
                Ok(value) => well.push(value),
                Err(error) => unreadable.push(kind.unreadable(row, error)),
            }
        }
        let met = |key: &str| rows.iter().any(|row| kind.key(row) == key);
        let still = |key: &str| extent == Extent::Part && !met(key);
        self.set_aside().met(kind.what, unreadable, still);
        well
    }

    /// The first `limit` rows that can be read: those that cannot be take no place from the others.
    /// The statement's last placeholder is the limit; `all` is what it looks at when it finds fewer.
    pub(crate) async fn first_readable<T>(
        &self,
        kind: Kind,
        all: Extent,
        (statement, arguments): (Statement, Vec<Arg>),
        limit: u32,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut most = limit;
        loop {
            let mut arguments = arguments.clone();
            arguments.push(most.into());
            let rows = self.reader().await?.rows(statement, arguments).await?;
            let over = rows.len() < most as usize;
            let extent = if over { all } else { Extent::Part };
            let mut well = self.readable(kind, extent, &rows, read);
            if over || well.len() >= limit as usize || most == u32::MAX {
                well.truncate(limit as usize);
                return Ok(well);
            }
            let unreadable = u32::try_from(rows.len() - well.len()).unwrap_or(u32::MAX);
            most = limit.saturating_add(unreadable);
        }
    }
}
