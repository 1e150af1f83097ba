//! From an event to what follows: fetches what the decision looks at, and asks core.

use super::{Inbound, InterpretError, identity};
use crate::house::clock::new_event_id;
use crate::inbound::patience::{age, is_over};
use crate::inbound::register::register;
use crate::source::checkout::{self, SourceError};
use crate::source::project;
use std::time::Duration;
use trainyard_core::command::{Asked, Through};
use trainyard_core::event::{DataArrived, Event, PullRequest, PullRequestAction, Push};
use trainyard_core::ids::{DeliveryId, Micros, RepoName};
use trainyard_core::inbound::{self as decide, FoundPipeline, Interpretation, KnownPipeline, Reason};
use trainyard_github::GitHubError;
use trainyard_store::{Delivery, StoreError};

/// How an event came here.
pub(crate) struct Arrival<'a> {
    delivery: &'a Delivery,
    received: Micros,
    pushed: Option<Micros>,
    /// A person wants it looked at, whatever was seen of it.
    forced: bool,
}

impl<'a> Arrival<'a> {
    /// `pushed` is when it happened at GitHub, where that is known.
    pub(crate) fn of(delivery: &'a Delivery, pushed: Option<Micros>) -> Self {
        Self {
            delivery,
            pushed,
            received: delivery.received_at,
            forced: delivery.forced,
        }
    }

    /// How long ago it happened: one that GitHub delivers late is as old as one that waited here.
    fn age(&self) -> Duration {
        let on_its_way = self.pushed.map(age).filter(|age| *age > ON_ITS_WAY);
        age(self.received).max(on_its_way.unwrap_or_default())
    }

    /// Whether it may be of an earlier day, or waited for long.
    pub(crate) fn is_late(&self) -> bool {
        self.age() > LATE
    }

    /// The delivery that brought the same bytes under another id: a sender of webhooks writes none twice.
    async fn repeats(&self, inbound: &Inbound) -> Result<Option<DeliveryId>, StoreError> {
        let Some(digest) = self.delivery.digest.as_deref().filter(|_| !self.forced) else {
            return Ok(None);
        };
        let since = Micros(self.received.0.saturating_sub(SAME_BYTES));
        let (kind, id) = (&self.delivery.kind, &self.delivery.id);
        inbound.store.repeated(kind, digest, since, id).await
    }
}

/// A webhook that is not quicker was delivered again, as far as the clocks of two machines agree.
const ON_ITS_WAY: Duration = Duration::from_secs(60);
/// So long the same bytes are the same delivery, in microseconds: seven days.
const SAME_BYTES: i64 = 7 * 86_400 * 1_000_000;

/// An event of a delivery with what follows from it, or the reason why nothing does.
pub(crate) async fn interpret(
    inbound: &Inbound,
    event: Event,
    arrival: &Arrival<'_>,
) -> Result<Interpretation, InterpretError> {
    let received = arrival.received;
    let meaning = match named(inbound, event.clone()).await {
        Ok(event) => meaning(inbound, event, arrival).await,
        Err(error) => Err(error),
    };
    match meaning {
        // It will not get better, or has not for too long: the delivery is settled with the reason.
        Err(InterpretError::Source(error)) if is_over(&error, received) => {
            let reason = Reason::NoSource(error.to_string());
            Ok(Interpretation::given_up(new_event_id(), event, reason))
        }
        other => other,
    }
}

/// The event with its repository's name of today.
async fn named(inbound: &Inbound, mut event: Event) -> Result<Event, InterpretError> {
    let (repo, id, installation) = match &mut event {
        Event::Push(push) => (&mut push.repo, push.repo_id, push.installation_id),
        Event::PullRequest(pull) => (&mut pull.repo, pull.repo_id, pull.installation_id),
        Event::Asked(asked) => (&mut asked.repo, asked.repo_id, asked.installation_id),
        Event::Repository(event) => (&mut event.repo, event.repo_id, event.installation_id),
        Event::DataArrived(_) | Event::ScheduleDue(_) | Event::Manual(_) => return Ok(event),
    };
    *repo = identity::name_today(inbound, id, repo, installation).await?;
    Ok(event)
}

