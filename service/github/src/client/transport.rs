//! One identity at GitHub: octocrab for transport and authentication, our own timeouts and limits.

use super::error::{Asked, GitHubError, shortened};
use super::governor::Governor;
use http::request::Builder;
use http::{HeaderMap, Method, StatusCode, header};
use octocrab::Octocrab;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use trainyard_core::permission::Who;

/// A call that has no whole answer by then is over.
const PATIENCE: Duration = Duration::from_secs(20);

/// A token, an App, or one installation of it. Limits are per identity, so is the wait.
pub(crate) struct Identity {
    octocrab: Octocrab,
    who: Who,
    /// The address of GitHub's pages, where people change what is refused.
    html_url: Arc<str>,
    patience: Duration,
    /// Two calls at once would mint two tokens.
    minting: tokio::sync::Mutex<()>,
    governor: Arc<Governor>,
}

impl Identity {
    pub(crate) fn new(octocrab: Octocrab, who: Who, html_url: Arc<str>, governor: Arc<Governor>) -> Self {
        Self {
            octocrab,
            who,
            html_url,
            patience: PATIENCE,
            minting: tokio::sync::Mutex::default(),
            governor,
        }
    }

    /// What limits it.
    pub(crate) fn governor(&self) -> &Arc<Governor> {
        &self.governor
    }

    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(crate) fn with_governor(mut self, governor: Arc<Governor>) -> Self {
        self.governor = governor;
        self
    }

    pub(crate) fn octocrab(&self) -> &Octocrab {
        &self.octocrab
    }

    /// GET and parse; `what` names the thing for the error.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<T, GitHubError> {
        self.call(Method::GET, path, None, what).await
    }

    /// GET with the whole answer; one that is as `etag` says is answered 304, without a body.
    pub(crate) async fn get_whole(
        &self,
        path: &str,
        etag: Option<&str>,
        what: &str,
    ) -> Result<(StatusCode, HeaderMap, String), GitHubError> {
        self.exchange(Method::GET, path, None, etag, what).await
    }

    /// Sends one request, once. `path` is relative: octocrab adds the base address, and the
    /// authorization only to that.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<T, GitHubError> {
        let (_, text) = self.call_whole(method, path, body, what).await?;
        serde_json::from_str(&text)
            .map_err(|error| GitHubError::unreachable(format!("its answer about {what} is unreadable: {error}")))
    }

    /// The same for whoever reads headers, or an answer that may be empty.
    pub(crate) async fn call_whole(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<(HeaderMap, String), GitHubError> {
        let (_, headers, text) = self.exchange(method, path, body, None, what).await?;
        Ok((headers, text))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
        what: &str,
    ) -> Result<(StatusCode, HeaderMap, String), GitHubError> {
        self.governor.may_call()?;
        if matches!(self.who, Who::Installation(_)) {
            self.token(Duration::from_secs(30)).await?;
        }
        if method != Method::GET {
            self.governor.wrote();
        }
        let asked = Instant::now();
        let sent = tokio::time::timeout(self.patience, self.send(method, path, body, etag, what)).await;
        let answer = sent.unwrap_or_else(|_| {
            Err(GitHubError::unreachable(format!(
                "no answer within {} seconds",
                self.patience.as_secs_f32()
            )))
        });
        self.governor.remember(asked, answer.as_ref().err());
        answer
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
        what: &str,
    ) -> Result<(StatusCode, HeaderMap, String), GitHubError> {
        let asked = Asked {
            who: self.who,
            html_url: &self.html_url,
            method: method.as_str(),
            path,
            what,
        };
        let mut request = Builder::new().method(method.clone()).uri(path);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = self
            .octocrab
            .build_request(request, body)
            .map_err(|e| self.broken(&e))?;
        let response = self.octocrab.execute(request).await.map_err(|e| self.broken(&e))?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.governor.heard(&headers);
        let text = self
            .octocrab
            .body_to_string(response)
            .await
            .map_err(|e| self.broken(&e))?;
        if status.is_success() || etag.is_some() && status == StatusCode::NOT_MODIFIED {
            Ok((status, headers, text))
        } else {
            Err(GitHubError::from_answer(status, &headers, &text, &asked))
        }
    }

    /// The installation's token, good for at least `left`; minted anew when it is not.
    pub(crate) async fn token(&self, left: Duration) -> Result<SecretString, GitHubError> {
        self.governor.may_call()?;
        let (left, asked) = (chrono_seconds(left), Instant::now());
        let minted = async {
            let _one_at_a_time = self.minting.lock().await;
            self.octocrab.installation_token_with_buffer(left).await
        };
        let token = match tokio::time::timeout(self.patience, minted).await {
            Ok(answer) => answer.map_err(|error| self.broken(&error)),
            Err(_) => Err(GitHubError::unreachable("no installation token in time")),
        };
        // A token that is at hand says nothing of the limits.
        if token.is_err() {
            self.governor.remember(asked, token.as_ref().err());
        }
        token
    }

    /// Failures inside octocrab: an answer it judged itself (minting a token), or no answer.
    fn broken(&self, error: &octocrab::Error) -> GitHubError {
        if let octocrab::Error::GitHub { source, .. } = error {
            let none = HeaderMap::new();
            let headers = source.headers.as_ref().unwrap_or(&none);
            let body = serde_json::json!({"message": source.message}).to_string();
            let asked = Asked {
                who: Who::App,
                html_url: &self.html_url,
                method: "POST",
                path: "/app/installations/access_tokens",
                what: "such App installation",
            };
            return GitHubError::from_answer(source.status_code, headers, &body, &asked);
        }
        without_answer(error)
    }
}

/// octocrab takes its margin as chrono's type and hands chrono out nowhere but here.
fn chrono_seconds(duration: Duration) -> chrono::Duration {
    chrono::Duration::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 1000))
}

/// octocrab got no answer, or asked nothing.
fn without_answer(error: &octocrab::Error) -> GitHubError {
    if matches!(error, octocrab::Error::JWT { .. }) {
        return GitHubError::unauthorized(
            "the App's private key cannot sign: use the PEM file that GitHub made for the App",
        );
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    GitHubError::unreachable(shortened(&cause.to_string(), 200))
}
