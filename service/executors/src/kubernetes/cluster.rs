//! The way to one cluster, and what its errors mean.

use super::name::OWNER;
use super::settings::KubernetesSettings;
use crate::contract::ExecutorError;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::{Api, ListParams, PostParams};
use kube::config::KubeConfigOptions;
use kube::{Client, Config, Error};
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A connection is there by then.
const CONNECTED: Duration = Duration::from_secs(10);
const FIND_IT: &str = "set KUBECONFIG, or let the service run in the cluster with a service account";
/// What the service does in its namespace.
const RIGHTS: [(&str, &str, Option<&str>, &[&str]); 5] = [
    ("batch", "jobs", None, &["create", "get", "list", "patch", "delete"]),
    ("", "pods", None, &["get", "list", "watch", "delete"]),
    ("", "pods", Some("log"), &["get"]),
    ("", "secrets", None, &["create", "get", "patch", "delete"]),
    ("", "events", None, &["list"]),
];

/// One namespace of a cluster, which need not answer yet.
pub(super) struct Cluster {
    namespace: String,
    context: Option<String>,
    client: OnceCell<Client>,
}

impl Cluster {
    pub(super) fn new(settings: &KubernetesSettings) -> Self {
        Self {
            namespace: settings.namespace.clone(),
            context: settings.context.clone(),
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> Result<&Client, ExecutorError> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Client, ExecutorError> {
        trainyard_sources::install_tls();
        let unknown = |source: Box<dyn std::error::Error + Send + Sync>| ExecutorError::Unreachable {
            what: "Kubernetes".to_owned(),
            hint: format!("how to reach it is not known ({source}): {FIND_IT}"),
            source: Some(source),
        };
        let mut config = match &self.context {
            None => Config::infer().await.map_err(|error| unknown(error.into()))?,
            Some(context) => {
                let options = KubeConfigOptions {
                    context: Some(context.clone()),
                    ..KubeConfigOptions::default()
                };
                Config::from_kubeconfig(&options)
                    .await
                    .map_err(|error| unknown(error.into()))?
            }
        };
        config.connect_timeout = Some(CONNECTED);
        Client::try_from(config).map_err(|error| unknown(error.into()))
    }

    pub(super) async fn jobs(&self) -> Result<Api<Job>, ExecutorError> {
        Ok(Api::namespaced(self.client().await?.clone(), &self.namespace))
    }

    pub(super) async fn pods(&self) -> Result<Api<Pod>, ExecutorError> {
        Ok(Api::namespaced(self.client().await?.clone(), &self.namespace))
    }

    pub(super) async fn secrets(&self) -> Result<Api<Secret>, ExecutorError> {
        Ok(Api::namespaced(self.client().await?.clone(), &self.namespace))
    }

    /// What the cluster says of an object of ours, the newest last.
    pub(super) async fn words(&self, uid: &str) -> Result<Option<String>, ExecutorError> {
        let events: Api<Event> = Api::namespaced(self.client().await?.clone(), &self.namespace);
        let params = ListParams::default().fields(&format!("involvedObject.uid={uid},type=Warning"));
        let found = self.answered("tell the events of a job", events.list(&params)).await?;
        let newest = found.items.into_iter().max_by_key(|event| event.last_timestamp.clone());
        Ok(newest.and_then(|event| event.message))
    }

    /// An answer of the cluster's, in time.
    pub(super) async fn answered<T>(
        &self,
        what: &str,
        asked: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ExecutorError> {
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(|error| self.failed(what, error)),
            Err(_) => Err(self.unreachable(format!("it could not {what} within {}s", PATIENCE.as_secs()), None)),
        }
    }

    /// The same where it may not be there.
    pub(super) async fn found<T>(
        &self,
        what: &str,
        asked: impl Future<Output = kube::Result<T>>,
    ) -> Result<Option<T>, ExecutorError> {
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Err(error)) if status(&error) == Some(404) => Ok(None),
            Ok(answer) => answer.map(Some).map_err(|error| self.failed(what, error)),
            Err(_) => Err(self.unreachable(format!("it could not {what} within {}s", PATIENCE.as_secs()), None)),
        }
    }

