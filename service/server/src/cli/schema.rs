//! `trainyard schema`.

use super::output;
use anyhow::Result;
use std::process::ExitCode;

/// Print the JSON Schema of pipeline.yaml, for completion in an editor
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    trainyard schema > pipeline.schema.json\n\n\
    Then begin the file with: # yaml-language-server: $schema=../../pipeline.schema.json")]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn perform(self) -> Result<ExitCode> {
        output::json(&trainyard_core::spec::json_schema())?;
        Ok(ExitCode::SUCCESS)
    }
}
