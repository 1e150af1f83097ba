//! All SQL of Trainyard: one SQL text, run on SQLite or PostgreSQL.
//!
//! [`Store`] is the door. Each file owns the statements of one subject in the order of the data's
//! path: `deliveries`, `events`, `holds`, `schedules`, `pipelines`, `runs`, `leases`, `metadata`
//! (ML Metadata), `preimages`, `promotions`, `outbox`. Below them `database` is the closed enum of the two
//! drivers, `writer` the one writer of SQLite, `migrate` the schema.

mod aliases;
mod connection;
mod database;
mod deliveries;
mod error;
mod events;
mod holds;
mod leases;
mod listing;
mod metadata;
mod migrate;
mod outbox;
mod pipelines;
mod preimages;
mod promotions;
mod runs;
mod schedules;
mod statements;
mod stats;
mod store;
mod writer;

pub use database::{DatabaseUrl, InvalidDatabaseUrl};
pub use deliveries::{Accepted, Delivery, DeliveryView, EventView, NewDelivery, SettleDelivery};
pub use error::{Result, StoreError};
pub use events::{NewEvent, Settled};
pub use holds::Held;
pub use listing::{RunFilter, RunRow, RunSummary, StepRow};
pub use metadata::{
    CachedExecution, Direction, EndState, ExecutionIdentity, Fate, LineageEdge, LineageGraph, LineageNode,
    MetadataWrite, PARAMETER_PREFIX, PublishExecution, StartExecution,
};
pub use outbox::{OutboxItem, OutboxKind, OutboxRow};
pub use pipelines::{KnownPipeline, NewPipeline};
pub use runs::{ActiveRun, Append};
pub use schedules::{NewSchedule, ScheduleRow};
pub use stats::{Check, Stats};
pub use store::Store;
