//! From a signed push to the pending status at GitHub: pushes to the demo's repository at a steady pace, real git, the
//! service as a process of its own.

use crate::service::{SECRET, Service};
use crate::{millis, row};
use anyhow::{Context, Result, ensure};
use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trainyard_github::signature::sign;
use trainyard_github::simulator::{Simulator, SimulatorConfig};

const REPO: &str = "acme/flights";
const TOKEN: &str = "token-of-the-bench";
/// Pushes of the measurement, one each.
const PACE: Duration = Duration::from_millis(20);
const PUSHES: usize = 500;
/// Those before it, so that mirror and pipeline are known.
const WARM: usize = 20;
/// A status that is not there by then does not come.
const PATIENCE: Duration = Duration::from_secs(60);

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let done = Command::new("git").current_dir(folder).args(arguments).output()?;
    ensure!(
        done.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}

/// The demo's repository at GitHub, with so many commits after `main`, each of which changes the pipeline's folder.
fn commits(simulator: &Simulator, folder: &Path, count: usize) -> Result<(PathBuf, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let work = folder.join("work");
    fs::create_dir_all(work.join("pipelines"))?;
    for (from, to) in [("pipelines/flights", "pipelines/"), ("dockerfiles", "")] {
        let copied = Command::new("cp")
            .arg("-r")
            .arg(root.join(from))
            .arg(work.join(to))
            .status()?;
        ensure!(copied.success(), "{from} is not copied");
    }
    git(&work, &["init", "--quiet", "--initial-branch", "main"])?;
    git(&work, &["add", "--all"])?;
    let me = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
    git(
        &work,
        &[&me[..], &["commit", "--quiet", "--message", "The demo"]].concat(),
    )?;
    git(&work, &["push", "--quiet", &simulator.push_url(REPO), "main"])?;
    let first = git(&work, &["rev-parse", "main"])?;
    let bare = simulator.repo_path(REPO);
    let mut importing = Command::new("git");
    let mut importing = importing
        .current_dir(&bare)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stream = importing.stdin.take().context("a pipe")?;
    for number in 0..count {
        let from = if number == 0 {
            format!("from {first}\n")
        } else {
            String::new()
        };
        write!(
            stream,
            "commit refs/bench/next\ncommitter bench <bench@example.org> {} +0000\ndata 4\npush\n{from}\
             M 100644 inline pipelines/flights/notes.txt\ndata {}\n{number}\n\n",
            1_790_000_000 + number,
            number.to_string().len() + 1,
        )?;
    }
    drop(stream);
    ensure!(importing.wait()?.success(), "the commits are not made");
    let shas = git(&bare, &["rev-list", "--reverse", &format!("{first}..refs/bench/next")])?;
    let all: Vec<String> = std::iter::once(first).chain(shas.lines().map(str::to_owned)).collect();
    Ok((bare, all))
}

/// Tells the service of a push, as GitHub does; when it was sent.
async fn push(stream: &mut TcpStream, number: usize, [before, after]: [&str; 2]) -> Result<Instant> {
    let body = format!(
        r#"{{"ref":"refs/heads/main","before":"{before}","after":"{after}","created":false,"deleted":false,"forced":false,"repository":{{"id":1,"full_name":"{REPO}","default_branch":"main","pushed_at":{}}},"pusher":{{"name":"bench"}},"sender":{{"login":"bench","id":1}},"commits":[],"head_commit":null}}"#,
        1_790_000_000 + number,
    );
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n\
         X-GitHub-Delivery: 00000000-0000-4000-8000-{number:012}\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
        sign(SECRET, body.as_bytes()),
        body.len()
    );
    let sent = Instant::now();
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = [0; 2048];
    let read = stream.read(&mut answer).await?;
    ensure!(
        answer[..read].starts_with(b"HTTP/1.1 202"),
        "{}",
        String::from_utf8_lossy(&answer[..read])
    );
    Ok(sent)
}

/// The delay of every push's first status.
pub async fn report(folder: &Path) -> Result<()> {
    let simulator = Simulator::start(SimulatorConfig {
        token: TOKEN.to_owned(),
        ..SimulatorConfig::default()
    })
    .await?;
    simulator.create_repo(REPO).await?;
    let (bare, shas) = commits(&simulator, &folder.join("pending"), WARM + PUSHES)?;
    // No engine answers, so that the first run waits for one and the others for the first: what is measured is the way
    // to the status.
    let settings = format!(
        "[github]\napi_url = \"{0}\"\ngit_url = \"{0}\"\ntoken = \"{TOKEN}\"\nwebhook_secret = \"{SECRET}\"\n\
         writes_per_minute = \"none\"\nsweep_every = \"none\"\n[targets.flights]\nurl = \"http://127.0.0.1:9\"\nrepository = \"models\"\n",
        simulator.base_url()
    );
    let service = Service::start_with(
        &folder.join("pending/data"),
        &settings,
        &[("DOCKER_HOST", "unix:///nowhere")],
    )?;
    let mut stream = TcpStream::connect(("127.0.0.1", service.port)).await?;
    stream.set_nodelay(true)?;
    let shown = |sha: &str| !simulator.statuses(REPO, sha).is_empty();
    let (mut waiting, mut times) = (VecDeque::new(), Vec::new());
    let mut due = Instant::now();
    for number in 1..shas.len() {
        // The warming ones come one after the other.
        if number <= WARM {
            while !waiting.is_empty() {
                look(&mut waiting, &mut times, &shown)?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            times.clear();
            due = Instant::now();
        }
        due += PACE;
        while Instant::now() < due {
            look(&mut waiting, &mut times, &shown)?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        fs::write(bare.join("refs/heads/main"), format!("{}\n", shas[number]))?;
        let sent = push(&mut stream, number, [&shas[number - 1], &shas[number]]).await?;
        waiting.push_back((shas[number].clone(), sent));
    }
    while !waiting.is_empty() {
        look(&mut waiting, &mut times, &shown)?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 100];
    row(
        "pushes at 50 a second, to the pending status: median",
        &millis(at(50)),
        None,
    );
    row(
        "  p99",
        &millis(at(99)),
        Some(("<= 50 ms", at(99) <= Duration::from_millis(50))),
    );
    Ok(())
}

type Waiting = VecDeque<(String, Instant)>;

/// Takes what is shown from what is waited for.
fn look(waiting: &mut Waiting, times: &mut Vec<Duration>, shown: &impl Fn(&str) -> bool) -> Result<()> {
    waiting.retain(|(sha, sent)| {
        let is_shown = shown(sha);
        if is_shown {
            times.push(sent.elapsed());
        }
        !is_shown
    });
    let late = waiting.front().filter(|(_, sent)| sent.elapsed() > PATIENCE);
    late.map_or(Ok(()), |(sha, _)| {
        anyhow::bail!("no status of {sha} within {PATIENCE:?}")
    })
}
