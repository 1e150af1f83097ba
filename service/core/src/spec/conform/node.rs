//! The nodes of a YAML file with their places.

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, StrInput};

/// Deeper files are not looked at.
const MAX_DEPTH: usize = 64;
/// Nor are larger ones.
const MAX_NODES: usize = 100_000;

/// A place, line and column from 1.
pub(super) type At = (u32, u32);

/// A node of the file, aliases not followed.
pub(super) struct Node {
    pub(super) at: At,
    pub(super) shape: Shape,
}

pub(super) enum Shape {
    Scalar {
        text: String,
        plain: bool,
    },
    Mapping {
        entries: Vec<(String, At, Node)>,
    },
    Sequence(Vec<Node>),
    /// An alias, or something with a tag of its own.
    Other,
}

/// The first document of a text; `None` if it is broken, too deep or too large.
pub(super) fn document(text: &str) -> Option<Node> {
    Reader::new(text).document()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            events: Parser::new_from_str(text),
            nodes: 0,
        }
    }

    /// The next part of a node.
    fn next(&mut self) -> Option<(Event<'a>, At)> {
        loop {
            let (event, span) = self.events.next()?.ok()?;
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let at = (number(span.start.line()), number(span.start.col() + 1));
            match event {
                Event::DocumentEnd | Event::StreamEnd => return None,
                Event::Scalar(..)
                | Event::Alias(_)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd => return Some((event, at)),
                _ => {}
            }
        }
    }

    fn document(&mut self) -> Option<Node> {
        let (event, at) = self.next()?;
        self.node(event, at, 0)
    }

    fn node(&mut self, event: Event<'a>, at: At, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return None;
        }
        let shape = match event {
            Event::Scalar(text, style, _, None) => Shape::Scalar {
                text: text.into_owned(),
                plain: style == ScalarStyle::Plain,
            },
            Event::Scalar(..) | Event::Alias(_) => Shape::Other,
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Shape::Sequence(items),
                        (event, at) => items.push(self.node(event, at, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let (key, at) = match self.next()? {
                        (Event::MappingEnd, _) => break Shape::Mapping { entries },
                        (event, at) => (self.node(event, at, depth + 1)?, at),
                    };
                    let (event, value_at) = self.next()?;
                    let value = self.node(event, value_at, depth + 1)?;
                    let Shape::Scalar { text, .. } = key.shape else {
                        return None;
                    };
                    entries.push((text, at, value));
                }
            }
            _ => return None,
        };
        Some(Node { at, shape })
    }
}

impl Node {
    /// Whether it is there without a value.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.shape, Shape::Scalar { text, plain: true } if is_null(text))
    }

    /// What it holds, by YAML's core schema; `None` where aliases or tags would have to be followed.
    pub(super) fn value(&self) -> Option<Value> {
        match &self.shape {
            Shape::Scalar { text, plain } => Some(scalar(text, *plain)),
            Shape::Sequence(items) => items
                .iter()
                .map(Node::value)
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Shape::Mapping { entries } => {
                let mut whole = Map::new();
                for (key, _, value) in entries {
                    whole.insert(key.clone(), value.value()?);
                }
                Some(Value::Object(whole))
            }
            Shape::Other => None,
        }
    }
}

/// Whether a plain scalar means no value.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A scalar of no certain type.
pub(super) fn scalar(text: &str, plain: bool) -> Value {
    let number = || {
        let whole = text.parse::<i64>().map(Value::from);
        let whole = whole.or_else(|_| text.parse::<u64>().map(Value::from));
        whole.or_else(|_| text.parse::<f64>().map(Value::from)).ok()
    };
    match text {
        _ if !plain => Value::from(text),
        _ if is_null(text) => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+')) => {
            number().unwrap_or_else(|| Value::from(text))
        }
        _ => Value::from(text),
    }
}
