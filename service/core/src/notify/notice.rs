//! One message to one channel, and its words.

use super::health::Found;
use super::made::{About, News, What};
use crate::gate::Blessing;
use crate::ids::Micros;
use crate::plan::{Condition, NotifyRules};
use crate::run::RunState;
use crate::schedule::MAX_CATCHUP;
use crate::stored::{self, Stored, StoredError};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a channel hears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Who hears it.
    pub channel: String,
    /// As what.
    pub condition: Condition,
    /// What happened.
    #[serde(serialize_with = "stored::serialize_inner")]
    pub news: News,
    /// What was until now, of what is told as changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Found>,
    /// Whether it says that something is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

impl Stored for Notice {
    const WHAT: &'static str = "notice";
    const VERSION: u32 = 1;

    fn upgrade(_: u32, mut value: Value) -> Result<Value, StoredError> {
        stored::upgrade_inner::<News>(&mut value, "news")?;
        Ok(value)
    }
}

impl Notice {
    /// Something that did not happen, to try a channel.
    pub fn trial(channel: &str, at: Micros) -> Self {
        let what = What::Finished {
            state: RunState::Succeeded,
            blessing: None,
            summary: "nothing happened: somebody tries whether messages arrive".to_owned(),
            failures: Vec::new(),
            drifted: None,
        };
        Self {
            channel: channel.to_owned(),
            condition: Condition::Finished,
            news: News {
                id: format!("trial/{}", at.0),
                at,
                about: About {
                    pipeline: "none".to_owned(),
                    trial: true,
                    ..About::default()
                },
                rules: NotifyRules::default(),
                what,
            },
            since: None,
            over: false,
        }
    }

    /// What it is known by: told a second time, it is the same.
    pub fn id(&self) -> String {
        let news = &self.news.id;
        match self.condition == self.news.condition() {
            true => news.clone(),
            false => format!("{news}/{}", self.condition.as_str()),
        }
    }

    /// Where people read on, of a service that they reach at `base`.
    pub fn url(&self, base: Option<&str>) -> Option<String> {
        let (base, run) = (base?, self.news.about.run.as_ref()?);
        Some(run.page(base))
    }

    /// One line: `flights failed on main`.
    pub fn title(&self) -> String {
        let about = &self.news.about;
        let pipeline = &about.pipeline;
        let place = place(about);
        match (self.condition, &self.news.what) {
            _ if about.trial && about.run.is_none() => "Trainyard: a trial of this channel".to_owned(),
            (Condition::Failed, _) => format!("{pipeline} failed{place}"),
            (Condition::Rejected, _) => format!("{pipeline}: model rejected{place}"),
            (Condition::Recovered, _) => format!("{pipeline} is well again{place}"),
            (Condition::Drift, _) if self.over => format!("{pipeline}: the data no longer drift{place}"),
            (Condition::Drift, _) => format!("{pipeline}: the data drift{place}"),
            (_, What::Finished { state, .. }) => format!("{pipeline} {}{place}", state.as_str()),
            (_, What::Judged { blessing, .. }) => format!("{pipeline}: {}{place}", said(*blessing)),
            (_, What::Pushed { change }) => {
                format!("{pipeline}: version {} serves at {}", change.version, change.target)
            }
            (_, What::RolledBack { change, .. }) => {
                format!(
                    "{pipeline}: target {} was rolled back to version {}",
                    change.target, change.version
                )
            }
            (_, What::WaitingForApproval { .. }) => format!("{pipeline} waits for approval{place}"),
            (_, What::ScheduleMissed { .. }) => format!("{pipeline}: its schedule was missed"),
        }
    }

    /// What more there is to say, a line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.news.what {
            What::Finished {
                summary,
                failures,
                drifted,
                ..
            } => match self.condition {
                Condition::Drift => lines.extend(drifted.iter().flatten().cloned()),
                Condition::Rejected if !failures.is_empty() => lines.extend(failures.iter().cloned()),
                _ => lines.push(summary.clone()),
            },
            What::Judged { failures, .. } => lines.extend(failures.iter().cloned()),
            What::Pushed { change } | What::RolledBack { change, .. } => {
                if let What::RolledBack { from: Some(from), .. } = &self.news.what {
                    lines.push(format!("version {from} was withdrawn"));
                }
                let why = change.reason.iter().map(|reason| format!(": {reason}"));
                lines.push(format!("by {}{}", change.actor, why.collect::<String>()));
                lines.push(format!("model {}", change.model));
            }
            What::WaitingForApproval { sentence } => lines.push(sentence.clone()),
            What::ScheduleMissed { cron, timezone, missed } => {
                let slots = match missed.count {
                    1 => format!("its run of {} was", when(missed.first)),
                    MAX_CATCHUP.. => format!("{MAX_CATCHUP} runs and more until {} were", when(missed.last)),
                    count => format!("{count} runs from {} to {} were", when(missed.first), when(missed.last)),
                };
                let made_up = match (missed.caught_up, missed.count) {
                    (0, _) => "it is not made up for, as its catchup says".to_owned(),
                    (1, 1) => "it is made up for now".to_owned(),
                    (1, _) => "one of them is made up for now".to_owned(),
                    (made_up, _) => format!("{made_up} of them are made up for now"),
                };
                lines.push(format!(
                    "{slots} due by '{cron}' ({timezone}) while no service was there; {made_up}"
                ));
            }
        }
        if let Some(since) = &self.since {
            let what = match since.what {
                Condition::Failed => "it failed",
                Condition::Rejected => "its models were rejected",
                _ => "its data drifted",
            };
            lines.push(format!("{what} since run {} ({})", since.run, when(since.at)));
        }
        let about = &self.news.about;
        let commit = about.commit.as_ref().map(|commit| {
            let short: String = commit.as_str().chars().take(10).collect();
            format!("commit {short}")
        });
        let cause = about.cause.clone();
        let run = about.run.as_ref().map(|run| format!("run {run}"));
        let parts: Vec<String> = [run, commit, cause].into_iter().flatten().collect();
        if !parts.is_empty() {
            lines.push(parts.join(", "));
        }
        lines.retain(|line| !line.is_empty());
        lines
    }
}

/// ` on main of acme/flights`.
fn place(about: &About) -> String {
    let mut place = match (about.pull_request, &about.branch) {
        (Some(number), _) => format!(" in pull request {number}"),
        (None, Some(branch)) => format!(" on {branch}"),
        (None, None) => String::new(),
    };
    if let Some(repo) = &about.repo {
        place.push_str(&format!(" of {repo}"));
    }
    place
}

fn said(blessing: Blessing) -> &'static str {
    match blessing {
        Blessing::Blessed => "model approved",
        Blessing::NotBlessed => "model rejected",
        Blessing::NotEvaluated => "model not judged",
        Blessing::Unchanged => "model unchanged",
    }
}

/// For people: `2026-11-27 16:05 UTC`.
fn when(at: Micros) -> String {
    let at = DateTime::from_timestamp_micros(at.0);
    at.map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}
