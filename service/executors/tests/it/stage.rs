//! One executor with programs to run, for tests that are the same for every executor.

use crate::cluster::{self, Sweep};
use crate::engine::{self, Cleanup};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trainyard_core::artifact::Digest;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeId;
use trainyard_executors::fake::{FakeExecutor, Script};
use trainyard_executors::*;

/// Who containers run as.
pub const USER: (u32, u32) = (10001, 10001);
/// Longer than anything here takes, even on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Docker,
    Kubernetes,
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

/// Content that is said to be here and is not.
pub const LOST: [u8; 32] = [0xff; 32];

/// Content in a folder, by the digest that a test gave it.
struct Shelf(PathBuf);

impl Trees for Shelf {
    fn open(&self, digest: &Digest) -> Option<PathBuf> {
        if *digest == Digest::from_sha256(&LOST) {
            return Some("/no/such/folder".into());
        }
        Some(self.0.join(digest.hex())).filter(|place| place.exists())
    }
}

pub fn staging(folder: &Path) -> Staging {
    let shelf = Shelf(folder.join("contents"));
    Staging::new(folder.join("work"), folder.join("data"), shelf).with_secrets(memory(folder))
}

/// The folder with secrets of a stage at this folder.
pub fn memory(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap().to_string_lossy().replace('.', "");
    Path::new("/dev/shm").join(format!("trainyard-test-{name}"))
}

/// Removes it with the stage.
struct Memory(PathBuf);

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = remove_tree(&self.0);
    }
}

pub struct Stage {
    pub kind: Kind,
    pub executor: AnyExecutor,
    pub logs: LogSink,
    pub owner: String,
    pub folder: tempfile::TempDir,
    run: String,
    image: Option<String>,
    scripts: Arc<Mutex<HashMap<Vec<String>, Script>>>,
    _cleanup: Option<Cleanup>,
    _sweep: Option<Sweep>,
    _memory: Memory,
}

impl Stage {
    pub async fn open(kind: Kind) -> Self {
        Self::at(kind, None).await
    }

    /// Docker behind another socket.
    pub async fn at(kind: Kind, host: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory(memory(folder.path()));
        let owner = format!("test-{}", uuid::Uuid::now_v7().simple());
        let scripts = Arc::new(Mutex::new(HashMap::<Vec<String>, Script>::new()));
        let executor = match kind {
            Kind::Docker => AnyExecutor::Docker(DockerExecutor::connect(host, &owner, USER, staging(folder.path()))),
            Kind::Kubernetes => {
                cluster::bucket().await;
                cluster::executor(&owner, staging(folder.path()))
            }
            Kind::Process => AnyExecutor::Process(processes(folder.path())),
            Kind::Fake => {
                let scripts = Arc::clone(&scripts);
                let script = move |program: &Program| scripts.lock().unwrap()[&program.command].clone();
                AnyExecutor::Fake(FakeExecutor::scripted(staging(folder.path()), move |_, program| {
                    script(program)
                }))
            }
        };
        Self {
            kind,
            logs: LogSink::new(executor.clone()),
            executor,
            folder,
            run: uuid::Uuid::now_v7().to_string(),
            image: match kind {
                Kind::Docker | Kind::Kubernetes => Some(engine::base().await),
                Kind::Process | Kind::Fake => None,
            },
            scripts,
            _sweep: (kind == Kind::Kubernetes).then(|| Sweep(owner.clone())),
            _cleanup: (kind == Kind::Docker).then(|| Cleanup(format!("io.trainyard.owner={owner}"))),
            owner,
            _memory: memory,
        }
    }

    /// The same executor as another process of the service would open it.
    pub fn reopened(&self) -> AnyExecutor {
        match &self.executor {
            AnyExecutor::Docker(_) => {
                let staging = staging(self.folder.path());
                AnyExecutor::Docker(DockerExecutor::connect(None, &self.owner, USER, staging))
            }
            AnyExecutor::Kubernetes(_) => cluster::executor(&self.owner, staging(self.folder.path())),
            AnyExecutor::Process(_) => AnyExecutor::Process(processes(self.folder.path())),
            AnyExecutor::Fake(fake) => AnyExecutor::Fake(fake.clone()),
        }
    }

