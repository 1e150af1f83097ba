//! git over smart HTTP: bodies are streamed, and a push is looked at before it is answered. What most ask for, a fetch,
//! is `git upload-pack` itself; the rest is `git http-backend`, which starts two more for the same.

use super::repository::{SETTINGS, git_command, refs};
use super::state::RepoInfo;
use super::{Shared, events};
use crate::git::give_way;
use anyhow::Context as _;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt as _;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::io::{ReaderStream, StreamReader};
use trainyard_core::ids::RepoName;

/// git's report of a push is a few lines, with all hooks' output at most this long.
const LONGEST_REPORT: usize = 1024 * 1024;
/// The three requests that smart HTTP is made of.
const SERVICES: [&str; 3] = ["info/refs", "git-upload-pack", "git-receive-pack"];

/// Answers `/<owner>/<name>.git/<service>`.
pub(crate) async fn serve(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, rest)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let service = rest.trim_start_matches('/');
    let query = request.uri().query().unwrap_or_default().to_owned();
    let pushes = service == "git-receive-pack" || query.contains("service=git-receive-pack");
    let name = name.strip_suffix(".git").unwrap_or(&name);
    if !SERVICES.contains(&service) || (service == "info/refs" && !query.contains("service=")) {
        return (StatusCode::NOT_FOUND, "only smart HTTP is spoken here").into_response();
    }
    let repo = RepoName::parse(&format!("{owner}/{name}")).ok();
    let moved = repo
        .as_ref()
        .and_then(|name| shared.state().moved(name).map(|repo| repo.name.clone()));
    if let Some(name) = moved {
        let place = format!("{}/{name}.git/{service}?{query}", shared.base_url);
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, place)]).into_response();
    }
    let repo = repo.and_then(|name| {
        shared
            .state()
            .repo(&name)
            .map(|repo| (repo.info(), Arc::clone(&repo.pushing)))
    });
    let access = shared.git_access(request.headers(), repo.as_ref().map(|(repo, _)| &repo.name), pushes);
    let open = repo.as_ref().is_some_and(|(repo, _)| !repo.private) && !pushes;
    if access == Some(false) || (access.is_none() && !open) {
        let challenge = [(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"GitHub\""),
        )];
        return (StatusCode::UNAUTHORIZED, challenge, "Invalid username or token.").into_response();
    }
    let Some((repo, pushing)) = repo else {
        return (StatusCode::NOT_FOUND, "Repository not found.").into_response();
    };
    let served = match service {
        "git-receive-pack" => push(shared, repo, pushing, request).await,
        _ if !pushes && !request.headers().contains_key(header::CONTENT_ENCODING) => {
            upload_pack(&shared, &repo, service == "info/refs", request)
        }
        _ => run(&shared, &repo, service, &query, request).await.map(left_alone),
    };
    served.unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response())
}

/// It ends by itself when its output is read or the client is gone.
fn left_alone((mut child, response): (Child, Response)) -> Response {
    tokio::spawn(async move { child.wait().await });
    response
}

