//! Charts: a line over time, and distributions over each other. Sides and lines differ by more than their colours.

use super::graph::escaped;
use std::fmt::Write as _;
use trainyard_engine::{Bin, OfSides};

/// Lines that a chart tells apart: each has a colour, a dash and a mark of its own.
pub(super) const MOST_LINES: usize = 8;

/// With more points than this a line goes without marks: nobody could tell them apart.
const MOST_MARKS: usize = 120;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 180.0;
/// Room for the figures on the left, and below.
const LEFT: f64 = 64.0;
const BELOW: f64 = 22.0;

/// A line: one value at each place, or none.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) values: Vec<Option<f64>>,
}

/// Four significant digits.
pub(super) fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() || value.abs() >= 1e9 || value.abs() < 1e-6 {
        return format!("{value:.2e}");
    }
    let places = (3 - value.abs().log10().floor() as i32).clamp(0, 9);
    let text = format!("{value:.*}", usize::try_from(places).unwrap_or(0));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// What the values of a chart are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Numbers of any size: the chart has what there is of them.
    Number,
    /// Shares: the chart begins at none.
    Share,
}

impl Unit {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Number => figure(value),
            Self::Share => percent(Some(value)),
        }
    }
}

/// Lines over places from left to right; empty where there is no value. What each point is stands in its title.
pub(super) fn lines(about: &str, unit: Unit, places: &[String], all: &[Series]) -> String {
    let values = all.iter().flat_map(|line| line.values.iter().flatten()).copied();
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let Some((low, high)) = ends(unit, &values) else {
        return String::new();
    };
    let x = |at: usize| match places.len() {
        0 | 1 => LEFT + (WIDTH - LEFT) / 2.0,
        more => LEFT + 8.0 + (WIDTH - LEFT - 16.0) * at as f64 / (more - 1) as f64,
    };
    let y = |value: f64| 8.0 + (HEIGHT - BELOW - 16.0) * (1.0 - (value - low) / (high - low));
    let mut svg = format!(
        "<svg class=\"chart broad\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(about)
    );
    for part in 0..=2 {
        let value = low + (high - low) * f64::from(part) / 2.0;
        let _ = write!(
            svg,
            "<path class=\"tick\" d=\"M{LEFT} {0:.1}H{WIDTH}\"/><text class=\"axis end\" x=\"{1}\" y=\"{2:.1}\">{3}</text>",
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            unit.shown(value)
        );
    }
    let named = match places {
        [] => Vec::new(),
        [only] => vec![(0, only, "middle")],
        [first, .., last] => vec![(0, first, "start"), (places.len() - 1, last, "end")],
    };
    for (at, name, anchor) in named {
        let cut: String = name.chars().take(24).collect();
        let _ = write!(
            svg,
            "<text class=\"axis {anchor}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x(at),
            HEIGHT - 6.0,
            escaped(&cut)
        );
    }
    for (number, line) in all.iter().take(MOST_LINES).enumerate() {
        let (mut path, mut pen) = (String::new(), 'M');
        for (at, value) in line.values.iter().enumerate() {
            match value.filter(|value| value.is_finite()) {
                Some(value) => {
                    let _ = write!(path, "{pen}{:.1} {:.1}", x(at), y(value));
                    pen = 'L';
                }
                // Nobody measured it: the line has a gap.
                None => pen = 'M',
            }
        }
        let _ = write!(svg, "<path class=\"line s{number}\" d=\"{path}\"/>");
        let marked = line.values.len() <= MOST_MARKS;
        for (at, value) in line.values.iter().enumerate().filter(|_| marked) {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                continue;
            };
            let place = places.get(at).map(String::as_str).unwrap_or_default();
            let _ = write!(
                svg,
                "<g class=\"point s{number}\"><title>{}, {}: {}</title>{}</g>",
                escaped(&line.name),
                escaped(place),
                unit.shown(value),
                mark(number, x(at), y(value))
            );
        }
    }
    svg + "</svg>"
}

/// A sign of a line, as its points and its legend have it.
pub(super) fn sign(number: usize) -> String {
    format!(
        "<svg class=\"sign\" viewBox=\"0 0 28 12\" width=\"28\" height=\"12\" aria-hidden=\"true\"><path class=\"line s{number}\" d=\"M0 6H28\"/><g class=\"point s{number}\">{}</g></svg>",
        mark(number, 14.0, 6.0)
    )
}

fn mark(number: usize, x: f64, y: f64) -> String {
    match number % 4 {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>"),
        1 => format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\"/>",
            x - 3.0,
            y - 3.0
        ),
        2 => format!("<path d=\"M{:.1} {:.1}l4 7h-8z\"/>", x, y - 4.0),
        _ => format!("<path d=\"M{:.1} {:.1}l4 4l-4 4l-4 -4z\"/>", x, y - 4.0),
    }
}

/// The lowest and the highest, never the same.
fn ends(unit: Unit, values: &[f64]) -> Option<(f64, f64)> {
    if unit == Unit::Share {
        let high = values.iter().copied().reduce(f64::max)?;
        return Some((0.0, if high > 0.0 { high } else { 1.0 }));
    }
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    let room = match high > low {
        true => (high - low) * 0.05,
        false => low.abs().max(1e-9) * 0.05,
    };
    Some((low - room, high + room))
}

