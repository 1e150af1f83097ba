//! `--parameter NAME=VALUE`, as `run` and `trigger` take it.

use serde_json::{Map, Value};

/// Parameters that replace those of the pipeline file.
#[derive(Debug, clap::Args)]
pub(super) struct Parameters {
    /// Replace a parameter of the file; a value that is JSON is taken as such, any other is text
    #[arg(long = "parameter", short = 'p', value_name = "NAME=VALUE", value_parser = parse)]
    parameters: Vec<(String, Value)>,
}

impl Parameters {
    /// By name; the last of a name counts.
    pub(super) fn map(&self) -> Map<String, Value> {
        self.parameters.iter().cloned().collect()
    }
}

fn parse(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            Ok((name.to_owned(), value))
        }
        _ => Err("write NAME=VALUE, for example learning_rate=0.05".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_json_where_they_can_be() {
        let cases = [
            ("rate=0.05", json!(0.05)),
            ("on=true", json!(true)),
            ("name=flights", json!("flights")),
            ("name=\"7\"", json!("7")),
            ("list=[1, 2]", json!([1, 2])),
            ("equation=a=b", json!("a=b")),
            ("empty=", json!("")),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap().1, expected, "{text}");
        }
        assert!(parse("rate").is_err() && parse("=1").is_err());
    }
}
