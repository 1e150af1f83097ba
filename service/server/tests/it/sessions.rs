//! Browsers in which people are signed in, who is let in at all, and what is kept of those who are not.

use crate::people::{REPO, Town};
use crate::yard::{API_TOKEN, Answer, Yard};
use serde_json::{Value, json};
use std::process::Command;

const HTML: &str = "text/html";

async fn audit(town: &Town) -> Vec<Value> {
    let told = town.api("GET", "/api/v1/audit", API_TOKEN, None).await.json();
    told["entries"].as_array().unwrap().clone()
}

/// Of a public repository GitHub says that everybody may read it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_let_into_a_public_repository_sees_nothing() {
    let town = Town::with(false).await;
    town.github.browse_as(Some("stranger"));
    let (back, cookie) = town.at_github("/runs").await;
    let refused = town.page(&back, &cookie).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused.text.contains("stranger has no role in any repository here"),
        "{refused:?}"
    );
    let entries = audit(&town).await;
    assert_eq!(
        (&entries[0]["deed"], &entries[0]["actor"], &entries[0]["done"]),
        (&json!("sign_in"), &json!("nobody"), &json!(false))
    );
    assert!(
        entries[0]["outcome"]
            .as_str()
            .unwrap()
            .starts_with("stranger has no role")
    );
    for (login, role) in [("ada", "read"), ("tim", "triage")] {
        let cookie = town.signed_in(login, role).await;
        let listed = town.page("/runs", &cookie).await;
        assert!(listed.text.contains(&town.run), "{login}");
    }
    town.github.set_role(REPO, "ada", "none").unwrap();
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_ends_what_is_his_and_admins_what_is_others() {
    let town = Town::with(true).await;
    let ada = town.signed_in("ada", "read").await;
    let elsewhere = town.signed_in("ada", "read").await;
    let boss = town.signed_in("boss", "admin").await;
    let listed = async || {
        let told = town.api("GET", "/api/v1/sessions", API_TOKEN, None).await.json();
        told["sessions"].as_array().unwrap().clone()
    };
    let all = listed().await;
    let who: Vec<&str> = all.iter().map(|item| item["who"].as_str().unwrap()).collect();
    assert_eq!(who, ["boss", "ada", "ada"], "{all:?}");
    let ids: Vec<&str> = all.iter().map(|item| item["id"].as_str().unwrap()).collect();
    let own = town.page("/sessions", &ada).await;
    assert!(
        own.status == 200 && own.text.matches("this browser").count() == 1,
        "{own:?}"
    );
    assert_eq!(own.text.matches("<tr><td>ada").count(), 2, "others' are not shown");
    assert_eq!(
        town.page("/sessions", &boss).await.text.matches("<tr><td>ada").count(),
        2
    );
    // Others' are not there for whoever is no admin.
    let end = async |id: &str, cookie: &str| town.submit(&format!("/sessions/{id}/end"), cookie, &[]).await.status;
    assert_eq!(end(ids[0], &ada).await, 404);
    let at_home = async |cookie: &str| town.page("/", cookie).await.status;
    assert_eq!(end(ids[1], &ada).await, 303);
    assert_eq!((at_home(&ada).await, at_home(&elsewhere).await), (200, 303));
    assert_eq!(end(ids[2], &boss).await, 303);
    assert_eq!((at_home(&ada).await, at_home(&boss).await), (303, 200));
    let done = Command::new(env!("CARGO_BIN_EXE_trainyard"))
        .arg("--config")
        .arg(town.yard.folder().join("trainyard.toml"))
        .args(["sessions", "end", ids[0], "--actor", "grace"])
        .output();
    let done = tokio::task::spawn_blocking(move || done.unwrap()).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "a session of boss is over\n",
        "{done:?}"
    );
    assert_eq!((listed().await.len(), at_home(&boss).await), (0, 303));
    assert_eq!(
        town.api("POST", "/api/v1/sessions/nope/end", API_TOKEN, None)
            .await
            .status,
        404
    );
    let entries = audit(&town).await;
    let ended: Vec<String> = entries
        .iter()
        .filter(|entry| entry["deed"] == "end_session")
        .map(|entry| {
            format!(
                "{}: {}",
                entry["actor"].as_str().unwrap(),
                entry["subject"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        format!("grace: session {} of boss", ids[0]),
        format!("boss: session {} of ada", ids[2]),
        format!("ada: session {} of ada", ids[1]),
    ];
    assert_eq!(ended, expected);
    town.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_kept() {
    let town = Town::with(true).await;
    let ada = town.signed_in("ada", "read").await;
    let refused = town.submit(&format!("/runs/{}/rerun", town.run), &ada, &[]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(town.api("GET", "/api/v1/runs", "guessed", None).await.status, 401);
    let kept: Vec<String> = audit(&town)
        .await
        .iter()
        .filter(|entry| entry["done"] == false)
        .map(|entry| {
            let word = |name: &str| entry[name].as_str().unwrap_or("–").to_owned();
            format!(
                "{} | {} | {} | {}",
                word("actor"),
                word("deed"),
                word("subject"),
                word("outcome")
            )
        })
        .collect();
    insta::assert_snapshot!(kept.join("\n"), @"
    nobody | sign_in |  | a program sent a token that opens nothing
    ada | rerun_run | pipeline tiny of acme/models | to rerun a run takes an operator for pipeline tiny of acme/models, and ada is a viewer there: whoever administrates the repository can give the GitHub permission 'write'
    ");
    town.yard.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_a_page() {
    let yard = Yard::start(&format!("api_token = \"{API_TOKEN}\"")).await;
    let send = async |method: &str, path: &str, kind: &str, body: &str| -> Answer {
        let request = yard.request(method, path).header("accept", HTML);
        let request = match kind {
            "" => request,
            kind => request.header("content-type", kind).body(body.to_owned()),
        };
        yard.send(request).await
    };
    let form = "application/x-www-form-urlencoded";
    for (method, path, kind, body, status) in [
        ("GET", "/sign-in?next=a&next=b", "", "", 400),
        ("GET", "/sign-in/github?next=a&next=b", "", "", 400),
        ("GET", "/sign-in/github/back?code=a&code=b", "", "", 400),
        ("GET", "/sign-in/oidc/back?state=a&state=b", "", "", 400),
        ("POST", "/sign-in", "application/json", "{}", 415),
        ("POST", "/sign-in", form, "next=%2F", 422),
        ("POST", "/sign-in", form, "token=a&token=b", 422),
        ("POST", "/sign-in", form, "token=wrong", 401),
    ] {
        let answer = send(method, path, kind, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(
            answer.text.starts_with("<!doctype html>"),
            "{method} {path}: {answer:?}"
        );
    }
    yard.stop().await;
}

#[tokio::test]
async fn behind_tls_no_neighbour_sets_the_cookie() {
    let yard = Yard::start(&format!(
        "api_token = \"{API_TOKEN}\"\npublic_url = \"https://yard.example.org\""
    ))
    .await;
    let form = yard
        .request("POST", "/sign-in")
        .header("accept", HTML)
        .header("content-type", "application/x-www-form-urlencoded");
    let done = yard.send(form.body(format!("token={API_TOKEN}"))).await;
    let cookie = done.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-trainyard_session=") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    let home = async |cookie: &str| {
        let request = yard.request("GET", "/").header("accept", HTML);
        yard.send(request.header("cookie", cookie)).await.status
    };
    assert_eq!(home(cookie).await, 200);
    assert_eq!(home(cookie.trim_start_matches("__Host-")).await, 303);
    yard.stop().await;
}
