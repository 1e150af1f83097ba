//! The JSON Schema of the pipeline file, for editors.

/// The schema of [`super::Pipeline`].
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(super::Pipeline).to_value()
}
