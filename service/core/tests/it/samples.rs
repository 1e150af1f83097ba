//! The folder of samples: pipeline files, and what each version of the stored forms made of them.

use serde_json::Map;
use std::fs;
use std::path::{Path, PathBuf};
use trainyard_core::plan::Plan;
use trainyard_core::spec;
use trainyard_core::stored::{self, Stored};

/// The pipelines: the worked example, one with every key of the file, one with hardly any.
pub const PIPELINES: [&str; 3] = ["flights", "everything", "bare"];

/// A folder for each form that was ever written, oldest first: `v1`, `v2`, ….
pub fn versions() -> Vec<String> {
    let folders = (1..).map(|version| format!("v{version}"));
    folders.take_while(|folder| path(folder).is_dir()).collect()
}

/// The text of a sample.
pub fn text(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A sample as it is read today.
pub fn read<T: Stored>(file: &str) -> T {
    stored::read(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The plan that is made of a pipeline file today.
pub fn compiled(pipeline: &str) -> Plan {
    let file = format!("{pipeline}.yaml");
    spec::load(&file, &text(&file), &Map::new()).unwrap()
}

/// The place of a sample.
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(file)
}
