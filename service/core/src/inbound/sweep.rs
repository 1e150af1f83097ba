//! What was missed: webhooks that never arrived, found in GitHub's list of them and in what branches and pull requests
//! are now.

use crate::ids::{CommitSha, Micros};
use std::collections::{BTreeMap, BTreeSet};

/// GitHub sends a delivery again that is younger.
pub const WINDOW_SECONDS: u64 = 3 * 24 * 3600;
/// The wait before a delivery that failed again is asked for again; it doubles each time.
const AGAIN_SECONDS: u64 = 60;
/// No wait is longer …
const LONGEST_SECONDS: u64 = 6 * 3600;
/// … and none before the next try whether any arrives.
const PROBE_SECONDS: u64 = 240;
/// At most so many are asked for in one sweep: GitHub counts what is written.
const AT_ONCE: usize = 40;

/// One attempt of GitHub to deliver a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// GitHub's number of the attempt.
    pub id: u64,
    /// The delivery: all its attempts have the same.
    pub guid: String,
    /// When.
    pub at: Micros,
    /// GitHub's word: `OK`, or what went wrong.
    pub status: String,
    /// What was answered; 0 without an answer.
    pub code: u16,
    /// What it told of, `push` for example.
    pub event: String,
}

impl Attempt {
    /// Whether it was taken.
    pub fn is_ok(&self) -> bool {
        self.status == "OK" || (200..300).contains(&self.code)
    }
}

/// What is wrong with a webhook, as GitHub's attempts tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookTrouble {
    /// The newest was refused for its signature.
    WrongSecret,
    /// The newest was not taken, in GitHub's words.
    Failing(String),
    /// It is switched off in GitHub's settings.
    Disabled,
    /// There is none that leads here.
    NoHook,
    /// GitHub does not let us see it, in its words.
    Hidden(String),
}

impl HookTrouble {
    /// What is wrong and what to do.
    pub fn sentence(&self, whose: &str) -> String {
        match self {
            Self::WrongSecret => format!(
                "the newest webhook of {whose} was refused because its signature does not fit: set the same secret here ([github] webhook_secret) and in the webhook's settings on GitHub"
            ),
            Self::Failing(how) => format!(
                "GitHub could not deliver the newest webhook of {whose} ({how}): is the service reached at the address in the webhook's settings on GitHub?"
            ),
            Self::Disabled => format!("the webhook of {whose} is disabled: make it active in its settings on GitHub"),
            Self::NoHook => format!(
                "{whose} has no webhook that leads to /webhooks/github: add one in its settings on GitHub, or install the App"
            ),
            Self::Hidden(why) => format!(
                "whether the webhooks of {whose} arrive cannot be seen ({why}): give the token 'Webhooks: read and write' (classic: admin:repo_hook) to have missed ones sent again"
            ),
        }
    }

    /// Whether webhooks are lost now.
    pub fn is_alarm(&self) -> bool {
        !matches!(self, Self::Hidden(_))
    }

    /// For metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::WrongSecret => "wrong_secret",
            Self::Failing(_) => "failing",
            Self::Disabled => "disabled",
            Self::NoHook => "no_hook",
            Self::Hidden(_) => "hidden",
        }
    }
}

/// What the newest attempt says is wrong.
pub fn hook_trouble(attempts: &[Attempt]) -> Option<HookTrouble> {
    let newest = attempts.iter().max_by_key(|attempt| (attempt.at, attempt.id))?;
    match newest.code {
        _ if newest.is_ok() => None,
        401 => Some(HookTrouble::WrongSecret),
        0 => Some(HookTrouble::Failing(newest.status.clone())),
        code => Some(HookTrouble::Failing(format!("answered {code}"))),
    }
}

/// Which deliveries failed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedDeliveries {
    /// The attempts to ask for again, oldest first.
    pub ask: Vec<u64>,
    /// How many deliveries were never taken, those that are not asked for yet included.
    pub failed: usize,
}

