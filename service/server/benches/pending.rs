//! From a signed push to the pending status at GitHub: pushes to copies of the demo's repository at a steady pace, real
//! git, the service as a process of its own. Copies, since a push that the next one overtakes is told nothing of.

use crate::service::{SECRET, Service};
use crate::{millis, row};
use anyhow::{Context, Result, ensure};
use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trainyard_github::signature::sign;
use trainyard_github::simulator::{Simulator, SimulatorConfig};

/// Copies of the repository, which are pushed to in turn.
const COPIES: usize = 25;
const TOKEN: &str = "token-of-the-bench";
/// One push each.
const PACE: Duration = Duration::from_millis(20);
/// Pushes of the measurement to each copy; one before it makes its mirror and its pipeline known.
const PUSHES: usize = 20;
/// A status that is not there by then does not come.
const PATIENCE: Duration = Duration::from_secs(10);

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let done = Command::new("git").current_dir(folder).args(arguments).output()?;
    ensure!(
        done.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}

/// A repository at GitHub, and the commits that its `main` is brought to.
struct Copy {
    name: String,
    bare: PathBuf,
    shas: Vec<String>,
}

/// The demo's repository on this disk.
fn demo(folder: &Path) -> Result<PathBuf> {
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
    Ok(work)
}

/// A copy of it at GitHub, with so many commits after `main`, each of which changes the pipeline's folder.
async fn copy(simulator: &Simulator, work: &Path, name: String, count: usize) -> Result<Copy> {
    simulator.create_repo(&name).await?;
    let (url, here) = (simulator.push_url(&name), work.to_owned());
    tokio::task::spawn_blocking(move || git(&here, &["push", "--quiet", &url, "main"])).await??;
    let first = git(work, &["rev-parse", "main"])?;
    let bare = simulator.repo_path(&name);
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
    Ok(Copy { name, bare, shas: all })
}

/// Tells the service of a push, as GitHub does; when it was sent.
async fn push(stream: &mut TcpStream, copy: &Copy, id: usize, number: usize) -> Result<Instant> {
    let (name, before, after) = (&copy.name, &copy.shas[number - 1], &copy.shas[number]);
    std::fs::write(copy.bare.join("refs/heads/main"), format!("{after}\n"))?;
    let body = format!(
        r#"{{"ref":"refs/heads/main","before":"{before}","after":"{after}","created":false,"deleted":false,"forced":false,"repository":{{"id":{},"full_name":"{name}","default_branch":"main","pushed_at":{}}},"pusher":{{"name":"bench"}},"sender":{{"login":"bench","id":1}},"commits":[],"head_commit":null}}"#,
        1000 + id,
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    );
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\n\
         X-GitHub-Delivery: 00000000-0000-4000-8000-{:012}\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n",
        id * 1000 + number,
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
    let work = demo(&folder.join("pending"))?;
    let mut copies = Vec::new();
    for copy_of in 0..COPIES {
        copies.push(copy(&simulator, &work, format!("acme/flights-{copy_of}"), PUSHES + 1).await?);
    }
    // No engine answers, so that the first run waits for one and the others for the first: what is measured is the way
    // to the status.
    let rows = folder.join("pending/rows/flights");
    fs::create_dir_all(&rows)?;
    fs::write(rows.join("2013-01.parquet"), "PAR1")?;
    let settings = format!(
        "data_root = \"{1}\"\n[github]\napi_url = \"{0}\"\ngit_url = \"{0}\"\ntoken = \"{TOKEN}\"\nwebhook_secret = \"{SECRET}\"\n\
         writes_per_minute = \"none\"\nsweep_every = \"none\"\n[targets.flights]\nurl = \"http://127.0.0.1:9\"\nrepository = \"models\"\n",
        simulator.base_url(),
        folder.join("pending/rows").display(),
    );
    let service = Service::start_with(
        &folder.join("pending/data"),
        &settings,
        &[("DOCKER_HOST", "unix:///nowhere")],
    )?;
    let mut stream = TcpStream::connect(("127.0.0.1", service.port)).await?;
    stream.set_nodelay(true)?;
    let (mut waiting, mut times) = (Waiting::new(), Vec::new());
    let mut due = Instant::now();
    for number in 1..=PUSHES + 1 {
        for (id, copy) in copies.iter().enumerate() {
            due += PACE;
            while Instant::now() < due {
                look(&simulator, &mut waiting, &mut times);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let sent = push(&mut stream, copy, id, number).await?;
            waiting.push_back((copy.name.clone(), copy.shas[number].clone(), sent));
        }
        if number == 1 || number == PUSHES + 1 {
            while !waiting.is_empty() {
                look(&simulator, &mut waiting, &mut times);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        if number == 1 {
            times.clear();
            due = Instant::now();
        }
    }
    ensure!(!times.is_empty(), "no push was told of");
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
    let overtaken = COPIES * PUSHES - times.len();
    row(
        "  overtaken before they were looked at",
        &overtaken.to_string(),
        Some(("0", overtaken == 0)),
    );
    Ok(())
}

type Waiting = VecDeque<(String, String, Instant)>;

/// Takes what is shown from what is waited for.
fn look(simulator: &Simulator, waiting: &mut Waiting, times: &mut Vec<Duration>) {
    waiting.retain(|(name, sha, sent)| {
        let is_shown = !simulator.statuses(name, sha).is_empty();
        if is_shown {
            times.push(sent.elapsed());
        }
        !is_shown
    });
    // A push that the next one of its repository overtook is told nothing of.
    waiting.retain(|(_, _, sent)| sent.elapsed() < PATIENCE);
}
