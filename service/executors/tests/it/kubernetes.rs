//! What a cluster does to an attempt, and what it can read of one.

use crate::cluster::{self, client, pods};
use crate::stage::{Act, DEADLINE, Kind, Stage, exits, until, waits};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::{Api, DeleteParams, ListParams};
use trainyard_core::secret::SecretValue;
use trainyard_executors::fake::Script;
use trainyard_executors::*;

/// A job makes another pod for one that is gone, although it is told not to try again: its program does not run twice.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a cluster: make test-kubernetes"]
async fn a_pod_that_is_removed_costs_the_attempt_and_no_second_one_runs_it() {
    let stage = Stage::open(Kind::Kubernetes).await;
    let key = stage.start("lost", waits(0)).await;
    until("it has begun", || async { stage.log(&key).contains("began") }).await;
    let first = pods(&stage.owner, "lost").await.remove(0).metadata.name.unwrap();
    let api: Api<Pod> = Api::namespaced(client().await, cluster::NAMESPACE);
    api.delete(&first, &DeleteParams::default().grace_period(0))
        .await
        .unwrap();
    until("the attempt is over", || async {
        let seen = stage.observe(&key).await;
        matches!(seen, Observation::Ended(ProgramExit::Interrupted(_)))
    })
    .await;
    let Observation::Ended(ProgramExit::Interrupted(why)) = stage.observe(&key).await else {
        unreachable!();
    };
    assert!(why.contains("a second time") || why.contains("removed"), "{why}");
    assert_eq!(stage.log(&key), "began\n", "it ran once");
}

/// What is secret is in its own Secret, which goes with the job, and in nothing else that the cluster shows.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a cluster: make test-kubernetes"]
async fn secrets_are_in_a_secret_of_the_job_and_nowhere_else() {
    let stage = Stage::open(Kind::Kubernetes).await;
    let value = format!("secret-{}", uuid::Uuid::now_v7().simple());
    let key = stage.key("secretive");
    let act = Act {
        shell: "echo began $TOKEN; while [ ! -e $OUT/go ]; do sleep 0.02; done".into(),
        script: Script::default(),
    };
    let secret = |place: &str, environment| ProgramSecret {
        place: place.to_owned(),
        value: SecretValue::new(value.clone().into_bytes()).unwrap(),
        environment,
    };
    let program = Program {
        secrets: vec![secret("PASSWORD", false), secret("TOKEN", true)],
        ..stage.program(&key, act)
    };
    stage.start_program(&key, &program).await.unwrap();
    until("it has begun", || async { stage.log(&key).contains("began ***") }).await;
    let client = client().await;
    let all = ListParams::default();
    let ours = ListParams::default().labels(&format!("trainyard.io/owner={}", stage.owner));
    let jobs = Api::<Job>::namespaced(client.clone(), cluster::NAMESPACE)
        .list(&ours)
        .await
        .unwrap();
    let pods = Api::<Pod>::namespaced(client.clone(), cluster::NAMESPACE)
        .list(&ours)
        .await
        .unwrap();
    let events = Api::<Event>::namespaced(client.clone(), cluster::NAMESPACE)
        .list(&all)
        .await
        .unwrap();
    let told = [
        serde_json::to_string(&jobs).unwrap(),
        serde_json::to_string(&pods).unwrap(),
        serde_json::to_string(&events).unwrap(),
    ];
    for text in &told {
        assert!(!text.contains(&value) && !text.contains("Signature="), "{text}");
    }
    let secrets = Api::<Secret>::namespaced(client, cluster::NAMESPACE);
    let found = secrets.list(&ours).await.unwrap().items;
    assert_eq!(found.len(), 2, "the step's, and the address of its task");
    let job = jobs.items[0].metadata.uid.as_ref().unwrap();
    for secret in &found {
        let owners = secret.metadata.owner_references.as_ref().unwrap();
        assert!(owners.iter().any(|owner| &owner.uid == job), "it goes with the job");
        let text = serde_json::to_string(secret).unwrap();
        assert!(
            !text.contains("test-key-of-the-bucket"),
            "no key of the bucket is in the cluster"
        );
    }
    stage.let_end(&key);
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
    stage.executor.remove(&key).await.unwrap();
    assert!(secrets.list(&ours).await.unwrap().items.is_empty());
}

/// What a pod that never starts waits for is said, and nothing of it is left that could start later.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a cluster: make test-kubernetes"]
async fn a_pod_that_no_node_takes_is_given_up_with_the_schedulers_words() {
    let stage = Stage::open(Kind::Kubernetes).await;
    let mut settings = cluster::settings();
    settings.start_timeout = std::time::Duration::from_secs(3);
    settings.place.node_selector = [("trainyard.io/no-such".to_owned(), "node".to_owned())].into();
    let staging = crate::stage::staging(stage.folder.path());
    let (executor, _) = AnyExecutor::kubernetes(settings, &stage.owner, staging, BuildLimits::default());
    let key = stage.key("homeless");
    executor.start(&key, &stage.program(&key, exits(0))).await.unwrap();
    let started = std::time::Instant::now();
    let sentence = loop {
        match executor.observe(&key).await {
            Ok(Observation::Running) => executor.settled(&key, std::time::Duration::from_millis(200)).await,
            Ok(seen) => panic!("{seen:?}"),
            Err(error) => break error.to_string(),
        }
        assert!(started.elapsed() < DEADLINE, "it is given up");
    };
    assert!(sentence.contains("did not start within"), "{sentence}");
    assert!(
        sentence.contains("nodes are available") || sentence.contains("no pod"),
        "{sentence}"
    );
    assert_eq!(
        executor.observe(&key).await.unwrap_err().to_string(),
        sentence,
        "it stays so"
    );
    assert_eq!(executor.list().await.unwrap(), [], "its job is gone");
}
