//! What a step published before: a memo for its next execution.

use super::cached::artifact_ref;
use crate::connection::args;
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::ids::{RepoName, RunId, StepName};

statements! {
    NEWEST = "SELECT a.id, a.name, t.name, a.uri, r.id
        FROM Type n JOIN Context c ON c.type_id = n.id JOIN Association l ON l.context_id = c.id
        JOIN Execution e ON e.id = l.execution_id
        JOIN runs r ON r.id = substr(e.name, 1, length(e.name) - length(CAST($2 AS TEXT)))
        JOIN Event v ON v.execution_id = e.id AND v.type = 4
        JOIN EventPath p ON p.event_id = v.id AND p.is_index_step = FALSE AND p.step_key = $3
        JOIN Artifact a ON a.id = v.artifact_id AND a.state = 2 JOIN Type t ON t.id = a.type_id
        WHERE n.name = 'node' AND n.type_kind = 2 AND c.name = $1 AND e.last_known_state = 3
            AND r.repo IS NOT DISTINCT FROM CAST($4 AS TEXT) AND r.pull_request IS NULL
        ORDER BY e.last_update_time_since_epoch DESC, e.id DESC LIMIT $5";
}

impl Reads {
    /// The newest LIVE artifacts, newest first and at most `limit`, that this step of this pipeline
    /// itself published as `output`, each with its run. Pull requests do not count: what strangers
    /// wrote reaches no other run.
    pub async fn published_outputs(
        &self,
        repo: Option<&RepoName>,
        pipeline: &str,
        step: &StepName,
        output: &str,
        limit: u32,
    ) -> Result<Vec<(RunId, ArtifactRef)>> {
        let (node, behind_run) = (format!("{pipeline}.{step}"), format!("/{step}"));
        let repo = repo.map(ToString::to_string);
        let mut db = self.reader().await?;
        let mut found = Vec::new();
        for row in db.rows(NEWEST, args![node, behind_run, output, repo, limit]).await? {
            if let Some(artifact) = artifact_ref(&mut db, &row).await? {
                found.push((RunId::new(row.get::<String>(4)?), artifact));
            }
        }
        Ok(found)
    }
}
