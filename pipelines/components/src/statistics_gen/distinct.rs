//! How many different values: HyperLogLog of the crate `datasketches`, mergeable without further error.

use datasketches::hll::{Coupon, HllSketch, HllType, HllUnion};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::Hash;

/// 4096 registers: one standard deviation is 1.6 % (1.04 / sqrt(4096)).
const REGISTERS_LOG2: u8 = 12;

/// The different values seen so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Distinct(HllSketch);

impl Default for Distinct {
    fn default() -> Self {
        Self(HllSketch::new(REGISTERS_LOG2, HllType::Hll8).expect("12 is within 4 to 21"))
    }
}

impl Distinct {
    /// Adds a value.
    pub fn add(&mut self, value: impl Hash) {
        self.0.update_with_coupon(Coupon::from_value(value));
    }

    /// Adds what another has seen.
    pub fn merge(&mut self, other: &Self) {
        let mut union = HllUnion::new(REGISTERS_LOG2).expect("12 is within 4 to 21");
        union.update(&self.0);
        union.update(&other.0);
        self.0 = union.to_sketch(HllType::Hll8);
    }

    /// About how many; the estimate depends on the values only, not on their order.
    pub fn estimate(&self) -> u64 {
        self.0.composite_estimate().round() as u64
    }
}

impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.serialize())
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        HllSketch::deserialize(bytes).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_three_sigma_and_merging_adds_no_error() {
        for count in [10u64, 1_000, 100_000, 1_000_000] {
            let (mut left, mut right, mut whole) = <(Distinct, Distinct, Distinct)>::default();
            for value in 0..count {
                let part = if value % 3 == 0 { &mut left } else { &mut right };
                part.add(value);
                whole.add(value);
            }
            let mut other = right.clone();
            other.merge(&left);
            left.merge(&right);
            let sigma = 1.04 / 64.0 * count as f64;
            assert!(
                (left.estimate() as f64 - count as f64).abs() <= 3.0 * sigma,
                "{count}: {}",
                left.estimate()
            );
            assert_eq!(
                (left.estimate(), other.estimate()),
                (whole.estimate(), whole.estimate())
            );
        }
    }
}
