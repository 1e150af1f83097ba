//! External data: which files of a source a run reads, and what is in them.

use crate::content::artifacts::file_digest;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::machine;
use trainyard_core::plan::SourceWindow;
use trainyard_core::span::{AsOf, PatternError, Sight, SpanContent, SpanFile, SpanPattern, Unselected};
use trainyard_executors::{Abandoned, StagedFile};
use trainyard_sources::{ListedObject, ObjectError, Objects};

/// The type of what a step reads from a data source.
const EXTERNAL_DATA: &str = "ExternalData";

/// Where the data of sources are: below a folder of this machine, and in object stores.
#[derive(Clone, Debug)]
pub struct External {
    data_root: PathBuf,
    objects: Objects,
}

/// Whether objects that are not here are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bring {
    /// All that is read.
    Everything,
    /// None: what is not here is an error.
    Nothing,
}

/// Why a step cannot have its external data.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// What its window asks for is not there, or not yet.
    #[error("{}", .0.sentence())]
    Unselected(Unselected),
    /// Its source's path is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// What is there cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The machine has a trouble of its own: worth another try.
    #[error("{0}")]
    Trouble(String),
}

/// Why a step's external data are not what it was promised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangedData {
    /// A file cannot be read any more.
    #[error("{0}")]
    Unreadable(String),
    /// The machine has a trouble of its own: worth another try.
    #[error("{0}")]
    Trouble(String),
    /// A file has another content.
    #[error("{0} changed while the step was reading it: run again on the new content")]
    Changed(String),
}

/// What a step reads of a data source.
pub struct Resolved {
    /// All of it, as one artifact of type `ExternalData`.
    pub data: ArtifactRef,
    /// The same file by file.
    pub contents: Vec<SpanContent>,
    /// The newest span of the source that the run sees, whatever of it the window takes.
    pub as_of: AsOf,
}

impl External {
    /// Data below a folder, and in object stores.
    pub fn new(data_root: PathBuf, objects: Objects) -> Self {
        Self { data_root, objects }
    }

    /// The folder of this machine.
    pub fn data_root(&self) -> &Path {
        &self.data_root
    }

    /// The object stores.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The files that a pattern has now; none where a folder cannot be listed. The error is a sentence.
    pub async fn span_files(&self, pattern: &SpanPattern) -> Result<Vec<SpanFile>, ObjectError> {
        if pattern.bucket().is_some() {
            let listed = self.objects.list(pattern).await?;
            return Ok(listed.into_iter().map(|object| object.file).collect());
        }
        let (root, pattern) = (self.data_root.clone(), pattern.clone());
        // Somebody's disk may be slow.
        let files = tokio::task::spawn_blocking(move || span_files(&root, &pattern)).await;
        Ok(files.unwrap_or_default())
    }

    /// The spans a step reads. Their identity is their content, never their times, sizes or ETags.
    pub(crate) async fn resolve(
        &self,
        window: &SourceWindow,
        sight: Sight,
        bring: Bring,
    ) -> Result<Resolved, ExternalError> {
        let pattern = SpanPattern::parse(&window.uri)?;
        if pattern.bucket().is_some() {
            return self.resolve_objects(&pattern, window, &sight, bring).await;
        }
        let (root, window) = (self.data_root.clone(), window.clone());
        let resolved = Abandoned::run(move |abandoned| resolve_blocking(&root, &window, &sight, abandoned)).await;
        let defect = || ExternalError::Unreadable("the data could not be read: see the service's log".to_owned());
        resolved.unwrap_or_else(|| Err(defect()))
    }

