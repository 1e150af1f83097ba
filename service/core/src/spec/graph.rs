//! The steps' graph: order and circles.

use super::source_map::Problems;
use crate::ids::StepName;
use crate::plan::PlannedStep;
use indexmap::IndexMap;

/// The steps, each after those it needs and otherwise in the file's order. A circle is one problem
/// that names its path.
pub(super) fn ordered(
    steps: IndexMap<StepName, PlannedStep>,
    problems: &mut Problems,
) -> IndexMap<StepName, PlannedStep> {
    let mut waiting = steps;
    let mut ordered: IndexMap<StepName, PlannedStep> = IndexMap::new();
    while !waiting.is_empty() {
        let ready = waiting
            .iter()
            .position(|(_, step)| step.upstream().all(|up| !waiting.contains_key(up)));
        let Some((name, step)) = ready.and_then(|index| waiting.shift_remove_index(index)) else {
            report_circle(&waiting, problems);
            break;
        };
        ordered.insert(name, step);
    }
    ordered
}

/// Follows upstream edges until a step comes again; every step left has one.
fn report_circle(waiting: &IndexMap<StepName, PlannedStep>, problems: &mut Problems) {
    let Some((mut name, mut step)) = waiting.first() else {
        return;
    };
    let mut path: Vec<&StepName> = Vec::new();
    while !path.contains(&name) {
        path.push(name);
        let Some(next) = step.upstream().find_map(|up| waiting.get_key_value(up)) else {
            return;
        };
        (name, step) = next;
    }
    let start = path.iter().position(|known| *known == name).unwrap_or_default();
    // Upstream backwards is the direction in which data would flow.
    let mut circle: Vec<&str> = path[start..].iter().map(|name| name.as_str()).collect();
    circle.reverse();
    circle.insert(0, name.as_str());
    let message = format!("the steps wait for each other in a circle: {}", circle.join(" → "));
    let first = circle.last().copied().unwrap_or_default();
    problems.add_with_hint(&["steps", first], message, "take one of these inputs or afters out");
}
