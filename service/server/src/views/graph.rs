//! A pipeline as a graph: its steps, gate and push, and what each waits for; for people, Graphviz and Mermaid.

use serde::Serialize;
use std::fmt::Write as _;
use trainyard_core::plan::{ImageSource, InputSource, Plan, PlannedStep};

/// A pipeline as a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// The pipeline.
    pub pipeline: String,
    /// Its nodes, each after those that it waits for.
    pub nodes: Vec<Node>,
    /// What each waits for.
    pub edges: Vec<Edge>,
}

/// A step, the gate or the push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name, unique in the graph.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// What it does: its MLMD execution type, what is compared with, or the target.
    pub does: String,
    /// What it runs in, of a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A program.
    Step,
    /// The verdict.
    Gate,
    /// What makes the model serve.
    Push,
}

/// One node waits for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The one that comes first.
    pub from: String,
    /// The one that waits.
    pub to: String,
    /// The inputs that it reads of it; none where it only comes later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
}

impl Graph {
    /// Of a plan, in its order.
    pub fn of(plan: &Plan) -> Self {
        let mut graph = Self {
            pipeline: plan.pipeline.clone(),
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        for (name, step) in &plan.steps {
            graph.nodes.push(Node {
                id: name.to_string(),
                kind: NodeKind::Step,
                does: step.component.clone(),
                image: Some(match &step.image {
                    ImageSource::Components => "standard component".to_owned(),
                    ImageSource::Reference(reference) => reference.clone(),
                    ImageSource::Build(image) => {
                        let build = plan.images.get(image);
                        format!("built from {}", build.map_or(image, |build| &build.dockerfile))
                    }
                }),
            });
            graph.edges.extend(edges(name.as_str(), step));
        }
        if let Some(gate) = &plan.gate {
            graph.nodes.push(Node {
                id: GATE.to_owned(),
                kind: NodeKind::Gate,
                does: format!("compares with {}", gate.gate.baseline),
                image: None,
            });
            let mut edge = |step: &str, reads: &str| match graph
                .edges
                .iter_mut()
                .find(|edge| edge.to == GATE && edge.from == step)
            {
                Some(edge) => edge.reads.push(reads.to_owned()),
                None => graph.edges.push(Edge {
                    from: step.to_owned(),
                    to: GATE.to_owned(),
                    reads: vec![reads.to_owned()],
                }),
            };
            edge(gate.evaluation.0.as_str(), "evaluation");
            edge(gate.model.0.as_str(), "model");
        }
        if let Some(push) = &plan.push {
            let last = graph.nodes.last().map(|node| node.id.clone());
            graph.nodes.push(Node {
                id: PUSH.to_owned(),
                kind: NodeKind::Push,
                does: format!("to {}", push.target),
                image: None,
            });
            graph.edges.extend(last.map(|from| Edge {
                from,
                to: PUSH.to_owned(),
                reads: Vec::new(),
            }));
        }
        graph
    }

    /// What a node waits for, in the graph's order.
    pub fn before<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |edge| edge.to == node)
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut text = format!(
            "digraph {} {{\n  rankdir=LR\n  node [shape=box]\n",
            dot_text(&self.pipeline)
        );
        for node in &self.nodes {
            let shape = match node.kind {
                NodeKind::Step => "",
                NodeKind::Gate => ", shape=diamond",
                NodeKind::Push => ", shape=cds",
            };
            let label = format!("{}\n{}", node.id, node.does);
            let _ = writeln!(text, "  {} [label={}{shape}]", dot_text(&node.id), dot_text(&label));
        }
        for edge in &self.edges {
            let style = if edge.waits_only() { " [style=dashed]" } else { "" };
            let _ = writeln!(text, "  {} -> {}{style}", dot_text(&edge.from), dot_text(&edge.to));
        }
        text + "}\n"
    }

    /// For Markdown that draws Mermaid, as GitHub's does.
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        // A number, since a step may bear a word of Mermaid's such as `end`.
        let place = |id: &str| self.nodes.iter().position(|node| node.id == id).unwrap_or_default();
        for (at, node) in self.nodes.iter().enumerate() {
            let label = format!("\"{}<br/>{}\"", mermaid_text(&node.id), mermaid_text(&node.does));
            let _ = match node.kind {
                NodeKind::Step => writeln!(text, "  n{at}[{label}]"),
                NodeKind::Gate => writeln!(text, "  n{at}{{{label}}}"),
                NodeKind::Push => writeln!(text, "  n{at}([{label}])"),
            };
        }
        for edge in &self.edges {
            let arrow = if edge.waits_only() { "-.->" } else { "-->" };
            let _ = writeln!(text, "  n{} {arrow} n{}", place(&edge.from), place(&edge.to));
        }
        text
    }
}

/// No step can bear these names in a run.
const GATE: &str = "gate";
const PUSH: &str = "push";

