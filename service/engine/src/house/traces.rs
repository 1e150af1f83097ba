//! Traces of runs that are over, sent to an OpenTelemetry collector by OTLP over HTTP. They are for looking, and no
//! record: one that the collector does not take after a few tries is left out, and the log says so.

use crate::house::config::TracesConfig;
use crate::house::trouble::Trouble;
use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use trainyard_core::report::trace;
use trainyard_core::run::Run;

/// So many traces wait while the collector is away; later ones are left out.
const MOST_WAITING: usize = 256;
/// A collector that has not answered by then has not heard.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses between the tries of one trace.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// The way to the collector, if the settings name one.
#[derive(Clone, Default)]
pub(crate) struct Traces(Option<Way>);

#[derive(Clone)]
struct Way {
    waiting: mpsc::Sender<Bytes>,
    instance: String,
    public_url: Option<String>,
}

impl Traces {
    /// Starts what sends them; it ends when the last clone is dropped.
    pub(crate) fn start(config: Option<&TracesConfig>, instance: &str, public_url: Option<&str>) -> Self {
        Self(config.map(|config| {
            let (waiting, queue) = mpsc::channel(MOST_WAITING);
            tokio::spawn(send_all(Collector::new(config), queue));
            Way {
                waiting,
                instance: instance.to_owned(),
                public_url: public_url.map(str::to_owned),
            }
        }))
    }

    /// Has a run told that is over; never waits.
    pub(crate) fn tell(&self, run: &Run) {
        let Some(way) = &self.0 else { return };
        let Some(body) = trace(run, &way.instance, way.public_url.as_deref()) else {
            return;
        };
        if way.waiting.try_send(body.to_string().into()).is_err() {
            tracing::warn!(run = %run.request.id, "too many traces wait for the collector: this one is left out");
        }
    }
}

async fn send_all(collector: Collector, mut queue: mpsc::Receiver<Bytes>) {
    let mut trouble: Option<Trouble> = None;
    while let Some(body) = queue.recv().await {
        match collector.send(body).await {
            Ok(()) => trouble = None,
            Err(reason) => {
                let now = Instant::now();
                if trouble.get_or_insert_with(|| Trouble::new(now)).again(now) {
                    tracing::warn!(
                        endpoint = collector.endpoint,
                        reason,
                        "traces are not taken and left out"
                    );
                }
            }
        }
    }
}

struct Collector {
    http: reqwest::Client,
    endpoint: String,
    config: TracesConfig,
}

impl Collector {
    fn new(config: &TracesConfig) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).user_agent("trainyard");
        // Reading the machine's certificates takes its time.
        let http = match trainyard_github::is_plain_loopback(&config.endpoint) {
            true => http.no_proxy().tls_certs_only([]),
            false => http,
        };
        Self {
            http: http.build().unwrap_or_default(),
            endpoint: format!("{}/v1/traces", config.endpoint.trim_end_matches('/')),
            config: config.clone(),
        }
    }

    /// Sends one until it is taken, refused for good or given up.
    async fn send(&self, body: Bytes) -> Result<(), String> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let (again, reason) = match self.post(body.clone()).await {
                Ok(status) if status.is_success() => return Ok(()),
                Ok(status) => (is_worth_another(status), format!("it answered {status}")),
                Err(error) => (true, error.without_url().to_string()),
            };
            match pauses.next().filter(|_| again) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(reason),
            }
        }
    }

    async fn post(&self, body: Bytes) -> Result<StatusCode, reqwest::Error> {
        let mut post = self.http.post(&self.endpoint).header(CONTENT_TYPE, "application/json");
        if let Some((name, value)) = &self.config.header {
            post = post.header(name, value.expose_secret());
        }
        Ok(post.body(body).send().await?.status())
    }
}

/// What OTLP names as worth another try.
fn is_worth_another(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
