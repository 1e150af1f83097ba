//! A model server that speaks the Open Inference Protocol with its repository extension, as MLServer
//! and Triton do, and the folder it loads models from.

use super::changes::Down;
use super::claims::Claims;
use super::protocol::{ModelServer, ServingError};
use super::repository::{ModelFolder, Naming};
use super::sample::Sample;
use super::servable::{New, Servable, Settled};
use super::trial::Checks;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use trainyard_core::registry::{Look, NotOurs};
use trainyard_core::run::Drift;

/// The waits before a server is asked again to load what is right.
const RELOADS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1)];

/// One model on one server.
#[derive(Clone, Debug)]
pub(super) struct OpenInference {
    pub(super) server: ModelServer,
    pub(super) folder: ModelFolder,
}

impl OpenInference {
    /// Whether the server answers, for a person.
    pub(super) async fn probe(&self) -> Result<String, ServingError> {
        self.server.live().await?;
        Ok(format!("{} answers", self.server.url()))
    }

    pub(super) async fn push(&self, new: New<'_>, mut claims: Claims, checks: &Checks) -> Result<String, ServingError> {
        let version = self.begin(new, &mut claims, checks).await?;
        self.folder.retire(&version, &claims).await;
        Ok(version)
    }

    /// Writes the model under a number above all that is there, has the server load it, and asks it.
    async fn begin(&self, new: New<'_>, claims: &mut Claims, checks: &Checks) -> Result<String, ServingError> {
        // A server that is down is waited for; one that this version takes down is not.
        self.server.live().await?;
        self.is_our_model(claims).await?;
        let begun = self.folder.begin(&new.model.digest, new.files, claims).await?;
        let read_back = match self.activate(&begun.version, checks, claims).await {
            Ok(()) => self.same_bytes(new, &begun.version).await,
            Err(error) => Err(error),
        };
        match read_back {
            Ok(()) => {
                claims.read_back().await;
                Ok(begun.version)
            }
            Err(error) => {
                let removed = self.folder.undo(&begun, claims).await;
                let left = removed.as_ref().err().map(|left| format!("{error}; and then {left}"));
                let withdrawn = self.withdraw(&begun.version, removed, claims).await;
                let error = self.taken_down(&begun.version, error);
                match left {
                    // A server could load it again.
                    Some(problem) => Err(ServingError::Unknown {
                        version: begun.version.clone(),
                        problem,
                    }),
                    None if withdrawn => Err(error),
                    None => Err(ServingError::NotUndone(Box::new(error))),
                }
            }
        }
    }

    /// The server tells a number only: its folder tells the model.
    async fn same_bytes(&self, new: New<'_>, version: &str) -> Result<(), ServingError> {
        if self.folder.holds(new.files, version).await? {
            return Ok(());
        }
        Err(ServingError::Answer(format!(
            "{} holds other bytes than the model {}; does somebody else write there?",
            self.folder.version(version).display(),
            new.model.digest
        )))
    }

    /// What is there in place of what the ledger calls serving, as far as it can be told.
    pub(super) async fn drift(&self, current: Servable<'_>, claims: &Claims) -> Result<Option<Drift>, ServingError> {
        let found = self.folder.drift(&current, claims).await?;
        if found.is_some() {
            return Ok(found);
        }
        let sample = match claims.files(&current.model.digest) {
            Some(files) => Sample::read_if_there(&files)?,
            None => None,
        };
        let checks = Checks {
            sample,
            max_latency: None,
        };
        let served = self.folder.served(current.version);
        Ok(match self.server.expect_default(&served, checks.request()).await {
            Err(error @ (ServingError::Answer(_) | ServingError::Refused { .. })) => Some(Drift::Answers {
                said: error.to_string(),
            }),
            // A server that is down says nothing.
            Ok(()) | Err(_) => None,
        })
    }

    /// Whether a version that was begun serves, asked as a push asks. It is loaded if it is not yet.
    pub(super) async fn look_for(&self, wanted: Servable<'_>, claims: &Claims) -> Result<Look, ServingError> {
        if self.folder.look_for(&wanted, claims).await? != Look::This {
            return Ok(Look::Another);
        }
        let checks = Checks {
            sample: Sample::read_if_there(wanted.files)?,
            max_latency: None,
        };
        match self.activate(wanted.version, &checks, claims).await {
            Ok(()) => Ok(Look::This),
            Err(ServingError::Unreachable { .. }) => Ok(Look::Silent),
            Err(error) => {
                tracing::info!(model = self.server.model(), version = wanted.version, %error, "a push that was cut off is not finished");
                Ok(Look::Another)
            }
        }
    }

    /// A server with a model of this name that is not in the folder reads another one: a push there would not serve,
    /// and its undoing could take somebody's model away.
    async fn is_our_model(&self, claims: &Claims) -> Result<(), ServingError> {
        let nothing_yet = claims.ledger().is_empty() && claims.attempts().attempts.is_empty();
        if nothing_yet && self.folder.survey(claims).await?.is_empty() && self.server.has_model().await? {
            return Err(ServingError::NotOurs(NotOurs::Elsewhere {
                model: self.server.model().to_owned(),
                url: self.server.url().to_owned(),
                folder: self.folder.path().display().to_string(),
            }));
        }
        Ok(())
    }

