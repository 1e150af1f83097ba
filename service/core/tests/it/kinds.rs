//! Lists of kinds that nobody may forget to make longer: what is read from the database knows them all.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use trainyard_core::registry::IntentAction;
use trainyard_core::report::MessageKind;
use trainyard_core::run::RunEvent;

/// What serde says that it would have taken.
fn known<T: DeserializeOwned>(unknown: Value) -> Vec<String> {
    let error = serde_json::from_value::<T>(unknown).err().unwrap().to_string();
    let quoted = error.split('`').skip(3).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn every_kind_is_in_its_list() {
    let event = json!({"event": "nothing like it"});
    assert_eq!(known::<RunEvent>(event), RunEvent::KINDS);
    let nothing = json!("nothing like it");
    assert_eq!(
        known::<MessageKind>(nothing.clone()),
        MessageKind::ALL.map(MessageKind::as_str)
    );
    assert_eq!(
        known::<IntentAction>(nothing),
        IntentAction::ALL.map(IntentAction::as_str)
    );
}
