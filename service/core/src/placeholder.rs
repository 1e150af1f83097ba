//! Placeholders of a step's command: `{{inputs.NAME}}`, `{{outputs.NAME}}`, `{{parameters.NAME}}`
//! and `{{task}}`.

use serde_json::Value;

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The path of an input.
    Input(String),
    /// The path of an output.
    Output(String),
    /// The value of a parameter.
    Parameter(String),
    /// The path of `task.json`.
    Task,
}

/// A piece of a command's argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A placeholder.
    Placeholder(Placeholder),
}

/// Why an argument cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    /// The argument has no end of it.
    #[error("the placeholder in '{0}' is not closed: write it as {{{{inputs.NAME}}}}")]
    Unclosed(String),
    /// What stands in the braces is none.
    #[error("'{{{{{0}}}}}' is not a placeholder: expected inputs.NAME, outputs.NAME, parameters.NAME or task")]
    Unknown(String),
    /// One in the argument stands for nothing here.
    #[error("nothing stands for the placeholder in '{0}'")]
    Unbound(String),
}

/// Takes an argument apart. The error is about the first broken placeholder.
pub fn split(argument: &str) -> Result<Vec<Piece>, PlaceholderError> {
    let mut pieces = Vec::new();
    let mut rest = argument;
    while let Some(start) = rest.find("{{") {
        if start > 0 {
            pieces.push(Piece::Text(rest[..start].to_owned()));
        }
        let inside = &rest[start + 2..];
        let Some(end) = inside.find("}}") else {
            return Err(PlaceholderError::Unclosed(argument.to_owned()));
        };
        pieces.push(Piece::Placeholder(parse(inside[..end].trim())?));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn parse(text: &str) -> Result<Placeholder, PlaceholderError> {
    match text.split_once('.') {
        Some(("inputs", name)) => Ok(Placeholder::Input(name.to_owned())),
        Some(("outputs", name)) => Ok(Placeholder::Output(name.to_owned())),
        Some(("parameters", name)) => Ok(Placeholder::Parameter(name.to_owned())),
        None if text == "task" => Ok(Placeholder::Task),
        _ => Err(PlaceholderError::Unknown(text.to_owned())),
    }
}

/// Replaces the placeholders of a whole command. `value` answers what each stands for; a
/// placeholder it does not know is an error.
pub fn fill(
    command: &[String],
    mut value: impl FnMut(&Placeholder) -> Option<String>,
) -> Result<Vec<String>, PlaceholderError> {
    let mut filled = Vec::with_capacity(command.len());
    for argument in command {
        let mut text = String::new();
        for piece in split(argument)? {
            match piece {
                Piece::Text(plain) => text.push_str(&plain),
                Piece::Placeholder(placeholder) => match value(&placeholder) {
                    Some(known) => text.push_str(&known),
                    None => return Err(PlaceholderError::Unbound(argument.clone())),
                },
            }
        }
        filled.push(text);
    }
    Ok(filled)
}

/// A parameter as a command line sees it: strings bare, everything else as JSON.
pub fn parameter_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_kind_and_leaves_the_rest() {
        let command = [
            "--in={{inputs.a}}",
            "{{ outputs.b }}",
            "x{{parameters.p}}y{{task}}",
            "{a} }}",
        ]
        .map(str::to_owned);
        let filled = fill(&command, |p| {
            Some(match p {
                Placeholder::Input(name) => format!("/in/{name}"),
                Placeholder::Output(name) => format!("/out/{name}"),
                Placeholder::Parameter(_) => parameter_text(&serde_json::json!(0.1)),
                Placeholder::Task => "/task".to_owned(),
            })
        });
        assert_eq!(filled.unwrap(), ["--in=/in/a", "/out/b", "x0.1y/task", "{a} }}"]);
    }

    #[test]
    fn broken_placeholders_say_what_would_be_right() {
        insta::assert_snapshot!(split("{{input.a}}").unwrap_err(), @"'{{input.a}}' is not a placeholder: expected inputs.NAME, outputs.NAME, parameters.NAME or task");
        insta::assert_snapshot!(split("{{inputs.a").unwrap_err(), @"the placeholder in '{{inputs.a' is not closed: write it as {{inputs.NAME}}");
        insta::assert_snapshot!(fill(&["{{inputs.a}}".to_owned()], |_| None).unwrap_err(), @"nothing stands for the placeholder in '{{inputs.a}}'");
    }
}
