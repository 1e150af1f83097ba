//! The listening socket and the process around it: from the first byte to the last.

use super::connections::{Connections, Place};
use super::health::EXECUTOR_PROBE;
use super::{App, router, waiting};
use crate::config::{Config, ConfigError};
use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::SecretString;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use trainyard_engine::{Engine, EngineConfig, EngineError, OneService};

/// A client has this long for the head of a request; also how long an idle connection is kept.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// A start that takes longer is told to who asks.
const QUICK: Duration = Duration::from_secs(1);
/// Connections at once whose peers are waited for: one more, and the longest of them makes room.
const CONNECTIONS: usize = 512;
/// Connections at once, with those that are being answered.
const ALL_CONNECTIONS: usize = 2 * CONNECTIONS;
/// File handles that are asked for, if fewer are allowed.
const FILES: u64 = 16 * 1024;
/// The most of a request's head that is kept, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;
/// What is being answered has this long to end when the service stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// The wait after the system refused a connection, for example for want of file handles.
const BREATHER: Duration = Duration::from_millis(100);

/// Why the service does not start; one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The settings do not allow it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Somebody else listens there.
    #[error("{0} is in use: stop the other program or set listen")]
    InUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}; set listen to an address of this machine")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The engine cannot be opened.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A service that has its socket.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    engine: EngineConfig,
    /// The webhook secrets, when they change.
    secrets: Option<watch::Receiver<Vec<SecretString>>>,
    /// Until it ends, no other service works on the same folder.
    _alone: OneService,
}

impl Server {
    /// Takes the address of the configuration.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        config.check_reach()?;
        room_for_connections();
        let engine = config.engine()?;
        let alone = Engine::one_service(&engine).await?;
        let address = config.listen;
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::InUse(address),
            _ => ServerError::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            listener,
            address,
            config,
            engine,
            secrets: None,
            _alone: alone,
        })
    }

    /// The webhook secrets may change while it serves.
    #[must_use]
    pub fn with_secrets(mut self, secrets: watch::Receiver<Vec<SecretString>>) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the engine and serves until `stop` is done. Programs that steps started go on. A database or disk that
    /// does not work yet is waited for, and meanwhile everybody is told so.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        tokio::pin!(stop);
        match self.open(&mut stop).await? {
            Some(engine) => self.run_engine(engine, stop).await,
            None => Ok(()),
        }
    }

    /// Opens the engine as soon as that can be done; `None` when it is to stop before.
    async fn open(&self, stop: &mut (impl Future<Output = ()> + Unpin)) -> Result<Option<Engine>, ServerError> {
        let mut reason = None;
        loop {
            let mut opening = tokio::spawn(Engine::open(self.engine.clone()));
            let mut opened = None;
            let attempt = async {
                // Who comes during a start that goes well waits for it.
                let quick = if reason.is_none() { QUICK } else { Duration::ZERO };
                if let Ok(done) = timeout(quick, &mut opening).await {
                    return opened = Some(done);
                }
                let said = reason.clone().unwrap_or_else(|| "it is starting".to_owned());
                let done = async { opened = Some((&mut opening).await) };
                accept(&self.listener, waiting::router(&self.engine, &said), done, || {}).await;
            };
            tokio::select! {
                () = attempt => {}
                () = &mut *stop => return Ok(None),
            }
            let error = match opened {
                Some(Ok(Ok(engine))) => return Ok(Some(engine)),
                Some(Ok(Err(error))) if error.passes() => error.to_string(),
                Some(Ok(Err(error))) => return Err(error.into()),
                Some(Err(defect)) => std::panic::resume_unwind(defect.into_panic()),
                None => continue,
            };
            if reason.as_ref() != Some(&error) {
                tracing::error!(address = %self.address, error, "not ready: it is tried again until it works");
            }
            let told = waiting::router(&self.engine, &error);
            tokio::select! {
                () = accept(&self.listener, told, waiting::again(), || {}) => {}
                () = &mut *stop => return Ok(None),
            }
            reason = Some(error);
        }
    }

    /// The same with an engine that was opened elsewhere.
    pub async fn run_engine(self, engine: Engine, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let instance = Engine::instance_of(&self.engine)?;
        let app = App::new(engine.clone(), self.config, instance);
        let mut loops = engine.start();
        loops.spawn(watch_executor(app.clone()));
        if let Some(secrets) = self.secrets {
            loops.spawn(exchange_secrets(engine.clone(), secrets));
        }
        app.readiness.set(true);
        tracing::info!(address = %self.address, "ready");
        let stopping = || app.readiness.set(false);
        accept(&self.listener, router(app.clone()), stop, stopping).await;
        drop(self.listener);
        loops.shutdown().await;
        engine.close().await;
        tracing::info!("stopped; programs that run are found again at the next start");
        Ok(())
    }
}

/// Enough file handles, if the system allows them: many shells allow no more than there may be connections.
fn room_for_connections() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(FILES).min(FILES);
    // No limit at all is written as none.
    if limit.current.is_none_or(|current| current >= most) {
        return;
    }
    let most = Rlimit {
        current: Some(most),
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Serves connections until `stop` is done, then finishes what is being answered.
async fn accept(listener: &TcpListener, router: Router, stop: impl Future<Output = ()>, stopping: impl FnOnce()) {
    let routes = TowerToHyperService::new(router);
    let (all, places) = (Arc::new(Semaphore::new(ALL_CONNECTIONS)), Connections::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(LARGEST_HEAD);
    tokio::pin!(stop);
    loop {
        let next = async {
            let turn = Arc::clone(&all).acquire_owned().await;
            (turn, listener.accept().await)
        };
        let (turn, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                places.shed();
                tokio::time::sleep(BREATHER).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let place = places.enter();
        let (answered, routes) = (place.clone(), routes.clone());
        let service = service_fn(move |request| answer(answered.clone(), routes.clone(), request));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _turn = turn;
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                },
                () = place.given_up() => tracing::debug!("a slow connection made room for another"),
            }
        });
    }
    stopping();
    if timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        tracing::warn!("some answers were cut off");
    }
}

/// Answers a request of a connection, which keeps its place meanwhile.
async fn answer(
    place: Place,
    routes: TowerToHyperService<Router>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if request.body().is_end_stream() {
        place.arrived();
    }
    request.extensions_mut().insert(place.clone());
    let answer = routes.call(request).await;
    place.waits();
    answer
}

/// New webhook secrets count from the next delivery on.
async fn exchange_secrets(engine: Engine, mut secrets: watch::Receiver<Vec<SecretString>>) {
    while secrets.changed().await.is_ok() {
        let new = secrets.borrow_and_update().clone();
        tracing::info!(secrets = new.len(), "the webhook secrets were read anew");
        engine.replace_webhook_secrets(new);
    }
}

/// Asks the executor now and then whether it answers; after the start, so that nothing waits for it.
async fn watch_executor(app: App) {
    let mut answered = true;
    loop {
        let probe = app.engine.probe_executor().await;
        match &probe {
            Err(error) if answered => tracing::warn!(%error, "steps cannot start"),
            Ok(()) if !answered => tracing::info!("steps can start again"),
            _ => {}
        }
        answered = probe.is_ok();
        app.readiness.executor_answered(answered);
        app.prometheus.run_upkeep();
        tokio::time::sleep(EXECUTOR_PROBE).await;
    }
}