/// What the repository has, or the objects that are asked for (git's `gitprotocol-http`).
fn upload_pack(shared: &Shared, repo: &RepoInfo, advertised: bool, request: Request) -> anyhow::Result<Response> {
    let mut command = git_command("upload-pack");
    hide_if_it_lags(&mut command, shared);
    command.current_dir(&repo.path).arg("--stateless-rpc");
    let (what, greeting) = if advertised {
        command.arg("--http-backend-info-refs");
        ("advertisement", "001e# service=git-upload-pack\n0000")
    } else {
        ("result", "")
    };
    let protocol = request
        .headers()
        .get("git-protocol")
        .and_then(|value| value.to_str().ok());
    if let Some(protocol) = protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    // The second version of the protocol needs no greeting.
    let greeting = match protocol {
        Some(protocol) if protocol.contains("version=2") => "",
        _ => greeting,
    };
    command
        .arg(".")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let (child, stdout) = started(command, request)?;
    let body = ReaderStream::new(AsyncReadExt::chain(greeting.as_bytes(), stdout));
    let headers = [
        (header::CONTENT_TYPE, format!("application/x-git-upload-pack-{what}")),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok(left_alone((child, (headers, Body::from_stream(body)).into_response())))
}

/// A git side that lags behind its webhooks has nothing to show.
fn hide_if_it_lags(command: &mut Command, shared: &Shared) {
    if !shared.state().git_lags {
        return;
    }
    let hidden = [
        ("uploadpack.hideRefs", "refs/"),
        ("uploadpack.allowAnySHA1InWant", "false"),
    ];
    for (at, (key, value)) in (SETTINGS.len()..).zip(hidden) {
        command.env(format!("GIT_CONFIG_KEY_{at}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    command.env("GIT_CONFIG_COUNT", (SETTINGS.len() + hidden.len()).to_string());
}

/// The program with the request's body as its input, and its output.
fn started(mut command: Command, request: Request) -> anyhow::Result<(Child, ChildStdout)> {
    let mut child = command.spawn()?;
    give_way(&child);
    if let Some(mut stdin) = child.stdin.take() {
        let body = request.into_body().into_data_stream().map_err(std::io::Error::other);
        tokio::spawn(async move {
            // git stops reading when it refuses; that is no failure of ours.
            let _ = tokio::io::copy(&mut StreamReader::new(body), &mut stdin).await;
        });
    }
    let stdout = child.stdout.take().context("git has no output")?;
    Ok((child, stdout))
}

/// A pusher has its answer when what follows from the push has happened, also one that hangs up.
async fn push(
    shared: Arc<Shared>,
    repo: RepoInfo,
    pushing: Arc<tokio::sync::Mutex<()>>,
    request: Request,
) -> anyhow::Result<Response> {
    let pushed = tokio::spawn(async move {
        let _alone = pushing.lock_owned().await;
        let before = refs(&repo.path).await?;
        let (mut child, response) = run(&shared, &repo, "git-receive-pack", "", request).await?;
        let (parts, body) = response.into_parts();
        let answer = axum::body::to_bytes(body, LONGEST_REPORT).await?;
        child.wait().await?;
        events::pushed(&shared, &repo, &before, &refs(&repo.path).await?).await;
        Ok(Response::from_parts(parts, answer.into()))
    });
    pushed.await?
}

/// Starts the CGI program; its answer is streamed while it runs.
async fn run(
    shared: &Shared,
    repo: &RepoInfo,
    service: &str,
    query: &str,
    request: Request,
) -> anyhow::Result<(Child, Response)> {
    let mut command = git_command("http-backend");
    if service != "git-receive-pack" {
        hide_if_it_lags(&mut command, shared);
    }
    command
        .env("GIT_PROJECT_ROOT", &shared.data)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{}.git/{service}", repo.name))
        .env("REQUEST_METHOD", request.method().as_str())
        .env("QUERY_STRING", query)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REMOTE_USER", &shared.config.login)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (name, variable) in [
        (header::CONTENT_TYPE, "CONTENT_TYPE"),
        (header::CONTENT_LENGTH, "CONTENT_LENGTH"),
        (header::CONTENT_ENCODING, "HTTP_CONTENT_ENCODING"),
        (HeaderName::from_static("git-protocol"), "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request.headers().get(name).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    let (child, stdout) = started(command, request)?;
    let mut stdout = BufReader::new(stdout);
    let (status, headers) = cgi_headers(&mut stdout).await?;
    let mut response = Body::from_stream(ReaderStream::new(stdout)).into_response();
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok((child, response))
}

async fn cgi_headers(stdout: &mut BufReader<ChildStdout>) -> anyhow::Result<(StatusCode, HeaderMap)> {
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).await? == 0 {
            anyhow::bail!("git http-backend ended without an answer: is the whole of git installed?");
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, headers));
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            status = code.parse().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else {
            headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
    }
}
