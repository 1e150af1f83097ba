//! What is known of repositories, to be compared with what GitHub says of them.

use crate::connection::args;
use crate::error::Result;
use crate::gone::forget_branch;
use crate::reads::Reads;
use crate::statement::statements;
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use trainyard_core::ids::{CommitSha, Micros, RepoName};

statements! {
    REPOS = "SELECT b.repo, MIN(p.installation_id), MIN(s.at)
        FROM branches b LEFT JOIN pipelines p ON p.repo = b.repo LEFT JOIN sweeps s ON s.repo = b.repo
        GROUP BY b.repo ORDER BY b.repo";
    BRANCHES = "SELECT branch, head FROM branches WHERE repo = $1";
    OPEN = "SELECT number, head, base FROM pull_requests WHERE repo = $1 AND is_open = TRUE";
    NUMBERS = "SELECT number FROM pull_requests WHERE repo = $1";
    ADD_BRANCH = "INSERT INTO branches (repo, branch, head, at) VALUES ($1, $2, $3, $4) ON CONFLICT (repo, branch) DO NOTHING";
    ADD_PULL = "INSERT INTO pull_requests (repo, number, is_open, base, head, at) VALUES ($1, $2, TRUE, $3, $4, $5)
        ON CONFLICT (repo, number) DO NOTHING";
    SWEPT = "INSERT INTO sweeps (repo, at) VALUES ($1, $2) ON CONFLICT (repo) DO UPDATE SET at = excluded.at";
    ARRIVED = "SELECT id FROM deliveries WHERE id = $1";
}

/// A repository that told of itself before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRepository {
    /// Its name.
    pub repo: RepoName,
    /// The App installation to ask through.
    pub installation_id: Option<i64>,
    /// When it was first compared with what GitHub says; `None` before.
    pub swept: Option<Micros>,
}

/// What was seen of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenRepository {
    /// Where each branch was seen last.
    pub branches: BTreeMap<String, CommitSha>,
    /// Head and base of each pull request that is open as far as was seen.
    pub open: BTreeMap<u64, (CommitSha, String)>,
    /// Every pull request that was seen.
    pub numbers: BTreeSet<u64>,
}

/// What was there before anything was missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Branches with their heads.
    pub branches: Vec<(String, CommitSha)>,
    /// Open pull requests by number, head and base.
    pub pulls: Vec<(u64, CommitSha, String)>,
    /// Branches that are gone, with the heads that were seen.
    pub gone: Vec<(String, CommitSha)>,
}

impl Reads {
    /// Repositories of which something was seen.
    pub async fn known_repositories(&self) -> Result<Vec<KnownRepository>> {
        let rows = self.reader().await?.rows(REPOS, args![]).await?;
        // A name that cannot be read is asked of nobody.
        let known = rows.iter().filter_map(|row| {
            let name: String = row.get(0).ok()?;
            Some(KnownRepository {
                repo: RepoName::parse(&name).ok()?,
                installation_id: row.optional(1).ok()?,
                swept: row.optional(2).ok()?.map(Micros),
            })
        });
        Ok(known.collect())
    }

    /// What was seen of one.
    pub async fn seen_repository(&self, repo: &RepoName) -> Result<SeenRepository> {
        let mut db = self.reader().await?;
        let name = repo.to_string();
        let mut seen = SeenRepository::default();
        for row in db.rows(BRANCHES, args![&name]).await? {
            seen.branches.insert(row.get(0)?, CommitSha::new(row.get::<String>(1)?));
        }
        for row in db.rows(OPEN, args![&name]).await? {
            let at = (CommitSha::new(row.get::<String>(1)?), row.get(2)?);
            seen.open.insert(row.count(0)?, at);
        }
        for row in db.rows(NUMBERS, args![&name]).await? {
            seen.numbers.insert(row.count(0)?);
        }
        Ok(seen)
    }

    /// Whether a delivery with this id arrived.
    pub async fn has_delivery(&self, id: &str) -> Result<bool> {
        Ok(self.reader().await?.row(ARRIVED, args![id]).await?.is_some())
    }
}

impl Store {
    /// Notes that a repository was compared, with what is no news. What asks for nothing but a branch that is gone ends.
    pub async fn swept(&self, repo: &RepoName, baseline: Baseline, at: Micros) -> Result<()> {
        let (name, repo) = (repo.clone(), repo.to_string());
        self.write(move |db| {
            Box::pin(async move {
                for (branch, head) in &baseline.branches {
                    db.execute(ADD_BRANCH, args![&repo, branch, head.as_str(), at]).await?;
                }
                for (number, head, base) in &baseline.pulls {
                    db.execute(ADD_PULL, args![&repo, *number, base, head.as_str(), at])
                        .await?;
                }
                for (branch, head) in &baseline.gone {
                    forget_branch(db, &name, branch, head, at).await?;
                }
                db.execute(SWEPT, args![&repo, at]).await?;
                Ok(())
            })
        })
        .await
    }
}
