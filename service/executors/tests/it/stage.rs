//! One executor with programs to run, for tests that are the same for every executor.

use crate::engine::{self, Cleanup};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trainyard_core::ids::{RunId, StepName};
use trainyard_executors::fake::{FakeExecutor, Script};
use trainyard_executors::*;

/// Who containers run as.
pub const USER: (u32, u32) = (10001, 10001);
/// Longer than anything here takes, even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Docker,
    Process,
    Fake,
}

/// What a program does: in a shell that sees its outputs folder as `$OUT`, and as a script.
pub struct Act {
    pub shell: String,
    pub script: Script,
}

/// Ends with a code after a line.
pub fn exits(code: i32) -> Act {
    Act {
        shell: format!("echo line; exit {code}"),
        script: Script::exits(code, "line"),
    }
}

/// Says `began` and runs until [`Stage::let_end`], then ends with a code.
pub fn waits(code: i32) -> Act {
    Act {
        shell: format!("echo began; while [ ! -e $OUT/go ]; do sleep 0.02; done; exit {code}"),
        script: Script::exits(code, "began").hanging(),
    }
}

pub struct Stage {
    pub kind: Kind,
    pub executor: AnyExecutor,
    pub owner: String,
    pub folder: tempfile::TempDir,
    run: String,
    image: Option<String>,
    scripts: Arc<Mutex<HashMap<Vec<String>, Script>>>,
    _cleanup: Option<Cleanup>,
}

impl Stage {
    pub async fn open(kind: Kind) -> Self {
        Self::at(kind, None).await
    }

    /// Docker behind another socket.
    pub async fn at(kind: Kind, host: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = format!("test-{}", uuid::Uuid::now_v7().simple());
        let scripts = Arc::new(Mutex::new(HashMap::<Vec<String>, Script>::new()));
        let executor = match kind {
            Kind::Docker => AnyExecutor::Docker(DockerExecutor::connect(host, &owner, USER)),
            Kind::Process => AnyExecutor::Process(ProcessExecutor::open(folder.path().join("processes")).unwrap()),
            Kind::Fake => {
                let scripts = Arc::clone(&scripts);
                let script = move |program: &Program| scripts.lock().unwrap()[&program.command].clone();
                AnyExecutor::Fake(FakeExecutor::scripted(move |_, program| script(program)))
            }
        };
        Self {
            kind,
            executor,
            folder,
            run: uuid::Uuid::now_v7().to_string(),
            image: if kind == Kind::Docker {
                Some(engine::base().await)
            } else {
                None
            },
            scripts,
            _cleanup: (kind == Kind::Docker).then(|| Cleanup(format!("io.trainyard.owner={owner}"))),
            owner,
        }
    }

    /// The same executor as another process of the service would open it.
    pub fn reopened(&self) -> AnyExecutor {
        match &self.executor {
            AnyExecutor::Docker(_) => AnyExecutor::Docker(DockerExecutor::connect(None, &self.owner, USER)),
            AnyExecutor::Process(_) => {
                AnyExecutor::Process(ProcessExecutor::open(self.folder.path().join("processes")).unwrap())
            }
            AnyExecutor::Fake(fake) => AnyExecutor::Fake(fake.clone()),
        }
    }

    pub fn key(&self, step: &str) -> AttemptKey {
        AttemptKey {
            run: RunId::new(self.run.as_str()),
            step: StepName::new(step),
            attempt: 1,
        }
    }

    /// The outputs folder of a step on this machine; anybody may write there.
    pub fn outputs(&self, key: &AttemptKey) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let outputs = self.folder.path().join(key.step.as_str());
        std::fs::create_dir_all(&outputs).unwrap();
        std::fs::set_permissions(&outputs, std::fs::Permissions::from_mode(0o777)).unwrap();
        outputs
    }

    pub fn log_file(&self, key: &AttemptKey) -> PathBuf {
        self.folder.path().join(format!("logs/{}.log", key.step))
    }

    pub fn log(&self, key: &AttemptKey) -> String {
        String::from_utf8(std::fs::read(self.log_file(key)).unwrap_or_default()).unwrap()
    }

    pub fn program(&self, key: &AttemptKey, act: Act) -> Program {
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), act.shell];
        self.scripts.lock().unwrap().insert(command.clone(), act.script);
        let outputs = self.outputs(key);
        let seen = if self.kind == Kind::Docker {
            PathBuf::from("/outputs")
        } else {
            outputs.clone()
        };
        Program {
            image: self.image.clone(),
            command,
            environment: BTreeMap::from([("OUT".to_owned(), seen.display().to_string())]),
            mounts: vec![Mount {
                source: outputs,
                target: seen,
                writable: true,
            }],
            working_directory: Some(self.folder.path().to_owned()),
            cpus: None,
            memory_bytes: None,
            network: Network::None,
            log_file: self.log_file(key),
        }
    }

    pub async fn start(&self, step: &str, act: Act) -> AttemptKey {
        let key = self.key(step);
        self.executor.start(&key, &self.program(&key, act)).await.unwrap();
        key
    }

    pub async fn observe(&self, key: &AttemptKey) -> Observation {
        self.executor.observe(key).await.unwrap()
    }

    /// Lets a program end that waits for it.
    pub fn let_end(&self, key: &AttemptKey) {
        std::fs::write(self.outputs(key).join("go"), b"").unwrap();
        if let AnyExecutor::Fake(fake) = &self.executor {
            fake.finish(key);
        }
    }

    /// How the program ended, with its whole log.
    pub async fn end(&self, key: &AttemptKey) -> Exit {
        end(&self.executor, key).await
    }
}

impl Drop for Stage {
    /// Ends the processes of a test that failed; containers are found by their label.
    fn drop(&mut self) {
        let AnyExecutor::Process(processes) = self.executor.clone() else {
            return;
        };
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                for key in processes.list().await.unwrap() {
                    processes.remove(&key).await.unwrap();
                }
            });
        });
        let _ = swept.join();
    }
}

/// How the program ended, with its whole log.
pub async fn end(executor: &AnyExecutor, key: &AttemptKey) -> Exit {
    let started = Instant::now();
    loop {
        match executor.observe(key).await.unwrap() {
            Observation::Ended(exit) => {
                executor.flush_logs(key).await.unwrap();
                return exit;
            }
            Observation::Unknown => panic!("{key} is not known"),
            Observation::Running => executor.settled(key, DEADLINE).await,
        }
        assert!(started.elapsed() < DEADLINE, "{key} did not end in time");
    }
}

/// Waits for a condition.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(
            started.elapsed() < DEADLINE,
            "{what}: not within {}s",
            DEADLINE.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
