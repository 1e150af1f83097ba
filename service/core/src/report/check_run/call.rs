//! What is to be called so that GitHub shows a check run once, whatever a crash cut off.

use super::{CheckRun, Conclusion};
use crate::ids::Micros;

/// A check run that is not over for 14 days is called stale by GitHub: a new one is begun before.
const GROWS_OLD: u64 = 13 * 24 * 3600;

/// What GitHub was told of a name at a commit, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckTold {
    /// The newest check run; `None` where one was about to be made, and nobody knows whether it was.
    pub id: Option<u64>,
    /// The newest check run before that one: later ones have larger ids. 0 without any.
    pub after: u64,
    /// Of which run it tells.
    pub external_id: String,
    /// How it ended, once it is over.
    pub conclusion: Option<Conclusion>,
    /// When it was made.
    pub made_at: Micros,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Make a check run; it is stored before that one may have been made after this one.
    Create {
        /// The newest one that is known.
        after: u64,
    },
    /// Look for one that may have been made after this one.
    Find {
        /// The newest one that is known.
        after: u64,
    },
    /// Change this one.
    Update {
        /// Its id.
        id: u64,
    },
    /// None: it is over, and what is to be told comes late.
    Nothing,
}

/// The call that brings `check` to GitHub, which was told so much before. A check run that is over is never opened
/// again: what begins anew is a new one of the same name, and the newest one is what counts at GitHub.
pub fn call(told: Option<&CheckTold>, check: &CheckRun, now: Micros) -> Call {
    let Some(told) = told else {
        return Call::Create { after: 0 };
    };
    let Some(id) = told.id else {
        return Call::Find { after: told.after };
    };
    let over = check.progress.conclusion().is_some();
    let same = told.external_id == check.external_id;
    match told.conclusion {
        Some(_) if same && over => Call::Update { id },
        // What waited for a person goes on.
        Some(Conclusion::ActionRequired) => Call::Create { after: id },
        Some(_) if same => Call::Nothing,
        Some(_) => Call::Create { after: id },
        None if !over && told.made_at.plus_seconds(GROWS_OLD) <= now => Call::Create { after: id },
        None => Call::Update { id },
    }
}

/// Check runs that are not over and were made before this grow old.
pub fn grows_old_before(now: Micros) -> Micros {
    let micros = i64::try_from(GROWS_OLD).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    Micros(now.0.saturating_sub(micros))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check_run::Progress;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn check(run: &str, progress: Progress) -> CheckRun {
        CheckRun {
            external_id: run.to_owned(),
            progress,
            summary: String::new(),
            annotations: Vec::new(),
            actions: Vec::new(),
            started_at: None,
            completed_at: None,
        }
    }

    fn told(run: &str, conclusion: Option<Conclusion>) -> CheckTold {
        CheckTold {
            id: Some(7),
            after: 3,
            external_id: run.to_owned(),
            conclusion,
            made_at: Micros(0),
        }
    }

    #[test]
    fn what_is_over_is_never_opened_again() {
        use Conclusion::{ActionRequired, Failure, Success};
        let done = Progress::Completed;
        let (update, create) = (Call::Update { id: 7 }, Call::Create { after: 7 });
        let rows = [
            ("begun", told("1", None), check("1", Progress::InProgress), update),
            ("ended", told("1", None), check("1", done(Success)), update),
            (
                "ended otherwise",
                told("1", Some(Success)),
                check("1", done(Failure)),
                update,
            ),
            (
                "late",
                told("1", Some(Success)),
                check("1", Progress::Queued),
                Call::Nothing,
            ),
            ("overtaken", told("1", None), check("2", Progress::Queued), update),
            (
                "run again",
                told("1", Some(Failure)),
                check("2", Progress::Queued),
                create,
            ),
            ("back", told("2", Some(Failure)), check("1", done(Success)), create),
            (
                "allowed",
                told("1", Some(ActionRequired)),
                check("1", Progress::InProgress),
                create,
            ),
            (
                "approved",
                told("1", Some(ActionRequired)),
                check("1", done(Success)),
                update,
            ),
        ];
        for (name, told, check, expected) in rows {
            assert_eq!(call(Some(&told), &check, Micros(1)), expected, "{name}");
        }
        let first = check("1", Progress::Queued);
        assert_eq!(call(None, &first, Micros(1)), Call::Create { after: 0 });
        let unknown = CheckTold {
            id: None,
            ..told("1", None)
        };
        assert_eq!(call(Some(&unknown), &first, Micros(1)), Call::Find { after: 3 });
    }

    #[test]
    fn one_that_grows_old_is_followed_by_another() {
        let day = |days: i64| Micros(days * 24 * 3600 * 1_000_000);
        let (young, old) = (told("1", None), check("1", Progress::InProgress));
        assert_eq!(call(Some(&young), &old, day(12)), Call::Update { id: 7 });
        assert_eq!(call(Some(&young), &old, day(13)), Call::Create { after: 7 });
        assert_eq!(grows_old_before(day(13)), day(0));
        // What is told at last ends the one that is there, stale or not.
        let over = check("1", Progress::Completed(Conclusion::Success));
        assert_eq!(call(Some(&young), &over, day(20)), Call::Update { id: 7 });
    }

    proptest! {
        /// Whatever is told in whatever order: a check run that is over stays over.
        #[test]
        fn no_check_run_moves_backwards(
            messages in proptest::collection::vec((0..3_u8, 0..4_u8), 1..20),
            lost in proptest::collection::vec(select(vec![false, false, true]), 20),
        ) {
            let mut shown: Vec<(u64, Option<Conclusion>)> = Vec::new();
            let mut known: Option<CheckTold> = None;
            for ((run, progress), lost) in messages.into_iter().zip(lost) {
                let progress = match progress {
                    0 => Progress::Queued,
                    1 => Progress::InProgress,
                    2 => Progress::Completed(Conclusion::ActionRequired),
                    _ => Progress::Completed(Conclusion::Success),
                };
                let check = check(&run.to_string(), progress);
                // As the one who tells does, with an answer that is lost now and then.
                for _ in 0..4 {
                    let remembered = |id, after| CheckTold {
                        id,
                        after,
                        external_id: check.external_id.clone(),
                        conclusion: check.progress.conclusion(),
                        made_at: Micros(0),
                    };
                    match call(known.as_ref(), &check, Micros(1)) {
                        Call::Create { after } => {
                            let id = shown.len() as u64 + 1;
                            prop_assert!(id > after);
                            shown.push((id, progress.conclusion()));
                            known = Some(remembered(Some(id).filter(|_| !lost), after));
                            if !lost {
                                break;
                            }
                        }
                        Call::Find { after } => {
                            let found = shown.iter().rfind(|(id, _)| *id > after).copied();
                            known = known.map(|told| CheckTold {
                                id: found.map(|(id, _)| id),
                                conclusion: found.and_then(|(_, conclusion)| conclusion),
                                ..told
                            });
                            prop_assert!(found.is_some(), "it was made");
                        }
                        Call::Update { id } => {
                            let place = shown.iter().position(|(known, _)| *known == id).unwrap();
                            prop_assert!(shown[place].1.is_none() || progress.conclusion().is_some());
                            shown[place].1 = progress.conclusion();
                            known = Some(remembered(Some(id), known.map_or(0, |told| told.after)));
                            break;
                        }
                        Call::Nothing => break,
                    }
                }
            }
        }
    }
}
