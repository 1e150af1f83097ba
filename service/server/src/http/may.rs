//! What somebody may do and see: the roles of tokens and claims as they are, those of accounts as GitHub says.

use super::App;
use super::error::ApiError;
use super::who::Who;
use axum::http::StatusCode;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use trainyard_core::access::{Deed, Identity, Refused, Role, Scope};
use trainyard_core::command::Person;
use trainyard_core::ids::RepoName;
use trainyard_engine::GitHubError;
use trainyard_store::RunRow;

/// What GitHub said of a person counts so long for what is done, and so long for what is seen.
const FOR_DEEDS: Duration = Duration::from_secs(60);
const FOR_SIGHT: Duration = Duration::from_secs(300);
/// Repositories that GitHub is asked about at once.
const AT_ONCE: usize = 8;
/// Answers that are kept.
const MOST: usize = 10_000;

/// What something is done to or seen of.
#[derive(Clone, Copy, Debug)]
pub(super) enum On<'a> {
    /// The service itself.
    Service,
    /// A pipeline; of a folder on this machine without a repository.
    Pipeline(Option<&'a RepoName>, &'a str),
    /// A push target, and with it every pipeline that pushes there.
    Target(&'a str),
}

impl<'a> On<'a> {
    /// The pipeline of a run.
    pub(super) fn run(row: &'a RunRow) -> Self {
        Self::Pipeline(row.repo.as_ref(), &row.pipeline)
    }

    pub(super) fn place(self) -> String {
        match self {
            Self::Service => "the service itself".to_owned(),
            Self::Pipeline(Some(repo), name) => format!("pipeline {name} of {repo}"),
            Self::Pipeline(None, name) => format!("pipeline {name}"),
            Self::Target(name) => format!("target {name}"),
        }
    }
}

/// What somebody may see in a list.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    /// Everything.
    All,
    /// What belongs to these repositories.
    Repositories(HashSet<RepoName>),
    /// What belongs to a token's pipelines.
    Scope(Scope),
}

impl Sight {
    /// Whether a pipeline is in it.
    pub(super) fn has(&self, repo: Option<&RepoName>, pipeline: &str) -> bool {
        match self {
            Self::All => true,
            Self::Repositories(seen) => repo.is_some_and(|repo| seen.contains(repo)),
            Self::Scope(scope) => scope.has(repo, pipeline),
        }
    }

    /// Whether everything of a repository is in it.
    pub(super) fn has_repository(&self, repo: &RepoName) -> bool {
        match self {
            Self::All => true,
            Self::Repositories(seen) => seen.contains(repo),
            Self::Scope(_) => false,
        }
    }

    /// Whether there is nothing to see.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Repositories(seen) if seen.is_empty())
    }

    /// Whether nothing is hidden.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

type Answers = HashMap<(i64, RepoName), (Option<Role>, Instant)>;

/// What GitHub said of people, for a short while.
#[derive(Debug)]
pub(super) struct Roles {
    answers: Mutex<Answers>,
    asking: Semaphore,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
            asking: Semaphore::new(1),
        }
    }
}

impl Roles {
    fn known(&self, person: i64, repo: &RepoName, age: Duration) -> Option<Option<Role>> {
        let all = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (role, at) = all.get(&(person, repo.clone()))?;
        (at.elapsed() < age).then_some(*role)
    }

    fn put(&self, person: i64, repo: &RepoName, role: Option<Role>) {
        let mut all = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, (_, at)| at.elapsed() < FOR_SIGHT);
        }
        if all.len() >= MOST {
            all.clear();
        }
        all.insert((person, repo.clone()), (role, Instant::now()));
    }
}

impl App {
    /// Whether somebody may do this, with the role that says so; else a sentence that says what it takes.
    pub(super) async fn may(&self, who: &Who, deed: Deed, on: On<'_>) -> Result<Role, ApiError> {
        let needs = deed.needs();
        match self.role(who, on, FOR_DEEDS).await? {
            Some(role) if role >= needs => Ok(role),
            has => {
                let refused = refusal(who, Some(deed), has, needs, on);
                self.note_refused(who, deed, on, refused.sentence()).await;
                Err(refused)
            }
        }
    }

    /// Whether somebody may see what concerns the service itself, or what only this role sees.
    pub(super) async fn sees(&self, who: &Who, needs: Role, on: On<'_>) -> Result<(), ApiError> {
        match self.role(who, on, FOR_SIGHT).await? {
            Some(role) if role >= needs => Ok(()),
            has => Err(refusal(who, None, has, needs, on)),
        }
    }

    /// Somebody's role, for what a page offers.
    pub(super) async fn role_on(&self, who: &Who, on: On<'_>) -> Option<Role> {
        self.role(who, on, FOR_SIGHT).await.ok().flatten()
    }

    async fn role(&self, who: &Who, on: On<'_>, age: Duration) -> Result<Option<Role>, ApiError> {
        match who {
            Who::Machine | Who::Service | Who::Person(Identity::Service) => Ok(Some(Role::Admin)),
            Who::Person(Identity::Claimed { role, .. }) => Ok(Some(*role)),
            Who::Token { scope, .. } => match on {
                On::Pipeline(repo, name) => Ok(scope.role_on([(repo, name)])),
                On::Service => Ok(scope.role_on([])),
                On::Target(target) => {
                    let pushing = self.pushing_to(target).await?;
                    Ok(scope.role_on(pushing.iter().map(|(repo, name)| (Some(repo), name.as_str()))))
                }
            },
            Who::Person(Identity::Account { id, login }) => {
                let person = Person {
                    id: *id,
                    login: login.clone(),
                };
                let repos = match on {
                    On::Pipeline(Some(repo), _) => vec![repo.clone()],
                    On::Target(target) => self
                        .pushing_to(target)
                        .await?
                        .into_iter()
                        .map(|(repo, _)| repo)
                        .collect(),
                    On::Service | On::Pipeline(None, _) => Vec::new(),
                };
                let repos = match repos.is_empty() {
                    true => self.with_pipelines().await?,
                    false => repos,
                };
                // Who decides for several repositories has the right in each of them.
                let roles = self.roles_in(&person, repos, age).await?;
                Ok(roles.into_iter().map(|(_, role)| role).min().flatten())
            }
        }
    }

