//! Files of the repository that steps read: `inputs: { schema: file:pipelines/flights/schema.json }`.

use super::Source;
use crate::content::Content;
use crate::content::artifacts::{read_plain, remove_tree};
use crate::source::checkout::{self, SourceError, local_root};
use serde_json::{Map, json};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use trainyard_core::artifact::{ArtifactRef, only_file};
use trainyard_core::ids::StepName;
use trainyard_core::left_out::{self, LeftOut};
use trainyard_core::machine;
use trainyard_core::plan::Plan;
use trainyard_core::problem::Problem;
use trainyard_core::run::RunRequest;
use trainyard_core::spec::{missing_builds, missing_files};

/// The largest file that is read, as in commits.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The file at the run's commit as an artifact of the service: for a type that is a folder with one
/// file, that folder; else the file itself. Safe to repeat.
pub(crate) async fn artifact(
    at: &Source,
    content: &Content,
    request: &RunRequest,
    (step, input): (&StepName, &str),
    path: &str,
    type_name: &str,
) -> Result<ArtifactRef, SourceError> {
    let (bytes, place) = read(at, request, path).await?;
    if left_out::is_pointer(&bytes) {
        return Err(SourceError::Broken(LeftOut::LfsPointer.sentence(path)));
    }
    let work = at.folders.work(&request.id).join("files");
    let source = work.join(format!("{step}.{input}"));
    let file = only_file(type_name);
    let kept = |error: &dyn std::fmt::Display| SourceError::Again(format!("{path} cannot be kept: {error}"));
    write(&source, file, &bytes).map_err(|error| kept(&error))?;
    let published = content.publish(&source).await;
    let (digest, uri) = published.map_err(|error| kept(&error))?;
    let mut properties = Map::from_iter([("path".to_owned(), json!(path))]);
    properties.extend(request.commit.iter().map(|commit| ("commit".to_owned(), json!(commit))));
    Ok(ArtifactRef {
        // Of a work tree the content is the version.
        name: match &request.commit {
            Some(commit) => format!("{place}@{commit}:{path}"),
            None => format!("{place}@{}:{path}", digest.hex()),
        },
        type_name: type_name.to_owned(),
        digest,
        uri: uri.display().to_string(),
        properties,
    })
}

/// The bytes at the run's commit, or in the work tree of a local run, and the repository's name.
async fn read(at: &Source, request: &RunRequest, path: &str) -> Result<(Vec<u8>, String), SourceError> {
    if let (Some(repo), Some(commit)) = (&request.repo, &request.commit) {
        let mirror = checkout::fetch_of(at, repo, request, commit).await?;
        return match mirror.show(commit, path).await? {
            Some(bytes) => Ok((bytes, repo.to_string())),
            None => Err(SourceError::Broken(format!(
                "there is no file '{path}' in commit {commit} of {repo}"
            ))),
        };
    }
    let root = local_root(Path::new(&request.folder));
    match read_plain(&root.join(path), LARGEST) {
        Ok(bytes) => Ok((bytes, root.display().to_string())),
        Err(error) => {
            let told = format!("the file '{path}' cannot be read in {}: {error}", root.display());
            Err(match machine::is_trouble(&error) {
                true => SourceError::Again(told),
                false => SourceError::Broken(told),
            })
        }
    }
}

fn write(source: &Path, file: Option<&str>, bytes: &[u8]) -> io::Result<()> {
    let place = file.map_or_else(|| source.to_owned(), |file| source.join(file));
    remove_tree(source)?;
    fs::create_dir_all(place.parent().unwrap_or(source))?;
    fs::write(&place, bytes)
}

/// The files of the work tree that the steps of a pipeline file read or are built from and that are not there;
/// `text` is the content of `file`.
pub fn missing_locally(file: &Path, plan: &Plan, text: &str) -> Vec<Problem> {
    let whole = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = whole.parent().unwrap_or(&whole);
    let root = local_root(folder);
    let own = folder.strip_prefix(&root).unwrap_or(Path::new(""));
    let parents = plan.files().filter_map(|(_, _, path)| Path::new(path).parent());
    let near: BTreeSet<&Path> = parents.chain([own]).collect();
    let known: Vec<String> = near.into_iter().flat_map(|near| files_in(&root, near)).collect();
    let place = format!("the repository {}", root.display());
    let file = file.display().to_string();
    let is_file = |path: &str| root.join(path).is_file();
    let is_folder = |path: &str| root.join(path).is_dir();
    let mut problems = missing_files(plan, &file, text, (&known, &[]), &place);
    problems.extend(missing_builds(plan, &file, text, is_file, is_folder, &place));
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

/// Plain files of one folder by their paths from `root`; none of a folder that is not there, or that git would
/// not have in a commit: behind a link, or its own.
fn files_in(root: &Path, folder: &Path) -> Vec<String> {
    let whole = |path: &Path| fs::canonicalize(path).ok();
    let linked = whole(&root.join(folder)) != whole(root).map(|root| root.join(folder));
    if linked || folder.starts_with(".git") {
        return Vec::new();
    }
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| Some(folder.join(entry.file_name()).to_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_commit_could_have_is_there() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("secret"), "").unwrap();
        for folder in ["pipelines/x", ".git"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("config"), "").unwrap();
        }
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("linked")).unwrap();
        let found = |folder: &str| files_in(root.path(), Path::new(folder));
        assert_eq!(found("pipelines/x"), ["pipelines/x/config"]);
        assert!(found("linked").is_empty(), "a link leads out of the repository");
        assert!(found(".git").is_empty());
        assert!(found("nowhere").is_empty());
    }
}