/// A line through points of a square whose sides go from 0 to 1.
pub(super) struct Curve {
    /// Which of the signs it has.
    pub(super) number: usize,
    pub(super) name: &'static str,
    pub(super) points: Vec<[f64; 2]>,
}

const SIDE: f64 = 240.0;
/// Points of a curve that have a mark, and say in its title where they are.
const MOST_MARKED: usize = 20;

/// Curves in a square, with the line where both sides are the same if that means something; empty without a point.
pub(super) fn square(about: &str, (below, beside): (&str, &str), diagonal: bool, all: &[Curve]) -> String {
    if all.iter().all(|curve| curve.points.is_empty()) {
        return String::new();
    }
    let place = |[x, y]: [f64; 2]| (40.0 + SIDE * x.clamp(0.0, 1.0), 8.0 + SIDE * (1.0 - y.clamp(0.0, 1.0)));
    let (wide, high) = (SIDE + 52.0, SIDE + 44.0);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\" role=\"img\" aria-label=\"{}\">",
        escaped(about)
    );
    for part in [0.0, 0.5, 1.0] {
        let ((x, bottom), (left, y)) = (place([part, 0.0]), place([0.0, part]));
        let _ = write!(
            svg,
            "<path class=\"tick\" d=\"M{x:.1} 8V{bottom:.1}M{left:.1} {y:.1}h{SIDE}\"/><text class=\"axis middle\" x=\"{x:.1}\" y=\"{:.1}\">{part}</text><text class=\"axis end\" x=\"{:.1}\" y=\"{:.1}\">{part}</text>",
            bottom + 14.0,
            left - 6.0,
            y + 4.0
        );
    }
    if diagonal {
        let ((x, y), (to_x, to_y)) = (place([0.0, 0.0]), place([1.0, 1.0]));
        let _ = write!(svg, "<path class=\"zero\" d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\"/>");
    }
    for curve in all {
        let mut path = String::new();
        for (at, point) in curve.points.iter().enumerate() {
            let (x, y) = place(*point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
        }
        let _ = write!(svg, "<path class=\"line s{}\" d=\"{path}\"/>", curve.number);
        // With a mark on each of a hundred points nobody would see the line.
        let every = curve.points.len().div_ceil(MOST_MARKED);
        for point in curve.points.iter().step_by(every.max(1)) {
            let (x, y) = place(*point);
            let _ = write!(
                svg,
                "<g class=\"point s{}\"><title>{}: {} {}, {} {}</title>{}</g>",
                curve.number,
                escaped(curve.name),
                escaped(below),
                figure(point[0]),
                escaped(beside),
                figure(point[1]),
                mark(curve.number, x, y)
            );
        }
    }
    let _ = write!(
        svg,
        "<text class=\"axis middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text class=\"axis middle\" transform=\"rotate(-90 12 {:.1})\" x=\"12\" y=\"{3:.1}\">{}</text>",
        40.0 + SIDE / 2.0,
        high - 6.0,
        escaped(below),
        8.0 + SIDE / 2.0,
        escaped(beside)
    );
    svg + "</svg>"
}

const BARS: f64 = 300.0;
const TALL: f64 = 84.0;

