//! What a check says of a commit: the answers to the questions that were asked about it, put together.
//!
//! GitHub shows one status for a commit and a context, while several questions may be asked about the commit: by pull
//! requests into different branches, and by the branches whose head it is. An answer belongs to its question, and what
//! is shown follows from all of them, so that no answer stands for another question's.

use super::check_run::{CheckRun, Conclusion};
use super::message::{OutboxItem, Shown};
use super::{Status, StatusState};
use crate::ids::{CommitSha, Micros, RepoName, RunId};
use crate::run::{Run, RunRequest};
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// A commit as one pipeline sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The repository.
    pub repo: RepoName,
    /// The commit.
    pub commit: CommitSha,
    /// The pipeline.
    pub pipeline: String,
}

/// Who asks about a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// Pull requests with this head.
    PullRequest,
    /// A branch with this head: pushes, data, the clock and people.
    Branch,
}

impl AskedBy {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PullRequest => "pull_request",
            Self::Branch => "branch",
        }
    }
}

/// What is asked: is this good enough for that branch?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Who asks.
    pub asked_by: AskedBy,
    /// The branch whose gate judges; empty for what older versions asked of a pull request.
    pub base: String,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A run's, as far as it is.
    Run,
    /// Nothing could be judged: the file is wrong, or nobody allowed it yet.
    Unjudged,
    /// Nothing was to be judged.
    Nothing,
    /// Nobody looked at it yet.
    Awaited,
    /// Nobody will.
    Unlooked,
}

impl Finding {
    /// How a check run ends that says so, where no run does.
    pub(crate) fn conclusion(self, state: StatusState) -> Conclusion {
        match (self, state) {
            (Self::Nothing, _) => Conclusion::Skipped,
            (Self::Unlooked, _) => Conclusion::Cancelled,
            (_, StatusState::Success) => Conclusion::Success,
            (_, StatusState::Pending) => Conclusion::ActionRequired,
            (_, StatusState::Failure | StatusState::Error) => Conclusion::Failure,
        }
    }
}

/// The answer to a question about a commit, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// About what.
    pub subject: Subject,
    /// To which question.
    pub question: Question,
    /// The run that answers, or the event that found that there is none to make; later ones sort after earlier ones.
    pub asked: String,
    /// The pull request for which it was asked last.
    pub pull_request: Option<u64>,
    /// What it is.
    pub finding: Finding,
    /// What is shown if it counts.
    pub status: Status,
    /// The same as a check run; `None` in what older versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<CheckRun>>,
    /// Where people read on.
    pub target_url: Option<String>,
    /// The App installation to speak through.
    pub installation_id: Option<i64>,
}

impl Stored for Answer {
    const WHAT: &'static str = "answer of a check";
    const VERSION: u32 = 1;
}

/// A pull request as the newest event told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestSeen {
    /// Where.
    pub repo: RepoName,
    /// Its number.
    pub number: u64,
    /// Whether it is open.
    pub open: bool,
    /// The branch it would be merged into.
    pub base: String,
    /// Its newest commit.
    pub head: CommitSha,
    /// When GitHub changed it so: what tells of an earlier state is late.
    pub at: Micros,
}

/// A branch as a push told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchSeen {
    /// Where.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// Its head.
    pub head: CommitSha,
}

/// Something that GitHub should hear. Whether it does is decided where it is stored, by what else is known there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    /// An answer of a check.
    Answer(Box<Answer>),
    /// A comment about an answer.
    Comment(Box<Remark>),
}

/// A comment about the answer of a run: it is for the newest run of its question, of a pull request that asks it still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What is commented.
    pub subject: Subject,
    /// The question that the run answers.
    pub question: Question,
    /// The run.
    pub run: RunId,
    /// The pull request.
    pub number: u64,
    /// The comment.
    pub item: OutboxItem,
}

impl Telling {
    /// The repository of the commit.
    pub fn repo(&self) -> &RepoName {
        match self {
            Self::Answer(answer) => &answer.subject.repo,
            Self::Comment(remark) => &remark.subject.repo,
        }
    }

