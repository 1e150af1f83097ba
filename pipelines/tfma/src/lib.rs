//! What TensorFlow Model Analysis measures of predictions and labels, and how sure it is: metrics of one slice, and
//! their replicates under the paired bootstrap.
//!
//! Pure: no file, no clock, no Arrow. All that takes the evaluator's time is here, and is compiled for speed in
//! every profile.

mod bins;
pub mod bootstrap;
pub mod metrics;
mod poisson;
