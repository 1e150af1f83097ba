//! Push targets that people froze: entries are added, never changed.

use crate::connection::{Row, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::Kind;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::registry::{NewTargetHold, TargetHold};

statements! {
    ADD = "INSERT INTO target_holds (target, held, actor, reason, at) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    NEWEST = "SELECT target, held, actor, reason, at FROM target_holds WHERE target = $1 ORDER BY id DESC LIMIT 1";
}

impl Store {
    /// Freezes a target or releases it, if that changes anything; else `Conflict`.
    pub async fn put_target_hold(&self, new: &NewTargetHold) -> Result<()> {
        let new = new.clone();
        self.write(move |db| {
            Box::pin(async move {
                let row = db.row(NEWEST, args![&new.target]).await?;
                let held = row.map(|row| row.get::<bool>(1)).transpose()?.unwrap_or(false);
                if held == new.held {
                    return Err(StoreError::Conflict(format!(
                        "the hold of target '{}' was changed by somebody else meanwhile: look again before changing it",
                        new.target
                    )));
                }
                let arguments = args![&new.target, new.held, &new.actor, new.reason.as_deref(), new.at];
                db.row(ADD, arguments).await?;
                Ok(())
            })
        })
        .await
    }
}

const HOLD: Kind = Kind {
    what: "hold of target",
    key: |row| row.get(0),
};

impl Reads {
    /// Who froze a target, if it is frozen. What cannot be read is an error: the target would seem free.
    pub async fn target_hold(&self, target: &str) -> Result<Option<TargetHold>> {
        let row = self.reader().await?.row(NEWEST, args![target]).await?;
        let Some(row) = row else { return Ok(None) };
        HOLD.strictly(&row, entry)
    }
}

fn entry(row: &Row) -> Result<Option<TargetHold>> {
    let hold = TargetHold {
        target: row.get(0)?,
        actor: row.get(2)?,
        reason: row.optional(3)?.unwrap_or_default(),
        at: row.micros(4)?,
    };
    Ok(row.get::<bool>(1)?.then_some(hold))
}
