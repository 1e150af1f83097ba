//! Who may name whom, and what is still wrong.

/// A crate, with the crates of the workspace that it may depend on.
pub struct Crate {
    pub name: &'static str,
    pub folder: &'static str,
    pub uses: &'static [&'static str],
    /// Those that its tests may depend on as well.
    pub in_tests: &'static [&'static str],
}

const fn member(name: &'static str, folder: &'static str, uses: &'static [&'static str]) -> Crate {
    Crate {
        name,
        folder,
        uses,
        in_tests: &[],
    }
}

pub const CORE: &str = "trainyard-core";
pub const STORE: &str = "trainyard-store";
const EXECUTORS: &str = "trainyard-executors";
const GITHUB: &str = "trainyard-github";
const SOURCES: &str = "trainyard-sources";
const STAGE: &str = "trainyard-stage";
pub const ENGINE: &str = "trainyard-engine";
pub const SERVER: &str = "trainyard";
const TFDV: &str = "trainyard-tfdv";
const TFMA: &str = "trainyard-tfma";
const COMPONENTS: &str = "trainyard-components";

pub const CRATES: [Crate; 11] = [
    member(CORE, "service/core", &[]),
    member(STORE, "service/store", &[CORE]),
    member(EXECUTORS, "service/executors", &[CORE, SOURCES, STAGE]),
    member(GITHUB, "service/github", &[CORE]),
    member(SOURCES, "service/sources", &[CORE]),
    member(STAGE, "service/stage", &[]),
    member(
        ENGINE,
        "service/engine",
        &[CORE, STORE, EXECUTORS, GITHUB, SOURCES, TFDV],
    ),
    Crate {
        in_tests: &[GITHUB],
        ..member(SERVER, "service/server", &[ENGINE, STORE, CORE])
    },
    member(TFDV, "pipelines/tfdv", &[]),
    member(TFMA, "pipelines/tfma", &[]),
    Crate {
        in_tests: &[CORE],
        ..member(COMPONENTS, "pipelines/components", &[TFDV, TFMA])
    },
];

/// Dependencies that are one crate's own.
pub const OWNERS: [(&str, &str); 5] = [
    ("sqlx", STORE),
    ("bollard", EXECUTORS),
    ("kube", EXECUTORS),
    ("octocrab", GITHUB),
    ("object_store", SOURCES),
];

/// What opens the host to a container, with the only file that may name it.
pub const CONFINED: [(&str, &str, &str); 9] = [
    ("HostConfig", EXECUTORS, "docker/wall"),
    ("ContainerUpdateBody", EXECUTORS, "docker/wall"),
    ("MountType", EXECUTORS, "docker/wall"),
    ("ResourcesUlimits", EXECUTORS, "docker/wall"),
    ("ContainerCreateBody", EXECUTORS, "docker/isolation.rs"),
    ("create_container", EXECUTORS, "docker/mod.rs"),
    ("PodSpec", EXECUTORS, "kubernetes/manifest"),
    ("SecurityContext", EXECUTORS, "kubernetes/manifest"),
    ("JobSpec", EXECUTORS, "kubernetes/manifest"),
];

/// The rooms of core, bottom to top: each may name those before it.
pub const CORE_ROOMS: [&str; 38] = [
    "ids",
    "glob",
    "permission",
    "placeholder",
    "suggest",
    "quantity",
    "machine",
    "figure",
    "gpu",
    "json",
    "executor_output",
    "problem",
    "stored",
    "access",
    "left_out",
    "secret",
    "log",
    "node",
    "artifact",
    "evaluation",
    "command",
    "event",
    "plan",
    "schedule",
    "span",
    "gate",
    "retention",
    "cache_key",
    "run",
    "admission",
    "registry",
    "notify",
    "spec",
    "trigger",
    "report",
    "inbound",
    "dispatch",
    "lib",
];

/// The rooms of the engine, each with those that it may name.
pub const ENGINE_ROOMS: [(&str, &[&str]); 13] = [
    ("house", &[]),
    ("content", &["house"]),
    ("source", &["house", "content"]),
    ("serving", &["house", "content"]),
    ("tell", &["house"]),
    ("registry", &["house", "content", "serving"]),
    ("run", &["house", "content", "source", "serving", "registry"]),
    ("inbound", &["house", "source"]),
    (
        "asks",
        &["house", "content", "source", "serving", "registry", "run", "inbound"],
    ),
    ("engine", EVERY_ROOM),
    ("deeds", EVERY_ROOM),
    ("loops", EVERY_ROOM),
    ("lib", EVERY_ROOM),
];
const EVERY_ROOM: &[&str] = &[
    "house", "content", "source", "serving", "tell", "registry", "run", "inbound", "asks", "engine", "loops",
];

/// Types whose methods are in the rooms that they are about.
pub const SPREAD: [&str; 1] = ["Engine"];

/// Arrows that still go the wrong way: of a crate, from a file to a file, or from a folder to a folder. Each is set
/// aside until its line here goes.
pub const NOT_YET: &[(&str, &str, &str)] = &[];

/// Dependencies that are still wrong.
pub const NOT_YET_IN_MANIFESTS: &[(&str, &str)] = &[];
