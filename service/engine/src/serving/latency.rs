//! The latency bound: how long the sample request takes, over several queries after a warm-up.

use std::time::Duration;

/// Queries that are timed. The first one, which warms up, is not.
pub(super) const QUERIES: usize = 10;

/// Whether so many queries over the bound decide already that the median is over it.
pub(super) fn decided(taken: &[Duration], bound: Duration) -> bool {
    taken.iter().filter(|time| **time > bound).count() > QUERIES / 2
}

/// The median must not be over the bound; of an even number it is the lower of the two in the middle,
/// so that more than half were too slow. The error is a sentence.
pub(super) fn judge(taken: &[Duration], bound: Duration) -> Result<(), String> {
    let mut sorted = taken.to_vec();
    sorted.sort();
    let middle = sorted.len().saturating_sub(1) / 2;
    let (Some(median), Some(slowest)) = (sorted.get(middle), sorted.last()) else {
        return Ok(());
    };
    if *median <= bound {
        return Ok(());
    }
    Err(format!(
        "the served model takes {} for the sample request (median of {}, slowest {}), more than max_latency {}",
        shown(*median),
        taken.len(),
        shown(*slowest),
        shown(bound)
    ))
}

fn shown(time: Duration) -> String {
    format!("{:.1}ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_counts() {
        let ms = |times: &[u64]| times.iter().map(|ms| Duration::from_millis(*ms)).collect::<Vec<_>>();
        let bound = Duration::from_millis(100);
        assert_eq!(judge(&ms(&[]), bound), Ok(()));
        assert_eq!(judge(&ms(&[100, 900, 100]), bound), Ok(()), "one straggler is noise");
        assert_eq!(judge(&ms(&[90, 900]), bound), Ok(()));
        insta::assert_snapshot!(judge(&ms(&[250, 101, 300]), bound).unwrap_err(), @"the served model takes 250.0ms for the sample request (median of 3, slowest 300.0ms), more than max_latency 100.0ms");
        assert!(!decided(&ms(&[200; 5]), bound));
        assert!(decided(&ms(&[200; 6]), bound) && judge(&ms(&[200; 6]), bound).is_err());
    }
}
