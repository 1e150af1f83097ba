//! What happened, as it is stored with what it tells of: from a run's change, an entry of the ledger, and the clock.

use crate::artifact::Digest;
use crate::gate::Blessing;
use crate::ids::{CommitSha, Micros, RepoName, RunId};
use crate::plan::{Condition, NotifyRules, Schedule};
use crate::registry::{Evidence, NewPromotion, PromotionAction};
use crate::run::{Run, RunRequest, RunState};
use crate::schedule::Missed;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// Sentences of one kind that are told; a program finds the others in the run.
const MOST_SENTENCES: usize = 10;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// What it is known by: the same is never stored twice.
    pub id: String,
    /// When.
    pub at: Micros,
    /// Of what.
    pub about: About,
    /// What the pipeline's file wants to be told, by channel.
    #[serde(default, skip_serializing_if = "NotifyRules::is_empty")]
    pub rules: NotifyRules,
    /// What.
    pub what: What,
}

/// Of what news are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The pipeline.
    pub pipeline: String,
    /// Its repository; none of a folder on the service's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoName>,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Why the run was made: `push to main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// When the run was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Micros>,
    /// Whether a person tried a pull request with other parameters than its file's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A run is over.
    Finished {
        /// How.
        state: RunState,
        /// What the gate said, if it spoke.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blessing: Option<Blessing>,
        /// The sentence of its end.
        summary: String,
        /// Why the gate said no.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        failures: Vec<String>,
        /// How the data drift, a sentence each; `None` where nobody looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drifted: Option<Vec<String>>,
    },
    /// The gate spoke.
    Judged {
        /// What it said.
        blessing: Blessing,
        /// The model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<Digest>,
        /// Why it said no.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        failures: Vec<String>,
    },
    /// A model serves that did not.
    Pushed {
        /// Where, and who had it so.
        change: Change,
    },
    /// An earlier model serves again.
    RolledBack {
        /// Where, and who had it so.
        change: Change,
        /// The version that was withdrawn, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
    /// A person's word is waited for.
    WaitingForApproval {
        /// What for, and how it is said.
        sentence: String,
    },
    /// Slots of a schedule passed.
    ScheduleMissed {
        /// The expression.
        cron: String,
        /// Its zone.
        timezone: String,
        /// What of it.
        #[serde(flatten)]
        missed: Missed,
    },
}

/// What serves from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The target.
    pub target: String,
    /// The version the server knows the model by.
    pub version: String,
    /// The model.
    pub model: Digest,
    /// A person, or `gate`.
    pub actor: String,
    /// Why, if a person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Stored for News {
    const WHAT: &'static str = "news";
    const VERSION: u32 = 1;
}

impl About {
    fn of(request: &RunRequest) -> Self {
        Self {
            pipeline: request.plan.pipeline.clone(),
            repo: request.repo.clone(),
            branch: request.branch.clone(),
            pull_request: request.pull_request,
            commit: request.commit.clone(),
            run: Some(request.id.clone()),
            cause: Some(request.cause.clone()),
            asked_at: Some(request.created_at),
            trial: request.trial,
        }
    }
}

/// What is told of a run that was just made: that a fork's waits.
pub fn of_new(request: &RunRequest) -> Vec<News> {
    match &request.fork {
        None => Vec::new(),
        Some(_) => waiting(&Run::new(request.clone()), request.created_at)
            .into_iter()
            .collect(),
    }
}

/// That a run waits for a person, if it does.
fn waiting(run: &Run, at: Micros) -> Option<News> {
    let sentence = run.awaits()?.sentence(&run.request.id);
    Some(of_run(run, "waiting", What::WaitingForApproval { sentence }, at))
}

fn of_run(run: &Run, word: &str, what: What, at: Micros) -> News {
    let request = &run.request;
    News {
        id: format!("{}/{word}", request.id),
        at,
        about: About::of(request),
        rules: request.plan.notify.clone(),
        what,
    }
}

