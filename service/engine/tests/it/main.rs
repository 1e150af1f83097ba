//! The engine from the outside: real git, real HTTP, a real database; only programs are scripted.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod approval;
mod asks;
mod awaited;
mod cancel;
mod check_runs;
mod checks;
mod crash;
mod data;
mod deliveries;
mod disk;
mod door;
mod failures;
mod forks;
mod github_down;
mod gone;
mod gpus;
mod infra_validation;
mod intents;
mod interruptions;
mod kept_back;
mod laws;
mod memo;
#[path = "../../../store/tests/it/ml_metadata.rs"]
mod ml_metadata;
mod mlmd;
mod model_server;
mod moment;
#[allow(dead_code, reason = "the tests of the crate that it is of use all of it")]
#[path = "../../../sources/tests/it/moto.rs"]
mod moto;
mod moved;
mod notify;
mod objects;
mod old_data;
mod ownership;
mod points;
mod promote;
mod pull_request;
mod push;
mod renamed;
mod replay;
mod repository_files;
mod retention;
mod retry;
mod rollback;
mod schedule;
mod sealed;
mod second_process;
mod secrets;
mod serving;
mod sim;
mod step_secrets;
mod storm;
mod sweep;
mod targets;
mod tiny;
mod traces;
mod workspace;
mod yard;
