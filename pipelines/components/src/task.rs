//! The component contract: what a step is told (`task.json`) and what it tells (`executor_output.json`).

use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// One step's work order.
#[derive(Clone, Debug, Deserialize)]
pub struct Task {
    /// Pipeline parameters and the step's `with`, merged.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// Input artifacts by name.
    #[serde(default)]
    pub inputs: BTreeMap<String, InputArtifact>,
    /// Where to make the output artifacts, by name.
    #[serde(default)]
    pub outputs: BTreeMap<String, OutputArtifact>,
    /// Where [`ExecutorOutput`] goes.
    pub executor_output: PathBuf,
}

/// An artifact to read.
#[derive(Clone, Debug, Deserialize)]
pub struct InputArtifact {
    /// A read-only file or folder.
    pub path: PathBuf,
    /// `null` for an optional input that does not exist.
    #[serde(default)]
    pub digest: Option<String>,
    /// What its producer said about it, for example `span`.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// An artifact to make.
#[derive(Clone, Debug, Deserialize)]
pub struct OutputArtifact {
    /// A path in an existing folder; nothing is there yet.
    pub path: PathBuf,
}

impl Task {
    /// Reads a `task.json`.
    ///
    /// # Errors
    /// When the file cannot be read or is no task.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read the task file {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a task file", path.display()))
    }

    /// The input of that name.
    ///
    /// # Errors
    /// When the task has no such input.
    pub fn input(&self, name: &str) -> Result<&InputArtifact> {
        self.inputs
            .get(name)
            .ok_or_else(|| anyhow!("the task has no input '{name}': add it to the step's inputs"))
    }

    /// The input of that name, unless it is absent or an optional one that does not exist yet.
    pub fn optional_input(&self, name: &str) -> Option<&InputArtifact> {
        let filled = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        self.inputs
            .get(name)
            .filter(|input| input.digest.is_some() || input.path.is_file() || filled(&input.path))
    }

    /// The path of the output of that name.
    ///
    /// # Errors
    /// When the task has no such output.
    pub fn output(&self, name: &str) -> Result<&Path> {
        self.outputs
            .get(name)
            .map(|output| output.path.as_path())
            .ok_or_else(|| anyhow!("the task has no output '{name}': add it to the step's outputs"))
    }

    /// The parameters a component knows; others belong to other steps of the pipeline.
    ///
    /// # Errors
    /// When one has the wrong type or a required one is missing.
    pub fn parameters<P: DeserializeOwned>(&self) -> Result<P> {
        serde_path_to_error::deserialize(Value::Object(self.parameters.clone())).map_err(|error| {
            // A question mark stands for the key of a map that is wrong itself.
            let place = match error.path().to_string().trim_end_matches(".?") {
                "." => "the step's parameters ('with') are wrong".to_owned(),
                path => format!("the step's parameter '{path}' is wrong"),
            };
            anyhow!(error.into_inner()).context(place)
        })
    }

    /// Writes what the step has to say about its outputs.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn report(&self, output: &ExecutorOutput) -> Result<()> {
        write_json(&self.executor_output, output)
    }
}

/// The metrics of a step and the properties of its output artifacts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExecutorOutput {
    /// Metric name to finite value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// By output name.
    pub artifacts: BTreeMap<String, ArtifactProperties>,
}

/// The properties of one output artifact.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ArtifactProperties {
    /// Numbers, strings, booleans or JSON.
    pub properties: Map<String, Value>,
}

impl ExecutorOutput {
    /// Properties of one output and nothing else.
    pub fn of(output: &str, properties: Map<String, Value>) -> Self {
        Self {
            metrics: BTreeMap::new(),
            artifacts: BTreeMap::from([(output.to_owned(), ArtifactProperties { properties })]),
        }
    }
}

/// Which data an artifact comes from: handed on from Examples to everything measured on them.
pub const DATA_PROPERTIES: [&str; 4] = ["span", "span_name", "version", "split_names"];

/// The [`DATA_PROPERTIES`] of an input.
pub fn data_properties(input: &InputArtifact) -> Map<String, Value> {
    let known = DATA_PROPERTIES
        .iter()
        .filter_map(|key| input.properties.get_key_value(*key));
    known.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Reads a JSON file.
///
/// # Errors
/// When the file cannot be read or is no `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))
}

/// Writes a JSON file, indented, and the folder it is in.
///
/// # Errors
/// When the path cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write_lines(path, |file| serde_json::to_writer_pretty(file, value))
}

/// As [`write_json`], all on one line: for files that are large and read by programs.
///
/// # Errors
/// When the path cannot be written.
pub fn write_json_line<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write_lines(path, |file| serde_json::to_writer(file, value))
}

fn write_lines(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> serde_json::Result<()>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let explain = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(explain)?);
    write(&mut file).with_context(explain)?;
    file.write_all(b"\n").with_context(explain)?;
    file.flush().with_context(explain)
}

/// The one sentence of an error, causes joined by colons, on one line: the fault comes first, and what is too long for
/// a sentence is data.
pub fn sentence(error: &anyhow::Error) -> String {
    let words = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LONGEST) {
        None => words,
        Some((end, _)) => format!("{}… ({} characters more)", &words[..end], words[end..].chars().count()),
    }
}

/// Characters of a sentence at most.
const LONGEST: usize = 2000;

/// Fails when a name cannot be a split: it becomes a folder name.
///
/// # Errors
/// When the name is empty or has other characters than letters, digits, `-` and `_`.
pub fn check_split_name(name: &str) -> Result<()> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if name.is_empty() || !name.chars().all(legal) {
        bail!("'{name}' is no name for a split: use letters, digits, '-' and '_'");
    }
    Ok(())
}
