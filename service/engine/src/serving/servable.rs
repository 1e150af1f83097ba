//! A version of a model with its bytes, and what is found where it should serve.

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

impl<'a> Servable<'a> {
    /// The same model without its version.
    pub(super) fn anew(self) -> New<'a> {
        New {
            model: self.model,
            files: self.files,
        }
    }
}

/// An approved model that has no version yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct New<'a> {
    /// The model.
    pub(super) model: &'a ArtifactRef,
    /// The folder or file with its content.
    pub(super) files: &'a Path,
}

impl<'a> New<'a> {
    /// With the version it got.
    pub(super) fn called(self, version: &'a str) -> Servable<'a> {
        Servable {
            model: self.model,
            files: self.files,
            version,
        }
    }
}

/// What settling a target found.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Something was wrong; a server that runs has then loaded what is right.
    pub(crate) put_right: bool,
}
