use super::*;
use crate::contract::{Input, ProgramSecret};
use crate::kubernetes::settings::{Placement, Tolerated};
use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use trainyard_core::gpu::Gpus;
use trainyard_core::ids::RunId;
use trainyard_core::node::NodeId;
use trainyard_core::secret::SecretValue;
use trainyard_core::span::Bucket;
use trainyard_sources::StoreSettings;

fn settings() -> KubernetesSettings {
    KubernetesSettings {
        namespace: "ml".into(),
        context: None,
        registry: "registry.example.com/trainyard".into(),
        pull_secret: Some("registry".into()),
        store: StoreSettings {
            name: "exchange".into(),
            bucket: Bucket::of("s3://exchange").unwrap().unwrap().0,
            folder: String::new(),
            endpoint: None,
            region: None,
            allow_http: false,
            key_id: Some("id".into()),
            key: Some("the key of the bucket".to_owned().into()),
        },
        stage_image: "trainyard/stage".into(),
        service_account: None,
        place: Placement {
            node_selector: [("disk".to_owned(), "fast".to_owned())].into(),
            tolerations: vec![Tolerated {
                key: Some("gpu".into()),
                ..Tolerated::default()
            }],
            devices: BTreeMap::new(),
        },
        steps: [(
            "train".to_owned(),
            Placement {
                devices: [("nvidia.com/gpu".to_owned(), 1)].into(),
                ..Placement::default()
            },
        )]
        .into(),
        start_timeout: Duration::from_secs(600),
        keep: Duration::from_secs(86_400),
    }
}

fn program() -> Program {
    Program {
        image: Some("sha256:00".into()),
        command: ["sh", "-c", "kill -TERM $$; echo $(HOME)"].map(str::to_owned).to_vec(),
        environment: [("WORDS".to_owned(), "$(PATH) costs $$".to_owned())].into(),
        secrets: vec![ProgramSecret {
            place: "TOKEN".into(),
            value: SecretValue::new(b"correct-horse-battery".to_vec()).unwrap(),
            environment: true,
        }],
        inputs: vec![
            Input {
                target: "/task.json".into(),
                content: InputContent::Bytes(b"{}".to_vec()),
            },
            Input {
                target: "/models".into(),
                content: InputContent::Later,
            },
        ],
        outputs: Some("/outputs".into()),
        working_directory: None,
        cpus: Some(0.5),
        memory_bytes: Some(1 << 30),
        shm_bytes: None,
        largest_file: Some(7 << 30),
        gpus: Some(Gpus {
            count: 2,
            model: Some("A100".into()),
        }),
        network: Network::None,
    }
}

fn job(program: &Program) -> Value {
    let key = AttemptKey::new(&RunId::new("run-1"), NodeId::parse("train"), 1);
    let settings = settings();
    let attempt = Attempt {
        owner: "me",
        key: &key,
        program,
        settings: &settings,
        image: "r@sha256:1",
        stage_image: "r@sha256:2",
    };
    serde_json::to_value(attempt.job()).unwrap()
}

/// Every key that a job of ours may have. What is not here opens nothing: host paths, host namespaces, capabilities,
/// privileges, tokens, other users, sysctls, devices of a node.
const ALLOWED: &[&str] = &[
    "allowPrivilegeEscalation",
    "annotations",
    "apiVersion",
    "app.kubernetes.io/managed-by",
    "automountServiceAccountToken",
    "backoffLimit",
    "capabilities",
    "command",
    "completions",
    "containers",
    "cpu",
    "defaultMode",
    "disk",
    "drop",
    "effect",
    "emptyDir",
    "enableServiceLinks",
    "env",
    "fieldPath",
    "fieldRef",
    "fsGroup",
    "image",
    "imagePullSecrets",
    "initContainers",
    "key",
    "kind",
    "labels",
    "limits",
    "medium",
    "memory",
    "metadata",
    "mountPath",
    "name",
    "nodeSelector",
    "nvidia.com/gpu",
    "operator",
    "parallelism",
    "privileged",
    "readOnly",
    "readOnlyRootFilesystem",
    "requests",
    "resources",
    "restartPolicy",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "secret",
    "secretKeyRef",
    "secretName",
    "securityContext",
    "sizeLimit",
    "spec",
    "subPath",
    "template",
    "terminationGracePeriodSeconds",
    "tolerations",
    "trainyard.io/attempt",
    "trainyard.io/gpu-type",
    "trainyard.io/job",
    "trainyard.io/node",
    "trainyard.io/owner",
    "trainyard.io/run",
    "ttlSecondsAfterFinished",
    "type",
    "value",
    "valueFrom",
    "volumeMounts",
    "volumes",
];

fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.push(key.clone());
            keys(value, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn whatever_a_program_asks_for_the_wall_stands(
        command in proptest::collection::vec("[ -~]{0,12}", 0..4),
        values in proptest::collection::vec("[ -~]{0,12}", 0..3),
        targets in proptest::collection::vec("/[a-z/.]{1,12}", 0..4),
        bridge in any::<bool>(), with_secret in any::<bool>(), outputs in any::<bool>(),
        memory in proptest::option::of(any::<u64>()), cpus in proptest::option::of(0.0f64..1e6), shm in proptest::option::of(any::<u64>()),
    ) {
        let mut asked = program();
        asked.command = command;
        asked.environment = values.into_iter().enumerate().map(|(place, value)| (format!("V{place}"), value)).collect();
        asked.inputs = targets.iter().map(|target| Input { target: PathBuf::from(target), content: InputContent::Empty }).collect();
        asked.network = if bridge { Network::Bridge } else { Network::None };
        asked.secrets.truncate(usize::from(with_secret));
        asked.outputs = asked.outputs.filter(|_| outputs);
        (asked.memory_bytes, asked.cpus, asked.shm_bytes) = (memory, cpus, shm);
        let job = job(&asked);
        let mut found = Vec::new();
        keys(&job, &mut found);
        for key in found {
            prop_assert!(ALLOWED.contains(&key.as_str()), "{key}");
        }
        let pod = &job["spec"]["template"]["spec"];
        prop_assert_eq!(&pod["automountServiceAccountToken"], false);
        let containers = pod["containers"].as_array().unwrap().iter().chain(pod["initContainers"].as_array().unwrap());
        for container in containers {
            prop_assert_eq!(&container["securityContext"], &serde_json::json!({
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "privileged": false, "readOnlyRootFilesystem": true,
                "runAsGroup": USER, "runAsNonRoot": true, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"},
            }));
            // Only what is ours sees the addresses of the task, and only the program its secrets.
            let of = |volume: &str| container["volumeMounts"].as_array().unwrap().iter().any(|mount| mount["name"] == volume);
            prop_assert_eq!(of("task"), container["name"] != STEP);
            prop_assert_eq!(of("secrets"), container["name"] == STEP && with_secret);
        }
        let text = job.to_string();
        prop_assert!(!text.contains("correct-horse") && !text.contains("the key of the bucket"));
    }
}

#[test]
fn a_program_is_its_job() {
    let job = job(&program());
    let step = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        step["command"],
        serde_json::json!([
            "/.trainyard/stage",
            "run",
            "--largest-file=7516192768",
            "--",
            "sh",
            "-c",
            "kill -TERM $$$$; echo $$(HOME)"
        ]),
        "Kubernetes makes one `$` of two, and so leaves it as it was"
    );
    assert_eq!(
        step["resources"]["limits"],
        serde_json::json!({"cpu": "500m", "memory": "1073741824", "nvidia.com/gpu": "2"})
    );
    assert_eq!(step["resources"]["requests"], serde_json::json!({"cpu": "490m"}));
    assert_eq!(step["env"][0]["value"], "$$(PATH) costs $$$$");
    assert_eq!(step["env"][2]["valueFrom"]["secretKeyRef"]["key"], "TOKEN");
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(
        pod["nodeSelector"],
        serde_json::json!({"disk": "fast", "trainyard.io/gpu-type": "A100"})
    );
    assert_eq!(
        pod["tolerations"],
        serde_json::json!([{"key": "gpu", "operator": "Exists"}])
    );
    let own = job_of_image();
    assert!(
        own["spec"]["template"]["spec"]["containers"][0]["command"].is_null(),
        "the image's own"
    );
}

fn job_of_image() -> Value {
    job(&Program {
        command: Vec::new(),
        ..program()
    })
}
