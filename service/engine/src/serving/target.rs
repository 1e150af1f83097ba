//! One push target of the settings, whichever kind it is.

use super::claims::Claims;
use super::open_inference::OpenInference;
use super::protocol::{ModelServer, ServingError};
use super::repository::ModelFolder;
use super::servable::{New, Servable, Settled};
use super::tensorflow_serving::TensorFlowServing;
use super::trial::Checks;
use super::webhook::Webhook;
use crate::house::config::{TargetConfig, TargetKind};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trainyard_core::gate::Blessed;
use trainyard_core::plan::InfraValidation;
use trainyard_core::registry::{Blind, Evidence, Look, PromotionAction, Sight, Sighting};
use trainyard_core::run::Drift;

/// One model's place to serve.
#[derive(Clone, Debug)]
pub struct Target {
    kind: Kind,
    max_latency: Option<Duration>,
    evidence: Value,
}

#[derive(Clone, Debug)]
enum Kind {
    OpenInference(OpenInference),
    TensorFlowServing(TensorFlowServing),
    Webhook(Webhook),
}

impl Target {
    /// The target `name` of the configuration.
    pub fn new(http: &reqwest::Client, name: &str, config: &TargetConfig) -> Self {
        let model = config.model.clone().unwrap_or_else(|| name.to_owned());
        let (http, max_loading_time) = (http.clone(), config.max_loading_time);
        let kind = match &config.kind {
            TargetKind::OpenInference {
                url,
                repository,
                layout,
                ..
            } => Kind::OpenInference(OpenInference {
                server: ModelServer::new(http, url, &model, max_loading_time),
                folder: ModelFolder::laid_out(repository, &model, *layout),
            }),
            TargetKind::TensorFlowServing { repository, url } => Kind::TensorFlowServing(TensorFlowServing {
                http,
                folder: ModelFolder::watched(repository, &model),
                model,
                url: url.clone(),
                max_loading_time,
            }),
            TargetKind::Webhook {
                url,
                status_url,
                secret,
            } => Kind::Webhook(Webhook {
                http,
                target: name.to_owned(),
                model,
                url: url.clone(),
                status_url: status_url.clone(),
                secret: secret.clone(),
                max_loading_time,
            }),
        };
        Self {
            kind,
            max_latency: None,
            evidence: Value::Null,
        }
    }

    /// A new version must answer the sample request within this time, where the target can be asked.
    pub fn within(mut self, max_latency: Option<Duration>) -> Self {
        self.max_latency = max_latency;
        self
    }

    /// Why the model may serve, for a target that wants to know.
    pub fn because(mut self, evidence: &Evidence) -> Self {
        self.evidence = serde_json::to_value(evidence).unwrap_or_default();
        self
    }

    /// Where a version is written, or who is told.
    pub fn destination(&self, version: &str) -> PathBuf {
        match &self.kind {
            Kind::OpenInference(target) => target.folder.version(version),
            Kind::TensorFlowServing(target) => target.folder.version(version),
            Kind::Webhook(target) => PathBuf::from(&target.url),
        }
    }