    /// A server that answered before the version was loaded.
    fn taken_down(&self, version: &str, error: ServingError) -> ServingError {
        match error {
            ServingError::Unreachable { url, problem, .. } => ServingError::Answer(format!(
                "the model server at {url} went away while version {version} of model '{}' was loaded and asked ({problem}): see its log; the version is withdrawn",
                self.server.model()
            )),
            error => error,
        }
    }

    /// Where something of others is in the way, it comes back under a number above that.
    pub(super) async fn roll_back(&self, earlier: Servable<'_>, mut claims: Claims) -> Result<String, ServingError> {
        let version = earlier.version;
        let checks = Checks {
            sample: Sample::read_if_there(earlier.files)?,
            max_latency: None,
        };
        self.server.live().await?;
        if !self.folder.is_free_again(version, &claims).await? {
            let version = self.begin(earlier.anew(), &mut claims, &checks).await?;
            self.folder.retire_all_but(&version, &claims).await;
            return Ok(version);
        }
        self.folder.may_restore(&earlier, &claims).await?;
        claims.begin(version, &earlier.model.digest, false).await?;
        let claims = &claims;
        let _lock = self.folder.lock().await?;
        let above = self.folder.restore(&earlier, claims).await?;
        // Triton loads only the newest version; a load that fails leaves there what serves.
        if self.folder.naming() == Naming::Padded
            && let Err(error) = self.prove(version, &checks, claims).await
        {
            let removed = self.folder.remove(version, claims).await;
            return Err(match self.withdraw(version, removed, claims).await {
                true => error,
                false => ServingError::NotUndone(Box::new(error)),
            });
        }
        let switch = self.activate(version, &checks, claims);
        let switched = self.folder.without(&above, claims, Down::PutBack, switch).await;
        match &switched {
            Ok(()) => claims.read_back().await,
            Err(_) => self.load(claims).await?,
        }
        switched.map(|()| version.to_owned())
    }

    pub(super) async fn settle(&self, current: Option<Servable<'_>>, claims: &Claims) -> Result<Settled, ServingError> {
        let settling = self.folder.settle(current.as_ref(), claims).await?;
        let mut wrong = settling.written || !settling.left.is_empty();
        match current {
            Some(current) => {
                let sample = Sample::read_if_there(current.files)?;
                let checks = Checks {
                    sample,
                    max_latency: None,
                };
                if !wrong {
                    let served = self.folder.served(current.version);
                    let answers = self.server.expect_default(&served, checks.request()).await;
                    wrong = matches!(answers, Err(ServingError::Answer(_) | ServingError::Refused { .. }));
                }
                if wrong {
                    let switch = self.activate(current.version, &checks, claims);
                    let left = &settling.left;
                    let switched = self.folder.without(left, claims, Down::StayHidden, switch).await;
                    if matches!(&switched, Err(error) if !matches!(error, ServingError::Unreachable { .. })) {
                        self.load(claims).await?;
                    }
                    switched?;
                }
            }
            None if wrong => {
                self.folder.remove_all(&settling.left, claims).await?;
                self.load_what_is_left(claims).await?;
            }
            None => {}
        }
        Ok(Settled { put_right: wrong })
    }

    /// Loads what is in the folder.
    async fn load(&self, claims: &Claims) -> Result<(), ServingError> {
        let ours = self.folder.survey(claims).await?.ours();
        self.folder.align_config(&ours, claims)?;
        self.server.load().await
    }

    /// Loads a version beside the one that serves, and asks it.
    async fn prove(&self, version: &str, checks: &Checks, claims: &Claims) -> Result<(), ServingError> {
        let served = self.folder.served(version);
        self.load(claims).await?;
        self.server.wait_ready(&served).await?;
        checks.query(&self.server, Some(&served)).await
    }

    async fn activate(&self, version: &str, checks: &Checks, claims: &Claims) -> Result<(), ServingError> {
        self.prove(version, checks, claims).await?;
        self.server
            .expect_default(&self.folder.served(version), checks.request())
            .await
    }

    /// Has the server forget a version that must not serve. The old ones are loaded again, if need be by the
    /// target's next look; false says that this is needed.
    async fn withdraw(&self, version: &str, removed: Result<(), ServingError>, claims: &Claims) -> bool {
        if let Err(error) = removed {
            tracing::error!(model = self.server.model(), version, %error, "a failed version was not removed");
        }
        for wait in RELOADS {
            sleep(wait).await;
            let error = match timeout(self.server.max_loading_time(), self.reload(claims)).await {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => error,
                Err(_) => ServingError::Answer("the model server hangs: start it anew".to_owned()),
            };
            tracing::error!(model = self.server.model(), version, %error, "a failed version may still serve");
            // It had all its time: others wait for the target.
            if matches!(error, ServingError::Answer(_)) {
                return false;
            }
        }
        false
    }

    /// Has a server that answers load what is left.
    async fn reload(&self, claims: &Claims) -> Result<(), ServingError> {
        self.server.live().await?;
        self.load_what_is_left(claims).await
    }

    /// The model is taken away only if nobody has a version in it.
    async fn load_what_is_left(&self, claims: &Claims) -> Result<(), ServingError> {
        let survey = self.folder.survey(claims).await?;
        self.folder.align_config(&survey.ours(), claims)?;
        if survey.is_empty() {
            self.server.unload().await
        } else {
            self.server.load().await
        }
    }
}
