//! What a program in a container can see and do, told by a program in a container.

use crate::stage::{Act, Kind, LOST, Stage, USER, staging};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use trainyard_core::artifact::Digest;
use trainyard_core::gpu::Gpus;
use trainyard_executors::fake::Script;
use trainyard_executors::*;

const LOOK: &str = r#"
import json, os
def writes(path):
    try:
        with open(path, "w") as file:
            file.write("x")
        return "written"
    except OSError as error:
        return error.strerror
def read(*paths):
    for path in paths:
        try:
            return open(path).read().strip()
        except OSError:
            pass
status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
print(json.dumps({
    "user": [os.getuid(), os.getgid(), os.getgroups()],
    "capabilities": [status[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no new privileges": status["NoNewPrivs"],
    "seccomp filter": status["Seccomp"],
    "networks": sorted(os.listdir("/sys/class/net")),
    "root": writes("/x"),
    "etc": writes("/etc/x"),
    "proc": writes("/proc/sys/kernel/hostname"),
    "tmp": writes("/tmp/x"),
    "input": writes("/inputs/data/new"),
    "input file": writes("/inputs/data/rows.csv"),
    "output": writes("/outputs/result"),
    "sees": open("/inputs/data/rows.csv").read(),
    "docker socket": any(os.path.exists(path) for path in ("/var/run/docker.sock", "/run/docker.sock")),
    "devices": sorted(os.listdir("/dev")),
    "environment": dict(os.environ),
    "processes": [entry for entry in os.listdir("/proc") if entry.isdigit()],
    "memory": read("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"),
    "swap": read("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "/sys/fs/cgroup/memory.swap.max"),
    "cpu": read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu.max"),
    "pids": read("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max"),
}))
"#;

fn input(target: &str, digest: Digest) -> Input {
    Input {
        target: target.into(),
        content: InputContent::Tree(digest),
    }
}

async fn looks(stage: &Stage, network: Network) -> (AttemptKey, Value) {
    let key = stage.key("looks");
    let (digest, data) = stage.keep(1);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("rows.csv"), "a,b\n").unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut program = stage.program(
        &key,
        Act {
            shell: String::new(),
            script: Script::default(),
        },
    );
    program.command = ["python3", "-c", LOOK].map(str::to_owned).to_vec();
    program.environment = BTreeMap::from([("DECLARED".to_owned(), "a=b c".to_owned())]);
    program.inputs.push(input("/inputs/data", digest));
    program.cpus = Some(0.5);
    program.memory_bytes = Some(128 << 20);
    program.network = network;
    stage.start_program(&key, &program).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0), "{}", stage.log(&key));
    let seen = serde_json::from_str(&stage.log(&key)).unwrap();
    (key, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_sees_only_what_it_is_given() {
    let stage = Stage::open(Kind::Docker).await;
    let (key, mut seen) = looks(&stage, Network::None).await;
    let take = |seen: &mut Value, name: &str| seen.as_object_mut().unwrap().remove(name).unwrap();

    let devices = take(&mut seen, "devices");
    let harmless = [
        "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
        "urandom", "zero",
    ];
    assert!(
        devices
            .as_array()
            .unwrap()
            .iter()
            .all(|device| harmless.contains(&device.as_str().unwrap())),
        "{devices}"
    );
    let environment = take(&mut seen, "environment");
    // Docker sets the first three, the image the rest.
    let known = [
        "PATH",
        "HOSTNAME",
        "HOME",
        "DECLARED",
        "LC_CTYPE",
        "PIP_",
        "SSL_CERT_FILE",
        "PYTHON",
    ];
    for name in environment.as_object().unwrap().keys() {
        assert!(
            known.iter().any(|known| name.starts_with(known)),
            "{name} is not declared"
        );
    }
    assert_eq!(environment["DECLARED"], "a=b c");
    assert!(
        take(&mut seen, "processes").as_array().unwrap().len() <= 3,
        "the host's processes are not seen"
    );
    let swap = take(&mut seen, "swap");
    // Version 1 counts memory and swap together, or does not count swap at all.
    assert!([json!("134217728"), json!("0"), Value::Null].contains(&swap), "{swap}");
    let cpu = take(&mut seen, "cpu");
    assert!([json!("50000"), json!("50000 100000")].contains(&cpu), "{cpu}");

    insta::assert_json_snapshot!(seen, @r#"
    {
      "user": [
        10001,
        10001,
        [
          10001
        ]
      ],
      "capabilities": [
        "",
        "",
        "",
        "",
        ""
      ],
      "no new privileges": "1",
      "seccomp filter": "2",
      "networks": [
        "lo"
      ],
      "root": "Read-only file system",
      "etc": "Read-only file system",
      "proc": "Read-only file system",
      "tmp": "written",
      "input": "Read-only file system",
      "input file": "Read-only file system",
      "output": "written",
      "sees": "a,b\n",
      "docker socket": false,
      "pids": "1024",
      "memory": "134217728"
    }
    "#);

    let result = std::fs::metadata(stage.outputs(&key).join("result")).unwrap();
    assert_eq!((result.uid(), result.gid()), USER, "what it writes is its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_there_when_asked_for() {
    let stage = Stage::open(Kind::Docker).await;
    let (_, seen) = looks(&stage, Network::Bridge).await;
    assert_eq!(seen["networks"], json!(["eth0", "lo"]));
}

/// Settings that Docker refuses are told once, and never tried again.
#[tokio::test(flavor = "multi_thread")]
async fn bad_settings_are_refused() {
    let stage = Stage::open(Kind::Docker).await;
    let act = || Act {
        shell: "true".into(),
        script: Script::default(),
    };
    let refusal = async |step: &str, change: &dyn Fn(&mut Program)| {
        let key = stage.key(step);
        let mut program = stage.program(&key, act());
        change(&mut program);
        let refused = stage.executor.start(&key, &program).await.unwrap_err();
        assert!(
            matches!(refused, ExecutorError::Refused { .. } | ExecutorError::NoImage { .. }),
            "{step}: {refused:?}"
        );
        assert_eq!(stage.observe(&key).await, Observation::Unknown);
        refused.to_string()
    };
    insta::assert_snapshot!(refusal("memory", &|program| program.memory_bytes = Some(0)).await, @"Docker refuses the step's settings: Minimum memory limit allowed is 6MB");
    let cpus = refusal("cpus", &|program| program.cpus = Some(10_000.0)).await;
    assert!(
        cpus.starts_with("Docker refuses the step's settings: Range of CPUs is from 0.01 to "),
        "{cpus}"
    );
    insta::assert_snapshot!(refusal("mount", &|program| program.inputs.push(input("/inputs/lost", Digest::from_sha256(&LOST)))).await, @r#"Docker refuses the step's settings: invalid mount config for type "bind": bind source path does not exist: /no/such/folder"#);
    let absent = format!("sha256:{}", "0".repeat(64));
    insta::assert_snapshot!(refusal("image", &|program| program.image = Some(absent.clone())).await, @"the Docker engine has no image sha256:0000000000000000000000000000000000000000000000000000000000000000: build or pull it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_memory_is_as_large_as_asked() {
    let stage = Stage::open(Kind::Docker).await;
    for (step, asked, kilobytes) in [("usual", None, 64 << 10), ("large", Some(200 << 20), 200 << 10)] {
        let key = stage.key(step);
        let act = Act {
            shell: "df --output=size -k /dev/shm | tail -1".to_owned(),
            script: Script::default(),
        };
        let program = Program {
            shm_bytes: asked,
            ..stage.program(&key, act)
        };
        stage.start_program(&key, &program).await.unwrap();
        assert_eq!(stage.end(&key).await, ProgramExit::Code(0));
        assert_eq!(stage.log(&key).trim(), kilobytes.to_string(), "{step}");
    }
}

/// The engine says who has which GPU, so that another instance, or ours after a restart, gives none away twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_gpu_is_one_containers_and_an_engine_without_a_driver_says_so() {
    let (mut stage, other) = (Stage::open(Kind::Docker).await, Stage::open(Kind::Docker).await);
    let id = format!("GPU-{}", stage.owner);
    let with_gpu = |stage: &Stage| {
        let executor = DockerExecutor::connect(None, &stage.owner, USER, staging(stage.folder.path()));
        AnyExecutor::Docker(executor.with_gpus(Some(std::slice::from_ref(&id))))
    };
    stage.executor = with_gpu(&stage);
    let (theirs, one) = (with_gpu(&other), Gpus { count: 1, model: None });
    let key = stage.key("train");
    stage.executor.reserve(&key, &one).await.unwrap();
    let program = Program {
        gpus: Some(one.clone()),
        ..stage.program(
            &key,
            Act {
                shell: "true".to_owned(),
                script: Script::default(),
            },
        )
    };
    // This machine has none: the container is made with the GPU, and not started.
    let refused = stage.start_program(&key, &program).await.unwrap_err();
    insta::assert_snapshot!(refused.to_string(), @"the Docker engine gives no GPUs to containers: install NVIDIA's container toolkit on its machine, and restart it");
    let waits = theirs.reserve(&other.key("train"), &one).await.unwrap_err();
    insta::assert_snapshot!(waits.to_string(), @"the step waits for 1 GPU: 0 of 1 on this machine are free");
    stage.executor.remove(&key).await.unwrap();
    theirs.reserve(&other.key("train"), &one).await.unwrap();
}