    /// Whether it answers, in words; nothing is changed.
    pub async fn probe(&self) -> Result<String, ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.probe().await,
            Kind::TensorFlowServing(target) => target.probe().await,
            Kind::Webhook(target) => target.probe().await,
        }
    }

    /// Whether there is room for a new version, where it is written to a disk. Changes nothing.
    pub(crate) async fn has_room(&self, files: &Path, claims: &Claims) -> Result<(), ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.folder.has_room(files, claims).await,
            Kind::TensorFlowServing(target) => target.folder.has_room(files, claims).await,
            Kind::Webhook(_) => Ok(()),
        }
    }

    /// What of it nobody can look at after a crash. One that does not answer says nothing of that.
    pub async fn blind(&self) -> Vec<Blind> {
        match &self.kind {
            Kind::OpenInference(_) | Kind::TensorFlowServing(_) => Vec::new(),
            Kind::Webhook(target) => target.blind().await,
        }
    }

    /// Makes the approved model, whose bytes are in `files`, serve under a number above all that is there, and returns
    /// it only when that was read back. On any failure what served before still serves and the new folder is gone; the
    /// error is a sentence. Of what is provably ours, all but the new version and the one before it is removed
    /// afterwards. The sample is asked where requests are Open Inference.
    pub(crate) async fn push(
        &self,
        model: &Blessed,
        files: &Path,
        claims: Claims,
        validation: InfraValidation,
    ) -> Result<String, ServingError> {
        let new = New {
            model: model.model(),
            files,
        };
        match &self.kind {
            Kind::OpenInference(target) => {
                let checks = Checks::read(files, validation, self.max_latency)?;
                target.push(new, claims, &checks).await
            }
            Kind::TensorFlowServing(target) => target.push(new, claims).await,
            Kind::Webhook(target) => target.push(new, claims, &self.evidence).await,
        }
    }

    /// Makes an earlier version serve again in place of `current`, and returns its number: its own, or where something
    /// of others is in the way one above everything that is there. The error is a sentence, and then `current` still
    /// serves.
    pub(crate) async fn roll_back(
        &self,
        earlier: Servable<'_>,
        current: &str,
        claims: Claims,
    ) -> Result<String, ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.roll_back(earlier, claims).await,
            Kind::TensorFlowServing(target) => target.roll_back(earlier, claims).await,
            Kind::Webhook(target) => {
                let done = target.roll_back(earlier, current, claims, &self.evidence).await;
                done.map(|()| earlier.version.to_owned())
            }
        }
    }

    /// What is there in place of `current`, which the ledger says serves; `None` where that is so, or nobody can tell.
    /// Changes nothing.
    pub(crate) async fn drift(&self, current: Servable<'_>, claims: &Claims) -> Result<Option<Drift>, ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.drift(current, claims).await,
            Kind::TensorFlowServing(target) => target.drift(current, claims).await,
            Kind::Webhook(target) => target.drift(current).await,
        }
    }

    /// What is in its folder and not provably ours. Changes nothing.
    pub(crate) async fn others(&self, claims: &Claims) -> Result<Vec<String>, ServingError> {
        let folder = match &self.kind {
            Kind::OpenInference(target) => &target.folder,
            Kind::TensorFlowServing(target) => &target.folder,
            Kind::Webhook(_) => return Ok(Vec::new()),
        };
        Ok(folder.survey(claims).await?.others())
    }

    /// What it serves, or of ours has first, and how that was learnt. Changes nothing.
    pub(crate) async fn sight(&self, claims: &Claims) -> Result<(Sight, Sighting), ServingError> {
        Ok(match &self.kind {
            Kind::OpenInference(target) => (Sight::Folder, target.folder.sight(claims).await?),
            Kind::TensorFlowServing(target) => (Sight::Folder, target.folder.sight(claims).await?),
            Kind::Webhook(target) => (Sight::Word, target.sight(claims).await),
        })
    }

    /// Whether what was begun serves, after nobody could tell. Nothing new is sent: what was begun is loaded or sent
    /// again under its own number, where the target cannot be asked otherwise.
    pub(crate) async fn look_for(
        &self,
        wanted: Servable<'_>,
        action: PromotionAction,
        claims: &Claims,
    ) -> Result<Look, ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.look_for(wanted, claims).await,
            Kind::TensorFlowServing(target) => target.look_for(wanted, claims).await,
            Kind::Webhook(target) => Ok(target.look_for(wanted, action, claims, &self.evidence).await),
        }
    }

    /// Marks what an older Trainyard wrote and the ledger knows.
    pub(crate) async fn adopt_older(&self, claims: &Claims) -> Result<(), ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.folder.adopt_older(claims).await,
            Kind::TensorFlowServing(target) => target.folder.adopt_older(claims).await,
            Kind::Webhook(_) => Ok(()),
        }
    }

    /// Makes a folder say what the ledger says, after a crash in the middle of a push or rollback: what serves comes
    /// back if it is gone or another version of ours answers, and then other versions of ours go that the ledger does
    /// not keep.
    pub(crate) async fn settle(&self, current: Option<Servable<'_>>, claims: &Claims) -> Result<Settled, ServingError> {
        match &self.kind {
            Kind::OpenInference(target) => target.settle(current, claims).await,
            Kind::TensorFlowServing(target) => target.settle(current, claims).await,
            // What a receiver serves instead is a person's matter.
            Kind::Webhook(_) => Ok(Settled::default()),
        }
    }
}
