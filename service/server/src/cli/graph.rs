//! `trainyard graph`.

use super::output::{self, Table, plain};
use super::pipeline_file;
use crate::views::{Graph, NodeKind};
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show what a pipeline is made of, and what waits for what
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard graph pipelines/flights\n  \
    trainyard graph pipelines/flights --format dot | dot -Tsvg > flights.svg\n  \
    trainyard graph pipelines/flights --format mermaid     for a README on GitHub\n\n\
    A dashed arrow is of a step that only comes later, and reads nothing.")]
pub(super) struct Graphed {
    /// The pipeline's folder or file
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// For people, for Graphviz, or for Mermaid
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print nodes and edges as JSON
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Dot,
    Mermaid,
}

impl Graphed {
    pub(super) fn perform(self) -> Result<ExitCode> {
        let graph = Graph::of(&pipeline_file::read(&self.pipeline)?);
        match (self.json, self.format) {
            (true, _) => output::json(&graph)?,
            (false, Format::Text) => output::text(&text(&graph))?,
            (false, Format::Dot) => output::text(&graph.dot())?,
            (false, Format::Mermaid) => output::text(&graph.mermaid())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A line for each node, below those that it waits for.
fn text(graph: &Graph) -> String {
    let mut table = Table::new(&["NODE", "DOES", "IN", "AFTER"]);
    for node in &graph.nodes {
        let after: Vec<&str> = graph.before(&node.id).map(|edge| edge.from.as_str()).collect();
        let does = match node.kind {
            NodeKind::Push => format!("pushes {}", node.does),
            NodeKind::Step | NodeKind::Gate => node.does.clone(),
        };
        let after = if after.is_empty() {
            "–".to_owned()
        } else {
            after.join(", ")
        };
        let image = node.image.clone().unwrap_or_else(|| "–".to_owned());
        table.row(vec![node.id.clone(), does, image, after]);
    }
    format!("{}\n\n{}", plain(&graph.pipeline), table.render())
}
