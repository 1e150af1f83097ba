//! The loop: what is open is done in lanes, one for each repository, so that no repository waits for another.

use super::{AskError, Asks, Done, answer, seconds};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::InterpretError;
use crate::inbound::identity::name_today;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use trainyard_core::command::Through;
use trainyard_core::dispatch::PullNow;
use trainyard_core::event::PullRequest;
use trainyard_core::ids::Micros;
use trainyard_core::inbound::{Failure, Lanes, TurnEnd};
use trainyard_core::report::{Answering, escape, refusal_marker};
use trainyard_github::{GitHubError, Standing};
use trainyard_store::{AskRow, AskStep, StoreError};

/// Read in one go.
const BATCH: u32 = 100;
/// Repositories at once.
const AT_ONCE: usize = 8;
/// The store is looked at this often even without a signal.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same where engines of other machines take deliveries.
const OTHERS: Duration = Duration::from_secs(2);
/// The wait after the database did not answer.
const AGAIN: Duration = Duration::from_secs(1);
/// What could not be done for so long is given up: a person has asked again by then.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Does what is asked until the task is dropped.
pub(crate) async fn run(asks: Asks) {
    let began = Instant::now();
    let mut lanes: Lanes<i64> = Lanes::new(AT_ONCE);
    let mut turns: JoinSet<(i64, TurnEnd)> = JoinSet::new();
    loop {
        let mut wake = Instant::now()
            + if asks.runs.store.is_shared() {
                OTHERS
            } else {
                LOOK_AGAIN
            };
        match join(&asks, &mut lanes, began.elapsed()).await {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, "what people ask for cannot be read");
                wake = Instant::now() + AGAIN;
            }
        }
        while let Some((repo, numbers)) = lanes.next(began.elapsed()) {
            let asks = asks.clone();
            turns.spawn(async move {
                let end = turn(&asks, &numbers).await;
                (repo, end)
            });
        }
        if turns.len() < AT_ONCE
            && let Some(ready) = lanes.wake()
        {
            wake = wake.min((began + ready).max(Instant::now() + Duration::from_millis(1)));
        }
        tokio::select! {
            biased;
            Some(ended) = turns.join_next() => if let Ok((repo, end)) = ended {
                lanes.end(&repo, &end, began.elapsed());
            },
            () = asks.runs.signals.asks.notified() => {}
            () = sleep_until(wake) => {}
        }
    }
}

/// What is open joins its lane.
async fn join(asks: &Asks, lanes: &mut Lanes<i64>, at: Duration) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let open = asks.runs.store.open_asks(after, BATCH).await?;
        let Some((last, _)) = open.last() else { return Ok(()) };
        after = *last;
        for (number, repo) in open {
            lanes.join(repo, number, at);
        }
    }
}

async fn turn(asks: &Asks, numbers: &[u64]) -> TurnEnd {
    for (place, number) in numbers.iter().enumerate() {
        let done = AssertUnwindSafe(Box::pin(asks.forward(*number))).catch_unwind().await;
        let failure = match done {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => {
                tracing::warn!(number, %error, "what somebody asked for on GitHub waits");
                let why = error.to_string();
                let noted = asks.runs.store.ask_waits(*number, &why);
                if let Err(error) = passing(Effect::NoteAsk, noted).await {
                    tracing::debug!(%error, "why a request waits is not noted");
                }
                match error.is_outage() {
                    true => Failure::Outage,
                    false => Failure::Own,
                }
            }
            // One poisonous request must not stop the others.
            Err(_) => Failure::Own,
        };
        return TurnEnd {
            left: numbers[place..].to_vec(),
            failure: Some(failure),
            reached: place > 0,
        };
    }
    TurnEnd {
        left: Vec::new(),
        failure: None,
        reached: !numbers.is_empty(),
    }
}

impl Asks {
    /// Does one request to its end, command by command.
    async fn forward(&self, number: u64) -> Result<(), AskError> {
        loop {
            let row = match self.runs.store.open_ask(number).await {
                // The store has said so; nobody waits for it.
                Ok(None) | Err(StoreError::Unreadable(_)) => return Ok(()),
                Ok(Some(row)) => self.named(row).await?,
                Err(error) => return Err(error.into()),
            };
            let over = match self.one(&row).await {
                Ok(step) => self.store_step(step).await?,
                Err(error) if is_over(&row) => {
                    let sentence = format!("given up after a day: {error}");
                    self.store_step(ended(&row, sentence, true)).await?
                }
                Err(error) => return Err(error),
            };
            if over {
                return Ok(());
            }
        }
    }

    /// With its repository's name of today.
    async fn named(&self, mut row: AskRow) -> Result<AskRow, AskError> {
        let asked = &mut row.ask.asked;
        let today = name_today(&self.inbound, asked.repo_id, &asked.repo, asked.installation_id).await;
        asked.repo = today.map_err(|error| match error {
            InterpretError::Store(error) => AskError::Store(error),
            InterpretError::Source(error) => AskError::Source(error),
        })?;
        Ok(row)
    }

