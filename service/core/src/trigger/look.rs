//! How the triggers of a pipeline met an event: every trigger, every filter, and which one failed. What starts follows
//! from the same [`checks`], so that no explanation says otherwise.

use super::not_started::Why;
use crate::event::{Event, PullRequest, PullRequestAction, RepositoryEvent, RepositoryEventKind};
use crate::glob::list_matches;
use crate::plan::Plan;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// One pipeline, as it met an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The pipeline.
    pub pipeline: String,
    /// The folder of its file.
    pub folder: String,
    /// Why its triggers were not asked, or count for nothing: the file is wrong, for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its triggers, the one for this kind of event first.
    #[serde(default)]
    pub triggers: Vec<TriggerLook>,
}

/// All that met one event; stored with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// One for each pipeline that was looked at.
    pub pipelines: Vec<Look>,
}

impl Stored for Looks {
    const WHAT: &'static str = "look at an event";
    const VERSION: u32 = 1;
}

/// One trigger of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerLook {
    /// Its key in the pipeline file, `push` for example.
    pub trigger: String,
    /// Whether it is the one for this kind of event; the filters of others are not asked.
    pub met: bool,
    /// Whether the pipeline file has it at all.
    pub listens: bool,
    /// Its filters, in the order in which they count: the first that failed is the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterLook>,
}

/// One filter of a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterLook {
    /// Its key in the pipeline file, `branches` for example.
    pub filter: String,
    /// What it lets through; nothing where the file has no such filter, which lets everything through.
    #[serde(default)]
    pub asks: Vec<String>,
    /// What the event has of it, at most the first [`FOUND`].
    #[serde(default)]
    pub found: Vec<String>,
    /// How many that are in all.
    pub found_in_all: usize,
    /// Whether it let the event through.
    pub result: FilterResult,
}

impl FilterLook {
    /// What it asks for and what the event has, in words.
    pub fn sentence(&self) -> String {
        let asks = self.asks.join(", ");
        let found = match (self.found.as_slice(), self.found_in_all) {
            ([], _) => "nothing".to_owned(),
            ([one], 1) => format!("'{one}'"),
            (some, all) if all > some.len() => format!("{} and {} more", some.join(", "), all - some.len()),
            (some, _) => some.join(", "),
        };
        match self.result {
            FilterResult::Passed if self.asks.is_empty() => "no filter: everything is let through".to_owned(),
            FilterResult::Passed => format!("[{asks}] lets {found} through"),
            FilterResult::Unknown => format!("[{asks}] could not be asked, and lets it through"),
            FilterResult::Failed => format!("[{asks}] does not let {found} through"),
        }
    }
}

/// What a filter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterResult {
    /// It let the event through.
    Passed,
    /// It did not.
    Failed,
    /// It could not be asked, and let the event through: the paths of a forced push are not known, for example.
    Unknown,
}

/// So much of what an event has is kept of a filter.
pub const FOUND: usize = 20;

/// A filter that was asked, and why no run starts if it failed.
pub(super) struct Check {
    pub(super) filter: &'static str,
    asks: Vec<String>,
    found: Option<Vec<String>>,
    pub(super) why: Option<Why>,
}

impl Check {
    /// A filter with these globs, that lets through what has a text that matches one.
    fn globs(
        filter: &'static str,
        globs: Option<&[String]>,
        found: Option<Vec<String>>,
        why: fn(Vec<String>) -> Why,
    ) -> Self {
        let failed = match (globs, &found) {
            (Some(globs), Some(found)) => !found.iter().any(|text| list_matches(globs, text)),
            _ => false,
        };
        let asks = globs.unwrap_or_default().to_vec();
        Self {
            filter,
            why: failed.then(|| why(asks.clone())),
            asks,
            found,
        }
    }

    /// A filter that asks for one thing.
    fn one(filter: &'static str, asks: &str, found: &str, why: impl FnOnce() -> Why) -> Self {
        Self {
            filter,
            asks: vec![asks.to_owned()],
            found: Some(vec![found.to_owned()]),
            why: (asks != found).then(why),
        }
    }

