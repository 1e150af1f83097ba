//! A gate in a file of its own, for judging without a pipeline.

use super::source_map::Problems;
use super::{Gate, Problem, gate_lint, parse};
use serde::Deserialize;

/// A file that holds nothing but a gate, under its key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateFile {
    gate: Gate,
}

/// Reads a gate, strictly: the file is the gate section itself, holds it under the key `gate`, or is
/// a whole pipeline file with one. `file` is its path for messages.
pub fn load_gate(file: &str, text: &str) -> Result<Gate, Vec<Problem>> {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    if has("gate:") && has("steps:") {
        let pipeline = parse(file, text).map_err(|problem| vec![problem])?;
        return pipeline.gate.map_or_else(
            || Err(vec![problem(file, "the pipeline has no gate")]),
            |gate| linted(gate, file, text),
        );
    }
    if has("gate:") {
        let whole = parse::strictly::<GateFile>(file, text).map_err(|problem| vec![problem])?;
        return linted(whole.gate, file, text);
    }
    let gate = parse::strictly::<Gate>(file, text).map_err(|problem| vec![problem])?;
    // The lint looks for the section below its key: one line down, one column to the right.
    let below: String = text.lines().map(|line| format!(" {line}\n")).collect();
    linted(gate, file, &format!("gate:\n{below}")).map_err(|mut problems| {
        for problem in &mut problems {
            problem.line = problem.line.map(|line| line.saturating_sub(1).max(1));
            problem.column = problem.column.map(|column| column.saturating_sub(1).max(1));
        }
        problems
    })
}

fn linted(gate: Gate, file: &str, text: &str) -> Result<Gate, Vec<Problem>> {
    let mut problems = Problems::new(file, text);
    gate_lint::gate(&gate, &gate_lint::Measured::default(), &mut problems);
    if problems.is_empty() {
        return Ok(gate);
    }
    Err(problems.into_sorted())
}

fn problem(file: &str, message: &str) -> Problem {
    Problem {
        file: file.to_owned(),
        line: None,
        column: None,
        message: message.to_owned(),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: &str = "metrics: { auc: { value_threshold: { lower_bound: 0.5 } } }\n";

    #[test]
    fn the_gate_itself_under_its_key_and_in_a_pipeline() {
        let bare = load_gate("gate.yaml", GATE).unwrap();
        assert_eq!(load_gate("gate.yaml", &format!("gate:\n  {GATE}")).unwrap(), bare);
        let pipeline = format!("name: x\nsteps: {{}}\ngate:\n  {GATE}");
        assert_eq!(load_gate("pipeline.yaml", &pipeline).unwrap(), bare);
    }

    #[test]
    fn mistakes_have_their_place() {
        let said = |text: &str| {
            let problems = load_gate("gate.yaml", text).unwrap_err();
            problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
        };
        let texts = [
            "",
            "metrisc: {}\n",
            "gate: { metrics: {} }\nmodel: x\n",
            "metrics: { auc: {} }\n",
            "[1]",
        ];
        let all: Vec<String> = texts.iter().map(|text| said(text)).collect();
        insta::assert_snapshot!(all.join("\n"), @"
        gate.yaml: the file is empty: see `trainyard schema` for its keys
        gate.yaml:1:1: unknown key 'metrisc': did you mean 'metrics'? known are evaluation, model, baseline, slicing_specs, metrics, min_slice_size, insufficient_data, confidence_level, correction, missing_baseline
        gate.yaml:2:1: unknown key 'model': the only one is gate
        gate.yaml:1:12: metric 'auc' has no threshold: give it a value_threshold, a change_threshold or a require
        gate.yaml:1:1: keys with values belong here: write them as key: value
        ");
    }
}
