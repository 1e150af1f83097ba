//! What hostile programs try in a container: every way out fails inside, and the machine is as it was.

use crate::engine::{self, BASE, Cleanup, engine};
use crate::stage::{Act, Kind, Stage};
use bollard::models::{ContainerConfig, ContainerCreateBody};
use bollard::query_parameters::*;
use serde_json::{Value, json};
use std::time::Duration;
use trainyard_executors::fake::Script;
use trainyard_executors::*;

/// The largest file that the battery may write.
const LARGEST: u64 = 64 << 20;

/// What a kernel has or has not, and how it refuses it.
const KERNELS: [&str; 8] = [
    "memory of the kernel",
    "memory of the machine",
    "sysrq",
    "release agent",
    "make a cgroup",
    "program the kernel",
    "watch the machine",
    "keys of the kernel",
];
const REFUSED: [&str; 6] = ["EPERM", "EACCES", "EROFS", "ENOENT", "ENOSYS", "b''"];

/// Each attempt says how it was refused; an error of the system by its name. `sys.argv` has a folder of this machine,
/// the folder of another attempt, and the number of a process of this machine.
const BATTERY: &str = r#"
import ctypes, errno, json, os, signal, socket, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
host, other, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
tried = {}
def attempt(name, act):
    try:
        tried[name] = repr(act())
    except OSError as error:
        tried[name] = errno.errorcode[error.errno]
    except Exception as error:
        tried[name] = repr(error)
def call(function, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, function)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")
    return "done"
def system_call(number, *arguments):
    return call("syscall", number, *arguments)
def write(path, text="x"):
    with open(path, "w") as file:
        file.write(text)
    return "written"
def connect(family, address):
    with socket.socket(family) as s:
        s.settimeout(3)
        s.connect(address)
    return "connected"
def grow(path):
    with open(path, "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
            file.flush()
def sh(text):
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True)
    return "uid=0" in done.stdout

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
attempt("mount proc", lambda: call("mount", b"proc", b"/tmp", b"proc", 0, None))
attempt("remount root", lambda: call("mount", b"none", b"/", None, 32, None))
attempt("remount input", lambda: call("mount", b"none", b"/inputs/data", None, 32 | 4096, None))
attempt("unmount input", lambda: call("umount2", b"/inputs/data", 2))
attempt("pivot root", lambda: system_call(155, b"/tmp", b"/tmp"))
attempt("chroot", lambda: os.chroot("/tmp"))
attempt("user namespace", lambda: call("unshare", 0x10000000))
attempt("mount namespace", lambda: call("unshare", 0x00020000))
attempt("trace the host", lambda: call("ptrace", 16, pid, 0, 0))
attempt("signal the host", lambda: os.kill(pid, 9))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("memory of the kernel", lambda: open("/proc/kcore", "rb").read(1))
attempt("memory of the machine", lambda: open("/dev/mem", "rb"))
attempt("sysrq", lambda: write("/proc/sysrq-trigger"))
attempt("core pattern", lambda: write("/proc/sys/kernel/core_pattern", "|/tmp/x"))
attempt("release agent", lambda: write("/sys/fs/cgroup/memory/release_agent", "/tmp/x"))
attempt("make a cgroup", lambda: os.mkdir("/sys/fs/cgroup/memory/x"))
attempt("make a device", lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)))
attempt("make a device among the outputs", lambda: os.mknod("/outputs/disk", 0o60666, os.makedev(8, 0)))
attempt("load a module", lambda: system_call(175, b"x", 1, b""))
attempt("program the kernel", lambda: system_call(321, 0, 0, 0))
attempt("watch the machine", lambda: system_call(298, 0, 0, 0, 0, 0))
attempt("keys of the kernel", lambda: system_call(250, 0, 0, 0, 0, 0))
attempt("set the clock", lambda: call("settimeofday", b"\0" * 16, None))
attempt("reboot", lambda: call("reboot", 0))
attempt("host name", lambda: call("sethostname", b"x", 1))
attempt("become root", lambda: os.setuid(0))
attempt("own a file", lambda: os.chown("/tmp", 0, 0))
attempt("more files by right", lambda: __import__("resource").setrlimit(7, (1 << 20, 1 << 20)))
attempt("su", lambda: sh("su -c id root </dev/null || newgrp root -c id </dev/null"))
attempt("docker socket", lambda: connect(socket.AF_UNIX, "/var/run/docker.sock"))
attempt("docker socket elsewhere", lambda: connect(socket.AF_UNIX, "/run/docker.sock"))
attempt("containerd socket", lambda: connect(socket.AF_UNIX, "/run/containerd/containerd.sock"))
attempt("metadata of the cloud", lambda: connect(socket.AF_INET, ("169.254.169.254", 80)))
attempt("docker by network", lambda: connect(socket.AF_INET, ("172.17.0.1", 2375)))
attempt("the host's folders", lambda: os.listdir(host))
attempt("another run", lambda: os.listdir(other))
attempt("write an input", lambda: write("/inputs/data/rows.csv"))
attempt("write beside an input", lambda: write("/inputs/x"))
attempt("replace an input", lambda: os.rename("/inputs/data/rows.csv", "/outputs/rows.csv"))
attempt("link an input", lambda: os.link("/inputs/data/rows.csv", "/outputs/rows.csv"))
attempt("write the image", lambda: write("/usr/bin/x"))
attempt("a terabyte", lambda: os.truncate(os.open("/outputs/huge", os.O_CREAT | os.O_RDWR), 1 << 40))
attempt("a large file", lambda: grow("/outputs/large"))
attempt("a full /tmp", lambda: [grow("/tmp/x%d" % n) for n in range(2)] if False else [
    open("/tmp/x%d" % n, "wb").write(b"x" * (32 << 20)) for n in range(40)])
