//! The outbox: what GitHub must hear, told until it has heard it. A failing GitHub fails no run.

use super::check::{CheckTeller, Refused, TellError};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::house::signals::Signals;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use trainyard_core::ids::Micros;
use trainyard_core::report::{Message, OutboxItem, grows_old_before};
use trainyard_github::{GitHub, GitHubError};
use trainyard_store::{Store, StoreError};

/// Messages taken in one go.
const BATCH: u32 = 20;
/// GitHub asks for a second between writes.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);
/// The first wait after a failure; it doubles up to the longest.
const FIRST_WAIT_SECONDS: u64 = 5;
const LONGEST_WAIT_SECONDS: u64 = 600;
/// The store is looked at this often even without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same where engines of other machines write messages.
const OTHERS: Duration = Duration::from_secs(2);
/// Check runs that grow old are looked for this often, and so many at once are told anew.
const LOOK_FOR_OLD: Duration = Duration::from_secs(3600);
const MOST_OLD: u32 = 50;

/// Tells GitHub until the task is dropped.
pub(crate) async fn run(store: Store, github: Arc<GitHub>, signals: Arc<Signals>) {
    let mut told = Told::default();
    let mut looked: Option<Instant> = None;
    loop {
        if github.is_app() && looked.is_none_or(|looked| looked.elapsed() >= LOOK_FOR_OLD) {
            looked = Some(Instant::now());
            let renewed = store.renew_check_runs(grows_old_before(now()), MOST_OLD, now());
            if let Err(error) = passing(Effect::RenewChecks, renewed).await {
                tracing::error!(%error, "check runs that grow old cannot be told anew");
            }
        }
        let next = match flush(&store, &github, &mut told).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                None
            }
        };
        let longest = if store.is_shared() { OTHERS } else { LOOK_AGAIN };
        let wait = next.map_or(longest, |at| {
            let micros = u64::try_from(at.0.saturating_sub(now().0)).unwrap_or(0);
            Duration::from_micros(micros).min(longest)
        });
        tokio::select! {
            biased;
            () = signals.report.notified() => {}
            () = sleep_until(Instant::now() + wait) => {}
        }
    }
}

/// What is remembered of what was told.
#[derive(Default)]
struct Told {
    last_write: Option<Instant>,
    refused: Refused,
}

async fn flush(store: &Store, github: &GitHub, told: &mut Told) -> Result<Option<Micros>, StoreError> {
    for row in store.due_outbox(now(), BATCH).await? {
        if let Some(last) = told.last_write {
            sleep_until(last + BETWEEN_WRITES).await;
        }
        let answer = passing(
            Effect::Tell(row.item.message.kind()),
            tell(store, github, &told.refused, &row.item),
        )
        .await;
        told.last_write = Some(Instant::now());
        match answer {
            Ok(()) => {
                metrics::counter!("trainyard_github_writes_total", "outcome" => "told").increment(1);
                passing(Effect::ClearOutbox, store.outbox_done(row.id, row.generation)).await?;
            }
            Err(TellError::Store(error)) => return Err(error),
            Err(TellError::GitHub(error)) => {
                metrics::counter!("trainyard_github_writes_total", "outcome" => "failed").increment(1);
                let next = next_attempt(&error, row.attempts, now());
                tracing::warn!(key = row.item.key(), %error, attempts = row.attempts + 1, "GitHub was not told yet");
                let reason = error.to_string();
                let delayed = store.outbox_failed(row.id, row.generation, next, &reason);
                passing(Effect::DelayOutbox, delayed).await?;
            }
        }
    }
    store.next_outbox().await
}

async fn tell(store: &Store, github: &GitHub, refused: &Refused, item: &OutboxItem) -> Result<(), TellError> {
    let (repo, installation) = (&item.repo, item.installation_id);
    match &item.message {
        Message::Status(told) => {
            let teller = CheckTeller { store, github, refused };
            teller.tell(repo, installation, told).await
        }
        Message::Comment(told) => {
            let written = github.upsert_comment(repo, told.number, &told.marker, &told.body, installation);
            Ok(written.await.map(drop)?)
        }
    }
}

/// When to try again: when GitHub says so, else later and later.
fn next_attempt(error: &GitHubError, attempts: u32, now: Micros) -> Micros {
    if let GitHubError::RateLimited { retry_after, .. } = error {
        return now.plus_seconds(retry_after.as_secs().max(1));
    }
    let factor = 2_u64.saturating_pow(attempts.min(20));
    now.plus_seconds((FIRST_WAIT_SECONDS * factor).min(LONGEST_WAIT_SECONDS))
}
