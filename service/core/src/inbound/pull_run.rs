//! A run of a pull request that a person asks for, whatever paths it changed.

use super::interpretation::{Draft, Given, Interpretation};
use super::origin::Origin;
use super::pipelines::{FoundPipeline, SameName, told_apart};
use super::repository::named;
use crate::event::{Event, Manual, PullRequest};
use crate::ids::{CommitSha, RepoName};
use crate::plan::narrow;
use crate::problem::Problem;
use crate::suggest;
use crate::trigger::Cause;
use serde_json::{Map, Value};

/// What is asked.
#[derive(Clone, Debug)]
pub struct PullRun<'a> {
    /// The pull request as it is now.
    pub pull: &'a PullRequest,
    /// Who asks.
    pub actor: &'a str,
    /// The pipeline; all of them if absent.
    pub pipeline: Option<&'a str>,
    /// Parameters that replace those of its file.
    pub parameters: &'a Map<String, Value>,
}

/// Why nothing is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// A stranger's code waits for an approval.
    Fork {
        /// The pull request.
        number: u64,
    },
    /// The commit has no pipeline.
    NoPipeline {
        /// The repository.
        repo: RepoName,
        /// The commit.
        commit: CommitSha,
    },
    /// It has none of that name.
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Several pipelines, and parameters for one of them.
    Which {
        /// What there is.
        known: Vec<String>,
    },
    /// Two files have that name.
    SameName(SameName),
    /// The parameters do not fit the file, or it is wrong.
    Invalid(Problem),
}

impl NotRun {
    /// What is wrong and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Fork { number } => format!(
                "pull request #{number} comes from a fork: it runs when a person who may write has approved it, with /trainyard approve"
            ),
            Self::NoPipeline { repo, commit } => {
                format!("{repo} has no pipelines/<name>/pipeline.yaml at {commit}: there is nothing to run")
            }
            Self::Unknown { asked, known } => {
                let hint = suggest::hint(asked, known.iter().map(String::as_str));
                format!("there is no pipeline '{asked}' at the head of this pull request: {hint}")
            }
            Self::Which { known } => format!(
                "parameters are of one pipeline: write its name before them ({})",
                known.join(", ")
            ),
            Self::SameName(same) => same.sentence(),
            Self::Invalid(problem) => format!("nothing was run: {problem}"),
        }
    }
}

/// The pipeline that parameters are for; `None` without any.
pub fn parameters_for<'a>(asked: &PullRun<'a>, head: &'a [FoundPipeline]) -> Result<Option<&'a str>, NotRun> {
    if asked.parameters.is_empty() {
        return Ok(None);
    }
    match (asked.pipeline, head) {
        (Some(name), _) => Ok(Some(name)),
        (None, [only]) => Ok(Some(only.name())),
        (None, several) => Err(NotRun::Which {
            known: several.iter().map(|found| found.name().to_owned()).collect(),
        }),
    }
}

/// The runs that are asked for. `base`, `default` and `head` are as of [`pull_request`](super::pull_request()), those of
/// `head` with the parameters that are asked for: gate, target and network are those of the reviewed file without them.
pub fn pull_run(
    asked: &PullRun<'_>,
    base: &[FoundPipeline],
    default: Option<&[FoundPipeline]>,
    head: &[FoundPipeline],
    given: Given<'_>,
) -> Result<Interpretation, NotRun> {
    let pull = asked.pull;
    if pull.is_fork() {
        return Err(NotRun::Fork { number: pull.number });
    }
    if head.is_empty() {
        return Err(NotRun::NoPipeline {
            repo: pull.repo.clone(),
            commit: pull.head_sha.clone(),
        });
    }
    let only = parameters_for(asked, head)?.or(asked.pipeline);
    if let Some(name) = only
        && !head.iter().any(|found| found.name() == name)
    {
        return Err(NotRun::Unknown {
            asked: name.to_owned(),
            known: head.iter().map(|found| found.name().to_owned()).collect(),
        });
    }
    let trial = !asked.parameters.is_empty();
    let (_, same) = told_apart(head);
    if let Some(same) = same.into_iter().find(|same| only == Some(same.name.as_str())) {
        return Err(NotRun::SameName(same));
    }
    let origin = Origin::pull_request(pull);
    let cause = Cause::Asked {
        number: pull.number,
        actor: asked.actor.to_owned(),
        trial,
    };
    let mut draft = Draft::new(given);
    draft.see(pull);
    for pipeline in draft.apart(head, &origin) {
        if only.is_some_and(|only| only != pipeline.name()) {
            continue;
        }
        let plan = match &pipeline.plan {
            Ok(plan) => plan,
            Err(problems) if trial => {
                let first = problems.first().cloned();
                return Err(first.map_or_else(
                    || NotRun::NoPipeline {
                        repo: pull.repo.clone(),
                        commit: pull.head_sha.clone(),
                    },
                    NotRun::Invalid,
                ));
            }
            Err(problems) => {
                draft.invalid(pipeline, pipeline.name(), problems, &origin);
                continue;
            }
        };
        let mut plan = plan.clone();
        if let Some(default) = default {
            narrow(&mut plan, named(default, pipeline.name()));
        }
        let merged = named(base, &plan.pipeline);
        draft.judge(&origin, pipeline, &plan, (merged, &pull.base_branch), &cause);
    }
    Ok(draft.of(Event::Manual(Manual {
        repo: Some(pull.repo.clone()),
        pipeline: only.unwrap_or_default().to_owned(),
        git_ref: Some(pull.head_sha.to_string()),
        actor: asked.actor.to_owned(),
        parameters: asked.parameters.clone(),
        spans: Default::default(),
        no_push: true,
    })))
}
