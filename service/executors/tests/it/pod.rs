//! What stands beside a program in a pod, with containers of Docker in place of a pod's and a real S3 server: what a
//! cluster is not needed for.

use crate::engine;
use crate::moto::Moto;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use trainyard_core::span::Bucket;
use trainyard_sources::{Access, Exchange, StoreSettings};
use trainyard_stage::{Bring, CLAIMED_BY_ANOTHER, Claim, Content, End, FORMAT, Object, Report, Task, pack, unpack};

const STAGE: &str = "trainyard/stage:test";
const GOOD_FOR: Duration = Duration::from_secs(600);

/// A pod's volumes as folders of this machine, and its bucket.
struct Pod {
    folder: tempfile::TempDir,
    exchange: Exchange,
    _moto: Moto,
}

impl Pod {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for volume in ["shared", "inputs", "later", "outputs", "scratch", "task"] {
            let path = folder.path().join(volume);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        }
        let moto = Moto::start();
        moto.bucket("pods").await;
        let exchange = Exchange::open(&StoreSettings {
            name: "exchange".into(),
            bucket: Bucket::of("s3://pods").unwrap().unwrap().0,
            folder: String::new(),
            endpoint: Some(moto.endpoint().to_owned()),
            region: Some("us-east-1".into()),
            allow_http: true,
            key_id: Some("id".into()),
            key: Some("key".to_owned().into()),
        })
        .unwrap();
        let pod = Self {
            folder,
            exchange,
            _moto: moto,
        };
        pod.assign().await;
        pod
    }

    async fn sign(&self, access: Access, name: &str) -> String {
        self.exchange.sign(access, name, GOOD_FOR).await.unwrap()
    }

    async fn assign(&self) {
        let tree = self.folder.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("words"), "brought\n").unwrap();
        let mut bytes = Vec::new();
        pack(&tree, &mut bytes).unwrap();
        let sha256 = sha256(&bytes);
        self.exchange.put("tree", bytes).await.unwrap();
        let object = Object {
            get: self.sign(Access::Get, "tree").await,
            sha256,
        };
        let task = Task {
            format: FORMAT,
            claim: Claim {
                put: self.sign(Access::Put, "claim").await,
                get: self.sign(Access::Get, "claim").await,
            },
            inputs: vec![Bring {
                name: "input-0".into(),
                content: Content::Tree(object),
            }],
            later: Vec::new(),
            outputs: true,
            parts: vec![self.sign(Access::Put, "part").await],
            log: self.sign(Access::Put, "log").await,
            report: self.sign(Access::Put, "report").await,
        };
        let task = serde_json::to_vec(&task).unwrap();
        fs::write(self.folder.path().join("task/sha256"), sha256_of(&task)).unwrap();
        self.exchange.put("task", task).await.unwrap();
        fs::write(
            self.folder.path().join("task/address"),
            self.sign(Access::Get, "task").await,
        )
        .unwrap();
    }

    /// A container as strict as a pod's, which sees these volumes.
    fn container(&self, image: &str, network: &str, volumes: &[(&str, &str)], command: &[&str]) -> Command {
        let mut docker = Command::new("docker");
        docker.args([
            "run",
            "--rm",
            "--init=false",
            "--read-only",
            "--user",
            "10001:10001",
            "--cap-drop",
            "ALL",
        ]);
        docker.args([
            "--security-opt",
            "no-new-privileges",
            "--env",
            "TRAINYARD_POD=this",
            "--network",
            network,
        ]);
        for (volume, target) in volumes {
            let path = self.folder.path().join(volume).display().to_string();
            docker.args(["--volume", &format!("{path}:{target}")]);
        }
        docker.arg(image).args(command);
        docker
    }

    fn bring(&self) -> Output {
        let volumes = [
            ("shared", "/.trainyard"),
            ("inputs", "/inputs"),
            ("later", "/later"),
            ("task", "/run/trainyard:ro"),
        ];
        self.container(STAGE, "host", &volumes, &["/trainyard-stage", "in"])
            .output()
            .unwrap()
    }

    /// Runs a program and takes away what is left of it; the code of its container, and the report.
    async fn run(&self, options: &[&str], memory: Option<&str>, program: &[&str]) -> (i32, Report) {
        let brought = self.bring();
        assert!(brought.status.success(), "{}", String::from_utf8_lossy(&brought.stderr));
        let volumes = [
            ("shared", "/.trainyard"),
            ("later", "/later"),
            ("outputs", "/outputs:ro"),
            ("scratch", "/scratch"),
            ("task", "/run/trainyard:ro"),
        ];
        let mut take = self.container(STAGE, "host", &volumes, &["/trainyard-stage", "out"]);
        let take = take.stdout(Stdio::null()).spawn().unwrap();
        let command: Vec<&str> = ["/.trainyard/stage", "run"]
            .iter()
            .chain(options)
            .chain(&["--"])
            .chain(program)
            .copied()
            .collect();
        let volumes = [
            ("shared", "/.trainyard"),
            ("inputs/input-0", "/inputs/tree:ro"),
            ("outputs", "/outputs"),
        ];
        let mut step = self.container(engine::BASE, "bridge", &volumes, &command);
        if let Some(memory) = memory {
            let args: Vec<_> = step.get_args().map(ToOwned::to_owned).collect();
            step = Command::new("docker");
            step.args(&args[..2]).args(["--memory", memory]).args(&args[2..]);
        }
        let step = step.output().unwrap();
        let take = take.wait_with_output().unwrap();
        assert!(take.status.success());
        let report = self.exchange.get("report").await.unwrap().unwrap();
        (step.status.code().unwrap(), Report::read(&report).unwrap())
    }

    async fn log(&self) -> String {
        String::from_utf8(self.exchange.get("log").await.unwrap().unwrap()).unwrap()
    }

    async fn outputs(&self) -> PathBuf {
        let to = self.folder.path().join("taken");
        unpack(self.exchange.get("part").await.unwrap().unwrap().as_slice(), &to).unwrap();
        to
    }
}

