//! Text to [`Pipeline`], strictly.

use super::Pipeline;
use super::conform::conform;
use super::unread::KeyPath;
use crate::problem::Problem;
use crate::suggest;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_saphyr::{Error, MergeKeyPolicy, Options};

/// A pipeline file of more bytes is not read; the largest anyone wrote by hand is far below.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Reads a pipeline file: unknown and repeated keys, several documents and alias bombs are
/// problems, all of them at once. `file` is its path for messages.
pub fn parse(file: &str, text: &str) -> Result<Pipeline, Vec<Problem>> {
    pipeline(file, text).map_err(|misshapen| misshapen.problems)
}

/// As [`parse`], with what can be read of a file that is not of its shape.
pub(super) fn pipeline(file: &str, text: &str) -> Result<Pipeline, Misshapen<Pipeline>> {
    if text.trim().is_empty() {
        let hint = Some("it needs a name and steps");
        return Err(Misshapen::unreadable(Problem::whole(
            file,
            "the pipeline file is empty",
            hint,
        )));
    }
    wholly(file, text)
}

/// A file that is not of its shape.
pub(super) struct Misshapen<T> {
    /// Everything that is wrong with its shape, in the file's order.
    pub(super) problems: Vec<Problem>,
    /// The keys of which nothing is known.
    pub(super) unread: Vec<KeyPath>,
    /// What can be read of it, if anything.
    pub(super) rest: Option<Box<T>>,
}

impl<T> Misshapen<T> {
    fn unreadable(why: Problem) -> Self {
        Self {
            problems: vec![why],
            unread: Vec::new(),
            rest: None,
        }
    }
}

/// Reads a shape strictly, or says everything that is wrong with it.
pub(super) fn wholly<T: DeserializeOwned + JsonSchema>(file: &str, text: &str) -> Result<T, Misshapen<T>> {
    strictly(file, text).map_err(|first| {
        let conformed = (text.len() <= MAX_FILE_BYTES && first.line.is_some())
            .then(|| conform(file, text, &schemars::schema_for!(T).to_value()))
            .flatten();
        let Some(conformed) = conformed else {
            return Misshapen::unreadable(first);
        };
        let place = (first.line, first.column);
        let others = conformed.problems.into_iter();
        let others = others.filter(|other| (other.line, other.column) != place || other.message != first.message);
        // Of one place the reader's word counts, unless several keys are missing there.
        let missing = |problem: &Problem| problem.message.ends_with("is missing here");
        let others = others.filter(|other| (other.line, other.column) != place || missing(other));
        let mut all: Vec<Problem> = others.chain([first.clone()]).collect();
        all.sort_by_key(|problem| (problem.line, problem.column));
        Misshapen {
            problems: all,
            unread: conformed.unread,
            rest: conformed
                .rest
                .and_then(|rest| serde_json::from_value(rest).ok())
                .map(Box::new),
        }
    })
}

/// Reads any shape as strictly.
pub(super) fn strictly<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    let whole = |message: String, hint: &str| Problem::whole(file, message, Some(hint));
    if text.len() > MAX_FILE_BYTES {
        return Err(whole(
            format!("the file has {} bytes", text.len()),
            "1 MiB is the most that is read",
        ));
    }
    if text.trim().is_empty() {
        return Err(whole(
            "the file is empty".to_owned(),
            "see `trainyard schema` for its keys",
        ));
    }
    serde_saphyr::from_str_with_options(text, strict()).map_err(|error| problem(file, error.without_snippet()))
}

fn strict() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 2,
            max_depth: 64,
            max_nodes: 100_000,
            max_aliases: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 1_000,
        },
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        reject_unsupported_tags: true,
    }
}

fn problem(file: &str, error: &Error) -> Problem {
    let place = error.location().filter(|location| location.line() > 0);
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let (message, hint) = words(error);
    Problem {
        file: file.to_owned(),
        line: place.map(|location| number(location.line())),
        column: place.map(|location| number(location.column())),
        message,
        hint,
    }
}