    /// Whether it is done now.
    async fn store_step(&self, step: AskStep) -> Result<bool, AskError> {
        let (number, done) = (step.number, step.done.clone());
        match passing(Effect::StepAsk, self.runs.store.step_ask(step)).await {
            Ok(settled) => {
                let runs = settled.runs.len();
                tracing::info!(number, runs, done, "a request from GitHub was brought forward");
            }
            // Another engine was faster: what it left is looked at anew.
            Err(StoreError::Conflict(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.runs.signals.report.notify_one();
        Ok(done.is_some())
    }

    /// The next step of a request.
    async fn one(&self, row: &AskRow) -> Result<AskStep, AskError> {
        let asked = &row.ask.asked;
        let standing = self
            .github
            .standing(&asked.repo, &asked.person, asked.installation_id)
            .await?;
        if standing != Standing::Writes {
            return Ok(refused(row, &standing));
        }
        let Through::Comment {
            comment,
            pull_request,
            at,
            commands,
            left_out,
        } = &asked.through
        else {
            let done = self.button(row).await?;
            let said = done.said.clone();
            let mut step = ended(row, format!("{}: {said}", asked.sentence()), done.refused);
            step.follows = done.follows;
            return Ok(step);
        };
        let (number, place) = (*pull_request, row.ask.said.len());
        let Some(line) = commands.get(place) else {
            return Ok(ended(row, asked.sentence(), false));
        };
        let now_there = self
            .github
            .pull_request_now(&asked.repo, number, asked.installation_id)
            .await;
        let (pull, open) = match now_there {
            Ok(found) => found,
            Err(GitHubError::NotFound { .. }) => {
                let gone = format!("{}: there is no such pull request any more", asked.sentence());
                return Ok(ended(row, gone, false));
            }
            Err(error) => return Err(error.into()),
        };
        let facts = PullNow {
            number,
            open,
            head: pull.head_sha.clone(),
            moved: self.has_moved(row, &pull, *at).await?,
        };
        let done: Done = self.command(row, line, &pull, &facts).await?;
        let mut ask = row.ask.clone();
        ask.said.push(done.said);
        let last = ask.said.len() >= commands.len();
        let answering = Answering {
            comment: *comment,
            login: &asked.person.login,
            commands,
            left_out: *left_out,
            said: &ask.said,
        };
        let told = answer(
            &asked.repo,
            asked.installation_id,
            (number, answering.marker(), answering.body()),
        );
        let outcome = || format!("{}: {}", asked.sentence(), ask.said.join("; "));
        Ok(AskStep {
            done: last.then(outcome),
            follows: done.follows,
            told: vec![told],
            ask,
            ..ended(row, String::new(), false)
        })
    }

    /// Whether the pull request may have had another head when the comment was written.
    async fn has_moved(&self, row: &AskRow, pull: &PullRequest, at: Option<Micros>) -> Result<bool, StoreError> {
        if row.ask.head.as_ref().is_some_and(|head| *head != pull.head_sha) {
            return Ok(true);
        }
        // A comment that came late, or by another way than the commits.
        let seen = self.runs.store.pull_request(&pull.repo, pull.number).await?;
        let later =
            |seen: &trainyard_core::report::PullRequestSeen| at.is_some_and(|at| seconds(seen.at) > seconds(at));
        Ok(seen.is_some_and(|seen| seen.head != pull.head_sha || later(&seen)))
    }
}

fn is_over(row: &AskRow) -> bool {
    let age = Duration::from_micros(u64::try_from(now().0.saturating_sub(row.at.0)).unwrap_or(0));
    age >= PATIENCE
}

/// The end of a request.
fn ended(row: &AskRow, sentence: String, again: bool) -> AskStep {
    AskStep {
        number: row.number,
        steps: row.steps,
        event: row.event.clone(),
        delivery: row.delivery.clone(),
        ask: row.ask.clone(),
        follows: Vec::new(),
        told: Vec::new(),
        done: Some(sentence),
        again,
        at: now(),
    }
}

/// Who may not is told so once in a pull request, however often he asks, and nothing else happens.
fn refused(row: &AskRow, standing: &Standing) -> AskStep {
    let asked = &row.ask.asked;
    let login = &asked.person.login;
    let why = match standing {
        Standing::Less { role } => format!("GitHub says that {login} has the role '{role}' in {}", asked.repo),
        Standing::Writes | Standing::Gone => {
            format!("GitHub knows {login} no longer by the number {}", asked.person.id)
        }
    };
    // A button that was refused may be pressed again by somebody who was given the right.
    let mut step = ended(row, format!("{}: refused, since {why}", asked.sentence()), true);
    if let Through::Comment { pull_request, .. } = &asked.through {
        step.again = false;
        let marker = refusal_marker(asked.person.id);
        let body = format!(
            "{marker}\nSorry, {}: commands are for people who may write to this repository, and {}. Somebody who may can ask instead.\n",
            escape(login),
            escape(&why)
        );
        step.told = vec![answer(
            &asked.repo,
            asked.installation_id,
            (*pull_request, marker, body),
        )];
    }
    step
}
