//! What stands in for the parts of a pipeline file that cannot be read, so that the others can be checked at once.

use serde_json::{Map, Value, json};

/// A path of keys.
pub(super) type KeyPath = Vec<String>;

/// No standard component, so that nobody expects an output of the step.
const NOBODY_KNOWS: &str = "?";

/// What a part of the file is taken for that must be there.
pub(super) fn stand_in(path: &[String]) -> Option<Value> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["name"] => Some(json!("unread")),
        ["steps"] => Some(json!({})),
        ["steps", _] => Some(json!({ "uses": NOBODY_KNOWS })),
        ["data", _] => Some(json!({ "uri": "{SPAN}" })),
        ["data", _, "uri"] => Some(json!("{SPAN}")),
        _ => None,
    }
}

/// A step whose kind or outputs cannot be read is one that makes nobody knows what.
pub(super) fn cover(rest: &mut Value, unread: &mut Vec<KeyPath>) {
    let Some(Value::Object(steps)) = rest.get_mut("steps") else {
        return;
    };
    for (name, step) in steps {
        let Value::Object(step) = step else { continue };
        let path = |key: &str| vec!["steps".to_owned(), name.clone(), key.to_owned()];
        let is_unread = |key: &str| unread.iter().any(|unread| unread.starts_with(&path(key)));
        let kind =
            ["uses", "build", "image"].into_iter().any(is_unread) || unread.contains(&path("outputs")[..2].to_vec());
        let has = |step: &Map<String, Value>, key: &str| step.contains_key(key);
        let known = has(step, "uses") || has(step, "build") && !is_unread("outputs");
        if (kind || is_unread("outputs")) && !known {
            step.remove("build");
            step.remove("image");
            step.insert("uses".to_owned(), json!(NOBODY_KNOWS));
            unread.push(path("uses"));
        }
    }
}