[os.remove("/tmp/" + name) for name in os.listdir("/tmp")]
opened = []
def open_all():
    while True:
        opened.append(os.open("/dev/null", os.O_RDONLY))
attempt("files without end", open_all)
count = len(opened)
[os.close(file) for file in opened]
children = []
def bomb():
    while True:
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        children.append(child)
attempt("fork bomb", bomb)
tried["a bounded number of processes"] = 500 < len(children) < 1024
tried["a bounded number of files"] = 1000 < count <= 65536
[os.kill(child, 9) for child in children]
attempt("a core of memory", lambda: __import__("resource").getrlimit(4))
print(json.dumps(tried))
"#;

async fn container_of(stage: &Stage, key: &AttemptKey) -> Value {
    let name = format!("trainyard-{}-{}-{}-{}", stage.owner, key.run, key.node, key.attempt);
    let found = engine()
        .await
        .inspect_container(&name, None::<InspectContainerOptions>)
        .await;
    serde_json::to_value(found.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_out_fails_inside_and_the_machine_is_unharmed() {
    let stage = Stage::open(Kind::Docker).await;
    let (digest, data) = stage.keep(1);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("rows.csv"), "a,b\n").unwrap();
    // Somebody of this machine, and what another run has.
    let mut neighbour = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let other = stage.folder.path().join("work/other-run/train/1/outputs");
    std::fs::create_dir_all(&other).unwrap();
    let key = stage.key("hostile");
    let mut program = stage.program(
        &key,
        Act {
            shell: String::new(),
            script: Script::default(),
        },
    );
    let told = [stage.folder.path(), other.as_path()].map(|path| path.display().to_string());
    let command = [
        "python3",
        "-c",
        BATTERY,
        &told[0],
        &told[1],
        &neighbour.id().to_string(),
    ];
    program.command = command.map(str::to_owned).to_vec();
    program.inputs.push(Input {
        target: "/inputs/data".into(),
        content: InputContent::Tree(digest),
    });
    program.memory_bytes = Some(2 << 30);
    program.largest_file = Some(LARGEST);
    stage.start_program(&key, &program).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0), "{}", stage.log(&key));
    let mut tried: Value = serde_json::from_str(&stage.log(&key)).unwrap();
    for name in KERNELS {
        let said = tried.as_object_mut().unwrap().remove(name).unwrap();
        assert!(REFUSED.contains(&said.as_str().unwrap()), "{name}: {said}");
    }
    insta::assert_json_snapshot!(tried, @r#"
    {
      "mount proc": "EPERM",
      "remount root": "EPERM",
      "remount input": "EPERM",
      "unmount input": "EPERM",
      "pivot root": "EPERM",
      "chroot": "EPERM",
      "user namespace": "EPERM",
      "mount namespace": "EPERM",
      "trace the host": "ESRCH",
      "signal the host": "ESRCH",
      "raw socket": "EPERM",
      "packet socket": "EPERM",
      "a core of memory": "(0, 0)",
      "a bounded number of files": true,
      "a bounded number of processes": true,
      "core pattern": "EROFS",
      "fork bomb": "EAGAIN",
      "files without end": "EMFILE",
      "make a device": "EPERM",
      "make a device among the outputs": "EPERM",
      "load a module": "EPERM",
      "a full /tmp": "ENOSPC",
      "a large file": "EFBIG",
      "a terabyte": "EFBIG",
      "set the clock": "EPERM",
      "reboot": "EPERM",
      "host name": "EPERM",
      "become root": "EPERM",
      "own a file": "EPERM",
      "more files by right": "ValueError('not allowed to raise maximum limit')",
      "su": "False",
      "docker socket": "ENOENT",
      "docker socket elsewhere": "ENOENT",
      "containerd socket": "ENOENT",
      "metadata of the cloud": "ENETUNREACH",
      "docker by network": "ENETUNREACH",
      "the host's folders": "ENOENT",
      "another run": "ENOENT",
      "write an input": "EROFS",
      "write beside an input": "EROFS",
      "replace an input": "EXDEV",
      "link an input": "EXDEV",
      "write the image": "EROFS"
    }
    "#);

    assert_eq!(neighbour.try_wait().unwrap(), None, "others of this machine still run");
    neighbour.kill().unwrap();
    neighbour.wait().unwrap();
    assert_eq!(std::fs::read_to_string(data.join("rows.csv")).unwrap(), "a,b\n");
    assert!(std::fs::metadata(stage.outputs(&key).join("large")).unwrap().len() <= LARGEST);
    let host = &container_of(&stage, &key).await["HostConfig"];
    assert_eq!(
        host["LogConfig"]["Config"],
        json!({"max-size": "128m", "max-file": "2"})
    );
    assert_eq!(
        (&host["Privileged"], &host["OomScoreAdj"]),
        (&json!(false), &json!(500))
    );
    // And the next program runs as ever.
    let next = stage.start("next", crate::stage::exits(0)).await;
    assert_eq!(stage.end(&next).await, ProgramExit::Code(0));
}

