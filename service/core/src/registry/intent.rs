//! A change of a target, from its intent to its end. The intent is in the ledger's database, with its number and its
//! digest, before the first byte goes to the target; what the target is found to serve says how it ended.
//!
//! `begun → sent → read back → recorded`, or `withdrawn`, or for a while `unknown`. After a crash a stored intent is
//! taken for sent: nobody can tell how far it came.

use super::{NewPromotion, PromotionAction};
use crate::artifact::Digest;
use crate::ids::Micros;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who wants what of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentAction {
    /// A run pushes its approved model.
    Push,
    /// A person promotes a model.
    Promote,
    /// A person goes back to an earlier model.
    Rollback,
}

impl IntentAction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Push, Self::Promote, Self::Rollback];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }

    /// The entry that the ledger gets of it.
    pub fn promotion(self) -> PromotionAction {
        match self {
            Self::Push | Self::Promote => PromotionAction::Push,
            Self::Rollback => PromotionAction::Rollback,
        }
    }
}

/// An intent that is about to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIntent {
    /// Who wants what.
    pub action: IntentAction,
    /// The entry that the ledger gets when it is done; its version is the number.
    pub entry: NewPromotion,
    /// Whether the number is new; a rollback may go back to an earlier one, of the same model.
    pub fresh: bool,
}

/// What became of an intent, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// It may be on its way, or have come to pass.
    Begun,
    /// Nobody knows whether it came to pass: the target is read back until that is known.
    Unknown,
    /// It came to pass, and the ledger has its entry.
    Recorded,
    /// It did not come to pass. Its number names nothing, for ever.
    Withdrawn,
}

impl IntentState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Begun, Self::Unknown, Self::Recorded, Self::Withdrawn];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Unknown => "unknown",
            Self::Recorded => "recorded",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether nothing else may be sent to the target yet.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Begun | Self::Unknown)
    }
}

/// An intent as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Grows with every intent.
    pub id: i64,
    /// Who wants what.
    pub action: IntentAction,
    /// What became of it.
    pub state: IntentState,
    /// The entry that the ledger gets when it is done.
    pub entry: NewPromotion,
    /// Why it is unknown or was withdrawn.
    pub reason: Option<String>,
    /// When it was begun.
    pub at: Micros,
}

impl Intent {
    /// That nobody knows what became of it, what is done about it, and what a person can do.
    pub fn unknown(&self) -> String {
        let because = self.reason.as_ref().map(|reason| format!(" ({reason})"));
        let (version, target) = (&self.entry.version, &self.entry.target);
        format!(
            "it is unknown whether version {version} serves at target '{target}'{}: the target is read back until that is known, and nothing else is pushed there meanwhile; who knows that it serves says so with `trainyard targets reconcile {target} --keep-served --reason WHY`, and who knows that it does not with `--restore-ledger` in place of `--keep-served`",
            because.unwrap_or_default()
        )
    }
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The intent is stored, and nothing was sent.
    Begun,
    /// Something was sent, or may have been.
    Sent,
    /// It may have come to pass.
    Unknown,
    /// The target was found to serve it.
    ReadBack,
    /// The ledger has its entry.
    Recorded,
    /// It did not come to pass.
    Withdrawn,
}

/// What one look at the target says of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The target serves this version of this model.
    This,
    /// It does not yet, and what was sent may still be at work.
    NotYet,
    /// It does not.
    Another,
    /// It says nothing.
    Silent,
}

impl Look {
    /// What a version, and a digest where the target can tell it, say of the wanted ones.
    pub fn compared(version: &str, model: &Digest, found: &str, digest: Option<&Digest>) -> Self {
        match found == version && digest.is_none_or(|digest| digest == model) {
            true => Self::This,
            false => Self::Another,
        }
    }

    /// What was sent and has not come to pass in all this time will not.
    pub fn with_patience(self, waited: Duration, patience: Duration) -> Self {
        match self {
            Self::NotYet if waited >= patience => Self::Another,
            look => look,
        }
    }
}

