//! The end of a run, asked for from outside its worker.

use crate::connection::{Connection, args};
use crate::error::Result;
use crate::statement::statements;
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::run::RunEvent;
use trainyard_core::stored;

statements! {
    // Whoever waits for a person has no worker, and is given one to end it.
    REQUEST_CANCEL = "UPDATE runs SET version = version + 1, cancel_requested = TRUE,
            state = CASE WHEN state <> 'waiting_for_approval' THEN state WHEN started_at IS NULL THEN 'queued' ELSE 'running' END
        WHERE id = $1 AND state IN ('waiting_for_approval', 'queued', 'running') AND cancel_requested = FALSE
        RETURNING version";
    INSERT_EVENT = "INSERT INTO run_events (run, seq, at, event) VALUES ($1, $2, $3, $4)";
}

/// False when it is over, or was asked before.
pub(crate) async fn ask_to_end(db: &mut Connection, id: &RunId, by: &str, at: Micros) -> Result<bool> {
    let Some(row) = db.row(REQUEST_CANCEL, args![id.as_str()]).await? else {
        return Ok(false);
    };
    let event = RunEvent::CancelRequested { by: by.to_owned() };
    let arguments = args![id.as_str(), row.count(0)?, at, stored::write(&event)];
    db.execute(INSERT_EVENT, arguments).await?;
    Ok(true)
}
