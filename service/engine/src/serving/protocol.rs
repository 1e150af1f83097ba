//! Calls of the Open Inference Protocol V2 and its model repository extension, as MLServer and
//! Triton answer them.

use crate::house::crash::{Effect, passing};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use trainyard_core::registry::NotOurs;
use trainyard_store::StoreError;

/// An ordinary call must be answered in this time; loading has its own limit.
const CALL: Duration = Duration::from_secs(30);
/// Tells a server that logs its requests that nobody asked this one.
const SAMPLE: &str = "x-trainyard-sample";
/// Between two looks at a version that is loading.
const POLL: Duration = Duration::from_millis(50);

/// What went wrong with a push target; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// The server does not answer at all.
    #[error("{what} at {url} does not answer: {problem}; start it, or correct its url in [targets]")]
    Unreachable {
        /// For example `the model server`.
        what: &'static str,
        /// Its address.
        url: String,
        /// What the client said.
        problem: String,
    },
    /// The server refused a call.
    #[error("the model server refused to {what} ({problem}): see its log")]
    Refused {
        /// For example `load model 'flights'`.
        what: String,
        /// Status and answer.
        problem: String,
    },
    /// The version did not become ready.
    #[error("version {version} of model '{model}' did not become ready within {seconds}s: see the model server's log")]
    NotReady {
        /// The model.
        model: String,
        /// The version.
        version: String,
        /// The limit.
        seconds: u64,
    },
    /// The version answers, but not as the model should.
    #[error("{0}")]
    Answer(String),
    /// The repository folder cannot be written or read.
    #[error("{0}")]
    Folder(String),
    /// The machine of the repository folder cannot take it for now: no room, for example.
    #[error("{0}")]
    Trouble(String),
    /// What came of a change cannot be told.
    #[error("it is unknown whether version {version} serves: {problem}")]
    Unknown {
        /// The version.
        version: String,
        /// What the target did not say.
        problem: String,
    },
    /// What did not serve as it should may still be loaded: it is taken away as soon as that is possible.
    #[error("{0}")]
    NotUndone(Box<ServingError>),
    /// The intent cannot be stored, so that nothing was sent.
    #[error("{0}; nothing was sent to the target")]
    NotBegun(#[source] StoreError),
    /// Another engine took the target over while this one was stopped.
    #[error(
        "another Trainyard took over the push targets while this one did not answer: look at what serves, and ask again"
    )]
    TurnLost,
    /// Something of others is in the way, and stays.
    #[error("{}", .0.sentence())]
    NotOurs(NotOurs),
}

impl From<NotOurs> for ServingError {
    fn from(reason: NotOurs) -> Self {
        Self::NotOurs(reason)
    }
}

/// What a call that got no answer comes to.
pub(super) fn unreachable(what: &'static str, url: &str, error: &reqwest::Error) -> ServingError {
    let problem = if error.is_timeout() {
        "no answer in time"
    } else {
        "connection refused or broken"
    };
    tracing::debug!(%error, url, "{what} does not answer");
    ServingError::Unreachable {
        what,
        url: url.to_owned(),
        problem: problem.to_owned(),
    }
}

/// Some servers write bare `NaN` and `Infinity`, which JSON does not have.
fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(body);
    match ["NaN", "Infinity"].into_iter().find(|word| text.contains(word)) {
        Some(word) => format!("the served model answers {word}, where a finite number was expected"),
        None => format!("the model server's answer is not JSON: {error}"),
    }
}

/// What a refusal says happened: Triton in the first line of `{"error": "…"}`, MLServer in the last line of a
/// traceback.
fn said(body: &str) -> String {
    let written = |line: &&str| !line.is_empty();
    let error = serde_json::from_str::<Value>(body).ok();
    let line = match error.as_ref().and_then(|error| error["error"].as_str()) {
        Some(error) => error.lines().map(str::trim).find(written),
        None => body.lines().map(str::trim).rfind(written),
    };
    line.unwrap_or_default().chars().take(200).collect()
}

/// One model of one server.
#[derive(Clone, Debug)]
pub struct ModelServer {
    http: reqwest::Client,
    url: String,
    model: String,
    max_loading_time: Duration,
}

impl ModelServer {
    /// The server at `url`, seen as the server of `model`.
    pub fn new(http: reqwest::Client, url: &str, model: &str, max_loading_time: Duration) -> Self {
        Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            model: model.to_owned(),
            max_loading_time,
        }
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The model's name.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// How long a version may take to load.
    pub(crate) fn max_loading_time(&self) -> Duration {
        self.max_loading_time
    }

    /// Whether the server is up.
    pub async fn live(&self) -> Result<(), ServingError> {
        let response = self
            .http
            .get(format!("{}/v2/health/live", self.url))
            .timeout(CALL)
            .send()
            .await;
        self.accepted("say that it is live", response).await.map(drop)
    }