    /// The same of a repository that has another name now.
    #[must_use]
    pub fn renamed(mut self, repo: RepoName) -> Self {
        match &mut self {
            Self::Answer(answer) => answer.subject.repo = repo,
            Self::Comment(remark) => {
                remark.subject.repo = repo.clone();
                remark.item.repo = repo;
            }
        }
        self
    }
}

impl Subject {
    /// What a run is about; `None` without a repository and commit.
    pub fn of(request: &RunRequest) -> Option<Self> {
        Some(Self {
            repo: request.repo.clone()?,
            commit: request.commit.clone()?,
            pipeline: request.plan.pipeline.clone(),
        })
    }
}

impl Question {
    /// What a run answers.
    pub fn of(request: &RunRequest) -> Self {
        match request.pull_request {
            Some(_) => Self {
                asked_by: AskedBy::PullRequest,
                base: request.base.clone().unwrap_or_default(),
            },
            None => Self {
                asked_by: AskedBy::Branch,
                base: request.branch.clone().unwrap_or_default(),
            },
        }
    }

    /// Whether one of these pull requests into `bases` asks it; what a branch asked stays asked.
    fn is_asked(&self, bases: &[String]) -> bool {
        match self.asked_by {
            AskedBy::PullRequest => bases.iter().any(|base| *base == self.base || self.base.is_empty()),
            AskedBy::Branch => true,
        }
    }
}

impl Answer {
    /// A run's, as far as it is.
    pub(super) fn of_run(run: &Run, status: Status, target_url: Option<String>) -> Option<Self> {
        Some(Self {
            subject: Subject::of(&run.request)?,
            question: Question::of(&run.request),
            asked: run.request.id.to_string(),
            pull_request: run.request.pull_request,
            finding: Finding::Run,
            status,
            check: Some(Box::new(CheckRun::of_run(run, target_url.as_deref()))),
            target_url,
            installation_id: run.request.installation_id,
        })
    }

    /// Whether this one takes the place of `old`, which answers the same question. What was judged is not undone by
    /// having nothing to judge, and a run says nothing once another one was asked for.
    pub fn replaces(&self, old: &Self) -> bool {
        match (self.finding, old.finding) {
            // What is awaited is of before anything was known.
            (Finding::Awaited, _) => false,
            (_, Finding::Awaited) => true,
            (Finding::Nothing | Finding::Unlooked, Finding::Run | Finding::Unjudged) => false,
            (Finding::Run, Finding::Run) if self.asked == old.asked => {
                self.status.state != StatusState::Pending || old.status.state == StatusState::Pending
            }
            _ => self.asked >= old.asked,
        }
    }

    fn shown(&self, status: Status) -> Shown {
        let check = match &self.check {
            Some(check) => (**check).clone(),
            None => CheckRun::of_status(&self.asked, &self.status),
        };
        Shown {
            status,
            check,
            target_url: self.target_url.clone(),
            installation_id: self.installation_id,
        }
    }

    fn is_judged(&self) -> bool {
        matches!(self.finding, Finding::Run | Finding::Unjudged)
    }

    /// How much it keeps from a merge.
    fn severity(&self) -> u8 {
        match self.status.state {
            StatusState::Error => 3,
            StatusState::Failure => 2,
            StatusState::Pending => 1,
            StatusState::Success => 0,
        }
    }
}

