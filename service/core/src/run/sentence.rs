//! Every sentence a user reads about a run: what happened, where, what to do next.

use super::{Exit, PushState, Run, SkipCause, Withheld, Word};
use crate::gate::Blessing;
use crate::ids::StepName;
pub use crate::quantity::duration;

/// A run or step ended because somebody asked for it.
pub fn run_cancelled(by: &str) -> String {
    format!("cancelled by {by}")
}

/// A person did not let the commit of a fork run.
pub fn fork_rejected(word: &Word) -> String {
    format!("rejected by {} before anything ran: {}", word.by, word.reason)
}

impl SkipCause {
    /// Why the step did not run, in one sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoData(too_few) => too_few.sentence(),
            Self::UpstreamDidNotFinish { step } => format!("not run, because step '{step}' did not finish"),
            Self::Cancelled { by } => run_cancelled(by),
            Self::Recorded(sentence) => sentence.clone(),
        }
    }
}

/// A step took too long.
pub fn step_timed_out(step: &StepName, seconds: u64) -> String {
    format!(
        "step '{step}' was stopped after {}: raise its timeout or make it faster",
        duration(seconds)
    )
}

/// A step's program ended badly; also whether another attempt is useless.
pub fn step_ended(step: &StepName, exit: &Exit, memory_bytes: Option<u64>) -> (String, bool) {
    match exit {
        Exit::Success => (format!("step '{step}' ended"), false),
        Exit::Code { last_line, .. } | Exit::DiskFull { last_line } if exit.is_full_disk() => {
            let said = last_line.as_ref().map(|line| format!(" ({line})")).unwrap_or_default();
            (
                format!("step '{step}' found the disk full: make room below the service's data_dir{said}"),
                false,
            )
        }
        Exit::DiskFull { .. } => (format!("step '{step}' found the disk full"), false),
        Exit::ImageGone { image_id } => (
            format!(
                "step '{step}' could not be started: its image {image_id} is gone from the engine: look for what removes images there"
            ),
            false,
        ),
        Exit::OutputsTooLarge { bytes: there, limit } => (
            format!(
                "step '{step}' was stopped, since its outputs take {} of the disk and a step may take {}: write less, or raise executor.max_output",
                bytes(*there),
                bytes(*limit)
            ),
            true,
        ),
        Exit::Code { code, last_line } => {
            let how = match signal_name(code - 128) {
                Some((name, true)) => format!("crashed with {name} (exit code {code})"),
                Some((name, false)) => format!("exited with code {code}, as after {name}"),
                None => format!("exited with code {code}"),
            };
            let hint = match exit.says_large_file() {
                true => "; a file may be as large as all outputs of a step, which executor.max_output says",
                false => "",
            };
            (
                format!("step '{step}' {how}{}{hint}", said(last_line.as_deref())),
                false,
            )
        }
        Exit::OutOfMemory { limit } => {
            let why = match (memory_bytes, limit) {
                (Some(limit), _) => format!("{} of memory: raise its resources.memory", bytes(limit)),
                (None, Some(limit)) => format!(
                    "{} of memory, which executor.step_memory gives steps without resources.memory: give it resources.memory",
                    bytes(*limit)
                ),
                (None, None) => "a step without resources.memory may use: set it".to_owned(),
            };
            (format!("step '{step}' was killed for using more than {why}"), false)
        }
        Exit::Signal { signal, last_line } => match signal_name(*signal) {
            Some((name, true)) => {
                let said = said(last_line.as_deref());
                (format!("step '{step}' crashed with {name}{said}"), false)
            }
            named => {
                let name = named.map_or_else(|| format!("signal {signal}"), |(name, _)| name.to_owned());
                (
                    format!(
                        "step '{step}' was ended by {name} from outside: look for who stops programs or containers there"
                    ),
                    false,
                )
            }
        },
        Exit::NotStarted { reason, permanent } => (format!("step '{step}' could not be started: {reason}"), *permanent),
        Exit::Lost { reason: None } => (
            format!("step '{step}' was lost: its container was removed, or its engine restarted, while it ran"),
            false,
        ),
        Exit::Lost { reason: Some(reason) } => (format!("step '{step}' was lost: {reason}"), false),
    }
}

