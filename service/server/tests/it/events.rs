//! CloudEvents at the door.

use crate::yard::{EVENTS_TOKEN, Yard, with_secrets};
use serde_json::{Value, json};

fn arrived(id: &str) -> Value {
    json!({
        "specversion": "1.0", "type": "io.trainyard.data.arrived", "source": "/lake/flights", "id": id,
        "time": "2013-05-01T00:00:00Z", "data": {"source": "flights", "span": "2013-04"},
    })
}

#[tokio::test]
async fn both_modes_are_taken_once() {
    let yard = Yard::start(&with_secrets()).await;
    let structured = yard.send(yard.event(&arrived("a"))).await;
    assert_eq!(structured.status, 202, "{structured:?}");
    let again = yard.event(&arrived("a")).send().await.unwrap();
    let address = again.headers()["location"].to_str().unwrap();
    assert_eq!(yard.get(address).await.json()["id"], structured.json()["delivery"]);
    let binary = |id: &str| {
        yard.request("POST", "/events")
            .bearer_auth(EVENTS_TOKEN)
            .header("content-type", "application/json")
            .header("ce-specversion", "1.0")
            .header("ce-type", "io.trainyard.data.arrived")
            .header("ce-source", "/lake/flights")
            .header("ce-id", id)
            .body(json!({"source": "flights", "span": "2013-04"}).to_string())
    };
    assert_eq!(yard.send(binary("b")).await.status, 202);
    // The same source and id, whatever the mode, is the same event.
    let repeated = [yard.send(binary("a")).await, yard.send(yard.event(&arrived("b"))).await];
    assert_eq!(repeated.each_ref().map(|answer| answer.status), [200, 200]);
    let stored = yard.deliveries().await;
    assert_eq!(stored.len(), 2, "{stored:?}");
    for id in stored {
        let delivery = yard.outcome(&id).await;
        assert_eq!(
            (&delivery["origin"], &delivery["events"][0]["kind"]),
            (&json!("cloudevents"), &json!("data"))
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(delivery["outcome"].as_str().unwrap(), @"no pipeline is known yet: push a repository with a pipeline to its default branch first");
        }
    }
    yard.stop().await;
}

#[tokio::test]
async fn only_the_events_token_opens_it() {
    let settings = format!("api_token = \"another-token\"\n{}", with_secrets());
    let yard = Yard::start(&settings).await;
    let post = || {
        let request = yard
            .request("POST", "/events")
            .header("content-type", "application/cloudevents+json");
        request.body(arrived("a").to_string())
    };
    let answers = [
        yard.send(post()).await,
        yard.send(post().bearer_auth("wrong")).await,
        yard.send(post().bearer_auth("another-token")).await,
        yard.send(post().bearer_auth("")).await,
        yard.send(post().basic_auth("user", Some(EVENTS_TOKEN))).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 401, "{answer:?}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.error(), @"this needs the header 'authorization: Bearer …' with the service's events token");
        }
    }
    yard.stop().await;
}

#[tokio::test]
async fn without_a_token_every_event_is_refused() {
    let yard = Yard::start("").await;
    let answer = yard.send(yard.event(&arrived("a"))).await;
    assert_eq!(answer.status, 403);
    insta::assert_snapshot!(answer.error(), @"events are refused, because no token opens them: set [events] token in trainyard.toml");
    assert!(yard.deliveries().await.is_empty());
    yard.stop().await;
}

#[tokio::test]
async fn what_is_no_event_is_told_what_is_wrong() {
    let yard = Yard::start(&with_secrets()).await;
    let without = |key: &str| {
        let mut event = arrived("x");
        event.as_object_mut().unwrap().remove(key);
        event
    };
    let with = |key: &str, value: Value| {
        let mut event = arrived("x");
        event[key] = value;
        event
    };
    let events = [
        without("id"),
        without("specversion"),
        with("specversion", json!("0.3")),
        with("id", json!("")),
        with("source", json!(7)),
        json!([arrived("x")]),
        json!("text"),
    ];
    let mut said = Vec::new();
    for event in events {
        let answer = yard.send(yard.event(&event)).await;
        assert_eq!(answer.status, 400, "{event}: {answer:?}");
        said.push(answer.error());
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (kind, body) in [
        ("application/cloudevents+json", "{"),
        ("application/cloudevents+json", &deep),
        ("text/plain", "hello"),
        ("application/cloudevents-batch+json", "[]"),
    ] {
        let request = yard
            .request("POST", "/events")
            .bearer_auth(EVENTS_TOKEN)
            .header("content-type", kind);
        let answer = yard.send(request.body(body.to_owned())).await;
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
        said.push(answer.error());
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    the CloudEvent cannot be read: missing field `id` at line 1 column 156
    the CloudEvent cannot be read: missing field `specversion` at line 1 column 145
    CloudEvents '0.3' are not taken: send specversion 1.0
    a CloudEvent's id, source and type must not be empty
    the CloudEvent cannot be read: invalid type: integer `7`, expected a string at line 1 column 66
    the CloudEvent cannot be read: invalid type: map, expected a string at line 1 column 1
    the CloudEvent cannot be read: invalid type: string "text", expected an object with specversion, id, source and type at line 1 column 6
    the CloudEvent cannot be read: EOF while parsing an object at line 1 column 1
    the CloudEvent cannot be read: invalid type: sequence, expected a string at line 1 column 1
    this is not a CloudEvent: send content-type application/cloudevents+json, or the headers ce-specversion, ce-id, ce-source and ce-type
    batches of CloudEvents are not taken: send one event a request
    "#);
    assert!(yard.deliveries().await.is_empty());
    yard.stop().await;
}

#[tokio::test]
async fn an_event_has_the_limit_of_a_webhook() {
    let yard = Yard::start(&with_secrets()).await;
    let request = yard.request("POST", "/events").bearer_auth(EVENTS_TOKEN);
    let answer = yard.send(request.body(vec![b' '; 25 * 1024 * 1024 + 1])).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    yard.stop().await;
}

#[tokio::test]
async fn an_event_of_an_unknown_kind_is_stored_with_its_reason() {
    let yard = Yard::start(&with_secrets()).await;
    let mut event = arrived("k");
    event["type"] = json!("com.example.lunch");
    assert_eq!(yard.send(yard.event(&event)).await.status, 202);
    let stored = yard.deliveries().await;
    insta::assert_snapshot!(yard.outcome(&stored[0]).await["outcome"].as_str().unwrap(), @"events of type 'com.example.lunch' start nothing: data arrivals are 'io.trainyard.data.arrived'");
    yard.stop().await;
}
