//! Whose a version in a model repository is. Only what the ledger *and* a marker of this instance prove to be its own
//! is ever removed, replaced, unloaded or renamed; everything else is somebody else's, whatever it is called.

use super::{Ledger, NotOurs};
use crate::artifact::Digest;
use crate::stored::Stored;
use serde::{Deserialize, Serialize};

/// The file in a version's folder that says who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The instance that wrote the version.
    pub instance: String,
    /// Its push target.
    pub target: String,
    /// The version of the ledger.
    pub version: String,
    /// The model.
    pub model: Digest,
}

impl Stored for Marker {
    const WHAT: &'static str = "marker of a served version";
    const VERSION: u32 = 1;
}

/// The file beside a model's configuration that says who wrote that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMarker {
    /// The instance that wrote the configuration.
    pub instance: String,
    /// Its push target.
    pub target: String,
    /// Of the bytes it wrote; two while they are replaced.
    pub digests: Vec<Digest>,
}

impl Stored for ConfigMarker {
    const WHAT: &'static str = "marker of a model's configuration";
    const VERSION: u32 = 1;
}

/// A version that is about to be written, and that the ledger does not know yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The version.
    pub version: String,
    /// The model.
    pub model: Digest,
}

/// The versions of a target that this instance began to write, written down before the first byte: after a crash they
/// prove what the ledger cannot know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

impl Stored for Attempts {
    const WHAT: &'static str = "list of attempted pushes";
    const VERSION: u32 = 1;
}

impl Attempts {
    /// How many are remembered: far more than folders that could be left.
    const LONGEST: usize = 100;

    /// Adds one that is about to be made.
    pub fn add(&mut self, attempt: Attempt) {
        self.attempts.retain(|earlier| *earlier != attempt);
        self.attempts.push(attempt);
        let surplus = self.attempts.len().saturating_sub(Self::LONGEST);
        self.attempts.drain(..surplus);
    }

    /// Whether this model was begun to be written under this version.
    pub fn contains(&self, version: &str, model: &Digest) -> bool {
        let same = |attempt: &Attempt| attempt.version == version && attempt.model == *model;
        self.attempts.iter().any(same)
    }
}

/// What a version's folder says about who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: it is older than markers, or not ours.
    None,
    /// This.
    Marker(Marker),
    /// Nothing that can be read.
    Unreadable,
}

/// Whose a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Ours, and the ledger knows it.
    Recorded,
    /// Ours, and cut off before the ledger knew it.
    Attempted,
    /// Not provably ours.
    Foreign,
}

/// What an instance can prove of one target.
#[derive(Clone, Copy, Debug)]
pub struct Proofs<'a> {
    /// The instance.
    pub instance: &'a str,
    /// The target.
    pub target: &'a str,
    /// Its ledger.
    pub ledger: &'a Ledger,
    /// What was begun.
    pub attempts: &'a Attempts,
}

impl Proofs<'_> {
    /// Whose the folder of `version` is. `same_content` says whether it holds the model of the ledger's version, and
    /// is asked only where there is no marker: older Trainyards wrote none.
    pub fn standing(&self, version: &str, mark: &Mark, same_content: impl FnOnce(&Digest) -> bool) -> Standing {
        let recorded = self.ledger.version(version).map(|entry| &entry.model.digest);
        match mark {
            Mark::Unreadable => Standing::Foreign,
            Mark::None => match recorded {
                Some(model) if same_content(model) => Standing::Recorded,
                _ => Standing::Foreign,
            },
            Mark::Marker(marker) => {
                let by_us = marker.instance == self.instance && marker.target == self.target;
                if !by_us || marker.version != version {
                    Standing::Foreign
                } else if recorded == Some(&marker.model) {
                    Standing::Recorded
                } else if self.attempts.contains(version, &marker.model) {
                    Standing::Attempted
                } else {
                    Standing::Foreign
                }
            }
        }
    }

    /// Whether a name that somebody else keeps, such as a webhook's receiver, can be a version of ours.
    pub fn knows(&self, version: &str, model: Option<&Digest>) -> bool {
        let same = |known: &Digest| model.is_none_or(|model| model == known);
        let recorded = self.ledger.version(version);
        let attempts = self.attempts.attempts.iter();
        let mut attempts = attempts.filter(|attempt| attempt.version == version);
        recorded.is_some_and(|entry| same(&entry.model.digest)) || attempts.any(|attempt| same(&attempt.model))
    }
}

