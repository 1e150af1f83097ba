//! The API's description says all that there is, and no more.

use crate::yard::{API_TOKEN, EVENTS_TOKEN, Yard, with_secrets};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use trainyard::http::{Access, listing};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(trainyard::http::document()).unwrap());

/// Fails if a route gives an answer that the description does not have. Paths that are no route, and methods that
/// a route does not take, are in no description.
pub fn described(method: &str, path: &str, status: u16) {
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = parts(path);
    let fits = |route: &str| {
        let route = parts(route);
        let rest = route.last().is_some_and(|last| last.starts_with("{*"));
        let same = |(one, other): (&String, &String)| one.starts_with('{') || one == other;
        (route.len() == asked.len() || rest && asked.len() > route.len()) && route.iter().zip(&asked).all(same)
    };
    let routes = listing();
    // The most exact path counts, whatever it takes.
    let exact = |route: &str| parts(route).iter().filter(|part| !part.starts_with('{')).count();
    let fitting = routes
        .iter()
        .filter(|(_, route, _)| fits(route))
        .map(|(_, route, _)| *route);
    let Some(place) = fitting.max_by_key(|route| exact(route)) else {
        return;
    };
    let Some((_, route, _)) = routes.iter().find(|(of, route, _)| *of == method && *route == place) else {
        return;
    };
    let operation = &DOCUMENT["paths"][route.replace("{*", "{")][method.to_lowercase()];
    let answers = operation["responses"].as_object().unwrap();
    assert!(
        answers.contains_key(&status.to_string()),
        "{method} {path} was answered {status}, which the description of {route} does not have"
    );
}

/// Every route with everything that can be wrong with a request; `send` holds each answer against the description.
#[tokio::test]
async fn every_answer_is_described() {
    let tokens = format!("api_token = \"{API_TOKEN}\"\n{}", with_secrets());
    for settings in ["", &tokens] {
        let yard = Yard::start(settings).await;
        let token = if settings.is_empty() { "" } else { API_TOKEN };
        let (mut seen, long) = (BTreeSet::new(), format!("{{\"actor\": \"{}\"}}", "a".repeat(2 << 20)));
        for (method, route, access) in listing() {
            let token = if access == Access::EventsToken {
                EVENTS_TOKEN
            } else {
                token
            };
            let parts = ["%ff", "nope", "..%2f..", "0"];
            let path = |part: &str| {
                let fill = |piece: &str| {
                    if piece.starts_with('{') {
                        part.to_owned()
                    } else {
                        piece.to_owned()
                    }
                };
                route.split('/').map(fill).collect::<Vec<_>>().join("/")
            };
            let queries = [
                "",
                "?x=1",
                "?limit=-1",
                "?limit=1e9",
                "?state=nope",
                "?before=nope",
                "?hops=x",
                "?attempt=0",
            ];
            for part in parts {
                for query in queries {
                    let address = path(part) + query;
                    let request = yard.request(method, &address).bearer_auth(token);
                    let answer = yard.send(request).await;
                    seen.insert((route, answer.status));
                    let strict = matches!(access, Access::ApiToken | Access::EventsToken);
                    assert!(
                        query.is_empty() || !strict || answer.status == 400 || part == "%ff",
                        "{method} {address}: {answer:?}"
                    );
                    assert!(answer.status < 500, "{method} {address}: {answer:?}");
                    if answer.status >= 400 {
                        assert!(answer.error().len() > 10, "{method} {address}: {answer:?}");
                    }
                }
            }
            for (kind, body) in [
                ("application/json", "{"),
                ("application/json", "[]"),
                ("application/json", "7"),
                ("application/json", "{\"x\": 1}"),
                ("application/json", long.as_str()),
                ("text/plain", "{}"),
                ("application/x-www-form-urlencoded", "payload=x"),
                ("application/json", r#"{"repo": "a/b", "pipeline": "p"}"#),
                ("application/json", r#"{"keep": "served", "reason": "x"}"#),
            ] {
                let request = yard.request(method, &path("nope")).bearer_auth(token);
                let answer = yard
                    .send(request.header("content-type", kind).body(body.to_owned()))
                    .await;
                seen.insert((route, answer.status));
            }
            for wrong in ["", "wrong"] {
                let answer = yard.send(yard.request(method, &path("nope")).bearer_auth(wrong)).await;
                seen.insert((route, answer.status));
            }
        }
        let statuses: BTreeSet<u16> = seen.iter().map(|(_, status)| *status).collect();
        for status in if settings.is_empty() {
            &[400, 403, 404, 413, 415][..]
        } else {
            &[400, 401, 404, 413, 415][..]
        } {
            assert!(statuses.contains(status), "{status} was not met: {statuses:?}");
        }
        yard.stop().await;
    }
}

/// Stored, but not to be done so.
#[tokio::test]
async fn conflicts_are_described() {
    let yard = Yard::start("[targets.flights]\nurl = \"http://127.0.0.1:9\"\nrepository = \"/nowhere\"").await;
    for (name, body, status) in [("rollback", "{}", 409), ("release", "{}", 409), ("hold", "{}", 409)] {
        let path = format!("/api/v1/targets/flights/{name}");
        let request = yard.request("POST", &path).header("content-type", "application/json");
        let answer = yard.send(request.body(body)).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    yard.stop().await;
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let yard = Yard::start("").await;
    let document = yard.get("/api/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods
                .map(|method| (method.to_uppercase(), path.clone()))
                .collect::<Vec<_>>()
        })
        .collect();
    let served: BTreeSet<(String, String)> = listing()
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), path.replace("{*", "{")))
        .collect();
    assert_eq!(described, served);
    yard.stop().await;
}