    async fn resolve_objects(
        &self,
        pattern: &SpanPattern,
        window: &SourceWindow,
        sight: &Sight,
        bring: Bring,
    ) -> Result<Resolved, ExternalError> {
        let told = |error: ObjectError| {
            let sentence = format!("data source '{}': {error}", window.source);
            match error {
                // A new listing has what is there now.
                ObjectError::Gone { .. } | ObjectError::Changed { .. } => ExternalError::Trouble(sentence),
                error if error.passes() => ExternalError::Trouble(sentence),
                _ => ExternalError::Unreadable(sentence),
            }
        };
        let listed = self.objects.list(pattern).await.map_err(told)?;
        let files: Vec<SpanFile> = listed.iter().map(|object| object.file.clone()).collect();
        let (selected, as_of) = chosen(pattern, window, &files, sight)?;
        let listed: BTreeMap<&SpanFile, &ListedObject> = listed.iter().map(|object| (&object.file, object)).collect();
        let mut digests = Vec::new();
        for file in &selected {
            let Some(object) = listed.get(file) else { continue };
            let digest = match bring {
                Bring::Everything => self.objects.bring(object).await.map_err(told)?,
                Bring::Nothing => self.objects.known(object).await.map_err(told)?.ok_or_else(|| {
                    ExternalError::Trouble(format!(
                        "data source '{}': {} is not here yet",
                        window.source, file.path
                    ))
                })?,
            };
            digests.push(digest);
        }
        let uri = pattern.glob_root().to_owned();
        Ok(resolved(pattern, window, uri, &selected, digests, as_of))
    }

    /// Sees to it that all objects of an `ExternalData` artifact are here; what is below the data root is there.
    pub(crate) async fn ensure(&self, data: &ArtifactRef) -> Result<(), ObjectError> {
        for (address, digest) in spans(data).filter_map(|span| span.object()) {
            self.objects.ensure(&address, &digest).await?;
        }
        Ok(())
    }

    /// The files of an `ExternalData` artifact as [`External::resolve`] noted them, under the names that a step sees;
    /// none of any other artifact.
    pub(crate) fn files(&self, data: &ArtifactRef) -> Vec<StagedFile> {
        let staged = |span: Span| {
            let copy = span.object().map(|(_, digest)| self.objects.place(&digest));
            StagedFile {
                name: span.name,
                path: copy.unwrap_or(PathBuf::from(span.path)),
                digest: span.digest,
            }
        };
        spans(data).map(staged).collect()
    }

    /// Whether every span file still has the content that was promised: a model trained on data that changed underway
    /// must not be published. Of an object the step read a copy, and one that made room since was not changed.
    pub(crate) fn unchanged(&self, data: &ArtifactRef, abandoned: &Abandoned) -> Result<(), ChangedData> {
        for span in spans(data) {
            let path = match span.object() {
                Some((_, digest)) => self.objects.place(&digest),
                None => self.data_root.join(&span.path),
            };
            if span.object().is_some() && !path.exists() {
                continue;
            }
            let now = file_digest(&path, abandoned).map_err(|error| match error.is_trouble() {
                true => ChangedData::Trouble(error.to_string()),
                false => ChangedData::Unreadable(error.to_string()),
            })?;
            if now != span.digest {
                return Err(ChangedData::Changed(span.path));
            }
        }
        Ok(())
    }
}

fn resolve_blocking(
    data_root: &Path,
    window: &SourceWindow,
    sight: &Sight,
    abandoned: &Abandoned,
) -> Result<Resolved, ExternalError> {
    let pattern = SpanPattern::parse(&window.uri)?;
    let files = list(data_root, &pattern).map_err(|fault| match fault {
        Unlisted::Unreadable(error) => {
            let told = format!(
                "data source '{}' cannot be listed at {}: {error}; check data_root and the source's uri",
                window.source,
                data_root.display()
            );
            match machine::is_trouble(&error) {
                true => ExternalError::Trouble(told),
                false => ExternalError::Unreadable(told),
            }
        }
        Unlisted::Name(name) => ExternalError::Unreadable(format!(
            "data source '{}' has a file whose name is not UTF-8, about '{name}': rename it, for example in ASCII letters",
            window.source
        )),
    })?;
    let (selected, as_of) = chosen(&pattern, window, &files, sight)?;
    let mut digests = Vec::new();
    for file in &selected {
        let digest = file_digest(&data_root.join(&file.path), abandoned).map_err(|error| {
            let told = format!("data source '{}': {error}", window.source);
            match error.is_trouble() {
                true => ExternalError::Trouble(told),
                false => ExternalError::Unreadable(told),
            }
        })?;
        digests.push(digest);
    }
    let uri = data_root.join(pattern.glob_root()).display().to_string();
    Ok(resolved(&pattern, window, uri, &selected, digests, as_of))
}

