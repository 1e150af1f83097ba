//! The outbox: what GitHub and others must hear, told until they have heard it. Whoever fails to hear fails no run, and
//! keeps nobody else from hearing: messages of one lane follow each other, the most urgent first, and lanes go side by
//! side.

use super::Teller;
use super::channel_error::ChannelError;
use super::check::{CheckTeller, Refused, TellError};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use trainyard_core::ids::Micros;
use trainyard_core::report::{Message, OutboxItem, Outgoing, grows_old_before};
use trainyard_github::{GitHub, GitHubError};
use trainyard_store::{OutboxRow, StoreError};

/// The first wait after a failure; it doubles up to the longest.
const FIRST_WAIT_SECONDS: u64 = 5;
const LONGEST_WAIT_SECONDS: u64 = 600;
/// So many messages of a lane are told before its most urgent ones are looked for anew.
const AT_ONCE: u32 = 8;
/// What a channel beside GitHub has not taken after this time is of no use to anybody.
const OF_NO_USE: Duration = Duration::from_secs(24 * 3600);
/// The store is looked at this often even without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same where engines of other machines write messages.
const OTHERS: Duration = Duration::from_secs(2);
/// Check runs that grow old are looked for this often, and so many at once are told anew.
const LOOK_FOR_OLD: Duration = Duration::from_secs(3600);
const MOST_OLD: u32 = 50;

/// Tells until the task is dropped.
pub(crate) async fn run(teller: Teller) {
    let mut lanes = Lanes::default();
    let mut telling = FuturesUnordered::new();
    let mut looked: Option<Instant> = None;
    loop {
        if teller.github.as_ref().is_some_and(|github| github.is_app())
            && looked.is_none_or(|looked| looked.elapsed() >= LOOK_FOR_OLD)
        {
            looked = Some(Instant::now());
            let renewed = teller.store.renew_check_runs(grows_old_before(now()), MOST_OLD, now());
            if let Err(error) = passing(Effect::RenewChecks, renewed).await {
                tracing::error!(%error, "check runs that grow old cannot be told anew");
            }
        }
        if let Err(error) = teller.route().await {
            tracing::error!(%error, "news cannot be told");
        }
        let longest = if teller.store.is_shared() { OTHERS } else { LOOK_AGAIN };
        let wait = match lanes.begin(&teller, &mut telling).await {
            Ok(next) => next.map_or(longest, |next| next.min(longest)),
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                longest
            }
        };
        tokio::select! {
            biased;
            Some((speaker, told)) = telling.next() => lanes.end(speaker, told),
            () = teller.signals.report.notified() => {}
            () = sleep_until(Instant::now() + wait) => {}
        }
    }
}

/// Who is speaking, and who is quiet for a while.
#[derive(Default)]
struct Lanes {
    busy: HashSet<String>,
    held: HashMap<String, Instant>,
    refused: Refused,
}

/// The end of one telling.
type Told = (String, Result<Option<Duration>, StoreError>);
type Telling = FuturesUnordered<BoxFuture<'static, Told>>;

impl Lanes {
    /// Begins to tell in every lane that has something to tell and may; the time until there is more to do.
    async fn begin(&mut self, teller: &Teller, telling: &mut Telling) -> Result<Option<Duration>, StoreError> {
        let at = now();
        let mut waits = Vec::new();
        self.held.retain(|_, until| *until > Instant::now());
        for lane in teller.store.due_lanes(at).await? {
            let speaker = teller.speaker(&lane);
            if self.busy.contains(&speaker) {
                continue;
            }
            if let Some(until) = self.held.get(&speaker) {
                waits.push(until.saturating_duration_since(Instant::now()));
                continue;
            }
            let rows = teller.store.due_outbox(at, Some(&lane), AT_ONCE).await?;
            let Some(first) = rows.first() else {
                continue;
            };
            if let Some(wait) = teller.wait(&first.message) {
                waits.push(wait);
                continue;
            }
            self.busy.insert(speaker.clone());
            let (teller, refused) = (teller.clone(), self.refused.clone());
            telling.push(Box::pin(async move {
                let told = teller.settle_all(&refused, rows).await;
                (speaker, told)
            }));
        }
        if let Some(next) = teller.store.next_outbox(at).await? {
            waits.push(Duration::from_micros(
                u64::try_from(next.0.saturating_sub(now().0)).unwrap_or(0),
            ));
        }
        Ok(waits.into_iter().min())
    }

    fn end(&mut self, speaker: String, told: Result<Option<Duration>, StoreError>) {
        self.busy.remove(&speaker);
        let held = match told {
            Ok(held) => held,
            Err(error) => {
                tracing::error!(%error, "it cannot be stored what was told");
                Some(Duration::from_secs(FIRST_WAIT_SECONDS))
            }
        };
        if let Some(held) = held {
            self.held.insert(speaker, Instant::now() + held);
        }
    }
}