/// A distribution now as bars, and before and in serving as lines over them.
pub(super) fn overlay(name: &str, bins: &[Bin]) -> String {
    let shares = |share: &OfSides<f64>| [share.now, share.before, share.serving];
    let most = bins.iter().flat_map(|bin| shares(&bin.share)).flatten();
    let most = most.filter(|share| share.is_finite()).fold(0.0, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let wide = BARS / bins.len() as f64;
    let y = |share: f64| TALL - (TALL - 4.0) * share / most;
    let mut svg = format!(
        "<svg class=\"overlay\" viewBox=\"0 0 {BARS} {}\" width=\"{BARS}\" height=\"{0}\" role=\"img\" aria-label=\"The distribution of {}\">",
        TALL + 18.0,
        escaped(name)
    );
    for (at, bin) in bins.iter().enumerate() {
        let [now, before, serving] = shares(&bin.share);
        let x = wide * at as f64;
        let mut title = format!("{}: {}", bin.label, percent(now));
        for (side, share) in [("before", before), ("serving", serving)] {
            if share.is_some() {
                let _ = write!(title, ", {side} {}", percent(share));
            }
        }
        let top = y(now.unwrap_or(0.0));
        let _ = write!(
            svg,
            "<g><title>{}</title><path class=\"all\" d=\"M{x:.1} 0h{wide:.1}v{TALL}h-{wide:.1}z\"/><path class=\"now\" d=\"M{:.1} {TALL}V{top:.1}h{:.1}V{TALL}z\"/></g>",
            escaped(&title),
            x + 1.0,
            (wide - 2.0).max(1.0)
        );
    }
    for (class, side) in [
        ("before", (|share| share.before) as fn(&OfSides<f64>) -> Option<f64>),
        ("serving", |share| share.serving),
    ] {
        let mut path = String::new();
        for (at, bin) in bins.iter().enumerate() {
            if let Some(share) = side(&bin.share) {
                let pen = if path.is_empty() { 'M' } else { 'L' };
                let _ = write!(path, "{pen}{:.1} {:.1}h{wide:.1}", wide * at as f64, y(share));
            }
        }
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    let _ = write!(svg, "<path class=\"tick\" d=\"M0 {TALL}H{BARS}\"/>");
    for (x, anchor, text) in below(bins, wide) {
        let _ = write!(
            svg,
            "<text class=\"axis {anchor}\" x=\"{x:.1}\" y=\"{}\">{}</text>",
            TALL + 14.0,
            escaped(&text)
        );
    }
    svg + "</svg>"
}

/// What stands below the bars: of numbers both ends, of values as much of each as there is room for.
fn below(bins: &[Bin], wide: f64) -> Vec<(f64, &'static str, String)> {
    let range = |bin: &Bin| {
        let (from, to) = bin.label.split_once(" to ")?;
        Some((from.parse::<f64>().ok()?, to.parse::<f64>().ok()?))
    };
    match (bins.first().and_then(range), bins.last().and_then(range)) {
        (Some((low, _)), Some((_, high))) => vec![(0.0, "start", figure(low)), (BARS, "end", figure(high))],
        _ => {
            let room = (wide / 7.0).max(1.0) as usize;
            let label = |(at, bin): (usize, &Bin)| {
                let text: String = bin.label.trim_matches('\'').chars().take(room).collect();
                (wide * (at as f64 + 0.5), "middle", text)
            };
            bins.iter().enumerate().map(label).collect()
        }
    }
}

/// `35.2%`, or a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if share > 0.0 && share < 0.0005 => "<0.1%".to_owned(),
        Some(share) => format!("{:.1}%", share * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_where_their_values_are_and_gaps_stay_gaps() {
        let line = Series {
            name: "<auc>".to_owned(),
            values: vec![Some(0.6), None, Some(0.7), Some(f64::NAN)],
        };
        let places = ["1", "2", "3", "4"].map(str::to_owned);
        let drawn = lines("auc", Unit::Number, &places, &[line]);
        assert!(!drawn.contains("<auc>") && drawn.contains("&#60;auc&#62;"), "{drawn}");
        assert_eq!(drawn.matches("<circle").count(), 2, "{drawn}");
        // The lower one lies lower, and no line goes over the gap.
        assert!(drawn.contains("d=\"M72.0 143.5M445.3 14.5\""), "{drawn}");
        assert_eq!(lines("nothing", Unit::Number, &places, &[]), "");
        assert!(
            !lines(
                "same",
                Unit::Share,
                &places,
                &[Series {
                    name: String::new(),
                    values: vec![Some(1.0)]
                }]
            )
            .contains("NaN")
        );
    }

    #[test]
    fn bars_are_as_high_as_their_shares() {
        let bin = |label: &str, now, before| Bin {
            label: label.to_owned(),
            share: OfSides {
                now: Some(now),
                before,
                serving: None,
            },
        };
        let drawn = overlay(
            "origin",
            &[bin("'EWR'", 0.5, Some(0.25)), bin("'<b>'", 0.25, Some(0.5))],
        );
        assert!(
            drawn.contains("<title>&#39;EWR&#39;: 50.0%, before 25.0%</title>"),
            "{drawn}"
        );
        assert!(drawn.contains("class=\"now\" d=\"M1.0 84V4.0h148.0V84z\""), "{drawn}");
        assert!(
            drawn.contains("class=\"before\" d=\"M0.0 44.0h150.0L150.0 4.0h150.0\""),
            "{drawn}"
        );
        assert!(
            !drawn.contains("<b>") && !drawn.contains("class=\"serving\""),
            "{drawn}"
        );
        assert_eq!(overlay("empty", &[]), "");
    }

    #[test]
    fn curves_go_from_the_lower_left() {
        let curve = |points: &[[f64; 2]]| Curve {
            number: 0,
            name: "candidate",
            points: points.to_vec(),
        };
        let drawn = square("ROC", ("x", "y"), true, &[curve(&[[0.0, 0.0], [0.5, 1.0], [1.0, 7.0]])]);
        assert!(drawn.contains("d=\"M40.0 248.0L160.0 8.0L280.0 8.0\""), "{drawn}");
        assert_eq!(square("ROC", ("x", "y"), true, &[curve(&[])]), "");
        let many: Vec<[f64; 2]> = (0..=100).map(|at| [f64::from(at) / 100.0; 2]).collect();
        let drawn = square("ROC", ("x", "y"), true, &[curve(&many)]);
        assert_eq!(
            (drawn.matches('L').count(), drawn.matches("<circle").count()),
            (101, 17),
            "{drawn}"
        );
    }

    #[test]
    fn figures_are_short() {
        let told = [0.0, 0.65123, 1234.6, 1e-9, -12.0].map(figure);
        assert_eq!(told, ["0", "0.6512", "1235", "1.00e-9", "-12"]);
    }
}
