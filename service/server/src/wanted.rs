//! Which runs a list shows: what is asked for beside what an index tells, for the command line, the API and the pages.

use crate::views::RunItem;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::{Micros, RunId};
use trainyard_store::{Reads, RunFilter, RunRow, StoreError};

/// Runs of a list at most.
pub(crate) const MOST: u32 = 500;
/// So many pages of the database are looked through for one of a list.
const LOOKS: usize = 8;

/// What no index tells of a run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) verdict: Option<Blessing>,
    pub(crate) branch: Option<String>,
    pub(crate) trigger: Option<String>,
    pub(crate) since: Option<Micros>,
}

/// A word that is none of a filter's; one sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotWanted {
    #[error("'{0}' is not a verdict: ask for blessed, not_blessed, not_evaluated or unchanged")]
    Verdict(String),
    #[error("'{0}' is not a trigger: ask for push, pull_request, data, schedule or manual")]
    Trigger(String),
    #[error("'{0}' is no day and no moment: write it as 2014-06-01 or 2014-06-01T12:00:00Z")]
    Since(String),
}

impl Wanted {
    /// From the words of a question.
    pub(crate) fn read(
        verdict: Option<&str>,
        branch: Option<&str>,
        trigger: Option<&str>,
        since: Option<&str>,
    ) -> Result<Self, NotWanted> {
        let verdict = verdict
            .map(|word| serde_json::from_value(Value::from(word)).map_err(|_| NotWanted::Verdict(word.to_owned())));
        let trigger = trigger.map(|word| match word {
            "push" | "pull_request" | "data" | "schedule" | "manual" => Ok(word.to_owned()),
            _ => Err(NotWanted::Trigger(word.to_owned())),
        });
        Ok(Self {
            verdict: verdict.transpose()?,
            branch: branch.map(str::to_owned),
            trigger: trigger.transpose()?,
            since: since.map(moment).transpose()?,
        })
    }

    pub(crate) fn is_nothing(&self) -> bool {
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

fn moment(text: &str) -> Result<Micros, NotWanted> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|at| at.and_utc());
    let whole = || DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    match day.or_else(whole) {
        Some(at) => Ok(Micros(at.timestamp_micros())),
        None => Err(NotWanted::Since(text.to_owned())),
    }
}

/// At most `filter.limit` runs that are wanted and that `sees` lets through, which is asked where not all may be seen;
/// and the run that the next page begins behind, if there may be one.
pub(crate) async fn runs(
    reads: &Reads,
    mut filter: RunFilter,
    wanted: &Wanted,
    sees: Option<&(dyn Fn(&RunRow) -> bool + Sync)>,
) -> Result<(Vec<RunItem>, Option<RunId>), StoreError> {
    let limit = filter.limit;
    // What is left out takes no place from the others, as long as that is not too much to look through.
    if sees.is_some() || !wanted.is_nothing() {
        filter.limit = MOST;
    }
    let (mut runs, mut next): (Vec<RunItem>, Option<RunId>) = (Vec::new(), None);
    for _ in 0..LOOKS {
        let found = reads.runs(&filter).await?;
        let more = found.len() == filter.limit as usize;
        for row in found {
            if wanted.is_past(&row) {
                return Ok((runs, None));
            }
            next = Some(row.id.clone());
            if sees.is_none_or(|sees| sees(&row)) && wanted.has(&row) {
                runs.push(RunItem::from(row));
            }
            if runs.len() == limit as usize {
                return Ok((runs, next));
            }
        }
        if !more {
            return Ok((runs, None));
        }
        filter.before = next.clone();
    }
    Ok((runs, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_or_named() {
        let wanted = Wanted::read(Some("not_blessed"), Some("main"), Some("data"), Some("2014-06-01")).unwrap();
        assert_eq!(wanted.verdict, Some(Blessing::NotBlessed));
        assert_eq!(wanted.since, Some(Micros(1_401_580_800_000_000)));
        assert!(Wanted::read(None, None, None, None).unwrap().is_nothing());
        let wrong = [
            Wanted::read(Some("good"), None, None, None),
            Wanted::read(None, None, Some("moon"), None),
            Wanted::read(None, None, None, Some("yesterday")),
        ];
        let told = wrong.map(|wrong| wrong.unwrap_err().to_string());
        insta::assert_snapshot!(told.join("\n"), @r"
        'good' is not a verdict: ask for blessed, not_blessed, not_evaluated or unchanged
        'moon' is not a trigger: ask for push, pull_request, data, schedule or manual
        'yesterday' is no day and no moment: write it as 2014-06-01 or 2014-06-01T12:00:00Z
        ");
    }
}
