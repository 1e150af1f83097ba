//! An OpenID Connect provider that is none of the library's: it signs with another one, and lies where it is told to.

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub const CLIENT: &str = "trainyard";
pub const SECRET: &str = "secret-of-the-provider";
const KEY: &str = include_str!("../../../github/tests/it/keys/private.pem");
/// The modulus of that key.
const MODULUS: &str = "y4BPDDzJ7PRpk8nRHKoMfxe6ad-79wodSd_0wHfRwRTSHngQ2DeRuL41uvg3WJVaBSMuMrymnshLqOwGCct92R-PU3s3w51VLiOppU3SH369bnSFT75nz3u7MhINP7JWlYv6elqimEeB346VBDpfk8OfzwwKjlJHC0sbJn9KbQlQcEJB9V2ylmoUHwrX3eLwFconxjsSR72d2Z2vJ8rqTynxPow66V6a2M2-kYGfQPyXrUbAJfqpLhA88rE1J13kSqzGEI_sPhMFYqU0_HVVSmUjbCQf0iutPT9UL5-QdEcNsIFrWVEYQIR4NLNyESWxVSRAYUdmEBQS9g6z3XhJ3Q";

/// A code on its way, with what its asker sent.
type Codes = HashMap<String, HashMap<String, String>>;

#[derive(Default)]
struct Known {
    url: String,
    /// What is said of whoever signs in next, beside the standard claims; `None` takes a claim away.
    claims: Value,
    /// What the user's own page says beside.
    more: Value,
    /// Claims of the ID token in place of the right ones.
    lies: Value,
    codes: Codes,
}

/// A provider on loopback.
#[derive(Clone)]
pub struct Provider(Arc<Mutex<Known>>);

impl Provider {
    pub async fn start() -> Self {
        let provider = Self(Arc::default());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(described))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(user))
            .with_state(provider.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        provider.0.lock().unwrap().url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn url(&self) -> String {
        self.0.lock().unwrap().url.clone()
    }

    /// What is said of whoever signs in next.
    pub fn says(&self, claims: Value, more: Value, lies: Value) {
        let mut known = self.0.lock().unwrap();
        (known.claims, known.more, known.lies) = (claims, more, lies);
    }
}

async fn described(State(provider): State<Provider>) -> Json<Value> {
    let url = provider.url();
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"), "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys() -> Json<Value> {
    Json(json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": MODULUS, "e": "AQAB"}]}))
}

async fn authorize(State(provider): State<Provider>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    assert_eq!(
        (text("client_id").as_str(), text("response_type").as_str()),
        (CLIENT, "code")
    );
    assert!(text("scope").split(' ').any(|scope| scope == "openid"), "{asked:?}");
    let mut known = provider.0.lock().unwrap();
    let code = format!("code-{}", known.codes.len());
    let to = format!("{}?code={code}&state={}", text("redirect_uri"), text("state"));
    known.codes.insert(code, asked);
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = basic.and_then(|value| value.strip_prefix("Basic "));
    let basic = basic.and_then(|value| String::from_utf8(STANDARD.decode(value).ok()?).ok());
    if basic.as_deref() != Some(&format!("{CLIENT}:{SECRET}")) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let mut known = provider.0.lock().unwrap();
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let invalid = || (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    let Some(asked) = known
        .codes
        .insert(text("code"), HashMap::new())
        .filter(|asked| !asked.is_empty())
    else {
        return invalid();
    };
    let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
    if asked["code_challenge"] != shown || asked["redirect_uri"] != text("redirect_uri") {
        return invalid();
    }
    let now = chrono::Utc::now().timestamp();
    let mut claims =
        json!({"iss": known.url, "aud": CLIENT, "sub": "00u1", "iat": now, "exp": now + 300, "nonce": asked["nonce"]});
    for told in [&known.claims, &known.lies] {
        for (name, value) in told.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
    }
    Json(json!({"access_token": "opaque", "token_type": "Bearer", "id_token": signed(&claims)})).into_response()
}

async fn user(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer opaque");
    let mut claims = json!({"sub": "00u1"});
    for (name, value) in provider.0.lock().unwrap().more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    Json(claims).into_response()
}

/// A token by RS256 (RFC 7515).
fn signed(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!(
        "{}.{}",
        part(&json!({"alg": "RS256", "typ": "JWT", "kid": "1"})),
        part(claims)
    );
    let body: String = KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
