//! A step's secret is where the step looks for it, and nowhere else; who may have one is the operator's word.

use crate::tiny;
use crate::yard::{REPO, Yard, files_below};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use trainyard_core::run::{Run, RunState, StepState};
use trainyard_core::secret::SecretRule;
use trainyard_engine::{EngineConfig, SecretConfig, SecretSource};

const ASKING: (&str, &str) = (
    "outputs: { model: Model }",
    "secrets: { PASSWORD: lake }\n    cache: false\n    outputs: { model: Model }",
);

struct Secrets {
    folder: tempfile::TempDir,
    memory: tempfile::TempDir,
}

impl Secrets {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            memory: tempfile::tempdir_in("/dev/shm").unwrap(),
        }
    }

    /// Made by the service.
    fn memory(&self) -> PathBuf {
        self.memory.path().join("secrets")
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    fn set(&self, value: &str) {
        std::fs::write(self.lake(), value).unwrap();
    }

    fn configure(&self, config: &mut EngineConfig, change: impl FnOnce(&mut SecretRule)) {
        let mut rule = SecretRule {
            repositories: vec![REPO.to_owned()],
            ..SecretRule::default()
        };
        change(&mut rule);
        let secret = SecretConfig {
            source: SecretSource::File(self.lake()),
            rule,
        };
        config.secrets.insert("lake".to_owned(), secret);
        config.secrets_dir = Some(self.memory());
    }

    fn laid_out(&self) -> usize {
        std::fs::read_dir(self.memory()).unwrap().count()
    }
}

fn assert_silent(folder: &Path, secret: &str) {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(secret);
    for (path, bytes) in files_below(folder) {
        for form in [secret, &encoded[..encoded.len() - 4]] {
            let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "{form} is in {}", path.display());
        }
    }
}