/// Of deliveries that were never taken, those to be sent again: of a kind that is `wanted`, not `arrived` all the same,
/// young enough for GitHub, and each ever more rarely. While none arrives only the newest is tried, and all once it did.
pub fn failed_deliveries(
    attempts: &[Attempt],
    now: Micros,
    wanted: impl Fn(&str) -> bool,
    arrived: &BTreeSet<String>,
) -> FailedDeliveries {
    let mut by_guid: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        by_guid.entry(&attempt.guid).or_default().push(attempt);
    }
    let seconds = |at: Micros| u64::try_from(now.0.saturating_sub(at.0)).unwrap_or(0) / 1_000_000;
    let arriving = hook_trouble(attempts).is_none();
    let mut failed = FailedDeliveries::default();
    let mut due = Vec::new();
    for (guid, attempts) in by_guid {
        let (first, last) = (
            attempts.iter().map(|attempt| attempt.at).min(),
            attempts.iter().max_by_key(|attempt| (attempt.at, attempt.id)),
        );
        let (Some(first), Some(last)) = (first, last) else {
            continue;
        };
        let taken = attempts.iter().any(|attempt| attempt.is_ok()) || arrived.contains(guid);
        if taken || !wanted(&last.event) || seconds(first) >= WINDOW_SECONDS {
            continue;
        }
        failed.failed += 1;
        let tries = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        let longest = if arriving { LONGEST_SECONDS } else { PROBE_SECONDS };
        let wait = AGAIN_SECONDS.saturating_mul(2_u64.saturating_pow(tries.saturating_sub(2)));
        // The first try was GitHub's own.
        if tries == 1 || seconds(last.at) >= wait.min(longest) {
            due.push((first, last.id));
        }
    }
    due.sort_unstable();
    if !arriving {
        due = due.split_off(due.len().saturating_sub(1));
    }
    failed.ask = due.into_iter().take(AT_ONCE).map(|(_, id)| id).collect();
    failed
}

/// Branches and open pull requests, as they were seen or as GitHub has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The head of each branch.
    pub branches: BTreeMap<String, CommitSha>,
    /// Head and base branch of each open pull request.
    pub open: BTreeMap<u64, (CommitSha, String)>,
}

/// What a webhook should have told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// A branch moved; `None` where it is new.
    Push {
        /// The branch.
        branch: String,
        /// Where it was seen last.
        before: Option<CommitSha>,
        /// Where it is.
        after: CommitSha,
    },
    /// A pull request was opened, again or for the first time.
    Opened(u64),
    /// A pull request has other commits.
    Synchronize {
        /// Its number.
        number: u64,
        /// The head that was seen last.
        before: CommitSha,
    },
    /// A pull request would be merged into another branch.
    Retargeted(u64),
    /// A pull request that was seen open is open no longer.
    Closed(u64),
}

/// How a repository is, beside how it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What was missed.
    pub missed: Vec<Missed>,
    /// Branches that were there before anybody looked.
    pub old_branches: Vec<(String, CommitSha)>,
    /// Pull requests of which the same holds.
    pub old_pulls: Vec<u64>,
    /// Branches that are gone, with the heads that were seen.
    pub gone: Vec<(String, CommitSha)>,
}

