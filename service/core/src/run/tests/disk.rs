//! A full disk under a step's program is the service's trouble, not the pipeline's.

use super::*;
use crate::run::{Command, Decision, ImageState, Limits, Run, decide};

/// Seconds to the next attempt after `train` met a full disk on this one; and what is said.
fn wait(max_retry_count: u32, attempt: u32, last_line: &str) -> (Option<i64>, String) {
    let exit = Exit::Code {
        code: 1,
        last_line: Some(last_line.to_owned()),
    };
    let earlier = vec![exit.clone(); attempt as usize - 1];
    wait_after(max_retry_count, &earlier, exit)
}

/// The same after any ends.
fn wait_after(max_retry_count: u32, ends: &[Exit], last: Exit) -> (Option<i64>, String) {
    let mut plan = plan();
    plan.steps["train"].retry.max_retry_count = max_retry_count;
    let mut run = Run::new(request(plan));
    let train = StepName::from("train");
    let mut attempt = 1;
    run.apply(&RunEvent::Started { baseline: None }, Micros(0));
    for (exit, again) in ends.iter().map(|exit| (exit, true)).chain([(&last, false)]) {
        run.apply(&built("train"), Micros(0));
        run.apply(&starting(&train, attempt, Micros(100)), Micros(0));
        run.apply(&ended(&train, attempt, exit.clone()), Micros(0));
        if again {
            run.apply(&failed(&train, attempt, Some(Micros(0))), Micros(0));
            attempt += 1;
        }
    }
    run.apply(&built("train"), Micros(0));
    let decisions = decide(&run, &Limits { max_parallel_steps: 1 }, Micros(0));
    match decisions.as_slice() {
        [Decision::Record(RunEvent::StepFailed { retry_at, reason, .. })] => {
            (retry_at.map(|at| at.0 / 1_000_000), reason.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_disk_is_waited_for_also_without_a_retry_policy() {
    let full = "OSError: [Errno 28] No space left on device: '/trainyard/outputs/model'";
    // max_retry_count, attempt, seconds; the step's own policy waits 10 s, 20 s, …
    let table = [
        (0, 1, Some(60)),
        (0, 2, Some(120)),
        (0, 3, Some(240)),
        (0, 4, None),
        (2, 1, Some(10)),
        (2, 2, Some(20)),
        (2, 3, Some(240)),
        (2, 4, None),
    ];
    for (retries, attempt, expected) in table {
        assert_eq!(wait(retries, attempt, full).0, expected, "{retries} {attempt}");
    }
    assert_eq!(wait(0, 1, "ValueError: no rows").0, None);
    insta::assert_snapshot!(wait(0, 1, full).1, @"step 'train' found the disk full: make room below the service's data_dir (OSError: [Errno 28] No space left on device: '/trainyard/outputs/model')");
}

/// Whichever comes first: the step has its own attempts, and the service has its own.
#[test]
fn the_service_s_troubles_take_none_of_the_step_s_attempts() {
    let code = || Exit::Code {
        code: 1,
        last_line: Some("ValueError: no rows".to_owned()),
    };
    let full = || Exit::DiskFull { last_line: None };
    let gone = || Exit::ImageGone {
        image_id: "sha256:0".to_owned(),
    };
    let seconds = |ends: &[Exit], last| wait_after(1, ends, last).0;
    assert_eq!(
        seconds(&[full(), gone(), full()], code()),
        Some(10),
        "its first own one"
    );
    assert_eq!(seconds(&[code(), full()], code()), None, "its second");
    assert_eq!(seconds(&[code()], gone()), Some(0));
    assert_eq!(seconds(&[gone(), gone(), code()], gone()), Some(0));
    assert_eq!(
        seconds(&[gone(), full(), gone()], gone()),
        None,
        "somebody removes it each time"
    );
    assert_eq!(seconds(&[code()], full()), Some(10));
    insta::assert_snapshot!(wait_after(0, &[], full()).1, @"step 'train' found the disk full: make room below the service's data_dir");
    insta::assert_snapshot!(wait_after(0, &[], gone()).1, @"step 'train' could not be started: its image sha256:0 is gone from the engine: look for what removes images there");
    // What a step has in memory there is small whatever the disk has.
    let own = "OSError: [Errno 28] No space left on device: '/tmp/pip/x'";
    assert_eq!(wait(0, 1, own).0, None);
    let large = Exit::OutputsTooLarge {
        bytes: 3 << 30,
        limit: 2 << 30,
    };
    let (again, sentence) = wait_after(5, &[], large);
    assert_eq!(again, None, "it would be as large again");
    insta::assert_snapshot!(sentence, @"step 'train' was stopped, since its outputs take 3 GiB of the disk and a step may take 2 GiB: write less, or raise executor.max_output");
}

/// A limit is told with its number and with what raises it.
#[test]
fn what_a_limit_ended_says_which() {
    let train = StepName::from("train");
    let told = |exit: Exit, own: Option<u64>| sentence::step_ended(&train, &exit, own).0;
    let killed = |limit| Exit::OutOfMemory { limit };
    insta::assert_snapshot!(told(killed(Some(3 << 29)), Some(3 << 29)), @"step 'train' was killed for using more than 1.5 GiB of memory: raise its resources.memory");
    insta::assert_snapshot!(told(killed(Some(18 << 30)), None), @"step 'train' was killed for using more than 18 GiB of memory, which executor.step_memory gives steps without resources.memory: give it resources.memory");
    insta::assert_snapshot!(told(killed(None), None), @"step 'train' was killed for using more than a step without resources.memory may use: set it");
    let large = |code, line: Option<&str>| Exit::Code {
        code,
        last_line: line.map(str::to_owned),
    };
    insta::assert_snapshot!(told(large(1, Some("OSError: [Errno 27] File too large")), None), @"step 'train' exited with code 1: OSError: [Errno 27] File too large; a file may be as large as all outputs of a step, which executor.max_output says");
    assert!(told(large(153, None), None).ends_with("which executor.max_output says"));
}

/// It is built by its key once, whoever of its steps finds it gone.
#[test]
fn an_image_that_is_gone_is_built_again() {
    let mut run = Run::new(request(plan()));
    let train = StepName::from("train");
    run.apply(&RunEvent::Started { baseline: None }, Micros(0));
    run.apply(&built("train"), Micros(0));
    let built_id = match &run.images["train"] {
        ImageState::Built { image_id, .. } => image_id.clone(),
        other => panic!("{other:?}"),
    };
    run.apply(&starting(&train, 1, Micros(100)), Micros(0));
    let other = Exit::ImageGone {
        image_id: "sha256:older".to_owned(),
    };
    let mut meanwhile = run.clone();
    meanwhile.apply(&ended(&train, 1, other), Micros(0));
    assert!(matches!(meanwhile.images["train"], ImageState::Built { .. }));
    run.apply(&ended(&train, 1, Exit::ImageGone { image_id: built_id }), Micros(0));
    assert_eq!(run.images["train"], ImageState::Pending);
    let limits = Limits { max_parallel_steps: 1 };
    let decisions = decide(&run, &limits, Micros(0));
    let build = Decision::Perform(Command::BuildImage {
        image: "train".to_owned(),
    });
    assert!(decisions.contains(&build), "{decisions:?}");
    run.apply(&failed(&train, 1, Some(Micros(0))), Micros(0));
    assert_eq!(decide(&run, &limits, Micros(0)), [build], "the step waits for it");
    run.apply(&built("train"), Micros(0));
    let drive = Decision::Perform(Command::Drive {
        step: train,
        attempt: 2,
    });
    assert_eq!(decide(&run, &limits, Micros(0)), [drive]);
}

fn killed() -> Exit {
    Exit::Signal {
        signal: 9,
        last_line: None,
    }
}

fn not_started() -> Exit {
    Exit::NotStarted {
        reason: "Docker could not create a container (status 500): no address".to_owned(),
        permanent: false,
    }
}

/// An engine that is restarted and a container that somebody removes cost the step none of its attempts.
#[test]
fn what_others_end_has_a_budget_of_its_own() {
    let code = || Exit::Code {
        code: 1,
        last_line: Some("ValueError: no rows".to_owned()),
    };
    let full = || Exit::DiskFull { last_line: None };
    let seconds = |retries, ends: &[Exit], last| wait_after(retries, ends, last).0;
    let waits: Vec<_> = (0..=20)
        .map(|earlier| {
            seconds(
                0,
                &vec![Exit::Lost { reason: None }; earlier],
                Exit::Lost { reason: None },
            )
        })
        .collect();
    let expected = [1, 2, 4, 8, 16, 32, 60].map(Some);
    assert_eq!(waits[..7], expected);
    assert_eq!((waits[19], waits[20]), (Some(60), None), "bounded");
    assert_eq!(
        seconds(1, &[killed(), Exit::Lost { reason: None }, not_started()], code()),
        Some(10),
        "its first own one"
    );
    assert_eq!(seconds(1, &[code(), killed()], code()), None, "its second");
    assert_eq!(seconds(0, &vec![killed(); 6], full()), Some(60), "the disk has its own");
    assert_eq!(seconds(0, &vec![full(); 3], killed()), Some(1));
    let own = Exit::Code {
        code: 137,
        last_line: None,
    };
    assert_eq!(seconds(0, &[], own), None, "a program may end so by itself");
    let crash = Exit::Signal {
        signal: 11,
        last_line: None,
    };
    assert_eq!(seconds(0, &[], crash), None);
    insta::assert_snapshot!(wait_after(0, &[], killed()).1, @"step 'train' was ended by SIGKILL from outside: look for who stops programs or containers there");
    insta::assert_snapshot!(wait_after(0, &vec![Exit::Lost { reason: None }; 20], Exit::Lost { reason: None }).1, @"step 'train' was lost: its container was removed, or its engine restarted, while it ran (that happened 21 times, so that it is not started again by itself)");
}

/// Whoever ended it at that time, it was not the timeout.
#[test]
fn what_others_end_after_its_deadline_did_not_time_out() {
    let mut run = Run::new(request(plan()));
    let train = StepName::from("train");
    run.apply(&RunEvent::Started { baseline: None }, Micros(0));
    run.apply(&built("train"), Micros(0));
    run.apply(&starting(&train, 1, Micros(100)), Micros(0));
    run.apply(&ended(&train, 1, killed()), Micros(200));
    let decisions = decide(&run, &Limits { max_parallel_steps: 1 }, Micros(200));
    let [Decision::Record(RunEvent::StepFailed { retry_at, .. })] = decisions.as_slice() else {
        panic!("{decisions:?}")
    };
    assert_eq!(*retry_at, Some(Micros(1_000_200)));
}
