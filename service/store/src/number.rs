//! The change number: it grows in the transaction of every write that a page or the command line
//! could show. Leases and probes do not count, nor does what an ml-metadata client writes by itself.

use crate::connection::{Connection, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::statement::statements;

statements! {
    READ = "SELECT number FROM change_number";
    ADVANCE = "UPDATE change_number SET number = number + 1 RETURNING number";
}

impl Reads {
    /// The number of the last change: what was read before it moved may be out of date.
    pub async fn change_number(&self) -> Result<u64> {
        let row = self.reader().await?.row(READ, args![]).await?;
        row.ok_or_else(|| missing(self.place()))?.count(0)
    }
}

/// Moves the number on. The last thing a transaction does: on PostgreSQL writers queue up here, so
/// that no number is seen before those below it.
pub(crate) async fn advance(db: &mut Connection) -> Result<u64> {
    let row = db.row(ADVANCE, args![]).await?;
    row.ok_or_else(|| missing(db.place()))?.count(0)
}

fn missing(place: &str) -> StoreError {
    StoreError::damaged(place, "change number", "its row is gone")
}
