//! What becomes of Apps: made, installed, told of what happens.

use super::apps::{App, Hook, Installation, Permissions, client_id, map};
use super::clock::now;
use super::delivery::Receiver;
use super::state::State;
use super::{Shared, SimulatedApp, payload};
use serde_json::{Value, json};
use std::time::Duration;

/// The key pair of every App that is made from a manifest; no App in the world has it.
pub(crate) const PRIVATE_KEY: &str = include_str!("app_key.pem");
const PUBLIC_KEY: &str = include_str!("app_key.pub.pem");

/// What the App of the configuration asks for: everything that the service uses.
const SEEDED: [(&str, &str); 7] = [
    ("actions", "read"),
    ("checks", "write"),
    ("contents", "read"),
    ("issues", "write"),
    ("metadata", "read"),
    ("pull_requests", "write"),
    ("statuses", "write"),
];
const SEEDED_EVENTS: [&str; 11] = [
    "check_run",
    "check_suite",
    "create",
    "delete",
    "issue_comment",
    "pull_request",
    "push",
    "release",
    "repository",
    "repository_dispatch",
    "workflow_run",
];

impl State {
    /// Makes the App of the configuration, installed everywhere.
    pub(crate) fn seed(&mut self, app: &SimulatedApp, owner: &str) {
        let events: Vec<String> = SEEDED_EVENTS.map(str::to_owned).to_vec();
        self.apps.push(App {
            id: app.app_id,
            slug: app.slug.clone(),
            name: app.slug.clone(),
            owner: (owner.to_owned(), false),
            url: "https://example.com".to_owned(),
            public_key: app.public_key.clone(),
            permissions: map(&SEEDED),
            events: events.clone(),
            token_lifetime: app.token_lifetime,
            created_at: now(),
            hook: None,
        });
        self.installations.push(Installation {
            id: app.installation_id,
            app_id: app.app_id,
            account: None,
            permissions: map(&SEEDED),
            events,
            repos: None,
            suspended_at: None,
            created_at: now(),
        });
    }

    pub(crate) fn app(&self, id: u64) -> Option<&App> {
        self.apps.iter().find(|app| app.id == id)
    }

    pub(crate) fn app_mut(&mut self, id: u64) -> Option<&mut App> {
        self.apps.iter_mut().find(|app| app.id == id)
    }

    pub(crate) fn installation(&self, id: u64) -> Option<&Installation> {
        self.installations.iter().find(|installation| installation.id == id)
    }

    pub(crate) fn installation_mut(&mut self, id: u64) -> Option<&mut Installation> {
        self.installations.iter_mut().find(|installation| installation.id == id)
    }

    /// Whoever hears an event of a repository, each with its installation.
    pub(crate) fn audience(&self, event: &str, owner: &str, full_name: &str) -> Vec<(Receiver, Option<u64>)> {
        let sends = |events: &[String]| events.iter().any(|sent| sent == event || sent == "*");
        let hooks = self
            .hooks
            .iter()
            .filter(|hook| hook.repo == full_name && hook.hook.active && sends(&hook.events));
        let mut audience: Vec<_> = hooks.map(|hook| (Receiver::Hook(hook.id), None)).collect();
        for app in self
            .apps
            .iter()
            .filter(|app| app.hook.as_ref().is_some_and(|(_, hook)| hook.active))
        {
            let mut there = self
                .installations
                .iter()
                .filter(|installation| installation.app_id == app.id);
            let there = there.find(|at| at.suspended_at.is_none() && at.covers(owner, full_name) && sends(&at.events));
            audience.extend(there.map(|at| (Receiver::App(app.id), Some(at.id))));
        }
        audience
    }
}

impl Shared {
    /// An App as GitHub's `integration`.
    pub(crate) fn app_json(&self, app: &App) -> Value {
        let installations = self
            .state()
            .installations
            .iter()
            .filter(|at| at.app_id == app.id)
            .count();
        let mut owner = payload::user(self, &app.owner.0);
        if app.owner.1 {
            owner["type"] = "Organization".into();
        }
        json!({
            "id": app.id,
            "slug": app.slug,
            "node_id": format!("A_{}", app.id),
            "client_id": client_id(app.id),
            "owner": owner,
            "name": app.name,
            "description": null,
            "external_url": app.url,
            "html_url": format!("{}/apps/{}", self.base_url, app.slug),
            "created_at": app.created_at,
            "updated_at": app.created_at,
            "permissions": app.permissions,
            "events": app.events,
            "installations_count": installations,
        })
    }

    /// An installation as GitHub tells it.
    pub(crate) fn installation_json(&self, at: &Installation) -> Value {
        let account = match &at.account {
            Some(account) => account.clone(),
            None => {
                let state = self.state();
                let first = state.repos.first().map(|repo| repo.name.owner().to_owned());
                first.unwrap_or_else(|| self.config.login.clone())
            }
        };
        let slug = self.state().app(at.app_id).map(|app| app.slug.clone());
        let account = payload::user(self, &account);
        json!({
            "id": at.id,
            "client_id": client_id(at.app_id),
            "account": account,
            "repository_selection": if at.repos.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{}/app/installations/{}/access_tokens", self.base_url, at.id),
            "repositories_url": format!("{}/installation/repositories", self.base_url),
            "html_url": format!("{}/settings/installations/{}", self.base_url, at.id),
            "app_id": at.app_id,
            "app_slug": slug,
            "target_id": account["id"],
            "target_type": "User",
            "permissions": at.permissions,
            "events": at.events,
            "created_at": at.created_at,
            "updated_at": at.created_at,
            "single_file_name": null,
            "suspended_by": null,
            "suspended_at": at.suspended_at,
        })
    }

    /// A new App, as a person makes it of a manifest; its id.
    pub(crate) fn make_app(&self, name: &str, owner: (String, bool), manifest: &Value) -> u64 {
        let permissions = manifest["default_permissions"].as_object().into_iter().flatten();
        let mut permissions: Permissions = permissions
            .filter_map(|(name, level)| Some((name.clone(), level.as_str()?.to_owned())))
            .collect();
        permissions
            .entry("metadata".to_owned())
            .or_insert_with(|| "read".to_owned());
        let events = manifest["default_events"].as_array().into_iter().flatten();
        let events = events.filter_map(Value::as_str).map(str::to_owned).collect();
        let attributes = &manifest["hook_attributes"];
        let mut hook = Hook::of(attributes);
        hook.content_type = "json".to_owned();
        hook.active = hook.url.is_some() && attributes["active"] != false;
        hook.secret = Some(format!(
            "{}{}",
            uuid::Uuid::now_v7().simple(),
            uuid::Uuid::now_v7().simple()
        ));
        let mut state = self.state();
        let (id, hook_id) = (state.next_id(), state.next_id());
        state.apps.push(App {
            id,
            slug: name
                .to_ascii_lowercase()
                .replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            name: name.to_owned(),
            owner,
            url: manifest["url"].as_str().unwrap_or_default().to_owned(),
            public_key: PUBLIC_KEY.to_owned(),
            permissions,
            events,
            token_lifetime: Duration::from_secs(3600),
            created_at: now(),
            hook: Some((hook_id, hook)),
        });
        id
    }
}
