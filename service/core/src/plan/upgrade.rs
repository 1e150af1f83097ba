//! Plans as older binaries stored them.

use super::Plan;
use crate::quantity;
use crate::stored::{Stored, StoredError};
use serde_json::{Map, Value};

impl Stored for Plan {
    const WHAT: &'static str = "plan";
    const VERSION: u32 = 2;

    fn upgrade(from: u32, mut value: Value) -> Result<Value, StoredError> {
        if from < 2 {
            durations_to_numbers(&mut value).map_err(StoredError::unreadable::<Self>)?;
            forget_references(&mut value);
        }
        Ok(value)
    }
}

/// Version 1 kept durations as the file writes them.
fn durations_to_numbers(plan: &mut Value) -> Result<(), String> {
    if let Some(data) = section(plan, "/triggers/data") {
        let seconds = number(data, "quiet_period", quantity::seconds)?;
        data.insert("quiet_period_seconds".to_owned(), seconds.unwrap_or(0).into());
    }
    if let Some(push) = section(plan, "/push")
        && let Some(micros) = number(push, "max_latency", quantity::micros)?
    {
        push.insert("max_latency_micros".to_owned(), micros.into());
    }
    Ok(())
}

/// Version 1 repeated in a gate where the file says to look for what is judged; the plan says what was found.
fn forget_references(plan: &mut Value) {
    for gate in ["/gate/gate", "/gate/proposed_gate"] {
        if let Some(gate) = section(plan, gate) {
            gate.shift_remove("evaluation");
            gate.shift_remove("model");
        }
    }
}

fn section<'a>(plan: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    plan.pointer_mut(pointer)?.as_object_mut()
}

/// Takes a text away and reads it; a text that cannot be read is an error, never nothing.
fn number(
    section: &mut Map<String, Value>,
    key: &str,
    read: fn(&str) -> Result<u64, String>,
) -> Result<Option<u64>, String> {
    match section.shift_remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => read(&text).map(Some).map_err(|why| format!("its {key} {why}")),
        Some(other) => Err(format!("its {key} {other} is not a text")),
    }
}
