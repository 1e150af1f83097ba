//! Where the data of a pipeline are: the pattern of their files, how many spans there are, and the newest file.

use super::pattern::patterns;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use trainyard_core::span::{PatternError, SpanFile, SpanPattern};
use trainyard_engine::span_files;

/// Files of a folder that are looked at.
const MOST_FILES: usize = 100_000;
/// Folders in folders, as in `2024/01/31.csv`.
const DEEPEST: usize = 3;
/// What example-gen reads.
const EXTENSIONS: [&str; 4] = ["csv", "tsv", "txt", "parquet"];

/// Why there are no data.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    #[error("there is nothing at {asked}, nor at {}: name a file, its folder, or a pattern", below.display())]
    Nothing { asked: String, below: PathBuf },
    #[error(
        "{} is not below data_root, {}: move it there, or set data_root in trainyard.toml",
        path.display(), data_root.display()
    )]
    Elsewhere { path: PathBuf, data_root: PathBuf },
    #[error("{} holds no .csv, .tsv, .txt or .parquet file: name the folder that does", .0.display())]
    Empty(PathBuf),
    #[error("{0}")]
    Pattern(#[from] PatternError),
}

/// The data of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    /// The pattern, below the data root.
    pub(crate) uri: String,
    /// Spans there are now.
    pub(crate) spans: usize,
    /// The newest file, if there is one.
    pub(crate) newest: Option<PathBuf>,
}

impl Data {
    /// What `asked` means, a pattern, a folder or a file: from here, or below the data root.
    ///
    /// # Errors
    /// When it means nothing, or lies elsewhere.
    pub(crate) fn find(data_root: &Path, asked: &str) -> Result<Self, DataError> {
        if asked.contains(['{', '*']) {
            let root = data_root.display().to_string();
            let below = asked.strip_prefix(&root).unwrap_or(asked).trim_start_matches('/');
            return Ok(Self::of(data_root, below)?);
        }
        let below = data_root.join(asked);
        let path = [Path::new(asked), &below].into_iter().find(|path| path.exists());
        let Some(path) = path else {
            let asked = asked.to_owned();
            return Err(DataError::Nothing { asked, below });
        };
        let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (path, data_root) = (whole(path), whole(data_root));
        let file = match path.is_dir() {
            true => newest(&path).ok_or_else(|| DataError::Empty(path.clone()))?,
            false => path,
        };
        let Ok(below) = file.strip_prefix(&data_root) else {
            return Err(DataError::Elsewhere { path: file, data_root });
        };
        let below = below.to_string_lossy().into_owned();
        for uri in patterns(&below) {
            let data = Self::of(&data_root, &uri)?;
            // A number is of time only where others follow it.
            if uri.contains("{YYYY}") || data.spans > 1 {
                return Ok(data);
            }
        }
        let (folder, extension) = below.rsplit_once('/').unwrap_or(("", &below));
        let extension = extension.rsplit_once('.').map_or("", |(_, extension)| extension);
        let all = format!("{folder}/*.{extension}");
        let all = all.trim_start_matches('/');
        let several = SpanPattern::parse(all).is_ok_and(|pattern| span_files(&data_root, &pattern).len() > 1);
        Ok(Self::of(&data_root, if several { all } else { &below })?)
    }

    fn of(data_root: &Path, uri: &str) -> Result<Self, PatternError> {
        let pattern = SpanPattern::parse(uri)?;
        let mut files = span_files(data_root, &pattern);
        files.sort();
        let spans: BTreeSet<i64> = files.iter().map(|file| file.span).collect();
        Ok(Self {
            uri: uri.to_owned(),
            spans: spans.len(),
            newest: files.last().map(|SpanFile { path, .. }| data_root.join(path)),
        })
    }

    /// The name that its folder, or else its file, suggests for a pipeline.
    pub(crate) fn name(&self) -> String {
        let letters = |text: &str| text.split(['{', '*']).next().unwrap_or_default().to_owned();
        let parts: Vec<&str> = self.uri.split('/').collect();
        let (file, folders) = parts.split_last().unwrap_or((&"", &[]));
        let folder = folders.iter().rev().find(|folder| !folder.contains(['{', '*']));
        name(folder.map_or_else(
            || letters(file.split('.').next().unwrap_or_default()),
            |folder| (*folder).to_owned(),
        ))
    }
}

