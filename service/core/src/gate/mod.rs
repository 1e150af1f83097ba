//! The gate: is the candidate good enough, and better than what is serving?

mod verdict;

pub use verdict::{Blessed, Blessing, Comparison, Finding, Verdict};
