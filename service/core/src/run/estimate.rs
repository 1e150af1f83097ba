//! How long a run takes, by what its steps took before.

use super::forecast::{Estimate, Expected};
use super::{Run, StepState};
use crate::ids::StepName;
use crate::plan::Plan;
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// So many earlier durations of a step count, the newest.
pub const MOST_DURATIONS: usize = 5;

/// How long each step of a run took whose program ran and did well, in seconds, rounded up.
pub fn took(run: &Run) -> impl Iterator<Item = (&StepName, u64)> {
    run.steps.iter().filter_map(|(name, record)| {
        let ran = matches!(record.state, StepState::Succeeded { .. });
        let (started, ended) = (record.started_at.filter(|_| ran)?, record.ended_at?);
        let micros = u64::try_from(ended.0.saturating_sub(started.0)).unwrap_or(0);
        Some((name, micros.div_ceil(1_000_000)))
    })
}

/// How long a plan takes of which this is expected, by what its steps took before (seconds, newest first), when so many
/// of them run at once. What may still be found to be cached counts as if it ran.
pub fn estimate(
    plan: &Plan,
    expected: &IndexMap<StepName, Expected>,
    history: &BTreeMap<StepName, Vec<u64>>,
    at_once: usize,
) -> Estimate {
    let mut free = vec![0_u64; at_once.clamp(1, plan.steps.len().max(1))];
    let mut ends: BTreeMap<&StepName, u64> = BTreeMap::new();
    let mut steps = IndexMap::new();
    let mut may_run = 0;
    // Each comes after those that it needs.
    for (name, step) in &plan.steps {
        let ready = step.upstream().filter_map(|step| ends.get(step)).max().copied();
        let ready = ready.unwrap_or(0);
        if matches!(expected.get(name), Some(Expected::Cached { .. })) {
            ends.insert(name, ready);
            continue;
        }
        may_run += 1;
        let usual = history.get(name).and_then(|durations| median(durations));
        steps.extend(usual.map(|usual| (name.clone(), usual)));
        let begins = free.iter_mut().min();
        let end = begins.map_or(ready, |free| {
            *free = ready.max(*free).saturating_add(usual.unwrap_or(0));
            *free
        });
        ends.insert(name, end);
    }
    let all = ends.values().max().copied().unwrap_or(0);
    Estimate {
        seconds: (may_run == 0 || !steps.is_empty()).then_some(all),
        steps,
    }
}

/// The middle one of the newest durations; of two the longer one, since a wait that is too short annoys more.
fn median(durations: &[u64]) -> Option<u64> {
    let mut newest: Vec<u64> = durations.iter().copied().take(MOST_DURATIONS).collect();
    newest.sort_unstable();
    newest.get(newest.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::forecast::Because;
    use proptest::prelude::*;

    fn plan() -> Plan {
        crate::spec::tests::flights()
    }

    fn runs() -> Expected {
        Expected::Runs { because: Because::New }
    }

    fn all(plan: &Plan, expected: &Expected) -> IndexMap<StepName, Expected> {
        plan.steps.keys().map(|name| (name.clone(), expected.clone())).collect()
    }

    #[test]
    fn the_longest_way_through_the_plan_counts() {
        let plan = plan();
        let each = |seconds: u64| plan.steps.keys().map(|name| (name.clone(), vec![seconds])).collect();
        let history: BTreeMap<_, _> = each(60);
        let whole = estimate(&plan, &all(&plan, &runs()), &history, 8);
        let alone = estimate(&plan, &all(&plan, &runs()), &history, 1);
        let count = plan.steps.len() as u64;
        assert_eq!(alone.seconds, Some(60 * count), "one after the other");
        assert!(whole.seconds.unwrap() <= 60 * count && whole.seconds.unwrap() >= 60);
        // What is cached takes no time.
        let cached = Expected::Cached { run: "01".into() };
        let nothing = estimate(&plan, &all(&plan, &cached), &history, 2);
        assert_eq!((nothing.seconds, nothing.steps.len()), (Some(0), 0));
        let mut mixed = all(&plan, &cached);
        let last = plan.steps.keys().next_back().unwrap().clone();
        mixed.insert(last.clone(), runs());
        assert_eq!(estimate(&plan, &mixed, &history, 2).seconds, Some(60));
        // Without a history there is no number, and with a part of one it is said of which.
        assert_eq!(
            estimate(&plan, &mixed, &BTreeMap::new(), 2),
            Estimate::default(),
            "no history"
        );
        let some: BTreeMap<_, _> = [(last.clone(), vec![7, 5, 90])].into();
        let partly = estimate(&plan, &all(&plan, &runs()), &some, 2);
        assert_eq!((partly.seconds, partly.steps.len()), (Some(7), 1), "the middle one");
    }

    #[test]
    fn the_newest_durations_count() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3]), Some(3));
        assert_eq!(median(&[3, 9]), Some(9));
        assert_eq!(median(&[10, 1, 10, 1, 10, 500, 500, 500, 500, 500, 500]), Some(10));
    }

    proptest! {
        #[test]
        fn an_estimate_is_between_its_longest_step_and_all_of_them(
            durations in proptest::collection::vec(0..10_000_u64, 16),
            at_once in 0..6_usize,
        ) {
            let plan = plan();
            let history: BTreeMap<_, _> =
                plan.steps.keys().zip(&durations).map(|(name, took)| (name.clone(), vec![*took])).collect();
            let seconds = estimate(&plan, &all(&plan, &runs()), &history, at_once).seconds.unwrap();
            let used: Vec<u64> = history.values().map(|took| took[0]).collect();
            prop_assert!(seconds >= used.iter().copied().max().unwrap_or(0));
            prop_assert!(seconds <= used.iter().sum());
        }
    }
}
