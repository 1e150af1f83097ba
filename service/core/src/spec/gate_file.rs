//! A gate in a file of its own, for judging without a pipeline.

use super::source_map::Problems;
use super::{gate_lint, parse};
use crate::plan::{Evaluator, Gate};
use crate::problem::Problem;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A file that holds nothing but a gate, under its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GateFile {
    gate: super::Gate,
}

/// Reads a gate, strictly: the file is the gate section itself, holds it under the key `gate`, or is
/// a whole pipeline file with one. `file` is its path for messages.
pub fn load_gate(file: &str, text: &str) -> Result<Gate, Vec<Problem>> {
    let keys: IndexMap<String, IgnoredAny> = parse::strictly(file, text).map_err(|problem| vec![problem])?;
    let (gate, problems) = if keys.contains_key("steps") {
        let pipeline = parse(file, text)?;
        let none = || vec![Problem::whole(file, "the pipeline has no gate", None)];
        (pipeline.gate.ok_or_else(none)?, Problems::new(file, text))
    } else if keys.contains_key("gate") {
        let whole = parse::wholly::<GateFile>(file, text).map_err(|misshapen| misshapen.problems)?;
        (whole.gate, Problems::new(file, text))
    } else {
        let gate: super::Gate = parse::wholly(file, text).map_err(|misshapen| misshapen.problems)?;
        (gate, Problems::of_section(file, text))
    };
    linted(gate.into(), problems)
}

fn linted(gate: Gate, mut problems: Problems) -> Result<Gate, Vec<Problem>> {
    gate_lint::gate(&gate, &Evaluator::default(), &mut problems);
    if problems.is_empty() {
        return Ok(gate);
    }
    Err(problems.into_sorted())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: &str = "metrics: { auc: { value_threshold: { lower_bound: 0.5 } } }\n";

    #[test]
    fn the_gate_itself_under_its_key_and_in_a_pipeline() {
        let bare = load_gate("gate.yaml", GATE).unwrap();
        assert_eq!(load_gate("gate.yaml", &format!("gate:\n  {GATE}")).unwrap(), bare);
        let flow = GATE.trim();
        let files = [
            format!("name: x\nsteps: {{}}\ngate:\n  {GATE}"),
            format!("{{gate: {{{flow}}}}}"),
            format!("{{ \"gate\": {{ {flow} }} }}\n"),
            format!("# the bar\n---\n{{ gate:\n  {{ {flow} }}\n}}\n"),
            format!("'gate':\n    {GATE}"),
            format!("---\n{GATE}"),
            format!("{{ {flow} }}"),
            format!("{{name: x, steps: {{}}, gate: {{{flow}}}}}"),
        ];
        for file in files {
            assert_eq!(load_gate("pipeline.yaml", &file).as_ref(), Ok(&bare), "{file}");
        }
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
            "{gate: {metrics: {auc: {}}}}",
            "{gate: {metrcis: {}}}",
            "---\nmetrics: { auc: { value_threshold: {} } }\n",
            "name: x\nsteps: {}\n",
            "confidence_level: 0.4\n",
            "{gate: {}, gate: {}}",
            &"[".repeat(10_000),
        ];
        let all: Vec<String> = texts.iter().map(|text| said(text)).collect();
        insta::assert_snapshot!(all.join("\n"), @"
        gate.yaml: the file is empty: see `trainyard schema` for its keys
        gate.yaml:1:1: unknown key 'metrisc': did you mean 'metrics'? known are evaluation, model, baseline, slicing_specs, metrics, min_slice_size, insufficient_data, confidence_level, correction, missing_baseline
        gate.yaml:2:1: unknown key 'model': the only one is gate
        gate.yaml:1:12: metric 'auc' has no threshold: give it a value_threshold, a change_threshold or a require
        gate.yaml:1:1: keys with values belong here: write them as key: value
        gate.yaml:1:19: metric 'auc' has no threshold: give it a value_threshold, a change_threshold or a require
        gate.yaml:1:9: unknown key 'metrcis': did you mean 'metrics'? known are evaluation, model, baseline, slicing_specs, metrics, min_slice_size, insufficient_data, confidence_level, correction, missing_baseline
        gate.yaml:2:19: the value_threshold has no bound: give it a lower_bound or an upper_bound
        gate.yaml: the pipeline has no gate
        gate.yaml:1:1: a confidence_level lies above 0.5 and below 1
        gate.yaml:1:12: the key 'gate' is here twice: keep one of them
        gate.yaml:1:256: recursion limit exceeded
        ");
    }
}
