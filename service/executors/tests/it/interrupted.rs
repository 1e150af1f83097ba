//! Docker going away and coming back at every bad moment.

use crate::proxy::{Fate, Proxy};
use crate::stage::{Act, DEADLINE, Kind, Stage, exits, staging, until, waits};
use std::time::{Duration, Instant};
use trainyard_executors::fake::Script;
use trainyard_executors::*;

async fn behind(proxy: &Proxy) -> Stage {
    Stage::at(Kind::Docker, Some(&proxy.host())).await
}

/// An executor without a place of its own.
fn nobody(host: &str) -> DockerExecutor {
    DockerExecutor::connect(Some(host), "nobody", (1, 1), staging("/nowhere".as_ref()))
}

fn is_unreachable<T: std::fmt::Debug>(result: Result<T, ExecutorError>) {
    assert!(matches!(result, Err(ExecutorError::Unreachable { .. })), "{result:?}");
}

#[tokio::test]
async fn nobody_at_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let host = format!("unix://{}", socket.display());
    let executor = nobody(&host);
    let error = executor.probe().await.unwrap_err();
    is_unreachable(executor.list().await);
    insta::assert_snapshot!(
        error.to_string().replace(&folder.path().display().to_string(), "<folder>"),
        @"Docker at unix://<folder>/docker.sock does not answer: start it with `make setup` or `systemctl start docker`, or correct DOCKER_HOST"
    );
    // A socket that a dead engine has left, and the engine that comes back to it.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    is_unreachable(executor.probe().await);
    std::fs::remove_file(&socket).unwrap();
    let proxy = Proxy::open();
    std::fs::rename(proxy.host().trim_start_matches("unix://"), &socket).unwrap();
    executor.probe().await.unwrap();
}

#[tokio::test]
async fn a_wrong_host_is_told() {
    let executor = nobody("somewhere");
    insta::assert_snapshot!(executor.probe().await.unwrap_err(), @"Docker at somewhere does not answer: start it with `make setup` or `systemctl start docker`, or correct DOCKER_HOST");
}

#[tokio::test]
async fn a_silent_engine_is_not_waited_for() {
    let proxy = Proxy::open();
    let executor = nobody(&proxy.host());
    proxy.next("_ping", Fate::Silent);
    let started = Instant::now();
    is_unreachable(executor.probe().await);
    assert!(started.elapsed() < Duration::from_secs(30));
}

/// Every request of a start can be lost, before or after Docker has done it; a repetition helps.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_can_be_cut_off_anywhere() {
    let proxy = Proxy::open();
    let stage = behind(&proxy).await;
    for (step, request, fate) in [
        ("create-lost", "/containers/create", Fate::Lost),
        ("create-answer", "/containers/create", Fate::AnswerLost),
        ("start-lost", "/start", Fate::Lost),
        ("start-answer", "/start", Fate::AnswerLost),
    ] {
        proxy.next(request, fate);
        let key = stage.key(step);
        let program = stage.program(&key, exits(4));
        is_unreachable(stage.start_program(&key, &program).await);
        stage.start_program(&key, &program).await.unwrap();
        assert_eq!(stage.end(&key).await, ProgramExit::Code(4), "{step}");
        assert_eq!(stage.log(&key), "line\n", "{step}: it ran once");
    }
    assert!(proxy.is_done());
}

/// A run is cancelled after a crash between create and start.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_stopped_before_it_ran_never_runs() {
    let proxy = Proxy::open();
    let stage = behind(&proxy).await;
    let key = stage.key("stopped");
    proxy.next("/start", Fate::Lost);
    is_unreachable(stage.executor.start(&key, &stage.program(&key, waits(0))).await);
    assert_eq!(stage.observe(&key).await, Observation::Running, "it is there");
    stage.executor.stop(&key, DEADLINE).await.unwrap();
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_fail_are_asked_again() {
    let proxy = Proxy::open();
    let stage = behind(&proxy).await;
    let key = stage.start("asked", waits(0)).await;
    proxy.next("/json", Fate::Failing);
    let error = stage.executor.observe(&key).await.unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&proxy.host(), "<host>"), @"Docker at <host> does not answer: it could not inspect a container (context deadline exceeded): look at its log, or restart it");
    is_unreachable::<()>(Err(error));
    for fate in [Fate::Lost, Fate::AnswerLost] {
        proxy.next("/json", fate);
        is_unreachable(stage.executor.observe(&key).await);
        proxy.next("/wait", fate);
        stage.executor.settled(&key, Duration::from_millis(100)).await;
    }
    assert_eq!(stage.observe(&key).await, Observation::Running);
    assert!(proxy.is_done());
    stage.let_end(&key);
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    for fate in [Fate::Lost, Fate::AnswerLost] {
        proxy.next("DELETE", fate);
        is_unreachable(stage.executor.remove(&key).await);
    }
    stage.executor.remove(&key).await.unwrap();
}

