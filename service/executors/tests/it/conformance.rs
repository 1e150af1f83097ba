//! What every executor promises, tried with each.

use crate::exchange::*;
use crate::stage::{Act, DEADLINE, Kind, Stage, exits, until, waits};
use std::time::{Duration, Instant};
use trainyard_executors::fake::Script;
use trainyard_executors::*;

macro_rules! with {
    ($module:ident, $kind:ident, $when:meta: $($promise:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            #[$when]
            async fn $promise() {
                super::$promise(super::Stage::open(super::Kind::$kind).await).await;
            })*
        }
    };
}

macro_rules! every_executor {
    ($($promise:ident)*) => {
        with!(docker, Docker, cfg(all()): $($promise)* out_of_memory last_words);
        with!(kubernetes, Kubernetes, ignore = "it needs a cluster: make test-kubernetes": $($promise)* out_of_memory last_words);
        with!(process, Process, cfg(all()): $($promise)* last_words);
        with!(fake, Fake, cfg(all()): $($promise)* out_of_memory);
    };
}

every_executor! {
    runs_once_and_ends codes_and_signals stopped_by_sigterm stopped_by_sigkill lists_only_ours settles
    logs_both_streams_in_order logs_every_byte rotates_a_large_log a_missing_program_is_refused removing_kills
    nothing_is_known_of_what_never_was inputs_are_brought_by_what_they_are content_that_is_gone_is_refused
    secrets_are_files_and_never_shown secrets_without_a_program_are_found
    secrets_are_laid_out_in_memory_of_our_own what_comes_later_is_shown outputs_are_brought_back_and_kept_until_removed a_log_goes_on_from_any_mark
}

async fn runs_once_and_ends(stage: Stage) {
    let key = stage.start("once", waits(3)).await;
    assert_eq!(stage.observe(&key).await, Observation::Running);
    stage.start("once", waits(3)).await;
    assert_eq!(
        stage.observe(&key).await,
        Observation::Running,
        "a second start changes nothing"
    );
    stage.let_end(&key);
    assert_eq!(stage.end(&key).await, ProgramExit::Code(3));
    stage.start("once", waits(3)).await;
    assert_eq!(
        stage.observe(&key).await,
        Observation::Ended(ProgramExit::Code(3)),
        "nor does one after the end"
    );
    stage.logs.complete(&key, &stage.log_file(&key)).await.unwrap();
    assert_eq!(stage.log(&key), "began\n", "it ran once");
    stage.executor.remove(&key).await.unwrap();
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    stage.executor.remove(&key).await.unwrap();
    assert_eq!(stage.log(&key), "began\n", "the log outlives the program");
}

async fn codes_and_signals(stage: Stage) {
    let killed = |name: &str, number: i32| Act {
        shell: format!("kill -{name} $$"),
        script: Script::exits(128 + number, ""),
    };
    let cases = [
        ("fine", exits(0), ProgramExit::Code(0)),
        ("one", exits(1), ProgramExit::Code(1)),
        ("own-127", exits(127), ProgramExit::Code(127)),
        ("own-130", exits(130), ProgramExit::Code(130)),
        ("own-150", exits(150), ProgramExit::Code(150)),
        ("high", exits(255), ProgramExit::Code(255)),
        ("segv", killed("SEGV", 11), ProgramExit::Code(139)),
        ("kill", killed("KILL", 9), ProgramExit::Code(137)),
    ];
    for (step, act, expected) in cases {
        let key = stage.start(step, act).await;
        assert_eq!(stage.end(&key).await, expected, "{step}");
    }
}

async fn stopped_by_sigterm(stage: Stage) {
    let key = stage.start("willing", waits(0)).await;
    // In a cluster it may have to wait for its start, and what is stopped before it never runs.
    until("it has begun", || async {
        stage.kind != Kind::Kubernetes || stage.log(&key).contains("began")
    })
    .await;
    let started = Instant::now();
    stage.executor.stop(&key, DEADLINE).await.unwrap();
    assert!(started.elapsed() < DEADLINE, "it was not waited for longer than needed");
    assert_eq!(stage.observe(&key).await, Observation::Ended(ProgramExit::Code(143)));
    stage.executor.stop(&key, DEADLINE).await.unwrap();
    assert_eq!(
        stage.observe(&key).await,
        Observation::Ended(ProgramExit::Code(143)),
        "a second stop changes nothing"
    );
}

