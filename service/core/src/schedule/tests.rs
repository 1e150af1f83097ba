//! Zones, changing clocks and missed slots.

use super::*;
use proptest::prelude::*;

fn schedule(cron: &str, timezone: &str, catchup: Catchup) -> Schedule {
    Schedule {
        cron: cron.to_owned(),
        timezone: timezone.to_owned(),
        catchup,
    }
}

fn at(text: &str) -> Micros {
    Micros(DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros())
}

fn text(moment: Micros) -> String {
    DateTime::from_timestamp_micros(moment.0)
        .unwrap()
        .format("%Y-%m-%dT%H:%MZ")
        .to_string()
}

/// The next `count` slots.
fn following(cron: &str, zone: &str, start: &str, count: usize) -> Vec<String> {
    let schedule = schedule(cron, zone, Catchup::All);
    let mut moment = at(start);
    let mut slots = Vec::new();
    while slots.len() < count {
        moment = next(&schedule, moment).unwrap().unwrap();
        slots.push(text(moment));
    }
    slots
}

#[test]
fn local_time_is_kept_over_the_change_of_clocks() {
    assert_eq!(
        following("0 3 * * 1", "America/New_York", "2026-03-01T00:00:00Z", 3),
        ["2026-03-02T08:00Z", "2026-03-09T07:00Z", "2026-03-16T07:00Z"]
    );
}

