//! What the API answers and `--json` prints: one shape for both. Times are RFC 3339 in UTC.

mod access;
mod attention;
mod compare;
mod curves;
mod data;
mod delivery;
mod graph;
mod lineage;
mod models;
mod other_gate;
mod pipelines;
mod plots;
mod replay;
mod run;
mod trend;
mod versions;
mod why;

pub use access::{Audit, AuditItem, SessionItem, Sessions, TokenItem, Tokens};
pub use attention::{Attention, AttentionItem};
pub use compare::{ComparedRow, Comparison};
pub use curves::{CurvePoint, RunCurves, StepCurves};
pub use data::{MissingAt, MissingOf, RunData, SourceItem, SourceRun, SourceView, Sources, SpanItem, missing_over};
pub use delivery::{
    Deliveries, DeliveryExplanation, DeliveryItem, EventItem, ExplainedItem, FilterItem, LookItem, TriggerItem,
    heard_already, no_delivery, started_already,
};
pub use graph::{Edge, Graph, Node, NodeKind};
pub use lineage::Lineage;
pub use models::{
    HoldChange, HoldView, Models, PromotionItem, ReconciledTarget, Serving, TargetBrief, TargetView, Targets,
};
pub use other_gate::OtherGate;
pub use pipelines::{PipelineItem, Pipelines, ServedVersion, Slot};
pub use plots::{NO_PLOTS, PLOTS, Plot, RunPlots};
pub use replay::{Replay, ReplayedItem};
pub(crate) use run::about_step;
pub use run::{EventEntry, RunDetail, RunHead, RunItem, Runs, StepBrief, StepView};
pub use trend::{TOOK, Trend, TrendPoint};
pub use versions::{VersionDiff, VersionItem, Versions};
pub use why::Why;

use trainyard_core::ids::Micros;
use trainyard_store::{Reads, StoreError, Unreadable};

/// `2013-01-02T03:04:05.678901Z`.
pub fn time(at: Micros) -> String {
    chrono::DateTime::from_timestamp_micros(at.0)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
        .unwrap_or_default()
}

/// One part of a path, percent-encoded.
pub fn path_part(part: &str) -> String {
    part.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// What was set aside of one kind because it cannot be read, a sentence each.
pub fn sentences(store: &Reads, of: impl Fn(&Unreadable) -> bool) -> Vec<String> {
    let all = store.unreadable();
    all.iter().filter(|row| of(row)).map(Unreadable::sentence).collect()
}

/// What is wrong with the database, for who asked for one thing of it: of a row that cannot be read also what to do.
pub fn told(error: &StoreError) -> String {
    match error {
        StoreError::Unreadable(_) => {
            format!("{error}; `trainyard doctor` lists what else cannot be read, and a backup has it whole")
        }
        other => other.to_string(),
    }
}
