//! A version of a model with its bytes.

use std::path::Path;
use trainyard_core::artifact::ArtifactRef;

/// A version of an approved model, and where its bytes are.
#[derive(Clone, Copy, Debug)]
pub struct Servable<'a> {
    /// The model.
    pub model: &'a ArtifactRef,
    /// The folder or file with its content.
    pub files: &'a Path,
    /// The version of the ledger.
    pub version: &'a str,
}
