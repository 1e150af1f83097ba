//! Who ended a container: itself, we, a person, or an engine that was restarted under it.

use crate::engine::{self, BASE};
use crate::own_engine::OwnEngine;
use crate::stage::{Act, DEADLINE, Kind, Stage, exits, until, waits};
use bollard::query_parameters::*;
use std::collections::BTreeMap;
use std::time::Duration;
use trainyard_executors::fake::Script;
use trainyard_executors::*;

fn name(stage: &Stage, key: &AttemptKey) -> String {
    format!("trainyard-{}-{}-{}-{}", stage.owner, key.run, key.node, key.attempt)
}

/// Says `began` and waits, whatever SIGTERM says; with one it ends with code 3.
fn handles() -> Act {
    Act {
        shell: "trap 'exit 3' TERM; echo began; while :; do sleep 0.05; done".into(),
        script: Script::default(),
    }
}

async fn begun(stage: &Stage, step: &str, act: Act) -> AttemptKey {
    let key = stage.start(step, act).await;
    until("it has begun", || async { stage.log(&key).contains("began") }).await;
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_ends_is_told_from_what_ends_by_itself() {
    let stage = Stage::open(Kind::Docker).await;
    let docker = engine::engine().await;
    let kill = |signal: &str| KillContainerOptionsBuilder::new().signal(signal).build();

    let killed = begun(&stage, "killed", waits(0)).await;
    docker
        .kill_container(&name(&stage, &killed), Some(kill("SIGKILL")))
        .await
        .unwrap();
    assert_eq!(stage.end(&killed).await, ProgramExit::Signal(9));
    let stopped = begun(&stage, "stopped", handles()).await;
    docker.stop_container(&name(&stage, &stopped), None).await.unwrap();
    assert_eq!(
        stage.end(&stopped).await,
        ProgramExit::Signal(15),
        "whatever its own code is"
    );

    // A signal that only tells it something.
    let told = begun(&stage, "told", waits(5)).await;
    docker
        .kill_container(&name(&stage, &told), Some(kill("SIGCHLD")))
        .await
        .unwrap();
    stage.let_end(&told);
    assert_eq!(stage.end(&told).await, ProgramExit::Code(5));
    for (step, shell) in [
        ("kills-itself", "kill -KILL $$"),
        ("says-137", "exit 137"),
        ("says-143", "exit 143"),
    ] {
        let act = Act {
            shell: shell.into(),
            script: Script::default(),
        };
        let key = stage.start(step, act).await;
        let exit = stage.end(&key).await;
        assert!(matches!(exit, ProgramExit::Code(137 | 143)), "{step}: {exit:?}");
    }
    for (step, grace) in [("ours", DEADLINE), ("ours-at-once", Duration::ZERO)] {
        let key = begun(&stage, step, handles()).await;
        stage.executor.stop(&key, grace).await.unwrap();
        let exit = stage.end(&key).await;
        assert!(matches!(exit, ProgramExit::Code(3 | 137)), "{step}: {exit:?}");
    }
}

/// `docker rm -f`: what it has written so far must not be found by a second one.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_is_not_made_again() {
    let stage = Stage::open(Kind::Docker).await;
    let key = begun(&stage, "removed", waits(0)).await;
    let force = RemoveContainerOptionsBuilder::new().force(true).build();
    let docker = engine::engine().await;
    docker.remove_container(&name(&stage, &key), Some(force)).await.unwrap();
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    // As a restarted service does.
    stage
        .executor
        .start(&key, &stage.program(&key, waits(0)))
        .await
        .unwrap();
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    // Its attempt is over, and a next one is another program.
    stage.executor.remove(&key).await.unwrap();
    stage.start("removed", exits(4)).await;
    assert_eq!(stage.end(&key).await, ProgramExit::Code(4));
}

/// A program that is paused runs; one that is stopped while it is paused ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_program_goes_on_or_ends() {
    let stage = Stage::open(Kind::Docker).await;
    let docker = engine::engine().await;
    let key = begun(&stage, "paused", waits(6)).await;
    docker.pause_container(&name(&stage, &key)).await.unwrap();
    stage.let_end(&key);
    assert_eq!(stage.observe(&key).await, Observation::Running);
    docker.unpause_container(&name(&stage, &key)).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::Code(6));
    let key = begun(&stage, "paused-for-ever", waits(0)).await;
    docker.pause_container(&name(&stage, &key)).await.unwrap();
    stage.executor.stop(&key, Duration::from_secs(1)).await.unwrap();
    let exit = stage.end(&key).await;
    assert!(matches!(exit, ProgramExit::Code(137 | 143)), "{exit:?}");
}

