//! A folder of versions as TensorFlow Serving watches it: integers, whole or not there, the highest serves.

use super::changes::Down;
use super::claims::Claims;
use super::protocol::{ServingError, unreachable};
use super::repository::ModelFolder;
use super::servable::{New, Servable, Settled};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::registry::Look;
use trainyard_core::run::Drift;

/// One status call must be answered in this time.
const CALL: Duration = Duration::from_secs(30);
/// Between two looks at a version that is loading.
const POLL: Duration = Duration::from_millis(50);

/// One model's folder, and the server that watches it, if its address is known.
#[derive(Clone, Debug)]
pub(super) struct TensorFlowServing {
    pub(super) http: reqwest::Client,
    pub(super) folder: ModelFolder,
    pub(super) model: String,
    pub(super) url: Option<String>,
    pub(super) max_loading_time: Duration,
}

/// The answer of `GET /v1/models/<model>`.
#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    model_version_status: Vec<VersionStatus>,
}

#[derive(Debug, Deserialize)]
struct VersionStatus {
    version: String,
    state: String,
    #[serde(default)]
    status: Reason,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    error_message: String,
}

impl Status {
    /// The version that answers requests: the highest that is available.
    fn serving(&self) -> Option<u64> {
        let available = self
            .model_version_status
            .iter()
            .filter(|version| version.state == "AVAILABLE");
        available.filter_map(|version| version.version.parse().ok()).max()
    }

    /// Why a version will never serve.
    fn failure(&self, version: &str) -> Option<&str> {
        let found = self
            .model_version_status
            .iter()
            .find(|status| status.version == version)?;
        let failed = found.state == "END" && !found.status.error_message.is_empty();
        failed.then_some(found.status.error_message.as_str())
    }
}

impl TensorFlowServing {
    pub(super) async fn push(&self, new: New<'_>, mut claims: Claims) -> Result<String, ServingError> {
        let version = self.begin(new, &mut claims).await?;
        self.folder.retire(&version, &claims).await;
        Ok(version)
    }

    /// Writes the model under a number above all that is there, and proves it.
    async fn begin(&self, new: New<'_>, claims: &mut Claims) -> Result<String, ServingError> {
        let begun = self.folder.begin(&new.model.digest, new.files, claims).await?;
        match self.read_back(new.called(&begun.version)).await {
            Ok(()) => {
                claims.read_back().await;
                Ok(begun.version)
            }
            Err(error) => match self.folder.undo(&begun, claims).await {
                Ok(()) => Err(error),
                // A server could load it again.
                Err(left) => Err(ServingError::Unknown {
                    version: begun.version.clone(),
                    problem: format!("{error}; and then {left}"),
                }),
            },
        }
    }

    /// What is there in place of what the ledger calls serving, as far as it can be told.
    pub(super) async fn drift(&self, current: Servable<'_>, claims: &Claims) -> Result<Option<Drift>, ServingError> {
        let found = self.folder.drift(&current, claims).await?;
        let (None, Some(url)) = (&found, &self.url) else {
            return Ok(found);
        };
        // A server that is down or still loading says nothing.
        let serving = self
            .status(url)
            .await
            .ok()
            .flatten()
            .and_then(|status| status.serving());
        let other = serving.filter(|serving| serving.to_string() != self.folder.served(current.version));
        Ok(other.map(|other| Drift::Answers {
            said: format!("the model server at {url} serves version {other}"),
        }))
    }

    /// Whether a version that was begun serves.
    pub(super) async fn look_for(&self, wanted: Servable<'_>, claims: &Claims) -> Result<Look, ServingError> {
        let folder = self.folder.look_for(&wanted, claims).await?;
        let (Look::This, Some(url)) = (folder, &self.url) else {
            return Ok(folder);
        };
        let Ok(Some(status)) = self.status(url).await else {
            return Ok(Look::Silent);
        };
        let served = self.folder.served(wanted.version);
        if status.failure(&served).is_some() {
            return Ok(Look::Another);
        }
        Ok(match status.serving() {
            Some(serving) if serving.to_string() == served => Look::This,
            _ => Look::NotYet,
        })
    }