/// What was missed. What was never seen is old at the first comparison, and news ever after.
pub fn compare(seen: &Heads, there: &Heads, first: bool) -> Compared {
    let mut compared = Compared::default();
    for (branch, head) in &there.branches {
        match seen.branches.get(branch) {
            Some(known) if known == head => {}
            None if first => compared.old_branches.push((branch.clone(), head.clone())),
            known => compared.missed.push(Missed::Push {
                branch: branch.clone(),
                before: known.cloned(),
                after: head.clone(),
            }),
        }
    }
    for (branch, head) in &seen.branches {
        if !there.branches.contains_key(branch) {
            compared.gone.push((branch.clone(), head.clone()));
        }
    }
    for (number, (head, base)) in &there.open {
        match seen.open.get(number) {
            Some((known, _)) if known != head => compared.missed.push(Missed::Synchronize {
                number: *number,
                before: known.clone(),
            }),
            Some((_, known)) if known != base => compared.missed.push(Missed::Retargeted(*number)),
            Some(_) => {}
            None if first => compared.old_pulls.push(*number),
            None => compared.missed.push(Missed::Opened(*number)),
        }
    }
    for number in seen.open.keys() {
        if !there.open.contains_key(number) {
            compared.missed.push(Missed::Closed(*number));
        }
    }
    compared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: u64, guid: &str, seconds: i64, code: u16) -> Attempt {
        Attempt {
            id,
            guid: guid.to_owned(),
            at: Micros(seconds * 1_000_000),
            status: if code == 200 {
                "OK".to_owned()
            } else {
                "failed".to_owned()
            },
            code,
            event: "push".to_owned(),
        }
    }

    #[test]
    fn what_failed_is_asked_for_ever_more_rarely_and_within_githubs_window() {
        let asked = |attempts: &[Attempt], now: i64, arrived: &[&str]| {
            let arrived = arrived.iter().map(|guid| (*guid).to_owned()).collect();
            let failed = failed_deliveries(attempts, Micros(now * 1_000_000), |event| event == "push", &arrived);
            (failed.ask, failed.failed)
        };
        let once = [attempt(1, "a", 0, 502), attempt(2, "b", 5, 0), attempt(3, "c", 6, 200)];
        assert_eq!(asked(&once, 10, &[]), (vec![1, 2], 2));
        assert_eq!(
            asked(&once, 10, &["a"]),
            (vec![2], 1),
            "it was taken, and the answer lost"
        );
        let again = [
            attempt(1, "a", 0, 502),
            attempt(2, "a", 60, 502),
            attempt(3, "a", 130, 502),
        ];
        assert_eq!(asked(&again[..2], 100, &[]), (vec![], 1));
        assert_eq!(asked(&again[..2], 120, &[]), (vec![2], 1));
        assert_eq!(asked(&again, 240, &[]), (vec![], 1));
        assert_eq!(asked(&again, 250, &[]), (vec![3], 1));
        assert_eq!(
            asked(&once[..2], 3 * 86_400, &[]),
            (vec![2], 1),
            "the older is out of reach"
        );
        let lasts = [attempt(1, "a", 0, 0), attempt(2, "b", 5, 0), attempt(3, "c", 6, 0)];
        assert_eq!(
            asked(&lasts, 10, &[]),
            (vec![3], 3),
            "the newest tries whether any arrives"
        );
        let over = [lasts.to_vec(), vec![attempt(4, "c", 20, 200)]].concat();
        assert_eq!(asked(&over, 30, &[]), (vec![1, 2], 2), "and then all come");
        let wrong = [
            attempt(1, "a", 0, 401),
            attempt(2, "b", 5, 401),
            attempt(3, "c", 6, 401),
        ];
        assert_eq!(asked(&wrong, 10, &[]), (vec![3], 3), "the newest tries the secret");
        let mut other = once.clone();
        other[0].event = "star".to_owned();
        assert_eq!(asked(&other, 10, &[]), (vec![2], 1));
    }

    #[test]
    fn the_newest_attempt_says_what_is_wrong() {
        let all = [
            vec![],
            vec![attempt(1, "a", 0, 401), attempt(2, "a", 1, 200)],
            vec![attempt(1, "a", 0, 200), attempt(2, "b", 1, 401)],
            vec![attempt(1, "a", 0, 0)],
            vec![attempt(1, "a", 0, 503)],
        ];
        let said = all.map(|attempts| hook_trouble(&attempts).map_or("fine".to_owned(), |it| it.word().to_owned()));
        assert_eq!(said, ["fine", "fine", "wrong_secret", "failing", "failing"]);
    }

    fn heads(branches: &[(&str, &str)], open: &[(u64, &str, &str)]) -> Heads {
        let branch = |(name, head): &(&str, &str)| ((*name).to_owned(), CommitSha::from(*head));
        let pull = |(number, head, base): &(u64, &str, &str)| (*number, (CommitSha::from(*head), (*base).to_owned()));
        Heads {
            branches: branches.iter().map(branch).collect(),
            open: open.iter().map(pull).collect(),
        }
    }

    #[test]
    fn what_moved_was_missed_and_what_was_there_before_was_not() {
        let seen = heads(
            &[("main", "a"), ("dev", "a"), ("old", "a")],
            &[(1, "a", "main"), (2, "a", "main"), (3, "a", "main"), (4, "a", "main")],
        );
        let there = heads(
            &[("main", "b"), ("dev", "a"), ("new", "c")],
            &[(1, "a", "main"), (2, "b", "main"), (3, "a", "dev"), (5, "c", "main")],
        );
        let found = compare(&seen, &there, false);
        let push = |branch: &str, before: Option<&str>, after: &str| Missed::Push {
            branch: branch.to_owned(),
            before: before.map(CommitSha::from),
            after: CommitSha::from(after),
        };
        assert_eq!(
            found.missed,
            [
                push("main", Some("a"), "b"),
                push("new", None, "c"),
                Missed::Synchronize {
                    number: 2,
                    before: CommitSha::from("a")
                },
                Missed::Retargeted(3),
                Missed::Opened(5),
                Missed::Closed(4),
            ]
        );
        assert_eq!(found.gone, [("old".to_owned(), CommitSha::from("a"))]);
        let first = compare(&seen, &there, true);
        assert_eq!(first.old_branches, [("new".to_owned(), CommitSha::from("c"))]);
        assert_eq!((first.old_pulls, first.missed.len()), (vec![5], 4));
        assert_eq!(compare(&there, &there, false), Compared::default());
    }
}
