//! Leases: one process works on a run at a time, and an old one cannot write after it lost its turn.

use crate::connection::{Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::RunId;

statements! {
    ACQUIRE = "UPDATE runs SET lease_epoch = lease_epoch + 1, lease_owner = $2, lease_until = lease_until + 1
        WHERE id = $1 AND (lease_owner IS NULL OR lease_owner = $2 OR (lease_epoch = $3 AND lease_until = $4))
        RETURNING lease_epoch";
    RENEW = "UPDATE runs SET lease_until = lease_until + 1 WHERE id = $1 AND lease_epoch = $2 AND lease_owner IS NOT NULL
        RETURNING version";
    OF_RUN = "SELECT lease_owner, lease_epoch, lease_until FROM runs WHERE id = $1";
    RELEASE = "UPDATE runs SET lease_owner = NULL WHERE id = $1 AND lease_epoch = $2";
    NAMED = "SELECT owner, epoch, beat FROM leases WHERE name = $1";
    TAKE_NAMED = "INSERT INTO leases (name, owner, epoch, beat) VALUES ($1, $2, 1, 0)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = leases.epoch + 1, beat = leases.beat + 1
        WHERE leases.owner IS NULL OR (leases.epoch = $3 AND leases.beat = $4)
        RETURNING epoch";
    BEAT = "UPDATE leases SET beat = beat + 1 WHERE name = $1 AND epoch = $2 AND owner IS NOT NULL";
    GIVE_BACK = "UPDATE leases SET owner = NULL WHERE name = $1 AND epoch = $2";
}

/// A lease as somebody saw it: one that is seen the same again later had no beat meanwhile. No time is stored with
/// it, since no two machines have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who has it; `None` for nobody.
    pub owner: Option<String>,
    /// The number of takings.
    pub epoch: u64,
    /// Moved by its holder while it lives. Of a run it goes on from the time that older versions stored there.
    pub beat: u64,
}

impl Store {
    /// Takes the lease of a run that nobody has, that `owner` has already, or that still is as it was `seen`, whose
    /// holder the caller must know to be dead by then. The epoch grows with every taking, so that the writes of an
    /// earlier holder are refused.
    pub async fn acquire_lease(&self, run: &RunId, owner: &str, seen: Option<&Lease>) -> Result<Option<u64>> {
        let (epoch, beat) = (seen.map(|seen| seen.epoch), seen.map(|seen| seen.beat));
        let arguments = args![run.as_str(), owner, epoch, beat];
        let row = self
            .write_unseen(move |db| Box::pin(async move { db.row(ACQUIRE, arguments).await }))
            .await?;
        row.map(|row| row.count(0)).transpose()
    }

    /// Says that the holder lives and returns the run's version, which another process may have moved; `None`
    /// when the lease is no longer ours.
    pub async fn renew_lease(&self, run: &RunId, epoch: u64) -> Result<Option<u64>> {
        let arguments = args![run.as_str(), epoch];
        let row = self
            .write_unseen(move |db| Box::pin(async move { db.row(RENEW, arguments).await }))
            .await?;
        row.map(|row| row.count(0)).transpose()
    }

    /// Gives a lease back; nothing happens when it is no longer ours.
    pub async fn release_lease(&self, run: &RunId, epoch: u64) -> Result<()> {
        let arguments = args![run.as_str(), epoch];
        self.write_unseen(move |db| Box::pin(async move { db.execute(RELEASE, arguments).await }))
            .await?;
        Ok(())
    }
}

impl Store {
    /// Takes a named lease that nobody has, or that still is as it was `seen`, which the caller must know to be
    /// dead by then. Returns the new epoch.
    pub async fn take_named_lease(&self, name: &str, owner: &str, seen: Option<&Lease>) -> Result<Option<u64>> {
        let (epoch, beat) = (seen.map(|seen| seen.epoch), seen.map(|seen| seen.beat));
        let arguments = args![name, owner, epoch, beat];
        let row = self
            .write_unseen(move |db| Box::pin(async move { db.row(TAKE_NAMED, arguments).await }))
            .await?;
        row.map(|row| row.count(0)).transpose()
    }

    /// Says that the holder of this epoch lives; false when it is not the holder any more.
    pub async fn beat_named_lease(&self, name: &str, epoch: u64) -> Result<bool> {
        let arguments = args![name, epoch];
        let moved = self
            .write_unseen(move |db| Box::pin(async move { db.execute(BEAT, arguments).await }))
            .await?;
        Ok(moved == 1)
    }

    /// Gives a named lease back; nothing happens when it is no longer ours.
    pub async fn release_named_lease(&self, name: &str, epoch: u64) -> Result<()> {
        let arguments = args![name, epoch];
        self.write_unseen(move |db| Box::pin(async move { db.execute(GIVE_BACK, arguments).await }))
            .await?;
        Ok(())
    }
}

impl Reads {
    /// A named lease; `None` when nobody ever had it.
    pub async fn named_lease(&self, name: &str) -> Result<Option<Lease>> {
        let row = self.reader().await?.row(NAMED, args![name]).await?;
        row.map(|row| lease(&row)).transpose()
    }

    /// The lease of a run; `None` when there is no such run.
    pub async fn run_lease(&self, run: &RunId) -> Result<Option<Lease>> {
        let row = self.reader().await?.row(OF_RUN, args![run.as_str()]).await?;
        row.map(|row| lease(&row)).transpose()
    }
}

fn lease(row: &Row) -> Result<Lease> {
    Ok(Lease {
        owner: row.optional(0)?,
        epoch: row.count(1)?,
        beat: row.count(2)?,
    })
}
