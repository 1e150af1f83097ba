//! Where a drift ends that the next push repairs, and where a disagreement begins that a person decides.

use super::{Attempts, Ledger};
use crate::artifact::Digest;
use crate::run::Disagreement;

/// Who says that a version is whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A mark of this instance, or the receiver's own word.
    Ours,
    /// Nothing but its name.
    Unsaid,
    /// Another instance, or somebody who has no marks.
    Others,
}

/// What a target was found to serve, or of ours to have first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It does not answer, or cannot be asked.
    Silent,
    /// No version.
    Nothing,
    /// A version.
    Serves {
        /// Its name in the ledger.
        version: String,
        /// Its model, where the target can tell.
        model: Option<Digest>,
        /// Whose it is.
        whose: Whose,
    },
}

/// How a target is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// By its folder, from which people and failed pushes remove and leave things.
    Folder,
    /// By the receiver's word.
    Word,
}

/// What only a person can decide about a target, after every open intent was settled. What others did to it, a folder
/// that was removed, and what a withdrawn intent left in a folder, is no such thing: a push goes above it.
pub fn disagreement(ledger: &Ledger, intents: &Attempts, sight: Sight, seen: &Sighting) -> Option<Disagreement> {
    let Sighting::Serves { version, model, whose } = seen else {
        return None;
    };
    if *whose == Whose::Others {
        return None;
    }
    let serving = ledger.serving().map(|serving| serving.pushed);
    let says = serving.map(|entry| entry.version.clone());
    if let Some(entry) = ledger.version(version) {
        let recorded = &entry.model.digest;
        return match model {
            Some(model) if model != recorded => Some(Disagreement::OtherModel {
                version: version.clone(),
                model: model.clone(),
                recorded: recorded.clone(),
            }),
            // The same bytes under another number are no other model.
            _ if serving.is_some_and(|serving| serving.model.digest == *recorded) => None,
            // The version before it answers where the folder of what serves was removed.
            _ if sight == Sight::Folder && ledger.kept().contains(version) => None,
            _ => Some(Disagreement::Earlier {
                version: version.clone(),
                ledger: says,
            }),
        };
    }
    let begun = |model: &Digest| intents.contains(version, model);
    if sight == Sight::Folder && model.as_ref().is_some_and(begun) {
        return None;
    }
    let named_like_ours = || {
        let number = version.parse::<u64>();
        number.is_ok_and(|number| format!("{number:06}") == *version) && !ledger.is_empty()
    };
    let known = || intents.attempts.iter().any(|attempt| attempt.version == *version);
    (*whose == Whose::Ours || named_like_ours() || known()).then(|| Disagreement::Unrecorded {
        version: version.clone(),
        model: model.clone(),
        ledger: says,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::samples::model;
    use crate::registry::{Attempt, ownership};

    /// Versions 000001 to 000003 of models 1 to 3.
    fn ledger() -> Ledger {
        ownership::tests::ledger(3)
    }

    fn found(ledger: &Ledger, sight: Sight, version: &str, digest: Option<u8>, whose: Whose) -> String {
        let mut intents = Attempts::default();
        intents.add(Attempt {
            version: "000004".to_owned(),
            model: model(4).digest,
        });
        let seen = Sighting::Serves {
            version: version.to_owned(),
            model: digest.map(|number| model(number).digest),
            whose,
        };
        match disagreement(ledger, &intents, sight, &seen) {
            None => "none",
            Some(Disagreement::Unrecorded { .. }) => "unrecorded",
            Some(Disagreement::OtherModel { .. }) => "other model",
            Some(Disagreement::Earlier { .. }) => "earlier",
        }
        .to_owned()
    }

    #[test]
    fn who_decides() {
        use Sight::{Folder, Word};
        use Whose::{Others, Ours, Unsaid};
        let (full, empty) = (ledger(), Ledger::default());
        for (case, ledger, sight, version, digest, whose, expected) in [
            ("as the ledger says", &full, Folder, "000003", Some(3), Ours, "none"),
            ("by its word", &full, Word, "000003", None, Unsaid, "none"),
            (
                "another model under its number",
                &full,
                Folder,
                "000003",
                Some(9),
                Ours,
                "other model",
            ),
            (
                "by its word, too",
                &full,
                Word,
                "000003",
                Some(9),
                Unsaid,
                "other model",
            ),
            ("the folder was removed", &full, Folder, "000002", Some(2), Ours, "none"),
            (
                "the folder is an old backup",
                &full,
                Folder,
                "000001",
                Some(1),
                Ours,
                "earlier",
            ),
            ("the receiver went back", &full, Word, "000002", None, Unsaid, "earlier"),
            (
                "the ledger is an old backup",
                &full,
                Folder,
                "000007",
                Some(7),
                Ours,
                "unrecorded",
            ),
            (
                "and the receiver says so",
                &full,
                Word,
                "000007",
                Some(7),
                Ours,
                "unrecorded",
            ),
            ("or only looks so", &full, Word, "000007", None, Unsaid, "unrecorded"),
            ("another's", &full, Word, "000007", None, Others, "none"),
            ("a name that is none of ours", &full, Word, "blue", None, Unsaid, "none"),
            (
                "left by a withdrawn push",
                &full,
                Folder,
                "000004",
                Some(4),
                Ours,
                "none",
            ),
            (
                "another model than the withdrawn",
                &full,
                Folder,
                "000004",
                Some(5),
                Ours,
                "unrecorded",
            ),
            (
                "a withdrawn push that acted late",
                &full,
                Word,
                "000004",
                Some(4),
                Unsaid,
                "unrecorded",
            ),
            ("before the first push", &empty, Word, "000007", None, Unsaid, "none"),
            ("a lost ledger", &empty, Folder, "000007", Some(7), Ours, "unrecorded"),
        ] {
            assert_eq!(found(ledger, sight, version, digest, whose), expected, "{case}");
        }
        for seen in [Sighting::Silent, Sighting::Nothing] {
            assert_eq!(disagreement(&full, &Attempts::default(), Word, &seen), None);
        }
    }
}
