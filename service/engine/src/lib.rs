//! The loops of Trainyard: ingest, admission, reconcile, schedule, report; and the effects they perform.
//!
//! [`Engine`] is the door. Each loop is woken by a signal or a timer, reads the store, and acts on
//! what it finds: the path after a crash is the path of every day.

mod asks;
mod content;
mod deeds;
mod engine;
mod house;
mod inbound;
mod loops;
mod registry;
mod run;
pub mod serving;
mod source;
mod tell;

pub use content::backup::{BackedUp, BackupError, Restored};
pub use content::external::{External, span_files};
pub use content::judged_data::{Bin, FeatureDistance, FoundAnomaly, JudgedData, JudgedFeature, JudgedSplit, OfSides};
pub use content::retention::{Collected, RetentionError};
pub use content::schema_diff::{SchemaChange, SchemaDiff, SchemaDiffError, schema_diff};
pub use content::{ContentError, artifacts};
pub use engine::{
    Engine, EngineError, curves, judged_data, judged_statistics, judged_with, replay_recorded, try_channel, try_secret,
};
#[cfg(debug_assertions)]
pub use house::clock::simulated::simulate;
pub use house::config::{
    ApprovalRule, ChannelConfig, ChannelKind, EngineConfig, ExecutorKind, GitHubConfig, Layout, MailSettings, MailTls,
    ProgramLimits, ServingImage, TargetConfig, TargetKind, TracesConfig,
};
pub use house::crash::{CrashPoint, Effect};
#[cfg(debug_assertions)]
pub use house::crash::{reached, trap, trap_where};
pub use house::folders::Folders;
pub use house::service::{NotTheService, OneService};
pub use house::step_secrets::{SecretConfig, SecretError, SecretSource};
pub use inbound::cloud_event::CloudEventError;
pub use inbound::intake::{Intake, IntakeError, Malformed};
pub use inbound::local::LocalError;
pub use inbound::manual::{ManualError, RunAsked};
pub use inbound::rerun::RerunError;
pub use inbound::sweep::WebhookHealth;
pub use registry::aliases::AliasError;
pub use registry::promote::{Meant, PromoteRequest, Promoted, PromotionError};
pub use registry::reconcile::{Keep, Reconciled};
pub use registry::replay::{EvaluationError, Past};
pub use registry::rollback::RolledBack;
pub use registry::settle::{Found, LookError};
pub use run::approval::{ApprovalError, Decided};
pub use source::repository_file::missing_locally;
pub use tell::channel::usual;
pub use tell::channel_error::ChannelError;
pub use trainyard_executors::{BuildLimits, KubernetesSettings, Placement, Tolerated};
pub use trainyard_github::signature::verify as verify_signature;
pub use trainyard_github::{
    AppInfo, GitHub, GitHubAuth, GitHubError, Hook, HookDelivery, HookOf, InstallationInfo, NewApp, SignIn,
    convert_manifest,
};
pub use trainyard_sources::{ObjectError, ObjectSettings, StoreSettings};