fn sha256(bytes: &[u8]) -> String {
    sha256_of(bytes)
}

fn sha256_of(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_is_read_and_what_is_made_is_taken() {
    let pod = Pod::open().await;
    let shell = "cat /inputs/tree/words; echo error >&2; mkdir /outputs/model; echo 42 > /outputs/model/weights; printf end; exit 3";
    let (code, report) = pod.run(&[], None, &["sh", "-c", shell]).await;
    assert_eq!((code, report.end, report.pod.as_str()), (3, End::Code(3), "this"));
    let log = pod.log().await;
    assert_eq!(log, "brought\nerror\nend");
    let packed = report.log.unwrap();
    assert_eq!(
        (packed.bytes, packed.sha256),
        (log.len() as u64, sha256(log.as_bytes()))
    );
    assert_eq!(
        fs::read_to_string(pod.outputs().await.join("model/weights")).unwrap(),
        "42\n"
    );
    let second = pod.bring();
    assert_eq!(
        second.status.code(),
        Some(CLAIMED_BY_ANOTHER),
        "no second pod runs the same attempt"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_network_has_none_although_its_pod_has_one() {
    let tries = "import socket
for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):
    try: socket.socket(family); print('open')
    except PermissionError: print('closed')";
    for (options, expected) in [
        (&[][..], "open\nclosed\nclosed\n"),
        (&["--network"], "open\nopen\nopen\n"),
    ] {
        let pod = Pod::open().await;
        let (code, _) = pod.run(options, None, &["python3", "-c", tries]).await;
        assert_eq!((code, pod.log().await.as_str()), (0, expected));
    }
}

/// Options, memory, command and the end.
type Case<'a> = (&'a [&'a str], Option<&'a str>, &'a [&'a str], End);

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_reported() {
    let large = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); open('/outputs/large', 'wb').write(bytes(1 << 21))";
    let cases: [Case<'_>; 4] = [
        (&[], None, &["sh", "-c", "kill -SEGV $$"], End::Code(139)),
        (
            &["--largest-file=1048576"],
            None,
            &["python3", "-c", large],
            End::Code(153),
        ),
        (
            &[],
            Some("64m"),
            &["python3", "-c", "x = bytearray(1 << 30)"],
            End::Code(137),
        ),
        (
            &[],
            None,
            &["no-such-program"],
            End::NotExecuted {
                program: "no-such-program".into(),
                why: "No such file or directory (os error 2)".into(),
            },
        ),
    ];
    for (options, memory, program, expected) in cases {
        let pod = Pod::open().await;
        let (_, report) = pod.run(options, memory, program).await;
        // Where the kernel kills all of a container, nobody is left to say more than that.
        let killed = expected == End::Code(137) && report.end == End::Unseen;
        assert!(report.end == expected || killed, "{program:?}: {:?}", report.end);
    }
}

/// More than any kubelet keeps, written as fast as can be, to the last byte.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_whole() {
    let pod = Pod::open().await;
    let (code, report) = pod.run(&[], None, &["sh", "-c", "seq 1 3000000; printf end"]).await;
    assert_eq!(code, 0);
    let whole: String = (1..=3_000_000).map(|n| format!("{n}\n")).collect::<String>() + "end";
    assert!(pod.log().await == whole && report.log.unwrap().bytes == whole.len() as u64);
}
