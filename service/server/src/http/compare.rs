//! Runs side by side.

use super::App;
use super::error::ApiError;
use super::runs::row;
use super::who::Who;
use crate::views::Comparison;
use axum::Json;
use axum::extract::{RawQuery, State};
use trainyard_core::run::Run;

/// Runs that are compared at once.
const MOST: usize = 10;

/// What is asked for: runs, and whether only what differs.
pub(super) struct Compared {
    pub(super) runs: Vec<String>,
    pub(super) differences: bool,
}

impl Compared {
    /// From `run=A&run=B` or `runs=A,B`, with `differences=true`.
    pub(super) fn read(query: Option<&str>) -> Result<Self, ApiError> {
        let mut asked = Self {
            runs: Vec::new(),
            differences: false,
        };
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match (name.as_ref(), value.as_ref()) {
                ("run" | "runs", runs) => {
                    let runs = runs.split(',').map(str::trim).filter(|run| !run.is_empty());
                    asked.runs.extend(runs.map(str::to_owned));
                }
                ("differences", "true" | "on") => asked.differences = true,
                ("differences", "false" | "") => asked.differences = false,
                ("differences", other) => {
                    return Err(ApiError::bad_request(format!(
                        "differences is '{other}': ask for true or false"
                    )));
                }
                (other, _) => {
                    return Err(ApiError::bad_request(format!(
                        "the query string is wrong: unknown field `{other}`, expected `runs` or `differences`"
                    )));
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        asked.runs.retain(|run| seen.insert(run.clone()));
        match asked.runs.len() {
            2..=MOST => Ok(asked),
            number => Err(ApiError::bad_request(format!(
                "{number} runs are asked for: name 2 to {MOST}, as in runs=A,B"
            ))),
        }
    }
}

/// The runs that are asked for, side by side; `runs` has their ids or their beginnings with commas between them.
#[utoipa::path(get, path = "/api/v1/compare", tag = "runs", operation_id = "compare_runs",
    params(("runs" = String, Query), ("differences" = Option<bool>, Query)),
    responses((status = 200, body = Comparison)))]
pub(super) async fn show(
    State(app): State<App>,
    who: Who,
    RawQuery(query): RawQuery,
) -> Result<Json<Comparison>, ApiError> {
    let (told, _) = compared(&app, &who, &Compared::read(query.as_deref())?).await?;
    Ok(Json(told))
}

/// The runs side by side, as far as somebody may see them, and the runs themselves.
pub(super) async fn compared(app: &App, who: &Who, asked: &Compared) -> Result<(Comparison, Vec<Run>), ApiError> {
    let mut runs = Vec::new();
    for id in &asked.runs {
        let row = row(app, who, id).await?;
        let run = app.engine.reads().load_run(&row.id).await?;
        runs.push((row, run));
    }
    let all = Comparison::of(&runs);
    let told = if asked.differences { all.differences() } else { all };
    Ok((told, runs.into_iter().map(|(_, run)| run).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_named_once_each_by_a_form_or_by_a_list() {
        let read = |query: &str| Compared::read(Some(query)).map(|asked| (asked.runs, asked.differences));
        let ok = |runs: &[&str], differences| {
            (
                runs.iter().map(|run| (*run).to_owned()).collect::<Vec<_>>(),
                differences,
            )
        };
        assert_eq!(read("run=a&run=b&run=a").unwrap(), ok(&["a", "b"], false));
        assert_eq!(read("runs=a,b%2Cc&differences=on").unwrap(), ok(&["a", "b", "c"], true));
        for wrong in [
            "",
            "run=a",
            "run=a&run=a",
            "runs=a,b&x=1",
            "runs=a,b&differences=maybe",
            "runs=1,2,3,4,5,6,7,8,9,10,11",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
