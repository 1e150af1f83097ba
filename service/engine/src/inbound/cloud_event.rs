//! CloudEvents 1.0 over HTTP: `POST /events` in structured and binary mode.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>

use serde::Deserialize;
use serde_json::Value;
use trainyard_core::event::DataArrived;
use trainyard_core::ids::DeliveryId;

/// The one event type that starts something.
pub const DATA_ARRIVED: &str = "io.trainyard.data.arrived";

/// The attributes we read, whichever mode carried them.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudEvent {
    /// Unique together with `source`.
    pub id: String,
    /// Who sent it.
    pub source: String,
    /// What happened.
    pub kind: String,
    /// What it is about, for example the data source.
    pub subject: Option<String>,
    /// The payload.
    pub data: Value,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with specversion, id, source and type")]
struct Structured {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: Option<String>,
    #[serde(default)]
    data: Value,
}

impl CloudEvent {
    /// Reads either mode. `header` looks a header up by its lowercase name. The error is a sentence.
    pub fn parse<'a>(header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Result<Self, String> {
        let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("application/cloudevents-batch") {
            return Err("batches of CloudEvents are not taken: send one event a request".to_owned());
        }
        let event = if content_type.starts_with("application/cloudevents+json") {
            Self::structured(body)?
        } else if header("ce-specversion").is_some() {
            Self::binary(header, &content_type, body)?
        } else {
            return Err(
                "this is not a CloudEvent: send content-type application/cloudevents+json, \
                        or the headers ce-specversion, ce-id, ce-source and ce-type"
                    .to_owned(),
            );
        };
        if event.id.is_empty() || event.source.is_empty() || event.kind.is_empty() {
            return Err("a CloudEvent's id, source and type must not be empty".to_owned());
        }
        Ok(event)
    }

    fn structured(body: &[u8]) -> Result<Self, String> {
        let parsed: Structured =
            serde_json::from_slice(body).map_err(|error| format!("the CloudEvent cannot be read: {error}"))?;
        check_version(&parsed.specversion)?;
        Ok(Self {
            id: parsed.id,
            source: parsed.source,
            kind: parsed.kind,
            subject: parsed.subject,
            data: parsed.data,
        })
    }

    fn binary<'a>(header: impl Fn(&str) -> Option<&'a str>, content_type: &str, body: &[u8]) -> Result<Self, String> {
        check_version(header("ce-specversion").unwrap_or_default())?;
        let required = |name: &str| {
            header(name)
                .map(str::to_owned)
                .ok_or_else(|| format!("the CloudEvent has no header {name}: add it"))
        };
        let data = if body.is_empty() {
            Value::Null
        } else if content_type.is_empty() || content_type.contains("json") {
            serde_json::from_slice(body).map_err(|error| format!("the CloudEvent's data is not JSON: {error}"))?
        } else {
            return Err(format!(
                "the CloudEvent's data is '{content_type}': send application/json"
            ));
        };
        Ok(Self {
            id: required("ce-id")?,
            source: required("ce-source")?,
            kind: required("ce-type")?,
            subject: header("ce-subject").map(str::to_owned),
            data,
        })
    }

    /// CloudEvents are the same when source and id are.
    pub fn delivery_id(&self) -> DeliveryId {
        DeliveryId::new(format!("{}#{}", self.source, self.id))
    }

    /// What arrived, or why the event starts nothing.
    pub fn data_arrived(&self) -> Result<DataArrived, String> {
        if self.kind != DATA_ARRIVED {
            return Err(format!(
                "events of type '{}' start nothing: data arrivals are '{DATA_ARRIVED}'",
                self.kind
            ));
        }
        let text = |name: &str| self.data.get(name).and_then(Value::as_str).map(str::to_owned);
        let source = text("source").or_else(|| self.subject.clone());
        match source {
            Some(source) if !source.is_empty() => Ok(DataArrived {
                source,
                span: text("span"),
            }),
            _ => Err(
                "the event does not name a data source: put it into data.source, for example \
                      {\"source\": \"flights\", \"span\": \"2013-04\"}"
                    .to_owned(),
            ),
        }
    }
}

fn check_version(version: &str) -> Result<(), String> {
    if version == "1.0" {
        return Ok(());
    }
    Err(format!("CloudEvents '{version}' are not taken: send specversion 1.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary<'a>(headers: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        move |name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    #[test]
    fn both_modes_say_the_same() {
        let structured = CloudEvent::parse(
            binary(&[("content-type", "application/cloudevents+json; charset=utf-8")]),
            br#"{"specversion":"1.0","id":"7","source":"/lake","type":"io.trainyard.data.arrived",
                 "data":{"source":"flights","span":"2013-04"}}"#,
        );
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", "7"),
            ("ce-source", "/lake"),
            ("ce-type", DATA_ARRIVED),
            ("content-type", "application/json"),
        ];
        let other = CloudEvent::parse(binary(&headers), br#"{"source":"flights","span":"2013-04"}"#);
        assert_eq!(structured, other);
        let arrived = structured.unwrap().data_arrived().unwrap();
        assert_eq!(
            arrived,
            DataArrived {
                source: "flights".into(),
                span: Some("2013-04".into())
            }
        );
    }

    #[test]
    fn every_refusal_says_what_to_send() {
        let refusal = |headers: &[(&str, &str)], body: &[u8]| CloudEvent::parse(binary(headers), body).unwrap_err();
        insta::assert_snapshot!(refusal(&[], b"{}"), @"this is not a CloudEvent: send content-type application/cloudevents+json, or the headers ce-specversion, ce-id, ce-source and ce-type");
        let structured = [("content-type", "application/cloudevents+json")];
        insta::assert_snapshot!(refusal(&structured, b"{"), @"the CloudEvent cannot be read: EOF while parsing an object at line 1 column 1");
        insta::assert_snapshot!(
            refusal(&structured, br#"{"specversion":"0.3","id":"1","source":"a","type":"b"}"#),
            @"CloudEvents '0.3' are not taken: send specversion 1.0"
        );
        insta::assert_snapshot!(refusal(&[("ce-specversion", "1.0")], b""), @"the CloudEvent has no header ce-id: add it");
        let other = CloudEvent {
            id: "1".into(),
            source: "s".into(),
            kind: "x".into(),
            subject: None,
            data: Value::Null,
        };
        insta::assert_snapshot!(other.data_arrived().unwrap_err(), @"events of type 'x' start nothing: data arrivals are 'io.trainyard.data.arrived'");
    }
}
