//! Which runs a list shows: what is asked for, as far as somebody may see it.

use super::App;
use super::error::ApiError;
use super::may::Sight;
use crate::views::{RunItem, Runs, path_part, sentences};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::{Micros, RunId};
use trainyard_core::run::RunState;
use trainyard_store::{RunFilter, RunRow, StoreError, Unreadable};
use utoipa::IntoParams;

/// Runs of a list if nothing else is said, and at most.
pub(super) const USUAL: u32 = 50;
const MOST: u32 = 500;
/// So many pages of the database are looked through for one of a list.
const LOOKS: usize = 8;

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

/// What no index tells of a run.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    verdict: Option<Blessing>,
    branch: Option<String>,
    trigger: Option<String>,
    since: Option<Micros>,
}

impl Wanted {
    fn of(query: &RunQuery) -> Result<Self, ApiError> {
        let verdict = query.verdict.as_deref().map(|word| {
            serde_json::from_value(Value::from(word)).map_err(|_| {
                ApiError::bad_request(format!(
                    "'{word}' is not a verdict: ask for blessed, not_blessed, not_evaluated or unchanged"
                ))
            })
        });
        let trigger = query.trigger.clone().map(|word| match word.as_str() {
            "push" | "pull_request" | "data" | "schedule" | "manual" => Ok(word),
            _ => Err(ApiError::bad_request(format!(
                "'{word}' is not a trigger: ask for push, pull_request, data, schedule or manual"
            ))),
        });
        Ok(Self {
            verdict: verdict.transpose()?,
            branch: query.branch.clone(),
            trigger: trigger.transpose()?,
            since: query.since.as_deref().map(moment).transpose()?,
        })
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn has(&self, row: &RunRow) -> bool {
        self.verdict.is_none_or(|verdict| row.blessing == Some(verdict))
            && self
                .branch
                .as_ref()
                .is_none_or(|branch| row.branch.as_ref() == Some(branch))
            && self.trigger.as_ref().is_none_or(|trigger| row.trigger == *trigger)
            && !self.is_past(row)
    }

    /// Whether it and all older ones were asked for before.
    fn is_past(&self, row: &RunRow) -> bool {
        self.since.is_some_and(|since| row.created_at < since)
    }
}

fn moment(text: &str) -> Result<Micros, ApiError> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|at| at.and_utc());
    let whole = || DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    match day.or_else(whole) {
        Some(at) => Ok(Micros(at.timestamp_micros())),
        None => Err(ApiError::bad_request(format!(
            "'{text}' is no day and no moment: write it as 2014-06-01 or 2014-06-01T12:00:00Z"
        ))),
    }
}

/// The runs that are asked for and may be seen, `usual` of them if nothing else is said.
pub(super) async fn found(app: &App, sight: &Sight, query: RunQuery, usual: u32) -> Result<Runs, ApiError> {
    let wanted = Wanted::of(&query)?;
    if sight.is_empty() {
        return Ok(Runs {
            runs: Vec::new(),
            next: None,
            unreadable: Vec::new(),
        });
    }
    let limit = limit(query.limit.or(Some(usual)))?;
    // What is left out takes no place from the others, as long as that is not too much to look through.
    let page = if sight.is_all() && wanted.is_nothing() {
        limit
    } else {
        MOST
    };
    let mut filter = RunFilter {
        pipeline: query.pipeline,
        state: query.state.as_deref().map(state).transpose()?,
        limit: page,
        before: query.before.map(RunId::new),
    };
    let (mut runs, mut next): (Vec<RunItem>, Option<RunId>) = (Vec::new(), None);
    'looked: for _ in 0..LOOKS {
        let found = app.engine.reads().runs(&filter).await.map_err(|error| match error {
            StoreError::NotFound(sentence) => {
                ApiError::bad_request(format!("{sentence} for before: take `next` of the page before"))
            }
            other => other.into(),
        })?;
        let more = found.len() == page as usize;
        for row in found {
            if wanted.is_past(&row) {
                next = None;
                break 'looked;
            }
            next = Some(row.id.clone());
            if sight.has(row.repo.as_ref(), &row.pipeline) && wanted.has(&row) {
                runs.push(RunItem::from(row));
            }
            if runs.len() == limit as usize {
                break 'looked;
            }
        }
        if !more {
            next = None;
            break;
        }
        filter.before = next.clone();
    }
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
    fn what_is_wanted_is_read_or_named() {
        let all = query(r#"{"verdict": "not_blessed", "branch": "main", "trigger": "data", "since": "2014-06-01"}"#);
        let wanted = Wanted::of(&all).unwrap();
        assert_eq!(wanted.verdict, Some(Blessing::NotBlessed));
        assert_eq!(wanted.since, Some(Micros(1_401_580_800_000_000)));
        assert!(Wanted::of(&RunQuery::default()).unwrap().is_nothing());
        let wrong = [
            r#"{"verdict": "good"}"#,
            r#"{"trigger": "moon"}"#,
            r#"{"since": "yesterday"}"#,
        ];
        let told = wrong.map(|text| Wanted::of(&query(text)).unwrap_err().sentence().to_owned());
        insta::assert_snapshot!(told.join("\n"), @r"
        'good' is not a verdict: ask for blessed, not_blessed, not_evaluated or unchanged
        'moon' is not a trigger: ask for push, pull_request, data, schedule or manual
        'yesterday' is no day and no moment: write it as 2014-06-01 or 2014-06-01T12:00:00Z
        ");
    }

    #[test]
    fn the_address_of_what_follows_asks_for_the_same() {
        let asked = query(r#"{"branch": "a b", "state": "failed", "before": "x"}"#).without_empty();
        assert_eq!(asked.older("y"), "/runs?before=y&state=failed&branch=a%20b");
    }
}
