//! The files that a pull request changes.

use super::comments::number;
use super::{Answer, Asked, page};
use crate::simulator::api_error::ApiError;
use crate::simulator::repository::git;
use axum::extract::{OriginalUri, Path};
use serde_json::{Value, json};
use std::collections::HashMap;

/// `GET /repos/{owner}/{repo}/pulls/{pull_number}/files`: diff entries, at most 3,000.
pub(crate) async fn list(
    asked: Asked,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
) -> Answer {
    let number = number(&path, "number")?;
    let pull = asked.with(|repo| repo.pull(number).cloned())?;
    let range = format!("{}...{}", pull.base_sha, pull.head_sha);
    let diff = async |how: &str| {
        let args = ["--no-renames", "-z", how, range.as_str()];
        let printed = git(&asked.repo.path, "diff", &args).await;
        let printed = printed.map_err(|_| ApiError::not_found())?;
        Ok::<_, ApiError>(String::from_utf8_lossy(&printed).into_owned())
    };
    let (kinds, sizes) = (diff("--name-status").await?, diff("--numstat").await?);
    let sizes: HashMap<&str, (u64, u64)> = sizes.split('\0').filter_map(size).collect();
    let mut fields = kinds.split('\0');
    let mut entries = Vec::new();
    while let (Some(kind), Some(file)) = (fields.next(), fields.next()) {
        entries.push(entry(&asked, &pull.head_sha, kind, file, sizes.get(file).copied()));
    }
    entries.truncate(3000);
    Ok(page(&asked.shared, &uri, entries))
}

/// Additions and deletions of a path; binary files have none.
fn size(line: &str) -> Option<(&str, (u64, u64))> {
    let mut parts = line.splitn(3, '\t');
    let mut count = || parts.next().map(|count| count.parse().unwrap_or(0));
    let sizes = (count()?, count()?);
    Some((parts.next()?, sizes))
}

fn entry(asked: &Asked, head: &str, kind: &str, file: &str, size: Option<(u64, u64)>) -> Value {
    let (repo, base) = (&asked.repo.name, &asked.shared.base_url);
    let (additions, deletions) = size.unwrap_or_default();
    let status = match kind {
        "A" => "added",
        "D" => "removed",
        _ => "modified",
    };
    json!({
        "sha": head,
        "filename": file,
        "status": status,
        "additions": additions,
        "deletions": deletions,
        "changes": additions + deletions,
        "blob_url": format!("{base}/{repo}/blob/{head}/{file}"),
        "raw_url": format!("{base}/{repo}/raw/{head}/{file}"),
        "contents_url": format!("{base}/repos/{repo}/contents/{file}?ref={head}"),
    })
}
