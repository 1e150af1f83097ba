//! Signing in at an OpenID Connect provider: its code flow, with a proof key and a nonce (OpenID Connect Core 1.0).

use crate::config::Oidc;
use crate::token::RESERVED;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreProviderMetadata};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _, UserInfoClaims,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use trainyard_core::access::Identity;

/// Somebody waits for the page.
const PATIENCE: Duration = Duration::from_secs(10);
/// Its keys and addresses are asked for again after this time.
const KNOWN: Duration = Duration::from_secs(600);
/// More than any answer has, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// The provider does not answer, or not so that it can be understood.
    #[error("{0} does not answer as an OpenID Connect provider: {1}; check oidc.issuer")]
    Unreachable(String, String),
    /// It does not vouch for anybody.
    #[error("{0} does not say who you are: {1}; sign in once more")]
    Refused(String, String),
    /// It does, and its words give no role.
    #[error("{name} has no role here: the claim '{claim}' says {words}, and [oidc] names none of it")]
    NoRole {
        /// Who.
        name: String,
        /// Where roles come from.
        claim: String,
        /// What it says.
        words: String,
    },
}

/// The provider, with what is known of it.
pub(crate) struct Provider {
    config: Oidc,
    known: Mutex<Option<(CoreProviderMetadata, Instant)>>,
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// All that a provider says of somebody.
#[derive(Debug, Default, Serialize, Deserialize)]
struct All {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for All {}

/// What a sign-in is recognised by: texts that nobody guesses.
pub(crate) struct Proofs<'a> {
    pub(crate) state: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) verifier: &'a str,
}

impl Provider {
    pub(crate) fn new(config: Oidc) -> Self {
        Self {
            config,
            known: Mutex::default(),
        }
    }

    /// Where a browser goes to sign in.
    pub(crate) async fn address(&self, redirect: &str, proofs: &Proofs<'_>) -> Result<String, ProviderError> {
        let client = self.client(redirect).await?;
        let (state, nonce) = (proofs.state.to_owned(), proofs.nonce.to_owned());
        let verifier = PkceCodeVerifier::new(proofs.verifier.to_owned());
        let asked = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        );
        let scopes = self.config.scopes.iter().cloned().map(Scope::new);
        let asked = asked.add_scopes(scopes);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        Ok(asked.set_pkce_challenge(challenge).url().0.into())
    }

    /// Whose code it is, and what that person may do here.
    pub(crate) async fn identity(
        &self,
        code: &str,
        redirect: &str,
        proofs: &Proofs<'_>,
    ) -> Result<Identity, ProviderError> {
        let refused = |why: String| ProviderError::Refused(self.config.name.clone(), why);
        let client = self.client(redirect).await?;
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let exchange = exchange.map_err(|error| self.unreachable(&error))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(proofs.verifier.to_owned()));
        let granted = exchange.request_async(&ask).await;
        let granted = granted.map_err(|error| refused(last(&error)))?;
        let token = granted
            .id_token()
            .ok_or_else(|| refused("it gave no ID token".to_owned()))?;
        let nonce = Nonce::new(proofs.nonce.to_owned());
        let verified = token.claims(&client.id_token_verifier(), &nonce);
        let verified = verified.map_err(|error| refused(last(&error)))?;
        let subject = verified.subject().clone();
        // Only now, since it is verified: the claims that are no standard ones.
        let mut all = claims(&token.to_string()).unwrap_or_default();
        let asks_more = !all.contains_key(&self.config.claim);
        if asks_more && let Ok(asked) = client.user_info(granted.access_token().clone(), Some(subject.clone())) {
            let more: Result<UserInfoClaims<All, CoreGenderClaim>, _> = asked.request_async(&ask).await;
            let more = more.map_err(|error| refused(last(&error)))?;
            all.extend(more.additional_claims().claims.clone());
        }
        let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = ["preferred_username", "email", "name"].into_iter().find_map(text);
        let name = name.unwrap_or_else(|| subject.to_string());
        // Parentheses are of the record, and some names are of others.
        let name: String = name
            .chars()
            .filter(|c| !c.is_control() && !"()".contains(*c))
            .take(100)
            .collect();
        let name = match RESERVED.contains(&name.trim()) || name.trim().is_empty() {
            true => subject.to_string(),
            false => name,
        };
        let words = words(all.get(&self.config.claim));
        let role = self.config.role(&words).ok_or_else(|| ProviderError::NoRole {
            name: name.clone(),
            claim: self.config.claim.clone(),
            words: match words.as_slice() {
                [] => "nothing".to_owned(),
                words => words.join(", ").chars().take(200).collect(),
            },
        })?;
        Ok(Identity::Claimed {
            issuer: self.config.issuer.clone(),
            subject: subject.to_string(),
            name,
            role,
        })
    }

    async fn client(&self, redirect: &str) -> Result<Client, ProviderError> {
        // Who waits behind a provider that hangs does not wait for ever.
        let known = tokio::time::timeout(PATIENCE, self.known.lock()).await;
        let mut known = known.map_err(|error| self.unreachable(&error))?;
        let metadata = match known.as_ref().filter(|(_, at)| at.elapsed() < KNOWN) {
            Some((metadata, _)) => metadata.clone(),
            None => {
                let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|error| self.unreachable(&error))?;
                let found = CoreProviderMetadata::discover_async(issuer, &ask).await;
                let found = found.map_err(|error| self.unreachable(&error))?;
                known.insert((found, Instant::now())).0.clone()
            }
        };
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|error| self.unreachable(&error))?;
        let id = ClientId::new(self.config.client_id.clone());
        let secret = self.config.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        Ok(CoreClient::from_provider_metadata(metadata, id, secret).set_redirect_uri(redirect))
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> ProviderError {
        ProviderError::Unreachable(self.config.issuer.clone(), last(error))
    }
}

/// The words of a claim: one, or a list of them.
fn words(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The claims of a token that was verified (RFC 7519).
fn claims(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// The innermost cause, which says most.
fn last(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// What goes wrong on the way.
#[derive(Debug, thiserror::Error)]
enum Wire {
    #[error("{0}")]
    Sent(#[from] reqwest::Error),
    #[error("its answer is no answer: {0}")]
    Answer(#[from] http::Error),
    #[error("its answer is too long")]
    Long,
}

/// One request, without following anybody elsewhere.
async fn ask(request: HttpRequest) -> Result<HttpResponse, Wire> {
    let alone = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().redirect(alone).timeout(PATIENCE).build()?;
    let (parts, body) = request.into_parts();
    let asked = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers);
    let mut answer = asked.body(body).send().await?;
    let mut builder = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        builder = builder.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Wire::Long);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(builder.body(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_a_word_or_a_list() {
        assert_eq!(words(Some(&json!("ops"))), ["ops"]);
        assert_eq!(words(Some(&json!(["ops", 7, "ml"]))), ["ops", "ml"]);
        assert!(words(Some(&json!({"ops": true}))).is_empty() && words(None).is_empty());
    }
}
