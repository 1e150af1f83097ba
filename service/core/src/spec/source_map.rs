//! Where the keys of a pipeline file are.

use super::unread::KeyPath;
use crate::problem::Problem;
use serde_saphyr::granit_parser::{Event, Parser};
use std::collections::{BTreeMap, HashMap};

/// More nodes than this are not looked at; their problems then point to the key above.
const MAX_KEYS: usize = 100_000;

/// Key path to line and column, both from 1. Items of a list are `0`, `1`, ….
pub(super) struct SourceMap {
    places: HashMap<Vec<String>, (u32, u32)>,
}

/// What the parser is inside of.
enum Container {
    /// The key whose value comes next, or `None` when a key comes next.
    Mapping {
        key: Option<String>,
    },
    Sequence {
        index: usize,
    },
}

impl SourceMap {
    /// Reads the positions; of a broken file only those before the fault.
    pub(super) fn new(text: &str) -> Self {
        let mut places = HashMap::new();
        let mut stack: Vec<Container> = Vec::new();
        for item in Parser::new_from_str(text) {
            let Ok((event, span)) = item else { break };
            if places.len() >= MAX_KEYS {
                break;
            }
            let at = (line_or_column(span.start.line()), line_or_column(span.start.col() + 1));
            match event {
                Event::Scalar(value, ..) => {
                    if let Some(Container::Mapping { key: key @ None }) = stack.last_mut() {
                        *key = Some(value.into_owned());
                        places.insert(path(&stack), at);
                    } else {
                        node_begins(&stack, at, &mut places);
                        node_ended(&mut stack);
                    }
                }
                Event::Alias(_) => {
                    if let Some(Container::Mapping { key: key @ None }) = stack.last_mut() {
                        *key = Some(String::new());
                    } else {
                        node_begins(&stack, at, &mut places);
                        node_ended(&mut stack);
                    }
                }
                Event::MappingStart(..) => {
                    node_begins(&stack, at, &mut places);
                    stack.push(Container::Mapping { key: None });
                }
                Event::SequenceStart(..) => {
                    node_begins(&stack, at, &mut places);
                    stack.push(Container::Sequence { index: 0 });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    stack.pop();
                    node_ended(&mut stack);
                }
                _ => {}
            }
        }
        Self { places }
    }

    /// The lines of the keys of the first two levels: `gate`, `steps.train`.
    fn lines(self) -> BTreeMap<String, u32> {
        let near = self.places.into_iter().filter(|(path, _)| path.len() <= 2);
        near.map(|(path, (line, _))| (path.join("."), line)).collect()
    }

    /// The place of the key at `path`, or of the nearest key above it.
    pub(super) fn find(&self, path: &[&str]) -> Option<(u32, u32)> {
        let mut path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        while !path.is_empty() {
            if let Some(place) = self.places.get(&path) {
                return Some(*place);
            }
            path.pop();
        }
        None
    }
}

/// Where the sections of a pipeline file are, and what is in them: `gate`, `steps.train`, … to its line, from 1.
pub fn lines(text: &str) -> BTreeMap<String, u32> {
    SourceMap::new(text).lines()
}

fn line_or_column(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn path(stack: &[Container]) -> Vec<String> {
    stack
        .iter()
        .map(|container| match container {
            Container::Mapping { key } => key.clone().unwrap_or_default(),
            Container::Sequence { index } => index.to_string(),
        })
        .collect()
}

/// Items of a list have no key, so their own beginning counts.
fn node_begins(stack: &[Container], at: (u32, u32), places: &mut HashMap<Vec<String>, (u32, u32)>) {
    if matches!(stack.last(), Some(Container::Sequence { .. })) {
        places.insert(path(stack), at);
    }
}

fn node_ended(stack: &mut [Container]) {
    match stack.last_mut() {
        Some(Container::Mapping { key }) => *key = None,
        Some(Container::Sequence { index }) => *index += 1,
        None => {}
    }
}

/// Collects the problems of one file with their places.
pub(super) struct Problems<'a> {
    file: &'a str,
    map: SourceMap,
    /// Keys at the beginning of every path that are not in the file.
    above: usize,
    /// Keys of which nothing is known: what is wrong with them is said already.
    unread: Vec<KeyPath>,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(file: &'a str, text: &str) -> Self {
        Self {
            file,
            map: SourceMap::new(text),
            above: 0,
            unread: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Of a file that is not read as a whole.
    pub(super) fn beside(file: &'a str, text: &str, unread: Vec<KeyPath>) -> Self {
        Self {
            unread,
            ..Self::new(file, text)
        }
    }

    /// Whether all below `path`, and all above, could be read, so that what is missing there is missing in the file.
    pub(super) fn is_read(&self, path: &[&str]) -> bool {
        let path = path.get(self.above..).unwrap_or_default();
        let together = |unread: &KeyPath| unread.iter().zip(path).all(|(unread, part)| unread == part);
        !self.unread.iter().any(together)
    }

    /// Of a file that is one section, without the section's key.
    pub(super) fn of_section(file: &'a str, text: &str) -> Self {
        Self {
            above: 1,
            ..Self::new(file, text)
        }
    }

    /// A problem with the key at `path`.
    pub(super) fn add(&mut self, path: &[&str], message: impl Into<String>) {
        self.push(path, message.into(), None);
    }

    /// A problem and what would be right.
    pub(super) fn add_with_hint(&mut self, path: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        self.push(path, message.into(), Some(hint.into()));
    }

    /// What was read at `path`; of a text that cannot be read, a problem and the default.
    pub(super) fn read<T: Default>(&mut self, path: &[&str], read: Result<T, String>) -> T {
        read.unwrap_or_else(|why| {
            self.add(path, why);
            T::default()
        })
    }

    fn push(&mut self, path: &[&str], message: String, hint: Option<String>) {
        let path = path.get(self.above..).unwrap_or_default();
        let within = |unread: &KeyPath| unread.len() <= path.len() && unread.iter().zip(path).all(|(a, b)| a == b);
        if self.unread.iter().any(within) {
            return;
        }
        let place = self.map.find(path);
        self.found.push(Problem {
            file: self.file.to_owned(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            message,
            hint,
        });
    }

    /// The problems in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_items_and_flow_style() {
        let map = SourceMap::new(
            "name: x\non:\n  push: { branches: [main, dev] }\nsteps:\n  a:\n    command:\n      - one\n      - two\n",
        );
        assert_eq!(map.find(&["name"]), Some((1, 1)));
        assert_eq!(map.find(&["on", "push", "branches"]), Some((3, 11)));
        assert_eq!(map.find(&["on", "push", "branches", "1"]), Some((3, 28)));
        assert_eq!(map.find(&["steps", "a", "command", "1"]), Some((8, 9)));
        assert_eq!(map.find(&["steps", "a", "nothing"]), Some((5, 3)));
        assert_eq!(map.find(&["nothing"]), None);
        let lines = lines("name: x\nsteps:\n  a:\n    command: [one]\n  b: {}\n");
        let found: Vec<_> = lines.iter().map(|(key, line)| format!("{key} {line}")).collect();
        assert_eq!(found, ["name 1", "steps 2", "steps.a 3", "steps.b 5"]);
    }
}
