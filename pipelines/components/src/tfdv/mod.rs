//! The messages of TensorFlow Data Validation and Metadata that we read and write, in proto3 JSON.

pub mod anomalies;
mod proto_json;
pub mod schema;
pub mod statistics;

pub use anomalies::{Anomalies, AnomalyInfo, AnomalyType, Reason, Severity};
pub use schema::Schema;
pub use statistics::{DatasetFeatureStatistics, DatasetFeatureStatisticsList, FeatureNameStatistics};
