//! What GitHub was told of a name at a commit: the newest check run, or that it is told statuses.

use crate::checks::shown_of;
use crate::connection::{Row, args};
use crate::error::Result;
use crate::outbox::put_item;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::report::{CheckTold, Conclusion, OutboxItem};

statements! {
    TOLD = "SELECT as_status, check_run_id, after_id, external_id, conclusion, made_at FROM check_runs
        WHERE repo = $1 AND commit_sha = $2 AND name = $3";
    PUT = "INSERT INTO check_runs (repo, commit_sha, name, as_status, check_run_id, after_id, external_id, conclusion, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (repo, commit_sha, name) DO UPDATE SET as_status = excluded.as_status,
            check_run_id = excluded.check_run_id, after_id = excluded.after_id, external_id = excluded.external_id,
            conclusion = excluded.conclusion, made_at = excluded.made_at";
    SEEN = "UPDATE check_runs SET made_at = $4 WHERE repo = $1 AND commit_sha = $2 AND name = $3";
    GROWN_OLD = "SELECT repo, commit_sha, name FROM check_runs
        WHERE made_at < $1 AND conclusion IS NULL AND as_status = FALSE ORDER BY made_at LIMIT $2";
}

/// As what a name at a commit is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToldAs {
    /// As check runs.
    CheckRun(CheckTold),
    /// As commit statuses.
    Status,
}

impl Reads {
    /// What GitHub was told of a name at a commit; `None` before anything was.
    pub async fn check_told(&self, repo: &RepoName, sha: &CommitSha, name: &str) -> Result<Option<ToldAs>> {
        let arguments = args![repo.to_string(), sha.as_str(), name];
        let row = self.reader().await?.row(TOLD, arguments).await?;
        row.as_ref().map(told).transpose()
    }
}

impl Store {
    /// Stores what GitHub was told of a name at a commit, or is about to be.
    pub async fn put_check_told(
        &self,
        repo: &RepoName,
        sha: &CommitSha,
        name: &str,
        told: &ToldAs,
        at: Micros,
    ) -> Result<()> {
        let (repo, sha) = (repo.to_string(), sha.as_str());
        let arguments = match told {
            ToldAs::Status => args![repo, sha, name, true, None::<i64>, 0_u64, "", None::<&str>, at],
            ToldAs::CheckRun(told) => args![
                repo,
                sha,
                name,
                false,
                told.id,
                told.after,
                &told.external_id,
                told.conclusion.map(Conclusion::as_str),
                told.made_at
            ],
        };
        self.write(move |db| Box::pin(async move { db.execute(PUT, arguments).await }))
            .await
            .map(drop)
    }

    /// Has GitHub told anew of check runs that are not over and were made before this time; answers how many.
    pub async fn renew_check_runs(&self, before: Micros, limit: u32, at: Micros) -> Result<usize> {
        self.write(move |db| {
            Box::pin(async move {
                let rows = db.rows(GROWN_OLD, args![before, limit]).await?;
                for row in &rows {
                    let (repo, sha): (RepoName, _) =
                        (row.word(0, "repository")?, CommitSha::new(row.get::<String>(1)?));
                    let name: String = row.get(2)?;
                    let shown = shown_of(db, &repo, &sha).await?;
                    match shown.into_iter().find(|shown| shown.status.context == name) {
                        Some(shown) => put_item(db, OutboxItem::status(&repo, &sha, shown), at).await?,
                        // Nobody asks any more; it takes no place from the others.
                        None => drop(
                            db.execute(SEEN, args![repo.to_string(), sha.as_str(), &name, at])
                                .await?,
                        ),
                    }
                }
                Ok(rows.len())
            })
        })
        .await
    }
}

fn told(row: &Row) -> Result<ToldAs> {
    if row.get(0)? {
        return Ok(ToldAs::Status);
    }
    Ok(ToldAs::CheckRun(CheckTold {
        id: row.optional::<i64>(1)?.and_then(|id| u64::try_from(id).ok()),
        after: row.count(2)?,
        external_id: row.get(3)?,
        conclusion: row.optional_word(4, "conclusion")?,
        made_at: row.micros(5)?,
    }))
}
