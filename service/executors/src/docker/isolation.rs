//! What a step's container may do. Everything is written down here; nothing is passed through.

use crate::contract::{Network, Program};
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType};
use std::collections::HashMap;

/// Processes of one step.
const PIDS: i64 = 1024;
/// The size of `/tmp`.
const TMP: &str = "rw,nosuid,nodev,size=1g,mode=1777";
/// Docker's own copy of the log; ours is the one that is kept.
const DOCKER_LOG: [(&str, &str); 2] = [("max-size", "32m"), ("max-file", "2")];

/// The whole request for a container.
pub(super) fn container(program: &Program, user: (u32, u32), labels: HashMap<String, String>) -> ContainerCreateBody {
    let environment = program
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    ContainerCreateBody {
        image: program.image.clone(),
        // The command replaces the image's entrypoint as well: what is written is what runs.
        entrypoint: Some(program.command.clone()),
        cmd: Some(Vec::new()),
        env: Some(environment.collect()),
        user: Some(format!("{}:{}", user.0, user.1)),
        labels: Some(labels),
        host_config: Some(host_config(program)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(program: &Program) -> HostConfig {
    let memory = program.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok());
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
        nano_cpus: program.cpus.map(|cpus| (cpus * 1e9) as i64),
        pids_limit: Some(PIDS),
        init: Some(true),
        mounts: Some(program.mounts.iter().map(mount).collect()),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(log),
        }),
        ..HostConfig::default()
    }
}

fn mount(mount: &crate::contract::Mount) -> Mount {
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
    use proptest::prelude::*;
    use std::path::PathBuf;

    proptest! {
        /// Whatever a pipeline file asks for, the fields that open the host stay shut.
        #[test]
        fn no_program_opens_the_host(
            command in proptest::collection::vec(".*", 1..4),
            environment in proptest::collection::btree_map("[A-Z]{1,8}", ".*", 0..4),
            cpus in proptest::option::of(0.01..64.0),
            memory_bytes in proptest::option::of(0..u64::MAX),
            bridge: bool,
        ) {
            let program = Program {
                image: Some("sha256:0".into()),
                command,
                environment,
                mounts: Vec::new(),
                working_directory: None,
                cpus,
                memory_bytes,
                network: if bridge { Network::Bridge } else { Network::None },
                log_file: PathBuf::from("/log"),
            };
            let body = serde_json::to_value(container(&program, (10001, 10001), HashMap::new())).unwrap();
            let host = &body["HostConfig"];
            prop_assert!(["none", "bridge"].contains(&host["NetworkMode"].as_str().unwrap()));
            prop_assert_eq!(&host["CapDrop"], &serde_json::json!(["ALL"]));
            prop_assert_eq!(&host["ReadonlyRootfs"], &serde_json::json!(true));
            for shut in ["Privileged", "CapAdd", "Devices", "DeviceRequests", "PidMode", "IpcMode", "UsernsMode",
                         "UTSMode", "Binds", "VolumesFrom", "CgroupParent", "Sysctls", "PortBindings", "Runtime"] {
                prop_assert!(host.get(shut).is_none_or(serde_json::Value::is_null), "{} is set", shut);
            }
            prop_assert_eq!(&body["User"], &serde_json::json!("10001:10001"));
        }
    }
}
