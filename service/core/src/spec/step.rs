//! One step made ready to run, with everything that is wrong with it.

use super::components::{STANDARD, Standard, execution_type, standard};
use super::files::{self, FILE_PREFIX};
use super::inputs::{Unresolved, is_type, own_outputs, resolve};
use super::lint;
use super::source_map::Problems;
use super::{Pipeline, Retry, Step};
use crate::artifact::{FILE, only_file};
use crate::gpu::{self, Gpus};
use crate::ids::StepName;
use crate::placeholder::{Piece, Placeholder, split};
use crate::plan::{
    Build, ImageSource, InputSource, Memo, PlannedSecret, PlannedStep, RetryPolicy, SourceWindow, Window,
};
use crate::quantity;
use crate::secret;
use crate::span::{SpanPattern, check_path};
use crate::suggest;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One attempt of a step without a `timeout` takes at most this long.
const DEFAULT_TIMEOUT_SECONDS: u64 = 3600;

/// Docker refuses to give a container less memory.
const LEAST_MEMORY_BYTES: u64 = 6 * 1024 * 1024;

/// TFX's names, for suggestions; other CamelCase names are fine.
const ARTIFACT_TYPES: [&str; 8] = [
    "Examples",
    "ExampleStatistics",
    "Schema",
    "ExampleAnomalies",
    "TransformGraph",
    "Model",
    "InferenceResult",
    "ModelEvaluation",
];

/// The names of the inputs that may be missing.
fn optional(standard: &Standard) -> Vec<String> {
    let inputs = standard.inputs.iter().filter(|input| input.may_be_skipped);
    inputs.map(|input| input.name.to_owned()).collect()
}

/// Plans one step; problems go where the file's go.
pub(super) struct StepCompiler<'a, 'b, 'c> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) name: &'a str,
    pub(super) step: &'a Step,
    pub(super) problems: &'b mut Problems<'c>,
}