async fn stopped_by_sigkill(stage: Stage) {
    let mut act = waits(0);
    act.shell = format!("trap '' TERM; {}", act.shell);
    act.script.ignores_sigterm = true;
    let key = stage.start("stubborn", act).await;
    until("it has begun", || async { stage.log(&key).contains("began") }).await;
    let grace = Duration::from_millis(300);
    let started = Instant::now();
    stage.executor.stop(&key, grace).await.unwrap();
    assert!(
        stage.kind == Kind::Fake || started.elapsed() >= grace,
        "it has its grace"
    );
    // Only who watches the process itself can tell a signal from a code.
    let seen = stage.observe(&key).await;
    let killed = [ProgramExit::Code(137), ProgramExit::Signal(9)].map(Observation::Ended);
    assert!(killed.contains(&seen), "{seen:?}");
}

/// A program that handles SIGTERM ends as it likes, and what it says then is kept.
async fn last_words(stage: Stage) {
    let act = Act {
        shell: "trap 'echo goodbye; exit 7' TERM; echo began; while :; do :; done".into(),
        script: Script::default(),
    };
    let key = stage.start("polite", act).await;
    until("it has begun", || async { stage.log(&key).contains("began") }).await;
    stage.executor.stop(&key, DEADLINE).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::Code(7));
    assert_eq!(stage.log(&key), "began\ngoodbye\n");
}

async fn out_of_memory(stage: Stage) {
    let key = stage.key("greedy");
    let act = Act {
        shell: "exec python3 -c 'x = bytearray(1 << 30)'".into(),
        script: Script {
            out_of_memory: true,
            ..Script::default()
        },
    };
    let program = Program {
        memory_bytes: Some(64 << 20),
        ..stage.program(&key, act)
    };
    stage.start_program(&key, &program).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::OutOfMemory);
}

async fn lists_only_ours(stage: Stage) {
    let other = Stage::open(stage.kind).await;
    assert_eq!(stage.executor.list().await.unwrap(), []);
    let mut ours = vec![stage.start("a", waits(0)).await, stage.start("a-b", exits(0)).await];
    let theirs = other.start("a", waits(0)).await;
    let mut listed = stage.executor.list().await.unwrap();
    listed.sort();
    ours.sort();
    assert_eq!(listed, ours, "running or ended, and nobody else's");
    // The other's program under the same key is not there for us.
    assert_eq!(stage.observe(&theirs).await, Observation::Unknown);
    stage.executor.stop(&theirs, Duration::ZERO).await.unwrap();
    stage.executor.remove(&theirs).await.unwrap();
    assert_eq!(other.observe(&theirs).await, Observation::Running);
    other.executor.remove(&theirs).await.unwrap();
    for key in &ours {
        stage.executor.remove(key).await.unwrap();
    }
    assert_eq!(stage.executor.list().await.unwrap(), []);
}

async fn settles(stage: Stage) {
    let key = stage.start("settles", waits(0)).await;
    let at_most = Duration::from_millis(300);
    let started = Instant::now();
    stage.executor.settled(&key, at_most).await;
    assert!(started.elapsed() >= at_most, "nothing happened before the deadline");
    assert_eq!(stage.observe(&key).await, Observation::Running);
    let started = Instant::now();
    let settled = stage.executor.settled(&key, DEADLINE);
    let ((), ()) = tokio::join!(settled, async { stage.let_end(&key) });
    assert!(started.elapsed() < DEADLINE / 2, "it returns by the end of the program");
    until("the end is seen", || async {
        stage.observe(&key).await == Observation::Ended(ProgramExit::Code(0))
    })
    .await;
    stage.executor.settled(&key, DEADLINE).await;
    assert!(
        started.elapsed() < DEADLINE / 2,
        "there is nothing to wait for after the end"
    );
}

