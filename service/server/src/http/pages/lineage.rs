//! The lineage of an artifact from left to right: source data, the steps that made of it what there is, and their code.

use super::super::App;
use super::super::error::ApiError;
use super::super::extract::{InPath, Parameters};
use super::super::lineage::{LineageQuery, around};
use super::super::session::Session;
use super::frame::{Frame, ok};
use super::graph::{escaped, with_rows};
use crate::views::{Lineage, path_part};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use trainyard_store::{Direction, LineageNode};

/// Hops if nothing else is asked: from a model over its training to the data.
const HOPS: u32 = 6;
/// Nodes that are drawn, the nearest; more say nothing to anybody.
const DRAWN: usize = 80;

const WIDTH: usize = 176;
const HEIGHT: usize = 44;
const GAP_X: usize = 44;
const GAP_Y: usize = 14;
/// Longer words are cut; the whole ones are in the title and in the table.
const LONGEST: usize = 22;

/// Characters of a run's id; what people did by hand is called by other words.
const RUN: usize = 32;

/// The address of an artifact's lineage.
pub(super) fn address(artifact: &str) -> String {
    let parts: Vec<String> = artifact.split('/').map(path_part).collect();
    format!("/lineage/{}", parts.join("/"))
}

/// A node, as it is drawn and listed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    name: String,
    is_artifact: bool,
    type_name: String,
    state: String,
    distance: u32,
    /// Where it leads.
    href: Option<String>,
    /// The first line of its box.
    title: String,
    /// The second.
    below: String,
    commit: Option<String>,
    image: Option<String>,
    digest: Option<String>,
}

impl From<&LineageNode> for Shown {
    fn from(node: &LineageNode) -> Self {
        let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        match node {
            LineageNode::Artifact {
                name,
                type_name,
                digest,
                state,
                distance,
                ..
            } => {
                let external = name.strip_prefix("external/").and_then(|name| name.split('/').next());
                Self {
                    name: name.clone(),
                    is_artifact: true,
                    type_name: type_name.clone(),
                    state: state.clone(),
                    distance: *distance,
                    href: Some(address(name)),
                    title: external.map_or_else(|| last(name), |source| format!("data {source}")),
                    below: type_name.clone(),
                    commit: None,
                    image: None,
                    digest: digest.as_ref().map(|digest| digest.short().to_owned()),
                }
            }
            LineageNode::Execution {
                name,
                type_name,
                state,
                commit,
                image_id,
                distance,
            } => {
                let (run, step) = name.split_once('/').unwrap_or((name, ""));
                let of_run = run.len() >= RUN && !step.is_empty() && !step.contains('/');
                let short = |text: &str, most: usize| text.chars().take(most).collect::<String>();
                let commit = commit.as_deref().map(|commit| short(commit, 10));
                let image = image_id
                    .as_deref()
                    .map(|image| short(image.trim_start_matches("sha256:"), 12));
                let below = match (&commit, &image) {
                    (Some(commit), _) => format!("at {commit}"),
                    (None, Some(image)) => format!("in {image}"),
                    (None, None) => type_name.clone(),
                };
                Self {
                    name: name.clone(),
                    is_artifact: false,
                    type_name: type_name.clone(),
                    state: state.clone(),
                    distance: *distance,
                    href: of_run.then(|| format!("/runs/{}#step-{}", path_part(run), path_part(step))),
                    title: if step.is_empty() { name.clone() } else { step.to_owned() },
                    below,
                    commit,
                    image,
                    digest: None,
                }
            }
        }
    }
}

/// What of a lineage is drawn: the nearest nodes, and arrows between them by their numbers.
#[derive(Debug, Default)]
struct Drawn {
    nodes: Vec<Shown>,
    edges: Vec<(usize, usize)>,
    left_out: usize,
}

