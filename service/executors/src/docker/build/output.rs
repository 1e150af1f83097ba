//! What a build says, and what of it a failure is told with.

use super::send::as_written;
use super::trace::{Told, Vertex};
use crate::contract::BuildError;
use crate::dockerfile::Dockerfile;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use trainyard_core::log;
use trainyard_core::machine::says_full;

/// Lines of output that a failed build is reported with.
const LAST_LINES: usize = 20;
/// Bytes of a build's output that a failure is looked for in.
const KEPT: usize = 256 * 1024;
/// What BuildKit sends its trace under.
const TRACE: &str = "moby.buildkit.trace";
/// What a program that used too much memory ends with.
const KILLED: [&str; 2] = ["returned a non-zero code: 137", "exit code: 137"];

/// One line of an engine's answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    id: Option<String>,
    stream: Option<String>,
    status: Option<String>,
    aux: Value,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    error_detail: Option<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    message: Option<String>,
}

/// What the build said so far.
#[derive(Default)]
pub(super) struct Output {
    step: Option<String>,
    said: Said,
    /// The classic builder's container at work.
    container: Option<String>,
    /// Whether the classic builder's instruction at work makes a layer that was not there already.
    making: bool,
    /// Whether any such instruction came to its end.
    made: bool,
    /// Of BuildKit's vertices that began: what they said, since several are built at once.
    vertices: HashMap<String, Said>,
    /// Those of them that make a layer that was not there already.
    new: HashSet<String>,
    failed: Option<String>,
}

impl Output {
    /// Takes a message: what goes into the log, and why the build failed, if this says so.
    pub(super) fn take(&mut self, message: Message) -> (String, Option<String>) {
        let text = match (message.id.as_deref(), &message.aux) {
            (Some(TRACE), Value::String(trace)) => self.take_trace(super::trace::read(trace)),
            _ => {
                let text = message.stream.or(message.status).unwrap_or_default();
                self.take_text(&text);
                text
            }
        };
        let problem = message.error_detail.and_then(|detail| detail.message).or(message.error);
        (text, problem.map(|problem| as_written(plain(&problem))))
    }

    fn take_text(&mut self, text: &str) {
        if let Some((_, instruction)) = text.trim_end().split_once(" : ").filter(|_| text.starts_with("Step ")) {
            self.step = Some(instruction.to_owned());
            self.made |= self.making;
            self.making = makes_a_layer(instruction);
        }
        if let Some(container) = text.strip_prefix(" ---> Running in ") {
            self.container = Some(container.trim().to_owned());
        }
        if text.starts_with(" ---> Using cache") {
            self.making = false;
        }
        // Which container it is in says nothing to a person.
        if !text.starts_with(" ---> ") && !text.starts_with("Removing intermediate container ") {
            self.said.push(text);
        }
    }

    fn take_trace(&mut self, told: Vec<Told>) -> String {
        let mut text = String::new();
        for told in told {
            match told {
                Told::Vertex(vertex) => text += &self.take_vertex(vertex),
                Told::Log { vertex, text: said } => {
                    self.vertices.entry(vertex).or_default().push(&said);
                    text += &said;
                }
            }
        }
        text
    }

    fn take_vertex(&mut self, vertex: Vertex) -> String {
        let vertex = Vertex {
            name: as_written(&vertex.name),
            ..vertex
        };
        let mut text = String::new();
        // How it gets to its own files says nothing to a person.
        let shown = vertex.name.starts_with('[') && !vertex.name.starts_with("[internal]");
        if vertex.started && shown && !self.vertices.contains_key(&vertex.digest) {
            let cached = if vertex.cached { " (cached)" } else { "" };
            text = format!("{}{cached}\n", vertex.name);
            self.vertices.insert(vertex.digest.clone(), Said::default());
        }
        if shown && vertex.started && !vertex.cached && instruction(&vertex.name).is_some_and(makes_a_layer) {
            self.new.insert(vertex.digest.clone());
        } else if vertex.cached {
            self.new.remove(&vertex.digest);
        }
        // The others are cancelled then.
        if !vertex.error.is_empty() && self.failed.is_none() {
            if shown {
                self.step = instruction(&vertex.name).map(str::to_owned);
            }
            self.failed = Some(vertex.digest);
        }
        text
    }

    /// The container in which the classic builder ran its newest instruction.
    pub(super) fn container(&self) -> Option<&str> {
        self.container.as_deref()
    }

    /// Whether the disk was full, by the engine's word or the last words of what ran; memory that looks like a disk has
    /// its own size.
    pub(super) fn met_full_disk(&self, problem: &str) -> bool {
        let of_vertex = self.failed.as_ref().and_then(|vertex| self.vertices.get(vertex));
        let said = of_vertex.unwrap_or(&self.said);
        let last = log::last_lines(&said.0, LAST_LINES);
        let full = |line: &str| says_full(line) && !line.contains("/dev/shm");
        full(problem) || last.iter().any(|line| full(line))
    }

