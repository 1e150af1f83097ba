//! What a pull request changes, as GitHub lists it: of a fork nothing else is read before a person approved it.

use super::{GitHub, GitHubError, PER_PAGE};
use serde::Deserialize;
use trainyard_core::ids::{CommitSha, RepoName};

/// GitHub lists no more files of a pull request.
const MOST: usize = 3000;

#[derive(Deserialize)]
struct ChangedFile {
    filename: String,
    /// Of a renamed one.
    #[serde(default)]
    previous_filename: Option<String>,
}

impl GitHub {
    /// The paths that a pull request changes since it left its base, while `head` is its newest commit; `None` where that
    /// cannot be told, because they are too many or it has another head by now.
    pub async fn changed_files(
        &self,
        repo: &RepoName,
        number: u64,
        head: &CommitSha,
        installation: Option<i64>,
    ) -> Result<Option<Vec<String>>, GitHubError> {
        let caller = self.caller(repo, installation).await?;
        let what = format!("pull request {number} in {repo}");
        let mut paths = Vec::new();
        for page in 1..=MOST / PER_PAGE {
            // Our own page numbers: octocrab sends no authorization to the absolute `Link`.
            let path = format!("/repos/{repo}/pulls/{number}/files?per_page={PER_PAGE}&page={page}");
            let files: Vec<ChangedFile> = caller.as_ref().get(&path, &what).await?;
            let last = files.len() < PER_PAGE;
            for file in files {
                paths.push(file.filename);
                paths.extend(file.previous_filename);
            }
            if last {
                // The list is of whatever the head was meanwhile.
                let now = self.pull_request(repo, number).await?;
                return Ok((now.head_sha == *head).then_some(paths));
            }
        }
        Ok(None)
    }
}
