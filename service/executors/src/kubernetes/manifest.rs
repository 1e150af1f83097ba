//! The job of an attempt. What its pod is given of its node is all here: no other file names a pod's specification.
//!
//! `bring` lays out the inputs, then `step` and `take` run side by side: `take` waits for the end of `step` and takes
//! away what it said and made. That works on every version of Kubernetes.

use super::name;
use super::settings::{KubernetesSettings, Placement};
use crate::contract::{AttemptKey, InputContent, Network, Program, SECRETS};
use k8s_openapi::ByteString;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, LocalObjectReference, ObjectFieldSelector,
    PodSecurityContext, PodSpec, PodTemplateSpec, ResourceRequirements, SeccompProfile, Secret, SecretKeySelector,
    SecretVolumeSource, SecurityContext, Toleration, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::BTreeMap;
use std::path::Path;
use trainyard_core::secret::path_variable;
use trainyard_stage::{GRACE, place};

/// Containers of a pod.
pub(super) const BRING: &str = "bring";
pub(super) const STEP: &str = "step";
pub(super) const TAKE: &str = "take";
/// Where the stage image has its program.
const STAGE: &str = "/trainyard-stage";
/// Who programs run as.
const USER: i64 = 10_001;
/// Where every program may write, besides its outputs, and how much.
const TMP: (&str, &str) = ("/tmp", "1Gi");
/// GPUs, as nodes have them, and the label by which an operator says of which type these are.
const GPU: &str = "nvidia.com/gpu";
const GPU_TYPE: &str = "trainyard.io/gpu-type";
/// Bytes of `/dev/shm` where nobody asks for more.
const SHARED_MEMORY: u64 = 64 << 20;
/// After the program's own grace its log and its end are taken away within this time.
const TAKEN: i64 = 50;
/// What stands beside a program asks for so much; it may use more where there is more.
const BESIDE: [(&str, &str); 2] = [("cpu", "10m"), ("memory", "32Mi")];
/// The same in thousandths of a CPU.
const BESIDE_CPU: f64 = 10.0;
/// Bytes of the outputs of a step without a limit.
pub(super) const MOST_OUTPUTS: u64 = 500 << 30;

/// An attempt, as its job is made of it.
pub(super) struct Attempt<'a> {
    pub(super) owner: &'a str,
    pub(super) key: &'a AttemptKey,
    pub(super) program: &'a Program,
    pub(super) settings: &'a KubernetesSettings,
    /// By digest.
    pub(super) image: &'a str,
    /// By digest.
    pub(super) stage_image: &'a str,
}

/// The name of an input in the volume of inputs, or of later ones.
pub(super) fn input(place: usize) -> String {
    format!("input-{place}")
}

/// The secret with the address of the task.
pub(super) fn task_secret(name: &str) -> String {
    format!("{name}-task")
}

/// The secret with the step's own.
pub(super) fn step_secret(name: &str) -> String {
    format!("{name}-secrets")
}

/// A secret that belongs to the job, once there is one.
pub(super) fn secret(owner: &str, job: &str, name: &str, data: BTreeMap<String, Vec<u8>>) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(name::labels(owner, job)),
            ..ObjectMeta::default()
        },
        data: Some(data.into_iter().map(|(key, value)| (key, ByteString(value))).collect()),
        ..Secret::default()
    }
}

/// What makes something go with its job.
pub(super) fn owned_by(job: &Job) -> Option<OwnerReference> {
    Some(OwnerReference {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        name: job.metadata.name.clone()?,
        uid: job.metadata.uid.clone()?,
        ..OwnerReference::default()
    })
}

