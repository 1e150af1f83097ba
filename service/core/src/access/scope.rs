//! How far a token reaches, and the refusal of who may not.

use super::{Deed, Role};
use crate::ids::RepoName;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A role, on some pipelines or all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// What may be done.
    pub role: Role,
    /// With which pipelines, by name or as `owner/name:pipeline`; with all and with the service itself if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipelines: Option<BTreeSet<String>>,
}

impl Stored for Scope {
    const WHAT: &'static str = "token's scope";
    const VERSION: u32 = 1;
}

impl Scope {
    /// The role in what concerns these pipelines, each with its repository if it has one; in what concerns the service
    /// itself where there are none.
    pub fn role_on<'a>(&self, pipelines: impl IntoIterator<Item = (Option<&'a RepoName>, &'a str)>) -> Option<Role> {
        if self.pipelines.is_none() {
            return Some(self.role);
        }
        let mut some = false;
        for (repo, pipeline) in pipelines {
            if !self.has(repo, pipeline) {
                return None;
            }
            some = true;
        }
        some.then_some(self.role)
    }

    /// Whether a pipeline is in it: by its name, or with its repository as `owner/name:pipeline`.
    pub fn has(&self, repo: Option<&RepoName>, pipeline: &str) -> bool {
        self.pipelines.as_ref().is_none_or(|scope| {
            scope.contains(pipeline) || repo.is_some_and(|repo| scope.contains(&format!("{repo}:{pipeline}")))
        })
    }
}

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who.
    pub who: String,
    /// What.
    pub deed: Option<Deed>,
    /// What the person may do there.
    pub has: Option<Role>,
    /// What it takes.
    pub needs: Role,
    /// Where: `pipeline flights of acme/flights`.
    pub place: String,
    /// Whether GitHub's permissions decide.
    pub at_github: bool,
}

impl Refused {
    /// One sentence: what happened, and who can help.
    pub fn sentence(&self) -> String {
        let Self {
            who, has, needs, place, ..
        } = self;
        let deed = match self.deed {
            Some(deed) => format!("to {deed}"),
            None => "to see this".to_owned(),
        };
        let is = match has {
            Some(role) => format!("{who} is {} there", article(*role)),
            None => format!("{who} has no role there"),
        };
        let way = match (self.at_github, needs) {
            (true, _) => format!(
                "whoever administrates the repository can give the GitHub permission '{}'",
                needs.at_github()
            ),
            (false, _) => "an admin can give a token or a group with that role".to_owned(),
        };
        format!("{deed} takes {} for {place}, and {is}: {way}", article(*needs))
    }
}

fn article(role: Role) -> String {
    match role {
        Role::Viewer => format!("a {role}"),
        Role::Operator | Role::Approver | Role::Admin => format!("an {role}"),
    }
}
