//! The nodes of a run: its steps, and what every pipeline has of its own.
//!
//! Attempt keys, folders, logs, and the names in ML Metadata derive from a node, so that no two share one.

use crate::ids::{RunId, StepName};
use std::fmt;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// A step of the pipeline file.
    Step,
    /// The gate judges the candidate.
    Gate,
    /// The candidate is tried in a throw-away copy of the serving container.
    InfraValidation,
    /// The approved model reaches its target.
    Push,
}

impl NodeKind {
    /// The execution type in ML Metadata, as TFX calls its component; a step's is in its plan.
    pub fn component(self) -> Option<&'static str> {
        match self {
            Self::Step => None,
            Self::Gate => Some("Gate"),
            Self::InfraValidation => Some("InfraValidator"),
            Self::Push => Some("Pusher"),
        }
    }

    /// The path of the one node of this kind; several steps have several.
    fn path(self) -> Option<&'static str> {
        match self {
            Self::Step => None,
            Self::Gate => Some("gate"),
            // A letter that no step's name may have: steps could be called infra-validation before this was a node.
            Self::InfraValidation => Some("InfraValidator"),
            Self::Push => Some("push"),
        }
    }
}

/// One node of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    kind: NodeKind,
    path: String,
}

impl NodeId {
    /// A step of the pipeline file.
    pub fn step(name: &StepName) -> Self {
        Self {
            kind: NodeKind::Step,
            path: name.as_str().to_owned(),
        }
    }

    /// The run and the step that made an artifact, by its name; `None` of what no step made.
    pub fn maker(artifact: &str) -> Option<(RunId, StepName)> {
        let mut parts = artifact.split('/');
        let (run, step, _output) = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then(|| (RunId::new(run), StepName::new(step)))
    }

    /// The gate.
    pub fn gate() -> Self {
        Self::only(NodeKind::Gate)
    }

    /// The trial of a candidate before it is pushed.
    pub fn infra_validation() -> Self {
        Self::only(NodeKind::InfraValidation)
    }

    /// The push.
    pub fn push() -> Self {
        Self::only(NodeKind::Push)
    }

    fn only(kind: NodeKind) -> Self {
        Self {
            kind,
            path: kind.path().unwrap_or_default().to_owned(),
        }
    }

    /// The node of that path, as labels of programs and names of folders have it.
    pub fn parse(path: &str) -> Self {
        let own = [NodeKind::Gate, NodeKind::InfraValidation, NodeKind::Push];
        let kind = own.into_iter().find(|kind| kind.path() == Some(path));
        Self {
            kind: kind.unwrap_or(NodeKind::Step),
            path: path.to_owned(),
        }
    }

    /// What it does.
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// Its name in the pipeline file, if it is a step.
    pub fn as_step(&self) -> Option<StepName> {
        (self.kind == NodeKind::Step).then(|| StepName::new(self.path.as_str()))
    }

    /// Unique in its run, and fit for the name of a file.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// MLMD's unique name of its execution, `<run>/<node>`.
    pub fn execution(&self, run: &RunId) -> String {
        format!("{run}/{self}")
    }

    /// MLMD's unique name of what it makes, `<run>/<node>/<output>`.
    pub fn artifact(&self, run: &RunId, output: &str) -> String {
        format!("{run}/{self}/{output}")
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lint(step: &str) -> Vec<String> {
        let file =
            format!("name: one\nsteps:\n  {step}: {{ image: tools, command: [make], outputs: {{ model: Model }} }}\n");
        match crate::spec::load("pipeline.yaml", &file, &Default::default()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn no_step_can_bear_the_path_of_another_kind_of_node() {
        for node in [NodeId::gate(), NodeId::infra_validation(), NodeId::push()] {
            assert!(!lint(node.as_str()).is_empty(), "{node} could be a step");
            assert_eq!(NodeId::parse(node.as_str()), node);
            assert_eq!((node.as_step(), node.kind().component().is_some()), (None, true));
        }
        for step in ["infra-validation", "infra_validator", "train"] {
            assert_eq!(lint(step), Vec::<String>::new());
            let node = NodeId::step(&step.into());
            assert_eq!(NodeId::parse(step), node);
            assert_eq!(node.as_step(), Some(step.into()));
            assert_eq!(node.artifact(&"r1".into(), "model"), format!("r1/{step}/model"));
        }
    }
}
