//! What happens in a history: a few deliveries, data, people, and troubles.

use super::dice::Rolls;
use super::time;
use super::world::{Delivery, Happens, Repository};
use crate::tiny;
use serde_json::json;
use std::time::Duration;
use trainyard_core::ids::CommitSha;
use trainyard_github::git::scripted::ScriptedCommit;
use trainyard_store::StatementFate;

const ZEROS: &str = "0000000000000000000000000000000000000000";

/// The pipeline of this history: the steps of the tests' pipeline without those that are there twice.
fn pipeline(rolls: &mut Rolls) -> String {
    let start = tiny::TINY.find("  left:").unwrap();
    let end = tiny::TINY.find("  train:").unwrap();
    let mut text = tiny::TINY.replace(&tiny::TINY[start..end], "");
    let image = "    build: { dockerfile: pipelines/tiny/code/Dockerfile, context: pipelines/tiny/code }\n";
    let mut change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    };
    change(
        "    inputs: { left: left.half, right: right.half }",
        "    inputs: { examples: examples }",
    );
    change(
        r#"[train, "{{inputs.left}}", "{{inputs.right}}", "#,
        r#"[train, "{{inputs.examples}}", "#,
    );
    if rolls.percent(75) {
        change(image, "    image: tools\n");
    }
    change("    command: [train,", "    timeout: 2m\n    command: [train,");
    change("    command: [evaluate]", "    timeout: 2m\n    command: [evaluate]");
    if rolls.percent(50) {
        change(
            "    command: [train,",
            "    retry: { max_retry_count: 2, backoff_duration: 1s, backoff_factor: 2 }\n    command: [train,",
        );
    }
    if rolls.percent(40) {
        change("steps:", "concurrency: { max_active_runs: 2 }\nsteps:");
    }
    text
}

/// Plans a history.
pub fn tell(repository: &Repository) {
    let mut world = repository.world.lock().unwrap();
    let mut rolls = world.dice.of("story", 0);
    let text = pipeline(&mut rolls);
    let (mut at, mut head, mut spans) = (time::now(), None::<CommitSha>, 0);
    for nth in 0..4 + rolls.below(7) {
        let what = if nth == 0 { 0 } else { rolls.below(100) };
        let soon = Duration::from_millis(rolls.pick(&[0, 0, 200, 1_000, 3_000, 10_000, 40_000]));
        at += i64::try_from(soon.as_micros()).unwrap();
        let later = |rolls: &mut Rolls, least: u64| {
            let wait = rolls.pick(&[0, 500, 4_000, 15_000]).max(least);
            at + i64::try_from(wait * 1000).unwrap()
        };
        match what {
            0..=31 => {
                let back = rolls.percent(12);
                let quality = format!("auc: 0.{}", 62 + 3 * nth + rolls.below(6));
                let (sha, commit) = if back && world.deliveries.len() > 1 {
                    // Forced back to an earlier commit.
                    let commits = repository.commits.borrow();
                    let (sha, commit) = commits.iter().next().unwrap();
                    (sha.clone(), commit.clone())
                } else {
                    let sha = CommitSha::new(format!("{:040x}", 0xabc0 + nth));
                    let files = [
                        (tiny::FILE, text.replace("auc: 0.7", &quality)),
                        (tiny::DOCKERFILE, "FROM base\n".to_owned()),
                    ];
                    let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into();
                    (
                        sha,
                        ScriptedCommit {
                            parent: head.clone(),
                            files,
                        },
                    )
                };
                repository.commits.borrow_mut().insert(sha.clone(), commit);
                let body = json!({
                    "ref": "refs/heads/main",
                    "before": head.as_ref().map_or(ZEROS, |sha| sha.as_str()),
                    "after": sha.as_str(),
                    "deleted": false,
                    "repository": {"id": 1, "full_name": "acme/tiny", "default_branch": "main"},
                    "pusher": {"name": "ada"},
                });
                head = Some(sha);
                let delivery = world.deliveries.len();
                world.deliveries.push(Delivery {
                    id: format!("delivery-{delivery}"),
                    body: body.to_string(),
                });
                let arrives = match rolls.below(100) {
                    0..=7 if nth > 0 => None,
                    8..=25 => Some(later(&mut rolls, 0)),
                    _ => Some(at),
                };
                if let Some(arrives) = arrives {
                    world.plan(arrives, Happens::Delivery(delivery));
                }
                if rolls.percent(20) {
                    let again = later(&mut rolls, 1);
                    world.plan(again, Happens::Delivery(delivery));
                }
            }
            32..=46 => {
                spans += 1;
                // Some spans come late.
                let month = if rolls.percent(25) { 1 } else { 1 + spans };
                let data = Happens::Data {
                    id: nth,
                    span: format!("2013-{month:02}"),
                };
                world.plan(at, data.clone());
                if rolls.percent(25) {
                    let again = later(&mut rolls, 1);
                    world.plan(again, data);
                }
            }
            47..=53 => world.plan(at, in_the_midst(&mut rolls, Happens::Cancel)),
            54..=59 => world.plan(at, in_the_midst(&mut rolls, Happens::RollBack)),
            60..=61 => {
                world.plan(at, Happens::Hold(true));
                let free = later(&mut rolls, 1);
                world.plan(free, Happens::Hold(false));
            }
            62..=68 => world.plan(at, Happens::Crash),
            69..=80 => {
                let after = rolls.below(rolls_to(&[10, 60, 200, 500], nth));
                let fate = rolls.pick(&[StatementFate::DiesBefore, StatementFate::DiesAfter]);
                world.plan(at, Happens::Store { after, times: 1, fate });
            }
            81..=86 => {
                let (after, times) = (rolls.below(80), 1 + rolls.below(6));
                let fate = rolls.pick(&[StatementFate::Busy, StatementFate::Full, StatementFate::Unheard]);
                world.plan(at, Happens::Store { after, times, fate });
            }
            87..=90 => world.plan(at, Happens::Unreachable(1 + u32::try_from(rolls.below(5)).unwrap())),
            91..=93 => world.plan(at, Happens::GitHub(1 + rolls.below(4))),
            94..=96 => {
                world.plan(at, Happens::Status(true));
                let back = later(&mut rolls, 500);
                world.plan(back, Happens::Status(false));
            }
            _ => world.plan(at, Happens::Clock(rolls.pick(&[-3600, 3600, -5, 86_400]))),
        }
    }
}

/// Half of the time in the middle of what the service does then.
fn in_the_midst(rolls: &mut Rolls, what: Happens) -> Happens {
    match rolls.percent(50) {
        true => Happens::Midst {
            after: rolls.below(120),
            what: Box::new(what),
        },
        false => what,
    }
}

fn rolls_to(of: &[u64], nth: u64) -> u64 {
    of[usize::try_from(nth).unwrap() % of.len()]
}
