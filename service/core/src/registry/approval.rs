//! On whose word a model may serve.

use super::ModelVersion;
use crate::gate::{Blessed, Blessing, InvalidOverride, Override};

/// A model with the proof that it may serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// The proof.
    pub blessed: Blessed,
    /// The person's word, where the gate gave none.
    pub forced: Option<Override>,
}

/// Why a model may not serve as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApproved {
    /// It was made by the code of a fork, on which nobody's word for a push counts.
    Fork(u64),
    /// A person must approve its push, too, and this one does not say why.
    NoWord,
    /// It was made for a pull request, whose code nobody merged.
    PullRequest(u64),
    /// A person approved it once, the gate never.
    NeverByTheGate,
    /// The gate said no: its first reason.
    Rejected(String),
    /// The gate did not say yes.
    Verdict(Blessing),
    /// No gate looked at it.
    NotJudged,
    /// A person approves it without saying who or why.
    Override(InvalidOverride),
}

impl NotApproved {
    /// What is missing and what to do.
    pub fn sentence(&self) -> String {
        let why = match self {
            Self::Override(invalid) => return invalid.to_string(),
            Self::NoWord => {
                return "a person must approve what is pushed there: say why with --reason \"…\", which the ledger keeps, or use `trainyard approve`".to_owned();
            }
            Self::Fork(number) => {
                return format!(
                    "this model was made by the code of a fork (pull request #{number}), and serves nowhere: merge the pull request, and push what is trained then"
                );
            }
            Self::PullRequest(number) => {
                format!("this model was made for pull request #{number}, which a promotion does not merge")
            }
            Self::NeverByTheGate => "the gate never approved this model".to_owned(),
            Self::Rejected(reason) => format!("the gate did not approve this model: {reason}"),
            Self::Verdict(blessing) => format!("the gate's verdict on this model is {}", blessing.as_str()),
            Self::NotJudged => "no gate judged this model".to_owned(),
        };
        format!("{why}; to promote it nevertheless, say why with --reason \"…\", which the ledger keeps")
    }
}

/// The proof of approval: the gate's, where it judged this very content for the base branch; else the person's,
/// who says why.
pub fn approve(found: &ModelVersion, actor: &str, reason: Option<&str>) -> Result<Approval, NotApproved> {
    let run = found.run.as_ref();
    let pull_request = run.and_then(|run| run.request.pull_request);
    if let Some(run) = run.filter(|run| run.request.fork.is_some()) {
        return Err(NotApproved::Fork(run.request.pull_request.unwrap_or_default()));
    }
    let by_gate = run
        .filter(|_| pull_request.is_none() && !found.forced_before)
        .and_then(|run| {
            // A version whose run found it unchanged was approved before it served first.
            let unchanged = || found.version.as_ref().and_then(|_| run.bless_unchanged(&found.model));
            run.bless(&found.model).or_else(unchanged)
        });
    if let Some(blessed) = by_gate {
        return Ok(Approval { blessed, forced: None });
    }
    let Some(reason) = reason else {
        let verdict = run.and_then(|run| run.verdict.as_ref());
        return Err(match (pull_request, verdict) {
            (Some(number), _) => NotApproved::PullRequest(number),
            (None, _) if found.forced_before => NotApproved::NeverByTheGate,
            (None, Some(verdict)) => match verdict.failures().next() {
                Some(failure) => NotApproved::Rejected(failure.sentence.clone()),
                None => NotApproved::Verdict(verdict.blessing()),
            },
            (None, None) => NotApproved::NotJudged,
        });
    };
    let forced = Override::new(actor, reason).map_err(NotApproved::Override)?;
    Ok(Approval {
        blessed: Blessed::by_person(found.model.clone(), &forced),
        forced: Some(forced),
    })
}
