//! Jobs of a Kubernetes cluster, by deterministic name. What is read and made goes through a bucket, images through a
//! registry; see `KUBERNETES.md`.

mod cluster;
mod end;
mod ended;
mod freight;
mod logs;
mod manifest;
mod name;
mod settings;

pub use settings::{KubernetesSettings, Placement, Tolerated};

use crate::abandoned::Abandoned;
use crate::contract::*;
use crate::docker::DockerImageBuilder;
use crate::staging::{BEGAN, Mount, STOPPED, Staging, User};
use chrono::Utc;
use cluster::{Cluster, of_owner, status};
use end::{Interruption, Seen, Waits, has_begun, reported, seen, time, waits_for};
use ended::{Ended, How};
use freight::{Freight, TaskAddress, told};
use futures_util::StreamExt as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use manifest::{Attempt, owned_by, secret, step_secret, task_secret};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use trainyard_sources::{Exchange, ObjectError};
use trainyard_stage::{GRACE, Packed};

/// `settled` looks again this soon where the cluster does not let it watch.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// A pod that was asked to end is gone after its grace, what is taken away, and this.
const GONE: Duration = Duration::from_secs(90);
/// Between two looks at a pod that is to go.
const LOOK: Duration = Duration::from_millis(250);
/// A registry that fails is asked so often again, after this time; then the attempt waits.
const PUSHES: u32 = 3;
const PUSH_AGAIN: Duration = Duration::from_secs(1);
/// Noted when outputs were brought here.
const BROUGHT: &str = "brought";
/// Who lays attempts out here; pods have their own user.
const HERE: Option<User> = None;
/// The longest a watch may be asked for.
const LONGEST_WATCH: u32 = 290;

/// Runs programs as jobs. Cheap to clone.
#[derive(Clone)]
pub struct KubernetesExecutor(Arc<Inner>);

struct Inner {
    cluster: Cluster,
    settings: KubernetesSettings,
    exchange: Result<Exchange, String>,
    images: DockerImageBuilder,
    owner: String,
    staging: Staging,
    /// Images that are in the registry, by id: by which names they are pulled.
    pushed: Mutex<HashMap<String, String>>,
    /// Held while an image is pushed.
    pushing: tokio::sync::Mutex<()>,
    /// Attempts that are being started.
    starting: Mutex<HashMap<AttemptKey, Abandoned>>,
}

/// A job of ours and its pods.
struct Found {
    job: Job,
    pods: Vec<Pod>,
}

impl Found {
    fn is_stopped(&self) -> bool {
        self.job.spec.as_ref().and_then(|spec| spec.parallelism) == Some(0)
    }

    fn is_finished(&self) -> bool {
        let conditions = self.job.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions.is_some_and(|conditions| {
            conditions
                .iter()
                .any(|found| found.status == "True" && ["Complete", "Failed"].contains(&found.type_.as_str()))
        })
    }
}

impl KubernetesExecutor {
    /// A cluster that need not answer yet. `images` are those of the engine that pushes them.
    pub fn new(settings: KubernetesSettings, owner: &str, images: DockerImageBuilder, staging: Staging) -> Self {
        Self(Arc::new(Inner {
            cluster: Cluster::new(&settings),
            exchange: Exchange::open(&settings.store).map_err(|error: ObjectError| error.to_string()),
            settings,
            images,
            owner: owner.to_owned(),
            staging,
            pushed: Mutex::default(),
            pushing: tokio::sync::Mutex::default(),
            starting: Mutex::default(),
        }))
    }

    /// What answers, for people, once everything was tried: cluster, rights, bucket, registry.
    pub async fn describe(&self) -> Result<String, ExecutorError> {
        let Inner { cluster, settings, .. } = &*self.0;
        let version = cluster.version().await?;
        cluster.rights().await?;
        let exchange = self.exchange()?;
        exchange.check().await.map_err(told)?;
        self.stage_image().await?;
        Ok(format!(
            "{version}, namespace {}, {}, {}",
            settings.namespace,
            exchange.place(),
            settings.registry
        ))
    }

    fn exchange(&self) -> Result<&Exchange, ExecutorError> {
        let opened = self.0.exchange.as_ref();
        opened.map_err(|message| ExecutorError::Refused {
            message: message.clone(),
        })
    }

