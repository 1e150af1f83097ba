//! Signing in with an account of GitHub: its web application flow, with the proof key of RFC 7636.
//! Source: GitHub's "Generating a user access token for a GitHub App".

use super::error::GitHubError;
use super::manifest::optional_secret;
use super::{http_client, plain_url};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use trainyard_core::command::Person;

/// Somebody waits for the page.
const PATIENCE: Duration = Duration::from_secs(10);

/// The App by which people sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    api_url: String,
    html_url: String,
    client_id: String,
    client_secret: SecretString,
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default, deserialize_with = "optional_secret")]
    access_token: Option<SecretString>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
    login: String,
}

impl SignIn {
    /// The App with this client id and secret, at a GitHub with these two addresses.
    pub fn new(
        api_url: &str,
        html_url: &str,
        client_id: &str,
        client_secret: SecretString,
    ) -> Result<Self, GitHubError> {
        Ok(Self {
            api_url: plain_url(api_url, "api_url")?,
            html_url: plain_url(html_url, "git_url")?,
            client_id: client_id.to_owned(),
            client_secret,
        })
    }

    /// Where a browser goes to sign in; it comes back to `redirect` with a code and the `state`.
    pub fn address(&self, redirect: &str, state: &str, verifier: &str) -> Result<String, GitHubError> {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let mut url = self.page("/login/oauth/authorize")?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Whose code it is. The token that GitHub gives for it is used for this question and forgotten.
    pub async fn account(&self, code: &str, redirect: &str, verifier: &str) -> Result<Person, GitHubError> {
        let asked = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        let mut form = self.page("/")?;
        form.query_pairs_mut().extend_pairs(asked);
        let request = http_client(&self.html_url)?
            .post(self.page("/login/oauth/access_token")?)
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().unwrap_or_default().to_owned());
        let granted: Granted = answer(request, "the code").await?;
        let Some(token) = granted.access_token else {
            return Err(refused(granted.error.as_deref().unwrap_or("no reason")));
        };
        let request = http_client(&self.api_url)?
            .get(format!("{}/user", self.api_url))
            .header("accept", "application/vnd.github+json")
            .header("authorization", format!("Bearer {}", token.expose_secret()));
        let User { id, login } = answer(request, "who signed in").await?;
        Ok(Person { id, login })
    }

    fn page(&self, path: &str) -> Result<Url, GitHubError> {
        Url::parse(&format!("{}{path}", self.html_url))
            .map_err(|_| GitHubError::rejected(format!("'{}' is no address", self.html_url)))
    }
}

fn refused(word: &str) -> GitHubError {
    match word {
        "incorrect_client_credentials" => GitHubError::unauthorized(
            "github.client_secret is not the App's: make a new one under 'Client secrets' in the App's settings",
        ),
        "redirect_uri_mismatch" => GitHubError::rejected(
            "the App has another callback address: set it to public_url with /sign-in/github behind it, in the App's settings",
        ),
        "bad_verification_code" => GitHubError::rejected("the code is too old, or was used already: sign in once more"),
        other => {
            let safe: String = other.chars().filter(char::is_ascii_graphic).take(60).collect();
            GitHubError::rejected(format!("nobody was signed in ({safe}): sign in once more"))
        }
    }
}

/// Neither the address nor serde's words are told: both could show a secret.
async fn answer<T: serde::de::DeserializeOwned>(
    request: reqwest::RequestBuilder,
    what: &str,
) -> Result<T, GitHubError> {
    let answered = async {
        let response = request.timeout(PATIENCE).send().await?;
        Ok((response.status(), response.text().await?))
    };
    let (status, text) = answered
        .await
        .map_err(|error: reqwest::Error| GitHubError::unreachable(error.without_url().to_string()))?;
    if status.is_server_error() {
        return Err(GitHubError::unreachable(format!(
            "it answers {status} when asked for {what}"
        )));
    }
    if !status.is_success() {
        return Err(GitHubError::rejected(format!(
            "it answers {status} when asked for {what}: is github.client_id the App's?"
        )));
    }
    serde_json::from_str(&text).map_err(|_| GitHubError::unreachable(format!("its answer about {what} is unreadable")))
}
