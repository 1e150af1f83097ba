//! The door: a delivery is checked, made durable, and only then acknowledged.

use super::Inbound;
use crate::house::clock::now;
use crate::house::crash::{Effect, passing};
use crate::inbound::cloud_event::{CloudEvent, CloudEventError};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::panic::catch_unwind;
use trainyard_core::ids::DeliveryId;
use trainyard_github::signature::{self, SignatureError};
use trainyard_github::webhook::{Flaw, flaw};
use trainyard_store::{Accepted, NewDelivery, StoreError};

/// Headers of a webhook that are kept.
const KEPT: [&str; 9] = [
    "content-type",
    "user-agent",
    "x-github-event",
    "x-github-hook-id",
    "x-github-hook-installation-target-id",
    "x-github-hook-installation-target-type",
    "x-gitea-event",
    "x-gitea-event-type",
    "x-forgejo-event",
];
/// A longer id or kind is none.
const LONGEST_NAME: usize = 200;

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Stored now; it will be looked at.
    Accepted(DeliveryId),
    /// Stored before; nothing more happens.
    Duplicate(DeliveryId),
    /// Stored, with what is wrong with it; it starts nothing.
    Flagged(DeliveryId, String),
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
    /// No CloudEvent.
    #[error(transparent)]
    CloudEvent(#[from] CloudEventError),
}

impl Inbound {
    /// Takes a webhook of GitHub, Gitea or Forgejo. `header` looks a header up by its lowercase name. Once the
    /// signature fits, it is taken whatever it is: who signed it must see what is wrong with it, and cannot send it
    /// otherwise.
    pub(crate) async fn accept_webhook<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: bytes::Bytes,
    ) -> Result<Intake, IntakeError> {
        let signed = signature(&header);
        let secrets = self.webhook_secrets.load();
        let verified = signature::verify(&secrets, signed.as_deref(), body)?;
        let digest = hex::encode(Sha256::digest(verified.get()));
        // Gitea sends the headers of GitHub, too.
        let first = |names: [&str; 2]| {
            let usable = |value: &&str| !value.is_empty() && value.len() <= LONGEST_NAME;
            names.into_iter().find_map(|name| header(name).filter(usable))
        };
        let id = first(["x-gitea-delivery", "x-github-delivery"]);
        let kind = first(["x-gitea-event", "x-github-event"]);
        let flaw = match (id, kind) {
            (None, _) => Some(Flaw::NoId),
            (_, None) => Some(Flaw::NoKind),
            (_, Some(kind)) => flaw_safely(kind, verified.get()),
        };
        let flagged = flaw.map(|flaw| flaw.to_string());
        let unnamed = id.is_none();
        let id = id.map_or_else(|| format!("unnamed-{}", &digest[..32]), str::to_owned);
        let taken = self
            .store_delivery(NewDelivery {
                id: DeliveryId::new(id),
                origin: "github".to_owned(),
                kind: kind.unwrap_or("unknown").to_owned(),
                received_at: now(),
                headers: kept(&KEPT, &header),
                body: verified.into_inner(),
                digest: Some(digest),
                flagged: flagged.clone(),
            })
            .await?;
        Ok(match (taken, flagged) {
            (Intake::Accepted(id), Some(why)) => Intake::Flagged(id, why),
            // Without an id of its own nobody knows whether it was sent twice.
            (Intake::Duplicate(id), Some(why)) if unnamed => Intake::Flagged(id, why),
            (taken, _) => taken,
        })
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
            digest: None,
            flagged: None,
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

/// As GitHub sends it, or as Gitea does where that says nothing.
fn signature<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let named = |name| header(name).filter(|value| !value.is_empty());
    let plain = || named("x-gitea-signature").map(|digits| format!("sha256={digits}"));
    named("x-hub-signature-256").map(str::to_owned).or_else(plain)
}

/// A defect of ours is found again where what is stored is looked at.
fn flaw_safely(kind: &str, body: &[u8]) -> Option<Flaw> {
    catch_unwind(|| flaw(kind, body)).unwrap_or_default()
}
