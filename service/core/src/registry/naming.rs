//! Giving names to versions, and taking them away.

use super::{Alias, BaselineRefusal, CHAMPION, Ledger};
use crate::plan::is_model_name;

/// Whether a name may be given to a version, or with `None` be taken away.
pub fn check_alias(
    model: &str,
    alias: &str,
    version: Option<&str>,
    ledger: &Ledger,
    given: &[Alias],
) -> Result<(), AliasRefusal> {
    let model = || model.to_owned();
    let Some(version) = version else {
        return match given.iter().any(|entry| entry.alias == alias) {
            _ if alias == CHAMPION => Err(AliasRefusal::Champion),
            true => Ok(()),
            false => Err(AliasRefusal::Unknown(BaselineRefusal::no_alias(model(), alias, given))),
        };
    };
    if !is_model_name(alias) {
        return Err(AliasRefusal::NotAName(alias.to_owned()));
    }
    if ledger.is_empty() {
        return Err(AliasRefusal::NotRegistered(model()));
    }
    match ledger.version(version) {
        Some(_) if alias == CHAMPION => Err(AliasRefusal::Champion),
        Some(_) => Ok(()),
        None => Err(AliasRefusal::Unknown(BaselineRefusal::no_version(model(), version))),
    }
}

/// A name that is not given or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AliasRefusal {
    /// It follows what serves.
    Champion,
    /// It has letters that a name cannot have.
    NotAName(String),
    /// Nothing was ever pushed there.
    NotRegistered(String),
    /// The model has no such version or name; the same as of a baseline.
    Unknown(BaselineRefusal),
}

impl AliasRefusal {
    /// What stands in the way and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Champion => {
                "'champion' follows what serves and is never set by hand: use `trainyard promote` or `trainyard rollback`"
                    .to_owned()
            }
            Self::NotAName(alias) => format!(
                "'{alias}' cannot be an alias: write letters, digits, '.', '_' or '-', at most 64"
            ),
            Self::NotRegistered(model) => format!(
                "there is no registered model '{model}': nothing was ever pushed to a target of this name; see `trainyard models`"
            ),
            Self::Unknown(none) => none.sentence(),
        }
    }
}