async fn meaning(inbound: &Inbound, event: Event, arrival: &Arrival<'_>) -> Result<Interpretation, InterpretError> {
    if let Some(first) = arrival.repeats(inbound).await?
        && !is_so_now(inbound, &event).await?
    {
        return Ok(Interpretation::given_up(new_event_id(), event, Reason::Repeated(first)));
    }
    match &event {
        Event::Push(push) => of_push(inbound, push, arrival).await,
        Event::PullRequest(pull) => of_pull_request(inbound, pull, arrival.forced).await,
        Event::Repository(event) => {
            let known = inbound.store.pipelines_of(&event.repo).await?;
            Ok(decide::repository_event(event, &known, inbound.given()))
        }
        Event::DataArrived(arrived) => Ok(of_data(inbound, arrived).await?),
        Event::Asked(asked) => Ok(of_asked(inbound, asked).await?),
        Event::ScheduleDue(_) | Event::Manual(_) => {
            Ok(Interpretation::nothing(new_event_id(), event, Reason::MadeHere))
        }
    }
}

/// A delivery that is looked at sooner did not wait for anything, so that its push is not overtaken.
const LATE: Duration = Duration::from_secs(2);
/// GitHub's answers follow its webhooks with a delay; so long another head than the pushed one is no news.
const BEHIND: Duration = Duration::from_secs(10);

/// Whether a push comes late, and its branch moved on meanwhile: its newest head speaks for it.
async fn is_overtaken(inbound: &Inbound, push: &Push, arrival: &Arrival<'_>) -> Result<bool, InterpretError> {
    let age = arrival.age();
    let newest = inbound.store.branch_head(&push.repo, &push.branch).await?;
    let suspect = newest.is_some_and(|newest| push.may_be_late(&newest) || age > LATE && newest != push.after);
    let (Some(github), true) = (&inbound.source.github, suspect) else {
        return Ok(false);
    };
    let head = match github.branch_head(&push.repo, &push.branch).await {
        Ok(head) => Some(head),
        Err(GitHubError::NotFound { .. }) => None,
        Err(error) => return Err(SourceError::from(error).into()),
    };
    if head.as_ref() == Some(&push.after) {
        return Ok(false);
    }
    if age < BEHIND {
        let (branch, repo, after) = (&push.branch, &push.repo, &push.after);
        let why = format!("GitHub does not say that branch '{branch}' of {repo} is at {after}, or not yet");
        return Err(SourceError::Missing(why).into());
    }
    Ok(true)
}

/// Whether GitHub says that a branch or an open pull request is where this event brought it: a branch that went back
/// and forth within a second may have two pushes of the same bytes.
async fn is_so_now(inbound: &Inbound, event: &Event) -> Result<bool, InterpretError> {
    let Some(github) = &inbound.source.github else {
        return Ok(false);
    };
    let answer = match event {
        Event::Push(push) => {
            let newest = inbound.store.branch_head(&push.repo, &push.branch).await?;
            if newest.as_ref() == Some(&push.after) {
                return Ok(false);
            }
            let head = github.branch_head(&push.repo, &push.branch).await;
            head.map(|head| head == push.after)
        }
        Event::PullRequest(pull) => {
            let seen = inbound.store.pull_request(&pull.repo, pull.number).await?;
            if seen.is_some_and(|seen| seen.open && seen.head == pull.head_sha && seen.base == pull.base_branch) {
                return Ok(false);
            }
            let now = github.pull_request(&pull.repo, pull.number).await;
            now.map(|now| now.open && now.head_sha == pull.head_sha && now.base_branch == pull.base_branch)
        }
        Event::Repository(_) | Event::Asked(_) | Event::DataArrived(_) | Event::ScheduleDue(_) | Event::Manual(_) => {
            return Ok(false);
        }
    };
    match answer {
        Ok(so) => Ok(so),
        Err(GitHubError::NotFound { .. }) => Ok(false),
        Err(error) => Err(SourceError::from(error).into()),
    }
}