    /// The server loads only the highest version, so that the earlier one cannot be proved beside it; it
    /// unloads the current one when the earlier one is loaded, and no sooner.
    /// Where something of others is in the way, it comes back under a number above that.
    pub(super) async fn roll_back(&self, earlier: Servable<'_>, mut claims: Claims) -> Result<String, ServingError> {
        if !self.folder.is_free_again(earlier.version, &claims).await? {
            let version = self.begin(earlier.anew(), &mut claims).await?;
            self.folder.retire_all_but(&version, &claims).await;
            return Ok(version);
        }
        self.folder.may_restore(&earlier, &claims).await?;
        claims.begin(earlier.version, &earlier.model.digest, false).await?;
        let claims = &claims;
        let _lock = self.folder.lock().await?;
        let above = self.folder.restore(&earlier, claims).await?;
        let switch = self.read_back(earlier);
        self.folder.without(&above, claims, Down::PutBack, switch).await?;
        claims.read_back().await;
        Ok(earlier.version.to_owned())
    }

    pub(super) async fn settle(&self, current: Option<Servable<'_>>, claims: &Claims) -> Result<Settled, ServingError> {
        let settling = self.folder.settle(current.as_ref(), claims).await?;
        let put_right = settling.written || !settling.left.is_empty();
        match current {
            Some(current) if !settling.left.is_empty() => {
                let switch = self.read_back(current);
                self.folder
                    .without(&settling.left, claims, Down::StayHidden, switch)
                    .await?;
            }
            _ => self.folder.remove_all(&settling.left, claims).await?,
        }
        Ok(Settled { put_right })
    }

    /// Whether the server answers, for a person.
    pub(super) async fn probe(&self) -> Result<String, ServingError> {
        let Some(url) = &self.url else {
            return Ok("its folder is read back; give its url to read back what is served".to_owned());
        };
        let status = self.status(url).await?;
        Ok(match status.and_then(|status| status.serving()) {
            Some(version) => format!("{url} answers, and serves version {version}"),
            None => format!("{url} answers, and serves no version yet"),
        })
    }

    /// The server's word that the version serves, where there is a server, and the folder's bytes.
    async fn read_back(&self, written: Servable<'_>) -> Result<(), ServingError> {
        if let Some(url) = &self.url {
            self.wait_serving(url, written.version).await?;
        }
        self.same_bytes(written).await
    }

    async fn wait_serving(&self, url: &str, version: &str) -> Result<(), ServingError> {
        let wanted = self.folder.served(version);
        let deadline = Instant::now() + self.max_loading_time;
        loop {
            let status = self.status(url).await?;
            let serving = status.as_ref().and_then(Status::serving);
            if serving.is_some_and(|serving| serving.to_string() == wanted) {
                return Ok(());
            }
            if let Some(reason) = status.as_ref().and_then(|status| status.failure(&wanted)) {
                let (model, reason) = (&self.model, reason.chars().take(300).collect::<String>());
                return Err(ServingError::Answer(format!(
                    "the model server cannot load version {wanted} of model '{model}': {reason}"
                )));
            }
            if Instant::now() >= deadline {
                return Err(ServingError::Answer(format!(
                    "the model server at {url} serves {} of model '{}' after {}s, not version {wanted}: does it watch this folder?",
                    serving.map_or_else(|| "no version".to_owned(), |serving| format!("version {serving}")),
                    self.model,
                    self.max_loading_time.as_secs()
                )));
            }
            sleep(POLL).await;
        }
    }

    /// `None` while the server does not know the model.
    async fn status(&self, url: &str) -> Result<Option<Status>, ServingError> {
        let place = format!("{url}/v1/models/{}", self.model);
        let response = self.http.get(place).timeout(CALL).send().await;
        let response = response.map_err(|error| unreachable("the model server", url, &error))?;
        if !response.status().is_success() {
            return Ok(None);
        }
        let body = response.bytes().await;
        let body = body.map_err(|error| unreachable("the model server", url, &error))?;
        serde_json::from_slice(&body).map(Some).map_err(|error| {
            ServingError::Answer(format!(
                "the model server's status is not what TensorFlow Serving answers: {error}"
            ))
        })
    }

    async fn same_bytes(&self, written: Servable<'_>) -> Result<(), ServingError> {
        if self.folder.holds(written.files, written.version).await? {
            return Ok(());
        }
        Err(ServingError::Answer(format!(
            "{} holds other bytes than the model {}; does somebody else write there?",
            self.folder.version(written.version).display(),
            written.model.digest
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_available_version_serves() {
        let status: Status = serde_json::from_str(
            r#"{"model_version_status": [
                {"version": "9", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}},
                {"version": "10", "state": "END", "status": {"error_code": "INVALID_ARGUMENT", "error_message": "no graph"}},
                {"version": "8", "state": "AVAILABLE"}
            ]}"#,
        )
        .unwrap();
        assert_eq!(status.serving(), Some(9));
        assert_eq!(
            (status.failure("10"), status.failure("9"), status.failure("7")),
            (Some("no graph"), None, None)
        );
    }
}
