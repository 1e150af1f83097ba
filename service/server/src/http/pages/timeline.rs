//! The steps of a run over time.

use super::graph::escaped;
use super::steps::StepRow;
use super::when::Took;
use std::fmt::Write as _;

const WIDTH: i64 = 720;
const NAMES: i64 = 160;
const ROW: i64 = 24;

/// The drawing, from the first start to the last end; empty where nothing has started.
pub(super) fn draw(steps: &[StepRow]) -> String {
    let began = steps.iter().filter_map(|step| step.started).min();
    let ended = steps.iter().filter_map(|step| step.ended.or(step.started)).max();
    let Some((began, ended)) = began.zip(ended) else {
        return String::new();
    };
    let span = (ended - began).max(1);
    let x = |at: i64| NAMES + i64::try_from(i128::from(at - began) * i128::from(WIDTH) / i128::from(span)).unwrap_or(0);
    let timed = || steps.iter().filter(|step| step.started.is_some());
    let (width, height) = (
        NAMES + WIDTH + 110,
        ROW * i64::try_from(timed().count()).unwrap_or(0) + 20,
    );
    let mut svg = format!(
        "<svg class=\"timeline\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"The steps over time\">"
    );
    let mut before = String::new();
    for part in 0..=4 {
        let (at, took) = (NAMES + WIDTH * part / 4, Took(span * part / 4).to_string());
        // What is shorter than a tenth of a second would be said twice.
        let said = if took == before { "" } else { &took };
        let _ = write!(
            svg,
            "<path class=\"tick\" d=\"M{at} 0V{}\"/><text class=\"axis\" x=\"{at}\" y=\"{}\">{said}</text>",
            height - 18,
            height - 4
        );
        before = took;
    }
    for (row, step) in (0_i64..).zip(timed()) {
        let from = x(step.started.unwrap_or(began));
        let to = x(step.ended.unwrap_or(ended)).max(from + 2);
        let (y, text_y) = (row * ROW + 3, row * ROW + 17);
        let name: String = step.name.chars().take(22).collect();
        let mut beside = step.took.clone().unwrap_or_default();
        // In a word as well as by the colour of the bar.
        if step.state != "succeeded" {
            let _ = write!(beside, " {}", step.state);
        }
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"0\" y=\"{text_y}\">{}</text><rect class=\"step {}\" x=\"{from}\" y=\"{y}\" width=\"{}\" \
             height=\"18\" rx=\"3\"><title>{}: {}</title></rect><text class=\"axis\" x=\"{}\" y=\"{text_y}\">{}</text>",
            escaped(&name),
            escaped(&step.state),
            to - from,
            escaped(&step.name),
            escaped(&step.said),
            to + 6,
            escaped(&beside),
        );
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_lie_where_their_steps_were() {
        let step = |name: &str, started, ended| StepRow {
            name: name.to_owned(),
            state: "succeeded".to_owned(),
            started,
            ended,
            ..StepRow::default()
        };
        let drawn = draw(&[
            step("a", Some(0), Some(1_000_000)),
            step("b", Some(1_000_000), Some(2_000_000)),
            step("never", None, None),
        ]);
        assert_eq!(drawn.matches("<rect").count(), 2);
        assert!(drawn.contains("x=\"160\" y=\"3\" width=\"360\""), "{drawn}");
        assert!(drawn.contains("x=\"520\" y=\"27\" width=\"360\""), "{drawn}");
        assert_eq!(draw(&[step("never", None, None)]), "");
    }
}
