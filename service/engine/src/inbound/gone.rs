//! A branch that was deleted: what runs for nothing else ends with it.

use super::patience::is_over;
use super::{Inbound, InterpretError, identity};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use trainyard_core::ids::Micros;
use trainyard_github::webhook::BranchGone;

/// What became of it, for people.
pub(crate) async fn branch(inbound: &Inbound, gone: &BranchGone, received: Micros) -> Result<String, InterpretError> {
    let repo = match identity::name_today(inbound, gone.repo_id, &gone.repo, gone.installation_id).await {
        Ok(repo) => repo,
        Err(InterpretError::Source(error)) if is_over(&error, received) => return Ok(error.to_string()),
        Err(error) => return Err(error),
    };
    let forgotten = inbound.store.branch_gone(&repo, &gone.branch, &gone.head, now());
    let ended = passing(Effect::ForgetBranch, forgotten).await?;
    inbound.signals.schedule.notify_one();
    let deleted = format!("branch {} was deleted", gone.branch);
    let ended: Vec<String> = ended.iter().map(ToString::to_string).collect();
    Ok(match ended.as_slice() {
        [] => deleted,
        [one] => format!("{deleted}, and run {one} ends with it"),
        many => format!("{deleted}, and runs {} end with it", many.join(", ")),
    })
}