impl Attempt<'_> {
    /// The whole request.
    pub(super) fn job(&self) -> Job {
        let name = name::job(self.owner, self.key);
        let labels = name::labels(self.owner, &name);
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            labels: Some(labels.clone()),
            annotations: Some(name::annotations(self.key)),
            ..ObjectMeta::default()
        };
        Job {
            metadata,
            spec: Some(JobSpec {
                backoff_limit: Some(0),
                completions: Some(1),
                parallelism: Some(1),
                ttl_seconds_after_finished: i32::try_from(self.settings.keep.as_secs()).ok(),
                template: PodTemplateSpec {
                    metadata: Some(ObjectMeta {
                        labels: Some(labels),
                        annotations: Some(name::annotations(self.key)),
                        ..ObjectMeta::default()
                    }),
                    spec: Some(self.pod(&name)),
                },
                ..JobSpec::default()
            }),
            ..Job::default()
        }
    }

    fn pod(&self, name: &str) -> PodSpec {
        let Placement {
            mut node_selector,
            tolerations,
            ..
        } = self.settings.placement(self.key.node.as_str());
        let gpu_type = self.program.gpus.as_ref().and_then(|gpus| gpus.model.clone());
        node_selector.extend(gpu_type.map(|model| (GPU_TYPE.to_owned(), model)));
        let tolerations = tolerations.into_iter().map(|tolerated| Toleration {
            operator: Some(if tolerated.value.is_some() { "Equal" } else { "Exists" }.to_owned()),
            key: tolerated.key,
            value: tolerated.value,
            effect: tolerated.effect,
            ..Toleration::default()
        });
        let pull = self.settings.pull_secret.clone();
        PodSpec {
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            service_account_name: self.settings.service_account.clone(),
            image_pull_secrets: pull.map(|name| vec![LocalObjectReference { name }]),
            node_selector: Some(node_selector).filter(|labels| !labels.is_empty()),
            tolerations: Some(tolerations.collect()),
            restart_policy: Some("Never".to_owned()),
            termination_grace_period_seconds: Some(i64::try_from(GRACE.as_secs()).unwrap_or_default() + TAKEN),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(USER),
                run_as_group: Some(USER),
                fs_group: Some(USER),
                seccomp_profile: Some(seccomp()),
                ..PodSecurityContext::default()
            }),
            init_containers: Some(vec![self.bring()]),
            containers: vec![self.step(name), self.take()],
            volumes: Some(self.volumes(name)),
            ..PodSpec::default()
        }
    }

    fn volumes(&self, name: &str) -> Vec<Volume> {
        let most = self.program.largest_file.unwrap_or(MOST_OUTPUTS);
        let shm = self.program.shm_bytes.unwrap_or(SHARED_MEMORY);
        let mut volumes = vec![
            empty("shared", None, None),
            empty("inputs", None, None),
            empty("later", None, None),
            empty("outputs", None, Some(most.to_string())),
            empty("scratch", None, None),
            empty("tmp", Some("Memory"), Some(TMP.1.to_owned())),
            empty("shm", Some("Memory"), Some(shm.max(1).to_string())),
            from_secret("task", task_secret(name)),
        ];
        volumes.extend((!self.program.secrets.is_empty()).then(|| from_secret("secrets", step_secret(name))));
        volumes
    }

    fn bring(&self) -> Container {
        let mounts = vec![
            mount("shared", place::SHARED),
            mount("inputs", place::INPUTS),
            mount("later", place::LATER),
            read_only("task", place::TASK),
        ];
        self.beside(BRING, "in", mounts)
    }

    fn take(&self) -> Container {
        let mounts = vec![
            mount("shared", place::SHARED),
            mount("later", place::LATER),
            read_only("outputs", place::OUTPUTS),
            mount("scratch", place::SCRATCH),
            read_only("task", place::TASK),
        ];
        self.beside(TAKE, "out", mounts)
    }

    /// A container of ours beside the program.
    fn beside(&self, name: &str, verb: &str, mounts: Vec<VolumeMount>) -> Container {
        let uid = EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: "metadata.uid".to_owned(),
                ..ObjectFieldSelector::default()
            }),
            ..EnvVarSource::default()
        };
        Container {
            name: name.to_owned(),
            image: Some(self.stage_image.to_owned()),
            command: Some(vec![STAGE.to_owned(), verb.to_owned()]),
            env: Some(vec![EnvVar {
                name: "TRAINYARD_POD".to_owned(),
                value_from: Some(uid),
                ..EnvVar::default()
            }]),
            volume_mounts: Some(mounts),
            security_context: Some(closed()),
            resources: Some(ResourceRequirements {
                requests: Some(
                    BESIDE
                        .map(|(key, value)| (key.to_owned(), Quantity(value.to_owned())))
                        .into(),
                ),
                ..ResourceRequirements::default()
            }),
            ..Container::default()
        }
    }

    fn step(&self, name: &str) -> Container {
        let program = self.program;
        let mut mounts = vec![
            mount("shared", place::SHARED),
            mount("tmp", TMP.0),
            mount("shm", "/dev/shm"),
        ];
        for (place, asked) in program.inputs.iter().enumerate() {
            let volume = match asked.content {
                InputContent::Later => "later",
                _ => "inputs",
            };
            mounts.push(VolumeMount {
                sub_path: Some(input(place)),
                ..read_only(volume, &asked.target.to_string_lossy())
            });
        }
        mounts.extend(
            program
                .outputs
                .iter()
                .map(|target| mount("outputs", &target.to_string_lossy())),
        );
        mounts.extend((!program.secrets.is_empty()).then(|| read_only("secrets", SECRETS)));
        let wrapped = trainyard_stage::Program {
            command: program.command.clone(),
            network: program.network == Network::Bridge,
            largest_file: program.largest_file,
        };
        let command = std::iter::once(place::PROGRAM.to_owned()).chain(wrapped.arguments("run"));
        let devices = self.settings.placement(self.key.node.as_str()).devices;
        let gpus = program.gpus.iter().map(|gpus| (GPU.to_owned(), gpus.count));
        let devices = devices.into_iter().chain(gpus);
        let devices = devices.map(|(name, count)| (name, Quantity(count.to_string())));
        let memory = program
            .memory_bytes
            .map(|bytes| ("memory".to_owned(), Quantity(bytes.max(1).to_string())));
        let millis = program.cpus.map(|cpus| (cpus * 1e3).ceil().max(1.0));
        let millicpus = |count: f64| ("cpu".to_owned(), Quantity(format!("{count}m")));
        let cpu = millis.map(millicpus);
        // With what stands beside it the pod asks for what the step asks for, which may be a whole node.
        let requests = millis.map(|count| [millicpus((count - BESIDE_CPU).max(1.0))].into());
        let limits: BTreeMap<_, _> = devices.chain(memory).chain(cpu).collect();
        Container {
            name: STEP.to_owned(),
            image: Some(self.image.to_owned()),
            command: (!program.command.is_empty()).then(|| command.map(|word| literal(&word)).collect()),
            env: Some(self.environment(name)),
            volume_mounts: Some(mounts),
            security_context: Some(closed()),
            // What else is not asked for is what is allowed.
            resources: Some(ResourceRequirements {
                requests,
                limits: Some(limits).filter(|limits| !limits.is_empty()),
                ..ResourceRequirements::default()
            }),
            ..Container::default()
        }
    }

    /// No value of a secret is in it.
    fn environment(&self, name: &str) -> Vec<EnvVar> {
        let plain = |name: &str, value: String| EnvVar {
            name: name.to_owned(),
            value: Some(literal(&value)),
            ..EnvVar::default()
        };
        let own = self.program.environment.iter();
        let mut variables: Vec<_> = own.map(|(name, value)| plain(name, value.clone())).collect();
        for secret in &self.program.secrets {
            let file = Path::new(SECRETS).join(&secret.place).display().to_string();
            variables.push(plain(&path_variable(&secret.place), file));
            variables.extend(secret.environment.then(|| EnvVar {
                name: secret.place.clone(),
                value_from: Some(EnvVarSource {
                    secret_key_ref: Some(SecretKeySelector {
                        name: step_secret(name),
                        key: secret.place.clone(),
                        ..SecretKeySelector::default()
                    }),
                    ..EnvVarSource::default()
                }),
                ..EnvVar::default()
            }));
        }
        variables
    }
}

/// As strict as a container of Docker's.
fn closed() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        privileged: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        seccomp_profile: Some(seccomp()),
        ..SecurityContext::default()
    }
}

fn seccomp() -> SeccompProfile {
    SeccompProfile {
        type_: "RuntimeDefault".to_owned(),
        localhost_profile: None,
    }
}

fn empty(name: &str, medium: Option<&str>, most: Option<String>) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            medium: medium.map(str::to_owned),
            size_limit: most.map(Quantity),
        }),
        ..Volume::default()
    }
}

fn from_secret(name: &str, secret: String) -> Volume {
    Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            default_mode: Some(0o440),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn mount(volume: &str, at: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: at.to_owned(),
        ..VolumeMount::default()
    }
}

fn read_only(volume: &str, at: &str) -> VolumeMount {
    VolumeMount {
        read_only: Some(true),
        ..mount(volume, at)
    }
}

/// Kubernetes replaces `$(NAME)` in commands and variables, and makes one `$` of two.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests;
