use super::*;
use crate::docker::isolation::container;
use crate::staging::Mount as Given;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use trainyard_core::plan::{NetworkAccess, Plan, PlannedStep};
use trainyard_core::spec;

/// Every field that is set, so that a new one has to be written down here as well.
const SET: [&str; 18] = [
    "CapDrop",
    "DeviceRequests",
    "Init",
    "IpcMode",
    "LogConfig",
    "Memory",
    "MemorySwap",
    "Mounts",
    "NanoCpus",
    "NetworkMode",
    "OomScoreAdj",
    "PidsLimit",
    "Privileged",
    "ReadonlyRootfs",
    "SecurityOpt",
    "ShmSize",
    "Tmpfs",
    "Ulimits",
];

fn request(program: &Program, mounts: &[Given], volumes: &[String]) -> Value {
    request_with(program, mounts, volumes, &[])
}

fn request_with(program: &Program, mounts: &[Given], volumes: &[String], gpus: &[String]) -> Value {
    serde_json::to_value(container(
        program,
        mounts,
        volumes,
        gpus,
        (10001, 10001),
        HashMap::new(),
    ))
    .unwrap()
}

/// What holds for every container, whoever asks for it.
fn assert_shut(body: &Value, mounts: &[Given]) {
    let host = body["HostConfig"].as_object().unwrap();
    for (field, value) in host.iter().filter(|(_, value)| !value.is_null()) {
        assert!(SET.contains(&field.as_str()), "{field} is set to {value}");
    }
    assert!(["none", "bridge"].contains(&host["NetworkMode"].as_str().unwrap()));
    assert_eq!(host["Privileged"], false);
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!(host["IpcMode"], "private");
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["PidsLimit"], PIDS);
    assert_eq!(body["User"], "10001:10001");
    let ulimits = host["Ulimits"].as_array().unwrap();
    for limit in ["nofile", "core"] {
        assert!(ulimits.iter().any(|given| given["Name"] == limit), "{limit}");
    }
    let seen = host["Mounts"].as_array().unwrap();
    let given = mounts.iter().map(
        |mount| json!({"Type": "bind", "Source": mount.source, "Target": mount.target, "ReadOnly": !mount.writable}),
    );
    assert_eq!(seen, &given.collect::<Vec<_>>());
    for options in host["Tmpfs"].as_object().unwrap().values() {
        assert_eq!(options, TMP_OPTIONS);
    }
}

fn mounts() -> impl Strategy<Value = Vec<Given>> {
    let mount = ("/[a-z]{1,8}", "/[a-z]{1,8}", any::<bool>()).prop_map(|(source, target, writable)| Given {
        source: source.into(),
        target: target.into(),
        writable,
    });
    proptest::collection::vec(mount, 0..4)
}

