//! The gate: is the candidate good enough, and better than what is serving?

mod judge;
mod verdict;

pub use judge::judge;
pub use verdict::{Blessed, Blessing, Comparison, Finding, Verdict};