impl Edge {
    /// Whether nothing is read: it only comes later. A push comes after the verdict's yes.
    fn waits_only(&self) -> bool {
        self.reads.is_empty() && self.to != PUSH
    }
}

/// What a step waits for, once for each other step.
fn edges(name: &str, step: &PlannedStep) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for upstream in step.upstream() {
        if edges.iter().any(|edge| edge.from == upstream.as_str()) {
            continue;
        }
        let of_it = |source: &InputSource| matches!(source, InputSource::Output { step, .. } if step == upstream);
        let reads = step.inputs.iter().filter(|(_, source)| of_it(source));
        edges.push(Edge {
            from: upstream.to_string(),
            to: name.to_owned(),
            reads: reads.map(|(input, _)| input.clone()).collect(),
        });
    }
    edges
}

/// A string of DOT.
fn dot_text(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

/// Text that means nothing to Mermaid.
fn mermaid_text(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " -_./:".contains(c);
    let shown = |c: char| {
        if plain(c) {
            c.to_string()
        } else {
            format!("#{};", u32::from(c))
        }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    const PIPELINE: &str = r#"name: tiny
data: { rows: { uri: "rows.csv" } }
steps:
  examples: { uses: example-gen, with: { source: rows, splits: { train: 1 } } }
  check: { image: alpine, command: ["true"], inputs: { e: examples }, outputs: { report: Report } }
  train:
    build: { dockerfile: Dockerfile, context: . }
    command: [train, "{{inputs.a}}", "{{inputs.b}}"]
    inputs: { a: examples, b: examples }
    outputs: { model: Model }
    after: [check]
  infer: { image: alpine, command: [infer], inputs: { model: train }, outputs: { predictions: InferenceResult } }
  evaluate: { uses: evaluator, inputs: { candidate: infer }, with: { model_type: regression, label: y, prediction: p } }
gate: { baseline: none, metrics: { r_squared: { value_threshold: { lower_bound: 0.1 } } } }
push: { target: here }
"#;

    fn graph() -> Graph {
        let checked = trainyard_core::spec::check("pipeline.yaml", PIPELINE, &Map::new());
        assert!(checked.problems.is_empty(), "{:?}", checked.problems);
        Graph::of(&checked.plan.unwrap())
    }

    #[test]
    fn a_plan_is_a_graph_of_what_waits_for_what() {
        let graph = graph();
        let edges = graph.edges.iter();
        let edges = edges.map(|edge| format!("{} -> {} {:?}", edge.from, edge.to, edge.reads));
        insta::assert_snapshot!(edges.collect::<Vec<_>>().join("\n"), @r#"
        examples -> check ["e"]
        examples -> train ["a", "b"]
        check -> train []
        train -> infer ["model"]
        infer -> evaluate ["candidate"]
        evaluate -> gate ["evaluation"]
        train -> gate ["model"]
        gate -> push []
        "#);
        assert!(graph.edges.iter().all(|edge| {
            let at = |id: &str| graph.nodes.iter().position(|node| node.id == id).unwrap();
            at(&edge.from) < at(&edge.to)
        }));
    }

    #[test]
    fn graphviz_and_mermaid_draw_it() {
        insta::assert_snapshot!(graph().dot(), @r#"
        digraph "tiny" {
          rankdir=LR
          node [shape=box]
          "examples" [label="examples\nExampleGen"]
          "check" [label="check\nCheck"]
          "train" [label="train\nTrainer"]
          "infer" [label="infer\nBulkInferrer"]
          "evaluate" [label="evaluate\nEvaluator"]
          "gate" [label="gate\ncompares with none", shape=diamond]
          "push" [label="push\nto here", shape=cds]
          "examples" -> "check"
          "examples" -> "train"
          "check" -> "train" [style=dashed]
          "train" -> "infer"
          "infer" -> "evaluate"
          "evaluate" -> "gate"
          "train" -> "gate"
          "gate" -> "push"
        }
        "#);
        insta::assert_snapshot!(graph().mermaid(), @r#"
        flowchart LR
          n0["examples<br/>ExampleGen"]
          n1["check<br/>Check"]
          n2["train<br/>Trainer"]
          n3["infer<br/>BulkInferrer"]
          n4["evaluate<br/>Evaluator"]
          n5{"gate<br/>compares with none"}
          n6(["push<br/>to here"])
          n0 --> n1
          n0 --> n2
          n1 -.-> n2
          n2 --> n3
          n3 --> n4
          n4 --> n5
          n2 --> n5
          n5 --> n6
        "#);
    }

    #[test]
    fn text_is_text() {
        assert_eq!(dot_text("a\"b\\\n"), r#""a\"b\\\n""#);
        assert_eq!(mermaid_text("a\"<b>;"), "a#34;#60;b#62;#59;");
    }
}