impl StepCompiler<'_, '_, '_> {
    fn problem(&mut self, key: &[&str], message: impl Into<String>) {
        let path = [&["steps", self.name], key].concat();
        self.problems.add(&path, message);
    }

    fn is_read(&self, key: &str) -> bool {
        self.problems.is_read(&["steps", self.name, key])
    }

    fn problem_with_hint(&mut self, key: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        let path = [&["steps", self.name], key].concat();
        self.problems.add_with_hint(&path, message, hint);
    }

    pub(super) fn compile(
        &mut self,
        pipeline_parameters: &Map<String, Value>,
        images: &mut IndexMap<String, Build>,
    ) -> PlannedStep {
        let step = self.step;
        lint::name(&["steps", self.name], "step", self.name, self.problems);
        if self.name == "baseline" {
            self.problem(
                &[],
                "a step cannot be called 'baseline': inputs use that word for the model compared with",
            );
        }
        if matches!(self.name, "gate" | "push") {
            let message = format!("a step cannot be called '{}': every pipeline has its own", self.name);
            self.problem(&[], message);
        }
        let standard = self.standard();
        let image = self.image(standard, images);
        let outputs = self.outputs(standard);
        let mut parameters = pipeline_parameters.clone();
        parameters.extend(step.with.clone());
        let source = self.source(standard);
        if let Some(standard) = standard {
            self.known_parameters(standard);
            // What a component cannot read must not spoil its cache.
            parameters.retain(|name, _| standard.parameters.contains(&name.as_str()));
        }
        let inputs = self.inputs(standard);
        let command = match standard {
            Some(standard) => vec!["/trainyard-components".to_owned(), standard.name.to_owned()],
            None => {
                self.command(&parameters, &outputs);
                step.command.clone()
            }
        };
        let component = match standard {
            Some(standard) => standard.component.to_owned(),
            None => execution_type(self.name, outputs.values().map(String::as_str)),
        };
        let (cpus, memory_bytes, shm_bytes) = self.resources();
        let gpus = self.gpus();
        PlannedStep {
            component,
            image,
            command,
            parameters,
            inputs,
            optional: standard.map_or_else(Vec::new, optional),
            memo: standard.and_then(|s| s.memo).map(|(output, input)| Memo {
                output: output.to_owned(),
                input: input.to_owned(),
            }),
            after: self.after(),
            outputs,
            source,
            environment: self.environment(),
            secrets: self.secrets(),
            cpus,
            memory_bytes,
            shm_bytes,
            gpus,
            timeout_seconds: self.timeout(),
            retry: self.retry(),
            network: step.network,
            cache: step.cache,
        }
    }

    fn standard(&mut self) -> Option<&'static Standard> {
        let uses = self.step.uses.as_deref()?;
        let found = standard(uses);
        if found.is_none() {
            let hint = suggest::hint(uses, STANDARD.iter().map(|s| s.name));
            self.problem_with_hint(&["uses"], format!("there is no standard component '{uses}'"), hint);
        }
        found
    }

    fn image(&mut self, standard: Option<&Standard>, images: &mut IndexMap<String, Build>) -> ImageSource {
        let step = self.step;
        let given = [
            ("uses", step.uses.is_some()),
            ("build", step.build.is_some()),
            ("image", step.image.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
        match given.as_slice() {
            [] => self.problem(
                &[],
                format!(
                    "step '{}' has nothing to run: give it one of uses, build or image",
                    self.name
                ),
            ),
            [_] => {}
            [_, second, ..] => {
                self.problem(
                    &[second],
                    format!(
                        "step '{}' has {}: give it only one of them",
                        self.name,
                        given.join(" and ")
                    ),
                );
            }
        }
        if standard.is_some() && !step.command.is_empty() {
            self.problem(
                &["command"],
                "a standard component has its own command: leave this one out",
            );
        }
        if let Some(image) = &step.image {
            if image.is_empty() || image.starts_with('-') || image.contains(char::is_whitespace) {
                self.problem(
                    &["image"],
                    format!("'{image}' is not an image reference: write it like python:3.11 or name@sha256:…"),
                );
            }
            return ImageSource::Reference(image.clone());
        }
        let Some(build) = &step.build else {
            return ImageSource::Components;
        };
        for (key, path) in [("dockerfile", &build.dockerfile), ("context", &build.context)] {
            if let Err(why) = check_path(path) {
                self.problem(&["build", key], why.to_string());
            }
        }
        let same = images
            .iter()
            .find(|(_, known)| *known == build)
            .map(|(name, _)| name.clone());
        let name = same.unwrap_or_else(|| {
            images.insert(self.name.to_owned(), build.clone());
            self.name.to_owned()
        });
        ImageSource::Build(name)
    }

    fn outputs(&mut self, standard: Option<&Standard>) -> IndexMap<String, String> {
        if let Some(standard) = standard {
            if !self.step.outputs.is_empty() {
                self.problem(
                    &["outputs"],
                    "a standard component has its own outputs: leave these out",
                );
            }
            return own_outputs(standard);
        }
        for (output, type_name) in &self.step.outputs {
            lint::name(
                &["steps", self.name, "outputs", output],
                "output",
                output,
                self.problems,
            );
            if !is_type(type_name) {
                let hint = suggest::hint(type_name, ARTIFACT_TYPES);
                self.problem_with_hint(
                    &["outputs", output],
                    format!("'{type_name}' is not an artifact type, which is written in CamelCase"),
                    hint,
                );
            }
        }
        self.step.outputs.clone()
    }

    fn known_parameters(&mut self, standard: &Standard) {
        let own = if standard.reads_source {
            &["source", "window"][..]
        } else {
            &[]
        };
        for name in self.step.with.keys() {
            let known = || standard.parameters.iter().chain(own).copied();
            if !known().any(|k| k == name) {
                let message = format!("{} has no parameter '{name}'", standard.name);
                self.problem_with_hint(&["with", name], message, suggest::hint(name, known()));
            }
        }
    }

    fn source(&mut self, standard: Option<&Standard>) -> Option<SourceWindow> {
        standard.filter(|s| s.reads_source)?;
        let hint = "name one of the data section: with: { source: NAME }";
        let source = match self.step.with.get("source") {
            Some(Value::String(source)) => source,
            Some(_) => {
                self.problem_with_hint(&["with", "source"], "source is not a name", hint);
                return None;
            }
            None if !self.is_read("with") => return None,
            None => {
                self.problem_with_hint(
                    &[],
                    format!("step '{}' reads external data but names no source", self.name),
                    hint,
                );
                return None;
            }
        };
        if !lint::known_source(
            &["steps", self.name, "with", "source"],
            source,
            self.pipeline,
            self.problems,
        ) {
            return None;
        }
        let data = self.pipeline.data.get(source)?;
        let window = match self.step.with.get("window") {
            Some(value) => match serde_json::from_value::<Window>(value.clone()) {
                Ok(window) => {
                    if let Ok(pattern) = SpanPattern::parse(&data.uri)
                        && self.problems.is_read(&["data", source, "uri"])
                    {
                        lint::window(
                            &["steps", self.name, "with", "window"],
                            Some(&window),
                            &pattern,
                            self.problems,
                        );
                    }
                    Some(window)
                }
                Err(error) => {
                    self.problem(&["with", "window"], format!("the window cannot be read: {error}"));
                    None
                }
            },
            None => data.window.clone(),
        };
        Some(SourceWindow {
            source: source.clone(),
            uri: data.uri.clone(),
            window,
        })
    }

    fn inputs(&mut self, standard: Option<&Standard>) -> IndexMap<String, InputSource> {
        let mut inputs = IndexMap::new();
        for (input, reference) in &self.step.inputs {
            lint::name(&["steps", self.name, "inputs", input], "input", input, self.problems);
            let found = match reference.strip_prefix(FILE_PREFIX) {
                Some(path) => self.file(standard, input, path),
                None => self.input(input, reference),
            };
            let Some((source, type_name)) = found else {
                continue;
            };
            if let Some(standard) = standard {
                self.standard_input(standard, input, reference, &type_name);
            }
            inputs.insert(input.clone(), source);
        }
        for wanted in standard.map(|s| s.inputs).unwrap_or_default() {
            if !wanted.optional && !self.step.inputs.contains_key(wanted.name) && self.is_read("inputs") {
                let message = format!("step '{}' lacks the input '{}'", self.name, wanted.name);
                self.problem_with_hint(&[], message, format!("it takes a step that makes {}", wanted.type_name));
            }
        }
        inputs
    }

    fn after(&mut self) -> Vec<StepName> {
        let step = self.step;
        for (index, name) in step.after.iter().enumerate() {
            if !self.pipeline.steps.contains_key(name) {
                let hint = suggest::hint(name, self.pipeline.steps.keys().map(String::as_str));
                self.problem_with_hint(
                    &["after", &index.to_string()],
                    format!("there is no step '{name}'"),
                    hint,
                );
            }
        }
        step.after.iter().map(|name| StepName::new(name.as_str())).collect()
    }

    fn standard_input(&mut self, standard: &Standard, input: &str, reference: &str, type_name: &str) {
        match standard.inputs.iter().find(|known| known.name == input) {
            None => {
                let hint = suggest::hint(input, standard.inputs.iter().map(|i| i.name));
                self.problem_with_hint(
                    &["inputs", input],
                    format!("{} has no input '{input}'", standard.name),
                    hint,
                );
            }
            Some(known) if known.type_name != type_name => {
                let message = format!(
                    "the input '{input}' of {} takes {}, but {reference} is {type_name}",
                    standard.name, known.type_name
                );
                self.problem(&["inputs", input], message);
            }
            Some(_) => {}
        }
    }

    /// A file of the repository as an input, of the type that the input takes.
    fn file(&mut self, standard: Option<&Standard>, input: &str, path: &str) -> Option<(InputSource, String)> {
        if let Err(why) = files::check(path) {
            self.problem(&["inputs", input], why.to_string());
            return None;
        }
        let known = standard.and_then(|s| s.inputs.iter().find(|known| known.name == input));
        if let (Some(standard), Some(known)) = (standard, known)
            && only_file(known.type_name).is_none()
        {
            let message = format!(
                "the input '{input}' of {} takes {}, which is not one file",
                standard.name, known.type_name
            );
            self.problem_with_hint(&["inputs", input], message, "name a step that makes it");
            return None;
        }
        let type_name = known.map_or(FILE, |known| known.type_name).to_owned();
        let path = path.to_owned();
        Some((
            InputSource::File {
                path,
                type_name: type_name.clone(),
            },
            type_name,
        ))
    }

    /// Where an input comes from, and its type.
    fn input(&mut self, input: &str, reference: &str) -> Option<(InputSource, String)> {
        let key = ["inputs", input];
        if reference == "baseline.model" {
            return Some((InputSource::Baseline, "Model".to_owned()));
        }
        if reference == "baseline" || reference.starts_with("baseline.") {
            self.problem(
                &key,
                format!("'{reference}' is not an input: the only one of the baseline is baseline.model"),
            );
            return None;
        }
        match resolve(self.pipeline, reference) {
            Ok((step, output, type_name)) => Some((InputSource::Output { step, output }, type_name)),
            Err(Unresolved::Wrong(message, hint)) => {
                self.problem_with_hint(&key, message, hint);
                None
            }
            Err(Unresolved::Unclear) => None,
        }
    }

    fn command(&mut self, parameters: &Map<String, Value>, outputs: &IndexMap<String, String>) {
        let step = self.step;
        if step.command.is_empty() && step.uses.is_none() && self.is_read("command") {
            self.problem_with_hint(
                &[],
                format!("step '{}' has no command", self.name),
                "write the program and its arguments as a list: command: [python, train.py]",
            );
        }
        for (index, argument) in step.command.iter().enumerate() {
            let key = ["command", &index.to_string()];
            let pieces = match split(argument) {
                Ok(pieces) => pieces,
                Err(why) => {
                    self.problem(&key, why.to_string());
                    continue;
                }
            };
            for piece in pieces {
                let Piece::Placeholder(placeholder) = piece else {
                    continue;
                };
                let (what, name, known): (&str, &str, Vec<&str>) = match &placeholder {
                    Placeholder::Task => continue,
                    Placeholder::Input(name) => ("input", name, step.inputs.keys().map(String::as_str).collect()),
                    Placeholder::Output(name) => ("output", name, outputs.keys().map(String::as_str).collect()),
                    Placeholder::Parameter(name) => {
                        ("parameter", name, parameters.keys().map(String::as_str).collect())
                    }
                };
                let read = match what {
                    "input" => self.is_read("inputs"),
                    "output" => self.is_read("outputs"),
                    _ => self.is_read("with") && self.problems.is_read(&["parameters"]),
                };
                if !known.contains(&name) && read {
                    let message = format!(
                        "the command names the {what} '{name}', which step '{}' does not have",
                        self.name
                    );
                    self.problem_with_hint(&key, message, suggest::hint(name, known));
                }
            }
        }
    }

    fn environment(&mut self) -> IndexMap<String, String> {
        for name in self.step.environment.keys() {
            let fine = !name.is_empty() && !name.contains(['=', '\0']);
            if !fine || name == "TRAINYARD_TASK" {
                self.problem(
                    &["environment", name],
                    format!("'{name}' cannot be set as an environment variable"),
                );
            }
        }
        self.step.environment.clone()
    }

    /// Whether the service has such secrets is not known here: see [`super::unknown_secrets`].
    fn secrets(&mut self) -> BTreeMap<String, PlannedSecret> {
        let step = self.step;
        let mut secrets = BTreeMap::new();
        let files = step.secrets.iter().map(|entry| ("secrets", entry));
        let variables = step
            .secret_environment
            .iter()
            .map(|entry| ("secret_environment", entry));
        for (key, (place, name)) in files.chain(variables) {
            let at = [key, place.as_str()];
            if !secret::is_place(place) || place == "TRAINYARD_TASK" {
                let message = format!("a secret cannot be found under '{place}': write a name like DB_PASSWORD");
                self.problem(&at, message);
            }
            if !secret::is_name(name) {
                let message = "the name of a secret has letters, digits, '-', '_' and '.'";
                self.problem_with_hint(&at, message, "the value itself never stands in this file");
            }
            let path = secret::path_variable(place);
            let variable = (key == "secret_environment").then_some(place);
            for taken in variable.into_iter().chain([&path]) {
                if step.environment.contains_key(taken) {
                    self.problem(
                        &at,
                        format!("the variable {taken} is under environment as well: keep one of them"),
                    );
                }
            }
            let planned = PlannedSecret {
                name: name.clone(),
                environment: key == "secret_environment",
                unreviewed: false,
            };
            if secrets.insert(place.clone(), planned).is_some() {
                self.problem(
                    &at,
                    format!("'{place}' is under secrets as well: a secret of secret_environment is a file, too"),
                );
            }
        }
        secrets
    }

    fn resources(&mut self) -> (Option<f64>, Option<u64>, Option<u64>) {
        let Some(resources) = &self.step.resources else {
            return (None, None, None);
        };
        if let Some(cpus) = resources.cpus
            && !(cpus.is_finite() && (0.01..=1024.0).contains(&cpus))
        {
            self.problem(
                &["resources", "cpus"],
                format!("{cpus} is not a number of CPUs: write it like 0.5 or 2"),
            );
        }
        let memory = resources.memory.as_ref().and_then(|text| match quantity::bytes(text) {
            Ok(bytes) if bytes < LEAST_MEMORY_BYTES => {
                self.problem(
                    &["resources", "memory"],
                    format!("{text} of memory is less than the 6Mi that a container needs"),
                );
                None
            }
            Ok(bytes) => Some(bytes),
            Err(why) => {
                self.problem(&["resources", "memory"], why);
                None
            }
        });
        let shared = resources
            .shm_size
            .as_ref()
            .and_then(|text| match quantity::bytes(text) {
                Ok(bytes) if memory.is_some_and(|memory| bytes > memory) => {
                    let message = format!("{text} in /dev/shm is more than the step's memory, of which it is a part");
                    self.problem(&["resources", "shm_size"], message);
                    None
                }
                Ok(bytes) => Some(bytes),
                Err(why) => {
                    self.problem(&["resources", "shm_size"], why);
                    None
                }
            });
        (resources.cpus, memory, shared)
    }

    fn gpus(&mut self) -> Option<Gpus> {
        let resources = self.step.resources.as_ref()?;
        let model = resources.gpu_type.clone();
        if model.as_ref().is_some_and(|model| model.trim().is_empty()) {
            let message = "a gpu_type names a part of the model, for example A100".to_owned();
            self.problem(&["resources", "gpu_type"], message);
        }
        match resources.gpus {
            Some(count @ 1..=gpu::MOST) => Some(Gpus { count, model }),
            Some(count) => {
                let message = format!(
                    "{count} is not a number of GPUs: write 1 to {}, or leave it out",
                    gpu::MOST
                );
                self.problem(&["resources", "gpus"], message);
                None
            }
            None => {
                if model.is_some() {
                    let message = "a gpu_type without gpus asks for none: add gpus: 1".to_owned();
                    self.problem(&["resources", "gpu_type"], message);
                }
                None
            }
        }
    }

    fn timeout(&mut self) -> u64 {
        let Some(text) = &self.step.timeout else {
            return DEFAULT_TIMEOUT_SECONDS;
        };
        match quantity::seconds(text) {
            Ok(0) => self.problem(&["timeout"], "a timeout of no time stops the step before it starts"),
            Ok(seconds) => return seconds,
            Err(why) => self.problem(&["timeout"], why),
        }
        DEFAULT_TIMEOUT_SECONDS
    }

    fn retry(&mut self) -> RetryPolicy {
        let Some(Retry {
            max_retry_count,
            backoff_duration,
            backoff_factor,
            backoff_max_duration,
        }) = &self.step.retry
        else {
            return RetryPolicy::NEVER;
        };
        if !(backoff_factor.is_finite() && *backoff_factor >= 1.0) {
            self.problem(
                &["retry", "backoff_factor"],
                format!("{backoff_factor} is not a backoff factor: it must be at least 1"),
            );
        }
        let mut duration = |key: &str, text: &str| match quantity::seconds(text) {
            Ok(seconds) => seconds as f64,
            Err(why) => {
                self.problem(&["retry", key], why);
                0.0
            }
        };
        RetryPolicy {
            max_retry_count: *max_retry_count,
            backoff_seconds: duration("backoff_duration", backoff_duration),
            backoff_factor: *backoff_factor,
            backoff_max_seconds: duration("backoff_max_duration", backoff_max_duration),
        }
    }
}
