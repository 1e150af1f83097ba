//! The page on loopback that a person opens: it posts the manifest to GitHub, whose redirect brings the code back.

use crate::secret::secret;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use trainyard_engine::{GitHubError, NewApp, convert_manifest};

/// What the page needs to know.
pub(super) struct Asked {
    /// Where the manifest is posted to, without the state.
    pub(super) action: String,
    /// The manifest without the address of the redirect.
    pub(super) manifest: Value,
    /// Whether its name is the person's; otherwise each try has one of its own, since a lost App keeps its name.
    pub(super) named: bool,
    /// The address of the API.
    pub(super) api_url: String,
    /// The address of GitHub's pages.
    pub(super) html_url: String,
}

/// Keeps what a new App's key is; the address where it is installed, or why it cannot be kept.
pub(super) type Keep<T> = Box<dyn Fn(NewApp) -> anyhow::Result<(T, String)> + Send + Sync>;

struct Shared<T> {
    asked: Asked,
    state: String,
    address: SocketAddr,
    keep: Keep<T>,
    /// Where the App is installed, once there is one. Held while a code is exchanged: a code works once.
    made: Mutex<Option<String>>,
    done: mpsc::UnboundedSender<anyhow::Result<T>>,
}

/// A page that is served until it is dropped.
pub(super) struct Page<T> {
    /// Its address.
    pub(super) url: String,
    done: mpsc::UnboundedReceiver<anyhow::Result<T>>,
    task: tokio::task::JoinHandle<()>,
}

impl<T> Drop for Page<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T: Send + 'static> Page<T> {
    /// Serves the page.
    pub(super) fn serve(listener: TcpListener, mut asked: Asked, keep: Keep<T>) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let url = format!("http://{address}/");
        asked.manifest["redirect_url"] = format!("{url}created").into();
        let (sender, done) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            asked,
            state: secret()?,
            address,
            keep,
            made: Mutex::new(None),
            done: sender,
        });
        let router = Router::new()
            .route("/", get(ask::<T>))
            .route("/created", get(created::<T>))
            .fallback(|| async {
                page(
                    StatusCode::NOT_FOUND,
                    "Nothing is here",
                    "<p><a href=\"/\">Begin here</a>.",
                )
            })
            .with_state(shared);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the page of the setup ended");
            }
        });
        Ok(Self { url, done, task })
    }

    /// The App, once a person made it and its key is kept.
    pub(super) async fn made(&mut self) -> anyhow::Result<T> {
        match self.done.recv().await {
            Some(made) => made,
            None => anyhow::bail!("the page of the setup ended before an App was made: begin again"),
        }
    }
}

/// A page of another name for this machine would be another site's: nobody but this machine's browser asks.
fn is_ours(headers: &HeaderMap, address: SocketAddr) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    host == address.to_string() || host == format!("localhost:{}", address.port())
}

fn elsewhere() -> Response {
    page(
        StatusCode::FORBIDDEN,
        "Not this way",
        "<p>Open the address that <code>trainyard github setup</code> printed.",
    )
}

async fn ask<T: Send + 'static>(State(shared): State<Arc<Shared<T>>>, headers: HeaderMap) -> Response {
    if !is_ours(&headers, shared.address) {
        return elsewhere();
    }
    if let Some(install) = shared.made.lock().await.as_ref() {
        return Redirect::to(install).into_response();
    }
    let mut manifest = shared.asked.manifest.clone();
    if !shared.asked.named {
        let Ok(random) = secret() else {
            let text = "<p>This machine gives no random numbers; look at <code>/dev/urandom</code>.";
            return page(StatusCode::INTERNAL_SERVER_ERROR, "No name for the App", text);
        };
        manifest["name"] = format!("trainyard-{}", random.get(..8).unwrap_or_default()).into();
    }
    let text = format!(
        "<p>GitHub will show the name of the new App, which you may change, and its owner. Then it sends you back here.\
         <form action=\"{}?state={}\" method=\"post\"><input type=\"hidden\" name=\"manifest\" value=\"{}\">\
         <button>Create the GitHub App at {}</button></form>",
        escaped(&shared.asked.action),
        shared.state,
        escaped(&manifest.to_string()),
        escaped(&shared.asked.html_url),
    );
    page(StatusCode::OK, "A GitHub App for Trainyard", &text)
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

async fn created<T: Send + 'static>(
    State(shared): State<Arc<Shared<T>>>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    if !is_ours(&headers, shared.address) {
        return elsewhere();
    }
    if !bool::from(back.state.as_bytes().ct_eq(shared.state.as_bytes())) {
        let text = "<p>The <code>state</code> in the address is not the one of this setup, so that nothing was done: somebody else, or an earlier setup, sent you here. <a href=\"/\">Begin here</a>.";
        return page(StatusCode::BAD_REQUEST, "This is not the answer to this setup", text);
    }
    let mut made = shared.made.lock().await;
    // A page that is loaded again: the App is there.
    if let Some(install) = made.as_ref() {
        return Redirect::to(install).into_response();
    }
    let converted = convert_manifest(&shared.asked.api_url, &shared.asked.html_url, &back.code).await;
    let (status, sentence) = match converted {
        Ok(app) => match (shared.keep)(app) {
            Ok((kept, install)) => {
                *made = Some(install.clone());
                let _ = shared.done.send(Ok(kept));
                return Redirect::to(&install).into_response();
            }
            Err(error) => {
                let sentence = error.to_string();
                let _ = shared.done.send(Err(error));
                (StatusCode::INTERNAL_SERVER_ERROR, sentence)
            }
        },
        Err(GitHubError::NotFound { .. }) => (
            StatusCode::CONFLICT,
            "GitHub knows no such code: it was used already, or is older than an hour. If an App was made, its key is lost: delete it at GitHub, and begin again".to_owned(),
        ),
        Err(error @ GitHubError::Rejected { .. }) => (StatusCode::BAD_REQUEST, format!("{error}; begin again")),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}; load this page again to try it once more")),
    };
    eprintln!("{}", trainyard_core::log::one_line(&sentence));
    page(
        status,
        "The App's key did not arrive",
        &format!("<p>{}. <a href=\"/\">Begin here</a>.", escaped(&sentence)),
    )
}

/// Text for the inside of HTML and of its attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:1rem/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{text}"
    );
    let mut response = (status, Html(html)).into_response();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
