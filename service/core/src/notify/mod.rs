//! What people and programs are told of runs and models, beside GitHub: what happened is [`News`], stored with what it
//! tells of; what each [`Channel`] hears of it is a [`Notice`].
//!
//! A failure is told once, and its end once: between them a pipeline that fails every hour is no news.

mod health;
mod made;
mod notice;
mod route;
#[cfg(test)]
mod tests;
mod wire;

pub use crate::plan::{Condition, NotifyRules};
pub use health::{Found, Health};
pub use made::{About, Change, News, What, missed, of_change, of_new, of_promotion};
pub use notice::Notice;
pub use route::{Channel, told};
pub use wire::{Mail, alert, cloud_event, mail, slack};
