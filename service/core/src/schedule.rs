//! When a schedule is due, in its real time zone.
//!
//! A cron expression names nominal local times, and each fires once: in the hour that a clock going
//! back repeats, at its first pass; one that a clock going forward leaves out, at the first minute
//! after the gap (several such slots are then one). An hourly schedule therefore pauses for two
//! hours once a year.

use crate::ids::Micros;
use crate::plan::{Catchup, Schedule};
use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

/// At most this many missed slots are made up for with `catchup: all`; the newest win.
pub const MAX_CATCHUP: usize = 100;

/// A slot is on time, not missed, for this long.
pub const ON_TIME_SECONDS: u64 = 60;

/// Longer than any clock was ever put back.
const LONGEST_OVERLAP_HOURS: i64 = 25;

/// Why a schedule is never due.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The zone is not known.
    #[error("'{0}' is not a time zone: write an IANA name like UTC or Europe/Berlin")]
    Zone(String),
    /// The cron expression is none.
    #[error("'{cron}' is not a cron expression of minute, hour, day of month, month and day of week: {why}")]
    Cron {
        /// The expression.
        cron: String,
        /// What is wrong with it.
        why: CronError,
    },
    /// No day is what the expression asks for.
    #[error(
        "'{0}' is never due, since none of its months has such a day: correct the day of month or the month, or write L for a month's last day"
    )]
    Never(String),
    /// A moment that no calendar has.
    #[error("{} is not a time", .0.0)]
    Time(Micros),
}

/// What is wrong with a cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has another number of fields.
    #[error("it has {0} of the 5 fields")]
    Fields(usize),
    /// A field is wrong.
    #[error("its {} is '{text}', and takes {}", .field.0, .field.1)]
    Field {
        /// Its name and its values.
        field: (&'static str, &'static str),
        /// What it says.
        text: String,
    },
    /// The fields do not go together, in the parser's words.
    #[error("{0}")]
    Together(String),
}

/// Name and values of the fields, in their order.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31 or L"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of week", "0 to 7 or SUN to SAT"),
];

/// The slots that are due, oldest first: those after `last_slot` up to and including `now`, as the
/// schedule's `catchup` says.
///
/// `last_slot` is the newest slot that was recorded, or the moment the schedule was first seen;
/// with `None` only a slot that is on time is due.
pub fn due(schedule: &Schedule, last_slot: Option<Micros>, now: Micros) -> Result<Vec<Micros>, ScheduleError> {
    let clock = Clock::new(schedule)?;
    let on_time = Micros(now.0.saturating_sub(ON_TIME_SECONDS as i64 * 1_000_000));
    let after = match (schedule.catchup, last_slot) {
        (_, None) => on_time,
        (Catchup::None, Some(last)) => last.max(on_time),
        (Catchup::Latest | Catchup::All, Some(last)) => last,
    };
    let most = if schedule.catchup == Catchup::All {
        MAX_CATCHUP
    } else {
        1
    };
    let mut slots = clock.newest_between(after, now, most)?;
    slots.reverse();
    Ok(slots)
}

/// Slots that passed while nobody was there to see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The first of them, as far as they were counted.
    pub first: Micros,
    /// The last one.
    pub last: Micros,
    /// How many; [`MAX_CATCHUP`] is that many or more.
    pub count: usize,
    /// Those of them that are made up for.
    pub caught_up: usize,
}

/// The slots after `last_slot` that were over before they were seen, `now`, beside those that are [`due`]; `None` if
/// there is none.
pub fn missed(
    schedule: &Schedule,
    last_slot: Micros,
    now: Micros,
    due: &[Micros],
) -> Result<Option<Missed>, ScheduleError> {
    let on_time = Micros(now.0.saturating_sub(ON_TIME_SECONDS as i64 * 1_000_000));
    if last_slot >= on_time {
        return Ok(None);
    }
    let slots = Clock::new(schedule)?.newest_between(last_slot, on_time, MAX_CATCHUP)?;
    let (Some(last), Some(first)) = (slots.first(), slots.last()) else {
        return Ok(None);
    };
    Ok(Some(Missed {
        first: *first,
        last: *last,
        count: slots.len(),
        caught_up: due.iter().filter(|slot| **slot <= on_time).count(),
    }))
}

/// The first slot after `after`; `None` when there is none (30 February).
pub fn next(schedule: &Schedule, after: Micros) -> Result<Option<Micros>, ScheduleError> {
    Clock::new(schedule)?.first_after(after)
}

