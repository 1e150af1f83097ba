//! GitHub's JSON of accounts.

use crate::simulator::Shared;
use serde_json::{Value, json};

/// What GitHub has at an account's address, with the rest of the address.
const OF_USER: [(&str, &str); 9] = [
    ("events_url", "/events{/privacy}"),
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("organizations_url", "/orgs"),
    ("received_events_url", "/received_events"),
    ("repos_url", "/repos"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
];
/// When everything of GitHub's own began here.
pub(crate) const EPOCH: &str = "2026-01-01T00:00:00Z";

/// GitHub's `simple-user`.
pub(crate) fn user(shared: &Shared, login: &str) -> Value {
    let id = shared.number_of(login);
    // The brackets of an App's account are none of an address.
    let part = login.replace('[', "%5B").replace(']', "%5D");
    let api = format!("{}/users/{part}", shared.base_url);
    let mut json = json!({
        "login": login,
        "id": id,
        "node_id": format!("U_{id}"),
        "avatar_url": format!("{}/avatars/{part}", shared.base_url),
        "gravatar_id": "",
        "url": api,
        "html_url": format!("{}/{part}", shared.base_url),
        "type": if login.ends_with("[bot]") { "Bot" } else { "User" },
        "site_admin": false,
    });
    addresses(&mut json, &api, &OF_USER);
    json
}

/// GitHub's `public-user`.
pub(crate) fn public_user(shared: &Shared, login: &str) -> Value {
    let mut json = user(shared, login);
    for field in ["bio", "blog", "company", "email", "hireable", "location", "name"] {
        json[field] = Value::Null;
    }
    for field in ["followers", "following", "public_gists", "public_repos"] {
        json[field] = 0.into();
    }
    for field in ["created_at", "updated_at"] {
        json[field] = EPOCH.into();
    }
    json["user_view_type"] = "public".into();
    json
}

/// Adds addresses that begin alike.
pub(crate) fn addresses(json: &mut Value, api: &str, rest: &[(&str, &str)]) {
    for (name, rest) in rest {
        json[*name] = format!("{api}{rest}").into();
    }
}