/// The log stream breaks off and is taken up again where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_log_is_taken_up_again() {
    let proxy = Proxy::open();
    let stage = behind(&proxy).await;
    proxy.next("/logs", Fate::CutAfter(1500));
    proxy.next("/logs", Fate::Lost);
    proxy.next("/logs", Fate::Failing);
    proxy.next("/logs", Fate::CutAfter(3000));
    let act = Act {
        shell: "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; done; while [ ! -e $OUT/go ]; do sleep 0.02; done; echo end".into(),
        script: Script::default(),
    };
    let key = stage.start("logs", act).await;
    until("every break has come", || async { proxy.is_done() }).await;
    stage.let_end(&key);
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    let lines: String = (1..=300).map(|n| format!("line {n}\n")).collect();
    assert_eq!(stage.log(&key), lines + "end\n");
}

/// Docker 20.10 may end a stream before a container's last words; the log is whole all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ended_early_is_completed() {
    let proxy = Proxy::open();
    let stage = behind(&proxy).await;
    proxy.next("/logs", Fate::Empty);
    let key = stage.start("early", exits(0)).await;
    until("the stream has ended", || async { proxy.is_done() }).await;
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    assert_eq!(stage.log(&key), "line\n");
    let asked = proxy.requests().len();
    stage.logs.complete(&key, &stage.log_file(&key)).await.unwrap();
    assert_eq!(proxy.requests().len(), asked, "once is enough");
}

/// Somebody else's container under our name is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_container_is_left_alone() {
    let stage = Stage::open(Kind::Docker).await;
    let foreign = Stage::open(Kind::Docker).await;
    let key = stage.key("taken");
    let theirs = foreign.start("taken", waits(0)).await;
    let name =
        |stage: &Stage, key: &AttemptKey| format!("trainyard-{}-{}-{}-{}", stage.owner, key.run, key.node, key.attempt);
    let rename = bollard::query_parameters::RenameContainerOptionsBuilder::new()
        .name(&name(&stage, &key))
        .build();
    crate::engine::engine()
        .await
        .rename_container(&name(&foreign, &theirs), rename)
        .await
        .unwrap();

    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    stage.executor.stop(&key, Duration::ZERO).await.unwrap();
    let error = stage
        .executor
        .start(&key, &stage.program(&key, waits(0)))
        .await
        .unwrap_err();
    insta::assert_snapshot!(error.to_string().replace(&name(&stage, &key), "<name>"), @"a container <name> is there that is not ours: remove it with `docker rm <name>`");
    assert_eq!(foreign.executor.list().await.unwrap(), [theirs], "it is still there");
}

/// What one step costs in requests; each is a round trip.
#[tokio::test(flavor = "multi_thread")]
async fn one_container_is_few_requests() {
    let proxy = Proxy::open();
    let stage = behind(&proxy).await;
    let key = stage.key("cheap");
    let program = stage.program(&key, exits(0));
    stage.start_program(&key, &program).await.unwrap();
    stage.executor.settled(&key, DEADLINE).await;
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    stage.executor.remove(&key).await.unwrap();
    let mut requests = proxy.requests();
    requests.sort();
    assert_eq!(
        requests,
        [
            "DELETE",
            // What its image declares, and how it ended.
            "GET json",
            "GET json",
            "GET logs",
            "GET logs",
            "POST create",
            "POST start",
            "POST wait"
        ]
    );
}