/// Why the only failed step of a run failed.
fn failure(run: &Run) -> String {
    let failed = |state: &StepState| match state {
        StepState::Failed { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    let told = run.steps.values().filter_map(|record| failed(&record.state));
    told.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_secret_is_in_the_steps_file_and_nowhere_else() {
    let secrets = Secrets::new();
    secrets.set("correct-horse-battery\n");
    let yard = Yard::with(|config| secrets.configure(config, |_| {})).await;
    let read: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&read);
    let memory = secrets.memory();
    yard.script("train", move |key, program| {
        let file = memory.join(format!("{}@{}@{}/given/PASSWORD", key.run, key.node, key.attempt));
        let password = std::fs::read_to_string(file).unwrap();
        assert!(!format!("{program:?}").contains(&password) && program.secrets.len() == 1);
        let said =
            serde_json::json!({"artifacts": {"model": {"properties": {"password": password, "kind": "linear"}}}})
                .to_string();
        seen.lock().unwrap().push(password.clone());
        let script = tiny::usual(program).and("executor_output.json", said);
        trainyard_executors::fake::Script {
            log: format!("connecting as ml:{password}\n"),
            ..script
        }
    });
    yard.push(&[ASKING]).await;
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{}", failure(&run));
    yard.all_told().await;
    yard.swept().await;
    assert_eq!(secrets.laid_out(), 0, "it is gone with the program");
    let log = yard.engine.folders_of().logs(&row.id).join("train.1.log");
    assert_eq!(std::fs::read_to_string(log).unwrap(), "connecting as ml:***\n");
    let model = &run.steps["train"].outputs["model"].properties;
    assert_eq!(
        (model["password"].as_str(), model["kind"].as_str()),
        (Some("***"), Some("linear"))
    );
    assert_silent(&yard.config.data_dir, "correct-horse-battery");

    // Another one counts from the next start on.
    secrets.set("another-horse");
    yard.push(&[ASKING, ("auc: 0.7", "auc: 0.71")]).await;
    yard.last(2).await;
    assert_eq!(*read.lock().unwrap(), ["correct-horse-battery", "another-horse"]);
}

#[tokio::test]
async fn a_restarted_service_hides_what_the_step_was_given() {
    let secrets = Secrets::new();
    secrets.set("correct-horse-battery");
    let mut yard = Yard::with(|config| secrets.configure(config, |_| {})).await;
    yard.script("train", |_, program| {
        let script = trainyard_executors::fake::Script {
            log: "begun\nwith correct-horse-battery\n".to_owned(),
            ..tiny::usual(program)
        };
        script.hanging()
    });
    yard.push(&[ASKING]).await;
    let key = yard.started("train", 1).await;
    yard.crash().await;
    // The step goes on with what it was given, whatever it is now.
    std::fs::remove_file(secrets.lake()).unwrap();
    let log = yard.engine.folders_of().logs(&key.run);
    let _ = std::fs::remove_dir_all(&log);
    yard.restart().await;
    yard.release("train");
    let (row, run) = yard.last(1).await;
    assert_eq!(row.state, RunState::Succeeded, "{}", failure(&run));
    let said = std::fs::read_to_string(log.join("train.1.log")).unwrap();
    assert_eq!(said, "begun\nwith ***\n");
}

#[tokio::test]
async fn who_may_not_have_a_secret_hears_who_must_do_what() {
    let secrets = Secrets::new();
    secrets.set("abc");
    let yard =
        Yard::with(|config| secrets.configure(config, |rule| rule.branches = Some(vec!["main".to_owned()]))).await;
    let mut told = Vec::new();
    let mut count = 0;
    let mut run = async |what: &str, changes: &[(&str, &str)]| {
        count += 1;
        yard.push(changes).await;
        let (row, run) = yard.last(count).await;
        assert_eq!(row.state, RunState::Failed, "{what}");
        told.push(format!("{what}: {}", failure(&run)));
    };
    run("too short", &[ASKING]).await;
    secrets.set("correct-horse-battery");
    run("unknown", &[ASKING, ("PASSWORD: lake", "PASSWORD: lakes")]).await;
    yard.work.branch("try").await;
    yard.push(&[ASKING, ("auc: 0.7", "auc: 0.73")]).await;
    yard.github.open_pull_request(REPO, "Try", "try", "main").await.unwrap();
    let (row, of_pull) = yard.last(3).await;
    assert_eq!(row.state, RunState::Failed);
    told.push(format!("pull request: {}", failure(&of_pull)));
    insta::assert_snapshot!(told.join("\n"), @"
    too short: step 'train' could not be started: the secret 'lake' has fewer than 4 characters, so that logs could not be kept free of it: take a longer one
    unknown: step 'train' could not be started: the service has no secret 'lakes': did you mean 'lake'? who runs the service can add [secrets.lakes] to its settings
    pull request: step 'train' could not be started: the secret 'lake' is asked for by this commit alone: merge the step with its secrets into the default branch first
    ");
    assert!(
        !yard.programs().iter().any(|step| step.as_str() == "train"),
        "it never ran"
    );
}

#[tokio::test]
async fn a_pull_request_has_a_secret_only_where_both_say_so() {
    let secrets = Secrets::new();
    secrets.set("correct-horse-battery");
    let yard = Yard::with(|config| secrets.configure(config, |rule| rule.pull_requests = true)).await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.work.branch("try").await;
    yard.push(&[ASKING]).await;
    yard.github.open_pull_request(REPO, "Try", "try", "main").await.unwrap();
    let (row, run) = yard.last(2).await;
    assert_eq!(row.state, RunState::Failed);
    insta::assert_snapshot!(failure(&run), @"step 'train' could not be started: the secret 'lake' is asked for by this commit alone: merge the step with its secrets into the default branch first");

    yard.work.git(&["checkout", "--quiet", "main"]).await;
    yard.push(&[ASKING]).await;
    yard.last(3).await;
    yard.work.branch("again").await;
    yard.push(&[ASKING, ("auc: 0.7", "auc: 0.75")]).await;
    yard.github
        .open_pull_request(REPO, "Again", "again", "main")
        .await
        .unwrap();
    let (row, run) = yard.last(4).await;
    assert_eq!(row.state, RunState::Succeeded, "{}", failure(&run));
}
