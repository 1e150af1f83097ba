//! A small model server that answers as MLServer was measured to: `load` reads every version on
//! disk, the highest number is the default, and a version that cannot be read fails the call while
//! the others go on serving.
//!
//! A model is a JSON file `model.onnx` with `auc`, which is also what it predicts, and `serve`:
//! `well`, `broken` (cannot be loaded), `never_ready`, `error`, `garbage`, `nan`, `bare_nan`, `wrong` or `mute` (no
//! such output).

use axum::extract::{Path as Segments, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

#[derive(Default)]
struct Inner {
    /// By number, as servers rank them, and name.
    loaded: BTreeMap<(u64, String), Value>,
    calls: Vec<String>,
    ever_loaded: Vec<String>,
    polls_until_ready: u32,
    /// Loads that are still done, then loads that are refused.
    refusals: (u32, u32),
}

struct Shared {
    repository: Mutex<PathBuf>,
    inner: Mutex<Inner>,
}

impl Shared {
    fn repository(&self) -> PathBuf {
        self.repository.lock().unwrap().clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

pub struct ModelServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// A runtime of its own: shutting it down cuts every connection, as a killed process does.
    runtime: Option<Runtime>,
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.die();
    }
}

impl ModelServer {
    pub fn start(repository: &Path) -> Self {
        let shared = Arc::new(Shared {
            repository: Mutex::new(repository.to_owned()),
            inner: Mutex::default(),
        });
        let mut server = Self {
            shared,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            runtime: None,
        };
        server.live_again();
        server
    }

    /// Serves another repository, and nothing else any more, as a server that was started on it.
    pub fn serve(&self, repository: &Path) {
        repository.clone_into(&mut self.shared.repository.lock().unwrap());
        *self.shared.inner() = Inner::default();
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not in an asynchronous task, which may not wait.
            let dying = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(5)));
            dying.join().unwrap();
        }
    }

    /// Starts at the same address with what is on disk.
    pub fn live_again(&mut self) {
        self.die();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (address, shared) = (self.address, Arc::clone(&self.shared));
        let (tell, told) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router(shared)).await.unwrap();
        });
        self.address = told.recv().unwrap();
        self.runtime = Some(runtime);
        let models = std::fs::read_dir(self.shared.repository()).into_iter().flatten();
        for model in models {
            load(&self.shared, &model.unwrap().file_name().into_string().unwrap());
        }
    }

    /// Every call so far, for example `load tiny`.
    pub fn calls(&self) -> Vec<String> {
        self.shared.inner().calls.clone()
    }

    /// Every version that was ever loaded, once.
    pub fn ever_loaded(&self) -> Vec<String> {
        let mut all = self.shared.inner().ever_loaded.clone();
        all.sort();
        all.dedup();
        all
    }

    /// A version becomes ready only after it was asked this often.
    pub fn be_slow(&self, polls: u32) {
        self.shared.inner().polls_until_ready = polls;
    }

    /// After so many loads, so many are refused, whatever is on disk.
    pub fn refuse_after(&self, done: u32, refused: u32) {
        self.shared.inner().refusals = (done, refused);
    }

    /// What a client without a version gets: version and prediction.
    pub fn predict(&self) -> Option<(String, f64)> {
        let inner = self.shared.inner();
        let ((_, version), model) = inner.loaded.last_key_value()?;
        Some((version.clone(), model["auc"].as_f64().unwrap()))
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v2/health/live", get(|| async { StatusCode::OK }))
        .route("/v2/repository/models/{model}/{verb}", post(repository))
        .route("/v2/models/{model}/ready", get(has_model))
        .route("/v2/models/{model}/versions/{version}/ready", get(ready))
        .route("/v2/models/{model}/versions/{version}/infer", post(infer_version))
        .route("/v2/models/{model}/infer", post(infer_default))
        .with_state(shared)
}

async fn repository(
    State(shared): State<Arc<Shared>>,
    Segments((model, verb)): Segments<(String, String)>,
) -> Response {
    shared.inner().calls.push(format!("{verb} {model}"));
    match verb.as_str() {
        "load" => match load(&shared, &model) {
            true => StatusCode::OK.into_response(),
            false => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response(),
        },
        "unload" => {
            shared.inner().loaded.clear();
            StatusCode::OK.into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn ranked(version: &str) -> (u64, String) {
    (version.parse().unwrap_or_default(), version.to_owned())
}

/// Whether every version on disk could be loaded.
fn load(shared: &Shared, model: &str) -> bool {
    let mut inner = shared.inner();
    match &mut inner.refusals {
        (0, 0) => {}
        (0, refused) => {
            *refused -= 1;
            return false;
        }
        (done, _) => *done -= 1,
    }
    let folder = shared.repository().join(model);
    let folders = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let names = folders.filter(|folder| folder.is_dir());
    let names = names.map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned());
    let versions: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    inner.loaded.retain(|(_, version), _| versions.contains(version));
    let mut all = true;
    for version in versions {
        let read = std::fs::read(folder.join(&version).join("model.onnx")).ok();
        let read = read.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        match read.filter(|model| model["serve"] != "broken") {
            Some(model) => {
                inner.ever_loaded.push(version.clone());
                inner.loaded.insert(ranked(&version), model);
            }
            None => all = false,
        }
    }
    all
}

async fn ready(State(shared): State<Arc<Shared>>, Segments((_, version)): Segments<(String, String)>) -> StatusCode {
    let mut inner = shared.inner();
    inner.calls.push(format!("ready {version}"));
    match inner.loaded.get(&ranked(&version)) {
        Some(model) if model["serve"] == "never_ready" => StatusCode::NOT_FOUND,
        Some(_) if inner.polls_until_ready > 0 => {
            inner.polls_until_ready -= 1;
            StatusCode::NOT_FOUND
        }
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    }
}

async fn has_model(State(shared): State<Arc<Shared>>) -> StatusCode {
    match shared.inner().loaded.is_empty() {
        true => StatusCode::NOT_FOUND,
        false => StatusCode::OK,
    }
}

async fn infer_version(
    State(shared): State<Arc<Shared>>,
    Segments((_, version)): Segments<(String, String)>,
) -> Response {
    let model = shared.inner().loaded.get(&ranked(&version)).cloned();
    answer(model.map(|model| (version, model)))
}

async fn infer_default(State(shared): State<Arc<Shared>>) -> Response {
    let newest = shared
        .inner()
        .loaded
        .last_key_value()
        .map(|((_, v), m)| (v.clone(), m.clone()));
    answer(newest)
}

fn answer(model: Option<(String, Value)>) -> Response {
    let Some((version, model)) = model else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (name, score) = match model["serve"].as_str() {
        Some("nan") => ("score", Value::Null),
        Some("error") => return (StatusCode::INTERNAL_SERVER_ERROR, "the weights are gone").into_response(),
        Some("garbage") => return "<html>see you later</html>".into_response(),
        // As a server without care writes it.
        Some("bare_nan") => return r#"{"outputs": [{"name": "score", "data": [NaN]}]}"#.into_response(),
        Some("wrong") => ("score", json!(0.123)),
        Some("mute") => ("other", json!(1)),
        _ => ("score", model["auc"].clone()),
    };
    let outputs = json!([{"name": name, "shape": [1], "datatype": "FP64", "data": [score]}]);
    Json(json!({"model_name": "tiny", "model_version": version, "outputs": outputs})).into_response()
}