/// What is wrong with the time zone or the cron expression; one that is never due is wrong.
pub(crate) fn check(schedule: &Schedule) -> (Option<ScheduleError>, Option<ScheduleError>) {
    let cron = cron(&schedule.cron).and_then(|cron| match ever_due(&cron) {
        true => Ok(()),
        false => Err(ScheduleError::Never(schedule.cron.clone())),
    });
    (zone(&schedule.timezone).err(), cron.err())
}

/// Whether any day of the calendar is meant. Between two centuries it repeats itself after 28 years, leap
/// years and weekdays included; the search ends with the year 5000, so it begins that much before.
fn ever_due(cron: &Cron) -> bool {
    const START: i64 = 94_670_899_200; // 4970-01-01
    DateTime::from_timestamp(START, 0).is_none_or(|start| cron.find_next_occurrence(&start, true).is_ok())
}

fn zone(name: &str) -> Result<Tz, ScheduleError> {
    name.parse().map_err(|_| ScheduleError::Zone(name.to_owned()))
}

fn cron(text: &str) -> Result<Cron, ScheduleError> {
    let wrong = |why| ScheduleError::Cron {
        cron: text.to_owned(),
        why,
    };
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(wrong(CronError::Fields(fields.len())));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let parse = |text: &str| {
        parser.parse(text).map_err(|error| {
            // The crate puts its kinds of error before what is wrong.
            let said = error.to_string();
            let why = said.rsplit(": ").next().unwrap_or(&said);
            why.trim_end_matches('.').to_lowercase()
        })
    };
    parse(text).map_err(|together| {
        let alone = FIELDS
            .iter()
            .zip(&fields)
            .enumerate()
            .find_map(|(index, (field, text))| {
                let mut alone = ["*"; FIELDS.len()];
                alone[index] = text;
                parse(&alone.join(" ")).err().map(|_| CronError::Field {
                    field: *field,
                    text: (*text).to_owned(),
                })
            });
        wrong(alone.unwrap_or(CronError::Together(together)))
    })
}

struct Clock {
    cron: Cron,
    zone: Tz,
}

impl Clock {
    fn new(schedule: &Schedule) -> Result<Self, ScheduleError> {
        Ok(Self {
            cron: cron(&schedule.cron)?,
            zone: zone(&schedule.timezone)?,
        })
    }

    fn local(&self, at: Micros) -> Result<NaiveDateTime, ScheduleError> {
        let utc = DateTime::from_timestamp_micros(at.0).ok_or(ScheduleError::Time(at))?;
        Ok(utc.with_timezone(&self.zone).naive_local())
    }

    /// The moment a nominal local time fires. Never earlier for a later local time.
    fn moment(&self, mut local: NaiveDateTime) -> Option<Micros> {
        // The longest gap left out a whole day (Samoa, 2011).
        for _ in 0..=LONGEST_OVERLAP_HOURS * 60 {
            match self.zone.from_local_datetime(&local) {
                LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => {
                    return Some(Micros(moment.timestamp_micros()));
                }
                LocalResult::None => local = local.checked_add_signed(Duration::minutes(1))?,
            }
        }
        None
    }

    fn first_after(&self, after: Micros) -> Result<Option<Micros>, ScheduleError> {
        let mut nominal = self.local(after)?.and_utc();
        while let Some(following) = self.nominal_after(nominal) {
            match self.moment(following.naive_utc()) {
                Some(moment) if moment > after => return Ok(Some(moment)),
                _ => nominal = following,
            }
        }
        Ok(None)
    }

    /// The `most` newest slots after `after` up to and including `until`, newest first.
    fn newest_between(&self, after: Micros, until: Micros, most: usize) -> Result<Vec<Micros>, ScheduleError> {
        let mut slots: Vec<Micros> = Vec::new();
        let local = self.local(until)?;
        // In a repeated hour, later local times than the present one have fired already.
        let mut nominal = local
            .checked_add_signed(Duration::hours(LONGEST_OVERLAP_HOURS))
            .unwrap_or(local)
            .and_utc();
        while slots.len() < most
            && let Some(earlier) = self.nominal_before(nominal)
        {
            nominal = earlier;
            match self.moment(earlier.naive_utc()) {
                Some(moment) if moment <= after => break,
                Some(moment) if moment <= until && slots.last() != Some(&moment) => slots.push(moment),
                _ => {}
            }
        }
        Ok(slots)
    }

    // Cron works on the bare calendar here, where every day has 24 hours.
    fn nominal_after(&self, nominal: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&nominal, false).ok()
    }

    fn nominal_before(&self, nominal: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_previous_occurrence(&nominal, false).ok()
    }
}

#[cfg(test)]
mod tests;