    /// Whether the server has this model, in any version.
    pub(super) async fn has_model(&self) -> Result<bool, ServingError> {
        let url = format!("{}/v2/models/{}/ready", self.url, self.model);
        let response = self.http.get(url).timeout(CALL).send().await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        Ok(response.status().is_success())
    }

    /// Loads every version in the model's folder, the highest becoming the default.
    pub async fn load(&self) -> Result<(), ServingError> {
        self.repository_call("load", Effect::LoadModel).await
    }

    /// Takes the model away.
    pub async fn unload(&self) -> Result<(), ServingError> {
        self.repository_call("unload", Effect::UnloadModel).await
    }

    async fn repository_call(&self, verb: &str, effect: Effect) -> Result<(), ServingError> {
        let url = format!("{}/v2/repository/models/{}/{verb}", self.url, self.model);
        let request = self.http.post(url).json(&json!({})).timeout(self.max_loading_time);
        let what = format!("{verb} model '{}'", self.model);
        let response = passing(effect, request.send()).await;
        if response.as_ref().is_err_and(reqwest::Error::is_timeout) {
            return Err(ServingError::Answer(format!(
                "the model server did not {what} within {}s (max_loading_time): see its log, and start it anew if it hangs",
                self.max_loading_time.as_secs()
            )));
        }
        self.accepted(&what, response).await.map(drop)
    }

    /// Returns once that exact version is ready. The repository index is not asked: MLServer lists
    /// versions there that failed to load.
    pub async fn wait_ready(&self, version: &str) -> Result<(), ServingError> {
        let url = format!("{}/v2/models/{}/versions/{version}/ready", self.url, self.model);
        let deadline = Instant::now() + self.max_loading_time;
        loop {
            let response = self
                .http
                .get(&url)
                .timeout(CALL.min(self.max_loading_time))
                .send()
                .await
                .map_err(|error| self.unreachable(&error))?;
            if response.status().is_success() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let (model, version) = (self.model.clone(), version.to_owned());
                return Err(ServingError::NotReady {
                    model,
                    version,
                    seconds: self.max_loading_time.as_secs(),
                });
            }
            sleep(POLL).await;
        }
    }

    /// Asks for predictions; `None` is the default version. Takes and returns V2 JSON bodies.
    pub async fn infer(&self, version: Option<&str>, request: &Value) -> Result<Value, ServingError> {
        let of_version = version.map(|v| format!("/versions/{v}")).unwrap_or_default();
        let url = format!("{}/v2/models/{}{of_version}/infer", self.url, self.model);
        let call = self.http.post(url).header(SAMPLE, "1").json(request);
        let response = call.timeout(CALL).send().await;
        let late = |error: &reqwest::Error| {
            let late = format!(
                "the served model does not answer a sample request within {}s",
                CALL.as_secs()
            );
            error.is_timeout().then_some(ServingError::Answer(late))
        };
        if let Some(late) = response.as_ref().err().and_then(late) {
            return Err(late);
        }
        let response = self.accepted("answer a sample request", response).await?;
        let body = response.bytes().await;
        let body = body.map_err(|error| late(&error).unwrap_or_else(|| self.unreachable(&error)))?;
        serde_json::from_slice(&body).map_err(|error| ServingError::Answer(not_json(&body, &error)))
    }

    /// Makes sure that requests without a version reach `version`.
    pub async fn expect_default(&self, version: &str, request: Option<&Value>) -> Result<(), ServingError> {
        let Some(request) = request else { return Ok(()) };
        let answer = self.infer(None, request).await?;
        match answer["model_version"].as_str() {
            Some(served) if served != version => Err(ServingError::Answer(format!(
                "the model server answers with version {served}, not with {version}: is another version in its folder?"
            ))),
            _ => Ok(()),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> ServingError {
        unreachable("the model server", &self.url, error)
    }

    async fn accepted(
        &self,
        what: &str,
        response: Result<reqwest::Response, reqwest::Error>,
    ) -> Result<reqwest::Response, ServingError> {
        let response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.text().await.unwrap_or_default();
        let said = said(&body);
        let problem = if said.is_empty() || Some(said.as_str()) == status.canonical_reason() {
            status.to_string()
        } else {
            format!("{status}: {said}")
        };
        Err(ServingError::Refused {
            what: what.to_owned(),
            problem,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line() {
        let triton =
            r#"{"error":"load failed for model 'line': Internal: ValueError: no graph\n\nAt:\n  model.py(8)\n;\n"}"#;
        let traceback = "Traceback (most recent call last):\n  File \"x.py\"\nValueError: no graph\n\n";
        for (body, line) in [
            (triton, "load failed for model 'line': Internal: ValueError: no graph"),
            (traceback, "ValueError: no graph"),
            ("Internal Server Error", "Internal Server Error"),
            (r#"{"detail": 1}"#, r#"{"detail": 1}"#),
            ("", ""),
        ] {
            assert_eq!(said(body), line);
        }
    }
}
