//! Retention: which old runs and artifacts may go. What anything kept could still need stays.

use crate::artifact::Digest;
use crate::ids::{Micros, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is kept. A run is kept if any rule keeps it; without a rule everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Younger runs are kept.
    pub max_age: Option<Duration>,
    /// So many newest runs of each pipeline are kept.
    pub keep_runs: Option<usize>,
    /// So many versions of each push target that served last stay ready for a rollback.
    pub keep_versions: usize,
    /// Records of runs that are over go when they are older, if no rule above keeps the run; `None` keeps them.
    pub max_record_age: Option<Duration>,
    /// The same of deliveries and all else that came in.
    pub max_delivery_age: Option<Duration>,
}

impl Default for Policy {
    /// Everything is kept.
    fn default() -> Self {
        Self {
            max_age: None,
            keep_runs: None,
            keep_versions: 3,
            max_record_age: None,
            max_delivery_age: None,
        }
    }
}

impl Policy {
    /// Whether a rule says which runs are kept, so that the others go.
    pub fn has_rule(&self) -> bool {
        self.max_age.is_some() || self.keep_runs.is_some()
    }
}

/// The time before which something of this age is too old.
pub fn horizon(age: Duration, now: Micros) -> Micros {
    let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Micros(now.0.saturating_sub(age))
}

/// A run and the content it made, reused or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// The run.
    pub id: RunId,
    /// What shares [`Policy::keep_runs`]: repository and pipeline.
    pub pipeline: (Option<String>, String),
    /// When it was asked for.
    pub created_at: Micros,
    /// Whether it is over.
    pub over: bool,
    /// Whether there is a record of it; without one only ML Metadata knows it.
    pub recorded: bool,
    /// What it made, reused or read.
    pub uses: BTreeSet<Digest>,
}

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// All runs.
    pub runs: Vec<RunFacts>,
    /// Content that serves, that a rollback goes to, that bears a name or that is somebody's baseline.
    pub protected: BTreeSet<Digest>,
    /// Content that ML Metadata says is there.
    pub stored: BTreeSet<Digest>,
    /// Runs that a ledger names, or that made what is protected.
    pub told: BTreeSet<RunId>,
}

/// What may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collectable {
    /// Runs whose logs and folders go.
    pub runs: Vec<RunId>,
    /// Content that nothing kept needs.
    pub content: Vec<Digest>,
}

/// What the policy no longer keeps. A run that is not over is always kept, and so is everything that a
/// kept run made, reused or read. Content is only collected when some expired run used it.
pub fn collectable(facts: &Facts, policy: &Policy, now: Micros) -> Collectable {
    if !policy.has_rule() {
        return Collectable::default();
    }
    let newest = newest(&facts.runs, policy.keep_runs.unwrap_or(0));
    let kept = |run: &RunFacts| run.recorded && (!run.over || newest.contains(&run.id) || young(run, policy, now));
    let (kept, expired): (Vec<_>, Vec<_>) = facts.runs.iter().partition(|run| kept(run));
    let needed: BTreeSet<&Digest> = kept.iter().flat_map(|run| &run.uses).chain(&facts.protected).collect();
    let used: BTreeSet<&Digest> = expired.iter().flat_map(|run| &run.uses).collect();
    let content = facts
        .stored
        .iter()
        .filter(|digest| used.contains(digest) && !needed.contains(digest));
    Collectable {
        runs: expired.iter().map(|run| run.id.clone()).collect(),
        content: content.cloned().collect(),
    }
}

/// Runs whose records go, oldest first as they came: old ones that are over, that no rule keeps, that no ledger
/// names, and that are not the newest of their pipeline.
pub fn forgettable(facts: &Facts, policy: &Policy, now: Micros) -> Vec<RunId> {
    let Some(age) = policy.max_record_age else {
        return Vec::new();
    };
    let newest = newest(&facts.runs, policy.keep_runs.unwrap_or(0).max(1));
    let goes = |run: &&RunFacts| {
        run.recorded
            && run.over
            && older(run.created_at, age, now)
            && !young(run, policy, now)
            && !newest.contains(&run.id)
            && !facts.told.contains(&run.id)
    };
    facts.runs.iter().filter(goes).map(|run| run.id.clone()).collect()
}