    fn look(self) -> FilterLook {
        let result = match (&self.why, &self.found) {
            (Some(_), _) => FilterResult::Failed,
            (None, None) if !self.asks.is_empty() => FilterResult::Unknown,
            (None, _) => FilterResult::Passed,
        };
        let mut found = self.found.unwrap_or_default();
        let found_in_all = found.len();
        found.truncate(FOUND);
        FilterLook {
            filter: self.filter.to_owned(),
            asks: self.asks,
            found,
            found_in_all,
            result,
        }
    }
}

impl Look {
    /// How `plan`, whose file is in `folder`, meets `event`, whose trigger's filters were asked.
    pub(super) fn of(plan: &Plan, folder: &str, event: &Event, checks: Result<Vec<Check>, Why>) -> Self {
        let (met, others): (Vec<_>, Vec<_>) = listens(plan)
            .into_iter()
            .partition(|(trigger, _)| *trigger == event.kind());
        let look = |(trigger, listens): (&str, bool), met| TriggerLook {
            trigger: trigger.to_owned(),
            met,
            listens,
            filters: Vec::new(),
        };
        let met = met.into_iter().map(|trigger| look(trigger, true));
        let others = others.into_iter().filter(|(_, listens)| *listens);
        let mut triggers: Vec<TriggerLook> = met.chain(others.map(|trigger| look(trigger, false))).collect();
        if let (Some(first), Ok(checks)) = (triggers.first_mut().filter(|first| first.met), checks) {
            first.filters = checks.into_iter().map(Check::look).collect();
        }
        Self {
            pipeline: plan.pipeline.clone(),
            folder: folder.to_owned(),
            problem: None,
            triggers,
        }
    }

    /// A pipeline whose triggers were not asked.
    pub fn not_asked(pipeline: &str, folder: &str, problem: String) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            folder: folder.to_owned(),
            problem: Some(problem),
            triggers: Vec::new(),
        }
    }

    /// The filter because of which no run starts; the first one counts.
    pub fn failed(&self) -> Option<(&TriggerLook, &FilterLook)> {
        let met = self.triggers.iter().find(|trigger| trigger.met)?;
        let failed = met
            .filters
            .iter()
            .find(|filter| filter.result == FilterResult::Failed)?;
        Some((met, failed))
    }
}

