//! The registry: which models there are, which of them serve, who said so, and what may serve next. All pure.
//!
//! [`Ledger`] is a target's append-only list of [`Promotion`]s, and the one place that says what serves, what is
//! kept for a way back, and what the next version is called. [`ModelVersion`] is a model that could serve, whether
//! or not it ever did; [`approve`] says on whose word it may, [`may_push`] whether it still may, [`choose_baseline`]
//! what a candidate is compared with, [`Proofs`] what in a model repository is ours.

mod agreement;
mod alias;
mod answer;
mod approval;
mod as_of;
mod baseline;
mod blind;
mod evidence;
mod intent;
mod ledger;
mod model_version;
mod naming;
mod not_ours;
mod ownership;
mod promotion;
mod push;
mod refusal;
mod target_hold;
mod unfair;

#[cfg(test)]
mod tests;

pub use agreement::{Sight, Sighting, Whose, disagreement};
pub use alias::{Alias, CHAMPION, NewAlias};
pub use answer::{Answer, Before, Told};
pub use approval::{Approval, NotApproved, approve};
pub use as_of::seen;
pub use baseline::{BaselineFacts, BaselineRefusal, choose_baseline};
pub use blind::Blind;
pub use evidence::{DataRead, Evidence, Judged};
pub use intent::{Intent, IntentAction, IntentEvent, IntentState, Look, NewIntent, Stage, until_next_look};
pub use ledger::{Ledger, Serving, Withdrawal};
pub use model_version::{ModelVersion, NoModel};
pub use naming::{AliasRefusal, check_alias};
pub use not_ours::{NotOurs, left_alone};
pub use ownership::{
    Attempt, Attempts, ConfigMarker, Mark, Marker, Present, Proofs, Rank, Standing, may_answer, next_above,
    number_again, outranking,
};
pub use promotion::{NewPromotion, Promotion, PromotionAction};
pub use push::{NewerRun, PushFacts, PushRefusal, approved, may_push, outdated};
pub use refusal::{Refusal, Unknown};
pub use target_hold::{HoldRefusal, NewTargetHold, TargetHold, hold, release};
pub use unfair::{UnfairBaseline, unfair_baseline};