impl Drawn {
    fn of(lineage: &Lineage) -> Self {
        // Runs that took over what another one made are many, and made nothing of it.
        let made: HashSet<&str> = lineage
            .nodes
            .iter()
            .filter_map(|node| match node {
                LineageNode::Execution { name, state, .. } if state != "CACHED" => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let has_maker: HashSet<&str> = lineage
            .edges
            .iter()
            .filter(|edge| made.contains(edge.from.as_str()))
            .map(|edge| edge.to.as_str())
            .collect();
        let takes_over = |node: &&LineageNode| match node {
            LineageNode::Execution { name, state, .. } if state == "CACHED" => {
                let mut outputs = lineage.edges.iter().filter(|edge| edge.from == *name).peekable();
                outputs.peek().is_some() && outputs.all(|edge| has_maker.contains(edge.to.as_str()))
            }
            _ => false,
        };
        let all: Vec<Shown> = lineage
            .nodes
            .iter()
            .filter(|node| !takes_over(node))
            .map(Shown::from)
            .collect();
        let left_out = all.len().saturating_sub(DRAWN);
        let nodes: Vec<Shown> = all.into_iter().take(DRAWN).collect();
        let at: HashMap<(bool, &str), usize> = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| ((node.is_artifact, node.name.as_str()), at))
            .collect();
        let place = |name: &str| at.get(&(true, name)).or(at.get(&(false, name))).copied();
        let edges = lineage.edges.iter().filter_map(|edge| {
            // An execution and an artifact are never called the same: one has two parts, the other three.
            Some((place(&edge.from)?, place(&edge.to)?))
        });
        let edges = edges.collect();
        Self { edges, nodes, left_out }
    }

    /// Column and row of each node: behind all that it comes from.
    fn places(&self) -> Vec<(usize, usize)> {
        let mut columns = vec![0_usize; self.nodes.len()];
        // Data have no circle; what another program stored may have one, and then it is drawn somehow.
        for _ in 0..self.nodes.len() {
            let mut moved = false;
            for (from, to) in &self.edges {
                if columns[*to] <= columns[*from] && columns[*from] + 1 < self.nodes.len() {
                    columns[*to] = columns[*from] + 1;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        with_rows(columns)
    }

    fn draw(&self) -> String {
        let places = self.places();
        let columns = places.iter().map(|(column, _)| column + 1).max().unwrap_or(0);
        let rows = places.iter().map(|(_, row)| row + 1).max().unwrap_or(0);
        let corner = |at: usize| (places[at].0 * (WIDTH + GAP_X) + 2, places[at].1 * (HEIGHT + GAP_Y) + 2);
        let width = (columns * (WIDTH + GAP_X)).saturating_sub(GAP_X) + 4;
        let height = (rows * (HEIGHT + GAP_Y)).saturating_sub(GAP_Y) + 4;
        let mut svg = format!(
            "<svg class=\"graph lineage\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"group\" aria-label=\"From source data on the left to what was made of them\">"
        );
        for (from, to) in &self.edges {
            let ((from_x, from_y), (x, y)) = (corner(*from), corner(*to));
            let (from_x, from_y, to_y) = (from_x + WIDTH, from_y + HEIGHT / 2, y + HEIGHT / 2);
            let bend = (x + from_x) / 2;
            let _ = write!(
                svg,
                "<path class=\"edge\" d=\"M{from_x} {from_y}C{bend} {from_y} {bend} {to_y} {x} {to_y}\"/>"
            );
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let (x, y) = corner(at);
            let kind = if node.is_artifact { "artifact" } else { "execution" };
            let here = if node.distance == 0 { " here" } else { "" };
            let radius = if node.is_artifact { HEIGHT / 2 } else { 4 };
            let cut = |text: &str| {
                let short: String = text.chars().take(LONGEST).collect();
                escaped(&if short == text { short } else { format!("{short}…") })
            };
            let (text_x, title_y, below_y) = (x + 14, y + 19, y + 35);
            let drawn = format!(
                "<title>{}: {}, {}</title><rect class=\"{kind}{here}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{radius}\"/>\
                 <text class=\"name\" x=\"{text_x}\" y=\"{title_y}\">{}</text><text class=\"axis\" x=\"{text_x}\" y=\"{below_y}\">{}</text>",
                escaped(&node.name),
                escaped(&node.type_name),
                escaped(&node.state.to_lowercase()),
                cut(&node.title),
                cut(&node.below),
            );
            match &node.href {
                Some(href) => {
                    let _ = write!(svg, "<a href=\"{}\">{drawn}</a>", escaped(href));
                }
                None => {
                    let _ = write!(svg, "<g>{drawn}</g>");
                }
            }
        }
        svg + "</svg>"
    }
}

#[derive(Template)]
#[template(path = "lineage.html")]
struct Page {
    frame: Frame,
    artifact: String,
    graph: String,
    nodes: Vec<Shown>,
    left_out: usize,
    /// Ways to look: address, words, and whether it is the one.
    ways: Vec<(String, &'static str, bool)>,
    hops: u32,
    /// The address without the hops, for those.
    further: String,
}

pub(in super::super) async fn show(
    State(app): State<App>,
    session: Session,
    InPath(artifact): InPath<String>,
    Parameters(query): Parameters<LineageQuery>,
) -> Result<Response, ApiError> {
    let (direction, hops) = query.read((Direction::Upstream, HOPS))?;
    let lineage = around(&app, &session.who, &artifact, (direction, hops)).await?;
    let drawn = Drawn::of(&lineage);
    let place = address(&artifact);
    let ways = [
        (Direction::Upstream, "upstream", "what it was made of"),
        (Direction::Downstream, "downstream", "what was made of it"),
        (Direction::Bidirectional, "both", "all that is connected"),
    ];
    let word = ways
        .iter()
        .find(|(way, _, _)| *way == direction)
        .map_or("both", |way| way.1);
    Ok(ok(&Page {
        frame: Frame::new("Lineage", "runs", &session),
        graph: drawn.draw(),
        ways: ways
            .iter()
            .map(|(way, word, said)| {
                (
                    format!("{place}?direction={word}&hops={hops}"),
                    *said,
                    *way == direction,
                )
            })
            .collect(),
        further: format!("{place}?direction={word}&hops="),
        nodes: drawn.nodes,
        left_out: drawn.left_out,
        hops,
        artifact,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainyard_store::LineageEdge;

    fn artifact(name: &str, distance: u32) -> LineageNode {
        LineageNode::Artifact {
            name: name.to_owned(),
            type_name: "Examples".to_owned(),
            digest: None,
            uri: String::new(),
            state: "LIVE".to_owned(),
            distance,
        }
    }

    fn execution(name: &str, state: &str, distance: u32) -> LineageNode {
        LineageNode::Execution {
            name: name.to_owned(),
            type_name: "Trainer".to_owned(),
            state: state.to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            image_id: None,
            distance,
        }
    }

    fn edge(from: &str, to: &str) -> LineageEdge {
        LineageEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            key: String::new(),
        }
    }

    #[test]
    fn data_go_from_left_to_right_and_runs_that_took_over_are_left_out() {
        let lineage = Lineage {
            nodes: vec![
                artifact("r1/train/model", 0),
                execution("r1/train", "COMPLETE", 1),
                artifact("r1/gen/examples", 2),
                execution("r1/gen", "COMPLETE", 3),
                execution("r2/gen", "CACHED", 3),
                artifact("external/rows/abc", 4),
            ],
            edges: vec![
                edge("r1/train", "r1/train/model"),
                edge("r1/gen/examples", "r1/train"),
                edge("r1/gen", "r1/gen/examples"),
                edge("r2/gen", "r1/gen/examples"),
                edge("external/rows/abc", "r1/gen"),
                edge("external/rows/abc", "r2/gen"),
            ],
        };
        let drawn = Drawn::of(&lineage);
        let places = drawn.places();
        let told: Vec<(usize, &str, &str)> = places
            .iter()
            .zip(&drawn.nodes)
            .map(|((column, _), node)| (*column, node.title.as_str(), node.below.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (4, "model", "Examples"),
                (3, "train", "at 0123456789"),
                (2, "examples", "Examples"),
                (1, "gen", "at 0123456789"),
                (0, "data rows", "Examples"),
            ]
        );
    }

    #[test]
    fn names_are_text_and_a_circle_is_drawn_somehow() {
        let lineage = Lineage {
            nodes: vec![artifact("a/b/<script>", 0), execution("a/b", "COMPLETE", 1)],
            edges: vec![edge("a/b", "a/b/<script>"), edge("a/b/<script>", "a/b")],
        };
        let drawn = Drawn::of(&lineage).draw();
        assert!(!drawn.contains("<script>") && drawn.contains("rx=\"22\""), "{drawn}");
    }
}