/// What the change of a run from `before` to `after` is told as.
pub fn of_change(before: &Run, after: &Run, at: Micros) -> Vec<News> {
    let news = |word: &str, what: What| of_run(after, word, what, at);
    let mut all = Vec::new();
    if let (None, Some(verdict)) = (&before.verdict, &after.verdict) {
        all.push(news(
            "judged",
            What::Judged {
                blessing: verdict.blessing(),
                model: after.judged.clone(),
                failures: failures(after),
            },
        ));
    }
    if after.state == RunState::WaitingForApproval && before.state != after.state {
        all.extend(waiting(after, at));
    }
    if after.state.is_final() && !before.state.is_final() {
        let what = What::Finished {
            state: after.state,
            blessing: after.verdict.as_ref().map(|verdict| verdict.blessing()),
            summary: after.summary.clone().unwrap_or_default(),
            failures: failures(after),
            drifted: drifted(after),
        };
        all.push(news("finished", what));
    }
    all
}

fn failures(run: &Run) -> Vec<String> {
    let failures = run.verdict.iter().flat_map(|verdict| verdict.failures());
    failures
        .map(|failure| failure.sentence.clone())
        .take(MOST_SENTENCES)
        .collect()
}

/// What the steps that compare data say of them; `None` where none did.
fn drifted(run: &Run) -> Option<Vec<String>> {
    let mut said = run.steps.values().filter_map(|step| step.drift()).peekable();
    said.peek()?;
    Some(said.flatten().take(MOST_SENTENCES).collect())
}

/// What entry `id` of the ledger is told as, of a model that the run `made` made, where that is known; `None` of one by
/// which nothing else serves.
pub fn of_promotion(entry: &NewPromotion, id: i64, made: Option<&RunRequest>) -> Option<News> {
    let reason = match &entry.evidence {
        Evidence::Promotion { reason, forced, .. } => {
            let forced = forced.as_ref().map(|word| word.reason().to_owned());
            forced.or_else(|| reason.clone())
        }
        Evidence::Rollback { reason, .. } => reason.clone(),
        Evidence::Reconciled { reason, .. } => Some(reason.clone()),
        Evidence::Gate(judged) => judged.approved.as_ref().map(|word| word.reason.clone()),
        Evidence::Recorded(_) => None,
    };
    let change = Change {
        target: entry.target.clone(),
        version: entry.version.clone(),
        model: entry.model.digest.clone(),
        actor: entry.actor.clone(),
        reason,
    };
    let what = match (entry.action, &entry.evidence) {
        (PromotionAction::Push, _) => What::Pushed { change },
        (PromotionAction::Rollback, evidence) => What::RolledBack {
            change,
            from: match evidence {
                Evidence::Rollback { rolled_back, .. } => Some(rolled_back.clone()),
                _ => None,
            },
        },
        (PromotionAction::Removed, _) => return None,
    };
    let unknown = || About {
        pipeline: entry.pipeline.clone(),
        run: entry.run.clone(),
        ..About::default()
    };
    Some(News {
        id: format!("promotion/{id}"),
        at: entry.at,
        about: made.map_or_else(unknown, About::of),
        rules: made.map(|made| made.plan.notify.clone()).unwrap_or_default(),
        what,
    })
}

/// What is told of slots of a pipeline's schedule that passed while nobody was there.
pub fn missed(
    (repo, pipeline): (Option<&RepoName>, &str),
    schedule: &Schedule,
    missed: Missed,
    rules: NotifyRules,
    at: Micros,
) -> News {
    let owner = repo.map_or_else(String::new, |repo| format!("{repo}/"));
    News {
        id: format!("schedule/{owner}{pipeline}/{}", missed.first.0),
        at,
        about: About {
            pipeline: pipeline.to_owned(),
            repo: repo.cloned(),
            ..About::default()
        },
        rules,
        what: What::ScheduleMissed {
            cron: schedule.cron.clone(),
            timezone: schedule.timezone.clone(),
            missed,
        },
    }
}

impl News {
    /// What it is told as, as far as this does not depend on what was before.
    pub(super) fn condition(&self) -> Condition {
        match self.what {
            What::Finished { .. } => Condition::Finished,
            What::Judged { .. } => Condition::Judged,
            What::Pushed { .. } => Condition::Pushed,
            What::RolledBack { .. } => Condition::RolledBack,
            What::WaitingForApproval { .. } => Condition::WaitingForApproval,
            What::ScheduleMissed { .. } => Condition::ScheduleMissed,
        }
    }
}
