//! Branches and open pull requests, compared with what was seen of them.

use super::payload::{Whose, words};
use super::{Suspect, SweepError, Sweeper};
use crate::house::clock::{new_event_id, now, wall};
use crate::house::crash::{Effect, passing};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;
use trainyard_core::ids::{CommitSha, DeliveryId, RepoName};
use trainyard_core::inbound::{Compared, Heads, Missed, compare};
use trainyard_github::{GitHubError, PullNow, RepositoryNow};
use trainyard_store::{Baseline, KnownRepository, NewDelivery, SeenRepository};

/// A repository with more branches is not read to its end.
const ALL_BRANCHES: usize = 5000;

impl Sweeper {
    pub(super) async fn look_at_heads(&mut self, known: &KnownRepository) -> Result<(), SweepError> {
        let repo = &known.repo;
        // What people wait for comes first.
        if !self.github.can_spare(repo, None) {
            return Ok(());
        }
        let (branches, pulls) = match self.heads(repo).await {
            Ok(heads) => heads,
            // It is gone, renamed, or closed to us: its deliveries say so, and others go on.
            Err(
                GitHubError::NotFound { .. }
                | GitHubError::Unauthorized { .. }
                | GitHubError::Forbidden { .. }
                | GitHubError::Rejected { .. },
            ) => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let whole = branches.len() < ALL_BRANCHES;
        let there = Heads {
            branches: branches.into_iter().collect(),
            open: pulls.iter().map(|pull| (pull.number, at(pull))).collect(),
        };
        let seen = self.inbound.store.seen_repository(repo).await?;
        let SeenRepository {
            branches,
            open,
            numbers,
        } = seen;
        let seen = Heads { branches, open };
        let mut compared = compare(&seen, &there, known.swept.is_none());
        // One that was seen and closed is known, and may only be late in the list.
        if known.swept.is_none() {
            compared.old_pulls.retain(|number| !numbers.contains(number));
        }
        self.keep(known, &compared, &pulls, whole).await?;
        self.tell_all(known, compared.missed, &seen, &pulls).await
    }

    async fn heads(&self, repo: &RepoName) -> Result<(Vec<(String, CommitSha)>, Vec<PullNow>), GitHubError> {
        Ok((self.github.branches(repo).await?, self.github.open_pulls(repo).await?))
    }

    /// Notes what is no news.
    async fn keep(
        &self,
        known: &KnownRepository,
        compared: &Compared,
        pulls: &[PullNow],
        whole: bool,
    ) -> Result<(), SweepError> {
        let old = pulls.iter().filter(|pull| compared.old_pulls.contains(&pull.number));
        let baseline = Baseline {
            branches: compared.old_branches.clone(),
            pulls: old
                .map(|pull| {
                    let (head, base) = at(pull);
                    (pull.number, head, base)
                })
                .collect(),
            gone: if whole { compared.gone.clone() } else { Vec::new() },
        };
        if known.swept.is_some() && baseline == Baseline::default() {
            return Ok(());
        }
        let noted = self.inbound.store.swept(&known.repo, baseline, now());
        Ok(passing(Effect::NoteSweep, noted).await?)
    }

    /// Tells of what is missed for longer than a webhook is on its way, once.
    async fn tell_all(
        &mut self,
        known: &KnownRepository,
        missed: Vec<Missed>,
        seen: &Heads,
        pulls: &[PullNow],
    ) -> Result<(), SweepError> {
        let mut whose = None;
        for missed in missed {
            let key = format!("{} {missed:?}", known.repo);
            let (at, grace) = (Instant::now(), self.grace());
            let suspect = self.suspects.entry(key.clone()).or_insert(Suspect {
                since: at,
                told: false,
                seen: true,
            });
            suspect.seen = true;
            if suspect.told || at.duration_since(suspect.since) < grace {
                continue;
            }
            if whose.is_none() {
                whose = Some(self.github.repository(&known.repo).await?);
            }
            if let Some(now) = &whose {
                self.tell(known, now, &missed, seen, pulls).await?;
            }
            if let Some(suspect) = self.suspects.get_mut(&key) {
                suspect.told = true;
            }
        }
        Ok(())
    }

    async fn tell(
        &self,
        known: &KnownRepository,
        now_there: &RepositoryNow,
        missed: &Missed,
        seen: &Heads,
        pulls: &[PullNow],
    ) -> Result<(), SweepError> {
        let whose = Whose {
            now: now_there,
            installation: known.installation_id,
        };
        let (kind, body) = match missed {
            Missed::Push { branch, before, after } => ("push", whose.push(branch, before.as_ref(), after)),
            Missed::Closed(number) => {
                let Some((head, base)) = seen.open.get(number) else {
                    return Ok(());
                };
                match self.github.pull_request(&known.repo, *number).await {
                    Ok(now) if now.open => return Ok(()),
                    Ok(_) => {}
                    Err(GitHubError::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                let at = chrono::DateTime::from_timestamp_micros(wall().0)
                    .unwrap_or_default()
                    .to_rfc3339();
                ("pull_request", whose.closed(*number, head, base, &at))
            }
            Missed::Opened(number) | Missed::Retargeted(number) | Missed::Synchronize { number, .. } => {
                let Some(pull) = pulls.iter().find(|pull| pull.number == *number) else {
                    return Ok(());
                };
                ("pull_request", whose.pull(pull, missed))
            }
        };
        tracing::warn!(
            missed = words(&known.repo, missed),
            "no webhook told of it: the sweep does"
        );
        metrics::counter!("trainyard_missed_webhooks_total", "found" => kind).increment(1);
        self.deliver(kind, &body).await
    }

    async fn deliver(&self, kind: &str, body: &Value) -> Result<(), SweepError> {
        let headers = Map::from_iter([("found-by".to_owned(), Value::from("sweep"))]);
        let delivery = NewDelivery {
            id: DeliveryId::new(format!("sweep-{}", new_event_id())),
            origin: "github".to_owned(),
            kind: kind.to_owned(),
            received_at: now(),
            headers,
            body: Bytes::from(body.to_string()),
            digest: None,
            flagged: None,
        };
        passing(Effect::StoreDelivery, self.inbound.store.accept_delivery(&delivery)).await?;
        self.inbound.signals.ingest.notify_one();
        Ok(())
    }
}

fn at(pull: &PullNow) -> (CommitSha, String) {
    (pull.rest.head.sha.clone(), pull.rest.base.branch.clone())
}