    /// Whether everything was there already.
    pub(super) fn all_cached(&self) -> bool {
        !self.made && !self.making && self.new.is_empty()
    }

    /// `memory` is the limit the build had, for its sentence.
    pub(super) fn failure(mut self, dockerfile: &Path, problem: &str, memory: Option<u64>) -> BuildError {
        // It was read before, and is small.
        let text = std::fs::read_to_string(dockerfile).unwrap_or_default();
        let line = self
            .step
            .as_deref()
            .and_then(|step| Dockerfile::read(&text).line_of(step));
        let at = self.step.map(|step| format!(" at `{step}`")).unwrap_or_default();
        let problem = problem.trim();
        let killed = memory.filter(|_| KILLED.iter().any(|code| problem.ends_with(code)));
        let hint = killed.map(|bytes| {
            format!(
                ", as a program does that uses more than the {} MiB of memory that builds have: raise executor.build_memory",
                bytes >> 20
            )
        });
        let of_vertex = self.failed.and_then(|vertex| self.vertices.remove(&vertex));
        let Said(said) = of_vertex.filter(|said| !said.0.is_empty()).unwrap_or(self.said);
        // What the tool said, before what Docker says of every tool.
        let why = match log::error(&said).filter(|error| error.as_str() != problem) {
            Some(error) => format!("{error} ({problem})"),
            None => problem.to_owned(),
        };
        BuildError::Failed {
            message: format!(
                "the build of {} failed{at}: {why}{}",
                dockerfile.display(),
                hint.unwrap_or_default()
            ),
            last_lines: log::last_lines(&said, LAST_LINES),
            line: line.and_then(|line| u32::try_from(line).ok()),
        }
    }
}

/// The end of an output.
#[derive(Default)]
struct Said(String);

impl Said {
    fn push(&mut self, text: &str) {
        self.0.push_str(text);
        if self.0.len() > 2 * KEPT {
            let cut = self.0.len() - KEPT;
            let end = self.0.as_bytes()[cut..].iter().position(|byte| *byte == b'\n');
            self.0 = end.map_or_else(String::new, |end| self.0.split_off(cut + end + 1));
        }
    }
}

/// Whether an image between two steps of the build is not there any more, as after a prune: the engine names it by its
/// id, and images that a Dockerfile asks for by their names.
pub(super) fn lost_a_layer(problem: &str) -> bool {
    let problem = problem.trim().to_ascii_lowercase();
    problem.contains("layer does not exist")
        || ["no such image: sha256:", "unable to find image 'sha256:"]
            .iter()
            .any(|words| problem.contains(words))
}

/// The container that the classic builder is about to start, as it says itself.
pub(super) fn container(text: &str) -> Option<&str> {
    let id = text.strip_prefix(" ---> Running in ")?.trim_end();
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// The instruction in a vertex's name, such as `[stage-0 2/4] RUN make`.
fn instruction(name: &str) -> Option<&str> {
    name.split_once("] ").map(|(_, instruction)| instruction)
}

fn makes_a_layer(instruction: &str) -> bool {
    let word = instruction.split_whitespace().next().unwrap_or_default();
    !word.eq_ignore_ascii_case("FROM") && !word.eq_ignore_ascii_case("ARG")
}

/// Without the names of the parts of BuildKit that an error came through.
fn plain(problem: &str) -> &str {
    const PARTS: [&str; 2] = ["failed to solve", "failed to create LLB definition"];
    let mut rest = problem;
    while let Some((part, inner)) = rest.split_once(": ")
        && PARTS.iter().any(|known| part.starts_with(known))
    {
        rest = inner;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_without_its_way() {
        let long = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error line 2: Unknown flag: link";
        assert_eq!(plain(long), "dockerfile parse error line 2: Unknown flag: link");
        assert_eq!(plain("COPY failed: no"), "COPY failed: no");
    }

    #[test]
    fn an_image_between_two_steps_that_is_gone_is_told_from_one_that_never_was() {
        for (problem, lost) in [
            ("No such image: sha256:8a67d36a41de", true),
            (
                "failed to export image: failed to create image: failed to get layer sha256:1f: layer does not exist",
                true,
            ),
            ("No such image: acme/base:latest", false),
            (
                "pull access denied for acme/base, repository does not exist or may require 'docker login'",
                false,
            ),
            ("manifest for acme/base@sha256:1f not found: manifest unknown", false),
            ("The command '/bin/sh -c make' returned a non-zero code: 2", false),
        ] {
            assert_eq!(lost_a_layer(problem), lost, "{problem}");
        }
    }
}
