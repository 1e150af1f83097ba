//! What a commit shows before anybody looked at it: the pipelines that listen to its push, as far as their default branch
//! tells. Git needs a while, and people look at once.

use super::interpretation::Interpretation;
use super::pipelines::KnownPipeline;
use super::reason::Reason;
use crate::event::{Event, Push};
use crate::ids::{DeliveryId, Micros};
use crate::report::{
    Answer, AskedBy, CheckRun, Finding, Question, Status, StatusState, Subject, awaited_status, nothing_to_do_status,
};
use crate::trigger::{Cause, Match, matches};
use std::collections::BTreeMap;

/// What the commit of a push shows for each of its repository's `known` pipelines that listens to it; `changed` are the
/// paths that it changed, as far as its sender told. The answers are the delivery's until something else is known.
pub fn awaited(push: &Push, known: &[KnownPipeline], changed: Option<&[String]>, delivery: &DeliveryId) -> Vec<Answer> {
    let event = Event::Push(push.clone());
    let answer = |known: &KnownPipeline| match matches(&known.plan, &event, changed) {
        Match::Start(cause) | Match::Hold { cause, .. } => Some(answer(push, &known.name, &cause, delivery)),
        Match::No(_) => None,
    };
    known.iter().filter_map(answer).collect()
}

fn answer(push: &Push, pipeline: &str, cause: &Cause, delivery: &DeliveryId) -> Answer {
    let status = awaited_status(pipeline, cause);
    Answer {
        subject: Subject {
            repo: push.repo.clone(),
            commit: push.after.clone(),
            pipeline: pipeline.to_owned(),
        },
        question: Question {
            asked_by: AskedBy::Branch,
            base: push.branch.clone(),
        },
        asked: delivery.to_string(),
        pull_request: None,
        finding: Finding::Awaited,
        check: Some(Box::new(CheckRun::awaited(delivery.as_str(), &status))),
        status,
        target_url: None,
        installation_id: push.installation_id,
    }
}

/// Why pipelines that were awaited do not run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotRunning {
    of: BTreeMap<String, String>,
    why: Option<String>,
    looked_at: bool,
}

impl NotRunning {
    /// Since nobody could look at it.
    pub fn unseen(why: &str) -> Self {
        Self {
            why: Some(why.to_owned()),
            ..Self::default()
        }
    }

    /// Since the same was looked at before.
    pub fn seen_before(why: &str) -> Self {
        Self {
            looked_at: true,
            ..Self::unseen(why)
        }
    }

    /// The end of an answer that still waits: a required check would be waited for for ever. `asked` is the event's id.
    pub fn instead_of(&self, awaited: &Answer, asked: &str, at: Micros) -> Answer {
        let pipeline = &awaited.subject.pipeline;
        let gone = || format!("nothing to do: pipeline '{pipeline}' is not in this commit");
        let why = self.of.get(pipeline).or(self.why.as_ref());
        let why = &why.cloned().unwrap_or_else(gone);
        let (finding, state) = match self.looked_at {
            true => (Finding::Nothing, StatusState::Success),
            // What nobody looked at must not look approved.
            false => (Finding::Unlooked, StatusState::Error),
        };
        Answer {
            asked: asked.to_owned(),
            finding,
            status: Status {
                state,
                ..nothing_to_do_status(pipeline, why)
            },
            check: Some(Box::new(CheckRun::of_finding(
                (asked, at),
                finding.conclusion(state),
                why,
                &[],
            ))),
            ..awaited.clone()
        }
    }
}

impl From<&Interpretation> for NotRunning {
    fn from(meaning: &Interpretation) -> Self {
        let told = |reason: &Reason| Some((reason.pipeline()?.to_owned(), reason.told()));
        let of_all = meaning.reasons.iter().find(|reason| reason.is_of_all());
        Self {
            of: meaning.reasons.iter().filter_map(told).collect(),
            why: of_all.map(Reason::told),
            looked_at: meaning.looked_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CommitSha, EventId, RepoName};
    use crate::trigger::{NotStarted, What, Why};

    fn push(branch: &str) -> Push {
        Push {
            repo: RepoName::parse("acme/flights").unwrap(),
            repo_id: 1,
            installation_id: Some(3),
            branch: branch.to_owned(),
            before: None,
            after: CommitSha::from("a"),
            pusher: "ada".to_owned(),
            default_branch: Some("main".to_owned()),
        }
    }

    fn known() -> KnownPipeline {
        KnownPipeline {
            repo: RepoName::parse("acme/flights").unwrap(),
            installation_id: None,
            branch: "main".to_owned(),
            commit: CommitSha::from("b"),
            name: "flights".to_owned(),
            folder: "pipelines/flights".to_owned(),
            plan: crate::spec::tests::flights(),
        }
    }

    fn of(push: &Push, changed: Option<&[&str]>) -> Vec<Answer> {
        let known = [known()];
        let changed: Option<Vec<String>> = changed.map(|all| all.iter().map(|path| (*path).to_owned()).collect());
        awaited(push, &known, changed.as_deref(), &DeliveryId::new("d-1"))
    }

    #[test]
    fn what_listens_to_a_push_is_awaited() {
        let one = of(&push("main"), None).remove(0);
        assert_eq!(one.asked, "d-1");
        insta::assert_snapshot!(one.status.description, @"waiting to be looked at: push of main by ada");
        assert_eq!(of(&push("main"), Some(&["pipelines/flights/train.py"])).len(), 1);
        assert!(of(&push("main"), Some(&["README.md"])).is_empty());
        assert!(of(&push("feature"), None).is_empty());
    }

    #[test]
    fn every_awaited_one_has_its_end() {
        let one = of(&push("main"), None).remove(0);
        let event = Event::Push(push("main"));
        let not_started = Reason::NotStarted(NotStarted {
            what: What::from(&event),
            pipeline: "flights".to_owned(),
            why: Why::OtherPaths(vec!["pipelines/flights/**".to_owned()]),
        });
        let of_another = Reason::NotStarted(NotStarted {
            what: What::from(&event),
            pipeline: "another".to_owned(),
            why: Why::NotListening,
        });
        let overtaken = Reason::Overtaken {
            repo: push("main").repo,
            branch: "main".to_owned(),
        };
        let id = || EventId::new("e-1");
        let mut other_paths = Interpretation::nothing(id(), event.clone(), of_another.clone());
        other_paths.reasons.push(not_started);
        let ends = [
            NotRunning::from(&other_paths),
            NotRunning::from(&Interpretation::given_up(id(), event.clone(), overtaken)),
            NotRunning::from(&Interpretation::nothing(id(), event, of_another)),
            NotRunning::seen_before("the same event was seen before"),
            NotRunning::unseen("this delivery met a defect"),
        ];
        let told: Vec<String> = ends
            .iter()
            .map(|end| end.instead_of(&one, "e-1", Micros(1)))
            .inspect(|end| assert!(end.replaces(&one) && !one.replaces(end)))
            .map(|end| {
                let conclusion = end.check.as_ref().and_then(|check| check.progress.conclusion());
                format!("{:?} {conclusion:?}: {}", end.status.state, end.status.description)
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        Success Some(Skipped): nothing relevant changed: pipeline 'flights' listens to paths [pipelines/flights/**], and no changed file is one of them
        Error Some(Cancelled): push to 'main' of acme/flights starts nothing: the branch had moved on when it could be looked at
        Success Some(Skipped): nothing to do: pipeline 'flights' is not in this commit
        Success Some(Skipped): the same event was seen before
        Error Some(Cancelled): this delivery met a defect
        ");
    }
}