async fn of_push(inbound: &Inbound, push: &Push, arrival: &Arrival<'_>) -> Result<Interpretation, InterpretError> {
    if !arrival.forced && is_overtaken(inbound, push, arrival).await? {
        let reason = Reason::Overtaken {
            repo: push.repo.clone(),
            branch: push.branch.clone(),
        };
        let event = Event::Push(push.clone());
        return Ok(Interpretation::given_up(new_event_id(), event, reason));
    }
    let (source, repo, installation) = (&inbound.source, &push.repo, push.installation_id);
    let found = project::pipelines(source, repo, installation, &push.after).await?;
    let changed = match &push.before {
        Some(before) => checkout::changed(source, repo, installation, before, &push.after).await?,
        None => None,
    };
    let push = &Push {
        default_branch: default_branch(inbound, push).await?,
        ..push.clone()
    };
    let at = (push.default_branch.as_deref(), push.branch.as_str());
    let reviewed = reviewed(inbound, repo, installation, at).await?;
    let message = checkout::message(source, repo, installation, &push.after).await?;
    let meaning = match decide::skip_word(&message).filter(|_| !arrival.forced) {
        Some(word) => decide::skipped_push(push, word, inbound.given()),
        None => decide::push(push, &found, reviewed.as_deref(), changed.as_deref(), inbound.given()),
    };
    if reviewed.is_none() {
        register(inbound, push, found).await?;
    }
    Ok(meaning)
}

/// As the push tells it, else as GitHub does.
async fn default_branch(inbound: &Inbound, push: &Push) -> Result<Option<String>, InterpretError> {
    match (&push.default_branch, &inbound.source.github) {
        (None, Some(github)) => {
            let asked = github.default_branch(&push.repo).await;
            Ok(Some(asked.map_err(SourceError::from)?))
        }
        (told, _) => Ok(told.clone()),
    }
}

/// The pipelines of the default branch, as far as is known of it here, else as they are there now; `None` where `branch`
/// is it.
pub(crate) async fn reviewed(
    inbound: &Inbound,
    repo: &RepoName,
    installation: Option<i64>,
    (default, branch): (Option<&str>, &str),
) -> Result<Option<Vec<FoundPipeline>>, InterpretError> {
    let Some(default) = default.filter(|default| *default != branch) else {
        return Ok(None);
    };
    let known = inbound.store.pipelines_of(repo).await?.into_iter();
    let mut known = known.filter(|known| known.branch == default).peekable();
    if known.peek().is_some() {
        let found = |known: KnownPipeline| FoundPipeline {
            folder: known.folder,
            plan: Ok(known.plan),
        };
        return Ok(Some(known.map(found).collect()));
    }
    let Some(github) = &inbound.source.github else {
        return Ok(Some(Vec::new()));
    };
    match github.branch_head(repo, default).await {
        Ok(head) => {
            let found = project::pipelines(&inbound.source, repo, installation, &head).await?;
            Ok(Some(found))
        }
        // The repository has no default branch yet: nothing is reviewed.
        Err(GitHubError::NotFound { .. }) => Ok(Some(Vec::new())),
        Err(error) => Err(SourceError::from(error).into()),
    }
}

