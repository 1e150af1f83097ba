//! The gate: is the candidate good enough, and better than what is serving?

mod forced;
mod incomparable;
mod judge;
mod pair;
mod power;
mod replay;
mod rows;
mod significance;
#[cfg(test)]
mod tests;
mod threshold;
mod undefined;
mod validation_result;
mod verdict;

pub use forced::{InvalidOverride, Override};
pub use judge::judge;
pub use replay::{GateReplay, Replayed};
pub use verdict::{Blessed, Blessing, Comparison, Finding, Rule, Slicing, SlicingDetails, Verdict};
