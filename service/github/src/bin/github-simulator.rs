//! A GitHub on loopback for the demo and for trying things: prints one line of JSON when it listens.

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::json;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_github::simulator::{SimulatedApp, Simulator, SimulatorConfig};

/// Simulates GitHub: git over HTTP, statuses, pull requests, comments and signed webhooks.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = "Example:\n  \
    github-simulator --listen 127.0.0.1:9000 --repo team/mine --token TOKEN --webhook-secret SECRET \\\n      \
    --webhook-url http://127.0.0.1:8787/webhooks/github\n\n\
    In trainyard.toml:\n  \
    [github]\n  \
    api_url = \"http://127.0.0.1:9000\"\n  \
    git_url = \"http://127.0.0.1:9000\"\n  \
    token = \"TOKEN\"\n  \
    webhook_secret = \"SECRET\"\n\n\
    Then, with `trainyard serve` at work: git push http://x:TOKEN@127.0.0.1:9000/team/mine.git main"
)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where webhooks go; none are sent without it.
    #[arg(long)]
    webhook_url: Option<String>,
    /// Signs webhooks.
    #[arg(long, env = "GITHUB_SIMULATOR_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: String,
    /// The personal access token that opens everything.
    #[arg(long, env = "GITHUB_SIMULATOR_TOKEN", hide_env_values = true)]
    token: String,
    /// The account of that token.
    #[arg(long, default_value = "octocat")]
    login: String,
    /// The folder of the repositories; a temporary one if absent.
    #[arg(long)]
    data: Option<PathBuf>,
    /// A repository to make, as owner/name; may be repeated.
    #[arg(long = "repo")]
    repos: Vec<String>,
    /// A classic token with scopes, as TOKEN=repo,gist; may be repeated.
    #[arg(long, value_name = "TOKEN=SCOPES")]
    classic_token: Vec<String>,
    /// A fine-grained token with permissions, as TOKEN=contents:read,statuses:write; may be repeated.
    #[arg(long, value_name = "TOKEN=PERMISSIONS")]
    fine_grained_token: Vec<String>,
    /// The id of a GitHub App that is installed everywhere.
    #[arg(long, requires = "app_public_key")]
    app_id: Option<u64>,
    /// The PEM file that verifies the App's JWTs.
    #[arg(long, requires = "app_id")]
    app_public_key: Option<PathBuf>,
    /// The id of the App's installation.
    #[arg(long, default_value_t = 1)]
    installation_id: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    trainyard_github::install_tls();
    let arguments = Arguments::parse();
    let app = match (arguments.app_id, &arguments.app_public_key) {
        (Some(app_id), Some(path)) => Some(SimulatedApp {
            app_id,
            slug: "trainyard".to_owned(),
            public_key: std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            installation_id: arguments.installation_id,
            token_lifetime: Duration::from_secs(3600),
        }),
        _ => None,
    };
    let simulator = Simulator::start(SimulatorConfig {
        listen: arguments.listen,
        webhook_url: arguments.webhook_url,
        webhook_secret: arguments.webhook_secret,
        token: arguments.token,
        login: arguments.login,
        app,
        data: arguments.data,
    })
    .await?;
    simulator.tell_comments();
    for repo in &arguments.repos {
        simulator.create_repo(repo).await?;
    }
    for given in &arguments.classic_token {
        let (token, scopes) = given.split_once('=').context("--classic-token is TOKEN=SCOPE,SCOPE")?;
        simulator.add_classic_token(
            token,
            &scopes.split(',').filter(|scope| !scope.is_empty()).collect::<Vec<_>>(),
        );
    }
    for given in &arguments.fine_grained_token {
        let wrong = "--fine-grained-token is TOKEN=PERMISSION:LEVEL,…";
        let (token, permissions) = given.split_once('=').context(wrong)?;
        let pairs = permissions.split(',').filter(|pair| !pair.is_empty());
        let pairs = pairs
            .map(|pair| pair.split_once(':').context(wrong))
            .collect::<Result<Vec<_>>>()?;
        simulator.add_fine_grained_token(token, &pairs, None);
    }
    let repos: Vec<_> = arguments
        .repos
        .iter()
        .map(|repo| json!({"name": repo, "clone_url": simulator.clone_url(repo)}))
        .collect();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", json!({"base_url": simulator.base_url(), "repos": repos}))?;
    stdout.flush()?;
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
