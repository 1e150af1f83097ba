//! What GitHub's 401, 403 and 404 mean: which permission, scope or setting is in the way, and where it is changed.

use super::{Grant, Level};
use std::fmt::Write as _;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The GitHub App itself, by its key.
    App,
    /// An installation of the App; its id where it is known.
    Installation(Option<u64>),
    /// A classic personal access token.
    Classic,
    /// A fine-grained personal access token.
    FineGrained,
    /// Another token, such as that of a workflow.
    Token,
}

impl Who {
    /// Whose token it is, by its prefix.
    pub fn of_token(token: &str) -> Self {
        if token.starts_with("github_pat_") {
            Self::FineGrained
        } else if token.starts_with("ghp_") {
            Self::Classic
        } else {
            Self::Token
        }
    }
}

/// A no of GitHub: what was asked, and what the answer says.
#[derive(Clone, Copy, Debug)]
pub struct No<'a> {
    /// 401, 403 or 404.
    pub status: u16,
    /// GitHub's sentence, on one line.
    pub message: &'a str,
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path of the request.
    pub path: &'a str,
    /// The header `x-accepted-github-permissions`.
    pub accepted: Option<&'a str>,
    /// The header `x-oauth-scopes`, which answers to classic tokens have.
    pub scopes: Option<&'a str>,
    /// The header `x-accepted-oauth-scopes`.
    pub accepted_scopes: Option<&'a str>,
}

/// What is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The key of the App, or the token, is wrong or was taken back.
    Credentials(Who),
    /// One of these sets of permissions is needed.
    Permissions {
        /// Who lacks it.
        who: Who,
        /// One of them is enough.
        any_of: Vec<Vec<Grant>>,
        /// Whose repository it is.
        owner: Option<String>,
    },
    /// One of these scopes of a classic token is needed.
    Scopes {
        /// One of them is enough.
        any_of: Vec<String>,
        /// Those that it has.
        has: Vec<String>,
    },
    /// The owner suspended the installation.
    Suspended {
        /// Whose repository it is.
        owner: Option<String>,
    },
    /// The organisation wants the token to be authorized for its single sign-on.
    SingleSignOn(Who),
    /// The organisation allows other addresses only.
    AddressNotAllowed,
    /// The organisation allows no tokens of this kind.
    KindForbidden(Who),
    /// Only Apps may do this.
    AppsOnly,
    /// The repository takes nothing any more.
    Archived,
    /// The App is not installed there, or not for this repository.
    NotInstalled {
        /// `owner/name`, where it is known.
        repo: Option<String>,
    },
    /// The token was not given the repository, if that exists.
    NotShared {
        /// Who lacks it.
        who: Who,
        /// `owner/name`.
        repo: String,
    },
    /// Something that GitHub's sentence alone says.
    Else,
}

impl Denied {
    /// What this no means; `None` where a 404 is no question of rights.
    pub fn of(who: Who, no: &No<'_>) -> Option<Self> {
        let said = no.message.to_ascii_lowercase();
        let (owner, repo) = of_path(no.path);
        match no.status {
            401 => Some(Self::Credentials(who)),
            404 => not_found(who, no, repo),
            _ if said.contains("suspended") => Some(Self::Suspended { owner }),
            _ if said.contains("saml") || said.contains("single sign-on") => Some(Self::SingleSignOn(who)),
            _ if said.contains("ip allow list") => Some(Self::AddressNotAllowed),
            _ if said.contains("forbids access via") => Some(Self::KindForbidden(who)),
            _ if said.contains("archived") => Some(Self::Archived),
            _ if said.contains("authenticate via a github app") => Some(Self::AppsOnly),
            _ => {
                if let Some(scopes) = scopes(no) {
                    return Some(scopes);
                }
                let any_of = match no.accepted.map(accepted).filter(|sets| !sets.is_empty()) {
                    Some(sets) => sets,
                    None if said.contains("not accessible by") => needed_for(no.method, no.path),
                    None => Vec::new(),
                };
                if any_of.is_empty() {
                    return Some(Self::Else);
                }
                Some(Self::Permissions { who, any_of, owner })
            }
        }
    }