/// Something outside ended a step so often that it is not tried again.
pub fn interrupted_too_often(reason: &str, times: u32) -> String {
    format!("{reason} (that happened {times} times, so that it is not started again by itself)")
}

fn said(line: Option<&str>) -> String {
    line.map_or_else(
        || " and wrote nothing: see its log".to_owned(),
        |line| format!(": {line}"),
    )
}

/// A signal's name, and whether it is a program's own fault (a crash) and not somebody's wish.
fn signal_name(signal: i32) -> Option<(&'static str, bool)> {
    Some(match signal {
        1 => ("SIGHUP", false),
        2 => ("SIGINT", false),
        3 => ("SIGQUIT", false),
        4 => ("SIGILL", true),
        5 => ("SIGTRAP", true),
        6 => ("SIGABRT", true),
        7 => ("SIGBUS", true),
        8 => ("SIGFPE", true),
        9 => ("SIGKILL", false),
        11 => ("SIGSEGV", true),
        13 => ("SIGPIPE", false),
        15 => ("SIGTERM", false),
        31 => ("SIGSYS", true),
        _ => return None,
    })
}

/// The end of a run to which something happened that the state machine knows to be impossible.
pub fn impossible(why: &str) -> String {
    format!(
        "the run was stopped by a defect of Trainyard: an event that cannot happen here ({why}); the service's log has \
         the event: report it, and start the run again"
    )
}

/// The end of a run in which a step failed.
pub fn step_failed(step: &StepName, reason: &str) -> String {
    if reason.contains(&format!("'{step}'")) {
        reason.to_owned()
    } else {
        format!("step '{step}': {reason}")
    }
}

/// The end of a run that has not enough data yet, a normal one.
pub fn run_skipped(cause: &SkipCause) -> String {
    format!("skipped: {}", cause.sentence())
}

/// The end of a run in which every step finished.
pub fn run_succeeded(run: &Run) -> String {
    let Some(verdict) = &run.verdict else {
        return "all steps finished".to_owned();
    };
    let kept_back = |because: &Withheld| match (because, verdict.blessing()) {
        (Withheld::Unchanged { .. }, _) => format!("unchanged: {}", because.sentence()),
        (_, Blessing::Unchanged) => format!("unchanged, not pushed again: {}", because.sentence()),
        _ => format!("approved, not pushed: {}", because.sentence()),
    };
    if let (PushState::Pushed { version }, Some(drift)) = (&run.push, &run.restored) {
        let found = drift.sentence();
        return format!("unchanged, and pushed again as version {version}, since it did not serve: {found}");
    }
    match (verdict.blessing(), &run.push) {
        (Blessing::Blessed, PushState::Pushed { version }) => match &run.approved {
            Some(word) => format!(
                "approved, and serving as version {version}, also by the word of {}",
                word.by
            ),
            None => format!("approved, and serving as version {version}"),
        },
        (Blessing::Blessed | Blessing::Unchanged, PushState::Withheld { because }) => kept_back(because),
        (Blessing::Unchanged, _) => {
            let version = verdict.unchanged().unwrap_or_default().to_owned();
            format!("unchanged: {}", Withheld::Unchanged { version }.sentence())
        }
        (Blessing::Blessed, _)
            if run.request.may_push || (run.request.work_tree.is_some() && run.request.plan.push.is_none()) =>
        {
            "approved; the pipeline names no push target".to_owned()
        }
        (Blessing::Blessed, _) if run.request.pull_request.is_some() => {
            "approved; a pull request's model is not pushed".to_owned()
        }
        (Blessing::Blessed, _) if run.request.work_tree.is_some() => {
            "approved; a run of a folder pushes only with --push".to_owned()
        }
        (Blessing::Blessed, _) => "approved; this run was asked not to push".to_owned(),
        (Blessing::NotBlessed, _) => match verdict.reason() {
            Some(reason) => format!("not approved: {reason}"),
            None => "not approved".to_owned(),
        },
        (Blessing::NotEvaluated, _) => {
            let reason = verdict.reason().unwrap_or("the gate has no thresholds");
            format!("not judged: {reason}")
        }
    }
}

/// Bytes as people write them: `512 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value.fract() == 0.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}