    /// A thing that the cluster could not do, or would not.
    pub(super) fn failed(&self, what: &str, error: Error) -> ExecutorError {
        let namespace = &self.namespace;
        let Error::Api(answer) = &error else {
            return self.unreachable(
                format!(
                    "it could not {what} ({}): {FIND_IT}, and see that it answers",
                    cause(&error)
                ),
                Some(error),
            );
        };
        let said = answer.message.trim();
        let message = match answer.code {
            429 | 500.. => return self.unreachable(format!("it could not {what} ({said})"), Some(error)),
            401 => {
                format!("Kubernetes does not know the service (it could not {what}): correct the user of KUBECONFIG")
            }
            403 if said.contains("exceeded quota") => format!(
                "the namespace {namespace} has no room left for it ({said}): raise its quota, or wait for other jobs"
            ),
            403 if said.contains("cannot") => {
                format!("the service may not {what} ({said}): give it the role of dockerfiles/kubernetes")
            }
            403 => format!("the cluster does not admit it ({said}): correct what its policy names"),
            404 => format!(
                "Kubernetes could not {what} ({said}): make the namespace {namespace}, or correct executor.kubernetes.namespace"
            ),
            400 | 422 => {
                return ExecutorError::Refused {
                    message: format!("Kubernetes refuses the step's settings ({said})"),
                };
            }
            code => format!("Kubernetes could not {what} (status {code}): {said}"),
        };
        ExecutorError::Failed {
            message,
            source: Some(error.into()),
        }
    }

    fn unreachable(&self, hint: String, source: Option<Error>) -> ExecutorError {
        ExecutorError::Unreachable {
            what: "Kubernetes".to_owned(),
            hint,
            source: source.map(Into::into),
        }
    }

    /// `Kubernetes v1.20.2`, if it answers.
    pub(super) async fn version(&self) -> Result<String, ExecutorError> {
        let client = self.client().await?;
        let version = self.answered("tell its version", client.apiserver_version()).await?;
        Ok(format!("Kubernetes {}", version.git_version))
    }

    /// Whether the service may do what it does there; the error names what it may not.
    pub(super) async fn rights(&self) -> Result<(), ExecutorError> {
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client().await?.clone());
        let mut missing = Vec::new();
        for (group, resource, part, verbs) in RIGHTS {
            for verb in verbs {
                let review = SelfSubjectAccessReview {
                    spec: SelfSubjectAccessReviewSpec {
                        resource_attributes: Some(ResourceAttributes {
                            namespace: Some(self.namespace.clone()),
                            group: Some(group.to_owned()),
                            resource: Some(resource.to_owned()),
                            subresource: part.map(str::to_owned),
                            verb: Some((*verb).to_owned()),
                            ..ResourceAttributes::default()
                        }),
                        ..SelfSubjectAccessReviewSpec::default()
                    },
                    ..SelfSubjectAccessReview::default()
                };
                let params = PostParams::default();
                let found = self
                    .answered("tell the service's rights", reviews.create(&params, &review))
                    .await?;
                if !found.status.is_some_and(|status| status.allowed) {
                    missing.push(format!(
                        "{verb} {resource}{}",
                        part.map(|part| format!("/{part}")).unwrap_or_default()
                    ));
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(ExecutorError::Failed {
            message: format!(
                "the service may not {} in the namespace {}: give it the role of dockerfiles/kubernetes",
                missing.join(", "),
                self.namespace
            ),
            source: None,
        })
    }
}

/// Of the owner's objects.
pub(super) fn of_owner(owner: &str) -> ListParams {
    ListParams::default().labels(&format!("{OWNER}={owner}"))
}

/// The status of the cluster's answer, if there was one.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::Api(answer) => Some(answer.code),
        _ => None,
    }
}

/// The innermost cause.
fn cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