    fn freight(&self, key: &AttemptKey) -> Result<Freight<'_>, ExecutorError> {
        Ok(Freight {
            exchange: self.exchange()?,
            folder: name::folder(&self.0.owner, key),
        })
    }

    fn name(&self, key: &AttemptKey) -> String {
        name::job(&self.0.owner, key)
    }

    fn starting(&self) -> MutexGuard<'_, HashMap<AttemptKey, Abandoned>> {
        self.0.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pushed(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Our job of this name, and its own pods: those of an older one of the same name may still be on their way out.
    async fn find(&self, key: &AttemptKey) -> Result<Option<Found>, ExecutorError> {
        let (cluster, name) = (&self.0.cluster, self.name(key));
        let jobs = cluster.jobs().await?;
        let job = cluster.found("find a job", jobs.get(&name)).await?;
        let ours = |job: &Job| {
            job.metadata
                .labels
                .as_ref()
                .is_some_and(|labels| labels.get(name::OWNER) == Some(&self.0.owner))
        };
        let Some(job) = job.filter(ours) else {
            return Ok(None);
        };
        let pods = cluster.pods().await?;
        let listed = cluster.answered("list pods", pods.list(&self.of_job(&name))).await?;
        let its = |pod: &Pod| {
            let owners = pod.metadata.owner_references.iter().flatten();
            owners
                .into_iter()
                .any(|owner| Some(&owner.uid) == job.metadata.uid.as_ref())
        };
        let pods = listed.items.into_iter().filter(its).collect();
        Ok(Some(Found { job, pods }))
    }

    fn of_job(&self, name: &str) -> ListParams {
        ListParams::default().labels(&format!("{}={name}", name::JOB))
    }

    /// The name by which nodes pull an image of the engine.
    async fn in_registry(&self, image: &str) -> Result<String, ExecutorError> {
        // One after the other: registries fail where the same layer comes twice at once.
        let _turn = self.0.pushing.lock().await;
        if let Some(known) = self.pushed().get(image) {
            return Ok(known.clone());
        }
        let mut tries = 0..PUSHES;
        let pushed = loop {
            match self.0.images.push(image, &self.0.settings.registry).await {
                Err(BuildError::Interrupted { .. }) if tries.next().is_some() => sleep(PUSH_AGAIN).await,
                pushed => break pushed.map_err(unbuilt)?,
            }
        };
        self.pushed().insert(image.to_owned(), pushed.clone());
        Ok(pushed)
    }

    async fn stage_image(&self) -> Result<String, ExecutorError> {
        let id = self
            .0
            .images
            .resolve(&self.0.settings.stage_image)
            .await
            .map_err(unbuilt)?;
        self.in_registry(&id).await
    }

    /// Makes the job; secrets first, so that its pod finds them, and then these are the job's.
    async fn make(&self, key: &AttemptKey, program: &Program, task: TaskAddress) -> Result<(), ExecutorError> {
        let Inner {
            cluster,
            settings,
            owner,
            staging,
            ..
        } = &*self.0;
        let image = program.image.as_deref().ok_or_else(|| ExecutorError::Refused {
            message: "a step without an image cannot run in a cluster: give it one".to_owned(),
        })?;
        let (image, stage_image) = (self.in_registry(image).await?, self.stage_image().await?);
        let attempt = Attempt {
            owner,
            key,
            program,
            settings,
            image: &image,
            stage_image: &stage_image,
        };
        let name = self.name(key);
        let data = [
            ("address", task.address.into_bytes()),
            ("sha256", task.sha256.into_bytes()),
        ];
        let data = data.map(|(key, value)| (key.to_owned(), value)).into();
        self.put_secret(secret(owner, &name, &task_secret(&name), data)).await?;
        if !program.secrets.is_empty() {
            let own = program.secrets.iter();
            let own: BTreeMap<_, _> = own
                .map(|secret| (secret.place.clone(), secret.value.bytes().to_vec()))
                .collect();
            self.put_secret(secret(owner, &name, &step_secret(&name), own)).await?;
        }
        if self.starting().get(key).is_some_and(Abandoned::is_so) {
            return Err(ExecutorError::Failed {
                message: "it was stopped before it began".to_owned(),
                source: None,
            });
        }
        let jobs = cluster.jobs().await?;
        let made = match jobs.create(&PostParams::default(), &attempt.job()).await {
            Ok(job) => Some(job),
            Err(error) if status(&error) == Some(409) => self.find(key).await?.map(|found| found.job),
            Err(error) => return Err(cluster.failed("make a job", error)),
        };
        let job = made.ok_or_else(|| ExecutorError::Failed {
            message: format!("a job {name} is there that is not ours: remove it with `kubectl delete job {name}`"),
            source: None,
        })?;
        staging.note(key, BEGAN);
        self.own(&job, !program.secrets.is_empty()).await
    }

    async fn put_secret(&self, secret: Secret) -> Result<(), ExecutorError> {
        let cluster = &self.0.cluster;
        let secrets = cluster.secrets().await?;
        match secrets.create(&PostParams::default(), &secret).await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(409) => {
                let name = secret.metadata.name.clone().unwrap_or_default();
                let params = PatchParams::default();
                let patch = Patch::Merge(&secret);
                let patched = secrets.patch(&name, &params, &patch);
                cluster.answered("change a secret", patched).await.map(drop)
            }
            Err(error) => Err(cluster.failed("make a secret", error)),
        }
    }

    /// Secrets go with their job.
    async fn own(&self, job: &Job, with_secrets: bool) -> Result<(), ExecutorError> {
        let (cluster, name) = (&self.0.cluster, job.metadata.name.clone().unwrap_or_default());
        let secrets = cluster.secrets().await?;
        let owned = json!({"metadata": {"ownerReferences": [owned_by(job)]}});
        let names = [Some(task_secret(&name)), with_secrets.then(|| step_secret(&name))];
        for secret in names.into_iter().flatten() {
            let params = PatchParams::default();
            cluster
                .found(
                    "change a secret",
                    secrets.patch(&secret, &params, &Patch::Merge(&owned)),
                )
                .await?;
        }
        Ok(())
    }

    async fn started(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        let staging = &self.0.staging;
        let laid: Vec<Mount> = staging.lay_out(key, program, HERE).await?;
        if Ended::read(staging, key).is_some() {
            return Ok(());
        }
        match self.find(key).await? {
            Some(found) => return self.own(&found.job, true).await,
            // One that was made and is gone is not made again over what it left: it is lost.
            None if staging.is_noted(key, BEGAN) => return Ok(()),
            None => {}
        }
        let task = self.freight(key)?.load(program, &laid).await?;
        self.make(key, program, task).await
    }

    /// How it ended, kept for ever after.
    async fn ended(&self, key: &AttemptKey, found: &Found) -> Result<Option<Ended>, ExecutorError> {
        if found.pods.is_empty() && (found.is_stopped() || found.is_finished()) {
            return self.after_its_pod(key, found.is_stopped()).await.map(Some);
        }
        let over = |interruption: Interruption| {
            let sentence = interruption.sentence();
            Some(Ended::new(
                match interruption {
                    Interruption::NeverStarted { waited, .. } if waited.is_final() => How::Refused(sentence),
                    Interruption::NeverStarted { .. } | Interruption::NotBrought { .. } => How::NotStarted(sentence),
                    _ => How::Interrupted(sentence),
                },
                None,
            ))
        };
        Ok(match seen(&found.pods) {
            Seen::Runs => None,
            Seen::Ended(exit) => Some(Ended::new(exit.into(), None)),
            Seen::Over(interruption) => over(interruption),
            Seen::Reported { pod, out_of_memory } => match self.freight(key)?.report().await? {
                Some(report) if report.pod == pod => Some(Ended::new(
                    reported(&report, out_of_memory).map_or_else(How::Refused, How::from),
                    Some(report),
                )),
                Some(_) => over(Interruption::BegunTwice),
                None => over(Interruption::NotTaken {
                    why: "it is not in the bucket any more".to_owned(),
                }),
            },
            Seen::Waits(waits) => {
                let waited = waits_for(&found.pods, time(&found.job.metadata.creation_timestamp), Utc::now());
                if !waits.is_final() && waited < self.0.settings.start_timeout {
                    return Ok(None);
                }
                let waited = Interruption::NeverStarted {
                    waited: self.explained(waits, found).await,
                    seconds: waited.as_secs(),
                };
                // An image that the registry has no more is pushed again.
                self.pushed().clear();
                self.discard(key, &found.pods).await?;
                over(waited)
            }
        })
    }

    /// Why, in the cluster's own words where it has some.
    async fn explained(&self, waits: Waits, found: &Found) -> Waits {
        let uid = match waits {
            Waits::NoPod => found.job.metadata.uid.as_ref(),
            Waits::Starting => found.pods.first().and_then(|pod| pod.metadata.uid.as_ref()),
            _ => None,
        };
        let words = match uid {
            Some(uid) => self.0.cluster.words(uid).await.ok().flatten(),
            None => None,
        };
        words.map_or(waits, |why| Waits::Container { why })
    }

    /// How one ended whose pod is gone.
    async fn after_its_pod(&self, key: &AttemptKey, stopped: bool) -> Result<Ended, ExecutorError> {
        Ok(match self.freight(key)?.report().await? {
            Some(report) => Ended::new(
                reported(&report, false).map_or_else(How::Refused, How::from),
                Some(report),
            ),
            None if stopped => Ended::new(How::Code(137), None),
            None => Ended::new(How::Interrupted(Interruption::PodGone { node: None }.sentence()), None),
        })
    }

    /// Ends a job and its pods, and returns before they are gone.
    async fn discard(&self, key: &AttemptKey, pods: &[Pod]) -> Result<(), ExecutorError> {
        let (cluster, name) = (&self.0.cluster, self.name(key));
        let jobs = cluster.jobs().await?;
        cluster
            .found("remove a job", jobs.delete(&name, &DeleteParams::background()))
            .await?;
        let api = cluster.pods().await?;
        for pod in pods {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let params = DeleteParams::background().grace_period(1);
            cluster.found("remove a pod", api.delete(name, &params)).await?;
        }
        Ok(())
    }

    /// Returns when one of the job's pods may have something new to say.
    async fn watched(&self, name: &str, at_most: Duration) -> Result<(), ExecutorError> {
        let cluster = &self.0.cluster;
        let seconds = u32::try_from(at_most.as_secs() + 1)
            .unwrap_or(LONGEST_WATCH)
            .min(LONGEST_WATCH);
        let params = WatchParams::default()
            .labels(&format!("{}={name}", name::JOB))
            .timeout(seconds);
        let pods = cluster.pods().await?;
        let events = cluster.answered("watch pods", pods.watch(&params, "0")).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => match seen(&[pod]) {
                    Seen::Waits(waits) if !waits.is_final() => {}
                    Seen::Runs => {}
                    _ => return Ok(()),
                },
                Ok(WatchEvent::Deleted(_)) => return Ok(()),
                Ok(WatchEvent::Bookmark(_)) => {}
                Ok(WatchEvent::Error(_)) | Err(_) => break,
            }
        }
        sleep(LOOK_AGAIN).await;
        Ok(())
    }

    /// The pod whose program's log is read, once there is one that speaks if `wait`ed for.
    async fn speaking(&self, key: &AttemptKey, wait: bool) -> Result<Option<String>, ExecutorError> {
        loop {
            let Some(found) = self.find(key).await? else {
                return Ok(None);
            };
            let speaks = |pod: &&Pod| !matches!(seen(std::slice::from_ref(*pod)), Seen::Over(Interruption::BegunTwice));
            let newest = found.pods.iter().filter(speaks);
            let newest = newest.max_by_key(|pod| pod.metadata.creation_timestamp.clone());
            if let Some(pod) = newest.filter(|pod| has_begun(pod)) {
                return Ok(pod.metadata.name.clone());
            }
            let ends = found.is_stopped() || found.is_finished() || Ended::read(&self.0.staging, key).is_some();
            if !wait || ends {
                return Ok(None);
            }
            sleep(LOOK).await;
        }
    }

    async fn said(self, key: AttemptKey, from: LogMark, follow: bool, listener: Listener) -> Result<(), ExecutorError> {
        if let Some(log) = self.whole_log(&key) {
            return self.whole(&key, log, from, listener).await;
        }
        let pod = self.speaking(&key, follow).await?;
        match (self.whole_log(&key), pod) {
            (Some(log), _) => self.whole(&key, log, from, listener).await,
            (None, Some(pod)) => logs::live(&self.0.cluster, &pod, from, follow, listener).await,
            (None, None) => Ok(()),
        }
    }

    /// The log in the bucket, of one that has ended.
    fn whole_log(&self, key: &AttemptKey) -> Option<Packed> {
        Ended::read(&self.0.staging, key)?.report?.log
    }

    async fn whole(
        &self,
        key: &AttemptKey,
        log: Packed,
        from: LogMark,
        listener: Listener,
    ) -> Result<(), ExecutorError> {
        let (exchange, name) = (self.exchange()?.clone(), self.freight(key)?.log());
        logs::whole(exchange, name, log.bytes, from, listener).await
    }
}