proptest! {
    /// Whatever a program is, the fields that open the host stay shut, and its limits are those that were asked.
    #[test]
    fn no_program_opens_the_host(
        command in proptest::collection::vec(".*", 1..4),
        environment in proptest::collection::btree_map("[A-Z]{1,8}", ".*", 0..4),
        mounts in mounts(),
        volumes in proptest::collection::vec("(/?[a-z.]{1,4}){1,3}/?", 0..3),
        cpus in proptest::option::of(any::<f64>()),
        memory_bytes in proptest::option::of(any::<u64>()),
        shm_bytes in proptest::option::of(any::<u64>()),
        largest_file in proptest::option::of(any::<u64>()),
        gpus in proptest::collection::vec("GPU-[0-9a-f]{4}", 0..3),
        bridge: bool,
    ) {
        let program = Program {
            image: Some("sha256:0".into()),
            command,
            environment,
            secrets: Vec::new(),
            inputs: Vec::new(),
            outputs: None,
            working_directory: None,
            cpus,
            memory_bytes,
            shm_bytes,
            largest_file,
            gpus: None,
            network: if bridge { Network::Bridge } else { Network::None },
        };
        let body = request_with(&program, &mounts, &volumes, &gpus);
        assert_shut(&body, &mounts);
        let host = &body["HostConfig"];
        prop_assert_eq!(&host["NetworkMode"], if bridge { "bridge" } else { "none" });
        for (limit, asked) in [("NanoCpus", cpus.is_some()), ("Memory", memory_bytes.is_some()), ("MemorySwap", memory_bytes.is_some())] {
            let number = host.get(limit).and_then(Value::as_i64);
            prop_assert_eq!(number.is_some_and(|number| number > 0), asked, "{} is {:?}", limit, number);
        }
        let shared = host["ShmSize"].as_i64().unwrap();
        prop_assert!(shared > 0 && (shm_bytes.is_some() || shared == SHARED_MEMORY), "{}", shared);
        let file = host["Ulimits"].as_array().unwrap().iter().find(|limit| limit["Name"] == "fsize");
        prop_assert_eq!(file.is_some_and(|limit| limit["Hard"].as_i64() >= Some(0)), largest_file.is_some());
        let devices = json!([{ "Driver": "nvidia", "DeviceIDs": gpus, "Capabilities": [["gpu"]] }]);
        prop_assert_eq!(host.get("DeviceRequests"), (!gpus.is_empty()).then_some(&devices));
        for volume in volumes.iter().map(|volume| plain(volume)).filter(|volume| volume != "/") {
            let ours = host["Mounts"].as_array().unwrap().iter().any(|mount| mount["Target"] == volume.as_str());
            let in_memory = host["Tmpfs"].get(&volume).is_some();
            prop_assert!(ours != in_memory, "{} is a folder of the host, or twice", volume);
        }
    }
}

/// What a pipeline file might try, at any place where it may say something.
const HOSTILE: [&str; 30] = [
    "privileged: true",
    "pid: host",
    "pid_mode: container:x",
    "ipc: host",
    "uts: host",
    "userns: host",
    "userns_mode: host",
    "network_mode: host",
    "network: host",
    "network: container:postgres",
    "network: [bridge, host]",
    "devices: [/dev/kvm]",
    "gpus: all",
    "volumes: [\"/:/host\"]",
    "binds: [\"/var/run/docker.sock:/var/run/docker.sock\"]",
    "mounts: [{ type: bind, source: /, target: /host }]",
    "volumes_from: [x]",
    "cap_add: [SYS_ADMIN]",
    "security_opt: [seccomp=unconfined]",
    "sysctls: { kernel.shm_rmid_forced: 1 }",
    "cgroup_parent: /",
    "runtime: sysbox",
    "user: root",
    "read_only: false",
    "tmpfs: [/]",
    "ulimits: { core: -1 }",
    "pids_limit: -1",
    "oom_score_adj: -1000",
    "host_config: { Privileged: true }",
    "HostConfig: { Privileged: true }",
];

/// A pipeline with one step of its own, and what is put into its step, its `resources` and its `build`.
fn pipeline(step: &str, resources: &str, build: &str, input: &str, output: &str) -> String {
    let of_build = if build.is_empty() {
        String::new()
    } else {
        format!(", {build}")
    };
    let of_resources = if resources.is_empty() {
        String::new()
    } else {
        format!(", {resources}")
    };
    format!(
        "name: p\non: {{ push: {{ branches: [main] }} }}\nsteps:\n  first:\n    build: {{ dockerfile: Dockerfile, context: .{of_build} }}\n    command: [python, train.py]\n    inputs: {{ {input} }}\n    outputs: {{ {output} }}\n    resources: {{ cpus: 1.5, memory: 512Mi{of_resources} }}\n    environment: {{ A: \"x\" }}\n    {step}\n"
    )
}

/// As the engine makes it of a plan.
fn program(step: &PlannedStep) -> (Program, Vec<Given>) {
    let root = Path::new("/trainyard");
    let inputs = step.inputs.keys().map(|name| Given {
        source: Path::new("/data/artifacts").join("0"),
        target: root.join("inputs").join(name),
        writable: false,
    });
    let outputs = Given {
        source: "/data/work/r/s/1/outputs".into(),
        target: root.join("outputs"),
        writable: true,
    };
    let program = Program {
        image: Some("sha256:0".to_owned()),
        command: step.command.clone(),
        environment: step.environment.clone().into_iter().collect::<BTreeMap<_, _>>(),
        secrets: Vec::new(),
        inputs: Vec::new(),
        outputs: Some(outputs.target.clone()),
        working_directory: None,
        cpus: step.cpus,
        memory_bytes: step.memory_bytes,
        shm_bytes: step.shm_bytes,
        largest_file: None,
        gpus: step.gpus.clone(),
        network: match step.network {
            NetworkAccess::None => Network::None,
            NetworkAccess::Bridge => Network::Bridge,
        },
    };
    (program, inputs.chain([outputs]).collect())
}

