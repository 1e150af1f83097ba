//! Must a step run, or does an earlier execution with the same key stand in?

use crate::artifact::Digest;
use crate::placeholder::parameter_text;
use crate::plan::PlannedStep;
use crate::span::SpanContent;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Raised when the meaning of a pre-image changes, so that no older execution stands in.
pub const KEY_VERSION: u32 = 1;

/// Everything a step's outputs depend on, as JSON. Stored beside the key so that [`explain`] can
/// say what changed.
///
/// `inputs` has every input of the step, `None` where there is nothing (no baseline model yet);
/// `spans` are the external files it reads, if it is an example-gen. Resources, timeout and retry
/// are not in it, because they change whether a step finishes and not what it makes.
pub fn preimage(
    step: &PlannedStep,
    image_id: Option<&str>,
    inputs: &BTreeMap<String, Option<Digest>>,
    spans: &[SpanContent],
) -> Value {
    let mut preimage = json!({
        "key_version": KEY_VERSION,
        "component": step.component,
        "image": image_id,
        "command": step.command,
        // All of them, because task.json shows a program all of them.
        "parameters": step.parameters,
        "environment": step.environment,
        "network": step.network,
        "inputs": inputs,
        "spans": spans,
        "outputs": step.outputs,
    });
    // By name, never by value: a password that is changed changes nothing that was made.
    if !step.secrets.is_empty() {
        let names = step
            .secrets
            .iter()
            .map(|(place, secret)| (place.clone(), Value::from(secret.name.as_str())));
        preimage["secrets"] = names.collect::<Map<_, _>>().into();
    }
    preimage
}

/// The key: 64 lowercase hex digits of SHA-256 over the pre-image with sorted keys.
pub fn key(preimage: &Value) -> String {
    let mut canonical = String::new();
    write_canonical(preimage, &mut canonical);
    hex::encode(Sha256::digest(canonical.as_bytes()))
}

/// Whether two pre-images of a step are of the same program with the same settings, whatever data
/// each read.
pub fn differs_in_data_only(one: &Value, other: &Value) -> bool {
    let program = |preimage: &Value| {
        let mut fields = preimage.as_object().cloned().unwrap_or_default();
        fields.retain(|field, _| field != "inputs" && field != "spans");
        fields
    };
    program(one) == program(other)
}

/// JSON without spaces, object keys sorted by their bytes.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Which parts of two pre-images of a step differ, one sentence each; empty if none does.
pub fn explain(old: &Value, new: &Value) -> Vec<String> {
    let mut sentences = Vec::new();
    for (part, what) in [
        ("component", "the component"),
        ("image", "the image"),
        ("network", "the network access"),
    ] {
        if old[part] != new[part] {
            sentences.push(format!(
                "{what} changed from {} to {}",
                short(&old[part]),
                short(&new[part])
            ));
        }
    }
    if old["command"] != new["command"] {
        sentences.push(format!(
            "the command changed from {} to {}",
            command(&old["command"]),
            command(&new["command"])
        ));
    }
    for (part, what) in [
        ("parameters", "parameter"),
        ("environment", "environment variable"),
        ("secrets", "secret"),
        ("inputs", "input"),
        ("outputs", "the type of output"),
    ] {
        entries(what, &by_name(&old[part]), &by_name(&new[part]), &mut sentences);
    }
    data(&old["spans"], &new["spans"], &mut sentences);
    if sentences.is_empty() && key(old) != key(new) {
        sentences.push("this version of Trainyard computes keys in another way".to_owned());
    }
    sentences
}

fn entries(what: &str, old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>, sentences: &mut Vec<String>) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) if before != after => {
                let (mut from, mut to) = (short(before), short(after));
                if from == to {
                    (from, to) = (before.to_string(), after.to_string());
                }
                sentences.push(format!("{what} {name} changed from {from} to {to}"));
            }
            (Some(_), None) => sentences.push(format!("{what} {name} is gone")),
            (None, Some(after)) => sentences.push(format!("{what} {name} is new: {}", short(after))),
            _ => {}
        }
    }
}

