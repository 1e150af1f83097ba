//! `trainyard.toml`, read strictly: every mistake with its place and what would be right.

use super::{Config, ConfigError};
use std::path::Path;
use trainyard_core::problem::Problem;

/// Reads a configuration file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError(problem(path, text, &error).to_string()))
}

fn problem(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let place = error.span().map(|span| place(text, span.start));
    let (message, hint) = words(error.message());
    Problem {
        file: path.display().to_string(),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        message,
        hint,
    }
}

/// Line and column from 1 of a byte offset.
fn place(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (number(line), number(column))
}

/// serde's sentences of unknown names, in our words; any other sentence is its own.
fn words(message: &str) -> (String, Option<String>) {
    let message = message.trim().replace('\n', ", ");
    if let Some(key) = message.strip_prefix("missing field `") {
        return (format!("the key '{}' is missing", key.trim_end_matches('`')), None);
    }
    let what = if message.starts_with("unknown field `") {
        "unknown key"
    } else if message.starts_with("unknown variant `") {
        "unknown value"
    } else {
        return (message, None);
    };
    let mut names = message.split('`').skip(1).step_by(2);
    let word = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    (format!("{what} '{word}'"), Some(hint(word, &known)))
}

/// `did you mean 'listen'? known are data_dir, listen`.
fn hint(word: &str, known: &[&str]) -> String {
    let close = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, _)| *distance <= 1 + word.chars().count() / 4)
        .min();
    let known = format!("known are {}", known.join(", "));
    match close {
        Some((_, close)) => format!("did you mean '{close}'? {known}"),
        None => known,
    }
}
