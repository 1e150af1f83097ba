//! A restart of the service in the middle: the program goes on and is found again.

use crate::engine::engine;
use crate::stage::{Act, Kind, Stage, end, until};
use bollard::query_parameters::InspectContainerOptions;
use trainyard_executors::fake::Script;
use trainyard_executors::*;

/// Counts until it is told to end.
fn counts() -> Act {
    Act {
        shell: "i=0; while [ ! -e $OUT/go ]; do i=$((i+1)); echo line $i; sleep 0.01; done; echo end $i; exit 5".into(),
        script: Script::exits(5, "line 1\nline 2\nline 3\nend 3").hanging(),
    }
}

/// Docker's id of the container and when it was started.
async fn identity(stage: &Stage, key: &AttemptKey) -> Option<(String, String)> {
    if stage.kind != Kind::Docker {
        return None;
    }
    let name = format!("trainyard-{}-{}-{}-{}", stage.owner, key.run, key.node, key.attempt);
    let found = engine()
        .await
        .inspect_container(&name, None::<InspectContainerOptions>)
        .await
        .unwrap();
    Some((found.id.unwrap(), found.state.unwrap().started_at.unwrap()))
}

async fn a_running_program_is_adopted(kind: Kind) {
    let stage = Stage::open(kind).await;
    let key = stage.key("counts");
    let (program, executor) = (stage.program(&key, counts()), stage.reopened());
    let (logs, log) = (LogSink::new(executor.clone()), stage.log_file(&key));
    // All tasks of the first service die with its runtime.
    let first = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (again, asked) = (key.clone(), program.clone());
    let logs = first
        .spawn(async move {
            executor.start(&again, &asked).await.unwrap();
            logs.follow(&again, &log);
            logs
        })
        .await
        .unwrap();
    let lines = || stage.log(&key).lines().count();
    until("the first service has logged", || async { lines() >= 3 }).await;
    first.shutdown_background();
    drop(logs);
    let before = identity(&stage, &key).await;

    let second = stage.reopened();
    assert_eq!(second.list().await.unwrap(), std::slice::from_ref(&key));
    second.start(&key, &program).await.unwrap();
    let logs = LogSink::new(second.clone());
    logs.follow(&key, &stage.log_file(&key));
    assert_eq!(second.observe(&key).await.unwrap(), Observation::Running);
    assert_eq!(identity(&stage, &key).await, before, "the same container, started once");
    let seen = lines();
    until("the second service goes on", || async {
        kind == Kind::Fake || lines() > seen + 3
    })
    .await;
    stage.let_end(&key);
    let exit = end(&second, &logs, &key, &stage.log_file(&key)).await;
    assert_eq!(exit, ProgramExit::Code(5));

    let log = stage.log(&key);
    let last = log.lines().count() - 1;
    let expected: String = (1..=last).map(|n| format!("line {n}\n")).collect();
    assert_eq!(log, format!("{expected}end {last}\n"), "no gap and no line twice");
    second.remove(&key).await.unwrap();
}

/// It ended while nobody looked.
async fn an_ended_program_is_adopted(kind: Kind) {
    let stage = Stage::open(kind).await;
    let key = stage.key("counts");
    let (program, executor) = (stage.program(&key, counts()), stage.reopened());
    let first = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let again = key.clone();
    first
        .spawn(async move { executor.start(&again, &program).await })
        .await
        .unwrap()
        .unwrap();
    first.shutdown_background();
    stage.let_end(&key);

    let second = stage.reopened();
    let logs = LogSink::new(second.clone());
    let exit = end(&second, &logs, &key, &stage.log_file(&key)).await;
    assert_eq!(exit, ProgramExit::Code(5), "by observing alone");
    let last = stage.log(&key).lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("end "), "the log is whole: {last}");
    second.remove(&key).await.unwrap();
}

macro_rules! with_each {
    ($($name:ident: $kind:ident $($needs:literal)?)*) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread")]
            $(#[ignore = $needs])?
            async fn a_running_program_is_adopted() {
                super::a_running_program_is_adopted(super::Kind::$kind).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            $(#[ignore = $needs])?
            async fn an_ended_program_is_adopted() {
                super::an_ended_program_is_adopted(super::Kind::$kind).await;
            }
        })*
    };
}

with_each! { docker: Docker kubernetes: Kubernetes "it needs a cluster: make test-kubernetes" process: Process fake: Fake }