/// Processes that start processes faster than anybody can end them one by one.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_ends_with_its_container() {
    let stage = Stage::open(Kind::Docker).await;
    let bomb = Act {
        shell: "echo began; b() { b | b & }; b; sleep 600".into(),
        script: Script::default(),
    };
    let key = stage.key("bomb");
    let mut program = stage.program(&key, bomb);
    program.memory_bytes = Some(512 << 20);
    stage.start_program(&key, &program).await.unwrap();
    crate::stage::until("it has begun", || async { stage.log(&key).contains("began") }).await;
    stage.executor.stop(&key, Duration::from_secs(1)).await.unwrap();
    assert_ne!(stage.observe(&key).await, Observation::Running);
    stage.executor.remove(&key).await.unwrap();
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
}

/// An image that was made from the base image by changing how its programs start.
async fn changed(stage: &Stage, changes: &str) -> String {
    let docker = engine().await;
    let label = format!("io.trainyard.owner={}", stage.owner);
    let body = ContainerCreateBody {
        image: Some(engine::base().await),
        cmd: Some(vec!["never".into()]),
        ..ContainerCreateBody::default()
    };
    let created = docker
        .create_container(None::<CreateContainerOptions>, body)
        .await
        .unwrap();
    let options = CommitContainerOptionsBuilder::new()
        .container(&created.id)
        .changes(&format!("{changes}\nLABEL {label}"))
        .build();
    let image = docker.commit_container(options, ContainerConfig::default()).await;
    let force = RemoveContainerOptionsBuilder::new().force(true).build();
    docker.remove_container(&created.id, Some(force)).await.unwrap();
    image.unwrap().id
}

