//! What a pod's status says of its program. The pod is read and never its job, which calls everything a failed one.

use super::manifest::{BRING, STEP, TAKE};
use crate::contract::ProgramExit;
use chrono::{DateTime, Utc};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use std::time::Duration;
use trainyard_stage::{CLAIMED_BY_ANOTHER, End, Report};

/// What is known of an attempt by its pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has not begun, and why not.
    Waits(Waits),
    /// The program runs, or what it made is taken away.
    Runs,
    /// Everything was taken away: the pod's report says how it ended.
    Reported {
        /// The pod's uid.
        pod: String,
        /// Whether the kernel killed something of it for its memory.
        out_of_memory: bool,
    },
    /// The program ended by itself, and nothing stands beside it.
    Ended(ProgramExit),
    /// Something else ended it.
    Over(Interruption),
}

/// Why a pod does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// There is no pod yet.
    NoPod,
    /// No node takes it.
    Unschedulable { words: String },
    /// Its image is not there yet.
    Image { image: String, why: String },
    /// An image's name that is none.
    BadImage { image: String },
    /// A container cannot be made.
    Container { why: String },
    /// It is being made.
    Starting,
}

/// What ended a program that is none of its own doings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// The node threw it out.
    Evicted { why: String },
    /// Its node is gone, or its pod was removed.
    PodGone { node: Option<String> },
    /// A second pod found that another one had begun.
    BegunTwice,
    /// Its inputs were not brought.
    NotBrought { why: String },
    /// What it made was not taken away.
    NotTaken { why: String },
    /// It waited for too long.
    NeverStarted { waited: Waits, seconds: u64 },
    /// A time limit of the cluster's.
    Deadline,
}

impl Waits {
    /// What it waits for.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NoPod => "the cluster has made no pod for it: look at the events of its job".to_owned(),
            Self::Unschedulable { words } => {
                format!("no node takes it ({words}): make room, or correct its resources or [executor.kubernetes]")
            }
            Self::Image { image, why } => {
                format!("its node cannot pull {image} ({why}): see that nodes reach the registry and may pull there")
            }
            Self::BadImage { image } => format!("{image} is no name of an image: correct executor.kubernetes.registry"),
            Self::Container { why } => format!("its container cannot be made ({why})"),
            Self::Starting => "its node is still making it: look at the events of its pod".to_owned(),
        }
    }

    /// Whether waiting does not help.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::BadImage { .. })
    }
}

impl Interruption {
    /// What happened, and what to do.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Evicted { why } => format!("its node threw it out ({why}): give it more room, or less to do beside others"),
            Self::PodGone { node: Some(node) } => format!("its pod went with the node {node}, or was removed there"),
            Self::PodGone { node: None } => "its pod was removed".to_owned(),
            Self::BegunTwice => "the cluster started it a second time while it may have been at work elsewhere: neither of the two counts".to_owned(),
            Self::NotBrought { why } => format!("its inputs could not be brought: {why}"),
            Self::NotTaken { why } => format!("what it made could not be taken away: {why}"),
            Self::NeverStarted { waited, seconds } => format!("it did not start within {seconds}s: {}", waited.sentence()),
            Self::Deadline => "the cluster's own time limit for pods ended it: raise it for this namespace".to_owned(),
        }
    }
}

/// How a program ended, by the report of its pod.
pub(super) fn reported(report: &Report, out_of_memory: bool) -> Result<ProgramExit, String> {
    match &report.end {
        End::Code(0) => Ok(ProgramExit::Code(0)),
        _ if out_of_memory => Ok(ProgramExit::OutOfMemory),
        End::Code(code) => Ok(ProgramExit::Code(*code)),
        // Its parent was killed with it, and not for its memory.
        End::Unseen => Ok(ProgramExit::Signal(9)),
        End::NotExecuted { program, why } => Err(format!(
            "its image has no program '{program}' that can be executed ({why}): correct the step's command"
        )),
    }
}

/// What the pods of a job say.
pub(super) fn seen(pods: &[Pod]) -> Seen {
    let newest = pods.iter().max_by_key(|pod| pod.metadata.creation_timestamp.clone());
    let Some(newest) = newest else {
        return Seen::Waits(Waits::NoPod);
    };
    match of_pod(newest) {
        Seen::Over(Interruption::BegunTwice) => pods
            .iter()
            .map(of_pod)
            .find(|seen| matches!(seen, Seen::Reported { .. } | Seen::Ended(_)))
            .unwrap_or(Seen::Over(Interruption::BegunTwice)),
        seen => seen,
    }
}

/// Since when a pod waits.
pub(super) fn waits_for(pods: &[Pod], job: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let made = pods.iter().filter_map(created).max().or(job).unwrap_or(now);
    (now - made).to_std().unwrap_or_default()
}

fn created(pod: &Pod) -> Option<DateTime<Utc>> {
    time(&pod.metadata.creation_timestamp)
}

/// Kubernetes' time as ours.
pub(super) fn time(time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>) -> Option<DateTime<Utc>> {
    let text = serde_json::to_value(time.as_ref()?).ok()?;
    DateTime::parse_from_rfc3339(text.as_str()?)
        .ok()
        .map(|time| time.to_utc())
}

