//! `evaluation.json`: what the evaluator measured.

mod curves;
mod invalid;
mod read;
mod shape;

pub use curves::{Curves, ModelCurves, curves};
pub use invalid::{InvalidEvaluation, Place};
pub use read::parse;
pub use shape::{
    CrossSlice, Difference, Evaluation, Measured, SCHEMA_VERSION, Slice, SliceKey, place_name, slice_name,
};
