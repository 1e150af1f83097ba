//! What a container is given of its host: all of it is a field here, and [`Wall::host_config`] is the only place
//! that makes Docker's own configuration of it. There is no field for privileges, namespaces of the host or of
//! other containers, devices but the GPUs that were chosen for it, added capabilities, security options, sysctls, cgroups or runtimes.

use crate::contract::{ExecutorError, Network, Program};
use crate::staging;
use bollard::models::{
    ContainerUpdateBody, DeviceRequest, HostConfig, HostConfigLogConfig, Mount, MountType, ResourcesUlimits,
};
use std::path::{Component, Path, PathBuf};

/// Processes and threads of one step.
const PIDS: i64 = 1024;
/// Processes and threads of one `RUN` line of a build: compilers start many.
pub(super) const BUILD_PIDS: i64 = 4096;
/// Files that a process has open at a time, and no more than this process may have: an engine that has no more
/// itself starts nothing with more.
const OPEN_FILES: u64 = 65_536;
/// Docker's own least, in billionths; 0 would mean no limit.
const LEAST_CPU: i64 = 10_000_000;
/// Where every program may write, besides its outputs.
const TMP: &str = "/tmp";
/// The size of `/tmp`, and of each folder that an image declares as a volume; they count as memory.
const TMP_OPTIONS: &str = "rw,nosuid,nodev,size=1g,mode=1777";
/// Bytes of `/dev/shm` where nobody asks for more, which count as memory.
const SHARED_MEMORY: i64 = 64 << 20;
/// Where the machine has no memory left, a step goes before the service and whatever else runs there.
const KILLED_FIRST: i64 = 500;
/// Docker's own copy of the log. What it drops before we have read it is lost, and it writes 80 bytes
/// beside each line: with this size it holds what our files can, down to lines of a few bytes.
const DOCKER_LOG: [(&str, &str); 2] = [("max-size", "128m"), ("max-file", "2")];

/// Everything that a container is given of its host.
pub(super) struct Wall {
    network: Network,
    memory_bytes: Option<u64>,
    shm_bytes: Option<u64>,
    cpus: Option<f64>,
    largest_file: Option<u64>,
    shown: Vec<staging::Mount>,
    in_memory: Vec<String>,
    gpus: Vec<String>,
}

impl Wall {
    /// That of a program. `volumes` are those that its image declares: Docker would put folders of the host there
    /// that the program may fill, and nobody measures. They are empty ones in memory.
    pub(super) fn new(program: &Program, shown: &[staging::Mount], volumes: &[String], gpus: &[String]) -> Self {
        let ours = |volume: &String| shown.iter().any(|mount| mount.target == Path::new(volume));
        let volumes = volumes.iter().map(|volume| plain(volume));
        let volumes = volumes.filter(|volume| volume != "/" && !ours(volume));
        Self {
            network: program.network,
            memory_bytes: program.memory_bytes,
            shm_bytes: program.shm_bytes,
            cpus: program.cpus,
            largest_file: program.largest_file,
            shown: shown.to_vec(),
            in_memory: volumes.chain([TMP.to_owned()]).collect(),
            gpus: gpus.to_vec(),
        }
    }

    /// In Docker's words.
    pub(super) fn host_config(self) -> HostConfig {
        // 0 would mean no limit at all: Docker is asked for less than it grants, and says so.
        let memory = self.memory_bytes.map(|bytes| number(bytes).max(1));
        let log = DOCKER_LOG.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let in_memory = self.in_memory.into_iter();
        HostConfig {
            network_mode: Some(
                match self.network {
                    Network::None => "none",
                    Network::Bridge => "bridge",
                }
                .to_owned(),
            ),
            privileged: Some(false),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            ipc_mode: Some("private".to_owned()),
            readonly_rootfs: Some(true),
            tmpfs: Some(in_memory.map(|target| (target, TMP_OPTIONS.to_owned())).collect()),
            // 0 would mean Docker's own.
            shm_size: Some(self.shm_bytes.map_or(SHARED_MEMORY, |bytes| number(bytes).max(1))),
            memory,
            // The same number forbids swap.
            memory_swap: memory,
            oom_score_adj: Some(KILLED_FIRST),
            nano_cpus: self.cpus.map(|cpus| ((cpus * 1e9) as i64).max(LEAST_CPU)),
            pids_limit: Some(PIDS),
            ulimits: Some(limits(self.largest_file)),
            init: Some(true),
            // Those that were chosen, one by one: never all.
            device_requests: (!self.gpus.is_empty()).then(|| vec![gpus(self.gpus)]),
            mounts: Some(self.shown.iter().map(bind).collect()),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(log.into()),
            }),
            ..HostConfig::default()
        }
    }
}

fn gpus(ids: Vec<String>) -> DeviceRequest {
    DeviceRequest {
        driver: Some("nvidia".to_owned()),
        device_ids: Some(ids),
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    }
}

/// Of each process: open files, no core dumps, and the size of a file.
pub(super) fn limits(largest_file: Option<u64>) -> Vec<ResourcesUlimits> {
    let limit = |name: &str, most: i64| ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(most),
        hard: Some(most),
    };
    let file = largest_file.map(|bytes| limit("fsize", number(bytes)));
    [limit("nofile", number(open_files())), limit("core", 0)]
        .into_iter()
        .chain(file)
        .collect()
}

/// What a container of a build is given less of.
pub(super) fn processes_of_builds() -> ContainerUpdateBody {
    ContainerUpdateBody {
        pids_limit: Some(BUILD_PIDS),
        ..ContainerUpdateBody::default()
    }
}

fn open_files() -> u64 {
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    own.map_or(OPEN_FILES, |own| own.min(OPEN_FILES))
}

/// Refuses what is no file or folder of its own: a link shows what it leads to, and a socket who listens.
pub(super) fn check(shown: &[staging::Mount]) -> Result<(), ExecutorError> {
    for mount in shown {
        // What is not there is Docker's to say.
        let Ok(found) = mount.source.symlink_metadata() else {
            continue;
        };
        if !(found.is_file() || found.is_dir()) {
            return Err(ExecutorError::Refused {
                message: format!(
                    "{} cannot be shown to the step, since {} is a link, a socket or a device: put a file or folder there",
                    mount.target.display(),
                    mount.source.display()
                ),
            });
        }
    }
    Ok(())
}

/// Whether programs of an image would start in a folder of the kernel's. CVE-2024-21626 led to the host's files so.
pub(super) fn starts_in_the_kernel(working_directory: Option<&str>) -> bool {
    let folder = plain(working_directory.unwrap_or_default());
    ["/proc", "/sys"]
        .iter()
        .any(|kernel| Path::new(&folder).starts_with(kernel))
}

/// What is said of such an image.
pub(super) fn in_the_kernel(image: &str) -> String {
    format!(
        "the image {image} starts its programs in a folder of the kernel's, from which they could leave their container: set another WORKDIR"
    )
}

/// An absolute path without `.`, `..` and doubled slashes.
fn plain(path: &str) -> String {
    let mut steps = PathBuf::from("/");
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => steps.push(name),
            Component::ParentDir => {
                steps.pop();
            }
            _ => {}
        }
    }
    steps.to_string_lossy().into_owned()
}

fn bind(mount: &staging::Mount) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(mount.source.display().to_string()),
        target: Some(mount.target.display().to_string()),
        read_only: Some(!mount.writable),
        ..Mount::default()
    }
}

fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