    /// What somebody may see in lists.
    pub(super) async fn sight(&self, who: &Who) -> Result<Sight, ApiError> {
        match who {
            Who::Token { scope, .. } => Ok(match &scope.pipelines {
                None => Sight::All,
                Some(_) => Sight::Scope(scope.clone()),
            }),
            Who::Machine | Who::Service | Who::Person(Identity::Service | Identity::Claimed { .. }) => Ok(Sight::All),
            Who::Person(Identity::Account { id, login }) => {
                let person = Person {
                    id: *id,
                    login: login.clone(),
                };
                // One repository that cannot be asked hides itself and no other.
                let repos = self.repositories().await?;
                let (mut seen, mut failed, mut asked) = (HashSet::new(), None, 0);
                let roles = repos
                    .into_iter()
                    .map(async |repo| (self.role_in(&person, &repo, FOR_SIGHT).await, repo));
                let mut roles = stream::iter(roles).buffered(AT_ONCE);
                while let Some((role, repo)) = roles.next().await {
                    asked += 1;
                    match role {
                        Ok(Some(_)) => drop(seen.insert(repo)),
                        Ok(None) => {}
                        Err(error) => failed = failed.map(|(times, first)| (times + 1, first)).or(Some((1, error))),
                    }
                }
                match failed {
                    Some((times, error)) if times == asked => Err(error),
                    _ => Ok(Sight::Repositories(seen)),
                }
            }
        }
    }

    async fn roles_in(
        &self,
        person: &Person,
        repos: Vec<RepoName>,
        age: Duration,
    ) -> Result<Vec<(RepoName, Option<Role>)>, ApiError> {
        let asked = repos.into_iter().map(async |repo| {
            let role = self.role_in(person, &repo, age).await?;
            Ok((repo, role))
        });
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    async fn role_in(&self, person: &Person, repo: &RepoName, age: Duration) -> Result<Option<Role>, ApiError> {
        if let Some(known) = self.roles.known(person.id, repo, age) {
            return Ok(known);
        }
        // Many pages at once ask GitHub once.
        let _turn = self.roles.asking.acquire().await;
        if let Some(known) = self.roles.known(person.id, repo, age) {
            return Ok(known);
        }
        let Some(github) = self.engine.github() else {
            return Ok(None);
        };
        let role = match github.role(repo, person, None).await {
            Ok(role) => role,
            // It is gone, or the App is not let in any more: nobody has a role there.
            Err(GitHubError::NotFound { .. } | GitHubError::Forbidden { .. }) => None,
            Err(error) => {
                tracing::warn!(%repo, login = person.login, %error, "somebody's role cannot be looked up");
                let sentence = format!(
                    "GitHub does not say what {} may do in {repo}: try again soon",
                    person.login
                );
                return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence));
            }
        };
        self.roles.put(person.id, repo, role);
        Ok(role)
    }

    /// Repositories that have pipelines now, else all that are known.
    async fn with_pipelines(&self) -> Result<Vec<RepoName>, ApiError> {
        let known = self.engine.reads().pipelines().await?.into_iter();
        let repos: HashSet<RepoName> = known.map(|known| known.repo).collect();
        match repos.is_empty() {
            true => self.repositories().await,
            false => Ok(repos.into_iter().collect()),
        }
    }

    /// A name in a scope that several repositories have is refused: it would reach farther than whoever makes it means.
    pub(super) async fn means_one(&self, scope: &Scope) -> Result<(), ApiError> {
        let known = self.engine.reads().pipelines().await?;
        for name in scope.pipelines.iter().flatten() {
            let of: Vec<String> = known
                .iter()
                .filter(|known| known.name == *name)
                .map(|known| format!("{}:{name}", known.repo))
                .collect();
            if of.len() > 1 {
                return Err(ApiError::bad_request(format!(
                    "several repositories have a pipeline '{name}': name it as {}",
                    of.join(" or ")
                )));
            }
        }
        Ok(())
    }

    async fn repositories(&self) -> Result<Vec<RepoName>, ApiError> {
        let known = self.engine.reads().known_repositories().await?;
        Ok(known.into_iter().map(|known| known.repo).collect())
    }

    /// The pipelines that push to a target.
    async fn pushing_to(&self, target: &str) -> Result<Vec<(RepoName, String)>, ApiError> {
        let known = self.engine.reads().pipelines().await?.into_iter();
        let pushes = known.filter(|known| known.plan.push.as_ref().is_some_and(|push| push.target == target));
        Ok(pushes.map(|known| (known.repo, known.name)).collect())
    }
}

fn refusal(who: &Who, deed: Option<Deed>, has: Option<Role>, needs: Role, on: On<'_>) -> ApiError {
    let refused = Refused {
        who: who.name().to_owned(),
        deed,
        has,
        needs,
        place: on.place(),
        at_github: who.account().is_some(),
    };
    ApiError::new(StatusCode::FORBIDDEN, refused.sentence())
}
