//! The pages that people live in: rendered here, live where a browser lets one small script run, and whole without.

mod act;
mod assets;
mod deliveries;
mod frame;
mod graph;
mod home;
mod live;
mod log;
mod models;
mod run;
mod runs;
mod sign_in;
mod steps;
mod timeline;
mod verdict;
mod when;

pub(super) use act::{approve, cancel, reject, rerun, roll_back, sign_out};
pub(super) use assets::{script, style};
pub(super) use deliveries::{list as deliveries, replay, show as delivery};
pub(super) use frame::problem;
pub(super) use home::show as home;
pub(super) use live::stream;
pub(super) use log::{download, show as log};
pub(super) use models::show as models;
pub(super) use run::show as run;
pub(super) use runs::list as runs;
pub(super) use sign_in::{form as sign_in_form, submit as sign_in};
