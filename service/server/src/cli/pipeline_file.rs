//! One pipeline file of this machine, for commands that read one; what is wrong with it is shown as `lint` does.

use super::lint::{count, pipeline_files};
use anyhow::{Result, anyhow, bail};
use serde_json::Map;
use std::path::Path;
use trainyard_core::log::several_lines;
use trainyard_core::plan::Plan;
use trainyard_core::problem::Problem;
use trainyard_core::spec;

/// The pipeline of a folder, or of a file.
pub(super) fn read(path: &Path) -> Result<Plan> {
    let files = pipeline_files(path)?;
    let [file] = files.as_slice() else {
        bail!("{} holds {} pipelines: name one", path.display(), files.len());
    };
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| anyhow!("{name} cannot be read: {error}"))?;
    let finished = spec::check(&name, &text, &Map::new()).finished();
    finished.map_err(|problems| {
        wrong(
            file,
            &text,
            &problems,
            "and is not read further: correct what is shown above",
        )
    })
}

/// Shows the problems of a file; the error says how many they are, and what follows.
pub(super) fn wrong(file: &Path, text: &str, problems: &[Problem], then: &str) -> anyhow::Error {
    for problem in problems {
        eprintln!("{}", several_lines(&problem.render(text)));
    }
    anyhow!("{} has {}, {then}", file.display(), count(problems.len(), "problem"))
}
