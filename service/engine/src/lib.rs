//! The loops of Trainyard: ingest, admission, reconcile, schedule, report; and the effects they perform.
//!
//! [`Engine`] is the door. Each loop is woken by a signal or a timer, reads the store, and acts on
//! what it finds: the path after a crash is the path of every day.

mod admission;
pub mod artifacts;
mod checkout;
mod cloud_event;
mod collect;
mod config;
mod context;
mod effects;
mod engine;
mod external;
mod folders;
mod ingest;
mod intake;
mod interpret;
mod local;
mod locks;
mod manual;
mod outbox;
mod project;
mod promote;
mod reconcile;
mod registry;
mod replay;
mod report;
mod repository_file;
mod request;
mod retention;
mod rollback;
mod schedule;
pub mod serving;
mod task;

pub use config::{EngineConfig, ExecutorKind, GitHubConfig, Layout, ServingImage, TargetConfig, TargetKind};
pub use engine::{Engine, EngineError};
pub use folders::Folders;
pub use intake::{Intake, IntakeError};
pub use local::LocalError;
pub use manual::ManualError;
pub use promote::{PromoteRequest, Promoted, PromotionError};
pub use reconcile::rejected;
pub use registry::{CHAMPION, RegistryError};
pub use replay::{Past, replay};
pub use repository_file::missing_locally;
pub use retention::{Collected, RetentionError};
pub use rollback::RolledBack;
pub use trainyard_executors as executors;
pub use trainyard_github::GitHubAuth;
pub use trainyard_store as store;
