//! A service in this process, with a folder and a port of its own.

use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use trainyard::config::Config;
use trainyard::http::Server;
use trainyard_github::signature::sign;

/// Nothing here takes longer.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const WEBHOOK_SECRET: &str = "webhook-secret-of-the-tests";
pub const EVENTS_TOKEN: &str = "events-token-of-the-tests";
pub const API_TOKEN: &str = "api-token-of-the-tests";
pub const GITHUB_TOKEN: &str = "github-token-of-the-tests";

/// Settings of a service that takes webhooks and events; GitHub is a port that nobody listens on.
pub fn with_secrets() -> String {
    format!(
        "[events]\ntoken = \"{EVENTS_TOKEN}\"\n[github]\napi_url = \"http://127.0.0.1:9\"\n\
         git_url = \"http://127.0.0.1:9\"\ntoken = \"{GITHUB_TOKEN}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n"
    )
}

/// A configuration file for a folder: `settings` after the data folder and a free port.
pub fn settings(folder: &Path, settings: &str) -> String {
    format!(
        "data_dir = \"{}/yard\"\nlisten = \"127.0.0.1:0\"\n{settings}\n[executor]\nkind = \"process\"\n",
        folder.display()
    )
}

/// A running service.
pub struct Yard {
    pub url: String,
    pub address: SocketAddr,
    client: Client,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    }

    /// The sentence of an error.
    pub fn error(&self) -> String {
        self.json()["error"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {self:?}"))
            .to_owned()
    }
}

impl Yard {
    pub async fn start(text: &str) -> Self {
        trainyard_github::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trainyard.toml");
        std::fs::write(&file, settings(folder.path(), text)).unwrap();
        let config = Config::load(Some(&file), |_| None).unwrap();
        let server = Server::bind(config).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async { _ = stopped.await };
            server.run(stopped).await.unwrap();
        });
        let alone = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(alone).build().unwrap();
        let yard = Self {
            url: format!("http://{address}"),
            address,
            client,
            folder,
            stop: Some(stop),
            served,
        };
        eventually("the service is ready", async || yard.get("/readyz").await.status == 200).await;
        yard
    }

    /// The folder of its settings and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    /// The answer; that the API's description says it is looked at each time.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        match self.client.execute(request).await {
            Ok(response) => {
                crate::openapi::described(&method, &path, response.status().as_u16());
                Answer {
                    status: response.status().as_u16(),
                    headers: response.headers().clone(),
                    text: response.text().await.unwrap(),
                }
            }
            Err(error) => Answer {
                status: 0,
                headers: Default::default(),
                text: error.to_string(),
            },
        }
    }

    /// A webhook as GitHub sends it.
    pub fn webhook(&self, id: &str, event: &str, body: &[u8]) -> RequestBuilder {
        self.request("POST", "/webhooks/github")
            .header("content-type", "application/json")
            .header("x-github-delivery", id)
            .header("x-github-event", event)
            .header("x-hub-signature-256", sign(WEBHOOK_SECRET, body))
            .body(body.to_vec())
    }

    /// A CloudEvent in structured mode.
    pub fn event(&self, body: &Value) -> RequestBuilder {
        self.request("POST", "/events")
            .bearer_auth(EVENTS_TOKEN)
            .header("content-type", "application/cloudevents+json")
            .body(body.to_string())
    }

    /// Ids of the deliveries that are stored.
    pub async fn deliveries(&self) -> Vec<String> {
        let answer = self.get("/api/v1/deliveries?limit=500").await.json();
        let ids = answer["deliveries"].as_array().unwrap().iter();
        ids.map(|delivery| delivery["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What came of a delivery, once it was looked at.
    pub async fn outcome(&self, id: &str) -> Value {
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/api/v1/deliveries/{encoded}");
        let mut found = Value::Null;
        eventually("the delivery is looked at", async || {
            found = self.get(&path).await.json();
            !found["processed_at"].is_null()
        })
        .await;
        found
    }

    /// Bytes as they are; the answer up to the end of the connection, or to the end of patience.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("no answer in time")
            .unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Stops it; returns when its database is closed.
    pub async fn stop(mut self) {
        _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(PATIENCE, &mut self.served)
            .await
            .expect("it did not stop in time")
            .unwrap();
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// Waits for a condition.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let held = tokio::time::timeout(PATIENCE, looking).await;
    assert!(held.is_ok(), "not within {}s: {what}", PATIENCE.as_secs());
}

/// Runs a future to its end, for tests of programs.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// git as Ada, whatever this machine is configured to.
pub fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
