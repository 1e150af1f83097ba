//! Retention: old runs and the content that nothing kept needs go, in an order that a crash can cut
//! anywhere: marked in ML Metadata, bytes removed, marked as deleted.

use super::{Content, remove_folders};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::house::folders::Folders;
use crate::house::leases::Leases;
use crate::house::targets::Targets;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::ids::{DeliveryId, Micros, RunId};
use trainyard_core::plan::Plan;
use trainyard_core::registry::choose_baseline;
use trainyard_core::retention::{Facts, Policy, RunFacts, collectable, forgettable, horizon};
use trainyard_store::{Fate, Forgotten, Store, StoreError};

/// Records of runs that go in one transaction: each has some ten events.
const RUNS_AT_ONCE: usize = 20;

/// The service looks once at its start and then this often.
const DAILY: Duration = Duration::from_secs(24 * 3600);

/// What went, or would go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Runs whose logs and folders went.
    pub runs: Vec<RunId>,
    /// Artifacts whose bytes went.
    pub content: Vec<Digest>,
    /// Bytes of those artifacts.
    pub bytes: u64,
    /// Whether nothing was removed because only the answer was asked for.
    pub dry_run: bool,
    /// Whether a rule says which runs are kept; without one all logs and artifacts are.
    pub policy: bool,
    /// Runs whose records went; ML Metadata still knows them.
    pub records: Vec<RunId>,
    /// What came in long ago, and was needed by nothing.
    pub inbound: Forgotten,
}

