//! Runs in whose hands a service died. One that does so again and again is set aside, so that the others go on.

use crate::connection::{Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::{Micros, RunId};

statements! {
    COUNT = "INSERT INTO crashes (run, version, times, at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (run) DO UPDATE SET version = excluded.version, at = excluded.at,
            times = CASE WHEN crashes.version = excluded.version THEN crashes.times + 1 ELSE 1 END
        RETURNING times";
    ALL = "SELECT c.run, c.version, c.times, c.at FROM crashes c JOIN runs r ON r.id = c.run
        WHERE r.state IN ('queued', 'running') AND r.version = c.version ORDER BY c.run";
}

/// What is known of a run in whose hands a service died, and that came no further since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The run.
    pub run: RunId,
    /// Its version then.
    pub version: u64,
    /// How often, one after the other.
    pub times: u32,
    /// The last time.
    pub at: Micros,
}

const CRASH: Kind = Kind {
    what: "crashes of run",
    key: |row| row.get(0),
};

impl Store {
    /// Counts a crash of a run at this version; one at another version begins anew. Returns how often it
    /// happened, one after the other.
    pub async fn count_crash(&self, run: &RunId, version: u64, at: Micros) -> Result<u32> {
        let arguments = args![run.as_str(), version, at];
        let row = self
            .write(move |db| Box::pin(async move { db.row(COUNT, arguments).await }))
            .await?;
        let times = row.map(|row| row.count(0)).transpose()?.unwrap_or(1);
        Ok(u32::try_from(times).unwrap_or(u32::MAX))
    }
}

impl Reads {
    /// Runs that are not over, in whose hands a service died, and that came no further since.
    pub async fn crashes(&self) -> Result<Vec<Crash>> {
        let rows = self.reader().await?.rows(ALL, args![]).await?;
        Ok(self.readable(CRASH, Extent::Whole, &rows, crash))
    }
}

fn crash(row: &Row) -> Result<Crash> {
    Ok(Crash {
        run: RunId::new(row.get::<String>(0)?),
        version: row.count(1)?,
        times: u32::try_from(row.count(2)?).unwrap_or(u32::MAX),
        at: row.micros(3)?,
    })
}
