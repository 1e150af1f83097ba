//! JSON as programs write it: Python's `json` writes NaN and infinities, which JSON does not have.

/// The same text with words and numbers that JSON does not have in quotes, so that a reader can name what they stand
/// for. What is JSON stays as it is.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut word = String::new();
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if inside {
            inside = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            out.push(c);
        } else if c.is_alphanumeric() || "+-._".contains(c) {
            word.push(c);
        } else {
            out.push_str(&legal(&word));
            word.clear();
            inside = c == '"';
            out.push(c);
        }
    }
    out + &legal(&word)
}

fn legal(word: &str) -> String {
    let is = matches!(word, "" | "true" | "false" | "null") || serde_json::from_str::<f64>(word).is_ok();
    if is { word.to_owned() } else { format!("\"{word}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn what_json_does_not_have_is_named() {
        let text = r#"{"a\"NaN": NaN, "b": [-Infinity, 1e999, 1.5, -2e-3, true, null, "Infinity"], "c": nan}"#;
        let read: Value = serde_json::from_str(&quoted(text)).unwrap();
        let right =
            json!({"a\"NaN": "NaN", "b": ["-Infinity", "1e999", 1.5, -2e-3, true, null, "Infinity"], "c": "nan"});
        assert_eq!(read, right);
        assert_eq!(quoted("NaN"), "\"NaN\"");
    }

    proptest! {
        #[test]
        fn what_is_json_stays(text in r#"[a-z"\\\\ ,:]{0,12}"#, number: f64) {
            let value = json!({text.clone(): [text, number, true, null]}).to_string();
            prop_assert_eq!(quoted(&value), value);
        }
    }
}
