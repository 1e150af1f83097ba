//! Signing in at an OpenID Connect provider, and what its claims make of people.

use crate::provider::{CLIENT, Provider, SECRET};
use crate::yard::{API_TOKEN, Answer, Yard};
use serde_json::{Value, json};

const HTML: &str = "text/html";

async fn yard(provider: &Provider) -> Yard {
    let text = format!(
        "api_token = \"{API_TOKEN}\"\n[oidc]\nissuer = \"{}\"\nname = \"Acme\"\nclient_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\n\
         viewer = [\"*\"]\noperator = [\"ml\"]\nadmin = [\"ops\"]\n",
        provider.url()
    );
    Yard::start(&text).await
}

async fn page(yard: &Yard, path: &str, cookie: &str) -> Answer {
    let request = yard
        .request("GET", path)
        .header("accept", HTML)
        .header("cookie", cookie);
    yard.send(request).await
}

/// To the provider and back; the answer to the way back.
async fn round(yard: &Yard) -> Answer {
    let there = yard.get("/sign-in/oidc?next=%2Fmodels").await;
    assert_eq!(there.status, 303, "{there:?}");
    let cookie = there
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let alone = reqwest::redirect::Policy::none();
    let browser = reqwest::Client::builder().no_proxy().redirect(alone).build().unwrap();
    let away = browser.get(there.header("location").unwrap()).send().await.unwrap();
    let back = away.headers()["location"].to_str().unwrap().to_owned();
    page(yard, back.strip_prefix(&yard.url).unwrap(), &cookie).await
}

fn session(answer: &Answer) -> String {
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/models".to_owned())),
        "{answer:?}"
    );
    let all = answer.headers.get_all("set-cookie").into_iter();
    let mut found = all.filter_map(|value| value.to_str().unwrap().split(';').next());
    found
        .find(|cookie| cookie.starts_with("trainyard_session="))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn claims_make_roles_wherever_the_provider_tells_them() {
    let provider = Provider::start().await;
    let yard = yard(&provider).await;
    // In the ID token, at the user's own page, or nowhere; as a list or a word.
    let table = [
        (
            json!({"preferred_username": "ada", "groups": ["all", "ops"]}),
            json!({}),
            "ada",
            200,
        ),
        (
            json!({"email": "bob@example.org"}),
            json!({"groups": "ops"}),
            "bob@example.org",
            200,
        ),
        (
            json!({"name": "Eve", "groups": ["ml"]}),
            json!({"groups": ["ops"]}),
            "Eve",
            403,
        ),
        (json!({}), json!({}), "00u1", 403),
    ];
    for (claims, more, name, audit) in table {
        provider.says(claims, more, json!({}));
        let cookie = session(&round(&yard).await);
        let home = page(&yard, "/", &cookie).await;
        assert!(home.status == 200 && home.text.contains(name), "{name}: {home:?}");
        assert_eq!(page(&yard, "/audit", &cookie).await.status, audit, "{name}");
    }
    let form = page(&yard, "/sign-in", "").await;
    assert!(
        form.text.contains("Sign in with Acme") && !form.text.contains("type=\"password\""),
        "{form:?}"
    );
    yard.stop().await;
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_is_none() {
    let provider = Provider::start().await;
    let yard = yard(&provider).await;
    let past = chrono::Utc::now().timestamp() - 7200;
    let lies: [Value; 4] = [
        json!({"nonce": "another"}),
        json!({"aud": "another"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": past}),
    ];
    for lie in lies {
        provider.says(json!({"groups": ["ops"]}), json!({}), lie.clone());
        let refused = round(&yard).await;
        assert_eq!(refused.status, 401, "{lie}: {refused:?}");
        assert!(
            refused.text.contains("Acme does not say who you are"),
            "{lie}: {refused:?}"
        );
    }
    yard.stop().await;
}

/// What a provider says of somebody is asked again each hour, and who is signed in there notices nothing.
#[tokio::test]
async fn who_was_signed_in_goes_to_the_provider_and_a_stranger_to_the_form() {
    let provider = Provider::start().await;
    let yard = yard(&provider).await;
    let sent = async |cookie: &str| page(&yard, "/runs", cookie).await.header("location").unwrap();
    assert_eq!(sent("trainyard_session=over").await, "/sign-in/oidc?next=%2Fruns");
    assert_eq!(sent("theme=dark").await, "/sign-in?next=%2Fruns");
    yard.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_named() {
    let provider = Provider::start().await;
    let text = format!(
        "api_token = \"{API_TOKEN}\"\n[oidc]\nissuer = \"http://127.0.0.1:9\"\nclient_id = \"x\"\nviewer = [\"*\"]\n"
    );
    let yard = Yard::start(&text).await;
    let there = page(&yard, "/sign-in/oidc", "").await;
    assert_eq!(there.status, 503);
    assert!(there.text.contains("http://127.0.0.1:9 does not answer"), "{there:?}");
    // Nobody is let in by the other ways.
    assert_eq!(page(&yard, "/sign-in/github", "").await.status, 404);
    assert_eq!(page(&yard, "/", "").await.status, 303);
    drop(provider);
    yard.stop().await;
}