/// Until the engine answers again.
async fn end_of(stage: &Stage, key: &AttemptKey) -> ProgramExit {
    loop {
        match stage.executor.observe(key).await {
            Ok(Observation::Ended(exit)) => return exit,
            Ok(Observation::Unknown) => panic!("{key} is not known"),
            Ok(Observation::Running) => stage.executor.settled(key, DEADLINE).await,
            Err(ExecutorError::Unreachable { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_restarted_is_told_from_a_program_that_ends() {
    let Some(mut engine) = OwnEngine::start(&[]).await else {
        return;
    };
    let stage = Stage::at(Kind::Docker, Some(&engine.host())).await;
    let own = stage.start("own", exits(3)).await;
    assert_eq!(end_of(&stage, &own).await, ProgramExit::Code(3));
    let (sleeps, own_code) = (
        begun(&stage, "sleeps", waits(0)).await,
        begun(&stage, "own-code", handles()).await,
    );
    engine.restart("TERM").await;
    for key in [&sleeps, &own_code] {
        assert_eq!(end_of(&stage, key).await, ProgramExit::Unseen, "{key}");
    }
    // One that was killed ends what it finds when it is there again.
    let sleeps = begun(&stage, "sleeps-again", waits(0)).await;
    engine.restart("KILL").await;
    let exit = end_of(&stage, &sleeps).await;
    assert!(
        matches!(exit, ProgramExit::Signal(15) | ProgramExit::Unseen),
        "{exit:?}"
    );
    let own = stage.start("own-again", exits(3)).await;
    assert_eq!(end_of(&stage, &own).await, ProgramExit::Code(3));
}

/// Where containers outlive their engine they are found again, and their own end is their own.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_keeps_its_containers_costs_nothing() {
    let Some(mut engine) = OwnEngine::start(&["--live-restore"]).await else {
        return;
    };
    let stage = Stage::at(Kind::Docker, Some(&engine.host())).await;
    for (step, signal) in [("after-term", "TERM"), ("after-kill", "KILL")] {
        let key = begun(&stage, step, waits(5)).await;
        engine.restart(signal).await;
        assert_eq!(stage.observe(&key).await, Observation::Running, "{step}");
        stage.let_end(&key);
        assert_eq!(end_of(&stage, &key).await, ProgramExit::Code(5), "{step}");
    }
}

/// A build that its engine, its disk or a person ends is no failed build.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_interrupted_has_not_failed() {
    let Some(mut engine) = OwnEngine::start(&[]).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let builder = DockerImageBuilder::connect(Some(&engine.host()));
    let request = |run: &str| {
        std::fs::write(folder.path().join("Dockerfile"), format!("FROM {BASE}\nRUN {run}\n")).unwrap();
        BuildRequest {
            root: folder.path().to_owned(),
            context: folder.path().to_owned(),
            submodules: Vec::new(),
            dockerfile: folder.path().join("Dockerfile"),
            build_args: BTreeMap::new(),
            name: "test/interrupted".to_owned(),
            log_file: folder.path().join("../build.log"),
            stranger: None,
            network: Network::None,
        }
    };
    for signal in ["TERM", "KILL"] {
        let asked = request(&format!("echo began {signal}; sleep 60"));
        let (builder, going) = (builder.clone(), asked.clone());
        let build = tokio::spawn(async move { builder.build(&going).await });
        let began = format!("began {signal}\n");
        let said = || async { std::fs::read_to_string(&asked.log_file).is_ok_and(|log| log.contains(&began)) };
        until("the build is at work", said).await;
        engine.restart(signal).await;
        let error = build.await.unwrap().unwrap_err();
        let interrupted = matches!(error, BuildError::Unreachable { .. } | BuildError::Interrupted { .. });
        assert!(interrupted, "{signal}: {error:?}");
    }
    for (run, expected) in [
        (
            "echo 'cp: x: No space left on device'; exit 1",
            "the engine's disk is full",
        ),
        ("echo began; sleep 60", "somebody outside ended its container"),
    ] {
        let asked = request(run);
        let (builder, going) = (builder.clone(), asked.clone());
        let build = tokio::spawn(async move { builder.build(&going).await });
        if run.contains("sleep") {
            engine.kill_every_container().await;
        }
        let error = build.await.unwrap().unwrap_err();
        assert!(matches!(error, BuildError::Interrupted { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    // Its own end is a failure, whatever code it has.
    for code in [1, 137, 143] {
        let error = builder.build(&request(&format!("exit {code}"))).await.unwrap_err();
        assert!(matches!(error, BuildError::Failed { .. }), "{error:?}");
    }
}
