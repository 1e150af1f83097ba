//! The push targets of the settings, by name.

use super::config::TargetConfig;
use std::collections::BTreeMap;
use trainyard_core::registry::Unknown;

/// The push targets of the settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets(BTreeMap<String, TargetConfig>);

impl Targets {
    pub(crate) fn new(targets: BTreeMap<String, TargetConfig>) -> Self {
        Self(targets)
    }

    /// The settings of a target.
    pub(crate) fn get(&self, name: &str) -> Result<&TargetConfig, Unknown> {
        self.0.get(name).ok_or_else(|| Unknown::Target {
            name: name.to_owned(),
            known: self.known(),
        })
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// The only one there is.
    pub(crate) fn only(&self) -> Option<&String> {
        self.names().next().filter(|_| self.0.len() == 1)
    }

    /// Their names for sentences about one that is not among them.
    pub(crate) fn known(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        self.names().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}
