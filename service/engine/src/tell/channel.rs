//! Who is told beside GitHub: the channels of the settings, and how each is spoken to.

use super::channel_error::{ChannelError, innermost};
use super::mail;
use crate::house::config::{ChannelConfig, ChannelKind};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use trainyard_core::notify::{Channel, Condition, Notice, alert, cloud_event, slack};
use trainyard_github::signature::sign;

/// A receiver that has not answered by then has not heard.
const PATIENCE: Duration = Duration::from_secs(15);
/// No wait that a receiver asks for is longer.
const LONGEST_WAIT: u64 = 3600;
/// Carries `sha256=` and the hexadecimal HMAC-SHA256 of the body.
const SIGNATURE: &str = "x-trainyard-signature-256";
/// Carries what the message is known by.
const ID: &str = "x-trainyard-id";

/// All channels.
#[derive(Clone)]
pub(crate) struct Channels {
    all: Arc<[Channel]>,
    kinds: Arc<BTreeMap<String, ChannelKind>>,
    http: reqwest::Client,
    public_url: Option<String>,
}

impl Channels {
    pub(crate) fn new(configs: &[ChannelConfig], public_url: Option<&str>) -> Self {
        let named = |config: &ChannelConfig| (config.channel.name.clone(), config.kind.clone());
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .user_agent("trainyard");
        // Reading the machine's certificates takes its time.
        let mut urls = configs.iter().filter_map(|config| config.kind.url());
        let http = match urls.all(|url| trainyard_github::is_plain_loopback(url.expose_secret())) {
            true => http.no_proxy().tls_certs_only([]),
            false => http,
        };
        Self {
            all: configs.iter().map(|config| config.channel.clone()).collect(),
            kinds: Arc::new(configs.iter().map(named).collect()),
            http: http.build().unwrap_or_default(),
            public_url: public_url.map(str::to_owned),
        }
    }

    pub(crate) fn all(&self) -> &[Channel] {
        &self.all
    }

    /// Tells the notice to its channel, once.
    pub(crate) async fn tell(&self, notice: &Notice) -> Result<(), ChannelError> {
        let channel = &notice.channel;
        let base = self.public_url.as_deref();
        match self.kinds.get(channel) {
            None => Err(ChannelError::Unknown {
                channel: channel.clone(),
            }),
            Some(ChannelKind::Slack { url }) => {
                let body = slack(notice, base).to_string();
                self.post(notice, url, "application/json", body, Keys::default()).await
            }
            Some(ChannelKind::Webhook { url, secret }) => {
                let (body, keys) = (alert(notice, base).to_string(), Keys::signed(secret));
                self.post(notice, url, "application/json", body, keys).await
            }
            Some(ChannelKind::CloudEvents { url, token, secret }) => {
                let body = cloud_event(notice, base).to_string();
                let keys = Keys {
                    token: token.as_ref(),
                    secret: secret.as_ref(),
                };
                let kind = "application/cloudevents+json; charset=utf-8";
                self.post(notice, url, kind, body, keys).await
            }
            Some(ChannelKind::Email(settings)) => mail::send(settings, notice, base).await,
        }
    }

    async fn post(
        &self,
        notice: &Notice,
        url: &SecretString,
        kind: &str,
        body: String,
        keys: Keys<'_>,
    ) -> Result<(), ChannelError> {
        let channel = || notice.channel.clone();
        let mut request = self.http.post(url.expose_secret()).header(CONTENT_TYPE, kind);
        request = request.header(ID, notice.id());
        if let Some(secret) = keys.secret {
            request = request.header(SIGNATURE, sign(secret.expose_secret(), body.as_bytes()));
        }
        if let Some(token) = keys.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        }
        // Its address is a secret, so that none of it is told.
        let answer = request
            .body(body)
            .send()
            .await
            .map_err(|error| ChannelError::Unreachable {
                channel: channel(),
                reason: innermost(&error.without_url()),
            })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.is_success() {
            return Ok(());
        }
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            && let Some(wait) = asked_wait(&headers)
        {
            return Err(ChannelError::Busy {
                channel: channel(),
                wait,
            });
        }
        let said = format!("it answered {status}");
        match status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
            true => Err(ChannelError::Unreachable {
                channel: channel(),
                reason: said,
            }),
            false => Err(ChannelError::Refused {
                channel: channel(),
                reason: said,
            }),
        }
    }
}

/// What opens a receiver.
#[derive(Clone, Copy, Default)]
struct Keys<'a> {
    token: Option<&'a SecretString>,
    secret: Option<&'a SecretString>,
}

impl<'a> Keys<'a> {
    fn signed(secret: &'a SecretString) -> Self {
        Self {
            token: None,
            secret: Some(secret),
        }
    }
}

/// `Retry-After` in seconds.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, LONGEST_WAIT)))
}

/// Which conditions a channel of this kind hears of where nobody says.
pub fn usual(kind: &ChannelKind) -> &'static [Condition] {
    match kind {
        ChannelKind::CloudEvents { .. } => Condition::FOR_PROGRAMS,
        ChannelKind::Slack { .. } | ChannelKind::Webhook { .. } | ChannelKind::Email(_) => Condition::FOR_PEOPLE,
    }
}
