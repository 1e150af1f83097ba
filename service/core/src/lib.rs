//! The decisions of Trainyard, without IO, clock or randomness.
//!
//! Read in the order of the data's path: [`event`] (what happened), [`spec`] (the pipeline file),
//! [`plan`] (what is made of it), [`trigger`] (does it start a run), [`inbound`] (what follows from that),
//! [`admission`] (may a run go on), [`run`] (the state machine), [`cache_key`] (must a step run), [`gate`] (is the
//! candidate better), [`registry`] (what serves, and what may), [`sentence`] (what the user reads), [`stored`] (how
//! all of it is kept).

pub mod access;
pub mod admission;
pub mod artifact;
pub mod cache_key;
pub mod command;
pub mod dispatch;
pub mod evaluation;
pub mod event;
pub mod executor_output;
pub mod figure;
pub mod gate;
pub mod glob;
pub mod gpu;
pub mod ids;
pub mod inbound;
mod json;
pub mod left_out;
pub mod log;
pub mod machine;
pub mod node;
pub mod notify;
pub mod permission;
pub mod placeholder;
pub mod plan;
pub mod problem;
mod quantity;
pub mod registry;
pub mod report;
pub mod retention;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod span;
pub mod spec;
pub mod stored;
pub mod suggest;
pub mod trigger;

pub use run::sentence;
