//! Does an event start a run of a pipeline, and if not, why?

use crate::event::{DataArrived, Event, Manual, PullRequest, PullRequestAction, Push, ScheduleDue};
use crate::glob::list_matches;
use crate::plan::Plan;

/// The answer of [`matches`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// A run starts now.
    Start {
        /// Why, for example `push of main by ada`.
        cause: String,
        /// Whether an approved model may be pushed.
        may_push: bool,
    },
    /// A run starts when nothing like it arrived for `seconds`; it may push.
    Hold {
        /// The quiet period.
        seconds: u64,
        /// Why, for example `data flights 2013-04`.
        cause: String,
    },
    /// No run.
    No {
        /// One sentence.
        reason: String,
    },
}

/// Whether `event` starts a run of `plan`'s pipeline.
///
/// `changed_paths` are the repository paths that a push or pull request changed; `None` when that
/// is unknown, which lets every path filter through: a run too many is better than one too few.
/// The caller has made sure that the plan is of the event's repository.
pub fn matches(plan: &Plan, event: &Event, changed_paths: Option<&[String]>) -> Match {
    match event {
        Event::Push(push) => on_push(plan, push, changed_paths),
        Event::PullRequest(pull_request) => on_pull_request(plan, pull_request, changed_paths),
        Event::DataArrived(arrived) => on_data(plan, arrived),
        Event::ScheduleDue(due) => on_schedule(plan, due),
        Event::Manual(manual) => on_manual(plan, manual),
    }
}

fn nothing(what: &str, why: &str) -> Match {
    Match::No {
        reason: format!("{what} starts nothing: {why}"),
    }
}

fn on_push(plan: &Plan, push: &Push, changed_paths: Option<&[String]>) -> Match {
    let what = format!("push to '{}' of {}", push.branch, push.repo);
    let pipeline = &plan.pipeline;
    let Some(trigger) = &plan.triggers.push else {
        return nothing(&what, &format!("pipeline '{pipeline}' does not listen to pushes"));
    };
    if let Some(branches) = &trigger.branches
        && !list_matches(branches, &push.branch)
    {
        return nothing(
            &what,
            &format!("pipeline '{pipeline}' listens to branches [{}]", branches.join(", ")),
        );
    }
    if let Some(why) = no_path_matches(pipeline, trigger.paths.as_deref(), changed_paths) {
        return nothing(&what, &why);
    }
    Match::Start {
        cause: format!("push of {} by {}", push.branch, push.pusher),
        may_push: true,
    }
}

fn on_pull_request(plan: &Plan, pull_request: &PullRequest, changed_paths: Option<&[String]>) -> Match {
    let what = format!("pull request #{} of {}", pull_request.number, pull_request.repo);
    let pipeline = &plan.pipeline;
    let Some(trigger) = &plan.triggers.pull_request else {
        return nothing(
            &what,
            &format!("pipeline '{pipeline}' does not listen to pull requests"),
        );
    };
    // A fork's code is a stranger's: it must not run here before somebody approved it.
    if pull_request.is_fork() {
        return nothing(
            &what,
            "it comes from a fork; push its branch to the repository to have it judged",
        );
    }
    if let Some(branches) = &trigger.branches
        && !list_matches(branches, &pull_request.base_branch)
    {
        let why = format!(
            "it would be merged into '{}', and pipeline '{pipeline}' listens to branches [{}]",
            pull_request.base_branch,
            branches.join(", ")
        );
        return nothing(&what, &why);
    }
    if let Some(why) = no_path_matches(pipeline, trigger.paths.as_deref(), changed_paths) {
        return nothing(&what, &why);
    }
    let verb = match pull_request.action {
        PullRequestAction::Opened => "opened",
        PullRequestAction::Synchronize => "updated",
        PullRequestAction::Reopened => "reopened",
    };
    Match::Start {
        cause: format!(
            "pull request #{} by {} {verb}",
            pull_request.number, pull_request.author
        ),
        may_push: false,
    }
}

fn no_path_matches(pipeline: &str, globs: Option<&[String]>, changed: Option<&[String]>) -> Option<String> {
    let (globs, changed) = (globs?, changed?);
    if changed.iter().any(|path| list_matches(globs, path)) {
        return None;
    }
    Some(format!(
        "pipeline '{pipeline}' listens to paths [{}], and no changed file is one of them",
        globs.join(", ")
    ))
}

fn on_data(plan: &Plan, arrived: &DataArrived) -> Match {
    let span = arrived.span.as_ref().map(|span| format!(" {span}")).unwrap_or_default();
    let what = format!("data {}{span}", arrived.source);
    let pipeline = &plan.pipeline;
    let Some(trigger) = &plan.triggers.data else {
        return nothing(&what, &format!("pipeline '{pipeline}' does not listen to data"));
    };
    if trigger.source != arrived.source {
        return nothing(
            &what,
            &format!("pipeline '{pipeline}' listens to data source '{}'", trigger.source),
        );
    }
    match trigger.quiet_period_seconds {
        0 => Match::Start {
            cause: what,
            may_push: true,
        },
        seconds => Match::Hold { seconds, cause: what },
    }
}

fn on_schedule(plan: &Plan, due: &ScheduleDue) -> Match {
    let what = format!("schedule of {}", due.slot);
    if due.pipeline != plan.pipeline {
        return nothing(
            &what,
            &format!("it is for pipeline '{}', not '{}'", due.pipeline, plan.pipeline),
        );
    }
    match &plan.triggers.schedule {
        Some(_) => Match::Start {
            cause: what,
            may_push: true,
        },
        None => nothing(&what, &format!("pipeline '{}' no longer has a schedule", plan.pipeline)),
    }
}

fn on_manual(plan: &Plan, manual: &Manual) -> Match {
    if manual.pipeline != plan.pipeline {
        let why = format!("it is for pipeline '{}', not '{}'", manual.pipeline, plan.pipeline);
        return nothing(&format!("manual request by {}", manual.actor), &why);
    }
    Match::Start {
        cause: format!("manual request by {}", manual.actor),
        may_push: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            author: "ada".to_owned(),
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
        })
    }

    fn said(plan: &Plan, event: &Event, changed: Option<&[&str]>) -> String {
        let changed: Option<Vec<String>> = changed.map(|paths| paths.iter().map(|p| (*p).to_owned()).collect());
        match matches(plan, event, changed.as_deref()) {
            Match::Start { cause, may_push: true } => format!("start, may push: {cause}"),
            Match::Start { cause, may_push: false } => format!("start: {cause}"),
            Match::Hold { seconds, cause } => format!("hold {seconds} s: {cause}"),
            Match::No { reason } => reason,
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
        pull request #7 of acme/flights starts nothing: it comes from a fork; push its branch to the repository to have it judged
        pull request #7 of acme/flights starts nothing: it comes from a fork; push its branch to the repository to have it judged
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
            Match::Start { may_push: true, .. }
        ));
    }
}