fn of_pod(pod: &Pod) -> Seen {
    let Some(status) = &pod.status else {
        return Seen::Waits(Waits::Starting);
    };
    let taken = is_taken(pod);
    let none = Vec::new();
    let brings = status.init_container_statuses.as_ref().unwrap_or(&none);
    let runs = status.container_statuses.as_ref().unwrap_or(&none);
    let of = |name: &str| brings.iter().chain(runs).find(|container| container.name == name);
    let ended = |name: &str| of(name).and_then(|container| container.state.as_ref()?.terminated.as_ref());
    let killed =
        |end: Option<&ContainerStateTerminated>| end.is_some_and(|end| end.reason.as_deref() == Some("OOMKilled"));

    if let Some(end) =
        ended(STEP).filter(|end| matches!(end.reason.as_deref(), Some("StartError" | "ContainerCannotRun")))
    {
        return Seen::Over(Interruption::NeverStarted {
            waited: Waits::Container { why: words(end) },
            seconds: 0,
        });
    }
    if taken && ended(TAKE).is_some_and(|end| end.exit_code == 0) && ended(STEP).is_some() {
        return Seen::Reported {
            pod: pod.metadata.uid.clone().unwrap_or_default(),
            out_of_memory: killed(ended(STEP)),
        };
    }
    if let Some(end) = ended(BRING).filter(|end| end.exit_code != 0) {
        return Seen::Over(match end.exit_code {
            CLAIMED_BY_ANOTHER => Interruption::BegunTwice,
            _ => Interruption::NotBrought { why: words(end) },
        });
    }
    let is_over = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
    match status.reason.as_deref() {
        Some("DeadlineExceeded") => return Seen::Over(Interruption::Deadline),
        Some(reason) if is_over => {
            let why = status.message.clone().unwrap_or_else(|| reason.to_owned());
            return Seen::Over(Interruption::Evicted {
                why: why.trim().to_owned(),
            });
        }
        _ => {}
    }
    if let Some(end) = ended(STEP).filter(|_| !taken) {
        return Seen::Ended(match end.exit_code {
            0 => ProgramExit::Code(0),
            _ if killed(Some(end)) => ProgramExit::OutOfMemory,
            code => ProgramExit::Code(code),
        });
    }
    // Which of two containers ended first is told in any order.
    if let Some(end) = ended(TAKE).filter(|end| end.exit_code != 0) {
        return Seen::Over(Interruption::NotTaken { why: words(end) });
    }
    if is_over {
        return Seen::Over(Interruption::PodGone {
            node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        });
    }
    let waiting = brings
        .iter()
        .chain(runs)
        .find_map(|container| Some((container, blocked(container)?)));
    if let Some((_, waits)) = waiting {
        return Seen::Waits(waits);
    }
    let conditions = status.conditions.as_ref().map_or(&[][..], Vec::as_slice);
    let unscheduled = conditions
        .iter()
        .find(|found| found.type_ == "PodScheduled" && found.status == "False");
    if let Some(found) = unscheduled {
        let words = found.message.clone().or(found.reason.clone()).unwrap_or_default();
        return Seen::Waits(Waits::Unschedulable { words });
    }
    match of(STEP).and_then(|container| container.state.as_ref()) {
        Some(
            ContainerState { running: Some(_), .. }
            | ContainerState {
                terminated: Some(_), ..
            },
        ) => Seen::Runs,
        // Its inputs are on their way, which takes as long as they are large.
        _ if of(BRING).is_some_and(begun) => Seen::Runs,
        _ => Seen::Waits(Waits::Starting),
    }
}

/// Whether something beside the program says how it ended: not of an image's own command.
fn is_taken(pod: &Pod) -> bool {
    let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.any(|container| container.name == STEP && container.command.is_some())
}

/// Whether its program has begun, and so has a log.
pub(super) fn has_begun(pod: &Pod) -> bool {
    let containers = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    containers
        .into_iter()
        .any(|container| container.name == STEP && begun(container))
}

fn begun(container: &ContainerStatus) -> bool {
    let state = container.state.as_ref();
    state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
}

/// Why a container does not begin, where its node says so.
fn blocked(container: &ContainerStatus) -> Option<Waits> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let why = || {
        let message = waiting.message.as_deref().unwrap_or_default().trim();
        let reason = waiting.reason.as_deref().unwrap_or_default();
        if message.is_empty() {
            reason.to_owned()
        } else {
            message.to_owned()
        }
    };
    let image = container.image.clone();
    Some(match waiting.reason.as_deref()? {
        "InvalidImageName" => Waits::BadImage { image },
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "RegistryUnavailable" | "ImageInspectError" => {
            Waits::Image { image, why: why() }
        }
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PreStartHookError" => Waits::Container { why: why() },
        _ => return None,
    })
}

/// What a container said at its end.
fn words(end: &ContainerStateTerminated) -> String {
    let said = end.message.as_deref().unwrap_or_default().trim();
    match (said, end.reason.as_deref()) {
        ("", Some("OOMKilled")) => "its node has too little memory for what stands beside the program".to_owned(),
        ("", _) => format!("exit code {}, and it said nothing", end.exit_code),
        (said, _) => said.to_owned(),
    }
}

#[cfg(test)]
mod tests;