/// The triggers that a pipeline file can have, and whether this one has them.
fn listens(plan: &Plan) -> [(&'static str, bool); 8] {
    let on = &plan.triggers;
    [
        ("push", on.push.is_some()),
        ("pull_request", on.pull_request.is_some()),
        ("release", on.release.is_some()),
        ("workflow_run", on.workflow_run.is_some()),
        ("repository_dispatch", on.repository_dispatch.is_some()),
        ("data", on.data.is_some()),
        ("schedule", on.schedule.is_some()),
        // A person may always ask.
        ("manual", true),
    ]
}

/// Every filter of the trigger that the event meets, in the order in which they count; the error where there is no
/// such trigger.
pub(super) fn checks(plan: &Plan, event: &Event, changed_paths: Option<&[String]>) -> Result<Vec<Check>, Why> {
    let on = &plan.triggers;
    let named = |meant: &str| {
        Check::one("pipeline", &plan.pipeline, meant, || {
            Why::OtherPipeline(meant.to_owned())
        })
    };
    match event {
        Event::Push(push) => {
            let trigger = on.push.as_ref().ok_or(Why::NotListening)?;
            Ok(vec![
                branches(trigger.branches.as_deref(), &push.branch),
                paths(trigger.paths.as_deref(), changed_paths),
            ])
        }
        Event::PullRequest(pull) => {
            let trigger = on.pull_request.as_ref().ok_or(Why::NotListening)?;
            Ok(vec![
                types_of_pull(trigger.types.as_deref(), pull.action),
                labels(trigger.labels.as_deref(), pull),
                branches(trigger.branches.as_deref(), &pull.base_branch),
                paths(trigger.paths.as_deref(), changed_paths),
            ])
        }
        Event::Repository(event) => repository_event(plan, event),
        Event::DataArrived(arrived) => {
            let trigger = on.data.as_ref().ok_or(Why::NotListening)?;
            let other = || Why::OtherSource(trigger.source.clone());
            Ok(vec![Check::one("source", &trigger.source, &arrived.source, other)])
        }
        Event::ScheduleDue(due) => {
            let named = named(&due.pipeline);
            if named.why.is_none() && on.schedule.is_none() {
                return Err(Why::NoSchedule);
            }
            Ok(vec![named])
        }
        Event::Manual(manual) => Ok(vec![named(&manual.pipeline)]),
        // What is asked on GitHub becomes a request of its own once it is known that the person may.
        Event::Asked(_) => Err(Why::NotListening),
    }
}

fn branches(globs: Option<&[String]>, branch: &str) -> Check {
    Check::globs("branches", globs, Some(vec![branch.to_owned()]), Why::OtherBranches)
}

fn paths(globs: Option<&[String]>, changed: Option<&[String]>) -> Check {
    Check::globs("paths", globs, changed.map(<[String]>::to_vec), Why::OtherPaths)
}

fn repository_event(plan: &Plan, event: &RepositoryEvent) -> Result<Vec<Check>, Why> {
    let on = &plan.triggers;
    let types = |types: Option<&[String]>, usual: Option<&str>| {
        let usual = usual.map(|usual| vec![usual.to_owned()]);
        let asks = types.map(<[String]>::to_vec).or(usual);
        Check::globs(
            "types",
            asks.as_deref(),
            Some(vec![event.action.clone()]),
            Why::OtherTypes,
        )
    };
    match event.kind {
        RepositoryEventKind::Release => {
            let trigger = on.release.as_ref().ok_or(Why::NotListening)?;
            Ok(vec![types(trigger.types.as_deref(), Some("published"))])
        }
        RepositoryEventKind::RepositoryDispatch => {
            let trigger = on.repository_dispatch.as_ref().ok_or(Why::NotListening)?;
            Ok(vec![types(trigger.types.as_deref(), None)])
        }
        RepositoryEventKind::WorkflowRun => {
            let trigger = on.workflow_run.as_ref().ok_or(Why::NotListening)?;
            let found = |word: &Option<String>| Some(word.iter().cloned().collect());
            let workflows = trigger.workflows.as_deref();
            let conclusions = trigger.conclusions.as_deref();
            Ok(vec![
                types(trigger.types.as_deref(), Some("completed")),
                Check::globs("workflows", workflows, found(&event.name), Why::OtherWorkflows),
                Check::globs(
                    "branches",
                    trigger.branches.as_deref(),
                    found(&event.branch),
                    Why::OtherBranches,
                ),
                Check::globs(
                    "conclusions",
                    conclusions,
                    found(&event.conclusion),
                    Why::OtherConclusions,
                ),
            ])
        }
    }
}

fn types_of_pull(types: Option<&[PullRequestAction]>, action: PullRequestAction) -> Check {
    let types = types.unwrap_or(&PullRequestAction::USUAL);
    let asks: Vec<String> = types.iter().map(|word| word.as_str().to_owned()).collect();
    let found = Some(vec![action.as_str().to_owned()]);
    Check::globs("types", Some(&asks), found, Why::OtherTypes)
}

/// The label that is given or taken, else those that the pull request has.
fn labels(globs: Option<&[String]>, pull: &PullRequest) -> Check {
    let found = match (&pull.label, pull.action) {
        (Some(label), PullRequestAction::Labeled | PullRequestAction::Unlabeled) => vec![label.clone()],
        _ => pull.labels.clone(),
    };
    Check::globs("labels", globs, Some(found), Why::OtherLabels)
}
