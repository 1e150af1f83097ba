//! What ML Metadata calls our executions, parameters and times.

use trainyard_core::ids::{Micros, RunId};
use trainyard_core::node::NodeId;
use trainyard_core::run::Run;

/// Before the name of a step's parameter among its execution's custom properties, as in KFP; a number
/// without it is a metric.
pub const PARAMETER_PREFIX: &str = "input:";

/// Which execution; a retry of a step is the same execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionIdentity {
    /// The run: the name of the `pipeline_run` context.
    pub run: RunId,
    /// The pipeline: the name of the `pipeline` context.
    pub pipeline: String,
    /// The node: its `node` context is named `pipeline.node`.
    pub node: NodeId,
    /// The execution's type name.
    pub component: String,
}

impl ExecutionIdentity {
    /// The execution of a node of a run.
    pub fn of(run: &Run, node: NodeId) -> Self {
        let planned = run.request.plan.steps.get(node.as_str());
        let component = node.kind().component().or(planned.map(|step| step.component.as_str()));
        Self {
            run: run.request.id.clone(),
            pipeline: run.request.plan.pipeline.clone(),
            component: component.unwrap_or_default().to_owned(),
            node,
        }
    }

    /// MLMD's unique execution name, `<run>/<node>`.
    pub fn name(&self) -> String {
        self.node.execution(&self.run)
    }
}

/// MLMD counts milliseconds.
pub(super) fn milliseconds(at: Micros) -> i64 {
    at.0.div_euclid(1000)
}
