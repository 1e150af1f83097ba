//! A real cluster, with a registry and an S3 endpoint of any kind, and how a test leaves nothing behind in it.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, AttachParams, DeleteParams, ListParams};
use kube::{Client, Config};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use trainyard_core::span::Bucket;
use trainyard_executors::*;
use trainyard_sources::StoreSettings;

/// The namespace of tests.
pub const NAMESPACE: &str = "default";
/// Their bucket.
const BUCKET: &str = "trainyard-test";
/// A server of a test lets nobody without a signature write, and looks at none.
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none";

fn told(name: &str) -> String {
    let found = std::env::var(name).ok().filter(|value| !value.is_empty());
    found.unwrap_or_else(|| {
        panic!("{name} is not set: these tests need KUBECONFIG, REGISTRY (host:port/folder) and S3_ENDPOINT; see `make test-kubernetes`")
    })
}

/// Where tests run.
pub fn settings() -> KubernetesSettings {
    let key = |name: &str| std::env::var(name).unwrap_or_else(|_| "test-key-of-the-bucket".to_owned());
    let _ = told("KUBECONFIG");
    KubernetesSettings {
        namespace: NAMESPACE.to_owned(),
        context: None,
        registry: format!("{}/trainyard", told("REGISTRY")),
        pull_secret: None,
        store: StoreSettings {
            name: "exchange".to_owned(),
            bucket: Bucket::of(&format!("s3://{BUCKET}")).unwrap().unwrap().0,
            folder: "it".to_owned(),
            endpoint: Some(told("S3_ENDPOINT")),
            region: Some("us-east-1".to_owned()),
            allow_http: true,
            key_id: Some(key("AWS_ACCESS_KEY_ID")),
            key: Some(key("AWS_SECRET_ACCESS_KEY").into()),
        },
        stage_image: "trainyard/stage:test".to_owned(),
        service_account: None,
        place: Placement::default(),
        steps: Default::default(),
        start_timeout: Duration::from_secs(60),
        keep: Duration::from_secs(600),
    }
}

/// An executor there.
pub fn executor(owner: &str, staging: Staging) -> AnyExecutor {
    AnyExecutor::kubernetes(settings(), owner, staging, BuildLimits::default()).0
}

/// Makes the bucket where everybody may.
pub async fn bucket() {
    trainyard_sources::install_tls();
    let http = reqwest::Client::new();
    let address = format!("{}/{BUCKET}", told("S3_ENDPOINT"));
    let _ = http.put(address).header("authorization", SIGNED).send().await;
}

pub async fn client() -> Client {
    trainyard_sources::install_tls();
    Client::try_from(Config::infer().await.unwrap()).unwrap()
}

/// The pods of an owner's step.
pub async fn pods(owner: &str, node: &str) -> Vec<Pod> {
    let pods: Api<Pod> = Api::namespaced(client().await, NAMESPACE);
    let ours = ListParams::default().labels(&format!("trainyard.io/owner={owner}"));
    let found = pods.list(&ours).await.unwrap().items;
    let is_it = |pod: &Pod| {
        let annotations = pod.metadata.annotations.clone().unwrap_or_default();
        annotations.get("trainyard.io/node").is_some_and(|found| found == node)
    };
    found.into_iter().filter(is_it).collect()
}

/// Makes a file in the outputs of a step's program, once it runs.
pub async fn make(owner: &str, node: &str, file: &Path) {
    let api: Api<Pod> = Api::namespaced(client().await, NAMESPACE);
    let path = Path::new("/outputs").join(file).display().to_string();
    crate::stage::until("its container takes a command", || async {
        for pod in pods(owner, node).await {
            let params = AttachParams::default().container("step").stderr(false);
            let name = pod.metadata.name.unwrap();
            let Ok(mut ran) = api.exec(&name, ["touch", path.as_str()], &params).await else {
                continue;
            };
            let mut said = String::new();
            if let Some(mut out) = ran.stdout() {
                let _ = out.read_to_string(&mut said).await;
            }
            let status = ran.take_status();
            if let Some(status) = status
                && status
                    .await
                    .is_some_and(|status| status.status.as_deref() == Some("Success"))
            {
                return true;
            }
        }
        false
    })
    .await;
}

/// Removes everything of an owner when it goes out of scope, also by a panic.
pub struct Sweep(pub String);

impl Drop for Sweep {
    fn drop(&mut self) {
        let owner = self.0.clone();
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let ours = ListParams::default().labels(&format!("trainyard.io/owner={owner}"));
                let (jobs, secrets) = (
                    Api::<Job>::namespaced(client().await, NAMESPACE),
                    Api::<Secret>::namespaced(client().await, NAMESPACE),
                );
                let pods = Api::<Pod>::namespaced(client().await, NAMESPACE);
                let _ = jobs.delete_collection(&DeleteParams::background(), &ours).await;
                let _ = pods
                    .delete_collection(&DeleteParams::default().grace_period(1), &ours)
                    .await;
                let _ = secrets.delete_collection(&DeleteParams::default(), &ours).await;
            });
        });
        let _ = swept.join();
    }
}
