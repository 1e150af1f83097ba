//! Retention in ML Metadata: who uses which content, and the way from LIVE over MARKED_FOR_DELETION to
//! DELETED. External data is never ours to delete.

use super::names::milliseconds;
use super::nodes::{DELETED, LIVE, MARKED_FOR_DELETION};
use super::properties;
use crate::connection::{Connection, Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use trainyard_core::artifact::Digest;
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::retention::RunFacts;
use trainyard_core::run::RunState;

statements! {
    RUNS = "SELECT id, repo, pipeline, created_at, state FROM runs ORDER BY created_at, id";
    USES = "SELECT DISTINCT c.name, p.string_value
        FROM Type t JOIN Context c ON c.type_id = t.id JOIN Attribution b ON b.context_id = c.id
        JOIN ArtifactProperty p ON p.artifact_id = b.artifact_id AND p.name = 'digest' AND p.is_custom_property = TRUE
        WHERE t.name = 'pipeline_run' AND t.type_kind = 2";
    STORED = "SELECT p.string_value, MAX(a.state)
        FROM Artifact a JOIN Type t ON t.id = a.type_id
        JOIN ArtifactProperty p ON p.artifact_id = a.id AND p.name = 'digest' AND p.is_custom_property = TRUE
        WHERE a.state IN (2, 3) AND t.name <> 'ExternalData' GROUP BY p.string_value";
    OF_CONTENT = "SELECT a.id FROM ArtifactProperty p JOIN Artifact a ON a.id = p.artifact_id
        JOIN Type t ON t.id = a.type_id
        WHERE p.name = 'digest' AND p.is_custom_property = TRUE AND p.string_value = $1 AND a.state = $2
            AND t.name <> 'ExternalData'";
    SET_STATE = "UPDATE Artifact SET state = $2, last_update_time_since_epoch = $3 WHERE id = $1";
}

/// A step on content's way out, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// LIVE becomes MARKED_FOR_DELETION: no cache hit uses it any more, its bytes may go.
    Marked,
    /// MARKED_FOR_DELETION becomes DELETED: its bytes are gone. The row stays, lineage is whole.
    Deleted,
    /// MARKED_FOR_DELETION becomes LIVE: its bytes are there, and something needs them again.
    Kept,
}

impl Reads {
    /// All runs with the content that each made, reused or read, oldest first, and before them those whose records
    /// are gone. A run whose state cannot be read is not over: all it needs is kept.
    pub async fn retention_runs(&self) -> Result<Vec<RunFacts>> {
        let mut db = self.reader().await?;
        let mut uses: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
        for row in db.rows(USES, args![]).await? {
            if let Ok(digest) = Digest::parse(&row.get::<String>(1)?) {
                uses.entry(row.get(0)?).or_default().insert(digest);
            }
        }
        let mut runs = recorded(&mut db).await?;
        for run in &mut runs {
            run.uses = uses.remove(run.id.as_str()).unwrap_or_default();
        }
        let forgotten = uses.into_iter().map(|(id, uses)| RunFacts {
            id: RunId::new(id),
            pipeline: (None, String::new()),
            created_at: Micros(0),
            over: true,
            recorded: false,
            uses,
        });
        Ok(forgotten.chain(runs).collect())
    }

    /// All runs that are recorded, oldest first, without their content.
    pub async fn recorded_runs(&self) -> Result<Vec<RunFacts>> {
        recorded(&mut self.reader().await?).await
    }

    /// Content that is LIVE or MARKED_FOR_DELETION, with whether it is marked.
    pub async fn stored_content(&self) -> Result<BTreeMap<Digest, bool>> {
        let rows = self.reader().await?.rows(STORED, args![]).await?;
        let mut stored = BTreeMap::new();
        for row in rows {
            if let Ok(digest) = Digest::parse(&row.get::<String>(0)?) {
                stored.insert(digest, row.get::<i64>(1)? == MARKED_FOR_DELETION);
            }
        }
        Ok(stored)
    }
}

async fn recorded(db: &mut Connection) -> Result<Vec<RunFacts>> {
    let rows = db.rows(RUNS, args![]).await?;
    let run = |row: &Row| {
        Ok(RunFacts {
            id: RunId::new(row.get::<String>(0)?),
            pipeline: (row.optional(1)?, row.get(2)?),
            created_at: row.micros(3)?,
            over: row.word::<RunState>(4, "state").is_ok_and(RunState::is_final),
            recorded: true,
            uses: BTreeSet::new(),
        })
    };
    rows.iter().map(run).collect()
}

impl Store {
    /// Moves every artifact with this content one step; those in another state stay. Safe to repeat.
    pub async fn settle_content(&self, content: &[Digest], fate: Fate, at: Micros) -> Result<()> {
        let (from, to) = match fate {
            Fate::Marked => (LIVE, MARKED_FOR_DELETION),
            Fate::Deleted => (MARKED_FOR_DELETION, DELETED),
            Fate::Kept => (MARKED_FOR_DELETION, LIVE),
        };
        let content = content.to_vec();
        if content.is_empty() {
            return Ok(());
        }
        self.write(move |db| {
            Box::pin(async move {
                for digest in &content {
                    for row in db.rows(OF_CONTENT, args![digest.as_str(), from]).await? {
                        let id: i64 = row.get(0)?;
                        db.execute(SET_STATE, args![id, to, milliseconds(at)]).await?;
                        if fate == Fate::Deleted {
                            properties::mark_deleted(db, id).await?;
                        }
                    }
                }
                Ok(())
            })
        })
        .await
    }
}