/// What kept an image from being in the registry.
fn unbuilt(error: BuildError) -> ExecutorError {
    let message = error.to_string();
    match error {
        BuildError::Unreachable { what, hint, source } => ExecutorError::Unreachable { what, hint, source },
        BuildError::Refused { .. } => ExecutorError::Refused { message },
        BuildError::Interrupted { .. } | BuildError::Failed { .. } => ExecutorError::Failed { message, source: None },
    }
}

impl Executor for KubernetesExecutor {
    async fn probe(&self) -> Result<(), ExecutorError> {
        self.0.cluster.version().await.map(drop)
    }

    fn input_path(&self, _key: &AttemptKey, input: &Input) -> PathBuf {
        input.target.clone()
    }

    fn output_path(&self, _key: &AttemptKey, outputs: &Path) -> PathBuf {
        outputs.to_owned()
    }

    async fn start(&self, key: &AttemptKey, program: &Program) -> Result<(), ExecutorError> {
        self.starting().insert(key.clone(), Abandoned::default());
        let started = self.started(key, program).await;
        self.starting().remove(key);
        started
    }

    async fn show(&self, key: &AttemptKey, source: &Path, target: &Path) -> Result<(), ExecutorError> {
        if self.find(key).await?.is_none() {
            return Err(ExecutorError::Failed {
                message: format!("nobody is there to see {}", target.display()),
                source: None,
            });
        }
        self.freight(key)?.show(source, target).await?;
        let source = source.to_owned();
        let removed = crate::apart(move || crate::remove_tree(&source)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%key, %error, "what was shown to a program is still there");
        }
        Ok(())
    }

    async fn observe(&self, key: &AttemptKey) -> Result<Observation, ExecutorError> {
        let staging = &self.0.staging;
        if let Some(ended) = Ended::read(staging, key) {
            return ended.observation();
        }
        let Some(found) = self.find(key).await? else {
            return Ok(Observation::Unknown);
        };
        match self.ended(key, &found).await? {
            None => Ok(Observation::Running),
            Some(ended) => {
                ended.keep(staging, key)?;
                ended.observation()
            }
        }
    }

    async fn settled(&self, key: &AttemptKey, at_most: Duration) {
        if Ended::read(&self.0.staging, key).is_some() {
            return;
        }
        let settled = async {
            match self.find(key).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    if self.watched(&self.name(key), at_most).await.is_err() {
                        sleep(LOOK_AGAIN).await;
                    }
                }
                Err(_) => sleep(LOOK_AGAIN).await,
            }
        };
        let _ = timeout(at_most, settled).await;
    }

    fn hidden(&self, key: &AttemptKey) -> Hidden {
        self.0.staging.hidden(key)
    }

    fn logs(&self, key: &AttemptKey, from: LogMark, follow: bool) -> LogStream {
        let (this, asked) = (self.clone(), key.clone());
        let said = stream_of(move |listener| this.said(asked, from, follow, listener));
        self.0.staging.without_secrets(key, said, follow)
    }

    async fn outputs(&self, key: &AttemptKey) -> Result<PathBuf, ExecutorError> {
        let staging = &self.0.staging;
        let outputs = staging.outputs(key);
        let parts = Ended::read(staging, key)
            .and_then(|ended| ended.report)
            .map(|report| report.outputs);
        let Some(parts) = parts.filter(|parts| !parts.is_empty() && !staging.is_noted(key, BROUGHT)) else {
            return Ok(outputs);
        };
        let arriving = outputs.with_extension("arriving");
        let place = arriving.clone();
        let clear = move || crate::remove_tree(&place).map_err(|error| ExecutorError::unwritten(&place, error));
        crate::apart(clear.clone()).await.unwrap_or(Ok(()))?;
        self.freight(key)?.unload(&parts, arriving.clone()).await?;
        let place = outputs.clone();
        let swapped = crate::apart(move || {
            crate::remove_tree(&place)?;
            std::fs::rename(&arriving, &place)
        });
        let swapped = swapped.await.unwrap_or(Ok(()));
        swapped.map_err(|error| ExecutorError::unwritten(&outputs, error))?;
        staging.keep_note(key, BROUGHT, b"")?;
        Ok(outputs)
    }

    async fn stop(&self, key: &AttemptKey, _grace: Duration) -> Result<(), ExecutorError> {
        let Inner { cluster, staging, .. } = &*self.0;
        staging.abandon(key);
        if let Some(starting) = self.starting().get(key) {
            starting.abandon();
        }
        if Ended::read(staging, key).is_some() {
            return Ok(());
        }
        let Some(found) = self.find(key).await? else {
            return Ok(());
        };
        if let Some(ended) = self.ended(key, &found).await? {
            return ended.keep(staging, key);
        }
        if matches!(seen(&found.pods), Seen::Waits(_)) {
            return self.discard(key, &found.pods).await;
        }
        staging.note(key, STOPPED);
        let (jobs, pods) = (cluster.jobs().await?, cluster.pods().await?);
        let none = json!({"spec": {"parallelism": 0}});
        let params = PatchParams::default();
        // The job makes no other pod, and stays for who asks about it.
        cluster
            .found("stop a job", jobs.patch(&self.name(key), &params, &Patch::Merge(&none)))
            .await?;
        for pod in &found.pods {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            cluster
                .found("stop a pod", pods.delete(name, &DeleteParams::default()))
                .await?;
        }
        let until = Instant::now() + GRACE + GONE;
        while Instant::now() < until {
            match self.find(key).await? {
                Some(found) if !found.pods.is_empty() => sleep(LOOK).await,
                _ => return self.after_its_pod(key, true).await?.keep(staging, key),
            }
        }
        Err(ExecutorError::Failed {
            message: format!(
                "the pod of job {} does not end: look at its node with `kubectl describe pod`",
                self.name(key)
            ),
            source: None,
        })
    }

    async fn remove(&self, key: &AttemptKey) -> Result<(), ExecutorError> {
        let cluster = &self.0.cluster;
        let name = self.name(key);
        if let Some(found) = self.find(key).await? {
            self.discard(key, &found.pods).await?;
        }
        let secrets = cluster.secrets().await?;
        for secret in [task_secret(&name), step_secret(&name)] {
            cluster
                .found("remove a secret", secrets.delete(&secret, &DeleteParams::default()))
                .await?;
        }
        self.freight(key)?.discard().await?;
        self.0.staging.remove(key).await
    }

    async fn address(&self, key: &AttemptKey) -> Result<Option<IpAddr>, ExecutorError> {
        let found = self.find(key).await?;
        let pods = found.map(|found| found.pods).unwrap_or_default();
        Ok(pods.iter().find_map(|pod| {
            let runs = seen(std::slice::from_ref(pod)) == Seen::Runs;
            pod.status.as_ref()?.pod_ip.as_ref().filter(|_| runs)?.parse().ok()
        }))
    }

    async fn list(&self) -> Result<Vec<AttemptKey>, ExecutorError> {
        let cluster = &self.0.cluster;
        let jobs = cluster.jobs().await?;
        let found = cluster
            .answered("list jobs", jobs.list(&of_owner(&self.0.owner)))
            .await?;
        let there = found
            .items
            .iter()
            .filter_map(|job| name::key(job.metadata.annotations.as_ref()?));
        Ok(self.0.staging.and_with_secrets(there))
    }
}
