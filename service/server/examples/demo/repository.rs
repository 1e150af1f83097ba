//! The team's repository: this one's flights pipeline, pushed with the real git.

use crate::parts::{GitHub, REPO, TOKEN, run};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A clone of the team's repository.
pub struct Repository {
    folder: PathBuf,
    api: String,
    client: reqwest::Client,
}

impl Repository {
    /// Copies the pipeline and its Dockerfiles from this repository and commits them.
    pub fn create(root: &Path, folder: &Path, github: &GitHub) -> Result<Self> {
        let work = folder.join("team");
        for part in ["pipelines/flights", "dockerfiles"] {
            copy(&root.join(part), &work.join(part))?;
        }
        let remote = format!("{}/{REPO}.git", github.url).replacen("://", &format!("://x-access-token:{TOKEN}@"), 1);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let repository = Self {
            folder: work,
            api: format!("{}/repos/{REPO}", github.url),
            client,
        };
        repository.git(&["init", "--quiet", "--initial-branch", "main"])?;
        repository.git(&["remote", "add", "origin", &remote])?;
        repository.commit("Predict late flights")?;
        Ok(repository)
    }

    fn git(&self, arguments: &[&str]) -> Result<String> {
        let identity = [
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "-c",
            "commit.gpgsign=false",
        ];
        run(Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(identity)
            .args(arguments))
    }

    fn commit(&self, message: &str) -> Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])?;
        Ok(())
    }

    /// The head of a branch.
    pub fn head(&self, branch: &str) -> Result<String> {
        Ok(self.git(&["rev-parse", branch])?.trim().to_owned())
    }

    /// Pushes a branch.
    pub fn push(&self, branch: &str) -> Result<()> {
        self.git(&["push", "--quiet", "origin", branch]).map(drop)
    }

    /// A branch off main in which `from` became `to` in one file.
    pub fn edit_on_branch(&self, branch: &str, file: &str, edits: &[(&str, &str)], message: &str) -> Result<()> {
        self.git(&["checkout", "--quiet", "-B", branch, "main"])?;
        let path = self.folder.join(file);
        let mut text = fs::read_to_string(&path)?;
        for (from, to) in edits {
            anyhow::ensure!(text.contains(from), "{file} has no '{from}' to change");
            text = text.replacen(from, to, 1);
        }
        fs::write(&path, text)?;
        self.commit(message)
    }

    /// Opens a pull request into main and returns its number.
    pub async fn open_pull_request(&self, branch: &str, title: &str) -> Result<u64> {
        let body = json!({"title": title, "head": branch, "base": "main"});
        let request = self
            .client
            .post(format!("{}/pulls", self.api))
            .bearer_auth(TOKEN)
            .json(&body);
        let pull: Value = request.send().await?.error_for_status()?.json().await?;
        pull["number"].as_u64().context("the pull request has no number")
    }

    /// The newest status of a commit, as (state, description).
    pub async fn status(&self, sha: &str) -> Result<Option<(String, String)>> {
        let statuses = self.get(&format!("commits/{sha}/statuses")).await?;
        let newest = statuses.as_array().and_then(|list| list.first()).cloned();
        let text = |status: &Value, name: &str| status[name].as_str().unwrap_or_default().to_owned();
        Ok(newest.map(|status| (text(&status, "state"), text(&status, "description"))))
    }

    /// The comments of a pull request.
    pub async fn comments(&self, number: u64) -> Result<Vec<String>> {
        let comments = self.get(&format!("issues/{number}/comments")).await?;
        let bodies = comments
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c["body"].as_str().map(str::to_owned));
        Ok(bodies.collect())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = self.client.get(format!("{}/{path}", self.api)).bearer_auth(TOKEN);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

fn copy(source: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "__pycache__" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target.join(name))?;
        } else {
            fs::copy(entry.path(), target.join(name))?;
        }
    }
    Ok(())
}
