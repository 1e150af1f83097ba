//! Trainyard: continuous training with the manners of good CI.
//!
//! The one binary's insides: [`config`] is what can be set, [`http`] the door to the outside, [`cli`]
//! the commands; `init` writes new pipelines; `doctor` looks whether all is well; [`views`] are the shapes both print.

pub mod cli;
pub mod config;
mod doctor;
pub mod http;
mod init;
pub mod logging;
mod oidc;
pub mod run_logs;
mod secret;
mod session;
mod token;
pub mod views;
mod wanted;
