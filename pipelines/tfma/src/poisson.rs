//! Poisson(1) weights by counter: a row's weight is a function of seed, replicate and row alone.

/// The chance of at least 1, 2, … of Poisson(1), in units of 1/65536.
const AT_LEAST: [u16; 8] = [41_427, 17_317, 5_263, 1_244, 240, 39, 5, 1];

/// The weights of all rows in one replicate.
pub fn weights(seed: u64, replicate: u64, weights: &mut [u8]) {
    // SplitMix64, its place in the sequence spread by seed and replicate.
    let mut state = mix(mix(seed ^ 0x5851_F42D_4C95_7F2D) ^ replicate.wrapping_mul(GOLDEN));
    for four in weights.chunks_mut(4) {
        state = state.wrapping_add(GOLDEN);
        let word = mix(state);
        for (place, weight) in four.iter_mut().enumerate() {
            let chance = (word >> (16 * place)) as u16;
            *weight = AT_LEAST.iter().map(|least| u8::from(chance < *least)).sum();
        }
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64.
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_variance_are_one() {
        let mut all = vec![0; 1 << 20];
        weights(7, 3, &mut all);
        let mean = all.iter().map(|weight| f64::from(*weight)).sum::<f64>() / all.len() as f64;
        let squares: f64 = all.iter().map(|weight| (f64::from(*weight) - mean).powi(2)).sum();
        assert!((mean - 1.0).abs() < 0.004, "{mean}");
        assert!((squares / all.len() as f64 - 1.0).abs() < 0.008);
        let zeros = all.iter().filter(|weight| **weight == 0).count() as f64 / all.len() as f64;
        assert!((zeros - (-1.0_f64).exp()).abs() < 0.002, "{zeros}");
    }

    #[test]
    fn chances_are_those_of_the_poisson_distribution() {
        let (mut term, mut tail) = ((-1.0_f64).exp(), 1.0);
        for (times, least) in AT_LEAST.iter().enumerate() {
            tail -= term;
            term /= times as f64 + 1.0;
            assert_eq!((tail * 65536.0).round(), f64::from(*least));
        }
    }

    #[test]
    fn a_row_has_its_weight_however_many_follow() {
        let (mut few, mut many) = (vec![0; 10], vec![0; 1000]);
        weights(1, 2, &mut few);
        weights(1, 2, &mut many);
        assert_eq!(few, many[..10]);
        weights(1, 3, &mut few);
        assert_ne!(few, many[..10]);
        weights(2, 2, &mut few);
        assert_ne!(few, many[..10]);
    }
}
