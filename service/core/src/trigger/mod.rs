//! Does an event start a run of a pipeline, and if not, why?

mod cause;
mod not_started;

pub use cause::Cause;
pub use not_started::{NotStarted, What, Why};

use crate::event::{DataArrived, Event, Manual, PullRequest, Push, ScheduleDue};
use crate::glob::list_matches;
use crate::plan::Plan;

/// The answer of [`matches`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// A run starts now.
    Start(Cause),
    /// A run starts when nothing like it arrived for `seconds`; only data arrivals wait.
    Hold {
        /// The quiet period.
        seconds: u64,
        /// Why it starts then.
        cause: Cause,
    },
    /// No run.
    No(NotStarted),
}

/// Whether `event` starts a run of `plan`'s pipeline.
///
/// `changed_paths` are the repository paths that a push or pull request changed; `None` when that
/// is unknown, which lets every path filter through: a run too many is better than one too few.
/// The caller has made sure that the plan is of the event's repository.
pub fn matches(plan: &Plan, event: &Event, changed_paths: Option<&[String]>) -> Match {
    let answer = match event {
        Event::Push(push) => on_push(plan, push, changed_paths),
        Event::PullRequest(pull_request) => on_pull_request(plan, pull_request, changed_paths),
        Event::DataArrived(arrived) => on_data(plan, arrived),
        Event::ScheduleDue(due) => on_schedule(plan, due),
        Event::Manual(manual) => on_manual(plan, manual),
        // What is asked on GitHub becomes a request of its own once it is known that the person may.
        Event::Asked(_) => Err(Why::NotListening),
    };
    answer.unwrap_or_else(|why| {
        Match::No(NotStarted {
            what: What::from(event),
            pipeline: plan.pipeline.clone(),
            why,
        })
    })
}

fn on_push(plan: &Plan, push: &Push, changed_paths: Option<&[String]>) -> Result<Match, Why> {
    let trigger = plan.triggers.push.as_ref().ok_or(Why::NotListening)?;
    check_branch(trigger.branches.as_deref(), &push.branch)?;
    check_paths(trigger.paths.as_deref(), changed_paths)?;
    Ok(Match::Start(Cause::Push {
        branch: push.branch.clone(),
        pusher: push.pusher.clone(),
    }))
}

fn on_pull_request(plan: &Plan, pull_request: &PullRequest, changed_paths: Option<&[String]>) -> Result<Match, Why> {
    let trigger = plan.triggers.pull_request.as_ref().ok_or(Why::NotListening)?;
    check_branch(trigger.branches.as_deref(), &pull_request.base_branch)?;
    check_paths(trigger.paths.as_deref(), changed_paths)?;
    Ok(Match::Start(Cause::PullRequest {
        number: pull_request.number,
        author: pull_request.author.clone(),
        action: pull_request.action,
    }))
}

fn check_branch(globs: Option<&[String]>, branch: &str) -> Result<(), Why> {
    match globs {
        Some(globs) if !list_matches(globs, branch) => Err(Why::OtherBranches(globs.to_vec())),
        _ => Ok(()),
    }
}

fn check_paths(globs: Option<&[String]>, changed: Option<&[String]>) -> Result<(), Why> {
    match (globs, changed) {
        (Some(globs), Some(changed)) if !changed.iter().any(|path| list_matches(globs, path)) => {
            Err(Why::OtherPaths(globs.to_vec()))
        }
        _ => Ok(()),
    }
}

fn on_data(plan: &Plan, arrived: &DataArrived) -> Result<Match, Why> {
    let trigger = plan.triggers.data.as_ref().ok_or(Why::NotListening)?;
    if trigger.source != arrived.source {
        return Err(Why::OtherSource(trigger.source.clone()));
    }
    let cause = Cause::Data {
        source: arrived.source.clone(),
        spans: arrived.span.iter().cloned().collect(),
    };
    Ok(match trigger.quiet_period_seconds {
        0 => Match::Start(cause),
        seconds => Match::Hold { seconds, cause },
    })
}

fn on_schedule(plan: &Plan, due: &ScheduleDue) -> Result<Match, Why> {
    check_pipeline(plan, &due.pipeline)?;
    plan.triggers.schedule.as_ref().ok_or(Why::NoSchedule)?;
    Ok(Match::Start(Cause::Schedule { slot: due.slot.clone() }))
}

fn on_manual(plan: &Plan, manual: &Manual) -> Result<Match, Why> {
    check_pipeline(plan, &manual.pipeline)?;
    Ok(Match::Start(Cause::Manual {
        actor: manual.actor.clone(),
        spans: manual.spans.clone(),
    }))
}

