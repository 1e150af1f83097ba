//! What the cache keys were made of, for `trainyard why`.

use crate::error::Result;
use crate::store::Store;
use serde_json::Value;
use trainyard_core::ids::{Micros, RunId, StepName};

impl Store {
    /// Stores the pre-image of a step's cache key; a second time replaces it.
    pub async fn put_preimage(&self, run: &RunId, step: &StepName, key: &str, preimage: &Value, at: Micros) -> Result<()> {
        let _ = (run, step, key, preimage, at);
        self.unwritten()
    }

    /// The cache key of a step and what it was made of.
    pub async fn preimage(&self, run: &RunId, step: &StepName) -> Result<Option<(String, Value)>> {
        let _ = (run, step);
        self.unwritten()
    }

    /// The same of the last earlier run of the pipeline that came to this step.
    pub async fn previous_preimage(&self, pipeline: &str, step: &StepName, before: &RunId) -> Result<Option<(RunId, String, Value)>> {
        let _ = (pipeline, step, before);
        self.unwritten()
    }
}
