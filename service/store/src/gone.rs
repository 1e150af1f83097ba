//! Runs of what is gone: a pull request that was closed, a branch that was deleted.

use crate::connection::{Connection, args};
use crate::ends::ask_to_end;
use crate::error::Result;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::admission::Gone;
use trainyard_core::ids::{CommitSha, Micros, RepoName, RunId};
use trainyard_core::run::RunRequest;

statements! {
    AT_WORK = "SELECT r.id, q.request FROM runs r JOIN run_requests q ON q.run = r.id
        WHERE r.repo = $1 AND r.cancel_requested = FALSE AND r.state IN ('waiting_for_approval', 'queued', 'running')
        ORDER BY r.created_at, r.id";
    FORGET_BRANCH = "DELETE FROM branches WHERE repo = $1 AND branch = $2 AND head = $3";
}

impl Store {
    /// A branch is gone that was at this commit when it was seen last: what asks for nothing else ends with it. The runs
    /// whose end is asked for; none where the branch was seen elsewhere since.
    pub async fn branch_gone(&self, repo: &RepoName, branch: &str, head: &CommitSha, at: Micros) -> Result<Vec<RunId>> {
        let (repo, branch, head) = (repo.clone(), branch.to_owned(), head.clone());
        self.write(move |db| Box::pin(async move { forget_branch(db, &repo, &branch, &head, at).await }))
            .await
    }
}

/// See [`Store::branch_gone`].
pub(crate) async fn forget_branch(
    db: &mut Connection,
    repo: &RepoName,
    branch: &str,
    head: &CommitSha,
    at: Micros,
) -> Result<Vec<RunId>> {
    let forgotten = args![repo.to_string(), branch, head.as_str()];
    if db.execute(FORGET_BRANCH, forgotten).await? == 0 {
        return Ok(Vec::new());
    }
    end_with(db, repo, &Gone::Branch(branch.to_owned()), at).await
}

/// Asks for the end of the runs that end with it.
pub(crate) async fn end_with(db: &mut Connection, repo: &RepoName, gone: &Gone, at: Micros) -> Result<Vec<RunId>> {
    let mut ended = Vec::new();
    for row in db.rows(AT_WORK, args![repo.to_string()]).await? {
        // What cannot be read is said where it is to be run.
        let Ok(request) = row.stored::<RunRequest>(1, "content") else {
            continue;
        };
        let id = RunId::new(row.get::<String>(0)?);
        if gone.ends(&request) && ask_to_end(db, &id, gone.ended_by(), at).await? {
            ended.push(id);
        }
    }
    Ok(ended)
}