/// What happens to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentEvent {
    /// The first byte goes to the target.
    Sending,
    /// Nobody heard it, or the target said no and is as it was.
    Undone,
    /// The target did not say what came of it: it closed, hung, or its status page died.
    Lost,
    /// The target was looked at.
    Looked(Look),
    /// The process died, and another one reads what is stored.
    Restarted,
    /// The ledger has the entry.
    Stored,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Begun,
        Self::Sent,
        Self::Unknown,
        Self::ReadBack,
        Self::Recorded,
        Self::Withdrawn,
    ];

    /// The stage after an event; `None` where it cannot happen.
    pub fn after(self, event: IntentEvent) -> Option<Self> {
        use IntentEvent::{Looked, Lost, Restarted, Sending, Stored, Undone};
        Some(match (self, event) {
            (Self::Recorded | Self::Withdrawn, Restarted) => self,
            (Self::Recorded | Self::Withdrawn, _) => return None,
            (Self::Begun, Sending) => Self::Sent,
            (_, Restarted) => Self::Unknown,
            (Self::Begun | Self::Sent, Undone) => Self::Withdrawn,
            (Self::Sent, Lost) => Self::Unknown,
            (Self::Sent | Self::Unknown, Looked(Look::This)) => Self::ReadBack,
            (Self::Sent | Self::Unknown, Looked(Look::Another)) => Self::Withdrawn,
            (Self::Sent | Self::Unknown, Looked(Look::NotYet | Look::Silent)) => Self::Unknown,
            (Self::ReadBack, Stored) => Self::Recorded,
            _ => return None,
        })
    }

    /// What is stored of it.
    pub fn stored(self) -> IntentState {
        match self {
            Self::Begun | Self::Sent | Self::ReadBack => IntentState::Begun,
            Self::Unknown => IntentState::Unknown,
            Self::Recorded => IntentState::Recorded,
            Self::Withdrawn => IntentState::Withdrawn,
        }
    }
}

