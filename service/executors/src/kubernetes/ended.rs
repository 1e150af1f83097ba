//! How an attempt ended, as it was seen once: it stays so when its pod and its job are gone.

use crate::contract::{AttemptKey, ExecutorError, Observation, ProgramExit};
use crate::staging::Staging;
use serde::{Deserialize, Serialize};
use trainyard_stage::Report;

/// The file beside the attempt's outputs.
const FILE: &str = "end.json";
const FORMAT: u32 = 1;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    format: u32,
    pub(super) how: How,
    /// What its pod said.
    pub(super) report: Option<Report>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// With a code.
    Code(i32),
    /// For its memory.
    OutOfMemory,
    /// By a signal from outside.
    Signal(i32),
    /// It cannot run as it is.
    Refused(String),
    /// It was not started, and may be another time.
    NotStarted(String),
    /// Something outside ended it.
    Interrupted(String),
}

impl Ended {
    pub(super) fn new(how: How, report: Option<Report>) -> Self {
        Self {
            format: FORMAT,
            how,
            report,
        }
    }

    pub(super) fn read(staging: &Staging, key: &AttemptKey) -> Option<Self> {
        let bytes = staging.noted(key, FILE)?;
        serde_json::from_slice::<Self>(&bytes)
            .ok()
            .filter(|found| found.format == FORMAT)
    }

    pub(super) fn keep(&self, staging: &Staging, key: &AttemptKey) -> Result<(), ExecutorError> {
        staging.keep_note(key, FILE, &serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn observation(&self) -> Result<Observation, ExecutorError> {
        Ok(Observation::Ended(match &self.how {
            How::Code(code) => ProgramExit::Code(*code),
            How::OutOfMemory => ProgramExit::OutOfMemory,
            How::Signal(signal) => ProgramExit::Signal(*signal),
            How::Interrupted(why) => ProgramExit::Interrupted(why.clone()),
            How::Refused(message) => {
                return Err(ExecutorError::Refused {
                    message: message.clone(),
                });
            }
            How::NotStarted(message) => {
                return Err(ExecutorError::Failed {
                    message: message.clone(),
                    source: None,
                });
            }
        }))
    }
}

impl From<ProgramExit> for How {
    fn from(exit: ProgramExit) -> Self {
        match exit {
            ProgramExit::Code(code) => Self::Code(code),
            ProgramExit::OutOfMemory => Self::OutOfMemory,
            ProgramExit::Signal(signal) => Self::Signal(signal),
            ProgramExit::Interrupted(why) => Self::Interrupted(why),
            ProgramExit::Unseen => Self::Interrupted("nobody saw how it ended".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read() {
        let kept = r#"{"format":1,"how":{"code":3},"report":{"format":1,"pod":"u","end":{"code":3},"log":{"sha256":"00","bytes":7},"outputs":[{"sha256":"00","bytes":10240}]}}"#;
        let read: Ended = serde_json::from_str(kept).unwrap();
        assert_eq!(read.observation().unwrap(), Observation::Ended(ProgramExit::Code(3)));
        assert_eq!(serde_json::to_string(&read).unwrap(), kept);
        let how = |text: &str| {
            serde_json::from_str::<Ended>(&format!(r#"{{"format":1,"how":{text},"report":null}}"#)).unwrap()
        };
        assert_eq!(
            how(r#""out_of_memory""#).observation().unwrap(),
            Observation::Ended(ProgramExit::OutOfMemory)
        );
        assert_eq!(
            how(r#"{"signal":9}"#).observation().unwrap(),
            Observation::Ended(ProgramExit::Signal(9))
        );
        assert!(
            how(r#"{"refused":"no"}"#).observation().is_err() && how(r#"{"not_started":"no"}"#).observation().is_err()
        );
        assert_eq!(
            how(r#"{"interrupted":"why"}"#).observation().unwrap(),
            Observation::Ended(ProgramExit::Interrupted("why".into()))
        );
    }
}