async fn logs_both_streams_in_order(stage: Stage) {
    let lines = |stream: &str| (0..500).map(|n| format!("{stream} {n}\n")).collect::<String>();
    let act = Act {
        shell: "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done".into(),
        script: Script {
            log: lines("out") + &lines("err"),
            ..Script::default()
        },
    };
    let key = stage.start("talks", act).await;
    stage.end(&key).await;
    let log = stage.log(&key);
    let of = |stream: &str| {
        let lines = log.lines().filter(|line| line.starts_with(stream));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!((of("out"), of("err")), (lines("out"), lines("err")));
    assert_eq!(log.len(), lines("out").len() + lines("err").len(), "and nothing else");
}

/// Docker cuts lines of more than 16 KiB into entries, and may forget a last line without an end.
async fn logs_every_byte(stage: Stage) {
    let whole = format!("{}\n\n2026-11-24T06:15:49Z no\nend", "x".repeat(50_000));
    let act = Act {
        shell: format!("printf '%s' '{whole}'"),
        script: Script {
            log: whole.clone(),
            ..Script::default()
        },
    };
    let key = stage.start("exact", act).await;
    stage.end(&key).await;
    assert!(stage.log(&key) == whole, "{:?}", stage.log(&key).get(49_990..));
}

async fn rotates_a_large_log(stage: Stage) {
    let line = "x".repeat(1023) + "\n";
    let count = (LOG_FILE_BYTES / 1024 + 100) as usize;
    let act = Act {
        shell: format!(
            "yes {} | head -n {count}; touch $OUT/written; while [ ! -e $OUT/go ]; do sleep 0.02; done; echo the end",
            "x".repeat(1023)
        ),
        script: Script {
            log: line.repeat(count) + "the end\n",
            ..Script::default()
        }
        .hanging(),
    };
    let key = stage.start("large", act).await;
    let written = stage.outputs(&key).join("written");
    let older = stage.log_file(&key).with_extension("log.1");
    // A cluster shows the beginning of a log while its program runs, and all of it afterwards.
    if stage.kind != Kind::Kubernetes {
        until("it has written", || async {
            stage.kind == Kind::Fake || written.exists()
        })
        .await;
        until("the log is rotated", || async {
            stage.observe(&key).await == Observation::Running && older.exists()
        })
        .await;
    }
    stage.let_end(&key);
    stage.end(&key).await;
    let (older, newer) = (std::fs::read_to_string(&older).unwrap(), stage.log(&key));
    assert!(newer.ends_with("the end\n") && newer.len() < LOG_FILE_BYTES as usize);
    assert!(older.len() as u64 >= LOG_FILE_BYTES);
    assert_eq!(
        older.len() + newer.len(),
        line.len() * count + 8,
        "the cut loses nothing"
    );
    assert!(older + &newer == line.repeat(count) + "the end\n");
}

async fn a_missing_program_is_refused(stage: Stage) {
    let key = stage.key("absent");
    let script = Script {
        refused: Some("the script says no".into()),
        ..Script::default()
    };
    let mut program = stage.program(
        &key,
        Act {
            shell: String::new(),
            script,
        },
    );
    if stage.kind != Kind::Fake {
        program.command = vec!["no-such-program".into(), "--fast".into()];
    }
    let refused = match stage.executor.start(&key, &program).await {
        Err(error) => error,
        Ok(()) => {
            stage.executor.settled(&key, DEADLINE).await;
            stage.executor.observe(&key).await.unwrap_err()
        }
    };
    assert!(matches!(refused, ExecutorError::Refused { .. }), "{refused:?}");
    let sentence = refused.to_string();
    match stage.kind {
        Kind::Docker => {
            insta::assert_snapshot!(sentence, @"its image has no program 'no-such-program' that can be executed: correct the step's command")
        }
        Kind::Kubernetes => {
            insta::assert_snapshot!(sentence, @"its image has no program 'no-such-program' that can be executed (No such file or directory (os error 2)): correct the step's command")
        }
        Kind::Process => {
            insta::assert_snapshot!(sentence, @"this machine has no program 'no-such-program': install it, or correct the step's command")
        }
        Kind::Fake => assert_eq!(sentence, "the script says no"),
    }
}

async fn removing_kills(stage: Stage) {
    let key = stage.start("running", waits(0)).await;
    stage.executor.remove(&key).await.unwrap();
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    assert_eq!(stage.executor.list().await.unwrap(), []);
}

async fn nothing_is_known_of_what_never_was(stage: Stage) {
    let key = stage.key("never");
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    let started = Instant::now();
    stage.executor.settled(&key, DEADLINE).await;
    assert!(started.elapsed() < DEADLINE / 2);
    stage.logs.complete(&key, &stage.log_file(&key)).await.unwrap();
    stage.executor.stop(&key, DEADLINE).await.unwrap();
    stage.executor.remove(&key).await.unwrap();
    stage.executor.probe().await.unwrap();
}
