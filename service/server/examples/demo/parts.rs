//! The parts of the demo: started here, stopped when dropped.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that ends with the demo.
pub struct Part {
    name: &'static str,
    child: Child,
}

impl Part {
    fn spawn(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("{name} cannot be started: {command:?}"))?;
        Ok(Self { name, child })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        // SIGTERM first: the service leaves its database in order.
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{} did not stop and is killed", self.name);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A container that is removed with the demo.
pub struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["rm", "--force", "--volumes", &self.0])
            .stdout(Stdio::null())
            .status();
    }
}

/// Runs a command to its end; its output is only shown when it fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} cannot be started"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A program built beside this example.
fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here
        .parent()
        .and_then(Path::parent)
        .context("the example is not in a target folder")?;
    let path = folder.join(name);
    if !path.exists() {
        bail!("{} is missing: run `make demo`, which builds it", path.display());
    }
    Ok(path)
}

/// The simulated GitHub.
pub struct GitHub {
    _part: Part,
    /// Its address, for API and git.
    pub url: String,
}

/// Secrets of this demo only; nothing outside loopback sees them.
pub const TOKEN: &str = "demo-github-token";
/// Signs webhooks.
pub const WEBHOOK_SECRET: &str = "demo-webhook-secret";
/// Opens `/events`.
pub const EVENTS_TOKEN: &str = "demo-events-token";
/// The model server's image: of the server itself, and of the throw-away ones that candidates are tried in.
const SERVING: &str = "trainyard/serving";
/// The standard components, as `make demo` builds them.
const COMPONENTS: &str = "trainyard/components:demo";
/// The repository of the story.
pub const REPO: &str = "acme/flights";

/// Starts the simulator with one empty repository.
pub fn github(folder: &Path, service_port: u16) -> Result<GitHub> {
    let log = File::create(folder.join("github.log"))?;
    let mut command = Command::new(program("github-simulator")?);
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--repo",
            REPO,
            "--token",
            TOKEN,
            "--webhook-secret",
            WEBHOOK_SECRET,
        ])
        .arg("--webhook-url")
        .arg(format!("http://127.0.0.1:{service_port}/webhooks/github"))
        .arg("--data")
        .arg(folder.join("github"))
        .stdout(Stdio::piped())
        .stderr(log);
    let mut part = Part::spawn("the GitHub simulator", &mut command)?;
    let output = part.child.stdout.take().context("the simulator has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let ready: serde_json::Value =
        serde_json::from_str(&line).with_context(|| format!("the simulator did not say where it is: {line:?}"))?;
    let url = ready["base_url"]
        .as_str()
        .or(ready["url"].as_str())
        .context("the simulator has no address")?;
    Ok(GitHub {
        url: url.trim_end_matches('/').to_owned(),
        _part: part,
    })
}

/// The service.
pub struct Service {
    _part: Part,
    /// Its address.
    pub url: String,
    /// Its configuration file, for the command line.
    pub config: PathBuf,
}

/// The bucket of a demo on a cluster.
const BUCKET: &str = "trainyard-demo";

/// What runs the steps: this machine's Docker, or with `EXECUTOR=kubernetes` a cluster that the environment names.
async fn executor() -> Result<String> {
    if std::env::var("EXECUTOR").as_deref() != Ok("kubernetes") {
        return Ok(String::new());
    }
    let told = |name: &str| {
        let found = std::env::var(name).ok().filter(|value| !value.is_empty());
        found.with_context(|| {
            format!(
                "{name} is not set: a demo on Kubernetes needs KUBECONFIG, REGISTRY=host:port and S3_ENDPOINT=http://…"
            )
        })
    };
    told("KUBECONFIG")?;
    let (registry, endpoint) = (told("REGISTRY")?, told("S3_ENDPOINT")?);
    let key = |name: &str| std::env::var(name).unwrap_or_else(|_| "test".to_owned());
    // Where nobody has to show a key it is made here; elsewhere it is there, or the service says that it is not.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let unsigned =
        "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none";
    let bucket = client
        .put(format!("{endpoint}/{BUCKET}"))
        .header("authorization", unsigned);
    let _ = bucket.send().await;
    Ok(format!(
        r#"kind = "kubernetes"
[executor.kubernetes]
registry = "{registry}/trainyard-demo"
object_store = "exchange"
stage_image = "trainyard/stage:demo"
[object_stores.exchange]
url = "s3://{BUCKET}"
endpoint = "{endpoint}"
region = "us-east-1"
allow_http = true
key_id = "{}"
key = "{}"
"#,
        key("AWS_ACCESS_KEY_ID"),
        key("AWS_SECRET_ACCESS_KEY")
    ))
}

/// Writes the configuration and starts the service; returns when it is ready.
pub async fn service(folder: &Path, port: u16, github: &GitHub, model_server: &str) -> Result<Service> {
    let config = folder.join("trainyard.toml");
    let text = format!(
        r#"data_dir = "{data}"
data_root = "{root}"
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"

[executor]
components_image = "{COMPONENTS}"
{executor}
[events]
token = "{EVENTS_TOKEN}"

[github]
api_url = "{github}"
git_url = "{github}"
token = "{TOKEN}"
webhook_secret = "{WEBHOOK_SECRET}"

[targets.flights]
url = "{model_server}"
repository = "{models}"
image = "{SERVING}"
"#,
        data = folder.join("trainyard").display(),
        root = folder.join("data").display(),
        executor = executor().await?,
        github = github.url,
        models = folder.join("models").display(),
    );
    std::fs::write(&config, text)?;
    let log = File::create(folder.join("trainyard.log"))?;
    let mut command = Command::new(program("trainyard")?);
    command
        .arg("--config")
        .arg(&config)
        .arg("serve")
        .stdout(log.try_clone()?)
        .stderr(log);
    let part = Part::spawn("the service", &mut command)?;
    let url = format!("http://127.0.0.1:{port}");
    wait_for(&format!("{url}/readyz"), "the service", Duration::from_secs(20)).await?;
    Ok(Service {
        _part: part,
        url,
        config,
    })
}

/// Runs a command of the `trainyard` binary with the demo's configuration.
pub fn trainyard(service: &Service, arguments: &[&str]) -> Result<String> {
    run(Command::new(program("trainyard")?)
        .arg("--config")
        .arg(&service.config)
        .args(arguments))
}

/// Starts the model server in its container; returns when it is live.
pub async fn model_server(folder: &Path) -> Result<(Container, String)> {
    let models = folder.join("models");
    std::fs::create_dir_all(&models)?;
    let port = free_port()?;
    let name = format!("trainyard-demo-serving-{}", std::process::id());
    let mut command = Command::new("docker");
    command
        .args([
            "run",
            "--detach",
            "--name",
            &name,
            "--label",
            "io.trainyard.demo=serving",
        ])
        .args(["--publish", &format!("127.0.0.1:{port}:8080")])
        .args([
            "--read-only",
            "--tmpfs",
            "/tmp",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
        ])
        .args(["--volume", &format!("{}:/models:ro", models.display()), SERVING]);
    let container = Container(name);
    run(&mut command)?;
    let url = format!("http://127.0.0.1:{port}");
    wait_for(
        &format!("{url}/v2/health/live"),
        "the model server",
        Duration::from_secs(60),
    )
    .await?;
    Ok((container, url))
}

async fn wait_for(url: &str, what: &str, limit: Duration) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if client
            .get(url)
            .send()
            .await
            .is_ok_and(|response| response.status().is_success())
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("{what} was not ready within {}s", limit.as_secs())
}