fn words(error: &Error) -> (String, Option<String>) {
    match error {
        Error::AliasError { error, .. } => words(error),
        Error::SerdeUnknownField { field, expected, .. } => (
            format!("unknown key '{field}'"),
            Some(suggest::hint(field, expected.iter().copied())),
        ),
        Error::SerdeUnknownVariant { variant, expected, .. } => (
            format!("'{variant}' is not one of the values this key takes"),
            Some(suggest::hint(variant, expected.iter().copied())),
        ),
        Error::SerdeMissingField { field, .. } => (format!("the key '{field}' is missing here"), None),
        Error::DuplicateMappingKey { key: Some(key), .. } => (
            format!("the key '{key}' is here twice"),
            Some("keep one of them".to_owned()),
        ),
        Error::MultipleDocuments { .. } => (
            "the file holds several YAML documents".to_owned(),
            Some("keep one pipeline in a file".to_owned()),
        ),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (
            "the file grows too large when its aliases are followed".to_owned(),
            Some("write the repeated parts out".to_owned()),
        ),
        Error::SerdeInvalidType {
            unexpected, expected, ..
        }
        | Error::SerdeInvalidValue {
            unexpected, expected, ..
        } => (
            format!("{unexpected} is not what belongs here"),
            Some(format!("expected {expected}")),
        ),
        Error::Unexpected { expected, .. } => match *expected {
            "mapping start" => (
                "keys with values belong here".to_owned(),
                Some("write them as key: value".to_owned()),
            ),
            "sequence start" => ("a list belongs here".to_owned(), Some("write it as [a, b]".to_owned())),
            "string scalar" => ("a text belongs here".to_owned(), None),
            other => (format!("{other} belongs here"), None),
        },
        Error::InvalidBooleanStrict { .. } => ("true or false belongs here".to_owned(), None),
        Error::InvalidScalar { ty, .. } if ty.starts_with('u') => {
            ("a whole number of 0 or more belongs here".to_owned(), None)
        }
        Error::InvalidScalar { ty, .. } if ty.contains("float") => ("a number belongs here".to_owned(), None),
        Error::NullIntoString { .. } => ("the key has no value".to_owned(), None),
        Error::NonFiniteFloat { value, .. } => (format!("{value} is not a finite number"), None),
        other => (without_place(&other.to_string()), None),
    }
}