/// External data: a file that is read no more may well be there, for the window has moved on.
fn data(old: &Value, new: &Value, sentences: &mut Vec<String>) {
    let (before, after) = (by_file(old), by_file(new));
    let (read, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
        before.into_iter().partition(|(file, _)| after.contains_key(file));
    let span_of = |spans: &Value, file: &str| {
        let spans = spans.as_array().map(Vec::as_slice).unwrap_or_default();
        let found = spans.iter().find(|span| span["file"].as_str() == Some(file));
        found.and_then(|span| span["span"].as_i64())
    };
    let now: Vec<i64> = after.keys().filter_map(|file| span_of(new, file)).collect();
    for file in left.keys() {
        let why = match (span_of(old, file), now.iter().min(), now.iter().max()) {
            (Some(span), Some(first), Some(last)) if span < *first || span > *last => "it is outside the window",
            (Some(span), ..) if now.contains(&span) => {
                "other files stand for its span: a newer version, or it was removed"
            }
            _ => "it is excluded from the window, or it was removed",
        };
        sentences.push(format!("the data of span {file} is not read any more: {why}"));
    }
    entries("the data of span", &read, &after, sentences);
}

fn by_name(section: &Value) -> BTreeMap<String, Value> {
    section
        .as_object()
        .map(Map::iter)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn by_file(spans: &Value) -> BTreeMap<String, Value> {
    let spans = spans.as_array().map(Vec::as_slice).unwrap_or_default();
    spans
        .iter()
        .filter_map(|span| Some((span["file"].as_str()?.to_owned(), span["digest"].clone())))
        .collect()
}

fn command(value: &Value) -> String {
    let words = value.as_array().map(Vec::as_slice).unwrap_or_default();
    format!("'{}'", words.iter().map(parameter_text).collect::<Vec<_>>().join(" "))
}

/// A value for people: digests by their first digits, nothing as `nothing`, long ones cut.
fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => match Digest::parse(text) {
            Ok(digest) => format!("sha256:{}…", digest.short()),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    };
    if text.chars().count() <= MOST {
        text
    } else {
        text.chars().take(MOST - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Gpus;
    use crate::ids::StepName;
    use crate::plan::{NetworkAccess, PlannedSecret};
    use proptest::prelude::*;

    fn step() -> PlannedStep {
        crate::spec::tests::flights().steps[&StepName::from("train")].clone()
    }

    fn digest(byte: u8) -> Digest {
        Digest::from_sha256(&[byte; 32])
    }

    fn inputs() -> BTreeMap<String, Option<Digest>> {
        [("transformed".to_owned(), Some(digest(1))), ("graph".to_owned(), None)].into()
    }

    fn span(byte: u8) -> SpanContent {
        SpanContent {
            span: 3,
            version: None,
            file: "2013-01.parquet".to_owned(),
            digest: digest(byte),
        }
    }

    fn secret(name: &str) -> PlannedSecret {
        PlannedSecret {
            name: name.to_owned(),
            environment: false,
            unreviewed: false,
        }
    }

    fn base() -> Value {
        preimage(&step(), Some(digest(9).as_str()), &inputs(), &[span(1)])
    }

    #[test]
    fn every_part_counts_and_is_explained() {
        let mut seen = vec![key(&base())];
        let mut sentences = Vec::new();
        let mut differs = |what: &str, changed: Value| {
            let new = key(&changed);
            assert!(!seen.contains(&new), "{what}");
            seen.push(new);
            sentences.extend(explain(&base(), &changed));
        };
        let image = digest(9).as_str().to_owned();
        let with = |change: fn(&mut PlannedStep)| {
            let mut step = step();
            change(&mut step);
            preimage(&step, Some(&image), &inputs(), &[span(1)])
        };
        differs("component", with(|s| s.component = "Tuner".to_owned()));
        differs("command", with(|s| s.command.push("--fast".to_owned())));
        differs(
            "parameter",
            with(|s| _ = s.parameters.insert("learning_rate".to_owned(), json!(0.2))),
        );
        differs(
            "parameter type",
            with(|s| _ = s.parameters.insert("learning_rate".to_owned(), json!("0.1"))),
        );
        differs(
            "parameter gone",
            with(|s| _ = s.parameters.shift_remove("learning_rate")),
        );
        differs(
            "environment",
            with(|s| _ = s.environment.insert("SEED".to_owned(), "1".to_owned())),
        );
        differs(
            "output",
            with(|s| _ = s.outputs.insert("model".to_owned(), "Other".to_owned())),
        );
        differs(
            "secret",
            with(|s| _ = s.secrets.insert("PASSWORD".to_owned(), secret("lake"))),
        );
        differs("network", with(|s| s.network = NetworkAccess::Bridge));
        differs("image", preimage(&step(), None, &inputs(), &[span(1)]));
        let mut other = inputs();
        other.insert("transformed".to_owned(), Some(digest(2)));
        differs("input", preimage(&step(), Some(&image), &other, &[span(1)]));
        other.remove("transformed");
        differs("input gone", preimage(&step(), Some(&image), &other, &[span(1)]));
        differs("span", preimage(&step(), Some(&image), &inputs(), &[span(2)]));
        let of = |span: i64, version: i64| SpanContent {
            span,
            version: Some(version),
            file: format!("{span}-v{version}.csv"),
            digest: digest(u8::try_from(span).unwrap()),
        };
        let then = preimage(
            &step(),
            Some(&image),
            &inputs(),
            &[of(1, 1), of(2, 1), of(3, 1), of(4, 1)],
        );
        let now = preimage(&step(), Some(&image), &inputs(), &[of(2, 2), of(4, 1), of(5, 1)]);
        let mut version = base();
        version["key_version"] = json!(0);
        differs("key version", version);
        sentences.extend(explain(&then, &now));
        insta::assert_snapshot!(sentences.join("\n"), @r#"
        the component changed from Trainer to Tuner
        the command changed from 'python train.py --examples {{inputs.transformed}} --model={{outputs.model}} {{parameters.learning_rate}}' to 'python train.py --examples {{inputs.transformed}} --model={{outputs.model}} {{parameters.learning_rate}} --fast'
        parameter learning_rate changed from 0.1 to 0.2
        parameter learning_rate changed from 0.1 to "0.1"
        parameter learning_rate is gone
        environment variable SEED is new: 1
        the type of output model changed from Model to Other
        secret PASSWORD is new: lake
        the network access changed from none to bridge
        the image changed from sha256:090909090909… to nothing
        input transformed changed from sha256:010101010101… to sha256:020202020202…
        input transformed is gone
        the data of span 2013-01.parquet changed from sha256:010101010101… to sha256:020202020202…
        this version of Trainyard computes keys in another way
        the data of span 1-v1.csv is not read any more: it is outside the window
        the data of span 2-v1.csv is not read any more: other files stand for its span: a newer version, or it was removed
        the data of span 3-v1.csv is not read any more: it is excluded from the window, or it was removed
        the data of span 2-v2.csv is new: sha256:020202020202…
        the data of span 5-v1.csv is new: sha256:050505050505…
        "#);
    }

    #[test]
    fn limits_do_not_count() {
        let mut step = step();
        (step.cpus, step.memory_bytes, step.timeout_seconds) = (None, None, 1);
        step.shm_bytes = Some(1 << 30);
        step.gpus = Some(Gpus { count: 1, model: None });
        step.retry.max_retry_count = 9;
        step.cache = !step.cache;
        assert_eq!(preimage(&step, Some(digest(9).as_str()), &inputs(), &[span(1)]), base());
        assert!(explain(&base(), &base()).is_empty());
    }

    #[test]
    fn the_key_of_today_is_the_key_of_tomorrow() {
        // A change here makes every cached execution of every user useless: raise KEY_VERSION knowingly.
        insta::assert_snapshot!(key(&json!({"b": [1, 0.1, null], "a": {"ü": "x\n"}})), @"8193b0887b4c41f523b9aefc29a4d48a861ecaa61f7c4eb6a083d460d5ccec3e");
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(map.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect()),
            Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
            scalar => scalar.clone(),
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_memo_is_in_no_key() {
        let mut remembers = step();
        remembers.memo = Some(crate::plan::Memo {
            output: "statistics".to_owned(),
            input: "stored_statistics".to_owned(),
        });
        let with = preimage(&remembers, Some(digest(9).as_str()), &inputs(), &[span(1)]);
        assert_eq!(with, base());
    }

    proptest! {
        /// What is remembered comes from the same program: other data alone does not count, anything else does.
        #[test]
        fn data_is_told_from_program(inputs in json_value(), spans in json_value(), field in 0..9_usize, value in json_value()) {
            let mut other = base();
            other["inputs"] = inputs;
            other["spans"] = spans;
            prop_assert!(differs_in_data_only(&base(), &other));
            let fields: Vec<String> = base().as_object().unwrap().keys().cloned().collect();
            let field = &fields[field % fields.len()];
            other[field.as_str()] = value.clone();
            let same = ["inputs", "spans"].contains(&field.as_str()) || value == base()[field.as_str()];
            prop_assert_eq!(differs_in_data_only(&base(), &other), same);
        }

        #[test]
        fn the_order_of_maps_does_not_count(value in json_value()) {
            prop_assert_eq!(key(&value), key(&reversed(&value)));
        }

        #[test]
        fn different_values_have_different_keys(a in json_value(), b in json_value()) {
            prop_assert_eq!(a == b, key(&a) == key(&b));
        }

        #[test]
        fn explaining_never_panics(a in json_value(), b in json_value()) {
            explain(&a, &b);
        }
    }
}
