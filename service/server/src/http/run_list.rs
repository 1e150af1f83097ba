//! Which runs a list shows: what is asked for, as far as somebody may see it.

use super::App;
use super::error::ApiError;
use super::may::Sight;
use crate::views::{Runs, path_part, sentences};
use crate::wanted::{self, MOST, Wanted};
use serde::Deserialize;
use serde_json::Value;
use trainyard_core::ids::RunId;
use trainyard_core::run::RunState;
use trainyard_store::{RunFilter, RunRow, StoreError, Unreadable};
use utoipa::IntoParams;

/// Runs of a list if nothing else is said.
pub(super) const USUAL: u32 = 50;

#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunQuery {
    /// Only of this pipeline.
    pipeline: Option<String>,
    /// Only `waiting_for_approval`, `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    state: Option<String>,
    /// Only with this verdict: `blessed`, `not_blessed`, `not_evaluated` or `unchanged`.
    verdict: Option<String>,
    /// Only of this branch.
    branch: Option<String>,
    /// Only started by `push`, `pull_request`, `data`, `schedule` or `manual`.
    trigger: Option<String>,
    /// Only asked for since this day, as `2014-06-01`, or moment, as RFC 3339 writes it.
    since: Option<String>,
    /// At most so many, up to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Only older than this run: `next` of the page before.
    before: Option<String>,
}

impl RunQuery {
    /// All in one state.
    pub(super) fn of_state(state: &str) -> Self {
        Self {
            state: Some(state.to_owned()),
            ..Self::default()
        }
    }

    /// All of one pipeline.
    pub(super) fn of_pipeline(pipeline: &str) -> Self {
        Self {
            pipeline: Some(pipeline.to_owned()),
            ..Self::default()
        }
    }

    /// A form sends what is left empty as well.
    pub(super) fn without_empty(self) -> Self {
        let kept = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Self {
            pipeline: kept(self.pipeline),
            state: kept(self.state),
            verdict: kept(self.verdict),
            branch: kept(self.branch),
            trigger: kept(self.trigger),
            since: kept(self.since),
            before: kept(self.before),
            limit: self.limit,
        }
    }

    /// What is asked for, by the names of its fields: the place in the list is not among them.
    pub(super) fn asked(&self) -> [(&'static str, &str); 6] {
        [
            ("pipeline", &self.pipeline),
            ("state", &self.state),
            ("verdict", &self.verdict),
            ("branch", &self.branch),
            ("trigger", &self.trigger),
            ("since", &self.since),
        ]
        .map(|(name, text)| (name, text.as_deref().unwrap_or_default()))
    }

    /// The address of what follows a run.
    pub(super) fn older(&self, than: &str) -> String {
        let mut address = format!("/runs?before={than}");
        for (name, value) in self.asked().into_iter().filter(|(_, value)| !value.is_empty()) {
            address.push_str(&format!("&{name}={}", path_part(value)));
        }
        address
    }
}

/// The runs that are asked for and may be seen, `usual` of them if nothing else is said.
pub(super) async fn found(app: &App, sight: &Sight, query: RunQuery, usual: u32) -> Result<Runs, ApiError> {
    let wanted = Wanted::read(
        query.verdict.as_deref(),
        query.branch.as_deref(),
        query.trigger.as_deref(),
        query.since.as_deref(),
    );
    let wanted = wanted.map_err(|wrong| ApiError::bad_request(wrong.to_string()))?;
    if sight.is_empty() {
        return Ok(Runs {
            runs: Vec::new(),
            next: None,
            unreadable: Vec::new(),
        });
    }
    let filter = RunFilter {
        pipeline: query.pipeline,
        state: query.state.as_deref().map(state).transpose()?,
        limit: limit(query.limit.or(Some(usual)))?,
        before: query.before.map(RunId::new),
    };
    let sees = |row: &RunRow| sight.has(row.repo.as_ref(), &row.pipeline);
    let sees: Option<&(dyn Fn(&RunRow) -> bool + Sync)> = (!sight.is_all()).then_some(&sees);
    let found = wanted::runs(app.engine.reads(), filter, &wanted, sees).await;
    let (runs, next) = found.map_err(|error| match error {
        StoreError::NotFound(sentence) => {
            ApiError::bad_request(format!("{sentence} for before: take `next` of the page before"))
        }
        other => other.into(),
    })?;
    let unreadable = match sight.is_all() {
        true => sentences(app.engine.reads(), Unreadable::is_of_run),
        false => Vec::new(),
    };
    let next = next.map(|run| run.to_string());
    Ok(Runs { runs, next, unreadable })
}

/// `1..=500`, 50 if absent.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, ApiError> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        other => Err(ApiError::bad_request(format!("limit is {other}: ask for 1 to {MOST}"))),
    }
}

fn state(word: &str) -> Result<RunState, ApiError> {
    serde_json::from_value(Value::from(word)).map_err(|_| {
        ApiError::bad_request(format!(
            "'{word}' is not a state: ask for waiting_for_approval, queued, running, succeeded, failed or cancelled"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> RunQuery {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_address_of_what_follows_asks_for_the_same() {
        let asked = query(r#"{"branch": "a b", "state": "failed", "before": "x"}"#).without_empty();
        assert_eq!(asked.older("y"), "/runs?before=y&state=failed&branch=a%20b");
    }
}