/// The files that a window takes of those there are, and as of which span.
fn chosen(
    pattern: &SpanPattern,
    window: &SourceWindow,
    files: &[SpanFile],
    sight: &Sight,
) -> Result<(Vec<SpanFile>, AsOf), ExternalError> {
    let as_of = pattern.as_of(&window.source, files, sight);
    let as_of = as_of.map_err(ExternalError::Unselected)?;
    let newest = as_of.as_ref().map(|as_of| as_of.label.as_str());
    let newest = newest.filter(|_| !sight.spans.is_empty());
    let selected = pattern.select(&window.source, files, window.window.as_ref(), newest);
    match (selected, as_of) {
        (Ok(selected), Some(as_of)) => Ok((selected, as_of)),
        (Err(unselected), _) => Err(ExternalError::Unselected(unselected)),
        (Ok(_), None) => Err(ExternalError::Unselected(Unselected::Empty {
            source: window.source.clone(),
            uri: window.uri.clone(),
        })),
    }
}

/// Files with their contents as one artifact.
fn resolved(
    pattern: &SpanPattern,
    window: &SourceWindow,
    uri: String,
    selected: &[SpanFile],
    digests: Vec<Digest>,
    as_of: AsOf,
) -> Resolved {
    let mut tree = Sha256::new();
    let mut contents = Vec::new();
    let mut spans = Vec::new();
    for (file, digest) in selected.iter().zip(digests) {
        tree.update(file.path.as_bytes());
        tree.update([0]);
        tree.update(digest.as_str().as_bytes());
        let name = pattern.staged_name(&file.path);
        spans.push(json!({
            "span": file.span, "version": file.version, "label": file.label,
            "file": name, "path": file.path, "digest": digest,
        }));
        contents.push(SpanContent {
            span: file.span,
            version: file.version,
            file: name,
            digest,
        });
    }
    let digest = Digest::from_sha256(&tree.finalize());
    let mut properties = Map::new();
    if let Some(last) = selected.last() {
        properties.insert("span".to_owned(), json!(last.span));
        properties.extend(last.version.map(|version| ("version".to_owned(), json!(version))));
    }
    properties.insert("source".to_owned(), json!(window.source));
    properties.insert("spans".to_owned(), Value::Array(spans));
    let data = ArtifactRef {
        name: format!("external/{}/{}", window.source, digest.hex()),
        type_name: EXTERNAL_DATA.to_owned(),
        digest,
        uri,
        properties,
    };
    Resolved { data, contents, as_of }
}

/// Why the files of a source are not known.
enum Unlisted {
    Unreadable(io::Error),
    /// The name of a file of the source, as far as it is text.
    Name(String),
}

impl From<io::Error> for Unlisted {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The files that a pattern has now; none where they cannot be listed.
pub fn span_files(data_root: &Path, pattern: &SpanPattern) -> Vec<SpanFile> {
    list(data_root, pattern).unwrap_or_default()
}

/// Every file below the pattern's literal folder that is a span, no deeper than the pattern is.
fn list(data_root: &Path, pattern: &SpanPattern) -> Result<Vec<SpanFile>, Unlisted> {
    let depth = pattern.uri().matches('/').count();
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(pattern.glob_root())];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(data_root.join(&folder)) {
            // A folder that nobody made yet has no spans; the data root itself is there.
            Err(error) if error.kind() == io::ErrorKind::NotFound && data_root.is_dir() => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let relative = folder.join(entry.file_name());
            if entry.path().is_dir() {
                if relative.components().count() <= depth {
                    folders.push(relative);
                }
            } else if let Some(file) = pattern.match_path(&relative.to_string_lossy()) {
                if relative.to_str().is_none() {
                    return Err(Unlisted::Name(relative.to_string_lossy().into_owned()));
                }
                found.push(file);
            }
        }
    }
    Ok(found)
}

/// A file of an `ExternalData` artifact.
struct Span {
    /// Its name for the step.
    name: String,
    /// Its path below the data root, or the address of an object.
    path: String,
    digest: Digest,
}

impl Span {
    /// Address and content, if it is an object.
    fn object(&self) -> Option<(String, Digest)> {
        let is_object = self.path.contains("://");
        is_object.then(|| (self.path.clone(), self.digest.clone()))
    }
}

