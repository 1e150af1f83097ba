//! `trainyard github manifest`: what the App asks for.

use crate::cli::output;
use crate::config::Config;
use anyhow::{Result, bail};
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use trainyard_core::permission::{EVENTS, NEEDS};

/// GitHub's limit of an App's name, in characters.
const LONGEST_NAME: usize = 34;
/// What an App links to where the service has no address of its own.
const HOMEPAGE: &str = "https://github.com";

/// Print the manifest of the GitHub App: its permissions, events and webhook
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard github manifest\n  \
    trainyard github manifest --name yard --webhook-url https://yard.example.org/webhooks/github")]
pub(super) struct Manifest {
    /// The App's name, at most 34 characters, that nobody else has at GitHub
    #[arg(long, default_value = "trainyard")]
    name: String,
    /// Where GitHub sends deliveries; PUBLIC_URL/webhooks/github if absent
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
}

impl Manifest {
    pub(super) fn perform(self, config: &Config) -> Result<ExitCode> {
        let url = config.webhook_url(self.webhook_url.as_deref());
        let manifest = manifest(&checked_name(&self.name)?, config, url.as_deref(), None);
        output::json(&manifest)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A name that GitHub takes.
pub(super) fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        bail!("--name is what the App is called at GitHub: 1 to {LONGEST_NAME} characters");
    }
    Ok(name.to_owned())
}

/// The manifest, after GitHub's "Registering a GitHub App from a manifest".
pub(super) fn manifest(name: &str, config: &Config, webhook: Option<&str>, redirect: Option<&str>) -> Value {
    let permissions: Map<String, Value> = NEEDS
        .iter()
        .map(|need| (need.permission.to_owned(), need.level.word().into()))
        .collect();
    let mut manifest = json!({
        "name": name,
        "url": config.public_url.as_deref().unwrap_or(HOMEPAGE),
        "description": "Continuous training with the manners of good CI.",
        "public": false,
        "default_permissions": permissions,
        "default_events": EVENTS.map(|need| need.event),
    });
    if let Some(url) = webhook {
        manifest["hook_attributes"] = json!({"url": url, "active": true});
    }
    if let Some(url) = &config.public_url {
        manifest["callback_urls"] = json!([format!("{}/sign-in/github/back", url.trim_end_matches('/'))]);
    }
    if let Some(url) = redirect {
        manifest["redirect_url"] = url.into();
    }
    manifest
}