/// What is shown of one pipeline at one commit, by all `answers` about it, while pull requests of this head are open into
/// `bases`.
///
/// What open pull requests ask counts before what branches ask, and the answer that keeps most from a merge before the
/// others: the one context is right for no branch if it shows less. Judged for several branches, each has a context of
/// its own beside it. Where nothing is to be judged for an open one, what was judged of the commit before stays.
pub fn shown(answers: &[Answer], bases: &[String]) -> Vec<Shown> {
    let of_pulls = |answer: &&Answer| answer.question.asked_by == AskedBy::PullRequest;
    let asked = |answer: &&Answer| answer.question.is_asked(bases);
    let judged = |answer: &&Answer| answer.is_judged();
    let newest = |answer: &&Answer| (answer.finding != Finding::Awaited, answer.asked.clone());
    let severest = |answer: &&Answer| (answer.severity(), answer.asked.clone());
    let into = || answers.iter().filter(of_pulls).filter(judged);
    let counts = into().filter(asked).max_by_key(severest);
    let counts = counts
        .or_else(|| answers.iter().filter(judged).max_by_key(newest))
        .or_else(|| answers.iter().filter(asked).max_by_key(newest));
    let Some(counts) = counts else { return Vec::new() };
    // What older versions asked names no branch.
    let named = || into().filter(|answer| !answer.question.base.is_empty());
    let first = named().next().map(|answer| &answer.question.base);
    if named().all(|answer| Some(&answer.question.base) == first) {
        return vec![counts.shown(counts.status.clone())];
    }
    let plain = counts.shown(Status {
        description: super::one_line(
            &format!("into {}: {}", counts.question.base, counts.status.description),
            super::MAX_DESCRIPTION,
        ),
        ..counts.status.clone()
    });
    let each = named().map(|answer| {
        answer.shown(Status {
            context: format!("{} (into {})", answer.status.context, answer.question.base),
            ..answer.status.clone()
        })
    });
    std::iter::once(plain).chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn answer(asked_by: AskedBy, base: &str, asked: &str, finding: Finding, state: StatusState) -> Answer {
        Answer {
            subject: Subject {
                repo: RepoName::parse("acme/flights").unwrap(),
                commit: CommitSha::new("a".repeat(40)),
                pipeline: "flights".to_owned(),
            },
            question: Question {
                asked_by,
                base: base.to_owned(),
            },
            asked: asked.to_owned(),
            pull_request: None,
            finding,
            status: Status {
                state,
                context: "trainyard/flights".to_owned(),
                description: format!("{asked} for {base}"),
            },
            check: None,
            target_url: None,
            installation_id: None,
        }
    }

    fn told(answers: &[Answer], bases: &[&str]) -> Vec<String> {
        let bases: Vec<String> = bases.iter().map(|base| (*base).to_owned()).collect();
        let line = |shown: Shown| {
            let status = shown.status;
            format!("{} {:?}: {}", status.context, status.state, status.description)
        };
        shown(answers, &bases).into_iter().map(line).collect()
    }

    #[test]
    fn no_answer_stands_for_the_question_of_another() {
        use AskedBy::{Branch, PullRequest};
        use Finding::{Nothing, Run, Unjudged};
        use StatusState::{Failure, Pending, Success};
        let dev = || answer(PullRequest, "dev", "1", Run, Success);
        let main = |state| answer(PullRequest, "main", "2", Run, state);
        let nothing = || answer(PullRequest, "dev", "3", Nothing, Success);
        let branch = |state| answer(Branch, "faster", "4", Run, state);
        let fork = || answer(PullRequest, "main", "5", Unjudged, Pending);
        type Row<'a> = (&'a str, Vec<Answer>, &'a [&'a str], &'a str);
        let rows: [Row<'_>; 9] = [
            ("into dev", vec![dev()], &["dev"], "Success: 1 for dev"),
            (
                "sent into main",
                vec![dev(), main(Pending)],
                &["main"],
                "Pending: 2 for main",
            ),
            (
                "back into dev",
                vec![dev(), main(Failure)],
                &["dev"],
                "Success: 1 for dev",
            ),
            (
                "rejected, and another one has nothing to do",
                vec![main(Failure), nothing()],
                &["dev", "main"],
                "Failure: 2 for main",
            ),
            (
                "rejected, and sent to where nothing is to do",
                vec![main(Failure), nothing()],
                &["dev"],
                "Failure: 2 for main",
            ),
            ("nothing to do", vec![nothing()], &["dev"], "Success: 3 for dev"),
            (
                "its own branch was approved",
                vec![main(Failure), branch(Success)],
                &["main"],
                "Failure: 2 for main",
            ),
            (
                "merged",
                vec![main(Failure), branch(Success)],
                &[],
                "Success: 4 for faster",
            ),
            (
                "nobody looked",
                vec![fork(), branch(Success)],
                &["main"],
                "Pending: 5 for main",
            ),
        ];
        for (name, answers, bases, expected) in rows {
            let plain = told(&answers, bases)
                .remove(0)
                .replace("into dev: ", "")
                .replace("into main: ", "");
            assert_eq!(plain, format!("trainyard/flights {expected}"), "{name}");
        }
        insta::assert_snapshot!(told(&[dev(), main(Failure)], &["dev", "main"]).join("\n"), @"
        trainyard/flights Failure: into main: 2 for main
        trainyard/flights (into dev) Success: 1 for dev
        trainyard/flights (into main) Failure: 2 for main
        ");
    }

    #[test]
    fn what_was_judged_is_not_undone() {
        use Finding::{Awaited, Nothing, Run, Unjudged, Unlooked};
        use StatusState::{Error, Failure, Pending, Success};
        let of = |asked, finding, state| answer(AskedBy::PullRequest, "main", asked, finding, state);
        let rows = [
            (of("2", Nothing, Success), of("1", Run, Failure), false),
            (of("2", Nothing, Success), of("1", Unjudged, Error), false),
            (of("2", Nothing, Success), of("1", Nothing, Success), true),
            (of("1", Run, Pending), of("1", Run, Pending), true),
            (of("9", Awaited, Pending), of("1", Nothing, Success), false),
            (of("1", Run, Pending), of("9", Awaited, Pending), true),
            (of("2", Unlooked, Error), of("1", Run, Success), false),
            (of("2", Unlooked, Error), of("1", Nothing, Success), true),
            (of("1", Run, Success), of("1", Run, Pending), true),
            (of("1", Run, Pending), of("1", Run, Success), false),
            (of("1", Run, Failure), of("2", Run, Pending), false),
            (of("2", Run, Pending), of("1", Run, Failure), true),
            (of("2", Run, Pending), of("1", Unjudged, Pending), true),
            (of("2", Unjudged, Error), of("1", Run, Success), true),
        ];
        for (new, old, replaces) in rows {
            assert_eq!(new.replaces(&old), replaces, "{new:?} after {old:?}");
        }
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let by = select(vec![AskedBy::PullRequest, AskedBy::Branch]);
        use Finding::{Awaited, Nothing, Run, Unjudged, Unlooked};
        let finding = select(vec![Run, Unjudged, Nothing, Awaited, Unlooked]);
        let state = select(vec![
            StatusState::Pending,
            StatusState::Success,
            StatusState::Failure,
            StatusState::Error,
        ]);
        let parts = (by, select(vec!["dev", "main"]), 0..9_u8, finding, state);
        parts.prop_map(|(by, base, asked, finding, state)| {
            let state = match finding {
                Nothing => StatusState::Success,
                Awaited => StatusState::Pending,
                Unlooked => StatusState::Error,
                Run | Unjudged => state,
            };
            answer(by, base, &asked.to_string(), finding, state)
        })
    }

    proptest! {
        /// For whichever branch a pull request is open: the check is green only if every judged answer for it is.
        #[test]
        fn green_is_green_for_every_branch(answers in proptest::collection::vec(any_answer(), 0..6)) {
            let bases = ["dev".to_owned(), "main".to_owned()];
            let all = shown(&answers, &bases);
            if all.first().is_some_and(|shown| shown.status.state == StatusState::Success) {
                let of_pulls = answers.iter().filter(|answer| answer.question.asked_by == AskedBy::PullRequest);
                for answer in of_pulls.filter(|answer| answer.is_judged()) {
                    prop_assert_eq!(answer.status.state, StatusState::Success);
                }
            }
        }

        #[test]
        fn the_order_of_answers_does_not_count(answers in proptest::collection::vec(any_answer(), 0..6)) {
            let mut turned = answers.clone();
            turned.reverse();
            let state = |answers: &[Answer]| shown(answers, &["main".to_owned()]).first().map(|shown| shown.status.state);
            let mut asked: Vec<_> = answers.iter().map(|answer| &answer.asked).collect();
            asked.sort();
            asked.dedup();
            if asked.len() == answers.len() {
                prop_assert_eq!(state(&answers), state(&turned));
            }
        }
    }
}