async fn of_pull_request(
    inbound: &Inbound,
    pull: &PullRequest,
    forced: bool,
) -> Result<Interpretation, InterpretError> {
    if pull.action == PullRequestAction::Closed && !listens_to_the_end(inbound, &pull.repo).await? {
        return Ok(decide::pull_request(pull, &[], None, &[], None, inbound.given()));
    }
    let (source, repo, installation) = (&inbound.source, &pull.repo, pull.installation_id);
    let seen = inbound.store.pull_request(repo, pull.number).await?;
    if seen.is_some_and(|seen| pull.is_outdated(&seen.head, &seen.base, seen.at)) {
        let reason = Reason::Outdated {
            repo: repo.clone(),
            number: pull.number,
        };
        let event = Event::PullRequest(pull.clone());
        return Ok(Interpretation::given_up(new_event_id(), event, reason));
    }
    let base = project::pipelines(source, repo, installation, &pull.base_sha).await?;
    let at = (pull.default_branch.as_deref(), pull.base_branch.as_str());
    let default = reviewed(inbound, repo, installation, at).await?;
    // Of a fork nothing is fetched, not even its pipeline file: what the base says decides.
    let (head, changed) = if pull.is_fork() {
        (base.clone(), changed_by_fork(inbound, pull).await?)
    } else {
        let head = project::pipelines(source, repo, installation, &pull.head_sha).await?;
        let changed = checkout::changed_since_fork(source, repo, installation, &pull.base_sha, &pull.head_sha).await?;
        let message = checkout::message(source, repo, installation, &pull.head_sha).await?;
        if let Some(word) = decide::skip_word(&message).filter(|_| !forced) {
            let changed = changed.as_deref();
            return Ok(decide::skipped_pull_request(
                pull,
                &base,
                changed,
                word,
                inbound.given(),
            ));
        }
        (head, changed)
    };
    Ok(decide::pull_request(
        pull,
        &base,
        default.as_deref(),
        &head,
        changed.as_deref(),
        inbound.given(),
    ))
}

/// Who may, and what comes of it, is looked at when it is done: here only its place in the order is kept.
async fn of_asked(inbound: &Inbound, asked: &Asked) -> Result<Interpretation, StoreError> {
    let head = match asked.through {
        Through::Comment { pull_request, .. } => inbound.store.pull_request(&asked.repo, pull_request).await?,
        Through::CheckRun { .. } | Through::CheckSuite { .. } => None,
    };
    let app = inbound.source.github.as_ref().and_then(|github| github.app());
    Ok(decide::asked(asked, app, head.map(|seen| seen.head), inbound.given()))
}

/// Paths that a fork changed, as GitHub lists them.
async fn changed_by_fork(inbound: &Inbound, pull: &PullRequest) -> Result<Option<Vec<String>>, InterpretError> {
    let Some(github) = &inbound.source.github else {
        return Ok(None);
    };
    let changed = github.changed_files(&pull.repo, pull.number, &pull.head_sha, pull.installation_id);
    match changed.await {
        Ok(changed) => Ok(changed),
        // Whoever may look at the pull request sees it; a person decides on it in any case.
        Err(GitHubError::NotFound { .. } | GitHubError::Rejected { .. }) => Ok(None),
        Err(error) => Err(SourceError::from(error).into()),
    }
}

/// Whether a pipeline of the repository runs when a pull request is closed; else nothing need be fetched for one.
async fn listens_to_the_end(inbound: &Inbound, repo: &RepoName) -> Result<bool, StoreError> {
    let known = inbound.store.pipelines_of(repo).await?;
    let listens = |known: &KnownPipeline| {
        let trigger = known.plan.triggers.pull_request.as_ref();
        let types = trigger.and_then(|trigger| trigger.types.as_ref());
        types.is_some_and(|types| types.contains(&PullRequestAction::Closed))
    };
    Ok(known.iter().any(listens))
}

async fn of_data(inbound: &Inbound, arrived: &DataArrived) -> Result<Interpretation, StoreError> {
    let known = inbound.store.pipelines().await?;
    let mut held = Vec::new();
    let listens = |pipeline: &&KnownPipeline| {
        let trigger = pipeline.plan.triggers.data.as_ref();
        trigger.is_some_and(|trigger| trigger.source == arrived.source)
    };
    for pipeline in known.iter().filter(listens) {
        let key = decide::HoldPayload::new(pipeline, &arrived.source).key();
        match inbound.store.held(&key).await {
            Ok(found) => held.extend(found.map(|held| held.payload)),
            // The new arrival takes the place of what waited; the others are not held up by it.
            Err(StoreError::Unreadable(row)) => {
                tracing::error!("{}; a new arrival takes its place", row.sentence());
            }
            Err(error) => return Err(error),
        }
    }
    let mut meaning = decide::data(arrived, &known, &held, inbound.given());
    let left_out = inbound.store.unreadable_pipelines().into_iter();
    meaning
        .reasons
        .extend(left_out.map(|row| Reason::Unreadable(row.sentence())));
    Ok(meaning)
}
