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

/// Why a request is no CloudEvent that we take: what to send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudEventError {
    /// Several at once.
    #[error("batches of CloudEvents are not taken: send one event a request")]
    Batch,
    /// Neither mode.
    #[error(
        "this is not a CloudEvent: send content-type application/cloudevents+json, or the headers ce-specversion, ce-id, ce-source and ce-type"
    )]
    NoCloudEvent,
    /// Another version of the specification.
    #[error("CloudEvents '{0}' are not taken: send specversion 1.0")]
    Version(String),
    /// Structured mode with a body that cannot be read.
    #[error("the CloudEvent cannot be read: {0}")]
    Body(String),
    /// Binary mode without a header that it needs.
    #[error("the CloudEvent has no header {0}: add it")]
    NoHeader(&'static str),
    /// Binary mode with data that are not JSON.
    #[error("the CloudEvent's data is not JSON: {0}")]
    Data(String),
    /// Binary mode with data that say so.
    #[error("the CloudEvent's data is '{0}': send application/json")]
    ContentType(String),
    /// An attribute that says nothing.
    #[error("a CloudEvent's id, source and type must not be empty")]
    Empty,
}

/// Why a CloudEvent announces no data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoArrival {
    /// It announces something else.
    #[error("events of type '{0}' start nothing: data arrivals are '{DATA_ARRIVED}'")]
    OtherType(String),
    /// It does not say of what.
    #[error(
        "the event does not name a data source: put it into data.source, for example {{\"source\": \"flights\", \"span\": \"2013-04\"}}"
    )]
    NoSource,
}

impl CloudEvent {
    /// Reads either mode. `header` looks a header up by its lowercase name.
    pub fn parse<'a>(header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Result<Self, CloudEventError> {
        let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
        if content_type.starts_with("application/cloudevents-batch") {
            return Err(CloudEventError::Batch);
        }
        let event = if content_type.starts_with("application/cloudevents+json") {
            Self::structured(body)?
        } else if header("ce-specversion").is_some() {
            Self::binary(header, &content_type, body)?
        } else {
            return Err(CloudEventError::NoCloudEvent);
        };
        if event.id.is_empty() || event.source.is_empty() || event.kind.is_empty() {
            return Err(CloudEventError::Empty);
        }
        Ok(event)
    }

    fn structured(body: &[u8]) -> Result<Self, CloudEventError> {
        let parsed = serde_json::from_slice(body).map_err(|error| CloudEventError::Body(error.to_string()));
        let parsed: Structured = parsed?;
        check_version(&parsed.specversion)?;
        Ok(Self {
            id: parsed.id,
            source: parsed.source,
            kind: parsed.kind,
            subject: parsed.subject,
            data: parsed.data,
        })
    }

    fn binary<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        content_type: &str,
        body: &[u8],
    ) -> Result<Self, CloudEventError> {
        check_version(header("ce-specversion").unwrap_or_default())?;
        let required = |name| {
            let value = header(name).map(str::to_owned);
            value.ok_or(CloudEventError::NoHeader(name))
        };
        let data = if body.is_empty() {
            Value::Null
        } else if content_type.is_empty() || content_type.contains("json") {
            serde_json::from_slice(body).map_err(|error| CloudEventError::Data(error.to_string()))?
        } else {
            return Err(CloudEventError::ContentType(content_type.to_owned()));
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
    pub fn data_arrived(&self) -> Result<DataArrived, NoArrival> {
        if self.kind != DATA_ARRIVED {
            return Err(NoArrival::OtherType(self.kind.clone()));
        }
        let text = |name: &str| self.data.get(name).and_then(Value::as_str).map(str::to_owned);
        let source = text("source").or_else(|| self.subject.clone());
        match source {
            Some(source) if !source.is_empty() => Ok(DataArrived {
                source,
                span: text("span"),
            }),
            _ => Err(NoArrival::NoSource),
        }
    }
}

fn check_version(version: &str) -> Result<(), CloudEventError> {
    if version == "1.0" {
        return Ok(());
    }
    Err(CloudEventError::Version(version.to_owned()))
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
