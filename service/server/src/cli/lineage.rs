//! `trainyard lineage`.

use super::output::{self, Table};
use crate::config::Config;
use crate::views::Lineage as LineageView;
use anyhow::{Result, bail};
use std::process::ExitCode;
use trainyard_store::{Direction, LineageNode, StoreError};

/// Show what an artifact was made of, and what was made of it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  trainyard lineage 0192f0c1-2b3c-7def-8a9b-0c1d2e3f4a5b/train/model\n  \
    trainyard lineage 0192f0c1-2b3c-7def-8a9b-0c1d2e3f4a5b/train/model --direction upstream --hops 6\n  \
    trainyard lineage 0192f0c1-2b3c-7def-8a9b-0c1d2e3f4a5b/train/model --json\n\n\
    An artifact is called RUN/STEP/OUTPUT; `trainyard runs RUN` has the outputs of its steps."
)]
pub(super) struct Lineage {
    /// The artifact
    artifact: String,
    /// Which way: what it was made of, what was made of it, or both
    #[arg(long, value_name = "WAY", default_value = "both")]
    direction: Way,
    /// Steps over an execution or an artifact
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100))]
    hops: u32,
    /// Print as JSON, as GET /api/v1/lineage answers
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Way {
    Upstream,
    Downstream,
    Both,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Upstream => Self::Upstream,
            Way::Downstream => Self::Downstream,
            Way::Both => Self::Bidirectional,
        }
    }
}

impl Lineage {
    pub(super) async fn perform(self, config: &Config) -> Result<ExitCode> {
        let store = super::reads(config).await?;
        let found = store.lineage(&self.artifact, self.direction.into(), self.hops).await;
        let told: LineageView = match found {
            Ok(found) => found.into(),
            Err(StoreError::NotFound(none)) => bail!(
                "{none}: an artifact is called RUN/STEP/OUTPUT, with the whole id of its run, as `trainyard runs RUN` has it"
            ),
            Err(other) => return Err(other.into()),
        };
        if self.json {
            output::json(&told)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["HOPS", "WHAT", "TYPE", "STATE", "NAME", "MADE OF"]);
        for node in &told.nodes {
            let (what, name, type_name, state, distance) = match node {
                LineageNode::Artifact {
                    name,
                    type_name,
                    state,
                    distance,
                    ..
                } => ("artifact", name, type_name, state, distance),
                LineageNode::Execution {
                    name,
                    type_name,
                    state,
                    distance,
                    ..
                } => ("execution", name, type_name, state, distance),
            };
            let made_of = told.edges.iter().filter(|edge| edge.to == *name);
            let made_of: Vec<&str> = made_of.map(|edge| edge.from.as_str()).collect();
            table.row(vec![
                distance.to_string(),
                what.to_owned(),
                type_name.clone(),
                state.to_lowercase(),
                name.clone(),
                made_of.join(", "),
            ]);
        }
        output::text(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
