//! What was asked for by each run.

use crate::connection::{Connection, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::{filled, numbered, statements};
use trainyard_core::ids::RunId;
use trainyard_core::run::RunRequest;

statements! {
    REQUEST = "SELECT run, request FROM run_requests WHERE run = $1";
    REQUESTS_8 = numbered!("SELECT run, request FROM run_requests WHERE run IN (VALUES ", 0, 8 x 1, ")");
    REQUESTS_32 = numbered!("SELECT run, request FROM run_requests WHERE run IN (VALUES ", 0, 32 x 1, ")");
}

pub(crate) const REQUESTED: Kind = Kind {
    what: "request of run",
    key: |row| row.get(0),
};

impl Reads {
    /// What was asked for by many runs; those that are not there or cannot be read are not in it.
    pub async fn run_requests(&self, ids: &[RunId]) -> Result<Vec<RunRequest>> {
        let mut requests = Vec::with_capacity(ids.len());
        for (statement, ids) in filled(ids, [(REQUESTS_32, 32), (REQUESTS_8, 8), (REQUEST, 1)]) {
            let arguments = ids.flat_map(|id| args![id.as_str()]).collect();
            let rows = self.reader().await?.rows(statement, arguments).await?;
            requests.extend(self.readable(REQUESTED, Extent::Part, &rows, |row| row.stored(1, "content")));
        }
        Ok(requests)
    }
}

/// What was asked for; `NotFound` for an unknown id.
pub(crate) async fn request(db: &mut Connection, id: &RunId) -> Result<RunRequest> {
    match db.row(REQUEST, args![id.as_str()]).await? {
        Some(row) => REQUESTED.strictly(&row, |row| row.stored(1, "content")),
        None => Err(unknown(id)),
    }
}

pub(crate) fn unknown(id: &RunId) -> StoreError {
    StoreError::NotFound(format!("there is no run {id}; list the runs with: trainyard runs"))
}
