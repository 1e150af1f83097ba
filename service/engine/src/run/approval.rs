//! Runs that wait for a person: the doors by which the word comes, and the loop that ends a wait without one.
//!
//! Who waits has no worker, no lock and no container: it is a row. Its time is counted while a service is there to hear
//! an answer, by the monotonic clock and in pieces, so that no setting of a clock ends a wait.

use crate::content::remove_folders;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::house::error::EffectError;
use crate::run::Runs;
use crate::run::effects::push;
use crate::run::leftovers;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use trainyard_core::ids::RunId;
use trainyard_core::notify;
use trainyard_core::registry::PushRefusal;
use trainyard_core::run::decide::{answered, kept_back};
use trainyard_core::run::{Answer, Awaited, NoWord, Person, Run, RunEvent, WaitingModel, Withheld, Word, superseding};
use trainyard_github::GitHubError;
use trainyard_store::{Append, MetadataWrite, RunSummary, StoreError};

/// Waits are counted this often.
const BEAT: Duration = Duration::from_secs(60);
/// No beat counts for more, whatever a clock says.
const LONGEST_BEAT: Duration = Duration::from_secs(2 * 60);
/// How long the loop waits after the store did not answer.
const AGAIN: Duration = Duration::from_secs(3);

/// A person's word that counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The run.
    pub run: RunId,
    /// `approve` or `reject`.
    pub answer: Answer,
    /// `fork` or `model`.
    pub what: &'static str,
    /// Who and why.
    #[serde(flatten)]
    pub word: Word,
}

/// Why a person's word does not count, or could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// It does not count.
    #[error("{}", .0.sentence())]
    NoWord(NoWord),
    /// What it depends on is not known now.
    #[error("{0}")]
    Unknown(String),
    /// The store does not work, or has no such run.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NoWord> for ApprovalError {
    fn from(no: NoWord) -> Self {
        Self::NoWord(no)
    }
}

/// Takes a person's word, as long as the run waits for it.
pub(crate) async fn say(
    runs: &Runs,
    id: &RunId,
    answer: Answer,
    person: &Person,
    why: &str,
) -> Result<Decided, ApprovalError> {
    // Whoever else moves the run meanwhile is heard by the version that is expected.
    loop {
        let run = runs.store.load_run(id).await?;
        let awaited = run.awaits().ok_or_else(|| not_waiting(&run))?;
        let word = person.word(&run.request, why)?;
        if answer == Answer::Approve {
            match &awaited {
                Awaited::Fork { .. } => still_asked(runs, &run).await?,
                Awaited::Model { target, .. } => may_serve(runs, &run, target).await?,
            }
        }
        let at = now();
        let events = answered(&run, answer, &word, at);
        if store(runs, &run, events).await? {
            let what = awaited.kind();
            tracing::info!(run = %id, by = word.by, reason = word.reason, what, ?answer, "a person decided");
            return Ok(Decided {
                run: id.clone(),
                answer,
                what,
                word,
            });
        }
    }
}

fn not_waiting(run: &Run) -> NoWord {
    NoWord::NotWaiting {
        run: run.request.id.clone(),
        state: run.state,
        summary: run.summary.clone(),
        given: run.approved.clone(),
    }
}

/// Whether the pull request is still open, with the commit and the base that the run was made for.
async fn still_asked(runs: &Runs, run: &Run) -> Result<(), ApprovalError> {
    let request = &run.request;
    let (Some(repo), Some(number), Some(commit)) = (&request.repo, request.pull_request, &request.commit) else {
        return Ok(());
    };
    let check = |open: bool, head: &trainyard_core::ids::CommitSha, base: &str| {
        if !open {
            return Err(NoWord::Closed { number });
        }
        if head != commit || Some(base) != request.base.as_deref() {
            return Err(NoWord::Moved {
                number,
                commit: commit.clone(),
                head: head.clone(),
                base: base.to_owned(),
            });
        }
        Ok(())
    };
    if let Some(seen) = runs.store.pull_request(repo, number).await? {
        check(seen.open, &seen.head, &seen.base)?;
    }
    // A push may be there of which no webhook told yet.
    let Some(github) = &runs.source.github else {
        return Ok(());
    };
    match github.pull_request(repo, number).await {
        Ok(pull) => Ok(check(pull.open, &pull.head_sha, &pull.base_branch)?),
        Err(error @ GitHubError::NotFound { .. }) => Err(ApprovalError::Unknown(error.to_string())),
        Err(error) => Err(ApprovalError::Unknown(format!(
            "GitHub does not say whether pull request #{number} of {repo} is still at {commit}, so that nothing was approved: {error}"
        ))),
    }
}

/// Whether the model may be pushed now: what its verdict compares it with serves, and nothing keeps it back.
async fn may_serve(runs: &Runs, run: &Run, target: &str) -> Result<(), ApprovalError> {
    let waiting = runs.store.waiting_models().await?;
    let own = waiting.iter().find(|model| model.run == run.request.id);
    if let Some(by) = own.and_then(|own| superseding(own, &waiting)) {
        return Err(NoWord::Superseded { by: by.clone() }.into());
    }
    if let Err(refusal) = refusal(runs, run, target).await? {
        return Err(NoWord::NotNow(refusal.sentence()).into());
    }
    Ok(())
}