/// Messages of the YAML reader end in their place, which a [`Problem`] has of its own.
fn without_place(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let end = [" at line ", " (line ", " at <input>"]
        .iter()
        .filter_map(|mark| first.find(mark))
        .min();
    first[..end.unwrap_or(first.len())]
        .trim_end_matches(['.', ':', ' '])
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let problems = parse("p.yaml", text).err().unwrap_or_default();
        let shown: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
        shown.join("\n")
    }

    #[test]
    fn what_is_wrong_and_what_would_be_right() {
        let files = [
            "name: x\nstpes: {}\n",
            "name: x\nsteps:\n  a: { usse: q }\n",
            "name: x\nname: y\nsteps: {}\n",
            "name: x\n",
            "name: [1]\nsteps: {}",
            "name: x\nsteps: [1]\n",
            "name: x\nsteps:\n\ta: b\n",
            "name: x\nsteps: {}\n---\nname: y\n",
            "name: x\nsteps:\n  a: { uses: x, network: brigde }\n",
            "name: x\nsteps:\n  a: { uses: x, cache: maybe }\n",
            "name: x\nconcurrency: { max_active_runs: -1 }\nsteps: {}",
            "name: x\nsteps:\n a: \"foo\n",
            "name:\nsteps: {}\n",
            "name: x\nsteps: *foo\n",
            "name: x\nsteps: {}\nparameters: { a: .nan }\n",
            "name: x\nsteps: !!foo {}\n",
            "name: x: y\nsteps: {}\n",
            "name: x\nsteps: { a: { resources: { cpus: many } } }\n",
            "just text",
            "  \n",
            "name: x\nsteps: {}\ngate: { metrics: { auc: { change_threshold: { absolute: -0.1 } } } }\n",
            "name: x\nsteps: {}\nparameters: { a: 1, a: 2 }\n",
        ];
        let all: Vec<String> = files.iter().map(|text| said(text)).collect();
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        p.yaml:2:1: unknown key 'stpes': did you mean 'steps'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
         2 | stpes: {}
           | ^

        p.yaml:3:8: unknown key 'usse': did you mean 'uses'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
         3 |   a: { usse: q }
           |        ^

        p.yaml:2:1: the key 'name' is here twice: keep one of them
         2 | name: y
           | ^

        p.yaml:1:1: the key 'steps' is missing here
         1 | name: x
           | ^

        p.yaml:1:7: a text belongs here
         1 | name: [1]
           |       ^

        p.yaml:2:8: keys with values belong here: write them as key: value
         2 | steps: [1]
           |        ^

        p.yaml:3:2: tabs disallowed within this context (block indentation)
         3 | 	a: b
           | 	^

        p.yaml:4:1: the file holds several YAML documents: keep one pipeline in a file
         4 | name: y
           | ^

        p.yaml:3:26: 'brigde' is not one of the values this key takes: did you mean 'bridge'? known are none, bridge
         3 |   a: { uses: x, network: brigde }
           |                          ^

        p.yaml:3:24: true or false belongs here
         3 |   a: { uses: x, cache: maybe }
           |                        ^

        p.yaml:2:33: a whole number of 0 or more belongs here
         2 | concurrency: { max_active_runs: -1 }
           |                                 ^

        p.yaml:3:5: unclosed quote
         3 |  a: "foo
           |     ^

        p.yaml:1:5: the key has no value
         1 | name:
           |     ^

        p.yaml:2:8: alias references unknown anchor
         2 | steps: *foo
           |        ^

        p.yaml:3:18: .nan is not a finite number
         3 | parameters: { a: .nan }
           |                  ^

        p.yaml:2:14: unsupported tag `!!foo`
         2 | steps: !!foo {}
           |              ^

        p.yaml:1:8: mapping values are not allowed in this context
         1 | name: x: y
           |        ^

        p.yaml:2:34: a number belongs here
         2 | steps: { a: { resources: { cpus: many } } }
           |                                  ^

        p.yaml:1:1: keys with values belong here: write them as key: value
         1 | just text
           | ^

        p.yaml: the pipeline file is empty: it needs a name and steps

        p.yaml:3:47: the key 'direction' is missing here
         3 | gate: { metrics: { auc: { change_threshold: { absolute: -0.1 } } } }
           |                                               ^

        p.yaml:3:21: the key 'a' is here twice: keep one of them
         3 | parameters: { a: 1, a: 2 }
           |                     ^
        "#);
    }

    #[test]
    fn every_mistake_of_shape_is_said_at_once() {
        let files = [
            "name: x\nsteps:\n  a: { usse: q, netwrk: none, cache: maybe }\n  b: { uses: x, timeot: 3 }\ngat: {}\n",
            "nam: x\nsteps: [1]\nconcurrency: { max_active_runs: -1 }\n",
            "name: x\nsteps:\n  a: { resources: { cpus: many, memry: 1Gi }, command: python, network: brigde }\n  a: {}\n",
            "name: x\nsteps: {}\ngate: { metrics: { auc: { change_threshold: { absolute: -0.1 }, margn: 1 } }, min_slice_size: few }\npush: {}\n",
            "common: &c { image: x }\nname: x\nsteps:\n  a: { <<: *c, comand: [a] }\n",
            "name: x\nparameters: { anything: [goes, { here: 1 }] }\nsteps: {}\ndata: { d: { url: x } }\n",
        ];
        let all: Vec<String> = files.iter().map(|text| said(text)).collect();
        insta::assert_snapshot!(all.join("\n\n"), @"
        p.yaml:3:8: unknown key 'usse': did you mean 'uses'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
         3 |   a: { usse: q, netwrk: none, cache: maybe }
           |        ^
        p.yaml:3:17: unknown key 'netwrk': did you mean 'network'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
         3 |   a: { usse: q, netwrk: none, cache: maybe }
           |                 ^
        p.yaml:3:38: true or false belongs here
         3 |   a: { usse: q, netwrk: none, cache: maybe }
           |                                      ^
        p.yaml:4:17: unknown key 'timeot': did you mean 'timeout'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
         4 |   b: { uses: x, timeot: 3 }
           |                 ^
        p.yaml:5:1: unknown key 'gat': did you mean 'gate'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
         5 | gat: {}
           | ^

        p.yaml:1:1: unknown key 'nam': did you mean 'name'? known are name, parameters, on, concurrency, data, steps, gate, push, notify
         1 | nam: x
           | ^
        p.yaml:2:8: keys with values belong here: write them as key: value
         2 | steps: [1]
           |        ^
        p.yaml:3:33: a whole number of 0 or more belongs here
         3 | concurrency: { max_active_runs: -1 }
           |                                 ^

        p.yaml:3:27: a number belongs here
         3 |   a: { resources: { cpus: many, memry: 1Gi }, command: python, network: brigde }
           |                           ^
        p.yaml:3:33: unknown key 'memry': did you mean 'memory'? known are cpus, memory, shm_size, gpus, gpu_type
         3 |   a: { resources: { cpus: many, memry: 1Gi }, command: python, network: brigde }
           |                                 ^
        p.yaml:3:56: a list belongs here: write it as [a, b]
         3 |   a: { resources: { cpus: many, memry: 1Gi }, command: python, network: brigde }
           |                                                        ^
        p.yaml:3:73: 'brigde' is not one of the values this key takes: did you mean 'bridge'? known are none, bridge
         3 |   a: { resources: { cpus: many, memry: 1Gi }, command: python, network: brigde }
           |                                                                         ^
        p.yaml:4:3: the key 'a' is here twice: keep one of them
         4 |   a: {}
           |   ^

        p.yaml:3:47: the key 'direction' is missing here
         3 | gate: { metrics: { auc: { change_threshold: { absolute: -0.1 }, margn: 1 } }, min_slice_size: few }
           |                                               ^
        p.yaml:3:65: unknown key 'margn': did you mean 'margin'? known are value_threshold, change_threshold, per_slice_thresholds, cross_slice_thresholds, require, margin, min_detectable, confidence_level, suspicious_improvement, direction
         3 | gate: { metrics: { auc: { change_threshold: { absolute: -0.1 }, margn: 1 } }, min_slice_size: few }
           |                                                                 ^
        p.yaml:3:95: a whole number of 0 or more belongs here
         3 | gate: { metrics: { auc: { change_threshold: { absolute: -0.1 }, margn: 1 } }, min_slice_size: few }
           |                                                                                               ^
        p.yaml:4:7: the key 'target' is missing here
         4 | push: {}
           |       ^

        p.yaml:1:1: unknown key 'common': known are name, parameters, on, concurrency, data, steps, gate, push, notify
         1 | common: &c { image: x }
           | ^
        p.yaml:4:16: unknown key 'comand': did you mean 'command'? known are uses, with, build, image, command, inputs, after, outputs, environment, secrets, secret_environment, resources, timeout, retry, network, cache
         4 |   a: { <<: *c, comand: [a] }
           |                ^

        p.yaml:4:14: unknown key 'url': did you mean 'uri'? known are uri, window
         4 | data: { d: { url: x } }
           |              ^
        ");
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut bomb = "name: x\nsteps: {}\nparameters:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            bomb.push_str(&format!("  a{level}: &a{level} [{}]\n", vec![before; 9].join(", ")));
        }
        let problems = parse("p.yaml", &bomb).unwrap_err();
        assert_eq!(
            problems[0].message,
            "the file grows too large when its aliases are followed"
        );
        assert!(parse("p.yaml", &"[".repeat(10_000)).is_err());
        assert!(parse("p.yaml", &"x".repeat(MAX_FILE_BYTES + 1)).is_err());
    }

    #[test]
    fn anchors_in_moderation_are_fine() {
        let text = "name: x\nparameters: { a: &a 1, b: *a }\nsteps: {}\n";
        assert_eq!(parse("p.yaml", text).unwrap().parameters["b"], 1);
    }
}
