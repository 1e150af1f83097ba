//! The pages that people live in: rendered here, live where a browser lets one small script run, and whole without.

mod act;
mod assets;
mod audit;
mod away;
mod deliveries;
mod follow;
mod frame;
mod graph;
mod home;
mod lines;
mod live;
mod log;
mod models;
mod run;
mod runs;
mod sign_in;
mod steps;
mod timeline;
mod tokens;
mod verdict;
mod when;

pub(super) use act::{approve, cancel, reject, rerun, roll_back, sign_out};
pub(super) use assets::{script, style};
pub(super) use audit::show as audit;
pub(super) use away::{back_from_github, back_from_provider, to_github, to_provider};
pub(super) use deliveries::{list as deliveries, replay, show as delivery};
pub(super) use follow::follow;
pub(super) use frame::problem;
pub(super) use home::show as home;
pub(super) use live::stream;
pub(super) use log::{download, show as log};
pub(super) use models::show as models;
pub(super) use run::show as run;
pub(super) use runs::list as runs;
pub(super) use sign_in::{form as sign_in_form, submit as sign_in};
pub(super) use tokens::{create as create_token, revoke as revoke_token, show as tokens};