/// What [`resolved`] noted; nothing of any other artifact.
fn spans(data: &ArtifactRef) -> impl Iterator<Item = Span> {
    let spans = data.properties.get("spans").filter(|_| data.type_name == EXTERNAL_DATA);
    let spans = spans.and_then(Value::as_array).into_iter().flatten();
    spans.filter_map(|span| {
        Some(Span {
            name: span["file"].as_str()?.to_owned(),
            path: span["path"].as_str()?.to_owned(),
            digest: Digest::parse(span["digest"].as_str()?).ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(uri: &str, window: &str) -> SourceWindow {
        SourceWindow {
            source: "rows".to_owned(),
            uri: uri.to_owned(),
            window: serde_json::from_str(window).unwrap(),
        }
    }

    fn nowhere(root: &Path) -> Objects {
        Objects::new(&Default::default(), root.join("objects"))
    }

    fn write(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn parts_and_versions_of_a_span_reach_the_step_under_names_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "1/v1/a.csv",
            "2/v1/a.csv",
            "2/v2/a.csv",
            "2/v2/b.csv",
            "2/v2/.b.crc",
            "2/v2/deep/er/a.csv",
        ] {
            write(root.path(), &format!("d/{path}"), path);
        }
        let range = r#"{"rolling_range": {"num_spans": 2, "keep_all_versions": true}}"#;
        let window = window("d/{SPAN}/v{VERSION}/*", range);
        let resolved = resolve_blocking(root.path(), &window, &Sight::default(), &Abandoned::default()).unwrap();
        let (data, contents) = (resolved.data, resolved.contents);
        assert_eq!(resolved.as_of.label, "2");
        let names: Vec<&str> = contents.iter().map(|content| content.file.as_str()).collect();
        assert_eq!(names, ["1-v1-a.csv", "2-v1-a.csv", "2-v2-a.csv", "2-v2-b.csv"]);
        let external = External::new(root.path().to_owned(), nowhere(root.path()));
        let staged = external.files(&data);
        assert_eq!(staged.len(), names.len());
        for ((file, name), content) in
            staged
                .iter()
                .zip(names)
                .zip(["1/v1/a.csv", "2/v1/a.csv", "2/v2/a.csv", "2/v2/b.csv"])
        {
            assert_eq!(file.name, name);
            assert_eq!(fs::read_to_string(root.path().join(&file.path)).unwrap(), content);
        }
        assert_eq!(external.unchanged(&data, &Abandoned::default()), Ok(()));
        write(root.path(), "d/1/v1/a.csv", "other");
        assert!(external.unchanged(&data, &Abandoned::default()).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_file_whose_name_is_no_text_is_named() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "d/1/a.csv", "");
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.csv");
        fs::write(root.path().join("d/1").join(name), "").unwrap();
        let said = |uri| match resolve_blocking(
            root.path(),
            &window(uri, "{}"),
            &Sight::default(),
            &Abandoned::default(),
        ) {
            Ok(resolved) => format!("{} files", resolved.contents.len()),
            Err(error) => error.to_string(),
        };
        insta::assert_snapshot!(said("d/{SPAN}/*"), @"data source 'rows' has a file whose name is not UTF-8, about 'd/1/caf�.csv': rename it, for example in ASCII letters");
        assert_eq!(said("d/{SPAN}/a*"), "1 files");
    }

    #[test]
    fn a_folder_without_data_is_not_a_window_that_waits() {
        let root = tempfile::tempdir().unwrap();
        let window = window("d/{SPAN}.csv", r#"{"rolling_range": {"num_spans": 2, "min_spans": 2}}"#);
        let resolve = || {
            resolve_blocking(root.path(), &window, &Sight::default(), &Abandoned::default())
                .err()
                .unwrap()
        };
        assert!(matches!(resolve(), ExternalError::Unselected(Unselected::Empty { .. })));
        let nowhere = root.path().join("nowhere");
        let lost = resolve_blocking(&nowhere, &window, &Sight::default(), &Abandoned::default())
            .err()
            .unwrap();
        assert!(matches!(lost, ExternalError::Unreadable(_)));
        write(root.path(), "d/other.txt", "");
        assert!(matches!(resolve(), ExternalError::Unselected(Unselected::Empty { .. })));
        write(root.path(), "d/1.csv", "");
        assert!(matches!(resolve(), ExternalError::Unselected(Unselected::TooFew(_))));
    }
}
