//! ML Metadata: the lineage of artifacts in the exact tables of ml-metadata, schema version 10.

pub(crate) mod cached;
pub(crate) mod lineage;
mod names;
pub(crate) mod nodes;
pub(crate) mod properties;
pub(crate) mod published;
mod record;
pub(crate) mod retention;
pub(crate) mod types;

pub use cached::CachedExecution;
pub use lineage::{Direction, LineageEdge, LineageGraph, LineageNode};
pub use names::{ExecutionIdentity, PARAMETER_PREFIX};
pub(crate) use record::record;
pub use record::{EndState, MetadataWrite, PublishExecution, StartExecution};
pub use retention::Fate;