/// How long to wait before a target is read back again, after so many looks that said nothing.
pub fn until_next_look(looks: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(30);
    FIRST.saturating_mul(1 << looks.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::samples::model;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const EVENTS: [IntentEvent; 9] = [
        IntentEvent::Sending,
        IntentEvent::Undone,
        IntentEvent::Lost,
        IntentEvent::Looked(Look::This),
        IntentEvent::Looked(Look::NotYet),
        IntentEvent::Looked(Look::Another),
        IntentEvent::Looked(Look::Silent),
        IntentEvent::Restarted,
        IntentEvent::Stored,
    ];

    #[test]
    fn every_stage_and_every_event() {
        let mut table = String::new();
        for stage in Stage::ALL {
            for event in EVENTS {
                if let Some(next) = stage.after(event) {
                    table.push_str(&format!("{stage:?} + {event:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(table, @"
        Begun + Sending -> Sent
        Begun + Undone -> Withdrawn
        Begun + Restarted -> Unknown
        Sent + Undone -> Withdrawn
        Sent + Lost -> Unknown
        Sent + Looked(This) -> ReadBack
        Sent + Looked(NotYet) -> Unknown
        Sent + Looked(Another) -> Withdrawn
        Sent + Looked(Silent) -> Unknown
        Sent + Restarted -> Unknown
        Unknown + Looked(This) -> ReadBack
        Unknown + Looked(NotYet) -> Unknown
        Unknown + Looked(Another) -> Withdrawn
        Unknown + Looked(Silent) -> Unknown
        Unknown + Restarted -> Unknown
        ReadBack + Restarted -> Unknown
        ReadBack + Stored -> Recorded
        Recorded + Restarted -> Recorded
        Withdrawn + Restarted -> Withdrawn
        ");
    }

    #[test]
    fn looks_are_ever_further_apart() {
        let waits: Vec<_> = (0..12).map(until_next_look).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(
            (waits[0], waits[11]),
            (Duration::from_millis(250), Duration::from_secs(30))
        );
        assert_eq!(until_next_look(u32::MAX), Duration::from_secs(30));
    }

    #[test]
    fn a_number_alone_is_not_enough_where_the_digest_is_told() {
        let wanted = model(1).digest;
        let other = model(2).digest;
        for (found, digest, look) in [
            ("000002", None, Look::This),
            ("000002", Some(&wanted), Look::This),
            ("000002", Some(&other), Look::Another),
            ("000001", Some(&wanted), Look::Another),
        ] {
            assert_eq!(Look::compared("000002", &wanted, found, digest), look);
        }
        let second = Duration::from_secs(1);
        assert_eq!(Look::NotYet.with_patience(second, second * 2), Look::NotYet);
        assert_eq!(Look::NotYet.with_patience(second * 2, second), Look::Another);
        assert_eq!(Look::Silent.with_patience(second * 2, second), Look::Silent);
    }

    /// A target that answers late, or not at all, and a service that dies at any time.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        None,
        NotHeard,
        Acted,
        DiedBefore,
        DiedAfter,
        DiedBeforeTheLedger,
        Silent(u8),
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            Just(Fault::None),
            Just(Fault::NotHeard),
            Just(Fault::Acted),
            Just(Fault::DiedBefore),
            Just(Fault::DiedAfter),
            Just(Fault::DiedBeforeTheLedger),
            (0_u8..5).prop_map(Fault::Silent),
        ]
    }

    proptest! {
        #[test]
        fn what_is_recorded_was_read_back_and_what_ended_stays_so(
            events in proptest::collection::vec(proptest::sample::select(EVENTS.to_vec()), 0..30),
        ) {
            let (mut stage, mut seen) = (Stage::Begun, false);
            for event in events {
                let Some(next) = stage.after(event) else { continue };
                seen |= event == IntentEvent::Looked(Look::This);
                prop_assert!(stage.stored().is_open() || next == stage, "{stage:?} is an end");
                prop_assert!(next != Stage::Recorded || seen, "recorded unseen");
                stage = next;
            }
        }

        /// An endpoint that takes the first model of a number and no other: whatever happens, the ledger says what it
        /// serves, no number names two models, and no push of the same approval acts twice.
        #[test]
        fn ledger_and_target_are_of_one_mind(faults in proptest::collection::vec(fault(), 1..30)) {
            let mut highest = 0_u64;
            let mut endpoint: BTreeMap<u64, usize> = BTreeMap::new();
            let mut serving = None;
            let mut ledger: Vec<(u64, usize)> = Vec::new();
            let mut numbers = BTreeSet::new();
            for (model, fault) in faults.into_iter().enumerate() {
                highest += 1;
                prop_assert!(numbers.insert(highest), "a number twice");
                let mut stage = Stage::Begun;
                let mut step = |event| match stage.after(event) {
                    Some(next) => { stage = next; true }
                    None => false,
                };
                let heard = !matches!(fault, Fault::NotHeard | Fault::DiedBefore);
                if !matches!(fault, Fault::DiedBefore) {
                    prop_assert!(step(IntentEvent::Sending));
                }
                if heard {
                    serving = Some((highest, *endpoint.entry(highest).or_insert(model)));
                }
                match fault {
                    Fault::NotHeard => { prop_assert!(step(IntentEvent::Undone)); }
                    Fault::Acted => { prop_assert!(step(IntentEvent::Lost)); }
                    Fault::DiedBefore | Fault::DiedAfter => { prop_assert!(step(IntentEvent::Restarted)); }
                    Fault::Silent(looks) => for _ in 0..=looks {
                        prop_assert!(step(IntentEvent::Looked(Look::Silent)));
                    },
                    Fault::None | Fault::DiedBeforeTheLedger => {}
                }
                if stage.stored().is_open() {
                    let look = match serving {
                        Some((number, served)) if number == highest && served == model => Look::This,
                        _ => Look::Another,
                    };
                    stage = stage.after(IntentEvent::Looked(look)).unwrap();
                    if matches!(fault, Fault::DiedBeforeTheLedger) {
                        stage = stage.after(IntentEvent::Restarted).unwrap();
                        stage = stage.after(IntentEvent::Looked(look)).unwrap();
                    }
                    if stage == Stage::ReadBack {
                        ledger.push((highest, model));
                        stage = stage.after(IntentEvent::Stored).unwrap();
                    }
                }
                prop_assert!(!stage.stored().is_open());
                prop_assert_eq!(ledger.last().copied(), serving);
            }
        }
    }
}
