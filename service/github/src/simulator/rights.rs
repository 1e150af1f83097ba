//! What each route of the API needs, after GitHub's "Permissions required for GitHub Apps" and "Scopes for OAuth
//! apps": who lacks it is refused with GitHub's words and headers.

use super::Shared;
use super::api_error::ApiError;
use super::apps::Permissions;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use std::fmt::Write as _;
use trainyard_core::ids::RepoName;

/// What a caller was given; everything but where it is limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The token that opens everything.
    Everything,
    /// The App by its key, which has routes of its own.
    App(u64),
    /// Permissions, in these repositories.
    Permissions {
        granted: Permissions,
        /// The installation, or none for a fine-grained token.
        installation: Option<u64>,
        repos: Reach,
    },
    /// Scopes of a classic token.
    Scopes(Vec<String>),
}

/// The repositories that a caller was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Those of this account; everybody's if absent.
    pub(crate) account: Option<String>,
    /// These of it; all if absent.
    pub(crate) names: Option<Vec<String>>,
}

impl Reach {
    pub(crate) fn covers(&self, repo: &RepoName) -> bool {
        let name = repo.to_string();
        self.account.as_ref().is_none_or(|account| account == repo.owner())
            && self.names.as_ref().is_none_or(|names| names.contains(&name))
    }
}

type Set = &'static [(&'static str, &'static str)];

const METADATA: &[Set] = &[&[("metadata", "read")]];
const CONTENTS_READ: &[Set] = &[&[("contents", "read")]];
const CONTENTS_WRITE: &[Set] = &[&[("contents", "write")]];
const STATUSES_READ: &[Set] = &[&[("statuses", "read")]];
const STATUSES_WRITE: &[Set] = &[&[("statuses", "write")]];
const CHECKS_READ: &[Set] = &[&[("checks", "read")]];
const CHECKS_WRITE: &[Set] = &[&[("checks", "write")]];
const PULLS_READ: &[Set] = &[&[("pull_requests", "read")]];
const PULLS_WRITE: &[Set] = &[&[("pull_requests", "write")]];
const COMMENTS_READ: &[Set] = &[&[("issues", "read")], &[("pull_requests", "read")]];
const COMMENTS_WRITE: &[Set] = &[&[("issues", "write")], &[("pull_requests", "write")]];
const HOOKS_READ: &[Set] = &[&[("repository_hooks", "read")]];
const HOOKS_WRITE: &[Set] = &[&[("repository_hooks", "write")]];

/// The sets of permissions of a route, of which one is enough, and the scopes of classic tokens.
fn needed(method: &str, rest: &[&str]) -> (&'static [Set], &'static [&'static str]) {
    let reads = method == "GET";
    let of = |read: &'static [Set], write: &'static [Set]| if reads { read } else { write };
    let last = rest.last().copied().unwrap_or_default();
    match rest.first().copied().unwrap_or_default() {
        "statuses" => (of(STATUSES_READ, STATUSES_WRITE), &["repo", "repo:status"]),
        "commits" if matches!(last, "status" | "statuses") => (STATUSES_READ, &["repo", "repo:status"]),
        "commits" if matches!(last, "check-runs" | "check-suites") => (CHECKS_READ, &["repo"]),
        "check-runs" | "check-suites" => (of(CHECKS_READ, CHECKS_WRITE), &["repo"]),
        "contents" | "branches" | "commits" | "git" | "compare" | "releases" | "dispatches" => {
            (of(CONTENTS_READ, CONTENTS_WRITE), &["repo"])
        }
        "pulls" => (of(PULLS_READ, PULLS_WRITE), &["repo"]),
        "issues" => (of(COMMENTS_READ, COMMENTS_WRITE), &["repo"]),
        "hooks" => {
            let scopes: &[&str] = if reads {
                &["admin:repo_hook", "read:repo_hook", "repo", "write:repo_hook"]
            } else {
                &["admin:repo_hook", "repo", "write:repo_hook"]
            };
            (of(HOOKS_READ, HOOKS_WRITE), scopes)
        }
        _ => (METADATA, &["repo"]),
    }
}

fn enough(granted: &Permissions, set: Set) -> bool {
    let rank = |level: &str| ["read", "write", "admin"].iter().position(|known| *known == level);
    set.iter()
        .all(|(name, level)| granted.get(*name).and_then(|has| rank(has)) >= rank(level))
}

/// `pull_requests=write,contents=read; issues=write`.
fn header(sets: &[Set]) -> String {
    let mut header = String::new();
    for (at, set) in sets.iter().enumerate() {
        let pairs: Vec<String> = set.iter().map(|(name, level)| format!("{name}={level}")).collect();
        let _ = write!(header, "{}{}", if at == 0 { "" } else { "; " }, pairs.join(","));
    }
    header
}

impl Shared {
    /// Whether the caller may, and the headers that say what the route takes.
    pub(crate) fn allow(&self, rights: &Rights, method: &str, path: &str) -> (HeaderMap, Result<(), ApiError>) {
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        let asked = self.split(path);
        if let Rights::Scopes(scopes) = rights {
            put("x-oauth-scopes", scopes.join(", "));
        }
        let Some((repo, rest)) = asked.filter(|(_, rest)| rest.first() != Some(&"installation")) else {
            return (headers, Ok(()));
        };
        let private = self.state().repo(&repo).map(|repo| repo.private);
        let (sets, accepted) = needed(method, &rest);
        let allowed = match rights {
            Rights::Everything | Rights::App(_) => Ok(()),
            Rights::Scopes(scopes) => {
                put("x-accepted-oauth-scopes", accepted.join(", "));
                let public = private == Some(false);
                let reads = method == "GET" && rest.first() != Some(&"hooks");
                let fits = accepted.iter().any(|scope| scopes.iter().any(|has| has == scope))
                    || (public && scopes.iter().any(|scope| scope == "public_repo"))
                    || (public && reads);
                // GitHub hides what the token may not see.
                if fits { Ok(()) } else { Err(ApiError::not_found()) }
            }
            Rights::Permissions {
                granted,
                installation,
                repos,
            } => {
                put("x-accepted-github-permissions", header(sets));
                let covered = repos.covers(&repo);
                let open = private == Some(false) && method == "GET";
                let message = match installation {
                    Some(_) => "Resource not accessible by integration",
                    None => "Resource not accessible by personal access token",
                };
                if private != Some(false) && !covered {
                    Err(ApiError::not_found())
                } else if (covered && sets.iter().any(|set| enough(granted, set))) || (open && !covered) {
                    Ok(())
                } else {
                    Err(ApiError::new(StatusCode::FORBIDDEN, message))
                }
            }
        };
        (headers, allowed)
    }

    /// The repository of a path, by name or number, and the rest of the path.
    fn split<'p>(&self, path: &'p str) -> Option<(RepoName, Vec<&'p str>)> {
        let rest = |parts: std::str::Split<'p, char>| parts.filter(|part| !part.is_empty()).collect();
        if let Some(numbered) = path.strip_prefix("/repositories/") {
            let mut parts = numbered.split('/');
            let id = parts.next()?.parse::<u64>().ok()?;
            let state = self.state();
            let found = state.repos.iter().find(|repo| repo.id == id)?;
            return Some((found.name.clone(), rest(parts)));
        }
        let mut parts = path.strip_prefix("/repos/")?.split('/');
        let name = RepoName::parse(&format!("{}/{}", parts.next()?, parts.next()?)).ok()?;
        Some((name, rest(parts)))
    }
}
