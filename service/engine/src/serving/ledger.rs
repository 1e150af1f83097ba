//! What the append-only promotion ledger means: which versions served, and what the next is called.

use trainyard_store::{Promotion, PromotionAction};

/// The promotions that served, oldest first; the last one serves now, the one before it is where a
/// rollback goes. A rollback takes away everything after the version it went back to.
pub fn served(ledger_oldest_first: &[Promotion]) -> Vec<&Promotion> {
    let mut stack: Vec<&Promotion> = Vec::new();
    for entry in ledger_oldest_first {
        match entry.action {
            PromotionAction::Push => stack.push(entry),
            PromotionAction::Removed => stack.clear(),
            PromotionAction::Rollback => match stack.iter().rposition(|earlier| earlier.version == entry.version) {
                Some(place) => stack.truncate(place + 1),
                None => stack.push(entry),
            },
        }
    }
    stack
}

/// The versions whose folders stay: the one that serves, and the one before it for a quick way back.
pub fn kept(served: &[&Promotion]) -> Vec<String> {
    let newest = served.iter().rev().take(2).rev();
    newest.map(|entry| entry.version.clone()).collect()
}

/// Whether a folder's name can be one of [`next_version`].
pub(super) fn is_ours(version: &str) -> bool {
    version.len() >= 6 && version.bytes().all(|digit| digit.is_ascii_digit())
}

/// Versions are counted and never used twice, rollbacks included. Zero-padded, so that servers
/// that sort versions as text take the newest for the default.
pub fn next_version(ledger: &[Promotion]) -> String {
    let newest = ledger
        .iter()
        .filter_map(|entry| entry.version.parse::<u64>().ok())
        .max()
        .unwrap_or(0);
    format!("{:06}", newest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trainyard_core::artifact::{ArtifactRef, Digest};
    use trainyard_core::ids::Micros;

    fn entry(id: i64, action: PromotionAction, version: &str) -> Promotion {
        Promotion {
            id,
            target: "flights".into(),
            pipeline: "flights".into(),
            action,
            version: version.into(),
            model: ArtifactRef {
                name: format!("run/train/{version}"),
                type_name: "Model".into(),
                digest: Digest::from_sha256(&[0; 32]),
                uri: String::new(),
                properties: Default::default(),
            },
            run: None,
            actor: "test".into(),
            evidence: serde_json::Value::Null,
            at: Micros(id),
        }
    }

    fn versions(ledger: &[Promotion]) -> Vec<&str> {
        served(ledger).into_iter().map(|entry| entry.version.as_str()).collect()
    }

    #[test]
    fn rollbacks_walk_back_and_pushes_go_on() {
        use PromotionAction::{Push, Removed, Rollback};
        let mut ledger = vec![
            entry(1, Push, "000001"),
            entry(2, Push, "000002"),
            entry(3, Push, "000003"),
        ];
        assert_eq!(versions(&ledger), ["000001", "000002", "000003"]);
        ledger.push(entry(4, Rollback, "000002"));
        assert_eq!(versions(&ledger), ["000001", "000002"]);
        ledger.push(entry(5, Rollback, "000001"));
        assert_eq!(versions(&ledger), ["000001"]);
        assert_eq!(next_version(&ledger), "000004", "a version number is never used twice");
        ledger.push(entry(6, Push, "000004"));
        assert_eq!(versions(&ledger), ["000001", "000004"]);
        ledger.push(entry(7, Removed, "000004"));
        assert!(versions(&ledger).is_empty());
    }

    /// What a person or the gate does next: a push or promotion, or a rollback.
    fn chain() -> impl Strategy<Value = Vec<bool>> {
        proptest::collection::vec(proptest::bool::weighted(0.6), 0..40)
    }

    proptest! {
        /// Against a list of what served: a push adds to it, a rollback takes the newest away.
        #[test]
        fn a_rollback_goes_to_the_last_version_that_served(pushes in chain()) {
            let mut ledger: Vec<Promotion> = Vec::new();
            let mut model: Vec<String> = Vec::new();
            for push in pushes {
                let id = i64::try_from(ledger.len()).unwrap();
                if push {
                    let version = next_version(&ledger);
                    prop_assert!(ledger.iter().all(|entry| entry.version < version), "new and last in order");
                    ledger.push(entry(id, PromotionAction::Push, &version));
                    model.push(version);
                } else if let [.., earlier, _] = served(&ledger).as_slice() {
                    let version = earlier.version.clone();
                    ledger.push(entry(id, PromotionAction::Rollback, &version));
                    model.pop();
                }
                prop_assert_eq!(versions(&ledger), model.iter().map(String::as_str).collect::<Vec<_>>());
                let stays = kept(&served(&ledger));
                prop_assert_eq!(&stays[..], &model[model.len().saturating_sub(2)..]);
                // Every version that serves came by a push of its own, whatever was rolled back since.
                prop_assert!(served(&ledger).iter().all(|entry| entry.action == PromotionAction::Push));
            }
        }
    }
}
