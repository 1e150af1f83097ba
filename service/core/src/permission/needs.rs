//! What the service asks of GitHub, and what of it is missing.

use super::{Grant, Level, title};
use std::collections::BTreeMap;

/// A permission that the service asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// GitHub's name in its API.
    pub permission: &'static str,
    /// How far it must reach.
    pub level: Level,
    /// Whether nothing works without it.
    pub required: bool,
    /// What it is for.
    pub why: &'static str,
}

const fn need(permission: &'static str, level: Level, required: bool, why: &'static str) -> Need {
    Need {
        permission,
        level,
        required,
        why,
    }
}

/// The repository permissions of the GitHub App.
pub const NEEDS: [Need; 7] = [
    need(
        "metadata",
        Level::Read,
        true,
        "to see repositories and who may write to them",
    ),
    need("contents", Level::Read, true, "to fetch commits and pipeline files"),
    need("statuses", Level::Write, true, "to tell verdicts on commits"),
    need(
        "pull_requests",
        Level::Write,
        true,
        "to read pull requests and comment on them",
    ),
    need(
        "checks",
        Level::Write,
        false,
        "to show verdicts as checks with tables and buttons",
    ),
    need("issues", Level::Read, false, "to hear commands in comments"),
    need("actions", Level::Read, false, "to hear when workflows end"),
];

/// What a fine-grained token needs of [`NEEDS`], and to make webhooks. Checks are for Apps only.
pub const OF_TOKENS: [Need; 5] = [
    NEEDS[0],
    NEEDS[1],
    NEEDS[2],
    NEEDS[3],
    need(
        "repository_hooks",
        Level::Write,
        false,
        "to make and look at the webhook",
    ),
];

/// An event that the service asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNeed {
    /// GitHub's name.
    pub event: &'static str,
    /// Whether nothing works without it.
    pub required: bool,
    /// What it is for.
    pub why: &'static str,
    /// Whether a repository's webhook can be sent it as well.
    pub of_repositories: bool,
}

const fn event(event: &'static str, required: bool, of_repositories: bool, why: &'static str) -> EventNeed {
    EventNeed {
        event,
        required,
        why,
        of_repositories,
    }
}

/// The events of the webhook. Those about installations are sent to every App unasked.
pub const EVENTS: [EventNeed; 11] = [
    event("push", true, true, "to start runs of pushes"),
    event("pull_request", true, true, "to judge pull requests"),
    event("check_run", false, true, "to rerun checks and hear their buttons"),
    event("check_suite", false, true, "to rerun all checks of a commit"),
    event("issue_comment", false, true, "to hear commands in comments"),
    event(
        "repository",
        false,
        true,
        "to follow repositories that are renamed or transferred",
    ),
    event("release", false, true, "to start runs of releases"),
    event("create", false, true, "to see new branches and tags"),
    event("delete", false, true, "to see that branches are gone"),
    event("workflow_run", false, true, "to start runs when workflows end"),
    event("repository_dispatch", false, false, "to start runs that others ask for"),
];

/// Where somebody grants what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The App's own settings; the address of its page of permissions.
    App(String),
    /// An installation, whose owner has to accept what the App asks for; its account and page.
    Installation {
        /// Whose repositories.
        account: String,
        /// The address of its page.
        url: String,
    },
    /// The webhook of a repository; the address of its page.
    Webhook(String),
}

impl Place {
    fn to_do(&self) -> String {
        match self {
            Self::App(url) => format!("grant it at {url}"),
            Self::Installation { account, url } => {
                format!("the owner of {account} has to accept what the App asks for, at {url}")
            }
            Self::Webhook(url) => format!("change it at {url}"),
        }
    }

    fn to_tick(&self) -> String {
        match self {
            Self::App(url) => format!("tick it under 'Subscribe to events' at {url}"),
            Self::Installation { .. } => self.to_do(),
            Self::Webhook(url) => format!("tick it at {url}"),
        }
    }
}

/// Something that the service needs and was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A permission.
    Permission {
        /// What is needed.
        need: Need,
        /// What there is of it.
        has: Option<Level>,
    },
    /// An event.
    Event(EventNeed),
}

impl Missing {
    /// Whether nothing works without it.
    pub fn is_required(&self) -> bool {
        match self {
            Self::Permission { need, .. } => need.required,
            Self::Event(need) => need.required,
        }
    }

    /// What is missing, what for, and where it is granted.
    pub fn sentence(&self, place: &Place) -> String {
        let to_do = place.to_do();
        match self {
            Self::Permission { need, has: None } => {
                let grant = Grant::new(need.permission, need.level);
                format!(
                    "the permission {grant} is missing, which is needed {}: {to_do}",
                    need.why
                )
            }
            Self::Permission { need, has: Some(has) } => format!(
                "the permission '{}' is {} and has to be {} {}: {to_do}",
                title(need.permission),
                has.title(),
                need.level.title(),
                need.why
            ),
            Self::Event(need) => format!(
                "the event '{}' is not sent, which is needed {}: {}",
                need.event,
                need.why,
                place.to_tick()
            ),
        }
    }
}

/// What of `needs` was not granted; `granted` is GitHub's map of names and levels.
pub fn missing_permissions(needs: &[Need], granted: &BTreeMap<String, String>) -> Vec<Missing> {
    let mut missing = Vec::new();
    for need in needs {
        let has = granted.get(need.permission).and_then(|word| Level::parse(word));
        if has.is_none_or(|has| has < need.level) {
            missing.push(Missing::Permission { need: *need, has });
        }
    }
    missing
}

/// What of [`EVENTS`] is not sent; `*` stands for every event. Webhooks of repositories are asked for less.
pub fn missing_events(sent: &[String], of_repository: bool) -> Vec<Missing> {
    if sent.iter().any(|event| event == "*") {
        return Vec::new();
    }
    let needed = EVENTS.iter().filter(|need| !of_repository || need.of_repositories);
    let missing = needed.filter(|need| !sent.iter().any(|event| event == need.event));
    missing.map(|need| Missing::Event(*need)).collect()
}
