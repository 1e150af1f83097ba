//! The end of the manifest flow: the code that GitHub's redirect brought becomes an App with its key and secrets.
//! Source: GitHub's "Registering a GitHub App from a manifest".

use super::error::{Asked, GitHubError};
use super::{http_client, plain_url};
use http::HeaderMap;
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;
use trainyard_core::permission::Who;

/// GitHub makes the key meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
/// GitHub's codes are 40 characters.
const LONGEST_CODE: usize = 200;

/// A GitHub App that was just made. GitHub tells its key and secrets this once.
#[derive(Debug, Deserialize)]
pub struct NewApp {
    /// Its id.
    pub id: u64,
    /// Its name in addresses.
    #[serde(default)]
    pub slug: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its public page.
    #[serde(default)]
    pub html_url: String,
    /// Its private key, PEM.
    #[serde(deserialize_with = "secret")]
    pub pem: SecretString,
    /// Its name as people sign in with it.
    #[serde(default)]
    pub client_id: String,
    /// What proves that it is the one, as people sign in.
    #[serde(default, deserialize_with = "optional_secret")]
    pub client_secret: Option<SecretString>,
    /// What signs its webhooks, if it has one.
    #[serde(default, deserialize_with = "optional_secret")]
    pub webhook_secret: Option<SecretString>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

pub(super) fn optional_secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
}

/// `POST /app-manifests/{code}/conversions`, which works once for a code and within an hour.
pub async fn convert_manifest(api_url: &str, html_url: &str, code: &str) -> Result<NewApp, GitHubError> {
    let api_url = plain_url(api_url, "api_url")?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if code.is_empty() || code.len() > LONGEST_CODE || !code.chars().all(fine) {
        return Err(GitHubError::rejected("the code in the address is none of GitHub's"));
    }
    let path = format!("/app-manifests/{code}/conversions");
    let request = http_client(&api_url)?
        .post(format!("{api_url}{path}"))
        .header("accept", "application/vnd.github+json")
        .timeout(PATIENCE);
    let answered = async {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok((status, headers, response.text().await?))
    };
    let (status, headers, text): (_, HeaderMap, _) = answered
        .await
        .map_err(|error: reqwest::Error| GitHubError::unreachable(without_address(error)))?;
    if !status.is_success() {
        let asked = Asked {
            who: Who::App,
            html_url,
            method: "POST",
            path: &path,
            what: "such code",
        };
        return Err(GitHubError::from_answer(status, &headers, &text, &asked));
    }
    // serde's words could show what is secret.
    serde_json::from_str(&text).map_err(|_| GitHubError::unreachable("its answer about the new App is unreadable"))
}

/// The address has the code in it.
fn without_address(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