fn loaded(text: &str) -> Option<Plan> {
    spec::load("pipeline.yaml", text, &Map::new()).ok()
}

/// Every container of a plan, shut.
fn assert_plan_shut(plan: &Plan) {
    for step in plan.steps.values() {
        let (program, mounts) = program(step);
        for mount in &mounts {
            let target = mount.target.to_str().unwrap();
            assert!(target.starts_with("/trainyard/") && !target.contains(".."), "{target}");
        }
        assert_shut(&request(&program, &mounts, &[]), &mounts);
    }
}

#[test]
fn what_opens_the_host_is_no_word_of_a_pipeline_file() {
    let bare = pipeline("", "", "", "", "model: Model");
    assert!(loaded(&bare).is_some(), "{bare}");
    for hostile in HOSTILE {
        for text in [
            format!("{bare}{hostile}\n"),
            pipeline(hostile, "", "", "", "model: Model"),
            pipeline("", hostile, "", "", "model: Model"),
            pipeline("", "", hostile, "", "model: Model"),
        ] {
            assert!(loaded(&text).is_none(), "it was taken:\n{text}");
        }
    }
}

proptest! {
    /// Of the generated pipelines some are refused; of the others no container has a forbidden field, and none is
    /// shown anything but what it reads and makes.
    #[test]
    fn no_pipeline_opens_the_host(
        hostile in proptest::option::of(proptest::sample::select(&HOSTILE[..])),
        place in 0..4_usize,
        network in proptest::sample::select(vec!["none", "bridge", "host", "container:x", "default"]),
        build in proptest::sample::select(vec!["", "network: none", "network: bridge", "network: host", "args: { A: b }"]),
        input in "[a-z./]{1,6}", file in "[a-z./]{1,12}", output in "[a-z./]{1,6}",
    ) {
        let at = |wanted: usize| hostile.filter(|_| place == wanted).unwrap_or_default();
        let step = format!("network: {network}\n    {}", at(1));
        let build = [build, at(3)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let (input, output) = (format!("\"{input}\": \"file:{file}\""), format!("\"{output}\": Model"));
        let text = pipeline(&step, at(2), &build, &input, &output) + at(0) + "\n";
        let plan = loaded(&text);
        if hostile.is_some() || !["none", "bridge"].contains(&network) || build.contains("host") {
            prop_assert!(plan.is_none(), "it was taken:\n{}", text);
        }
        if let Some(plan) = plan {
            assert_plan_shut(&plan);
        }
    }
}

#[test]
fn paths_of_the_kernel_are_known_by_any_name() {
    for folder in [
        "/proc/self/fd/8",
        "proc/1",
        "/a/../proc",
        "//proc//",
        "/sys/fs/cgroup",
        "/./proc/.",
    ] {
        assert!(starts_in_the_kernel(Some(folder)), "{folder}");
    }
    for folder in ["", "/", "/app", "/procedures", "/app/proc"] {
        assert!(!starts_in_the_kernel(Some(folder)), "{folder}");
    }
}

#[test]
fn only_files_and_folders_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        [Given {
            source: dir.path().join(name),
            target: "/trainyard/inputs/x".into(),
            writable: false,
        }]
    };
    std::fs::write(dir.path().join("file"), b"").unwrap();
    std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("docker.sock")).unwrap();
    for fine in ["file", ".", "absent"] {
        check(&at(fine)).unwrap();
    }
    for other in ["link", "docker.sock"] {
        let refused = check(&at(other)).unwrap_err().to_string();
        assert!(refused.contains("is a link, a socket or a device"), "{refused}");
    }
}
