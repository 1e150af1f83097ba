//! GitHub Apps, where they are installed, and webhooks of repositories.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// GitHub's map of permissions and levels.
pub(crate) type Permissions = BTreeMap<String, String>;

/// An App.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    /// The account that made it, and whether that is an organisation.
    pub(crate) owner: (String, bool),
    pub(crate) url: String,
    pub(crate) public_key: String,
    pub(crate) permissions: Permissions,
    pub(crate) events: Vec<String>,
    pub(crate) token_lifetime: Duration,
    pub(crate) created_at: String,
    /// The webhook's id and settings; the simulator's own where it is that of the configuration.
    pub(crate) hook: Option<(u64, Hook)>,
}

/// What a code stands for that brings somebody back who signed in.
pub(crate) struct Grant {
    pub(crate) app: u64,
    pub(crate) login: String,
    pub(crate) redirect: String,
    pub(crate) challenge: Option<String>,
}

/// The client id of an App.
pub(crate) fn client_id(app: u64) -> String {
    format!("Iv23li{app:014}")
}

/// The secret of an App, as people sign in with it.
pub(crate) fn client_secret(app: u64) -> String {
    format!("{app:040x}")
}

/// Where an App or a webhook sends to.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) url: Option<String>,
    pub(crate) content_type: String,
    pub(crate) secret: Option<String>,
    pub(crate) insecure_ssl: String,
    pub(crate) active: bool,
}

impl Hook {
    /// From a body's `config` or `hook_attributes`.
    pub(crate) fn of(config: &Value) -> Self {
        let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
        let insecure = config
            .get("insecure_ssl")
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        Self {
            url: text("url"),
            content_type: text("content_type").unwrap_or_else(|| "form".to_owned()),
            secret: text("secret").filter(|secret| !secret.is_empty()),
            insecure_ssl: insecure.unwrap_or_else(|| "0".to_owned()),
            active: true,
        }
    }

    /// The same with what a PATCH names.
    pub(crate) fn change(&mut self, config: &Value) {
        let new = Self::of(config);
        let named = |name: &str| config.get(name).is_some();
        if named("url") {
            self.url = new.url;
        }
        if named("content_type") {
            self.content_type = new.content_type;
        }
        if named("secret") {
            self.secret = new.secret;
        }
        if named("insecure_ssl") {
            self.insecure_ssl = new.insecure_ssl;
        }
    }

    /// GitHub's `webhook-config`, in which a secret is stars.
    pub(crate) fn json(&self) -> Value {
        let mut json = json!({"content_type": self.content_type, "insecure_ssl": self.insecure_ssl, "url": self.url});
        if self.secret.is_some() {
            json["secret"] = "********".into();
        }
        json
    }
}

/// An App at the repositories of an account.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) app_id: u64,
    /// Whose repositories; `None` stands for everybody's.
    pub(crate) account: Option<String>,
    pub(crate) permissions: Permissions,
    pub(crate) events: Vec<String>,
    /// `None` stands for all of the account.
    pub(crate) repos: Option<Vec<String>>,
    pub(crate) suspended_at: Option<String>,
    pub(crate) created_at: String,
}

impl Installation {
    /// Whether a repository is among its own.
    pub(crate) fn covers(&self, owner: &str, full_name: &str) -> bool {
        self.account.as_ref().is_none_or(|account| account == owner)
            && self
                .repos
                .as_ref()
                .is_none_or(|repos| repos.iter().any(|repo| repo == full_name))
    }
}

/// A webhook of a repository, made by the API.
#[derive(Clone)]
pub(crate) struct RepoHook {
    pub(crate) id: u64,
    pub(crate) repo: String,
    pub(crate) events: Vec<String>,
    pub(crate) hook: Hook,
    pub(crate) created_at: String,
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> Permissions {
    pairs
        .iter()
        .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
        .collect()
}
