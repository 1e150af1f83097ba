//! The messages of TensorFlow Data Validation and Metadata that we read and write, in proto3 JSON, and what
//! follows from them: the schema that statistics suggest, and the anomalies of statistics against a schema.
//!
//! Pure: no file, no clock, no Arrow.

pub mod anomalies;
mod cells;
mod checks;
pub mod comparator;
mod cumulative;
pub mod distance;
mod drift;
pub mod infer;
pub mod listed;
mod null;
mod proto_json;
pub mod relax;
pub mod schema;
pub mod statistics;
pub mod table;
pub mod tabulate;
pub mod threads;
pub mod validate;

pub use anomalies::{Anomalies, AnomalyInfo, AnomalyType, Reason, Severity};
pub use schema::Schema;
pub use statistics::{DatasetFeatureStatistics, DatasetFeatureStatisticsList, FeatureNameStatistics};