/// A text as the name of a pipeline: a-z, 0-9, - and _, with a letter first.
fn name(text: String) -> String {
    let legal = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' => c,
        _ => '-',
    };
    let name: String = text.chars().map(legal).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name: String = name.chars().take(63).collect();
    name.trim_end_matches(['-', '_']).to_owned()
}

/// The last file by name that example-gen could read.
fn newest(folder: &Path) -> Option<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let extension = path
                .extension()
                .map(|extension| extension.to_string_lossy().to_lowercase());
            if hidden || files.len() == MOST_FILES {
                continue;
            } else if path.is_dir() && depth < DEEPEST {
                folders.push((path, depth + 1));
            } else if extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) {
                files.push(path);
            }
        }
    }
    files.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a folder with these files.
    fn found(files: &[&str], asked: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join("data").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "a,b\n1,2\n").unwrap();
        }
        let told = match Data::find(&root.path().join("data"), asked) {
            Err(error) => error.to_string(),
            Ok(data) => {
                let newest = data.newest.as_ref().map(|path| path.display().to_string());
                let newest = newest.unwrap_or_else(|| "none".to_owned());
                format!("{} ({}), {} spans, newest {newest}", data.uri, data.name(), data.spans)
            }
        };
        let real = std::fs::canonicalize(root.path()).unwrap();
        told.replace(&real.display().to_string(), "ROOT")
            .replace(&root.path().display().to_string(), "ROOT")
    }

    #[test]
    fn a_folder_tells_the_pattern_of_its_files() {
        let months = [
            "Churn Data/2024-01.csv",
            "Churn Data/2024-02.csv",
            "Churn Data/notes.md",
        ];
        let shown = [
            found(&months, "Churn Data"),
            found(&months, "Churn Data/2024-01.csv"),
            found(&months, "Churn Data/{YYYY}-{MM}.csv"),
            found(&months[..1], "Churn Data"),
            found(&["parts/a-1.csv", "parts/a-2.csv", "parts/a-10.csv"], "parts"),
            found(&["parts/v2.csv"], "parts"),
            found(&["parts/north.csv", "parts/south.csv"], "parts"),
            found(&["years/2024/01.csv", "years/2024/02.csv"], "years"),
            found(&["churn.csv"], "churn.csv"),
            found(&["sales_2024-01.csv"], "sales_{YYYY}-{MM}.csv"),
            found(&["notes.md"], "nothing"),
            found(&["folder/notes.md"], "folder"),
            found(&["a.csv"], "/etc/hostname"),
            found(&["a.csv"], "{YYYY}.csv"),
        ];
        insta::assert_snapshot!(shown.join("\n"), @"
        Churn Data/{YYYY}-{MM}.csv (churn-data), 2 spans, newest ROOT/data/Churn Data/2024-02.csv
        Churn Data/{YYYY}-{MM}.csv (churn-data), 2 spans, newest ROOT/data/Churn Data/2024-02.csv
        Churn Data/{YYYY}-{MM}.csv (churn-data), 2 spans, newest ROOT/data/Churn Data/2024-02.csv
        Churn Data/{YYYY}-{MM}.csv (churn-data), 1 spans, newest ROOT/data/Churn Data/2024-01.csv
        parts/a-{SPAN}.csv (parts), 3 spans, newest ROOT/data/parts/a-10.csv
        parts/v2.csv (parts), 1 spans, newest ROOT/data/parts/v2.csv
        parts/*.csv (parts), 1 spans, newest ROOT/data/parts/south.csv
        years/{YYYY}/{MM}.csv (years), 2 spans, newest ROOT/data/years/2024/02.csv
        churn.csv (churn), 1 spans, newest ROOT/data/churn.csv
        sales_{YYYY}-{MM}.csv (sales), 1 spans, newest ROOT/data/sales_2024-01.csv
        there is nothing at nothing, nor at ROOT/data/nothing: name a file, its folder, or a pattern
        ROOT/data/folder holds no .csv, .tsv, .txt or .parquet file: name the folder that does
        /etc/hostname is not below data_root, ROOT/data: move it there, or set data_root in trainyard.toml
        '{YYYY}.csv' names spans by date but not fully: it needs {YYYY} and {MM}, and {DD} for days
        ");
    }
}