    pub fn key(&self, step: &str) -> AttemptKey {
        AttemptKey::new(&RunId::new(self.run.as_str()), NodeId::parse(step), 1)
    }

    /// Keeps content under a digest, and says where.
    pub fn keep(&self, number: u8) -> (Digest, PathBuf) {
        let digest = Digest::from_sha256(&[number; 32]);
        let folder = self.folder.path().join("contents");
        std::fs::create_dir_all(&folder).unwrap();
        let place = folder.join(digest.hex());
        (digest, place)
    }

    /// The outputs folder of a step that was started, on this machine.
    pub fn outputs(&self, key: &AttemptKey) -> PathBuf {
        let run = self.folder.path().join("work").join(key.run.as_str());
        run.join(key.node.as_str()).join("1/outputs")
    }

    pub fn log_file(&self, key: &AttemptKey) -> PathBuf {
        self.folder.path().join(format!("logs/{}.log", key.node))
    }

    pub fn log(&self, key: &AttemptKey) -> String {
        String::from_utf8(std::fs::read(self.log_file(key)).unwrap_or_default()).unwrap()
    }

    pub fn program(&self, key: &AttemptKey, act: Act) -> Program {
        let command = vec!["/bin/sh".to_owned(), "-c".to_owned(), act.shell];
        self.scripts.lock().unwrap().insert(command.clone(), act.script);
        let outputs = PathBuf::from("/outputs");
        let seen = self.executor.output_path(key, &outputs);
        Program {
            image: self.image.clone(),
            command,
            environment: BTreeMap::from([("OUT".to_owned(), seen.display().to_string())]),
            secrets: Vec::new(),
            inputs: Vec::new(),
            outputs: Some(outputs),
            working_directory: Some(self.folder.path().to_owned()),
            cpus: None,
            memory_bytes: None,
            shm_bytes: None,
            largest_file: None,
            gpus: None,
            network: Network::None,
        }
    }

    pub async fn start(&self, step: &str, act: Act) -> AttemptKey {
        let key = self.key(step);
        let program = self.program(&key, act);
        self.start_program(&key, &program).await.unwrap();
        key
    }

    /// Starts a program and keeps what it says.
    pub async fn start_program(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        self.executor.start(key, program).await?;
        self.logs.follow(key, &self.log_file(key));
        Ok(())
    }

    pub async fn observe(&self, key: &AttemptKey) -> Observation {
        self.executor.observe(key).await.unwrap()
    }

    /// Lets a program end that waits for it.
    pub fn let_end(&self, key: &AttemptKey) {
        if self.kind == Kind::Kubernetes {
            let made = cluster::make(&self.owner, key.node.as_str(), "go".as_ref());
            return tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(made));
        }
        std::fs::write(self.outputs(key).join("go"), b"").unwrap();
        if let AnyExecutor::Fake(fake) = &self.executor {
            fake.finish(key);
        }
    }

    /// How the program ended, with its whole log.
    pub async fn end(&self, key: &AttemptKey) -> ProgramExit {
        end(&self.executor, &self.logs, key, &self.log_file(key)).await
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

fn processes(folder: &Path) -> ProcessExecutor {
    ProcessExecutor::open(folder.join("processes"), staging(folder)).unwrap()
}

/// How the program ended, with its whole log.
pub async fn end(executor: &AnyExecutor, logs: &LogSink, key: &AttemptKey, log: &Path) -> ProgramExit {
    let started = Instant::now();
    loop {
        match executor.observe(key).await.unwrap() {
            Observation::Ended(exit) => {
                logs.complete(key, log).await.unwrap();
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
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let held = tokio::time::timeout(DEADLINE, looking).await;
    assert!(held.is_ok(), "{what}: not within {}s", DEADLINE.as_secs());
}