    /// What to do about it, after GitHub's own sentence. `html_url` is the address of GitHub's pages.
    pub fn sentence(&self, html_url: &str) -> String {
        match self {
            Self::Credentials(Who::App | Who::Installation(_)) => {
                "check github.app_id, and that github.private_key_file is a key of this App; and this machine's clock, by which GitHub judges what is signed".to_owned()
            }
            Self::Credentials(_) => {
                format!("github.token is wrong, expired or was taken back: make a new one at {html_url}/settings/tokens")
            }
            Self::Permissions { who, any_of, owner } => permissions(*who, any_of, owner.as_deref(), html_url),
            Self::Scopes { any_of, has } => {
                let has = if has.is_empty() { "no scope".to_owned() } else { format!("only {}", quoted(has, "and")) };
                format!(
                    "the token has {has} and needs the scope {}: tick it at {html_url}/settings/tokens",
                    quoted(any_of, "or")
                )
            }
            Self::Suspended { owner } => format!(
                "the App's installation{} is suspended: its owner can unsuspend it in the settings under 'GitHub Apps'",
                of_owner(owner.as_deref())
            ),
            Self::SingleSignOn(Who::Classic | Who::FineGrained | Who::Token) => {
                format!("authorize the token for the organisation's single sign-on at {html_url}/settings/tokens ('Configure SSO')")
            }
            Self::SingleSignOn(_) => "an owner of the organisation has to authorize the App for its single sign-on".to_owned(),
            Self::AddressNotAllowed => {
                "an owner of the organisation has to add this machine's address to its IP allow list".to_owned()
            }
            Self::KindForbidden(Who::Classic) => {
                "the organisation takes no classic tokens: use a GitHub App (`trainyard github setup`) or a fine-grained token".to_owned()
            }
            Self::KindForbidden(_) => {
                "the organisation does not take this token: use a GitHub App (`trainyard github setup`), or a token that lasts less long and that an owner approved".to_owned()
            }
            Self::AppsOnly => "only a GitHub App may do this: `trainyard github setup` makes one".to_owned(),
            Self::Archived => "the repository is archived: unarchive it, or remove its pipelines".to_owned(),
            Self::NotInstalled { repo } => {
                let at = repo.as_deref().map_or_else(|| "there".to_owned(), |repo| format!("in {repo}"));
                format!(
                    "if it exists, the App is not installed {at}: install it, or add the repository to its installation, under 'Install App' in the App's settings ({html_url}/settings/apps); `trainyard doctor` lists the installations"
                )
            }
            Self::NotShared { who: Who::FineGrained, repo } => format!(
                "if it exists, the token was not given it: add {repo} under 'Repository access' at {html_url}/settings/personal-access-tokens"
            ),
            Self::NotShared { repo, .. } => format!(
                "if it exists, the token's account may not see {repo}: invite the account, or use a token with the scope 'repo' ({html_url}/settings/tokens)"
            ),
            Self::Else => "look at what the token or App may do there; `trainyard doctor` says what is missing".to_owned(),
        }
    }
}

fn not_found(who: Who, no: &No<'_>, repo: Option<String>) -> Option<Denied> {
    if let Some(scopes) = scopes(no) {
        return Some(scopes);
    }
    match who {
        Who::App => {
            let about_installation = no.path.ends_with("/installation") || no.path.contains("/app/installations/");
            about_installation.then_some(Denied::NotInstalled { repo })
        }
        Who::Installation(_) => Some(Denied::NotInstalled { repo: Some(repo?) }),
        _ => Some(Denied::NotShared { who, repo: repo? }),
    }
}

