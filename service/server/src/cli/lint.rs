//! `trainyard lint`.

use super::output;
use crate::config::Config;
use anyhow::{Result, bail};
use serde_json::{Map, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trainyard_core::problem::Problem;
use trainyard_core::registry::Blind;
use trainyard_core::spec::{self, Checked};
use trainyard_engine::missing_locally;

const FILE: &str = "pipeline.yaml";

/// Check pipeline files and show every problem at its place
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard lint                        every pipelines/*/pipeline.yaml\n  \
    trainyard lint pipelines/flights      one pipeline\n  \
    trainyard lint --json pipelines/*     for an editor or a CI job\n\n\
    Push targets, channels and secrets are looked up in the service's settings, where there are any here.\n\
    Exits with 1 if there is a problem.")]
pub(super) struct Lint {
    /// Pipeline files, pipeline folders, or folders that hold them
    #[arg(value_name = "PATH", default_value = "pipelines")]
    paths: Vec<PathBuf>,
    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

impl Lint {
    /// `settings` are those of the service, if there are any here: its push targets.
    pub(super) fn perform(self, settings: Option<(&Path, Config)>) -> Result<ExitCode> {
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(pipeline_files(path)?);
        }
        let (mut problems, mut shown) = (Vec::new(), String::new());
        let mut notes = BTreeSet::new();
        let read: Vec<Read> = files.iter().map(|file| Read::new(file)).collect::<Result<_>>()?;
        let same: Vec<Option<Problem>> = read.iter().map(|file| same_name(&read, file)).collect();
        for (one, same) in read.into_iter().zip(same) {
            let Read {
                file,
                name,
                text,
                checked,
            } = one;
            let push = checked.plan.as_ref().and_then(|plan| plan.push.as_ref());
            notes.extend(push.zip(settings.as_ref()).and_then(|(push, (_, config))| {
                let target = config.targets.get(&push.target)?;
                let blind = Blind::Status.sentence();
                (!target.0.can_be_asked()).then(|| format!("push target '{}': {blind}", push.target))
            }));
            let around = checked.plan.as_ref().map(|plan| {
                let target = settings.as_ref().and_then(|(place, config)| {
                    let targets = config.targets.keys().map(String::as_str);
                    spec::unknown_target(plan, &name, &text, targets, &place.display().to_string())
                });
                let channels = settings.as_ref().map(|(place, config)| {
                    let channels = config.notify.keys().map(String::as_str);
                    spec::unknown_channels(plan, &name, &text, channels, &place.display().to_string())
                });
                let secrets = settings.as_ref().map(|(place, config)| {
                    let secrets = config.secrets.keys().map(String::as_str);
                    spec::unknown_secrets(plan, &name, &text, secrets, &place.display().to_string())
                });
                missing_locally(file, plan, &text)
                    .into_iter()
                    .chain(target)
                    .chain(secrets.into_iter().flatten())
                    .chain(channels.into_iter().flatten())
                    .chain(same)
            });
            let around: Vec<Problem> = around.into_iter().flatten().collect();
            let found = checked.and(around).problems;
            if !found.is_empty() {
                for problem in &found {
                    shown.push_str(&problem.render(&text));
                    shown.push('\n');
                }
                problems.extend(found);
            }
        }
        if self.json {
            output::json(&json!({"files": files, "problems": problems, "notes": notes}))?;
        } else {
            for note in &notes {
                shown.push_str(&format!("note: {}\n", output::plain(note)));
            }
            shown.push_str(&match problems.len() {
                0 => format!("{} without a problem\n", count(files.len(), "pipeline file")),
                found => format!(
                    "{} in {}\n",
                    count(found, "problem"),
                    count(files.len(), "pipeline file")
                ),
            });
            output::text(&shown)?;
        }
        Ok(if problems.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// A pipeline file.
struct Read<'a> {
    file: &'a Path,
    /// As messages show it.
    name: String,
    text: String,
    checked: Checked,
}

impl<'a> Read<'a> {
    fn new(file: &'a Path) -> Result<Self> {
        let name = file.display().to_string();
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => bail!("{name} cannot be read: {error}"),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self {
            checked: spec::check(&name, &text, &Map::new()),
            file,
            name,
            text,
        })
    }
}

/// Whether other files of the same repository have a pipeline of the same name.
fn same_name(read: &[Read<'_>], one: &Read<'_>) -> Option<Problem> {
    let plan = one.checked.plan.as_ref()?;
    let around = |file: &Path| file.parent().and_then(Path::parent).map(Path::to_owned);
    let others = read
        .iter()
        .filter(|other| other.file != one.file && around(other.file) == around(one.file))
        .filter(|other| {
            other
                .checked
                .plan
                .as_ref()
                .is_some_and(|other| other.pipeline == plan.pipeline)
        });
    let others: Vec<&str> = others.map(|other| other.name.as_str()).collect();
    spec::same_name(plan, &one.name, &one.text, &others)
}

/// The file itself, the folder's own, or those of the folders in it.
pub(super) fn pipeline_files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.join(FILE).is_file() {
        return Ok(vec![path.join(FILE)]);
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => bail!(
            "{} cannot be read: {error}; name a pipeline file or its folder",
            path.display()
        ),
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path().join(FILE)))
        .filter(|file| file.is_file())
        .collect();
    if found.is_empty() {
        bail!(
            "{} has no {FILE}, and no folder in it has one: name a pipeline file or its folder",
            path.display()
        );
    }
    found.sort();
    Ok(found)
}

/// `1 problem`, `2 problems`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