/// How a model server ranks a version among others: the highest answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rank {
    /// By its number.
    Number(u64),
    /// By a number that servers cannot count beyond.
    TooHigh,
    /// Not at all: its number is higher than any that servers read in a folder's name.
    Unread,
    /// As text.
    Text(String),
    /// Above all others, since it has no version.
    Unversioned,
}

/// Servers count in 64 bits with a sign.
const HIGHEST: u64 = i64::MAX.unsigned_abs();

impl Rank {
    /// The number that a server reads in a folder's name, whatever stands around its digits; `None` if it reads none.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.trim();
        let digits = name.strip_prefix('+').unwrap_or(name);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        Some(match digits.parse::<u64>() {
            Ok(number) if number < HIGHEST => Self::Number(number),
            Ok(HIGHEST) => Self::TooHigh,
            Ok(_) | Err(_) => Self::Unread,
        })
    }

    /// Of a version that is text, which servers compare however long its number is.
    pub fn of_text(version: &str) -> Self {
        match Self::of_name(version) {
            Some(Self::Unread) => Self::TooHigh,
            Some(rank) => rank,
            None => Self::Text(version.to_owned()),
        }
    }
}

/// A version that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Where, for people.
    pub place: String,
    /// How it is ranked.
    pub rank: Rank,
}

impl Present {
    /// Whether the server would answer with it rather than with `version`, or could not tell them apart.
    fn outranks(&self, version: &str) -> bool {
        match &self.rank {
            Rank::Number(number) => version.parse().is_ok_and(|version: u64| *number >= version),
            Rank::Text(text) => text.as_str() >= version,
            Rank::TooHigh | Rank::Unversioned => true,
            Rank::Unread => false,
        }
    }
}

/// The version for the next push: above everything that was ever pushed and everything that is there.
pub fn next_above(ledger: &Ledger, present: &[Present]) -> Result<String, NotOurs> {
    let counted = ledger.next_version();
    let mut number: u64 = counted.parse().unwrap_or(1);
    for version in present {
        match version.rank {
            Rank::Number(there) => number = number.max(there + 1),
            Rank::TooHigh => {
                return Err(NotOurs::NoNumber {
                    place: version.place.clone(),
                });
            }
            Rank::Text(_) | Rank::Unversioned | Rank::Unread => {}
        }
    }
    let version = format!("{number:06}");
    if number > HIGHEST {
        return Err(NotOurs::NoNumber {
            place: format!("version {} of the ledger", number - 1),
        });
    }
    may_answer(&version, present)?;
    Ok(version)
}

/// What of others a server would answer with rather than with this version.
pub fn outranking<'a>(version: &str, others: &'a [Present]) -> Option<&'a Present> {
    others.iter().find(|other| other.outranks(version))
}

/// The number under which an earlier version serves again: its own, unless something of others has its place or would
/// answer instead of it; then one above everything that is there.
pub fn number_again(
    ledger: &Ledger,
    version: &str,
    taken: bool,
    answering: &[Present],
    present: &[Present],
) -> Result<String, NotOurs> {
    if !taken && outranking(version, answering).is_none() {
        return Ok(version.to_owned());
    }
    next_above(ledger, present)
}

