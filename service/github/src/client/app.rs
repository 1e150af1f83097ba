//! The GitHub App as GitHub knows it: what it may do, where it is installed, and how its webhook fares.

use super::pages::More;
use super::{GitHub, GitHubError, PER_PAGE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Repositories of one installation that are listed; more are counted only.
const LISTED: usize = 100;

/// A user, an organisation or an enterprise.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(from = "Named")]
pub struct Account {
    /// Its name in addresses.
    pub login: String,
    /// `User`, `Organization` or another.
    #[serde(rename = "type")]
    pub kind: String,
}

/// An account as GitHub tells it: an enterprise has a slug in place of a login.
#[derive(Deserialize)]
struct Named {
    login: Option<String>,
    slug: Option<String>,
    #[serde(default, rename = "type")]
    kind: String,
}

impl From<Named> for Account {
    fn from(named: Named) -> Self {
        Self {
            login: named.login.or(named.slug).unwrap_or_default(),
            kind: named.kind,
        }
    }
}

impl Account {
    /// Whether it is an organisation.
    pub fn is_organization(&self) -> bool {
        self.kind == "Organization"
    }
}

/// `GET /app`.
#[derive(Clone, Debug, Deserialize)]
pub struct AppInfo {
    /// Its id.
    pub id: u64,
    /// Its name in addresses.
    #[serde(default)]
    pub slug: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub owner: Option<Account>,
    /// Its public page.
    #[serde(default)]
    pub html_url: String,
    /// What it asks for, GitHub's names and levels.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// The events it is sent.
    #[serde(default)]
    pub events: Vec<String>,
}

/// One of `GET /app/installations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstallationInfo {
    /// Its id.
    pub id: u64,
    /// Whose repositories.
    #[serde(default)]
    pub account: Option<Account>,
    /// The page of its settings.
    #[serde(default)]
    pub html_url: String,
    /// What was granted.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// The events that are sent.
    #[serde(default)]
    pub events: Vec<String>,
    /// `all` or `selected`.
    #[serde(default)]
    pub repository_selection: String,
    /// When its owner suspended it.
    #[serde(default)]
    pub suspended_at: Option<String>,
}

/// `GET /app/hook/config`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AppHook {
    /// Where deliveries go.
    #[serde(default)]
    pub url: Option<String>,
    /// `json` or `form`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Stars where there is a secret.
    #[serde(default)]
    pub secret: Option<String>,
    /// `1` where certificates are not looked at; a text or a number.
    #[serde(default)]
    pub insecure_ssl: Value,
}

impl AppHook {
    /// Whether certificates are not looked at.
    pub fn is_insecure(&self) -> bool {
        self.insecure_ssl == "1" || self.insecure_ssl == 1
    }
}

#[derive(Deserialize)]
struct Repositories {
    #[serde(default)]
    total_count: usize,
    #[serde(default)]
    repositories: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    full_name: String,
}

impl GitHub {
    /// The App; an error for a token.
    pub async fn app_info(&self) -> Result<AppInfo, GitHubError> {
        self.root.get("/app", "such App").await
    }

    /// Where the App is installed.
    pub async fn installations(&self) -> Result<Vec<InstallationInfo>, GitHubError> {
        let path = format!("/app/installations?per_page={PER_PAGE}");
        let what = "installations of the App";
        self.root.list(&self.pages, &path, what, |_| More::Yes).await
    }

    /// How many repositories an installation has, and the names of the first of them.
    pub async fn installation_repositories(&self, id: u64) -> Result<(usize, Vec<String>), GitHubError> {
        let path = format!("/installation/repositories?per_page={LISTED}");
        let installation = self.installation(id)?;
        let found: Repositories = installation.get(&path, "repositories of the installation").await?;
        let names: Vec<String> = found.repositories.into_iter().map(|repo| repo.full_name).collect();
        Ok((found.total_count.max(names.len()), names))
    }

    /// The App's webhook.
    pub async fn app_hook(&self) -> Result<AppHook, GitHubError> {
        self.root.get("/app/hook/config", "webhook of the App").await
    }
}