#[test]
fn a_slot_that_the_clock_leaves_out_fires_after_the_gap() {
    // New York went from 02:00 to 03:00 on 8 March 2026, which is 07:00Z.
    assert_eq!(
        following("30 2 * * *", "America/New_York", "2026-03-07T00:00:00Z", 3),
        ["2026-03-07T07:30Z", "2026-03-08T07:00Z", "2026-03-09T06:30Z"]
    );
    let quarter_hours = following("*/15 * * * *", "America/New_York", "2026-03-08T06:30:00Z", 4);
    assert_eq!(
        quarter_hours,
        [
            "2026-03-08T06:45Z",
            "2026-03-08T07:00Z",
            "2026-03-08T07:15Z",
            "2026-03-08T07:30Z"
        ]
    );
    // Samoa left out the whole of 30 December 2011.
    assert_eq!(
        following("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
        ["2011-12-29T22:00Z", "2011-12-30T10:00Z", "2011-12-30T22:00Z"]
    );
}

#[test]
fn a_slot_that_the_clock_repeats_fires_once() {
    // New York went from 02:00 back to 01:00 on 1 November 2026, which is 06:00Z.
    assert_eq!(
        following("30 1 * * *", "America/New_York", "2026-10-31T06:00:00Z", 2),
        ["2026-11-01T05:30Z", "2026-11-02T06:30Z"]
    );
    assert_eq!(
        following("0 * * * *", "America/New_York", "2026-11-01T04:30:00Z", 2),
        ["2026-11-01T05:00Z", "2026-11-01T07:00Z"]
    );
}

#[test]
fn catchup_says_what_becomes_of_missed_slots() {
    let due_with = |catchup, last: Option<&str>, now: &str| {
        let schedule = schedule("0 3 * * *", "UTC", catchup);
        due(&schedule, last.map(at), at(now))
            .unwrap()
            .into_iter()
            .map(text)
            .collect::<Vec<_>>()
    };
    let (last, now) = (Some("2026-01-01T03:00:00Z"), "2026-01-04T12:00:00Z");
    assert_eq!(
        due_with(Catchup::All, last, now),
        ["2026-01-02T03:00Z", "2026-01-03T03:00Z", "2026-01-04T03:00Z"]
    );
    assert_eq!(due_with(Catchup::Latest, last, now), ["2026-01-04T03:00Z"]);
    assert!(due_with(Catchup::None, last, now).is_empty());
    for catchup in [Catchup::None, Catchup::Latest, Catchup::All] {
        let on_time = due_with(catchup, Some("2026-01-03T03:00:00Z"), "2026-01-04T03:00:05Z");
        assert_eq!(on_time, ["2026-01-04T03:00Z"], "{catchup:?}");
        assert!(due_with(catchup, Some("2026-01-04T03:00:00Z"), "2026-01-04T03:00:05Z").is_empty());
        assert!(due_with(catchup, Some("2026-01-03T03:00:00Z"), "2026-01-04T02:59:59Z").is_empty());
        assert_eq!(due_with(catchup, None, "2026-01-04T03:00:00Z"), ["2026-01-04T03:00Z"]);
        assert!(due_with(catchup, None, now).is_empty());
    }
    let every_minute = schedule("* * * * *", "UTC", Catchup::All);
    let slots = due(
        &every_minute,
        Some(at("2020-01-01T00:00:00Z")),
        at("2026-01-01T00:00:00Z"),
    )
    .unwrap();
    assert_eq!(
        (slots.len(), text(slots[MAX_CATCHUP - 1]).as_str()),
        (MAX_CATCHUP, "2026-01-01T00:00Z")
    );
}

#[test]
fn a_repeated_hour_is_not_due_again() {
    let schedule = schedule("45 1 * * *", "America/New_York", Catchup::Latest);
    // 01:45 of the first pass has fired; now it is 01:10 of the second.
    assert_eq!(
        due(&schedule, Some(at("2026-10-31T05:45:00Z")), at("2026-11-01T06:10:00Z")).unwrap(),
        [at("2026-11-01T05:45:00Z")]
    );
    assert!(
        due(&schedule, Some(at("2026-11-01T05:45:00Z")), at("2026-11-01T06:50:00Z"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn wrong_schedules_are_explained() {
    assert_eq!(
        next(&schedule("0 0 30 2 *", "UTC", Catchup::All), at("2026-01-01T00:00:00Z")),
        Ok(None)
    );
    assert_eq!(
        due(
            &schedule("0 0 30 2 *", "UTC", Catchup::All),
            Some(Micros(0)),
            at("2026-01-01T00:00:00Z")
        ),
        Ok(vec![])
    );
    let wrong = [
        ("0 0 * * * *", "UTC"),
        ("@daily", "UTC"),
        ("61 * * * *", "UTC"),
        ("x * * * *", "UTC"),
        ("0 0 * * *", "Mars/Olympus"),
        ("0 0 * * *", ""),
    ];
    let all: Vec<String> = wrong
        .iter()
        .map(|(cron, zone)| {
            next(&schedule(cron, zone, Catchup::All), Micros(0))
                .unwrap_err()
                .to_string()
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @"
    '0 0 * * * *' is not a cron expression of minute, hour, day of month, month and day of week: it has 6 of the 5 fields
    '@daily' is not a cron expression of minute, hour, day of month, month and day of week: it has 1 of the 5 fields
    '61 * * * *' is not a cron expression of minute, hour, day of month, month and day of week: its minute is '61', and takes 0 to 59
    'x * * * *' is not a cron expression of minute, hour, day of month, month and day of week: its minute is 'x', and takes 0 to 59
    'Mars/Olympus' is not a time zone: write an IANA name like UTC or Europe/Berlin
    '' is not a time zone: write an IANA name like UTC or Europe/Berlin
    ");
    assert!(next(&schedule("0 0 * * *", "UTC", Catchup::All), Micros(i64::MAX)).is_err());
}

/// The days of month and of week are alternatives where both are named, so that one of them is enough.
#[test]
fn what_is_never_due_is_refused() {
    let refused = |cron: &str| {
        check(&schedule(cron, "UTC", Catchup::Latest))
            .1
            .map(|why| why.to_string())
    };
    for never in [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 30-31 2 *",
        "0 0 30-31/1 FEB *",
        "*/5 * 31 4-6/2 *",
        "0 0 31 NOV *",
        "0 0 30,31 2 ?",
    ] {
        let sentence = refused(never).unwrap_or_else(|| panic!("{never} is accepted"));
        assert_eq!(
            sentence,
            format!(
                "'{never}' is never due, since none of its months has such a day: correct the day of month or the month, or write L for a month's last day"
            )
        );
    }
    for due in [
        "0 0 31 2 1-5",
        "0 0 30 2 0",
        "0 0 29 2 *",
        "0 0 29 FEB ?",
        "0 0 31 4,5 *",
        "0 0 28-31 2 *",
        "0 0 L 2 *",
        "0 0 31 1-12/2 *",
        "0 0 */30 2 *",
        "0 0 * * 1#5",
    ] {
        assert_eq!(refused(due), None, "{due}");
    }
}

const ZONES: [&str; 10] = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/Santiago",
    "Asia/Gaza",
];
const CRONS: [&str; 8] = [
    "* * * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "15 1 * * 0",
    "0 0 1 * *",
    "0 3 * * 1-5",
    "59 23 31 12 *",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Walking forward and looking back agree, every slot is its local time or the end of a gap,
    /// and no slot comes twice.
    #[test]
    fn forward_and_backward_agree(zone in prop::sample::select(&ZONES[..]), cron in prop::sample::select(&CRONS[..]), start in 0..2_200_000_000_i64, count in 1..30_usize) {
        let schedule = schedule(cron, zone, Catchup::All);
        let start = Micros(start * 1_000_000);
        let mut walked = Vec::new();
        let mut moment = start;
        for _ in 0..count {
            moment = next(&schedule, moment).unwrap().unwrap();
            prop_assert!(walked.last().is_none_or(|last| *last < moment) && moment > start);
            walked.push(moment);
        }
        prop_assert_eq!(&due(&schedule, Some(start), moment).unwrap(), &walked);
        let before = Micros(moment.0 - 1);
        prop_assert_eq!(due(&schedule, Some(start), before).unwrap(), &walked[..count - 1]);
    }

    /// However often and whenever the clock is looked at, each slot is due exactly once.
    #[test]
    fn each_slot_is_due_once(zone in prop::sample::select(&ZONES[..]), start in 1_300_000_000..2_000_000_000_i64, steps in prop::collection::vec(1..7200_i64, 1..40)) {
        let schedule = schedule("*/10 * * * *", zone, Catchup::All);
        let mut now = Micros(start * 1_000_000);
        let mut last = now;
        let mut fired = Vec::new();
        for step in steps {
            now = Micros(now.0 + step * 1_000_000);
            for slot in due(&schedule, Some(last), now).unwrap() {
                prop_assert!(slot > last && slot <= now);
                last = slot;
                fired.push(slot);
            }
        }
        let expected: Vec<Micros> = std::iter::successors(next(&schedule, Micros(start * 1_000_000)).unwrap(), |slot| next(&schedule, *slot).unwrap()).take_while(|slot| *slot <= now).collect();
        prop_assert_eq!(fired, expected);
    }

    /// A daily schedule keeps its local time on all days, except where the clock left it out.
    #[test]
    fn daily_means_once_a_day(zone in prop::sample::select(&ZONES[..]), hour in 0..24_u32, day in 0..20_000_i64) {
        let zone_name = zone;
        let schedule = schedule(&format!("30 {hour} * * *"), zone_name, Catchup::All);
        let zone: Tz = zone_name.parse().unwrap();
        let start = Micros(day * 86_400_000_000);
        let slot = next(&schedule, start).unwrap().unwrap();
        prop_assert!(slot.0 - start.0 <= 49 * 3_600_000_000, "at most two days, with Samoa's missing one");
        let local = DateTime::from_timestamp_micros(slot.0).unwrap().with_timezone(&zone).naive_local();
        let nominal = local.date().and_hms_opt(hour, 30, 0).unwrap();
        let left_out = zone.from_local_datetime(&nominal) == LocalResult::None
            || zone.from_local_datetime(&(nominal - Duration::days(1))) == LocalResult::None;
        prop_assert!(local == nominal || left_out, "{local} {nominal}");
    }
}
