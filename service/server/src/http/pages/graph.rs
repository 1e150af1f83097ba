//! The steps of a run as a graph: from left to right by what each waits for, in the plan's order from top to bottom.

use super::steps::StepRow;
use askama::filters::{Escaper as _, Html};
use std::collections::HashMap;
use std::fmt::Write as _;

const WIDTH: usize = 150;
const HEIGHT: usize = 40;
const GAP_X: usize = 48;
const GAP_Y: usize = 16;
/// Longer names are cut; the whole one is in the title.
const LONGEST: usize = 18;
/// A drawing beyond this width is made smaller where there is no room, and others never.
const BROAD: usize = 720;

/// Where a step is: its column and row.
pub(super) fn places(steps: &[StepRow]) -> Vec<(usize, usize)> {
    let at: HashMap<&str, usize> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| (step.name.as_str(), at))
        .collect();
    let mut columns = vec![0_usize; steps.len()];
    // A plan has no circles: after as many rounds as steps nothing moves.
    for _ in 0..steps.len() {
        let mut moved = false;
        for (number, step) in steps.iter().enumerate() {
            let before = step.after.iter().filter_map(|name| at.get(name.as_str()));
            let column = before.map(|before| columns[*before] + 1).max().unwrap_or(0);
            if column > columns[number] {
                columns[number] = column;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    with_rows(columns)
}

/// Each column with the next free row in it, in the order in which they come.
pub(super) fn with_rows(columns: Vec<usize>) -> Vec<(usize, usize)> {
    let mut filled: HashMap<usize, usize> = HashMap::new();
    let mut place = |column: usize| {
        let row = filled.entry(column).or_default();
        *row += 1;
        (column, *row - 1)
    };
    columns.into_iter().map(&mut place).collect()
}

/// The drawing, for the page's style sheet to colour.
pub(super) fn draw(run: &str, steps: &[StepRow]) -> String {
    let places = places(steps);
    let at: HashMap<&str, usize> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| (step.name.as_str(), at))
        .collect();
    let columns = places.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
    let rows = places.iter().map(|(_, row)| row + 1).max().unwrap_or(0);
    let corner = |(column, row): (usize, usize)| (column * (WIDTH + GAP_X) + 2, row * (HEIGHT + GAP_Y) + 2);
    let (width, height) = (
        (columns * (WIDTH + GAP_X)).saturating_sub(GAP_X) + 4,
        (rows * (HEIGHT + GAP_Y)).saturating_sub(GAP_Y) + 4,
    );
    let broad = if width > BROAD { " broad" } else { "" };
    // A group, since what is in it can be followed.
    let mut svg = format!(
        "<svg class=\"graph{broad}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"group\" \
         aria-label=\"The steps and what each waits for\">"
    );
    for (number, step) in steps.iter().enumerate() {
        let (x, y) = corner(places[number]);
        for before in step.after.iter().filter_map(|name| at.get(name.as_str())) {
            let (from_x, from_y) = corner(places[*before]);
            let (from_x, from_y, to_y) = (from_x + WIDTH, from_y + HEIGHT / 2, y + HEIGHT / 2);
            let bend = (x + from_x) / 2;
            let _ = write!(
                svg,
                "<path class=\"edge\" d=\"M{from_x} {from_y}C{bend} {from_y} {bend} {to_y} {x} {to_y}\"/>"
            );
        }
    }
    for (number, step) in steps.iter().enumerate() {
        let (x, y) = corner(places[number]);
        let cut: String = step.name.chars().take(LONGEST).collect();
        let cut = if cut == step.name { cut } else { format!("{cut}…") };
        let (text_x, name_y, state_y) = (x + 12, y + 17, y + 32);
        let _ = write!(
            svg,
            "<a href=\"/runs/{}/logs/{}\"><title>{}: {}</title><rect class=\"step {}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" rx=\"6\"/><text class=\"name\" x=\"{text_x}\" y=\"{name_y}\">{}</text>\
             <text class=\"state\" x=\"{text_x}\" y=\"{state_y}\">{}</text></a>",
            escaped(run),
            escaped(&step.name),
            escaped(&step.name),
            escaped(&step.said),
            escaped(&step.state),
            escaped(&cut),
            escaped(&step.said),
        );
    }
    svg + "</svg>"
}

/// Text that means nothing to a browser.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    // A string takes whatever is written to it.
    let _ = Html.write_escaped_str(&mut safe, text);
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, after: &[&str]) -> StepRow {
        StepRow {
            name: name.to_owned(),
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            state: "succeeded".to_owned(),
            said: "succeeded".to_owned(),
            ..StepRow::default()
        }
    }

    #[test]
    fn steps_stand_behind_what_they_wait_for() {
        let steps = [
            step("examples", &[]),
            step("left", &["examples"]),
            step("right", &["examples"]),
            step("train", &["left", "right"]),
            step("alone", &[]),
        ];
        assert_eq!(places(&steps), [(0, 0), (1, 0), (1, 1), (2, 0), (0, 1)]);
    }

    #[test]
    fn names_are_text() {
        let drawn = draw("01", &[step("<script>alert(1)</script>", &[])]);
        assert!(!drawn.contains("<script>"), "{drawn}");
        assert_eq!(drawn.matches("<rect").count(), 1);
    }
}