/// Why not everything went; the next time goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The lock cannot be taken.
    #[error("the data folder cannot be written: {0}")]
    Lock(#[source] std::io::Error),
    /// Some bytes stayed.
    #[error("{path} cannot be removed: {source}; what is left goes the next time")]
    Remove {
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// This engine was stopped meanwhile, and another one of the same database collects now.
    #[error("another engine of this database collects now; what is left goes the next time")]
    TurnLost,
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What retention looks at and removes.
#[derive(Clone)]
pub(crate) struct Retention {
    pub(crate) store: Store,
    pub(crate) content: Content,
    pub(crate) folders: Folders,
    pub(crate) targets: Targets,
    pub(crate) policy: Policy,
    /// For one engine at a time, where several share a database.
    pub(crate) leases: Leases,
}

/// Expires at the start and daily until the task is dropped.
pub(crate) async fn run(retention: Retention) {
    loop {
        match retention.expire(false).await {
            Ok(gone) if gone.is_nothing() => {}
            Ok(gone) => tracing::info!(
                runs = gone.runs.len(),
                artifacts = gone.content.len(),
                bytes = gone.bytes,
                records = gone.records.len(),
                deliveries = gone.inbound.deliveries,
                events = gone.inbound.events,
                messages = gone.inbound.messages,
                "collected what the retention policy no longer keeps"
            ),
            Err(error) => tracing::warn!(%error, "retention was cut off and goes on tomorrow"),
        }
        sleep(DAILY).await;
    }
}

impl Collected {
    fn is_nothing(&self) -> bool {
        let nothing = Forgotten::default();
        self.content.is_empty() && self.runs.is_empty() && self.records.is_empty() && self.inbound == nothing
    }
}

impl Retention {
    /// Removes what the policy no longer keeps, or with `dry_run` only says what that is.
    pub(crate) async fn expire(&self, dry_run: bool) -> Result<Collected, RetentionError> {
        if !self.leases.are_needed() {
            return self.expire_now(dry_run).await;
        }
        let held = self.leases.hold("collect").await?;
        let ours = Self {
            store: held.fenced(&self.store),
            ..self.clone()
        };
        let gone = held.while_ours(Box::pin(ours.expire_now(dry_run))).await;
        gone.unwrap_or(Err(RetentionError::TurnLost))
    }

    async fn expire_now(&self, dry_run: bool) -> Result<Collected, RetentionError> {
        let mut gone = if self.policy.has_rule() {
            self.collect(dry_run).await?
        } else {
            Collected {
                dry_run,
                ..Collected::default()
            }
        };
        gone.records = self.forget_runs(dry_run).await?;
        if let Some(age) = self.policy.max_delivery_age {
            let before = horizon(age, now());
            gone.inbound = if dry_run {
                self.store.forgettable_inbound(before).await?
            } else {
                self.give_up(before).await?;
                passing(Effect::ForgetInbound, self.store.forget_inbound(before)).await?
            };
        }
        Ok(gone)
    }

    /// The records of old runs, with what they left in the folder.
    async fn forget_runs(&self, dry_run: bool) -> Result<Vec<RunId>, RetentionError> {
        let now = now();
        let old = match self.policy.max_record_age {
            Some(age) => self.store.has_runs_before(horizon(age, now)).await?,
            None => false,
        };
        if !old {
            return Ok(Vec::new());
        }
        let runs = self.store.recorded_runs().await?;
        let told = self.named(&runs).await?.1;
        let facts = Facts {
            runs,
            told,
            ..Facts::default()
        };
        let runs = forgettable(&facts, &self.policy, now);
        if !dry_run {
            for runs in runs.chunks(RUNS_AT_ONCE) {
                for run in runs {
                    self.remove_folders_of(run).await?;
                }
                passing(Effect::ForgetRuns, self.store.forget_runs(runs)).await?;
            }
        }
        Ok(runs)
    }

    /// Deliveries that could not be read for so long never will be.
    async fn give_up(&self, before: Micros) -> Result<(), StoreError> {
        for row in self.store.unreadable().iter().filter(|row| row.is_of_delivery()) {
            let outcome = format!("given up: {}", row.sentence());
            let id = DeliveryId::from(row.key.as_str());
            let given_up = self.store.give_up_delivery(&id, before, &outcome, now());
            passing(Effect::GiveUpDelivery, given_up).await?;
        }
        Ok(())
    }

    async fn collect(&self, dry_run: bool) -> Result<Collected, RetentionError> {
        let _alone = self.content.alone().await.map_err(RetentionError::Lock)?;
        let now = now();
        let stored = self.store.stored_content().await?;
        let gone = collectable(&self.facts(&stored).await?, &self.policy, now);
        let mut runs: Vec<RunId> = gone.runs;
        runs.retain(|run| self.left_by(run).iter().any(|folder| folder.exists()));
        let places: Vec<_> = gone.content.iter().map(|digest| self.content.place(digest)).collect();
        let bytes = trainyard_executors::apart(move || places.iter().map(|place| size(place)).sum());
        let collected = Collected {
            runs,
            content: gone.content,
            bytes: bytes.await.unwrap_or(0),
            dry_run,
            policy: true,
            ..Collected::default()
        };
        if !dry_run {
            self.remove(&collected, &stored, now).await?;
        }
        Ok(collected)
    }

    /// Marked, gone, deleted: in this order, which a crash can cut anywhere.
    async fn remove(
        &self,
        collected: &Collected,
        stored: &BTreeMap<Digest, bool>,
        now: Micros,
    ) -> Result<(), RetentionError> {
        // Marked before a crash, and needed again since.
        let wanted = |(digest, marked): (&Digest, &bool)| {
            (*marked && !collected.content.contains(digest) && self.content.contains(digest)).then(|| digest.clone())
        };
        let wanted: Vec<_> = stored.iter().filter_map(wanted).collect();
        self.mark(&wanted, Fate::Kept, now).await?;
        self.mark(&collected.content, Fate::Marked, now).await?;
        for digest in &collected.content {
            self.discard(digest).await?;
        }
        self.mark(&collected.content, Fate::Deleted, now).await?;
        for run in &collected.runs {
            self.remove_folders_of(run).await?;
        }
        Ok(())
    }

    async fn remove_folders_of(&self, run: &RunId) -> Result<(), RetentionError> {
        for folder in self.left_by(run) {
            let removed = remove_folders(vec![folder.clone()]).await;
            removed.map_err(|source| RetentionError::Remove { path: folder, source })?;
        }
        Ok(())
    }

    async fn mark(&self, content: &[Digest], fate: Fate, now: Micros) -> Result<(), StoreError> {
        passing(Effect::MarkContent, self.store.settle_content(content, fate, now)).await
    }

    /// What a run leaves beside its artifacts.
    fn left_by(&self, run: &RunId) -> [PathBuf; 3] {
        let folders = &self.folders;
        [folders.logs(run), folders.work(run), folders.checkout(run)]
    }

    async fn discard(&self, digest: &Digest) -> Result<(), RetentionError> {
        let removed = self.content.discard(digest).await;
        removed.map_err(|source| RetentionError::Remove {
            path: self.content.place(digest),
            source,
        })
    }

    async fn facts(&self, stored: &BTreeMap<Digest, bool>) -> Result<Facts, StoreError> {
        let mut runs = self.store.retention_runs().await?;
        // What a run that is not over holds may not be in ML Metadata yet.
        for run in runs.iter_mut().filter(|run| !run.over) {
            let loaded = self.store.load_run(&run.id).await?;
            let steps = loaded.steps.values();
            let artifacts = steps.flat_map(|step| step.inputs.values().chain(step.outputs.values()));
            let baseline = loaded.baseline.iter().flatten();
            run.uses
                .extend(artifacts.chain(baseline).map(|artifact| artifact.digest.clone()));
        }
        let (baselines, told) = self.named(&runs).await?;
        let mut protected = self.serving().await?;
        protected.extend(baselines);
        Ok(Facts {
            runs,
            told,
            protected,
            stored: stored.keys().cloned().collect(),
        })
    }

    /// The baselines of all pipelines, and the runs that a ledger names or that made one of these.
    async fn named(&self, runs: &[RunFacts]) -> Result<(BTreeSet<Digest>, BTreeSet<RunId>), StoreError> {
        let (mut baselines, mut told) = (BTreeSet::new(), self.store.runs_in_ledgers().await?);
        let known = self.store.every_pipeline().await?.into_iter();
        let mut plans: Vec<Plan> = known.map(|known| known.plan).collect();
        let recorded = runs.iter().filter(|run| run.recorded);
        let newest: BTreeMap<_, _> = recorded.map(|run| (&run.pipeline, &run.id)).collect();
        for run in newest.into_values() {
            plans.push(self.store.run_request(run).await?.plan);
        }
        for plan in &plans {
            for model in self.baselines(plan).await? {
                told.extend(model.name.split('/').next().map(RunId::from));
                baselines.insert(model.digest);
            }
        }
        Ok((baselines, told))
    }

    /// What serves, what a rollback goes to, what was pushed last, and what bears a name.
    async fn serving(&self) -> Result<BTreeSet<Digest>, StoreError> {
        let mut targets: BTreeSet<String> = self.targets.names().cloned().collect();
        targets.extend(self.store.promoted_targets().await?);
        // What may serve without the ledger knowing it yet.
        let open = self.store.open_intents().await?.into_iter();
        let mut protected: BTreeSet<_> = open.map(|intent| intent.entry.model.digest).collect();
        for target in targets {
            let ledger = self.store.ledger(&target).await?;
            let aliases = self.store.aliases(Some(&target)).await?;
            let named = aliases
                .iter()
                .filter_map(|alias| ledger.version(alias.version.as_deref()?));
            let entries = ledger.protected(self.policy.keep_versions).chain(named);
            protected.extend(entries.map(|entry| entry.model.digest.clone()));
        }
        Ok(protected)
    }

    /// What the next run of a plan is compared with, and what it would be without its push target.
    async fn baselines(&self, plan: &Plan) -> Result<Vec<ArtifactRef>, StoreError> {
        let facts = self.store.baseline_facts(plan).await?;
        // A name that does not exist protects nothing; the run says so.
        let named = choose_baseline(plan, &facts).ok().flatten();
        Ok(facts.latest_blessed.into_iter().chain(named).collect())
    }
}

/// Bytes of a file, or of all files below a folder; what cannot be read counts nothing.
fn size(place: &Path) -> u64 {
    let Ok(metadata) = place.symlink_metadata() else {
        return 0;
    };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}