fn young(run: &RunFacts, policy: &Policy, now: Micros) -> bool {
    policy.max_age.is_some_and(|age| !older(run.created_at, age, now))
}

fn older(created_at: Micros, age: Duration, now: Micros) -> bool {
    created_at < horizon(age, now)
}

/// The newest `count` runs of each pipeline.
fn newest(runs: &[RunFacts], count: usize) -> BTreeSet<RunId> {
    let mut groups: BTreeMap<&(Option<String>, String), Vec<&RunFacts>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.recorded) {
        groups.entry(&run.pipeline).or_default().push(run);
    }
    let mut newest = BTreeSet::new();
    for group in groups.values_mut() {
        group.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id.as_str())));
        newest.extend(group.iter().take(count).map(|run| run.id.clone()));
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(number: u8) -> Digest {
        Digest::from_sha256(&[number; 32])
    }

    fn run(id: &str, day: i64, over: bool, uses: &[u8]) -> RunFacts {
        RunFacts {
            id: RunId::from(id),
            pipeline: (None, "flights".to_owned()),
            created_at: Micros(day * DAY),
            over,
            recorded: true,
            uses: uses.iter().copied().map(digest).collect(),
        }
    }

    const DAY: i64 = 86_400_000_000;

    fn days(count: u64) -> Duration {
        Duration::from_secs(count * 86_400)
    }

    fn facts() -> Facts {
        Facts {
            // The last one reused 2, which the first one made.
            runs: vec![
                run("a", 0, true, &[1, 2, 3]),
                run("b", 50, false, &[4]),
                run("c", 90, true, &[2, 5]),
            ],
            protected: BTreeSet::from([digest(3)]),
            stored: (1..=6).map(digest).collect(),
            told: BTreeSet::new(),
        }
    }

    #[test]
    fn what_is_kept_by_nothing_goes() {
        let policy = |max_age: Option<u64>, keep_runs| Policy {
            max_age: max_age.map(days),
            keep_runs,
            ..Policy::default()
        };
        let now = Micros(100 * DAY);
        let said = |policy: &Policy| {
            let all = collectable(&facts(), policy, now);
            let runs: Vec<_> = all.runs.iter().map(RunId::to_string).collect();
            let content: Vec<_> = (1..=6)
                .filter(|number| all.content.contains(&digest(*number)))
                .collect();
            (runs.join(" "), content)
        };
        assert_eq!(
            said(&policy(None, None)),
            (String::new(), vec![]),
            "no rule keeps everything"
        );
        assert_eq!(said(&policy(Some(30), None)), ("a".to_owned(), vec![1]));
        assert_eq!(
            said(&policy(Some(5), None)),
            ("a c".to_owned(), vec![1, 2, 5]),
            "b is not over"
        );
        assert_eq!(said(&policy(None, Some(1))), ("a".to_owned(), vec![1]));
        assert_eq!(said(&policy(None, Some(3))), (String::new(), vec![]));
        assert_eq!(
            said(&policy(Some(5), Some(3))),
            (String::new(), vec![]),
            "either rule keeps"
        );
        assert_eq!(
            said(&policy(Some(100), Some(0))),
            (String::new(), vec![]),
            "exactly as old is not older"
        );
    }

    #[test]
    fn records_of_old_runs_go_if_nothing_names_them() {
        let policy = |age, keep_runs, max_age: Option<u64>| Policy {
            max_record_age: Some(days(age)),
            max_age: max_age.map(days),
            keep_runs,
            ..Policy::default()
        };
        let mut facts = facts();
        facts.runs.insert(1, run("a2", 10, true, &[]));
        let said = |facts: &Facts, policy: &Policy| {
            let gone = forgettable(facts, policy, Micros(100 * DAY));
            gone.iter().map(RunId::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(said(&facts, &Policy::default()), "");
        assert_eq!(
            said(&facts, &policy(30, None, None)),
            "a a2",
            "b is at work, c is the newest"
        );
        assert_eq!(said(&facts, &policy(95, None, None)), "a");
        assert_eq!(said(&facts, &policy(30, Some(3), None)), "a", "the rule keeps three");
        assert_eq!(said(&facts, &policy(30, None, Some(95))), "a", "the rule keeps 95 days");
        facts.told.insert("a".into());
        assert_eq!(said(&facts, &policy(30, None, None)), "a2", "a ledger names it");
    }

    #[test]
    fn what_only_forgotten_runs_used_goes_where_a_rule_says_so() {
        let mut facts = facts();
        facts.runs.insert(
            0,
            RunFacts {
                recorded: false,
                ..run("0", 0, true, &[1, 5, 6])
            },
        );
        let policy = |keep_runs| Policy {
            keep_runs,
            ..Policy::default()
        };
        let gone = |keep_runs| collectable(&facts, &policy(keep_runs), Micros(100 * DAY)).content;
        assert_eq!(gone(None), []);
        assert_eq!(gone(Some(3)), [digest(6)], "the kept runs use the others");
        assert_eq!(
            forgettable(
                &facts,
                &Policy {
                    max_record_age: Some(days(1)),
                    ..policy(Some(3))
                },
                Micros(100 * DAY)
            ),
            []
        );
    }

    fn any_run() -> impl Strategy<Value = RunFacts> {
        let uses = proptest::collection::btree_set(0u8..30, 0..6);
        (0u32..1000, 0u8..3, 0i64..200, proptest::bool::weighted(0.8), uses).prop_map(
            |(id, pipeline, day, over, uses)| RunFacts {
                id: RunId::new(format!("{id:04}")),
                pipeline: (None, format!("p{pipeline}")),
                created_at: Micros(day * DAY),
                over,
                recorded: true,
                uses: uses.into_iter().map(digest).collect(),
            },
        )
    }

    fn any_facts() -> impl Strategy<Value = Facts> {
        let digests = || proptest::collection::btree_set((0u8..30).prop_map(digest), 0..30);
        (proptest::collection::vec(any_run(), 0..30), digests(), digests()).prop_map(|(mut runs, protected, stored)| {
            runs.sort_by(|a, b| a.id.cmp(&b.id));
            runs.dedup_by(|a, b| a.id == b.id);
            Facts {
                runs,
                protected,
                stored,
                told: BTreeSet::new(),
            }
        })
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let age = proptest::option::of((0u64..250).prop_map(days));
        (age, proptest::option::of(0usize..8)).prop_map(|(max_age, keep_runs)| Policy {
            max_age,
            keep_runs,
            ..Policy::default()
        })
    }

    proptest! {
        #[test]
        fn nothing_that_is_needed_goes(facts in any_facts(), policy in any_policy()) {
            let gone = collectable(&facts, &policy, Micros(200 * DAY));
            for content in &gone.content {
                prop_assert!(facts.stored.contains(content) && !facts.protected.contains(content));
                let users: Vec<_> = facts.runs.iter().filter(|run| run.uses.contains(content)).collect();
                prop_assert!(!users.is_empty() && users.iter().all(|run| gone.runs.contains(&run.id)));
            }
            for run in facts.runs.iter().filter(|run| gone.runs.contains(&run.id)) {
                prop_assert!(run.over, "a run at work stays");
                let newer = facts.runs.iter().filter(|other| {
                    other.pipeline == run.pipeline && (other.created_at, &other.id) > (run.created_at, &run.id)
                });
                prop_assert!(newer.count() >= policy.keep_runs.unwrap_or(0));
                prop_assert!(policy.max_age.is_none_or(|age| older(run.created_at, age, Micros(200 * DAY))));
            }
        }

        #[test]
        fn a_stricter_policy_and_later_time_never_keep_more(facts in any_facts(), policy in any_policy(), more in 0usize..5) {
            let now = Micros(200 * DAY);
            let gone = collectable(&facts, &policy, now);
            let later = collectable(&facts, &policy, Micros(now.0 + DAY));
            prop_assert!(gone.runs.iter().all(|run| later.runs.contains(run)));
            prop_assert!(gone.content.iter().all(|content| later.content.contains(content)));
            let looser = Policy { keep_runs: policy.keep_runs.map(|count| count + more), ..policy };
            let kept = collectable(&facts, &looser, now);
            prop_assert!(kept.content.iter().all(|content| gone.content.contains(content)));
        }

        #[test]
        fn what_is_gone_is_not_collected_again(facts in any_facts(), policy in any_policy()) {
            let now = Micros(200 * DAY);
            let gone = collectable(&facts, &policy, now);
            let mut left = facts.clone();
            left.stored.retain(|content| !gone.content.contains(content));
            prop_assert!(collectable(&left, &policy, now).content.is_empty());
        }
    }
}
