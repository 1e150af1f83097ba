//! Every mistake of shape at once: the file's nodes held against the schema of its shape.
//!
//! The reader stops at the first mistake. What is found here comes after it, and only where the schema is sure.

use crate::problem::Problem;
use crate::suggest;
use serde_json::Value;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, StrInput};

/// Deeper files are not looked at.
const MAX_DEPTH: usize = 64;
/// Nor are larger ones.
const MAX_NODES: usize = 100_000;

/// A place, line and column from 1.
type At = (u32, u32);

/// A node of the file, aliases not followed.
struct Node {
    at: At,
    shape: Shape,
}

enum Shape {
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

/// What the schema knows to be wrong, in no order.
pub(super) fn mistakes(file: &str, text: &str, schema: &Value) -> Vec<Problem> {
    let Some(root) = Reader::new(text).document() else {
        return Vec::new();
    };
    let mut check = Check {
        file,
        root: schema,
        found: Vec::new(),
    };
    check.node(&root, schema);
    check.found
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

    /// The first document; `None` if it is broken, too deep or too large.
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

struct Check<'a> {
    file: &'a str,
    root: &'a Value,
    found: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn problem(&mut self, (line, column): At, message: String, hint: Option<String>) {
        self.found.push(Problem {
            file: self.file.to_owned(),
            line: Some(line),
            column: Some(column),
            message,
            hint,
        });
    }

    /// The schema that a reference names.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
        name.and_then(|name| self.root.pointer(name)).unwrap_or(schema)
    }

    fn node(&mut self, node: &Node, schema: &'a Value) {
        let schema = self.resolved(schema);
        if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            return self.choice(node, choices);
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.value(node, values.iter().filter_map(Value::as_str).collect());
        }
        if let Some(value) = schema["const"].as_str() {
            return self.value(node, vec![value]);
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        // What takes several types reads them in its own way.
        if types.iter().filter(|name| **name != "null").count() > 1 {
            return;
        }
        match &node.shape {
            Shape::Mapping { entries } if types.contains(&"object") => self.mapping(node.at, entries, schema),
            Shape::Sequence(items) if types.contains(&"array") => {
                for item in items {
                    self.node(item, &schema["items"]);
                }
            }
            Shape::Other => {}
            Shape::Scalar { text, plain } if fits(text, *plain, &types) => {}
            _ => {
                let (message, hint) = expected(types.iter().find(|name| **name != "null").unwrap_or(&"null"));
                self.problem(node.at, message.to_owned(), hint.map(str::to_owned));
            }
        }
    }

    /// One of several schemas: what is wrong is only said where there is one beside null.
    fn choice(&mut self, node: &Node, choices: &'a [Value]) {
        let values: Vec<&str> = choices
            .iter()
            .flat_map(|choice| match &choice["enum"] {
                Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
                _ => choice["const"].as_str().into_iter().collect::<Vec<_>>(),
            })
            .collect();
        let others: Vec<&Value> = choices.iter().filter(|choice| choice["type"] != "null").collect();
        let only_values = |choice: &&Value| choice["enum"].is_array() || choice["const"].is_string();
        if !values.is_empty() && others.iter().all(only_values) {
            self.value(node, values);
        } else if let [only] = others.as_slice()
            && !is_null(node)
        {
            self.node(node, only);
        }
    }

    fn value(&mut self, node: &Node, values: Vec<&str>) {
        match &node.shape {
            Shape::Scalar { text, .. } if !values.contains(&text.as_str()) && !is_null(node) => {
                let message = format!("'{text}' is not one of the values this key takes");
                self.problem(node.at, message, Some(suggest::hint(text, values)));
            }
            Shape::Mapping { .. } | Shape::Sequence(_) => {
                let message = "a text belongs here".to_owned();
                self.problem(node.at, message, Some(suggest::hint("", values)));
            }
            _ => {}
        }
    }

    fn mapping(&mut self, at: At, entries: &[(String, At, Node)], schema: &'a Value) {
        let none = serde_json::Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        let more = &schema["additionalProperties"];
        let mut slips = Vec::new();
        for (index, (key, at, value)) in entries.iter().enumerate() {
            if entries[..index].iter().any(|(earlier, ..)| earlier == key) {
                let hint = Some("keep one of them".to_owned());
                self.problem(*at, format!("the key '{key}' is here twice"), hint);
            }
            match schema["properties"].get(key) {
                Some(schema) => self.node(value, schema),
                None if key == "<<" => {}
                None if more == &Value::Bool(false) => {
                    slips.extend(suggest::closest(key, known.keys().map(String::as_str)));
                    let hint = suggest::hint(key, known.keys().map(String::as_str));
                    self.problem(*at, format!("unknown key '{key}'"), Some(hint));
                }
                None => self.node(value, more),
            }
        }
        if entries.iter().any(|(key, ..)| key == "<<") {
            return;
        }
        let required = schema["required"].as_array().into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            // A key that is a slip away is not missing as well.
            if !slips.contains(&key) && entries.iter().all(|(there, ..)| there != key) {
                let first = entries.first().map_or(at, |(_, at, _)| *at);
                self.problem(first, format!("the key '{key}' is missing here"), None);
            }
        }
    }
}

fn is_null(node: &Node) -> bool {
    matches!(&node.shape, Shape::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
}

/// Whether a scalar may be of one of the types; where YAML's readers differ, it may.
fn fits(text: &str, plain: bool, types: &[&str]) -> bool {
    let null = plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
    null || types.iter().any(|name| match *name {
        "string" => true,
        "boolean" => !plain || matches!(text, "true" | "false"),
        "integer" => !plain || text.contains(['_', 'x', 'o']) || text.parse::<u64>().is_ok(),
        "number" => !plain || text.contains('_') || text.starts_with(['.', '0']) || text.parse::<f64>().is_ok(),
        _ => false,
    })
}

fn expected(name: &str) -> (&'static str, Option<&'static str>) {
    match name {
        "object" => ("keys with values belong here", Some("write them as key: value")),
        "array" => ("a list belongs here", Some("write it as [a, b]")),
        "boolean" => ("true or false belongs here", None),
        "integer" => ("a whole number of 0 or more belongs here", None),
        "number" => ("a number belongs here", None),
        _ => ("a text belongs here", None),
    }
}
