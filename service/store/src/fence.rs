//! What keeps the holder of a lease that was stopped, and lost it meanwhile, from storing what it saw before.

use crate::connection::{Connection, args};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    HOLD = "UPDATE leases SET beat = beat + 1 WHERE name = $1 AND epoch = $2 AND owner IS NOT NULL";
}

/// A named lease that must be ours when something is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) name: String,
    pub(crate) epoch: u64,
}

impl Fence {
    /// Refuses when the lease is another one's by now. It is moved: nobody can take it before this is stored.
    pub(crate) async fn hold(&self, db: &mut Connection) -> Result<()> {
        match db.execute(HOLD, args![&self.name, self.epoch]).await? {
            0 => Err(StoreError::Conflict(format!(
                "another engine took over the lease '{}' meanwhile, and nothing was stored: look again",
                self.name
            ))),
            _ => Ok(()),
        }
    }
}
