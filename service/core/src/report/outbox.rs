//! What GitHub must hear of a run: transitions only. Stored with what it tells of, told until heard.

use super::check::{Answer, Question, Remark, Subject, Telling};
use super::message::{Comment, Message, OutboxItem};
use super::{comment, marker, status};
use crate::command::OURS;
use crate::ids::RunId;
use crate::run::{Run, RunRequest};

/// Who hears, and where people read on.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Whether GitHub is in the settings at all.
    pub github: bool,
    /// Where people reach the service, for links in statuses.
    pub public_url: Option<String>,
}

impl Audience {
    /// What is told of a run that was just made.
    pub fn of_new(&self, request: &RunRequest) -> Vec<Telling> {
        let run = Run::new(request.clone());
        self.of_change(&run, &run)
    }

    /// What is told of the change from `before` to `after`.
    pub fn of_change(&self, before: &Run, after: &Run) -> Vec<Telling> {
        let request = &after.request;
        let (Some(repo), true) = (&request.repo, self.github) else {
            return Vec::new();
        };
        let url = self.run_url(&request.id);
        if request.trial {
            return trial(after, url.as_deref()).into_iter().collect();
        }
        let mut all = Vec::new();
        let (old, new) = (status(before), status(after));
        let planned = before.forecast.is_none() && after.forecast.is_some();
        if let Some(status) = &new
            && (old != new || planned || before.version == 0)
        {
            let answer = Answer::of_run(after, status.clone(), url.clone());
            all.extend(answer.map(|answer| Telling::Answer(Box::new(answer))));
        }
        if let Some(number) = request.pull_request
            && (after.state.is_final() || planned || after.awaits().is_some())
            && (before.state != after.state || planned || before.version == 0)
            && let Some(subject) = Subject::of(request)
            && let Some(body) = comment(after, url.as_deref().unwrap_or_default())
        {
            let marker = marker(&request.plan.pipeline);
            all.push(Telling::Comment(Box::new(Remark {
                subject,
                question: Question::of(request),
                run: request.id.clone(),
                number,
                item: OutboxItem {
                    repo: repo.clone(),
                    installation_id: request.installation_id,
                    message: Message::Comment(Comment { number, marker, body }),
                },
            })));
        }
        all
    }

    /// Where people read about a run.
    fn run_url(&self, id: &RunId) -> Option<String> {
        Some(id.page(self.public_url.as_deref()?))
    }
}

/// A trial answers nothing that the pull request asks: its end is a comment of its own, and no check.
fn trial(run: &Run, url: Option<&str>) -> Option<Telling> {
    let request = &run.request;
    let (repo, number) = (request.repo.clone()?, request.pull_request?);
    if !run.state.is_final() {
        return None;
    }
    let of_pipeline = marker(&request.plan.pipeline);
    let marker = format!("{OURS}trial:{} -->", request.id);
    let body = comment(run, url.unwrap_or_default())?.replacen(&of_pipeline, &marker, 1);
    let tried = "This was a trial with other parameters than the file's: it is no check of this pull request.";
    let body = format!("{body}\n{tried}\n");
    Some(Telling::Comment(Box::new(Remark {
        subject: Subject::of(request)?,
        // Of no branch, so that no newer answer takes its place.
        question: Question {
            base: String::new(),
            ..Question::of(request)
        },
        run: request.id.clone(),
        number,
        item: OutboxItem {
            repo,
            installation_id: request.installation_id,
            message: Message::Comment(Comment { number, marker, body }),
        },
    })))
}
