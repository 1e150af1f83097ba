//! Repositories by GitHub's number: what one is called today, and what is kept of it when that changes.

use super::patience::is_over;
use super::{Inbound, InterpretError};
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::source::checkout::SourceError;
use std::path::Path;
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::inbound::{Identity, NameNews, identity, parked};
use trainyard_github::GitHubError;
use trainyard_github::git::{GitError, move_mirror, remove_mirror};
use trainyard_github::webhook::Repo;

/// What the repository with this number is called, which a delivery calls `told`; whatever is kept of it goes by that
/// name from here on. GitHub is asked only where number and name do not fit together.
pub(crate) async fn name_today(
    inbound: &Inbound,
    id: i64,
    told: &RepoName,
    installation: Option<i64>,
) -> Result<RepoName, InterpretError> {
    let store = &inbound.store;
    let known = store.repository_name(id).await?;
    let holder = store.repository_id(told).await?;
    match identity(id, told, known.as_ref(), holder) {
        Identity::Known => return Ok(told.clone()),
        Identity::New => {
            // What lies under this name is of a repository that had it before.
            remove_mirrors(inbound, told).await;
        }
        Identity::Doubtful => {
            let today = ask(inbound, id, installation).await.map_err(SourceError::from)?;
            take_over(inbound, id, known.as_ref(), &today, installation).await?;
            return Ok(today);
        }
    }
    give(inbound, id, told).await?;
    Ok(told.clone())
}

/// What a delivery told of a repository's name or end.
pub(crate) async fn news(inbound: &Inbound, repo: &Repo, received: Micros) -> Result<String, InterpretError> {
    match read_news(inbound, repo).await {
        Ok(news) => Ok(news.sentence()),
        Err(InterpretError::Source(error)) if is_over(&error, received) => Ok(error.to_string()),
        Err(error) => Err(error),
    }
}

async fn read_news(inbound: &Inbound, repo: &Repo) -> Result<NameNews, InterpretError> {
    let known = inbound.store.repository_name(repo.id).await?;
    let today = match ask(inbound, repo.id, repo.installation_id).await {
        Ok(today) => today,
        Err(GitHubError::NotFound { .. }) => {
            let name = known.unwrap_or_else(|| repo.name.clone());
            part(inbound, repo.id, &name).await?;
            return Ok(NameNews::Gone(name));
        }
        Err(error) => return Err(SourceError::from(error).into()),
    };
    take_over(inbound, repo.id, known.as_ref(), &today, repo.installation_id).await?;
    Ok(match known {
        Some(old) if old != today => NameNews::Renamed { old, new: today },
        _ => NameNews::Same(today),
    })
}

async fn ask(inbound: &Inbound, id: i64, installation: Option<i64>) -> Result<RepoName, GitHubError> {
    match &inbound.source.github {
        Some(github) => github.repository_name(id, installation).await,
        None => Err(GitHubError::NotFound {
            what: format!("repository with number {id}"),
            hint: ", since GitHub is not configured: add [github] to trainyard.toml".to_owned(),
        }),
    }
}

/// The name goes to the repository with this number: whoever had it is called otherwise today, or is gone.
async fn take_over(
    inbound: &Inbound,
    id: i64,
    old: Option<&RepoName>,
    today: &RepoName,
    installation: Option<i64>,
) -> Result<(), InterpretError> {
    if let Some(holder) = inbound.store.repository_id(today).await?
        && holder != id
    {
        match ask(inbound, holder, installation).await {
            Ok(name) if name != *today && inbound.store.repository_id(&name).await?.is_none() => {
                give(inbound, holder, &name).await?;
                follow(inbound, today, &name).await;
            }
            // Names that go round in a circle, or nobody there: its pipelines are found again with its next push.
            Ok(_) | Err(GitHubError::NotFound { .. }) => part(inbound, holder, today).await?,
            Err(error) => return Err(SourceError::from(error).into()),
        }
    }
    give(inbound, id, today).await?;
    if let Some(old) = old.filter(|old| *old != today) {
        follow(inbound, old, today).await;
    }
    Ok(())
}

async fn give(inbound: &Inbound, id: i64, name: &RepoName) -> Result<(), InterpretError> {
    let given = inbound.store.name_repository(id, name, now());
    passing(Effect::NameRepository, given).await?;
    inbound.signals.schedule.notify_one();
    inbound.signals.report.notify_one();
    Ok(())
}

/// What lies in folders, and who speaks for it at GitHub.
async fn follow(inbound: &Inbound, old: &RepoName, new: &RepoName) {
    tracing::info!(%old, %new, "a repository has another name");
    if let Some(github) = &inbound.source.github {
        github.forget_installation(old);
        github.forget_installation(new);
    }
    let folders = &inbound.source.folders;
    for (from, to) in folders.mirrors_of(old).iter().zip(&folders.mirrors_of(new)) {
        warn_unless(move_mirror(from, to).await, from);
    }
}

/// A repository is gone: its runs stay under a name that nobody takes.
async fn part(inbound: &Inbound, id: i64, name: &RepoName) -> Result<(), InterpretError> {
    tracing::warn!(%name, id, "a repository is gone from GitHub, or out of our sight");
    let gone = parked(name, id);
    let parted = inbound.store.part_with_repository(id, &gone, now());
    passing(Effect::NameRepository, parted).await?;
    if let Some(github) = &inbound.source.github {
        github.forget_installation(name);
    }
    inbound.signals.schedule.notify_one();
    remove_mirrors(inbound, name).await;
    Ok(())
}

/// What was mirrored under a name is for nobody else who takes it.
async fn remove_mirrors(inbound: &Inbound, name: &RepoName) {
    for mirror in inbound.source.folders.mirrors_of(name) {
        warn_unless(remove_mirror(&mirror).await, &mirror);
    }
}

/// A mirror that stays where it is stops nothing: a new one is made where it is missed.
fn warn_unless(moved: Result<(), GitError>, folder: &Path) {
    if let Err(error) = moved {
        tracing::warn!(%error, folder = %folder.display(), "a mirror stays where it was");
    }
}
