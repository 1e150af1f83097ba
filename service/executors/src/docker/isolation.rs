//! What a step's container may do. Everything is written down here; nothing is passed through.

use crate::contract::{Network, Program};
use crate::staging::{self, User};
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType};
use std::collections::HashMap;

/// Processes of one step.
const PIDS: i64 = 1024;
/// Docker's own least, in billionths; 0 would mean no limit.
const LEAST_CPU: i64 = 10_000_000;
/// The size of `/tmp`.
const TMP: &str = "rw,nosuid,nodev,size=1g,mode=1777";
/// Docker's own copy of the log. What it drops before we have read it is lost, and it writes 80 bytes
/// beside each line: with this size it holds what our files can, down to lines of a few bytes.
const DOCKER_LOG: [(&str, &str); 2] = [("max-size", "128m"), ("max-file", "2")];

/// The whole request for a container.
pub(super) fn container(
    program: &Program,
    mounts: &[staging::Mount],
    user: User,
    labels: HashMap<String, String>,
) -> ContainerCreateBody {
    let environment = program
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let own = !program.command.is_empty();
    ContainerCreateBody {
        image: program.image.clone(),
        // The command replaces the image's entrypoint as well: what is written is what runs.
        entrypoint: own.then(|| program.command.clone()),
        cmd: own.then(Vec::new),
        env: Some(environment.collect()),
        user: Some(format!("{}:{}", user.0, user.1)),
        labels: Some(labels),
        // An image's health check would be one more program in the step's container.
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        host_config: Some(host_config(program, mounts)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(program: &Program, mounts: &[staging::Mount]) -> HostConfig {
    // 0 would mean no limit at all: Docker is asked for less than it grants, and says so.
    let memory = program
        .memory_bytes
        .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX).max(1));
    let log: HashMap<_, _> = DOCKER_LOG
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    HostConfig {
        network_mode: Some(
            match program.network {
                Network::None => "none",
                Network::Bridge => "bridge",
            }
            .to_owned(),
        ),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(true),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), TMP.to_owned())])),
        memory,
        // The same number forbids swap.
        memory_swap: memory,
        nano_cpus: program.cpus.map(|cpus| ((cpus * 1e9) as i64).max(LEAST_CPU)),
        pids_limit: Some(PIDS),
        init: Some(true),
        mounts: Some(mounts.iter().map(mount).collect()),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(log),
        }),
        ..HostConfig::default()
    }
}

fn mount(mount: &staging::Mount) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(mount.source.display().to_string()),
        target: Some(mount.target.display().to_string()),
        read_only: Some(!mount.writable),
        ..Mount::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staging::Mount as Given;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn mounts() -> impl Strategy<Value = Vec<Given>> {
        let mount = ("/[a-z]{1,8}", "/[a-z]{1,8}", any::<bool>()).prop_map(|(source, target, writable)| Given {
            source: source.into(),
            target: target.into(),
            writable,
        });
        proptest::collection::vec(mount, 0..4)
    }

    /// Every field that is set, so that a new one has to be written down here as well.
    const SET: [&str; 12] = [
        "CapDrop",
        "Init",
        "LogConfig",
        "Memory",
        "MemorySwap",
        "Mounts",
        "NanoCpus",
        "NetworkMode",
        "PidsLimit",
        "ReadonlyRootfs",
        "SecurityOpt",
        "Tmpfs",
    ];

    proptest! {
        /// Whatever a pipeline file asks for, the fields that open the host stay shut.
        #[test]
        fn no_program_opens_the_host(
            command in proptest::collection::vec(".*", 1..4),
            environment in proptest::collection::btree_map("[A-Z]{1,8}", ".*", 0..4),
            mounts in mounts(),
            cpus in proptest::option::of(any::<f64>()),
            memory_bytes in proptest::option::of(any::<u64>()),
            bridge: bool,
        ) {
            let program = Program {
                image: Some("sha256:0".into()),
                command,
                environment,
                inputs: Vec::new(),
                outputs: None,
                working_directory: None,
                cpus,
                memory_bytes,
                network: if bridge { Network::Bridge } else { Network::None },
            };
            let body = serde_json::to_value(container(&program, &mounts, (10001, 10001), HashMap::new())).unwrap();
            let host = body["HostConfig"].as_object().unwrap();
            for (field, value) in host.iter().filter(|(_, value)| !value.is_null()) {
                prop_assert!(SET.contains(&field.as_str()), "{} is set to {}", field, value);
            }
            prop_assert_eq!(&host["NetworkMode"], if bridge { "bridge" } else { "none" });
            prop_assert_eq!(&host["CapDrop"], &json!(["ALL"]));
            prop_assert_eq!(&host["SecurityOpt"], &json!(["no-new-privileges"]));
            prop_assert_eq!(&host["ReadonlyRootfs"], &json!(true));
            prop_assert_eq!(&body["User"], &json!("10001:10001"));
            for (limit, asked) in [("NanoCpus", cpus.is_some()), ("Memory", memory_bytes.is_some()), ("MemorySwap", memory_bytes.is_some())] {
                let number = host.get(limit).and_then(Value::as_i64);
                prop_assert_eq!(number.is_some_and(|number| number > 0), asked, "{} is {:?}", limit, number);
            }
            let seen: Vec<_> = host["Mounts"].as_array().unwrap().iter().map(|mount| {
                (mount["Type"].clone(), mount["Source"].clone(), mount["Target"].clone(), mount["ReadOnly"].clone())
            }).collect();
            let given: Vec<_> = mounts.iter().map(|mount| {
                (json!("bind"), json!(mount.source), json!(mount.target), json!(!mount.writable))
            }).collect();
            prop_assert_eq!(seen, given);
            prop_assert_eq!(host["Tmpfs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["/tmp"]);
        }
    }
}