impl Teller {
    /// Whoever speaks has one voice: a token's is the same for all owners.
    fn speaker(&self, lane: &str) -> String {
        match &self.github {
            Some(github) if !github.is_app() && lane.starts_with("owner ") => "token".to_owned(),
            _ => lane.to_owned(),
        }
    }

    /// How long GitHub's limits keep a message back; `None` if they do not.
    fn wait(&self, message: &Outgoing) -> Option<Duration> {
        let (Outgoing::GitHub(item), Some(github)) = (message, &self.github) else {
            return None;
        };
        github.wait(&item.repo, item.installation_id, message.urgency())
    }

    /// Tells messages of one lane in their order, as far as the limits let it, and until one is not heard.
    async fn settle_all(&self, refused: &Refused, rows: Vec<OutboxRow>) -> Result<Option<Duration>, StoreError> {
        for row in rows {
            if self.wait(&row.message).is_some() {
                break;
            }
            if let Some(held) = self.settle(refused, row).await? {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    /// Tells one message, and stores what came of it. The time for which its lane is quiet, where it is.
    async fn settle(&self, refused: &Refused, row: OutboxRow) -> Result<Option<Duration>, StoreError> {
        let told = passing(Effect::Tell(row.message.kind()), self.speak(refused, &row.message)).await;
        let github = matches!(row.message, Outgoing::GitHub(_));
        let count = |outcome: &'static str| match github {
            true => metrics::counter!("trainyard_github_writes_total", "outcome" => outcome).increment(1),
            false => metrics::counter!("trainyard_notices_total", "outcome" => outcome).increment(1),
        };
        if let Some(of) = self.github.as_ref().filter(|_| github) {
            for (installation, left, _) in of.calls_left() {
                let installation = installation.map_or_else(String::new, |id| id.to_string());
                metrics::gauge!("trainyard_github_calls_left", "installation" => installation).set(left as f64);
            }
        }
        let error = match told {
            Ok(()) => {
                count("told");
                passing(Effect::ClearOutbox, self.store.outbox_done(row.id, row.generation)).await?;
                return Ok(None);
            }
            Err(TellError::Store(error)) => return Err(error),
            Err(error) => error,
        };
        let key = row.message.key();
        if let Outgoing::Notice(notice) = &row.message
            && now().0.saturating_sub(notice.news.at.0) > i64::try_from(OF_NO_USE.as_micros()).unwrap_or(i64::MAX)
        {
            count("given_up");
            tracing::error!(key, %error, "a notice is given up after a day");
            passing(Effect::ClearOutbox, self.store.outbox_done(row.id, row.generation)).await?;
            return Ok(None);
        }
        count("failed");
        let wait = wait_after(&error, row.attempts);
        tracing::warn!(key, %error, attempts = row.attempts + 1, "not told yet");
        let next = Micros(
            now()
                .0
                .saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)),
        );
        let reason = error.to_string();
        let delayed = self.store.outbox_failed(row.id, row.generation, next, &reason);
        passing(Effect::DelayOutbox, delayed).await?;
        // Whoever is not there for one message is not there for the next.
        let away = matches!(
            error,
            TellError::Channel(ChannelError::Unreachable { .. } | ChannelError::Busy { .. })
        );
        Ok(away.then_some(wait))
    }

    async fn speak(&self, refused: &Refused, message: &Outgoing) -> Result<(), TellError> {
        match (message, &self.github) {
            (Outgoing::Notice(notice), _) => Ok(self.channels.tell(notice).await?),
            (Outgoing::GitHub(item), Some(github)) => self.tell_github(github, refused, item).await,
            (Outgoing::GitHub(_), None) => Err(TellError::NoGitHub),
        }
    }

    async fn tell_github(&self, github: &GitHub, refused: &Refused, item: &OutboxItem) -> Result<(), TellError> {
        let (repo, installation) = (&item.repo, item.installation_id);
        match &item.message {
            Message::Status(told) => {
                let teller = CheckTeller {
                    store: &self.store,
                    github,
                    refused,
                };
                teller.tell(repo, installation, told).await
            }
            Message::Comment(told) => {
                let written = github.upsert_comment(repo, told.number, &told.marker, &told.body, installation);
                Ok(written.await.map(drop)?)
            }
        }
    }
}

/// When to try again: when it is asked for, else later and later.
fn wait_after(error: &TellError, attempts: u32) -> Duration {
    match error {
        TellError::GitHub(GitHubError::RateLimited { retry_after, .. }) => (*retry_after).max(Duration::from_secs(1)),
        TellError::Channel(ChannelError::Busy { wait, .. }) => *wait,
        TellError::NoGitHub => Duration::from_secs(LONGEST_WAIT_SECONDS),
        _ => {
            let factor = 2_u64.saturating_pow(attempts.min(20));
            Duration::from_secs(FIRST_WAIT_SECONDS.saturating_mul(factor).min(LONGEST_WAIT_SECONDS))
        }
    }
}
