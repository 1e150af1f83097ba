//! Leases: one process works on a run at a time, and an old one cannot write after it lost its turn.

use crate::connection::args;
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::{Micros, RunId};

statements! {
    ACQUIRE = "UPDATE runs SET lease_epoch = lease_epoch + 1, lease_owner = $2, lease_until = $4
        WHERE id = $1 AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until <= $3)
        RETURNING lease_epoch";
    RENEW = "UPDATE runs SET lease_until = $3 WHERE id = $1 AND lease_epoch = $2 AND lease_owner IS NOT NULL
        RETURNING version";
    OWNER = "SELECT lease_owner FROM runs WHERE id = $1";
    TAKE_OVER = "UPDATE runs SET lease_epoch = lease_epoch + 1, lease_owner = $3, lease_until = $4
        WHERE id = $1 AND lease_owner = $2 RETURNING lease_epoch";
    RELEASE = "UPDATE runs SET lease_owner = NULL, lease_until = 0 WHERE id = $1 AND lease_epoch = $2";
    NAMED = "SELECT owner, epoch, beat FROM leases WHERE name = $1";
    TAKE_NAMED = "INSERT INTO leases (name, owner, epoch, beat) VALUES ($1, $2, 1, 0)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = leases.epoch + 1, beat = leases.beat + 1
        WHERE leases.owner IS NULL OR (leases.epoch = $3 AND leases.beat = $4)
        RETURNING epoch";
    BEAT = "UPDATE leases SET beat = beat + 1 WHERE name = $1 AND epoch = $2 AND owner IS NOT NULL";
    GIVE_BACK = "UPDATE leases SET owner = NULL WHERE name = $1 AND epoch = $2";
}

/// A named lease as somebody saw it: one that is seen the same again later had no beat meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLease {
    /// Who has it; `None` for nobody.
    pub owner: Option<String>,
    /// The number of takings.
    pub epoch: u64,
    /// Moved by its holder while it lives.
    pub beat: u64,
}

impl Store {
    /// Takes the lease of a run that nobody holds, that ran out, or that `owner` holds already. The
    /// epoch grows with every taking, so that the writes of an earlier holder are refused.
    pub async fn acquire_lease(&self, run: &RunId, owner: &str, now: Micros, until: Micros) -> Result<Option<u64>> {
        let arguments = args![run.as_str(), owner, now, until];
        let row = self
            .write_unseen(move |db| Box::pin(async move { db.row(ACQUIRE, arguments).await }))
            .await?;
        row.map(|row| row.count(0)).transpose()
    }

    /// Takes a lease from an owner who is known to be gone, before it runs out; `None` when somebody
    /// else has it by now.
    pub async fn take_over_lease(&self, run: &RunId, gone: &str, owner: &str, until: Micros) -> Result<Option<u64>> {
        let arguments = args![run.as_str(), gone, owner, until];
        let row = self
            .write_unseen(move |db| Box::pin(async move { db.row(TAKE_OVER, arguments).await }))
            .await?;
        row.map(|row| row.count(0)).transpose()
    }

    /// Prolongs a lease and returns the run's version, which another process may have moved; `None`
    /// when the lease is no longer ours.
    pub async fn renew_lease(&self, run: &RunId, epoch: u64, until: Micros) -> Result<Option<u64>> {
        let arguments = args![run.as_str(), epoch, until];
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
    pub async fn take_named_lease(&self, name: &str, owner: &str, seen: Option<&NamedLease>) -> Result<Option<u64>> {
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
    pub async fn named_lease(&self, name: &str) -> Result<Option<NamedLease>> {
        let row = self.reader().await?.row(NAMED, args![name]).await?;
        let lease = row.map(|row| {
            Ok(NamedLease {
                owner: row.optional(0)?,
                epoch: row.count(1)?,
                beat: row.count(2)?,
            })
        });
        lease.transpose()
    }

    /// Who holds, or last held, the lease of a run.
    pub async fn lease_owner(&self, run: &RunId) -> Result<Option<String>> {
        let row = self.reader().await?.row(OWNER, args![run.as_str()]).await?;
        Ok(row.map(|row| row.optional(0)).transpose()?.flatten())
    }
}
