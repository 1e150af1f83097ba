//! The deliveries of a webhook as GitHub remembers them.

use super::pages::More;
use super::{GitHub, GitHubError, PER_PAGE};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_core::ids::{Micros, RepoName};
use trainyard_core::inbound::Attempt;

/// Whose webhook it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookOf {
    /// The App's.
    App,
    /// One of a repository, by its id.
    Repository(RepoName, u64),
}

impl HookOf {
    fn path(&self) -> String {
        match self {
            Self::App => "/app/hook/deliveries".to_owned(),
            Self::Repository(repo, hook) => format!("/repos/{repo}/hooks/{hook}/deliveries"),
        }
    }

    fn what(&self) -> String {
        match self {
            Self::App => "deliveries of the App".to_owned(),
            Self::Repository(repo, hook) => format!("deliveries of webhook {hook} of {repo}"),
        }
    }
}

/// An attempt to deliver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HookDelivery {
    /// The attempt.
    pub id: u64,
    /// The delivery: all its attempts have the same.
    #[serde(default)]
    pub guid: String,
    /// When, RFC 3339.
    #[serde(default)]
    pub delivered_at: String,
    /// `OK`, or what went wrong.
    #[serde(default)]
    pub status: String,
    /// The status code of the answer, 0 without one.
    #[serde(default)]
    pub status_code: u16,
    /// `push`, …
    #[serde(default)]
    pub event: String,
    /// What was answered; only where one attempt was asked for.
    #[serde(default, skip_serializing)]
    pub response: Value,
}

impl HookDelivery {
    /// Whether the receiver took it.
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// When; `None` where GitHub's time is none.
    fn at(&self) -> Option<Micros> {
        let time = chrono::DateTime::parse_from_rfc3339(&self.delivered_at).ok()?;
        Some(Micros(time.timestamp_micros()))
    }
}

impl GitHub {
    /// The newest attempts to deliver, at most a hundred, newest first.
    pub async fn hook_deliveries(&self, of: &HookOf) -> Result<Vec<HookDelivery>, GitHubError> {
        let path = format!("{}?per_page={PER_PAGE}", of.path());
        self.get_of(of, &path).await
    }

    /// All attempts to deliver since then, newest first.
    pub async fn attempts(&self, of: &HookOf, since: Micros) -> Result<Vec<Attempt>, GitHubError> {
        let (path, what) = (format!("{}?per_page={PER_PAGE}", of.path()), of.what());
        let until = |page: &[HookDelivery]| match page.last().and_then(HookDelivery::at) {
            Some(at) if at < since => More::No,
            _ => More::Yes,
        };
        let listed = match of {
            HookOf::App => self.root.list(&self.pages, &path, &what, until).await?,
            HookOf::Repository(repo, _) => {
                let caller = self.caller(repo, None).await?;
                caller.as_ref().list(&self.pages, &path, &what, until).await?
            }
        };
        let attempt = |delivery: HookDelivery| {
            Some(Attempt {
                id: delivery.id,
                at: delivery.at()?,
                guid: delivery.guid,
                status: delivery.status,
                code: delivery.status_code,
                event: delivery.event,
            })
        };
        let attempts = listed.into_iter().filter_map(attempt);
        Ok(attempts.filter(|attempt| attempt.at >= since).collect())
    }

    /// One attempt, with what was answered.
    pub async fn hook_delivery(&self, of: &HookOf, attempt: u64) -> Result<HookDelivery, GitHubError> {
        self.get_of(of, &format!("{}/{attempt}", of.path())).await
    }

    async fn get_of<T: serde::de::DeserializeOwned>(&self, of: &HookOf, path: &str) -> Result<T, GitHubError> {
        match of {
            HookOf::App => self.root.get(path, &of.what()).await,
            HookOf::Repository(repo, _) => self.caller(repo, None).await?.as_ref().get(path, &of.what()).await,
        }
    }

    /// Has GitHub send a delivery again, with the same id and the same bytes.
    pub async fn redeliver(&self, of: &HookOf, attempt: u64) -> Result<(), GitHubError> {
        let (path, what) = (format!("{}/{attempt}/attempts", of.path()), of.what());
        let asked = match of {
            HookOf::App => self.root.call_whole(Method::POST, &path, None, &what).await,
            HookOf::Repository(repo, _) => {
                let caller = self.caller(repo, None).await?;
                caller.as_ref().call_whole(Method::POST, &path, None, &what).await
            }
        };
        asked.map(drop)
    }
}