#[test]
fn the_description_is_whole() {
    let document: Value = serde_json::from_str(trainyard::http::document()).unwrap();
    let mut ids = BTreeSet::new();
    for (method, path, access) in listing() {
        let path = path.replace("{*", "{");
        let operation = &document["paths"][&path][method.to_lowercase()];
        let name = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{name} shares its operationId"
        );
        let answers = operation["responses"].as_object().unwrap();
        assert!(
            answers.keys().any(|status| status.starts_with('2')),
            "{name} has no success"
        );
        let guarded = matches!(access, Access::ApiToken | Access::EventsToken);
        assert_eq!(operation["security"].is_null(), guarded, "{name}");
        assert!(
            !guarded || answers.contains_key("401"),
            "{name} does not say that it needs a token"
        );
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let named: BTreeSet<&str> = parameters
            .iter()
            .filter(|p| p["in"] == "path")
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, in_path, "{name}");
    }
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "schema {name} is missing");
    }
}

/// In the description one would take the place of the other.
#[test]
fn no_two_shapes_have_one_name() {
    fn files(folder: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files(&path, into),
                false => into.push(path),
            }
        }
    }
    let mut all = Vec::new();
    files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let (mut names, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for path in all
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        let mut words = text
            .split_ascii_whitespace()
            .skip_while(|word| !word.ends_with("ToSchema)]"));
        while let Some(word) = words.next() {
            if !word.ends_with("ToSchema)]") {
                continue;
            }
            let mut behind = words.by_ref().skip_while(|word| !["struct", "enum"].contains(word));
            let name = behind.nth(1).unwrap();
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            if !names.insert(name.clone()) {
                twice.insert(name);
            }
        }
    }
    assert!(names.len() > 30, "{names:?}");
    assert_eq!(twice, BTreeSet::new());
}

/// Thousands of requests that somebody else makes up from the description: run by `make conformance`.
#[tokio::test]
#[ignore = "needs schemathesis"]
async fn made_up_requests_get_the_answers_that_are_described() {
    let program = std::env::var("TRAINYARD_SCHEMATHESIS").expect("TRAINYARD_SCHEMATHESIS says where it is");
    let yard = Yard::start(&format!("api_token = \"{API_TOKEN}\"\n{}", with_secrets())).await;
    let checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "unsupported_method",
        "ignored_auth",
    ];
    let ended = tokio::process::Command::new(program)
        .args([
            "run",
            &format!("{}/api/openapi.json", yard.url),
            "--seed",
            "1",
            "--max-examples",
            "100",
        ])
        .args(["--header", &format!("Authorization: Bearer {API_TOKEN}")])
        .args(["--checks", &checks.join(",")])
        .current_dir(yard.folder())
        .output();
    let ended = ended.await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    yard.stop().await;
}
