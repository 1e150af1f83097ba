//! Pull requests that are open again: what waited for a person was voided, and waits anew; what ended with the closing is
//! asked anew.

use crate::checks::tell;
use crate::connection::{Arg, Connection, args};
use crate::error::Result;
use crate::statement::statements;
use trainyard_core::admission::Gone;
use trainyard_core::event::{Event, PullRequestAction};
use trainyard_core::ids::Micros;
use trainyard_core::inbound::Consequence;
use trainyard_core::report::Telling;
use trainyard_core::run::RunRequest;

statements! {
    ASKS = "SELECT 1 FROM pull_requests WHERE repo = $1 AND number = $2 AND head = $3 AND base = $4 AND is_open = TRUE";
    ASKED_BEFORE = "SELECT 1 FROM runs r JOIN approvals a ON a.run = r.id
        WHERE r.repo = $1 AND r.pull_request = $2 AND r.pipeline = $3 AND r.commit_sha = $4 AND a.base = $5
            AND a.kind = 'fork' AND r.cancel_requested = FALSE LIMIT 1";
    ANSWERED = "SELECT q.request FROM runs r JOIN run_requests q ON q.run = r.id
        WHERE r.repo = $1 AND r.pull_request = $2 AND r.pipeline = $3 AND r.commit_sha = $4 AND r.cancel_requested = FALSE";
}

/// Of an event that was seen before, the runs that are asked for anew, because what was asked then was voided or ended: a
/// pull request that was closed and is open again.
pub(crate) async fn asked_anew<'a>(
    db: &mut Connection,
    event: &Event,
    consequences: &'a [Consequence],
) -> Result<Vec<&'a RunRequest>> {
    let mut anew = Vec::new();
    for consequence in consequences {
        let Consequence::Start(request) = consequence else {
            continue;
        };
        let (Some(repo), Some(commit)) = (&request.repo, &request.commit) else {
            continue;
        };
        let (repo, base) = (repo.to_string(), request.base.as_deref().unwrap_or_default());
        let asks = args![&repo, request.pull_request, commit.as_str(), base];
        let before = args![
            &repo,
            request.pull_request,
            &request.plan.pipeline,
            commit.as_str(),
            base
        ];
        if db.row(ASKS, asks).await?.is_none() {
            continue;
        }
        let before = match (&request.fork, request.pull_request) {
            (Some(_), _) => db.row(ASKED_BEFORE, before).await?.is_some(),
            (None, Some(number)) if opens(event) && Gone::PullRequest(number).ends(request) => {
                is_answered(db, request, &before[..4]).await?
            }
            (None, _) => true,
        };
        if !before {
            anew.push(request.as_ref());
        }
    }
    Ok(anew)
}

fn opens(event: &Event) -> bool {
    use PullRequestAction::{Opened, Reopened};
    matches!(event, Event::PullRequest(pull) if matches!(pull.action, Opened | Reopened))
}

/// Whether a run answers this, or did; not one whose end was asked for.
async fn is_answered(db: &mut Connection, request: &RunRequest, of: &[Arg]) -> Result<bool> {
    for row in db.rows(ANSWERED, of.to_vec()).await? {
        if row.stored::<RunRequest>(0, "content")?.base == request.base {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is told of these runs.
pub(crate) async fn tell_of(
    db: &mut Connection,
    runs: &[&RunRequest],
    consequences: &[Consequence],
    at: Micros,
) -> Result<()> {
    let of_them = |telling: &Telling| {
        let run = match telling {
            Telling::Answer(answer) => answer.asked.as_str(),
            Telling::Comment(remark) => remark.run.as_str(),
        };
        runs.iter().any(|request| request.id.as_str() == run)
    };
    for consequence in consequences {
        if let Consequence::Tell(telling) = consequence
            && of_them(telling)
        {
            tell(db, telling, at).await?;
        }
    }
    Ok(())
}
