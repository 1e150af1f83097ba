//! What a build says, and what of it a failure is told with.

use super::send::as_written;
use super::trace::{Told, Vertex};
use crate::contract::BuildError;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Lines of output that a failed build is reported with.
const LAST_LINES: usize = 20;
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
    last_lines: Vec<String>,
    /// Of BuildKit's vertices that began: their lines, since several are built at once.
    vertices: HashMap<String, Vec<String>>,
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
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.starts_with("Step ") {
                self.step = line.split_once(" : ").map(|(_, instruction)| instruction.to_owned());
            }
            // Which container it is in says nothing to a person.
            if !line.starts_with(" ---> ") && !line.starts_with("Removing intermediate container ") {
                keep(&mut self.last_lines, line);
            }
        }
    }

    fn take_trace(&mut self, told: Vec<Told>) -> String {
        let mut text = String::new();
        for told in told {
            match told {
                Told::Vertex(vertex) => text += &self.take_vertex(vertex),
                Told::Log { vertex, text: said } => {
                    let lines = self.vertices.entry(vertex).or_default();
                    said.lines().map(str::trim_end).for_each(|line| keep(lines, line));
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
            self.vertices.insert(vertex.digest.clone(), Vec::new());
        }
        // The others are cancelled then.
        if !vertex.error.is_empty() && self.failed.is_none() {
            if shown {
                let instruction = vertex
                    .name
                    .split_once("] ")
                    .map(|(_, instruction)| instruction.to_owned());
                self.step = instruction;
            }
            self.failed = Some(vertex.digest);
        }
        text
    }

    /// `memory` is the limit the build had, for its sentence.
    pub(super) fn failure(mut self, dockerfile: &Path, problem: &str, memory: Option<u64>) -> BuildError {
        let at = self.step.map(|step| format!(" at `{step}`")).unwrap_or_default();
        let problem = problem.trim();
        let killed = memory.filter(|_| KILLED.iter().any(|code| problem.ends_with(code)));
        let hint = killed.map(|bytes| {
            format!(
                ", as a program does that uses more than the {} MiB of memory that builds have: raise executor.build_memory",
                bytes >> 20
            )
        });
        let message = format!(
            "the build of {} failed{at}: {problem}{}",
            dockerfile.display(),
            hint.unwrap_or_default()
        );
        let of_vertex = self.failed.and_then(|vertex| self.vertices.remove(&vertex));
        BuildError::Failed {
            message,
            last_lines: of_vertex.filter(|lines| !lines.is_empty()).unwrap_or(self.last_lines),
        }
    }
}

fn keep(lines: &mut Vec<String>, line: &str) {
    if line.is_empty() {
        return;
    }
    lines.push(line.to_owned());
    if lines.len() > LAST_LINES {
        lines.remove(0);
    }
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
}