/// Whether a server that has the versions of others, too, would answer with this one.
pub fn may_answer(version: &str, others: &[Present]) -> Result<(), NotOurs> {
    let Some(other) = outranking(version, others) else {
        return Ok(());
    };
    let (place, version) = (other.place.clone(), version.to_owned());
    Err(match other.rank {
        Rank::Number(_) | Rank::Unread => NotOurs::Outranks { place, version },
        Rank::TooHigh | Rank::Text(_) | Rank::Unversioned => NotOurs::AlwaysFirst { place, version },
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::artifact::samples::model;
    use crate::ids::Micros;
    use crate::registry::{Evidence, Promotion, PromotionAction, left_alone};
    use proptest::prelude::*;

    /// Versions 000001, 000002, … of models 1, 2, ….
    pub fn ledger(versions: u8) -> Ledger {
        let entry = |number: u8| Promotion {
            id: i64::from(number),
            target: "flights".into(),
            pipeline: "flights".into(),
            action: PromotionAction::Push,
            version: format!("{number:06}"),
            model: model(number),
            run: None,
            actor: "gate".into(),
            evidence: Evidence::Recorded(serde_json::Value::Null),
            at: Micros(0),
        };
        Ledger::new((1..=versions).map(entry).collect())
    }

    fn marker(instance: &str, target: &str, version: &str, content: u8) -> Mark {
        Mark::Marker(Marker {
            instance: instance.into(),
            target: target.into(),
            version: version.into(),
            model: model(content).digest,
        })
    }

    #[test]
    fn ours_is_what_ledger_and_marker_prove() {
        let ledger = ledger(3);
        let mut attempts = Attempts::default();
        attempts.add(Attempt {
            version: "000004".into(),
            model: model(4).digest,
        });
        let proofs = Proofs {
            instance: "me",
            target: "flights",
            ledger: &ledger,
            attempts: &attempts,
        };
        let mine = |version: &str, content| marker("me", "flights", version, content);
        use Standing::{Attempted, Foreign, Recorded};
        for (case, version, mark, same_content, expected) in [
            ("as written", "000003", mine("000003", 3), false, Recorded),
            (
                "another instance",
                "000003",
                marker("you", "flights", "000003", 3),
                true,
                Foreign,
            ),
            (
                "another target",
                "000003",
                marker("me", "taxi", "000003", 3),
                true,
                Foreign,
            ),
            ("copied to another name", "000003", mine("000002", 2), true, Foreign),
            (
                "another model than the ledger's",
                "000003",
                mine("000003", 9),
                true,
                Foreign,
            ),
            ("no marker, the ledger's bytes", "000003", Mark::None, true, Recorded),
            ("no marker, other bytes", "000003", Mark::None, false, Foreign),
            ("no marker, not in the ledger", "000009", Mark::None, true, Foreign),
            ("no marker, begun", "000004", Mark::None, true, Foreign),
            ("a marker nobody can read", "000003", Mark::Unreadable, true, Foreign),
            ("begun, not recorded", "000004", mine("000004", 4), false, Attempted),
            ("begun with another model", "000004", mine("000004", 5), false, Foreign),
            (
                "neither begun nor recorded",
                "000005",
                mine("000005", 5),
                false,
                Foreign,
            ),
        ] {
            assert_eq!(proofs.standing(version, &mark, |_| same_content), expected, "{case}");
        }
        assert!(proofs.knows("000003", None) && proofs.knows("000004", Some(&model(4).digest)));
        assert!(!proofs.knows("000003", Some(&model(9).digest)) && !proofs.knows("000005", None));
    }

    #[test]
    fn a_lost_ledger_makes_everything_foreign() {
        let (ledger, attempts) = (Ledger::default(), Attempts::default());
        let proofs = Proofs {
            instance: "me",
            target: "flights",
            ledger: &ledger,
            attempts: &attempts,
        };
        for mark in [Mark::None, marker("me", "flights", "000001", 1)] {
            assert_eq!(proofs.standing("000001", &mark, |_| true), Standing::Foreign);
        }
    }

    fn there(name: &str) -> Present {
        Present {
            place: format!("models/{name}"),
            rank: Rank::of_text(name),
        }
    }

    /// As TensorFlow Serving and Triton rank a folder.
    fn by_folder(name: &str) -> Present {
        Present {
            place: format!("models/{name}"),
            rank: Rank::of_name(name).unwrap(),
        }
    }

    #[test]
    fn a_rollback_goes_above_what_is_in_its_way() {
        let ledger = ledger(3);
        let said = |taken, answering: &[Present]| match number_again(&ledger, "000001", taken, answering, answering) {
            Ok(version) => version,
            Err(refusal) => refusal.sentence(),
        };
        for (case, said, expected) in [
            ("nothing there", said(false, &[]), "000001"),
            ("below it", said(false, &[there("0")]), "000001"),
            ("between two of ours", said(false, &[there("2")]), "000004"),
            ("far above", said(false, &[there("17")]), "000018"),
            ("in its place", said(true, &[there("1")]), "000004"),
            (
                "a number that no server reads",
                said(false, &[by_folder("9223372036854775808")]),
                "000001",
            ),
        ] {
            assert_eq!(said, expected, "{case}");
        }
        assert!(said(false, &[there("v1")]).contains("whatever number"));
    }

    #[test]
    fn a_push_is_numbered_above_everything_that_is_there() {
        let unversioned = Present {
            place: "models/flat".into(),
            rank: Rank::Unversioned,
        };
        let said = |present: &[Present]| match next_above(&ledger(2), present) {
            Ok(version) => version,
            Err(refusal) => refusal.sentence(),
        };
        let all = [
            said(&[]),
            said(&[there("1")]),
            said(&[there("3"), there("1697040000")]),
            said(&[there("0007")]),
            said(&[there("000041"), there("+9"), there(" 12")]),
            said(&[there("9223372036854775806")]),
            said(&[there("9223372036854775807")]),
            said(&[there("99999999999999999999999")]),
            said(&[by_folder("9223372036854775808"), by_folder("99999999999999999999999")]),
            said(&[by_folder("9223372036854775807")]),
            said(&[there("v3")]),
            said(&[there("-3")]),
            said(&[unversioned]),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        000003
        000003
        1697040001
        000008
        000042
        9223372036854775807
        models/9223372036854775807 has the highest number that model servers count to, so that no version can come after it: move it away by hand, or give the target a model name of its own
        models/99999999999999999999999 has the highest number that model servers count to, so that no version can come after it: move it away by hand, or give the target a model name of its own
        000003
        models/9223372036854775807 has the highest number that model servers count to, so that no version can come after it: move it away by hand, or give the target a model name of its own
        models/v3 was not written by this instance, and whatever number version 000003 had, the model server would answer with it: it is left alone; move it away by hand if it may go, or give the target a model name of its own
        000003
        models/flat was not written by this instance, and whatever number version 000003 had, the model server would answer with it: it is left alone; move it away by hand if it may go, or give the target a model name of its own
        ");
        assert_eq!(Rank::of_name("v3"), None);
        let mut highest = ledger(1).entries().to_vec();
        highest[0].version = HIGHEST.to_string();
        let refused = next_above(&Ledger::new(highest), &[]).unwrap_err().sentence();
        assert!(
            refused.starts_with("version 9223372036854775807 of the ledger has"),
            "{refused}"
        );
    }

    #[test]
    fn an_earlier_version_answers_only_below_nothing_of_others() {
        assert_eq!(may_answer("000002", &[there("1")]), Ok(()));
        for above in ["2", "3", "0002", "v1"] {
            assert!(may_answer("000002", &[there(above)]).is_err(), "{above}");
        }
    }

    #[test]
    fn what_stays_is_named() {
        let places: Vec<String> = (1..=7).map(|number| format!("/models/{number}")).collect();
        let said = [&places[..0], &places[..1], &places[..3], &places[..]].map(left_alone);
        insta::assert_snapshot!(said.map(Option::unwrap_or_default).join("\n"), @r"

        /models/1 is not provably this instance's and stays: a push goes above it; remove by hand what nobody needs any more
        /models/1, /models/2, /models/3 are not provably this instance's and stay: a push goes above them; remove by hand what nobody needs any more
        /models/1, /models/2, /models/3, /models/4, /models/5 and 2 more are not provably this instance's and stay: a push goes above them; remove by hand what nobody needs any more
        ");
    }

    #[test]
    fn so_many_attempts_are_remembered() {
        let mut attempts = Attempts::default();
        for number in 0..200 {
            let version = format!("{number:06}");
            attempts.add(Attempt {
                version: version.clone(),
                model: model(1).digest,
            });
            assert!(attempts.contains(&version, &model(1).digest));
        }
        assert_eq!(attempts.attempts.len(), Attempts::LONGEST);
    }

    proptest! {
        #[test]
        fn the_next_version_answers_or_there_is_none(
            recorded in 0_u8..9,
            names in proptest::collection::vec("[+ ]?0{0,3}[0-9]{1,20}|v[0-9]|[A-Z]{2}", 0..6),
        ) {
            let present: Vec<_> = names.iter().map(|name| there(name)).collect();
            if let Ok(version) = next_above(&ledger(recorded), &present) {
                prop_assert!(may_answer(&version, &present).is_ok());
                let number: u64 = version.parse().unwrap();
                prop_assert!(number > u64::from(recorded));
                for name in &names {
                    if let Some(Rank::Number(there)) = Rank::of_name(name) {
                        prop_assert!(there < number);
                    }
                }
            }
        }
    }
}
