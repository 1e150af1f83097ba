//! Who hears what: from news, and what is known of the pipeline's health, the notices and its health from now on.

use super::health::{Found, Health};
use super::made::{About, News, What};
use super::notice::Notice;
use crate::gate::Blessing;
use crate::glob;
use crate::plan::Condition;
use crate::run::RunState;

/// Who is told: a `[notify.NAME]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What it hears of, where the pipeline's file does not say.
    pub on: Vec<Condition>,
    /// Globs of the pipelines that it hears of; of those whose file names it, it hears whatever these say.
    pub pipelines: Vec<String>,
}

impl Channel {
    fn hears(&self, news: &News, condition: Condition) -> bool {
        match news.rules.get(&self.name) {
            Some(on) => on.contains(&condition),
            None => {
                self.on.contains(&condition)
                    && !self.pipelines.is_empty()
                    && glob::list_matches(&self.pipelines, &news.about.pipeline)
            }
        }
    }
}

/// What a condition is told with.
struct Told {
    condition: Condition,
    since: Option<Found>,
    /// Whether it says that something is over.
    over: bool,
}

impl Told {
    fn now(condition: Condition) -> Self {
        Self {
            condition,
            since: None,
            over: false,
        }
    }
}

/// The notices of some news, and how the pipeline is from now on; `None` where that did not change.
pub fn told(news: &News, before: &Health, channels: &[Channel]) -> (Vec<Notice>, Option<Health>) {
    let mut all = vec![Told::now(news.condition())];
    let mut health = None;
    if let What::Finished {
        state,
        blessing,
        drifted,
        ..
    } = &news.what
        && counts(&news.about)
        && news.about.asked_at >= before.newest
    {
        let mut after = Health {
            newest: news.about.asked_at,
            ..before.clone()
        };
        all.extend(trouble(news, (*state, *blessing), &mut after));
        all.extend(drift(news, drifted.as_deref(), &mut after));
        health = Some(after).filter(|after| after != before);
    }
    let mut notices = Vec::new();
    for told in all {
        for channel in channels.iter().filter(|channel| channel.hears(news, told.condition)) {
            notices.push(Notice {
                channel: channel.name.clone(),
                condition: told.condition,
                news: news.clone(),
                since: told.since.clone(),
                over: told.over,
            });
        }
    }
    (notices, health)
}

/// Whether a run says how its pipeline is: one of a pull request, or a trial, says how that is.
fn counts(about: &About) -> bool {
    about.pull_request.is_none() && !about.trial && about.run.is_some()
}

/// What a run is a sign of: of trouble, or of none; `None` where it says nothing of that trouble.
fn sign(state: RunState, blessing: Option<Blessing>, before: Option<Condition>) -> Option<Option<Condition>> {
    match (state, blessing) {
        (RunState::Failed, _) => Some(Some(Condition::Failed)),
        (RunState::Succeeded, Some(Blessing::NotBlessed)) => Some(Some(Condition::Rejected)),
        (RunState::Succeeded, Some(Blessing::Blessed | Blessing::Unchanged)) => Some(None),
        // A model that was not judged is no better than the last one that was.
        (RunState::Succeeded, None | Some(Blessing::NotEvaluated)) if before != Some(Condition::Rejected) => Some(None),
        _ => None,
    }
}

fn trouble(news: &News, (state, blessing): (RunState, Option<Blessing>), health: &mut Health) -> Option<Told> {
    let before = health.trouble.clone();
    let was = before.as_ref().map(|found| found.what);
    let now = sign(state, blessing, was)?;
    if now == was {
        return None;
    }
    health.trouble = now.and_then(|what| found(news, what));
    Some(Told {
        condition: now.unwrap_or(Condition::Recovered),
        since: before,
        over: now.is_none(),
    })
}

fn drift(news: &News, drifted: Option<&[String]>, health: &mut Health) -> Option<Told> {
    let drifts = !drifted?.is_empty();
    if drifts == health.drift.is_some() {
        return None;
    }
    let since = health.drift.take();
    health.drift = drifts.then(|| found(news, Condition::Drift)).flatten();
    Some(Told {
        condition: Condition::Drift,
        since,
        over: !drifts,
    })
}

fn found(news: &News, what: Condition) -> Option<Found> {
    Some(Found {
        what,
        run: news.about.run.clone()?,
        at: news.at,
    })
}
