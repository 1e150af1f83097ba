//! schema-gen: statistics in, the schema they suggest out.

use anyhow::Result;
use serde::Deserialize;

use crate::statistics_gen::read_statistics;
use crate::task::{ExecutorOutput, Task, data_properties, write_json};
use crate::tfdv::infer::{MAX_STRING_DOMAIN_SIZE, infer};

#[derive(Deserialize)]
struct Parameters {
    #[serde(default = "standard_domain_size")]
    max_string_domain_size: usize,
}

fn standard_domain_size() -> usize {
    MAX_STRING_DOMAIN_SIZE
}

/// Reads the input `statistics`, writes the output `schema`.
///
/// # Errors
/// When the statistics are unreadable, empty or contradict each other, or the output cannot be written.
pub fn run(task: &Task) -> Result<()> {
    let parameters: Parameters = task.parameters()?;
    let statistics = task.input("statistics")?;
    let datasets = read_statistics(statistics)?;
    let schema = infer(&datasets, parameters.max_string_domain_size)?;
    println!(
        "{} features, {} domains",
        schema.feature.len(),
        schema.string_domain.len()
    );
    write_json(&task.output("schema")?.join("schema.json"), &schema)?;
    let mut properties = data_properties(statistics);
    properties.shift_remove("split_names");
    task.report(&ExecutorOutput::of("schema", properties))
}
