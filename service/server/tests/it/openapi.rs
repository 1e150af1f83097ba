//! The API's description says all that there is, and no more.

use crate::yard::Yard;
use serde_json::Value;
use std::collections::BTreeSet;
use trainyard::http::{Access, listing};

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
