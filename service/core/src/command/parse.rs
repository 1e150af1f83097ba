//! One command, taken apart.

use crate::suggest;
use serde_json::{Map, Value};

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A run of the pull request as it is.
    Run {
        /// The pipeline; all of them if absent.
        pipeline: Option<String>,
        /// Parameters that replace the file's.
        parameters: Map<String, Value>,
    },
    /// A run again.
    Rerun {
        /// A pipeline or run; what failed if absent.
        of: Option<String>,
        /// Whether nothing that succeeded stands in.
        all: bool,
    },
    /// The end of what is at work.
    Cancel {
        /// A pipeline or run.
        of: Option<String>,
    },
    /// That something goes on that waits; the first word may be a pipeline or run, the others say why.
    Approve(Vec<String>),
    /// That it does not.
    Reject(Vec<String>),
    /// The model that served before; the first word may be a target or pipeline, the others say why.
    RollBack(Vec<String>),
    /// What happened and why.
    Explain {
        /// A pipeline or run.
        of: Option<String>,
    },
    /// What can be asked.
    Help,
}

/// The commands, with what may follow and what they are for.
pub const KNOWN: [(&str, &str, &str); 8] = [
    (
        "run",
        "[pipeline] [key=value …]",
        "run the pull request as it is; with other parameters it is a trial, whose verdict is no check",
    ),
    (
        "rerun",
        "[pipeline or run] [--all]",
        "run again what failed, keeping what succeeded; with `--all` every step",
    ),
    ("cancel", "[pipeline or run]", "end what is at work"),
    (
        "approve",
        "[pipeline or run] [why …]",
        "let a run or model go on that waits for a person",
    ),
    ("reject", "[pipeline or run] [why …]", "keep it from going on"),
    (
        "rollback",
        "[target or pipeline] [why …]",
        "have the model serve that served before",
    ),
    ("explain", "[pipeline or run]", "say what ran, what did not, and why"),
    ("help", "", "this list"),
];

/// Why a command is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// There is no such command.
    Unknown(String),
    /// A word that the command has no use for.
    Surplus {
        /// The command.
        command: &'static str,
        /// The word.
        word: String,
    },
    /// `=value` without a name.
    NoName(String),
    /// A parameter that is given twice.
    Twice(String),
    /// A quotation mark without its second.
    OpenQuote,
}

impl Unclear {
    /// What is wrong and what to write, as text.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unknown(word) => {
                let names = KNOWN.map(|(name, ..)| name);
                format!("there is no command '{word}': {}", suggest::hint(word, names))
            }
            Self::Surplus { command, word } => {
                let known = KNOWN.iter().find(|(name, ..)| name == command);
                let usage = known.map_or("", |(_, usage, _)| usage);
                format!("'{command}' does not take '{word}': write /trainyard {command} {usage}")
                    .trim_end()
                    .to_owned()
            }
            Self::NoName(word) => format!("'{word}' has no name before its '=': write key=value"),
            Self::Twice(name) => format!("parameter '{name}' is given twice: give it once"),
            Self::OpenQuote => "a quotation mark has no second one: write key=\"some words\"".to_owned(),
        }
    }
}

/// The command of a line that begins with `/trainyard`; without a word it is `help`.
pub fn parse(line: &str) -> Result<Command, Unclear> {
    let words = words(line)?;
    let mut words = words.into_iter().skip(1);
    let Some(name) = words.next() else {
        return Ok(Command::Help);
    };
    let rest: Vec<Word> = words.collect();
    match name.text.to_lowercase().as_str() {
        "run" => run(rest),
        "rerun" => rerun(rest),
        "cancel" => Ok(Command::Cancel {
            of: only("cancel", rest)?,
        }),
        "approve" => Ok(Command::Approve(texts(rest))),
        "reject" => Ok(Command::Reject(texts(rest))),
        "rollback" => Ok(Command::RollBack(texts(rest))),
        "explain" => Ok(Command::Explain {
            of: only("explain", rest)?,
        }),
        // Whatever somebody wants to know about, the list has it.
        "help" | "--help" | "-h" => Ok(Command::Help),
        _ => Err(Unclear::Unknown(name.text)),
    }
}

fn run(words: Vec<Word>) -> Result<Command, Unclear> {
    let (mut pipeline, mut parameters) = (None, Map::new());
    for word in words {
        let Some((name, value)) = word.text.split_once('=') else {
            if pipeline.is_some() || !parameters.is_empty() || word.text.starts_with('-') {
                let (command, word) = ("run", word.text);
                return Err(Unclear::Surplus { command, word });
            }
            pipeline = Some(word.text);
            continue;
        };
        if name.is_empty() {
            return Err(Unclear::NoName(word.text));
        }
        // As on the command line: JSON where it is JSON, and else text.
        let parsed = match word.quoted {
            true => None,
            false => serde_json::from_str(value).ok(),
        };
        let value = parsed.unwrap_or_else(|| Value::from(value));
        if parameters.insert(name.to_owned(), value).is_some() {
            return Err(Unclear::Twice(name.to_owned()));
        }
    }
    Ok(Command::Run { pipeline, parameters })
}

fn rerun(words: Vec<Word>) -> Result<Command, Unclear> {
    let (mut of, mut all) = (None, false);
    for word in words {
        match word.text.as_str() {
            "--all" | "all" => all = true,
            text if of.is_some() || text.starts_with('-') => {
                let (command, word) = ("rerun", word.text);
                return Err(Unclear::Surplus { command, word });
            }
            _ => of = Some(word.text),
        }
    }
    Ok(Command::Rerun { of, all })
}

fn only(command: &'static str, words: Vec<Word>) -> Result<Option<String>, Unclear> {
    let mut words = words.into_iter().map(|word| word.text);
    let first = words.next();
    match words.next() {
        Some(word) => Err(Unclear::Surplus { command, word }),
        None => Ok(first),
    }
}

fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|word| word.text).collect()
}

struct Word {
    text: String,
    quoted: bool,
}

/// Words between spaces; what stands in quotation marks behind a `=` may have spaces in it. Elsewhere they are signs
/// like others: people write "don't".
fn words(line: &str) -> Result<Vec<Word>, Unclear> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        let (mut text, mut quoted) = (String::new(), false);
        while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
            if !matches!(c, '"' | '\'') || !text.ends_with('=') || quoted {
                text.push(c);
                continue;
            }
            quoted = true;
            loop {
                match chars.next() {
                    Some(end) if end == c => break,
                    Some(within) => text.push(within),
                    None => return Err(Unclear::OpenQuote),
                }
            }
        }
        words.push(Word { text, quoted });
    }
}
