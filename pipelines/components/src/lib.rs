//! The standard pipeline components of Trainyard: example-gen, statistics-gen, schema-gen,
//! example-validator and evaluator.
//!
//! Each is a function from a [`task::Task`] to its output artifacts; [`cli`] picks one by name.

pub mod cli;
mod csv;
pub mod evaluator;
pub mod example_gen;
pub mod example_validator;
pub mod examples;
pub mod features;
pub mod schema_gen;
pub mod statistics_gen;
pub mod task;
mod told;

pub use trainyard_tfdv as tfdv;