/// What an image declares as a volume would be a folder of this machine that nobody measures.
#[tokio::test(flavor = "multi_thread")]
async fn the_volumes_of_an_image_are_no_room_of_the_host() {
    let stage = Stage::open(Kind::Docker).await;
    let key = stage.key("volumes");
    let image = changed(&stage, "VOLUME [\"/outputs\", \"/inputs\", \"/tmp\", \"/work\"]").await;
    let (digest, data) = stage.keep(1);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("rows.csv"), "a,b\n").unwrap();
    let mut program = stage.program(
        &key,
        Act {
            shell: "for d in /etc /work /tmp /outputs /inputs/data; do touch $d/x 2>/dev/null && echo wrote $d; done; cat /inputs/data/rows.csv; df -P /inputs /work | tail -n 2 | cut -d' ' -f1".into(),
            script: Script::default(),
        },
    );
    program.image = Some(image);
    program.inputs.push(Input {
        target: "/inputs/data".into(),
        content: InputContent::Tree(digest),
    });
    stage.start_program(&key, &program).await.unwrap();
    assert_eq!(stage.end(&key).await, ProgramExit::Code(0), "{}", stage.log(&key));
    insta::assert_snapshot!(stage.log(&key), @"
    wrote /work
    wrote /tmp
    wrote /outputs
    a,b
    tmpfs
    tmpfs
    ");
    let container = container_of(&stage, &key).await;
    for mount in container["Mounts"].as_array().unwrap() {
        assert_eq!(mount["Type"], "bind", "{mount}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_starts_in_the_kernel_is_refused() {
    let stage = Stage::open(Kind::Docker).await;
    let image = changed(&stage, "WORKDIR /proc/self/fd/8").await;
    let key = stage.key("leaky");
    let mut program = stage.program(&key, crate::stage::exits(0));
    program.image = Some(image.clone());
    let refused = stage.executor.start(&key, &program).await.unwrap_err();
    assert!(matches!(refused, ExecutorError::Refused { .. }), "{refused:?}");
    let said = refused.to_string().replace(&image, "sha256:…");
    insta::assert_snapshot!(said, @"the image sha256:… starts its programs in a folder of the kernel's, from which they could leave their container: set another WORKDIR");
    assert_eq!(stage.observe(&key).await, Observation::Unknown);
    // Nor is anything built from it.
    let tagged = format!("trainyard-test-{}:leaky", stage.owner);
    let _cleanup = Cleanup(format!("io.trainyard.owner={}", stage.owner));
    let (repository, tag) = tagged.split_once(':').unwrap();
    let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
    engine().await.tag_image(&image, Some(options)).await.unwrap();
    let tree = crate::sources::Tree::new(&format!("FROM {tagged}\nRUN ls\n"), &[]);
    let refused = DockerImageBuilder::connect(None)
        .build(&tree.request)
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("starts its programs in a folder of the kernel's"),
        "{refused}"
    );
}

/// A line of a build sees the limits that the engine can be told, and what it cannot is said in the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_has_bounds() {
    let lines = "RUN sleep 1; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; ulimit -n; ulimit -c; ls /sys/class/net\n";
    let named = format!("test-{}", uuid::Uuid::now_v7().simple());
    let _cleanup = Cleanup(format!("io.trainyard.image={named}"));
    let tree = |dockerfile: &str| {
        let mut tree = crate::sources::Tree::new(
            &format!("FROM {BASE}\nLABEL io.trainyard.image={named}\n{dockerfile}"),
            &[],
        );
        tree.write("unique", &tree.request.name);
        tree.request.network = Network::None;
        tree
    };
    let limits = BuildLimits {
        memory_bytes: Some(512 << 20),
        cpus: Some(1.5),
        largest_file: Some(1 << 20),
        ..BuildLimits::default()
    };
    let builder = DockerImageBuilder::connect(None).with_limits(limits);
    let classic = tree(lines);
    builder.build(&classic.request).await.unwrap();
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let files = own.map_or(65_536, |own| own.min(65_536));
    let log = std::fs::read_to_string(&classic.request.log_file).unwrap();
    assert!(
        log.contains("\n4096\n") && log.contains(&format!("\n{files}\n0\nlo\n")),
        "{log}"
    );
    insta::assert_snapshot!(log.lines().next().unwrap(), @"RUN lines of this build have 512 MiB of memory (executor.build_memory), 1.5 processors (executor.build_cpus), 4096 processes and no network; they run as the image's user with Docker's default capabilities, of which the engine lets builds give up none");
    let large = tree("RUN head -c 2000000 /dev/zero > /large\n");
    let failed = builder.build(&large.request).await.unwrap_err();
    assert!(
        failed.to_string().contains("File too large") || failed.to_string().contains("153"),
        "{failed}"
    );
    let bomb = tree("RUN b() { b | b & }; b; sleep 2; echo survived\n");
    // Whether it ends well is not the point.
    let _ = builder.build(&bomb.request).await;
    let kit = tree("COPY --chmod=640 unique /x\nRUN ls /sys/class/net\n");
    builder.build(&kit.request).await.unwrap();
    let log = std::fs::read_to_string(&kit.request.log_file).unwrap();
    assert!(log.contains("\nlo\n") && !log.contains("eth0"), "{log}");
    insta::assert_snapshot!(log.lines().next().unwrap(), @"RUN lines of this build have no limit of memory, processors or processes, since line 3 (`COPY --chmod`) needs BuildKit, which keeps to none (executor.build_memory and executor.build_cpus do not hold, executor.build_timeout does), and no network; they run as the image's user with Docker's default capabilities, of which the engine lets builds give up none");
}