async fn refusal(runs: &Runs, run: &Run, target: &str) -> Result<Result<(), PushRefusal>, ApprovalError> {
    let unknown = |error: EffectError| match error {
        EffectError::Again { reason, .. } | EffectError::Broken(reason) => ApprovalError::Unknown(reason),
    };
    if runs.registry.targets.get(target).is_err() {
        let (name, known) = (target.to_owned(), runs.registry.targets.known());
        return Ok(Err(PushRefusal::NoTarget { name, known }));
    }
    let turn = push::turn(&runs.registry, target).await.map_err(unknown)?;
    let decided = push::decided(&runs.registry, run, &turn, None).await.map_err(unknown)?;
    Ok(decided.map(drop))
}

/// Stores what follows, with all that is told of it; false when the run moved on meanwhile.
async fn store(runs: &Runs, run: &Run, events: Vec<RunEvent>) -> Result<bool, StoreError> {
    let at = now();
    let mut next = run.clone();
    for event in &events {
        next.apply(event, at);
    }
    let metadata: Vec<MetadataWrite> = events
        .iter()
        .find_map(|event| match event {
            RunEvent::PushWithheld { because } => Some(push::withheld(run, because.clone(), at).metadata),
            _ => None,
        })
        .unwrap_or_default();
    let append = Append {
        run: run.request.id.clone(),
        expected_version: run.version,
        lease: None,
        at,
        summary: RunSummary::of(&next, &events),
        metadata,
        outbox: runs.audience.of_change(run, &next),
        news: notify::of_change(run, &next, at),
        promotion: None,
        events: events.clone(),
    };
    let effects: Vec<_> = events.iter().map(|event| Effect::Event(event.kind())).collect();
    match passing(effects, runs.store.append(append)).await {
        Ok(_) => {
            runs.signals.report.notify_one();
            if next.state.is_final() {
                clear(runs, &next.request.id).await;
            }
            Ok(true)
        }
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Frees what a worker may have left that was killed as its run began to wait. Losing this to a crash is fine: the next
/// start does it.
async fn clear(runs: &Runs, id: &RunId) {
    leftovers::clear_run(runs, id).await;
    if let Err(error) = remove_folders(vec![runs.folders.checkout(id), runs.folders.work(id)]).await {
        tracing::debug!(run = %id, %error, "left for the collector");
    }
}

/// Ends the waits that nobody answers, until the task is dropped.
pub(crate) async fn run(runs: Arc<Runs>) {
    let mut changes = runs.store.changes();
    let mut counted = Instant::now();
    loop {
        let wake = match look(&runs, &mut counted).await {
            Ok(wake) => wake,
            Err(error) => {
                tracing::warn!(%error, "whoever waits for a person cannot be looked at now");
                Instant::now() + AGAIN
            }
        };
        tokio::select! {
            biased;
            _ = changes.next() => {}
            () = sleep_until(wake) => {}
        }
    }
}

/// Counts the time, ends what waited long enough or is overtaken, and says when to look again.
async fn look(runs: &Runs, counted: &mut Instant) -> Result<Instant, StoreError> {
    let waiting = runs.store.waiting_models().await?;
    if waiting.is_empty() {
        *counted = Instant::now();
        return Ok(Instant::now() + BEAT);
    }
    let soonest = waiting.iter().map(WaitingModel::left).min().unwrap_or(0);
    let beat = BEAT.min(Duration::from_micros(soonest));
    let gone = counted.elapsed();
    let waiting = if gone >= beat {
        passing(Effect::NoteWaited, runs.store.waited(gone.min(LONGEST_BEAT))).await?;
        *counted = Instant::now();
        runs.store.waiting_models().await?
    } else {
        waiting
    };
    for model in &waiting {
        if let Some(because) = over(runs, model, &waiting).await? {
            end(runs, &model.run, because).await?;
        }
    }
    let soonest = waiting.iter().map(WaitingModel::left).filter(|left| *left > 0).min();
    let wait = soonest.map_or(BEAT, |left| BEAT.min(Duration::from_micros(left)));
    Ok(*counted + wait)
}

/// Why a model waits no longer.
async fn over(runs: &Runs, model: &WaitingModel, waiting: &[WaitingModel]) -> Result<Option<Withheld>, StoreError> {
    if let Some(by) = superseding(model, waiting) {
        return Ok(Some(Withheld::Superseded { run: by.clone() }));
    }
    if model.left() == 0 {
        return Ok(Some(Withheld::Expired { seconds: model.seconds }));
    }
    let run = match runs.store.load_run(&model.run).await {
        Ok(run) => run,
        // One that cannot be read stops nobody else.
        Err(StoreError::NotFound(_) | StoreError::Unreadable(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let ledger = runs.store.ledger(&model.target).await?;
    Ok(trainyard_core::registry::outdated(&run, &ledger))
}

async fn end(runs: &Runs, id: &RunId, because: Withheld) -> Result<(), StoreError> {
    let run = runs.store.load_run(id).await?;
    if run.awaits().is_none() {
        return Ok(());
    }
    let sentence = because.sentence();
    if store(runs, &run, kept_back(&run, because)).await? {
        tracing::info!(run = %id, "an approved model waits no longer: {sentence}");
    }
    Ok(())
}
