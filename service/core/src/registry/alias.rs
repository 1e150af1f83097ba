//! Names such as `challenger` that stand for versions of a registered model.

use crate::ids::Micros;
use serde::Serialize;

/// The alias of what serves. It moves by itself, and nobody sets it.
pub const CHAMPION: &str = "champion";

/// A name to give, or to take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlias {
    /// The registered model: a push target's name.
    pub model: String,
    /// The name, for example `challenger`.
    pub alias: String,
    /// The version that bears it from now on; `None` takes the name away.
    pub version: Option<String>,
    /// Who.
    pub actor: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// When.
    pub at: Micros,
}

/// An entry; the newest of a model and name is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// Grows with every entry.
    pub id: i64,
    /// The registered model: a push target's name.
    pub model: String,
    /// The name, for example `challenger`.
    pub alias: String,
    /// The version that bears it; `None` where the name was taken away.
    pub version: Option<String>,
    /// Who.
    pub actor: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// When, in microseconds since 1970-01-01 UTC.
    pub at: Micros,
}
