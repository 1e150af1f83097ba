//! The data of a run as its validators met them: distributions side by side, distances, anomalies, for people.

mod read;
mod shape;
mod sides;
#[cfg(test)]
mod tests;

pub use shape::{Bin, FeatureDistance, FoundAnomaly, JudgedData, JudgedFeature, JudgedSplit, OfSides};
