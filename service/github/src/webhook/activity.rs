//! What happens in a repository and moves no branch.

use super::{Account, Derived, Ignored, PayloadError, Repository, WithId, parse, printable};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use trainyard_core::event::{Event, RepositoryEvent, RepositoryEventKind};

/// So many repositories are named.
const NAMED: usize = 20;

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    action: Option<String>,
    repository: Repository,
    #[serde(default)]
    sender: Option<Account>,
    #[serde(default)]
    installation: Option<WithId>,
    #[serde(default)]
    release: Option<Release>,
    #[serde(default)]
    workflow_run: Option<WorkflowRun>,
}

#[derive(Deserialize)]
struct Release {
    id: i64,
    #[serde(default)]
    tag_name: String,
}

#[derive(Deserialize)]
struct WorkflowRun {
    id: i64,
    #[serde(default)]
    run_attempt: i64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    head_branch: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
}

/// A release, a workflow, or what somebody announced.
pub(super) fn event(kind: &str, body: &[u8]) -> Result<Derived, PayloadError> {
    let payload = parse::<Payload>(kind, body)?;
    let missing = |what: &str| PayloadError::missing(kind, what);
    let action = payload.action.ok_or_else(|| missing("action"))?;
    let (kind, name, branch, conclusion, identity) = match kind {
        "release" => {
            let release = payload.release.ok_or_else(|| missing("release"))?;
            let identity = release.id.to_string();
            (
                RepositoryEventKind::Release,
                Some(release.tag_name),
                None,
                None,
                identity,
            )
        }
        "workflow_run" => {
            let run = payload.workflow_run.ok_or_else(|| missing("workflow_run"))?;
            let identity = format!("{}:{}", run.id, run.run_attempt);
            (
                RepositoryEventKind::WorkflowRun,
                run.name,
                run.head_branch,
                run.conclusion,
                identity,
            )
        }
        // It has no number of its own: what it says is what it is.
        _ => {
            let identity = hex::encode(Sha256::digest(body));
            (RepositoryEventKind::RepositoryDispatch, None, None, None, identity)
        }
    };
    Ok(Derived::Event(Box::new(Event::Repository(RepositoryEvent {
        repo: payload.repository.full_name,
        repo_id: payload.repository.id,
        installation_id: payload.installation.map(|installation| installation.id),
        kind,
        action,
        name,
        branch,
        conclusion,
        identity: Some(identity),
        sender: payload
            .sender
            .map_or_else(|| "unknown".to_owned(), |sender| sender.login),
    }))))
}

/// A branch or tag that was made or is gone.
pub(super) fn reference(kind: &str, body: &[u8]) -> Result<Ignored, PayloadError> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "ref")]
        name: String,
        ref_type: String,
    }
    let named = parse::<Named>(kind, body)?;
    Ok(Ignored::Reference {
        what: printable(&named.ref_type),
        name: named.name,
        made: kind == "create",
    })
}

/// What became of the App's installation.
pub(super) fn installed(kind: &str, body: &[u8]) -> Result<Ignored, PayloadError> {
    #[derive(Deserialize)]
    struct Installed {
        action: String,
        installation: Installation,
        #[serde(default)]
        repositories: Option<Vec<Named>>,
        #[serde(default)]
        repositories_added: Vec<Named>,
        #[serde(default)]
        repositories_removed: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Installation {
        #[serde(default)]
        account: Option<Owner>,
    }
    /// Of an enterprise there is no login.
    #[derive(Deserialize)]
    struct Owner {
        #[serde(default)]
        login: Option<String>,
    }
    #[derive(Deserialize)]
    struct Named {
        full_name: String,
    }
    let installed = parse::<Installed>(kind, body)?;
    let names = |named: Vec<Named>| {
        named
            .into_iter()
            .map(|named| named.full_name)
            .take(NAMED)
            .collect::<Vec<_>>()
    };
    let mut added = names(installed.repositories_added);
    added.extend(names(installed.repositories.unwrap_or_default()));
    let account = installed.installation.account.and_then(|owner| owner.login);
    Ok(Ignored::Installation {
        action: printable(&installed.action),
        account: account.unwrap_or_else(|| "somebody".to_owned()),
        added,
        removed: names(installed.repositories_removed),
    })
}
