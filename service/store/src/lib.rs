//! All SQL of Trainyard: one SQL text, run on SQLite or PostgreSQL.
//!
//! [`Store`] is the door, and [`Reads`] the one for who only reads. Each file owns the statements of
//! one subject in the order of the data's path: `accepts`, `deliveries`, `events`, `holds`, `schedules`,
//! `pipelines`, `runs`, `leases`, `metadata` (ML Metadata), `preimages`, `promotions`, `intents`, `target_holds`, `outbox`, `news`,
//! `audit`, `tokens`, `sessions`. Below
//! them `database` is the closed enum of the two drivers, `writer` the one writer of SQLite, `migrate`
//! the schema; `patience` says how long a write waits, `health` whether writes go through, and `log` keeps
//! SQLite's log small. [`Reads::changes`] tells when something is new (`number`, `feed`, `signal`), and `rows`
//! sets rows aside that cannot be read.

mod accepts;
mod again;
mod aliases;
mod approvals;
mod arrivals;
mod asks;
mod audit;
mod backup;
mod changes;
mod check;
mod check_runs;
mod checks;
mod connection;
mod crashes;
mod database;
mod deliveries;
mod ends;
mod error;
mod events;
mod explain;
mod feed;
mod fence;
mod gone;
mod health;
mod holds;
mod intents;
mod leases;
mod listing;
mod log;
mod memory;
mod metadata;
mod migrate;
mod news;
mod number;
mod outbox;
mod patience;
mod pipelines;
#[cfg(test)]
mod power_loss;
mod preimages;
mod promotions;
mod reads;
mod repositories;
mod requests;
mod retention;
mod room;
mod rows;
mod run_waits;
mod runs;
mod schedules;
mod sessions;
mod signal;
mod simulated;
mod statement;
mod statements;
mod stats;
mod store;
mod sweeps;
mod target_holds;
mod tokens;
mod unreadable;
mod writer;

pub use arrivals::{Accepted, NewDelivery};
pub use asks::{AskRow, AskStep};
pub use audit::{AuditRow, NewDeed};
pub use backup::{BackupNote, Copy, adopt_copy, copy_database, empty_log};
pub use changes::Changes;
pub use check::Check;
pub use check_runs::ToldAs;
pub use crashes::Crash;
pub use database::{DatabaseUrl, InvalidDatabaseUrl};
pub use deliveries::{Bodies, Delivery, DeliveryView, EventView, SettleDelivery, WaitingPage};
pub use error::{Result, StoreError};
pub use events::{NewEvent, Settled};
pub use explain::{AskedAnew, ExplainedEvent, Explanation};
pub use holds::Held;
pub use leases::Lease;
pub use listing::{RunFilter, RunRow, RunSummary, StepRow};
pub use metadata::{
    CachedExecution, Direction, EndState, ExecutionIdentity, Fate, LineageEdge, LineageGraph, LineageNode,
    MetadataWrite, PARAMETER_PREFIX, PublishExecution, StartExecution,
};
pub use outbox::OutboxRow;
pub use pipelines::NewPipeline;
pub use reads::Reads;
pub use retention::Forgotten;
pub use runs::Append;
pub use schedules::{NewSchedule, ScheduleRow};
pub use sessions::{Over, SessionRow};
#[cfg(debug_assertions)]
pub use simulated::{StatementFate, simulate};
pub use stats::Stats;
pub use store::Store;
pub use sweeps::{Baseline, KnownRepository, SeenRepository};
pub use tokens::Token;
pub use unreadable::Unreadable;
