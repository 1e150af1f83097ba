//! Metrics that a program reports while it runs: a line of its log that is a JSON object with a whole number `step`
//! (or `epoch`), and beside it numbers.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Curves of one log; what comes after is left out.
const MOST_CURVES: usize = 64;
/// Points that are kept of a curve: with more, every other one goes, and so on.
const MOST_POINTS: usize = 512;
/// A longer line is no report.
const LONGEST_LINE: usize = 16 * 1024;
/// A longer name is none.
const LONGEST_NAME: usize = 100;
/// Numbers that say when, and measure nothing.
const PLACES: [&str; 4] = ["step", "epoch", "time", "timestamp"];

/// What a log reports, by metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves(BTreeMap<String, Curve>);

/// The values of a metric, by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    points: Vec<(u64, f64)>,
    /// Only every so-many-th report is kept.
    stride: usize,
    /// Reports so far.
    seen: usize,
    last: (u64, f64),
}

impl Curves {
    /// Takes the next line of the log; whether it was a report.
    pub fn take(&mut self, line: &[u8]) -> bool {
        let Some((step, values)) = report(line) else {
            return false;
        };
        let mut any = false;
        for (name, value) in values {
            any |= self.add(&name, step, value);
        }
        any
    }

    /// Takes a value of a metric; whether its name may be one.
    pub fn add(&mut self, name: &str, step: u64, value: f64) -> bool {
        if name.is_empty() || name.len() > LONGEST_NAME || !value.is_finite() {
            return false;
        }
        if let Some(curve) = self.0.get_mut(name) {
            curve.take(step, value);
        } else if self.0.len() < MOST_CURVES {
            self.0.insert(name.to_owned(), Curve::new(step, value));
        }
        true
    }

    /// Takes the curves that are not here yet.
    pub fn add_missing(&mut self, other: Self) {
        for (name, curve) in other.0 {
            if self.0.len() < MOST_CURVES {
                self.0.entry(name).or_insert(curve);
            }
        }
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Curve)> {
        self.0.iter().map(|(name, curve)| (name.as_str(), curve))
    }

    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Curve {
    fn new(step: u64, value: f64) -> Self {
        Self {
            points: vec![(step, value)],
            stride: 1,
            seen: 1,
            last: (step, value),
        }
    }

    fn take(&mut self, step: u64, value: f64) {
        // A program that went back to a checkpoint says the steps behind it anew.
        if step <= self.last.0 {
            let kept = self.points.partition_point(|(earlier, _)| *earlier < step);
            self.points.truncate(kept);
            self.seen = kept * self.stride;
        }
        self.last = (step, value);
        if self.seen.is_multiple_of(self.stride) {
            self.points.push((step, value));
        }
        self.seen += 1;
        if self.points.len() > MOST_POINTS {
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// From the first report to the last one.
    pub fn points(&self) -> Vec<(u64, f64)> {
        let mut points = self.points.clone();
        if points.last() != Some(&self.last) {
            points.push(self.last);
        }
        points
    }

    /// The last report.
    pub fn last(&self) -> (u64, f64) {
        self.last
    }
}

/// The step, and the numbers that are measured there.
fn report(line: &[u8]) -> Option<(u64, impl Iterator<Item = (String, f64)>)> {
    let line = line.trim_ascii();
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') || line.len() > LONGEST_LINE {
        return None;
    }
    let told: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let step = ["step", "epoch"]
        .into_iter()
        .find_map(|name| told.get(name)?.as_u64())?;
    let values = told.into_iter().filter_map(|(name, value)| {
        let value = value.as_f64()?;
        (!PLACES.contains(&name.as_str())).then_some((name, value))
    });
    Some((step, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(lines: &[&str]) -> Curves {
        let mut curves = Curves::default();
        for line in lines {
            curves.take(line.as_bytes());
        }
        curves
    }

    #[test]
    fn only_objects_with_a_step_and_numbers_are_reports() {
        let mut curves = Curves::default();
        for (line, expected) in [
            (r#"{"step": 1, "loss": 0.5}"#, true),
            (r#"  {"epoch": 2, "loss": 4e-1, "note": "fine", "time": 17}  "#, true),
            (r#"{"step": 1}"#, false),
            (r#"{"step": "1", "loss": 0.5}"#, false),
            (r#"{"step": -1, "loss": 0.5}"#, false),
            (r#"{"step": 1.5, "loss": 0.5}"#, false),
            (r#"{"loss": 0.5}"#, false),
            (r#"[{"step": 1, "loss": 0.5}]"#, false),
            (r#"{"step": 1, "loss": 0.5"#, false),
            (r#"{"step": 3, "loss": NaN}"#, false),
            (r#"{"step": 3, "loss": "0.5", "ok": true}"#, false),
            ("", false),
        ] {
            assert_eq!(curves.take(line.as_bytes()), expected, "{line}");
        }
        let all: Vec<_> = curves.iter().map(|(name, curve)| (name, curve.points())).collect();
        assert_eq!(all, [("loss", vec![(1, 0.5), (2, 0.4)])]);
    }

    #[test]
    fn steps_that_are_said_anew_take_the_place_of_the_earlier_ones() {
        let curves = of(&[
            r#"{"step": 1, "loss": 3}"#,
            r#"{"step": 2, "loss": 2}"#,
            r#"{"step": 3, "loss": 9}"#,
            r#"{"step": 2, "loss": 1}"#,
        ]);
        assert_eq!(curves.iter().next().unwrap().1.points(), [(1, 3.0), (2, 1.0)]);
    }

    #[test]
    fn names_are_bounded_in_length_and_number() {
        let long = format!(r#"{{"step": 1, "{}": 1}}"#, "x".repeat(101));
        assert!(!Curves::default().take(long.as_bytes()));
        let many: Vec<String> = (0..100).map(|number| format!("\"m{number}\": 1")).collect();
        let line = format!("{{\"step\": 1, {}}}", many.join(", "));
        assert_eq!(of(&[line.as_str()]).iter().count(), MOST_CURVES);
    }

    proptest! {
        #[test]
        fn a_long_curve_keeps_its_ends_its_order_and_a_bounded_number_of_points(length in 1_u64..20_000) {
            let mut curve = Curve::new(0, 0.0);
            for step in 1..length {
                curve.take(step, step as f64);
            }
            let points = curve.points();
            prop_assert!(points.len() <= MOST_POINTS + 1);
            prop_assert!(points.len() as u64 >= length.min(MOST_POINTS as u64 / 2));
            prop_assert_eq!(points[0], (0, 0.0));
            prop_assert_eq!(points[points.len() - 1].0, length - 1);
            prop_assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }

        #[test]
        fn steps_in_any_order_leave_a_rising_curve(steps in prop::collection::vec(0_u64..2_000, 1..3_000)) {
            let mut curve = Curve::new(steps[0], 0.0);
            for step in &steps[1..] {
                curve.take(*step, 1.0);
            }
            let points = curve.points();
            prop_assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{:?}", points);
        }

        #[test]
        fn no_line_is_too_strange(line in prop::collection::vec(any::<u8>(), 0..200)) {
            Curves::default().take(&line);
        }
    }
}
