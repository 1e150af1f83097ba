//! The pipeline file, `pipelines/<name>/pipeline.yaml`: the front end that makes a [`crate::plan::Plan`] of it.
//!
//! [`Pipeline`] is the file's shape; `parse` reads it strictly, `lint` finds what a shape cannot
//! (cycles, unknown inputs, missing pieces), and `compile` makes the plan.

mod compile;
mod components;
mod conform;
mod files;
mod gate;
mod gate_file;
mod gate_lint;
mod graph;
mod inputs;
mod judged;
mod lint;
mod parse;
mod schema;
mod shape;
mod source_map;
mod step;
#[cfg(test)]
pub(crate) mod tests;
mod unread;

pub use compile::{Checked, check, load, plan};
pub use files::{
    missing as missing_files, missing_builds, same_name, unknown_channels, unknown_secrets, unknown_target,
};
pub use gate::Gate;
pub use gate_file::load_gate;
pub use parse::parse;
pub use schema::json_schema;
pub use shape::{DataTrigger, Pipeline, Push, Resources, Retry, Step, Triggers};
pub use source_map::lines;
