//! Does an event start a run of a pipeline, and if not, why?

mod cause;
mod look;
mod not_started;

pub use cause::Cause;
pub use look::{FOUND, FilterLook, FilterResult, Look, Looks, TriggerLook};
pub use not_started::{NotStarted, What, Why};

use crate::event::Event;
use crate::plan::Plan;
use look::Check;
use std::collections::BTreeMap;

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
    answer(plan, event, &look::checks(plan, event, changed_paths))
}

/// The same with how it came to that; the file of `plan` is in `folder`.
pub fn meet(plan: &Plan, folder: &str, event: &Event, changed_paths: Option<&[String]>) -> (Match, Look) {
    let checks = look::checks(plan, event, changed_paths);
    (answer(plan, event, &checks), Look::of(plan, folder, event, checks))
}

fn answer(plan: &Plan, event: &Event, checks: &Result<Vec<Check>, Why>) -> Match {
    let failed = match checks {
        Ok(checks) => checks.iter().find_map(|check| check.why.clone()),
        Err(why) => Some(why.clone()),
    };
    match failed {
        None => start(plan, event),
        Some(why) => Match::No(NotStarted {
            what: What::from(event),
            pipeline: plan.pipeline.clone(),
            why,
        }),
    }
}

fn start(plan: &Plan, event: &Event) -> Match {
    Match::Start(match event {
        Event::Push(push) => Cause::Push {
            branch: push.branch.clone(),
            pusher: push.pusher.clone(),
        },
        Event::PullRequest(pull_request) => Cause::PullRequest {
            number: pull_request.number,
            author: pull_request.author.clone(),
            action: pull_request.action,
        },
        Event::Repository(event) => Cause::Repository {
            kind: event.kind,
            action: event.action.clone(),
            name: event.name.clone(),
            sender: event.sender.clone(),
        },
        Event::DataArrived(arrived) => {
            let cause = Cause::Data {
                source: arrived.source.clone(),
                spans: arrived.span.iter().cloned().collect(),
            };
            let quiet = plan.triggers.data.as_ref().map_or(0, |data| data.quiet_period_seconds);
            match quiet {
                0 => cause,
                seconds => return Match::Hold { seconds, cause },
            }
        }
        Event::ScheduleDue(due) => Cause::Schedule { slot: due.slot.clone() },
        Event::Manual(manual) => Cause::Manual {
            actor: manual.actor.clone(),
            spans: manual.spans.clone(),
        },
        Event::Asked(asked) => Cause::Manual {
            actor: asked.person.login.clone(),
            spans: BTreeMap::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{
        DataArrived, Manual, PullRequest, PullRequestAction, Push, RepositoryEvent, RepositoryEventKind, ScheduleDue,
    };
    use crate::ids::{CommitSha, RepoName};
    use crate::plan::{DataTrigger, PullRequestTrigger, PushTrigger, Triggers, TypesTrigger, WorkflowRunTrigger};

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
            label: None,
            labels: Vec::new(),
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
    fn a_pull_request_is_looked_at_by_what_happened_and_by_its_labels() {
        let mut plan = crate::spec::tests::flights();
        let with = |plan: &mut Plan, types: Option<Vec<PullRequestAction>>, labels: Option<&[&str]>| {
            let labels = labels.map(|labels| labels.iter().map(|label| (*label).to_owned()).collect());
            plan.triggers.pull_request = Some(PullRequestTrigger {
                types,
                labels,
                ..PullRequestTrigger::default()
            });
        };
        let happened = |action, label: Option<&str>, labels: &[&str]| {
            let Event::PullRequest(pull) = pull_request("main", Some(1)) else {
                unreachable!()
            };
            Event::PullRequest(PullRequest {
                action,
                label: label.map(str::to_owned),
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
                ..pull
            })
        };
        use PullRequestAction::{Closed, Labeled, ReadyForReview, Synchronize, Unlabeled};
        let mut all = Vec::new();
        with(&mut plan, None, None);
        all.push(said(&plan, &happened(Synchronize, None, &[]), None));
        all.push(said(&plan, &happened(Labeled, Some("train"), &["train"]), None));
        with(
            &mut plan,
            Some(vec![PullRequestAction::Labeled, PullRequestAction::ReadyForReview]),
            Some(&["train*"]),
        );
        all.push(said(&plan, &happened(Labeled, Some("train"), &["docs", "train"]), None));
        all.push(said(&plan, &happened(Labeled, Some("docs"), &["docs", "train"]), None));
        all.push(said(&plan, &happened(Unlabeled, Some("train"), &["docs"]), None));
        all.push(said(&plan, &happened(ReadyForReview, None, &["training"]), None));
        all.push(said(&plan, &happened(ReadyForReview, None, &[]), None));
        all.push(said(&plan, &happened(Synchronize, None, &["train"]), None));
        with(&mut plan, Some(vec![PullRequestAction::Closed]), None);
        all.push(said(&plan, &happened(Closed, None, &[]), None));
        insta::assert_snapshot!(all.join("\n"), @"
        start: pull request #7 by ada updated
        pull request #7 of acme/flights starts nothing: pipeline 'flights' listens to types [opened, synchronize, reopened, edited]
        start: pull request #7 by ada labeled
        pull request #7 of acme/flights starts nothing: pipeline 'flights' listens to labels [train*]
        pull request #7 of acme/flights starts nothing: pipeline 'flights' listens to types [labeled, ready_for_review]
        start: pull request #7 by ada made ready for review
        pull request #7 of acme/flights starts nothing: pipeline 'flights' listens to labels [train*]
        pull request #7 of acme/flights starts nothing: pipeline 'flights' listens to types [labeled, ready_for_review]
        start: pull request #7 by ada closed
        ");
    }

    #[test]
    fn what_else_happens_in_a_repository_is_filtered_by_its_words() {
        let mut plan = crate::spec::tests::flights();
        let happened = |kind, action: &str, name: Option<&str>, branch: Option<&str>, conclusion: Option<&str>| {
            Event::Repository(RepositoryEvent {
                repo: repo(),
                repo_id: 1,
                installation_id: None,
                kind,
                action: action.to_owned(),
                name: name.map(str::to_owned),
                branch: branch.map(str::to_owned),
                conclusion: conclusion.map(str::to_owned),
                identity: None,
                sender: "ada".to_owned(),
            })
        };
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        use RepositoryEventKind::{Release, RepositoryDispatch, WorkflowRun};
        let mut all = vec![said(
            &plan,
            &happened(Release, "published", Some("v1"), None, None),
            None,
        )];
        plan.triggers.release = Some(TypesTrigger::default());
        plan.triggers.repository_dispatch = Some(TypesTrigger {
            types: words(&["retrain-*"]),
        });
        plan.triggers.workflow_run = Some(WorkflowRunTrigger {
            workflows: words(&["CI"]),
            branches: words(&["main"]),
            conclusions: words(&["success"]),
            ..WorkflowRunTrigger::default()
        });
        for (kind, action, name, branch, conclusion) in [
            (Release, "published", Some("v1"), None, None),
            (Release, "created", Some("v1"), None, None),
            (RepositoryDispatch, "retrain-flights", None, None, None),
            (RepositoryDispatch, "deploy", None, None, None),
            (WorkflowRun, "completed", Some("CI"), Some("main"), Some("success")),
            (WorkflowRun, "requested", Some("CI"), Some("main"), None),
            (WorkflowRun, "completed", Some("docs"), Some("main"), Some("success")),
            (WorkflowRun, "completed", Some("CI"), Some("dev"), Some("success")),
            (WorkflowRun, "completed", Some("CI"), Some("main"), Some("failure")),
        ] {
            all.push(said(&plan, &happened(kind, action, name, branch, conclusion), None));
        }
        insta::assert_snapshot!(all.join("\n"), @"
        release 'published' of acme/flights starts nothing: pipeline 'flights' does not listen to releases
        start, may push: release v1 published by ada
        release 'created' of acme/flights starts nothing: pipeline 'flights' listens to types [published]
        start, may push: repository dispatch 'retrain-flights' by ada
        repository_dispatch 'deploy' of acme/flights starts nothing: pipeline 'flights' listens to types [retrain-*]
        start, may push: workflow 'CI' completed
        workflow_run 'requested' of acme/flights starts nothing: pipeline 'flights' listens to types [completed]
        workflow_run 'completed' of acme/flights starts nothing: pipeline 'flights' listens to workflows [CI]
        workflow_run 'completed' of acme/flights starts nothing: pipeline 'flights' listens to branches [main]
        workflow_run 'completed' of acme/flights starts nothing: pipeline 'flights' listens to workflows that end with [success]
        ");
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