/// The scopes that a classic token lacks, where its answer tells of scopes.
fn scopes(no: &No<'_>) -> Option<Denied> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(printable).collect()
    };
    let (has, any_of) = (words(no.scopes?), words(no.accepted_scopes?));
    // `repo` has these in it.
    let has_all = has.iter().any(|scope| scope == "repo");
    let in_repo = |scope: &String| scope.starts_with("repo") || scope == "public_repo" || scope.ends_with(":repo_hook");
    let enough =
        any_of.is_empty() || any_of.iter().any(|scope| has.contains(scope)) || (has_all && any_of.iter().any(in_repo));
    (!enough).then_some(Denied::Scopes { any_of, has })
}

/// `pull_requests=write,contents=read; issues=write`: sets, of which one is enough.
fn accepted(header: &str) -> Vec<Vec<Grant>> {
    let grant = |pair: &str| {
        let (name, level) = pair.trim().split_once('=')?;
        Some(Grant::new(name.trim(), Level::parse(level.trim())?))
    };
    let sets = header
        .split(';')
        .map(|set| set.split(',').filter_map(grant).collect::<Vec<_>>());
    sets.filter(|set| !set.is_empty()).collect()
}

/// What a route needs, for answers without the header, as those of older Enterprise servers.
fn needed_for(method: &str, path: &str) -> Vec<Vec<Grant>> {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').skip(3).collect();
    let (first, last) = (parts.first().copied(), parts.last().copied());
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let level = if method == "GET" { Level::Read } else { Level::Write };
    let one = |permission: &str, level| vec![vec![Grant::new(permission, level)]];
    match (first, last) {
        ("statuses", _) | ("commits", "status" | "statuses") => one("statuses", level),
        ("check-runs" | "check-suites", _) | ("commits", "check-runs" | "check-suites") => one("checks", level),
        ("contents" | "branches" | "commits" | "git" | "compare" | "releases" | "dispatches", _) => {
            one("contents", level)
        }
        ("pulls", _) => one("pull_requests", level),
        ("issues", _) => vec![
            vec![Grant::new("pull_requests", level)],
            vec![Grant::new("issues", level)],
        ],
        ("hooks", _) => one("repository_hooks", level),
        ("actions", _) => one("actions", level),
        ("" | "collaborators", _) if path.starts_with("/repos/") => one("metadata", Level::Read),
        _ => Vec::new(),
    }
}

fn permissions(who: Who, any_of: &[Vec<Grant>], owner: Option<&str>, html_url: &str) -> String {
    let sets: Vec<String> = any_of
        .iter()
        .map(|set| set.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))
        .collect();
    let needed = sets.join(", or ");
    match who {
        Who::App | Who::Installation(_) => {
            let mut said = format!(
                "the App needs the repository permission {needed}: grant it under 'Permissions & events' in the App's settings ({html_url}/settings/apps), then accept it for the installation{}",
                of_owner(owner)
            );
            if let Who::Installation(Some(id)) = who {
                let _ = write!(said, " ({id})");
            }
            said + "; `trainyard doctor` has the pages"
        }
        Who::FineGrained => format!(
            "the token needs the repository permission {needed}: grant it at {html_url}/settings/personal-access-tokens"
        ),
        Who::Classic | Who::Token => format!(
            "the token needs the repository permission {needed}; a classic one the scope 'repo': change it at {html_url}/settings/tokens"
        ),
    }
}

fn of_owner(owner: Option<&str>) -> String {
    owner.map(|owner| format!(" of {owner}")).unwrap_or_default()
}

/// Owner, and `owner/name`, of a path below `/repos/`.
fn of_path(path: &str) -> (Option<String>, Option<String>) {
    let mut parts = path.strip_prefix("/repos/").unwrap_or_default().split(['/', '?']);
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    let owner = next();
    let repo = owner
        .as_ref()
        .zip(next())
        .map(|(owner, name)| format!("{owner}/{name}"));
    (owner, repo)
}

fn printable(word: &str) -> String {
    let safe = word.chars().filter(|c| c.is_ascii_alphanumeric() || "_:-".contains(*c));
    safe.take(60).collect()
}

fn quoted(words: &[String], between: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    quoted.join(&format!(" {between} "))
}
