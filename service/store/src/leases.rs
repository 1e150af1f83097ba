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

impl Reads {
    /// Who holds, or last held, the lease of a run.
    pub async fn lease_owner(&self, run: &RunId) -> Result<Option<String>> {
        let row = self.reader().await?.row(OWNER, args![run.as_str()]).await?;
        Ok(row.map(|row| row.optional(0)).transpose()?.flatten())
    }
}
