//! Every mistake of shape at once: the file's nodes held against the schema of its shape.
//!
//! The reader stops at the first mistake. What is found here comes after it, and only where the schema is sure.

mod node;

use super::unread::{self, KeyPath};
use crate::problem::Problem;
use crate::suggest;
use indexmap::IndexMap;
use node::{At, Node, Shape};
use serde_json::{Map, Value};

/// A file beside the schema of its shape.
pub(super) struct Conformed {
    /// What the schema knows to be wrong, in no order.
    pub(super) problems: Vec<Problem>,
    /// The keys that nobody can read before a mistake is mended: those with one, and those that a mistyped key may
    /// have meant.
    pub(super) unread: Vec<KeyPath>,
    /// The rest of the file, with stand-ins where something must be.
    pub(super) rest: Option<Value>,
}

/// Holds a file against a schema; `None` if it is no YAML, or too large.
pub(super) fn conform(file: &str, text: &str, schema: &Value) -> Option<Conformed> {
    let root = node::document(text)?;
    let mut check = Check {
        file,
        root: schema,
        path: Vec::new(),
        found: Vec::new(),
        unread: Vec::new(),
    };
    let mut rest = check.node(&root, schema);
    if let Some(rest) = &mut rest {
        unread::cover(rest, &mut check.unread);
    }
    Some(Conformed {
        problems: check.found,
        unread: check.unread,
        rest,
    })
}

struct Check<'a> {
    file: &'a str,
    root: &'a Value,
    /// The keys that lead to the node looked at.
    path: KeyPath,
    found: Vec<Problem>,
    unread: Vec<KeyPath>,
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

    /// A mistake in the node looked at, of which nothing can be read.
    fn mistake(&mut self, at: At, message: String, hint: Option<String>) -> Option<Value> {
        self.problem(at, message, hint);
        self.unreadable()
    }

    fn unreadable(&mut self) -> Option<Value> {
        self.unread.push(self.path.clone());
        None
    }

    /// The schema that a reference names.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
        name.and_then(|name| self.root.pointer(name)).unwrap_or(schema)
    }

    /// What the node holds, without its mistakes.
    fn node(&mut self, node: &Node, schema: &'a Value) -> Option<Value> {
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
            _ => return self.as_it_is(node),
        };
        // What takes several types reads them in its own way.
        if types.iter().filter(|name| **name != "null").count() > 1 {
            return self.as_it_is(node);
        }
        match &node.shape {
            Shape::Mapping { entries } if types.contains(&"object") => self.mapping(node.at, entries, schema),
            Shape::Sequence(items) if types.contains(&"array") => {
                let mut whole = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    self.path.push(index.to_string());
                    whole.extend(self.node(item, &schema["items"]));
                    self.path.pop();
                }
                Some(Value::Array(whole))
            }
            Shape::Other => self.unreadable(),
            _ if node.is_null() && types == ["string"] => {
                self.mistake(node.at, "the key has no value".to_owned(), None)
            }
            _ if node.is_null() => None,
            Shape::Scalar { text, plain } if fits(text, *plain, &types) => match node::scalar(text, *plain) {
                _ if types.contains(&"string") => Some(Value::from(text.as_str())),
                Value::String(_) => self.unreadable(),
                value => Some(value),
            },
            _ => {
                let (message, hint) = expected(types.iter().find(|name| **name != "null").unwrap_or(&"null"));
                self.mistake(node.at, message.to_owned(), hint.map(str::to_owned))
            }
        }
    }

    fn as_it_is(&mut self, node: &Node) -> Option<Value> {
        node.value().or_else(|| self.unreadable())
    }

    /// One of several schemas: what is wrong is only said where there is one beside null.
    fn choice(&mut self, node: &Node, choices: &'a [Value]) -> Option<Value> {
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
            self.value(node, values)
        } else if let [only] = others.as_slice()
            && !node.is_null()
        {
            self.node(node, only)
        } else {
            self.as_it_is(node)
        }
    }

    fn value(&mut self, node: &Node, values: Vec<&str>) -> Option<Value> {
        match &node.shape {
            _ if node.is_null() => None,
            Shape::Scalar { text, .. } if !values.contains(&text.as_str()) => {
                let message = format!("'{text}' is not one of the values this key takes");
                self.mistake(node.at, message, Some(suggest::hint(text, values)))
            }
            Shape::Scalar { text, .. } => Some(Value::from(text.as_str())),
            Shape::Mapping { .. } | Shape::Sequence(_) => {
                let message = "a text belongs here".to_owned();
                self.mistake(node.at, message, Some(suggest::hint("", values)))
            }
            Shape::Other => self.unreadable(),
        }
    }

    fn mapping(&mut self, at: At, entries: &[(String, At, Node)], schema: &'a Value) -> Option<Value> {
        let known: IndexMap<&str, &Value> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, schema)| (key.as_str(), schema))
            .collect();
        let more = &schema["additionalProperties"];
        let mut rest = Map::new();
        let mut meant = Vec::new();
        for (index, (key, at, value)) in entries.iter().enumerate() {
            if entries[..index].iter().any(|(earlier, ..)| earlier == key) {
                let hint = Some("keep one of them".to_owned());
                self.problem(*at, format!("the key '{key}' is here twice"), hint);
            }
            self.path.push(key.clone());
            let read = match known.get(key.as_str()).copied() {
                Some(schema) => self.node(value, schema),
                None if key == "<<" => self.unreadable(),
                None if more == &Value::Bool(false) => {
                    match suggest::closest(key, known.keys().copied()) {
                        Some(slip) => meant.push(slip),
                        None => meant.extend(known.keys().copied()),
                    }
                    let hint = suggest::hint(key, known.keys().copied());
                    self.mistake(*at, format!("unknown key '{key}'"), Some(hint))
                }
                None => self.node(value, more),
            };
            let read = read.or_else(|| unread::stand_in(&self.path));
            rest.extend(read.map(|read| (key.clone(), read)));
            self.path.pop();
        }
        let absent = |key: &str| entries.iter().all(|(there, ..)| there != key);
        let merged = !absent("<<");
        if merged {
            meant.extend(known.keys().copied());
        }
        for key in meant.iter().filter(|key| absent(key)) {
            self.unread.push([self.path.as_slice(), &[(*key).to_owned()]].concat());
        }
        let mut whole = true;
        let required = schema["required"].as_array().into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            // A key that is a slip away is not missing as well.
            let slip = entries.iter().any(|(there, ..)| {
                !known.contains_key(there.as_str()) && suggest::closest(there, known.keys().copied()) == Some(key)
            });
            self.path.push(key.to_owned());
            if absent(key) && !slip && !merged {
                let first = entries.first().map_or(at, |(_, at, _)| *at);
                self.mistake(first, format!("the key '{key}' is missing here"), None);
            }
            if !rest.contains_key(key) {
                match unread::stand_in(&self.path) {
                    Some(value) => drop(rest.insert(key.to_owned(), value)),
                    None => whole = false,
                }
            }
            self.path.pop();
        }
        if whole {
            Some(Value::Object(rest))
        } else {
            self.unreadable()
        }
    }
}

/// Whether a scalar may be of one of the types; where YAML's readers differ, it may.
fn fits(text: &str, plain: bool, types: &[&str]) -> bool {
    types.iter().any(|name| match *name {
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
