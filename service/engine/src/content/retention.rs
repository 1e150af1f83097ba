//! Retention: old runs and the content that nothing kept needs go, in an order that a crash can cut
//! anywhere: marked in ML Metadata, bytes removed, marked as deleted.

use crate::content::artifacts::remove_tree;
use crate::engine::Engine;
use crate::house::context::Context;
use crate::registry::aliases;
use crate::registry::rollback::ledger;
use crate::serving::served;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use trainyard_core::artifact::Digest;
use trainyard_core::ids::RunId;
use trainyard_core::plan::Plan;
use trainyard_core::retention::{Facts, collectable};
use trainyard_core::spec::Baseline;
use trainyard_store::{Fate, PromotionAction, StoreError};

/// The service looks once at its start and then this often.
const DAILY: Duration = Duration::from_secs(24 * 3600);
/// Ledger entries read to find targets that the configuration does not name any more.
const LOOKED_AT: u32 = 10_000;

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
    /// Whether there is a policy at all; without one everything is kept.
    pub policy: bool,
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
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Collects at the start and daily until the task is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    loop {
        match collect(&context, false).await {
            Ok(gone) if gone.content.is_empty() && gone.runs.is_empty() => {}
            Ok(gone) => tracing::info!(
                runs = gone.runs.len(),
                artifacts = gone.content.len(),
                bytes = gone.bytes,
                "collected what the retention policy no longer keeps"
            ),
            Err(error) => tracing::warn!(%error, "retention was cut off and goes on tomorrow"),
        }
        sleep(DAILY).await;
    }
}

impl Engine {
    /// Removes what the policy no longer keeps, or with `dry_run` only says what that is.
    pub async fn collect_garbage(&self, dry_run: bool) -> Result<Collected, RetentionError> {
        collect(self.context(), dry_run).await
    }
}

async fn collect(context: &Context, dry_run: bool) -> Result<Collected, RetentionError> {
    let policy = &context.config.retention;
    if policy.max_age.is_none() && policy.keep_runs.is_none() {
        return Ok(Collected {
            dry_run,
            ..Collected::default()
        });
    }
    let _alone = context.collecting.alone().await.map_err(RetentionError::Lock)?;
    let now = context.now();
    let stored = context.store.stored_content().await?;
    let facts = facts(context, &stored).await?;
    let gone = collectable(&facts, policy, now);
    let mut runs: Vec<RunId> = gone.runs;
    runs.retain(|run| folders(context, run).iter().any(|folder| folder.exists()));
    let places: Vec<_> = gone
        .content
        .iter()
        .map(|digest| context.artifacts.path(digest))
        .collect();
    let bytes = tokio::task::spawn_blocking(move || places.iter().map(|place| size(place)).sum());
    let collected = Collected {
        runs,
        content: gone.content,
        bytes: bytes.await.unwrap_or(0),
        dry_run,
        policy: true,
    };
    if dry_run {
        return Ok(collected);
    }
    // Marked before a crash, and needed again since.
    let wanted = |(digest, marked): (&Digest, &bool)| {
        (*marked && !collected.content.contains(digest) && context.artifacts.contains(digest)).then(|| digest.clone())
    };
    let wanted: Vec<_> = stored.iter().filter_map(wanted).collect();
    context.store.settle_content(&wanted, Fate::Kept, now).await?;
    context
        .store
        .settle_content(&collected.content, Fate::Marked, now)
        .await?;
    for digest in &collected.content {
        remove(context, digest).await?;
    }
    context
        .store
        .settle_content(&collected.content, Fate::Deleted, now)
        .await?;
    for folder in collected.runs.iter().flat_map(|run| folders(context, run)) {
        let place = folder.clone();
        let removed = tokio::task::spawn_blocking(move || remove_tree(&place)).await;
        removed
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|source| RetentionError::Remove { path: folder, source })?;
    }
    Ok(collected)
}

/// What a run leaves beside its artifacts.
fn folders(context: &Context, run: &RunId) -> [PathBuf; 3] {
    let folders = &context.folders;
    [folders.logs(run), folders.work(run), folders.checkout(run)]
}

async fn remove(context: &Context, digest: &Digest) -> Result<(), RetentionError> {
    let (artifacts, content) = (context.artifacts.clone(), digest.clone());
    let removed = tokio::task::spawn_blocking(move || artifacts.discard(&content)).await;
    removed
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|source| RetentionError::Remove {
            path: context.artifacts.path(digest),
            source,
        })
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

async fn facts(context: &Context, stored: &BTreeMap<Digest, bool>) -> Result<Facts, StoreError> {
    let mut runs = context.store.retention_runs().await?;
    // What a run that is not over holds may not be in ML Metadata yet.
    for run in runs.iter_mut().filter(|run| !run.over) {
        let loaded = context.store.load_run(&run.id).await?;
        let steps = loaded.steps.values();
        let artifacts = steps.flat_map(|step| step.inputs.values().chain(step.outputs.values()));
        let baseline = loaded.baseline.iter().flatten();
        run.uses
            .extend(artifacts.chain(baseline).map(|artifact| artifact.digest.clone()));
    }
    let mut protected = serving(context).await?;
    let mut plans: Vec<Plan> = context
        .store
        .pipelines()
        .await?
        .into_iter()
        .map(|known| known.plan)
        .collect();
    let newest: BTreeMap<_, _> = runs.iter().map(|run| (&run.pipeline, &run.id)).collect();
    for run in newest.into_values() {
        plans.push(context.store.run_request(run).await?.plan);
    }
    for plan in &plans {
        protected.extend(baselines(context, plan).await?);
    }
    Ok(Facts {
        runs,
        protected,
        stored: stored.keys().cloned().collect(),
    })
}

/// What serves, what a rollback goes to, what was pushed last, and what bears a name.
async fn serving(context: &Context) -> Result<BTreeSet<Digest>, StoreError> {
    let mut targets: BTreeSet<String> = context.config.targets.keys().cloned().collect();
    let entries = context.store.promotions(None, LOOKED_AT).await?;
    targets.extend(entries.into_iter().map(|entry| entry.target));
    let mut protected = BTreeSet::new();
    for target in targets {
        let ledger = ledger(context, &target).await?;
        let keep = context.config.retention.keep_versions.max(1);
        let back = served(&ledger).into_iter().rev().take(keep);
        let pushed = ledger.iter().rfind(|entry| entry.action == PromotionAction::Push);
        protected.extend(back.chain(pushed).map(|entry| entry.model.digest.clone()));
        for alias in context.store.aliases(Some(&target)).await? {
            let named = ledger
                .iter()
                .filter(|entry| alias.version.as_ref() == Some(&entry.version));
            protected.extend(named.map(|entry| entry.model.digest.clone()));
        }
    }
    Ok(protected)
}

/// What the next run of a plan is compared with, and what it would be without its push target.
async fn baselines(context: &Context, plan: &Plan) -> Result<Vec<Digest>, StoreError> {
    let blessed = context.store.latest_blessed(&plan.pipeline).await?;
    let named = match plan.gate.as_ref().map(|planned| &planned.gate.baseline) {
        // A name that does not exist protects nothing; the run says so.
        Some(Baseline::Pinned(_) | Baseline::Alias(_)) => match aliases::baseline(context, plan).await {
            Ok(model) => model,
            Err(aliases::RegistryError::Refused(_)) => None,
            Err(aliases::RegistryError::Store(error)) => return Err(error),
        },
        _ => None,
    };
    Ok(blessed.into_iter().chain(named).map(|model| model.digest).collect())
}
