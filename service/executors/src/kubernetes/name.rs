//! What our jobs are called, and what they say about themselves. The same key always has the same job.

use crate::contract::AttemptKey;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeId;

/// The label with whose a job is.
pub(super) const OWNER: &str = "trainyard.io/owner";
/// The label with the job's name, for its pods.
pub(super) const JOB: &str = "trainyard.io/job";
const RUN: &str = "trainyard.io/run";
const NODE: &str = "trainyard.io/node";
const ATTEMPT: &str = "trainyard.io/attempt";
/// Kubernetes' own longest label; a pod's name is longer than its job's.
const LONGEST_STEP: usize = 24;

/// `trainyard-train-1-0123456789abcdef`: for people, and then what tells attempts apart.
pub(super) fn job(owner: &str, key: &AttemptKey) -> String {
    let hash = hex::encode(Sha256::digest(format!("{owner}\n{}", key.folder())));
    let lower = key.node.to_string().to_lowercase();
    let plain: String = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let step: String = plain.chars().take(LONGEST_STEP).collect();
    format!("trainyard-{}-{}-{}", step.trim_matches('-'), key.attempt, &hash[..16])
}

/// The folder of the bucket that is the attempt's own.
pub(super) fn folder(owner: &str, key: &AttemptKey) -> String {
    format!("attempts/{owner}/{}", job(owner, key))
}

pub(super) fn labels(owner: &str, name: &str) -> BTreeMap<String, String> {
    [
        (OWNER, owner),
        (JOB, name),
        ("app.kubernetes.io/managed-by", "trainyard"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Names of nodes are longer than labels may be.
pub(super) fn annotations(key: &AttemptKey) -> BTreeMap<String, String> {
    [
        (RUN, key.run.to_string()),
        (NODE, key.node.to_string()),
        (ATTEMPT, key.attempt.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The attempt that these annotations name.
pub(super) fn key(annotations: &BTreeMap<String, String>) -> Option<AttemptKey> {
    Some(AttemptKey {
        run: RunId::new(annotations.get(RUN)?.as_str()),
        node: NodeId::parse(annotations.get(NODE)?),
        attempt: annotations.get(ATTEMPT)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_are_names_of_kubernetes_and_tell_attempts_apart(node in "[a-zA-Z0-9_.-]{1,80}", attempt in 1u32..100, run in "[a-z0-9-]{1,40}") {
            let key = AttemptKey::new(&RunId::new(run.as_str()), NodeId::parse(&node), attempt);
            let name = job("owner", &key);
            prop_assert!(name.len() <= 57 && name.starts_with("trainyard-") && !name.ends_with('-'), "{name}");
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
            prop_assert_eq!(&name, &job("owner", &key));
            let other = AttemptKey { attempt: attempt + 1, ..key.clone() };
            prop_assert!(job("owner", &other) != name && job("another", &key) != name);
            prop_assert_eq!(super::key(&annotations(&key)), Some(key));
        }
    }
}
