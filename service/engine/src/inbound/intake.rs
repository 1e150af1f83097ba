//! The door: a delivery is checked, made durable, and only then acknowledged.

use super::Inbound;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::cloud_event::{CloudEvent, CloudEventError};
use serde_json::{Map, Value};
use trainyard_core::ids::DeliveryId;
use trainyard_github::signature::{self, SignatureError};
use trainyard_store::{Accepted, NewDelivery, StoreError};

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Stored now; it will be looked at.
    Accepted(DeliveryId),
    /// Stored before; nothing more happens.
    Duplicate(DeliveryId),
}

/// Why a delivery was not taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The signature is missing or wrong, or no secret is configured.
    #[error(transparent)]
    Unsigned(#[from] SignatureError),
    /// The request is not what the endpoint takes.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It could not be stored: the sender should send it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// A webhook without a header that every webhook of GitHub has.
    #[error("the delivery has no usable header {0}: is this a GitHub webhook?")]
    NoHeader(&'static str),
    /// No CloudEvent.
    #[error(transparent)]
    CloudEvent(#[from] CloudEventError),
}

impl Inbound {
    /// Takes a webhook of GitHub. `header` looks a header up by its lowercase name.
    pub(crate) async fn accept_webhook<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: bytes::Bytes,
    ) -> Result<Intake, IntakeError> {
        let signed = header("x-hub-signature-256");
        let verified = signature::verify(&self.webhook_secrets, signed, body)?;
        let required = |name| {
            let usable = header(name).filter(|value| !value.is_empty() && value.len() <= 200);
            usable.ok_or(Malformed::NoHeader(name))
        };
        let (id, kind) = (required("x-github-delivery")?, required("x-github-event")?);
        let headers = ["content-type", "x-github-hook-id", "user-agent"];
        self.store_delivery(NewDelivery {
            id: DeliveryId::from(id),
            origin: "github".to_owned(),
            kind: kind.to_owned(),
            received_at: now(),
            headers: kept(&headers, &header),
            body: verified.into_inner(),
        })
        .await
    }

    /// Takes a CloudEvent; the caller has checked the sender's token.
    pub(crate) async fn accept_cloud_event<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: bytes::Bytes,
    ) -> Result<Intake, IntakeError> {
        let event = CloudEvent::parse(&header, &body).map_err(Malformed::from)?;
        let headers = [
            "content-type",
            "ce-specversion",
            "ce-id",
            "ce-source",
            "ce-type",
            "ce-subject",
            "ce-time",
        ];
        self.store_delivery(NewDelivery {
            id: event.delivery_id(),
            origin: "cloudevents".to_owned(),
            kind: event.kind,
            received_at: now(),
            headers: kept(&headers, &header),
            body,
        })
        .await
    }

    async fn store_delivery(&self, delivery: NewDelivery) -> Result<Intake, IntakeError> {
        let (id, origin) = (delivery.id.clone(), delivery.origin.clone());
        let accepted = passing(Effect::StoreDelivery, self.store.accept_delivery(&delivery)).await?;
        metrics::counter!("trainyard_deliveries_total", "origin" => origin).increment(1);
        self.signals.ingest.notify_one();
        Ok(match accepted {
            Accepted::New => Intake::Accepted(id),
            Accepted::Duplicate => Intake::Duplicate(id),
        })
    }
}

fn kept<'a>(names: &[&str], header: impl Fn(&str) -> Option<&'a str>) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), Value::from(header(name)?))))
        .collect()
}
