//! The pipelines on the default branches, for data events and manual runs.

use crate::connection::{Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use crate::unreadable::Unreadable;
use trainyard_core::ids::{CommitSha, Micros, RepoName};
use trainyard_core::inbound::KnownPipeline;
use trainyard_core::plan::Plan;
use trainyard_core::stored;

statements! {
    DELETE = "DELETE FROM pipelines WHERE repo = $1";
    INSERT = "INSERT INTO pipelines (repo, name, installation_id, branch, commit_sha, folder, plan, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    LIST = "SELECT repo, installation_id, branch, commit_sha, name, folder, plan FROM pipelines ORDER BY repo, name";
    OF = "SELECT repo, installation_id, branch, commit_sha, name, folder, plan FROM pipelines WHERE repo = $1 ORDER BY name";
}

/// A pipeline to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPipeline {
    /// Its name.
    pub name: String,
    /// The folder of its file.
    pub folder: String,
    /// Ready to run, with the file's own parameters.
    pub plan: Plan,
}

impl Store {
    /// Replaces the pipelines of a repository.
    pub async fn put_pipelines(
        &self,
        repo: &RepoName,
        installation_id: Option<i64>,
        branch: &str,
        commit: &CommitSha,
        pipelines: &[NewPipeline],
        at: Micros,
    ) -> Result<()> {
        let (repo, branch, commit, pipelines) =
            (repo.to_string(), branch.to_owned(), commit.clone(), pipelines.to_vec());
        self.write(move |db| {
            Box::pin(async move {
                db.execute(DELETE, args![&repo]).await?;
                for new in &pipelines {
                    let arguments = args![
                        &repo,
                        &new.name,
                        installation_id,
                        &branch,
                        commit.as_str(),
                        &new.folder,
                        stored::write(&new.plan),
                        at
                    ];
                    db.execute(INSERT, arguments).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

const PIPELINE: Kind = Kind {
    what: "pipeline",
    key: |row| Ok(format!("{} {}", row.get::<String>(0)?, row.get::<String>(4)?)),
};

impl Reads {
    /// All pipelines, by repository and name.
    pub async fn pipelines(&self) -> Result<Vec<KnownPipeline>> {
        let rows = self.reader().await?.rows(LIST, args![]).await?;
        Ok(self.readable(PIPELINE, Extent::Whole, &rows, known))
    }

    /// Those of one repository, by name.
    pub async fn pipelines_of(&self, repo: &RepoName) -> Result<Vec<KnownPipeline>> {
        let rows = self.reader().await?.rows(OF, args![repo.to_string()]).await?;
        Ok(self.readable(PIPELINE, Extent::Part, &rows, known))
    }

    /// Those that [`Reads::pipelines`] left out when it was last asked.
    pub fn unreadable_pipelines(&self) -> Vec<Unreadable> {
        let all = self.unreadable().into_iter();
        all.filter(|row| row.what == PIPELINE.what).collect()
    }

    /// Whether the row of this pipeline was left out then; of a folder of this machine there is none.
    pub fn is_unreadable_pipeline(&self, repo: Option<&RepoName>, name: &str) -> bool {
        let key = repo.map(|repo| format!("{repo} {name}"));
        key.is_some_and(|key| self.set_aside().find(PIPELINE.what, &key).is_some())
    }

    /// The same for who must not overlook one: a pipeline that cannot be read is an error.
    pub async fn every_pipeline(&self) -> Result<Vec<KnownPipeline>> {
        let rows = self.reader().await?.rows(LIST, args![]).await?;
        rows.iter().map(|row| PIPELINE.strictly(row, known)).collect()
    }
}

fn known(row: &Row) -> Result<KnownPipeline> {
    Ok(KnownPipeline {
        repo: row.word(0, "repository")?,
        installation_id: row.optional(1)?,
        branch: row.get(2)?,
        commit: CommitSha::new(row.get::<String>(3)?),
        name: row.get(4)?,
        folder: row.get(5)?,
        plan: row.stored(6, "plan")?,
    })
}