fn check_pipeline(plan: &Plan, meant: &str) -> Result<(), Why> {
    if meant == plan.pipeline {
        return Ok(());
    }
    Err(Why::OtherPipeline(meant.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PullRequestAction;
    use crate::ids::{CommitSha, RepoName};
    use crate::plan::{DataTrigger, PushTrigger, Triggers};

    fn repo() -> RepoName {
        RepoName::parse("acme/flights").unwrap()
    }

    fn push(branch: &str) -> Event {
        Event::Push(Push {
            repo: repo(),
            repo_id: 1,
            installation_id: None,
            branch: branch.to_owned(),
            before: None,
            after: CommitSha::from("a"),
            pusher: "ada".to_owned(),
            default_branch: Some("main".to_owned()),
        })
    }

    fn pull_request(base: &str, head_repo_id: Option<i64>) -> Event {
        Event::PullRequest(PullRequest {
            repo: repo(),
            repo_id: 1,
            head_repo_id,
            installation_id: None,
            action: PullRequestAction::Synchronize,
            number: 7,
            base_branch: base.to_owned(),
            base_sha: CommitSha::from("b"),
            head_branch: "faster".to_owned(),
            head_sha: CommitSha::from("a"),
            before_sha: None,
            author: "ada".to_owned(),
            updated_at: None,
            default_branch: None,
        })
    }

    fn data(source: &str, span: Option<&str>) -> Event {
        Event::DataArrived(DataArrived {
            source: source.to_owned(),
            span: span.map(str::to_owned),
        })
    }

    fn due(pipeline: &str) -> Event {
        Event::ScheduleDue(ScheduleDue {
            repo: repo(),
            pipeline: pipeline.to_owned(),
            slot: "2026-01-05T08:00:00Z".to_owned(),
        })
    }

    fn manual(pipeline: &str) -> Event {
        let pipeline = pipeline.to_owned();
        Event::Manual(Manual {
            repo: None,
            pipeline,
            git_ref: None,
            actor: "ada".to_owned(),
            parameters: Default::default(),
            spans: Default::default(),
            no_push: false,
        })
    }

    fn said(plan: &Plan, event: &Event, changed: Option<&[&str]>) -> String {
        let changed: Option<Vec<String>> = changed.map(|paths| paths.iter().map(|p| (*p).to_owned()).collect());
        match matches(plan, event, changed.as_deref()) {
            Match::Start(cause) if cause.may_push() => format!("start, may push: {}", cause.sentence()),
            Match::Start(cause) => format!("start: {}", cause.sentence()),
            Match::Hold { seconds, cause } => format!("hold {seconds} s: {}", cause.sentence()),
            Match::No(not_started) => not_started.sentence(),
        }
    }

    #[test]
    fn every_answer_has_its_sentence() {
        let plan = crate::spec::tests::flights();
        let mut deaf = plan.clone();
        deaf.triggers = Triggers::default();
        let mut eager = plan.clone();
        eager.triggers.data = Some(DataTrigger {
            source: "flights".to_owned(),
            quiet_period_seconds: 0,
        });
        let relevant: Option<&[&str]> = Some(&["README.md", "pipelines/flights/train.py"]);
        let irrelevant: Option<&[&str]> = Some(&["README.md", "pipelines/flights/README.md"]);
        let all = [
            said(&plan, &push("main"), relevant),
            said(&plan, &push("main"), None),
            said(&plan, &push("main"), irrelevant),
            said(&plan, &push("main"), Some(&[])),
            said(&plan, &push("feature"), relevant),
            said(&deaf, &push("main"), relevant),
            said(&plan, &pull_request("main", Some(1)), irrelevant),
            said(&plan, &pull_request("dev", Some(1)), None),
            said(&plan, &pull_request("main", Some(2)), None),
            said(&plan, &pull_request("main", None), None),
            said(&deaf, &pull_request("main", Some(1)), None),
            said(&plan, &data("flights", Some("2013-04")), None),
            said(&eager, &data("flights", None), None),
            said(&plan, &data("weather", Some("2013-04")), None),
            said(&deaf, &data("flights", None), None),
            said(&plan, &due("flights"), None),
            said(&plan, &due("other"), None),
            said(&deaf, &due("flights"), None),
            said(&deaf, &manual("flights"), None),
            said(&deaf, &manual("other"), None),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        start, may push: push of main by ada
        start, may push: push of main by ada
        push to 'main' of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**, !**/*.md], and no changed file is one of them
        push to 'main' of acme/flights starts nothing: pipeline 'flights' listens to paths [pipelines/flights/**, !**/*.md], and no changed file is one of them
        push to 'feature' of acme/flights starts nothing: pipeline 'flights' listens to branches [main]
        push to 'main' of acme/flights starts nothing: pipeline 'flights' does not listen to pushes
        start: pull request #7 by ada updated
        pull request #7 of acme/flights starts nothing: it would be merged into 'dev', and pipeline 'flights' listens to branches [main]
        start: pull request #7 by ada updated
        start: pull request #7 by ada updated
        pull request #7 of acme/flights starts nothing: pipeline 'flights' does not listen to pull requests
        hold 10 s: data flights 2013-04
        start, may push: data flights
        data weather 2013-04 starts nothing: pipeline 'flights' listens to data source 'flights'
        data flights starts nothing: pipeline 'flights' does not listen to data
        start, may push: schedule of 2026-01-05T08:00:00Z
        schedule of 2026-01-05T08:00:00Z starts nothing: it is for pipeline 'other', not 'flights'
        schedule of 2026-01-05T08:00:00Z starts nothing: pipeline 'flights' no longer has a schedule
        start, may push: manual request by ada
        manual request by ada starts nothing: it is for pipeline 'other', not 'flights'
        "#);
    }

    #[test]
    fn absent_filters_let_everything_through() {
        let mut plan = crate::spec::tests::flights();
        plan.triggers.push = Some(PushTrigger::default());
        assert!(matches!(
            matches(&plan, &push("any/branch"), Some(&[])),
            Match::Start(cause) if cause.may_push()
        ));
    }
}
