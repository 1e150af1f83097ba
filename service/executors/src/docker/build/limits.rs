//! What the programs of a build may use, as far as the engine can be told.

use super::super::connection::{Connection, status};
use super::super::wall;
use crate::contract::{BuildLimits, ExecutorError, Network};
use crate::dockerfile::Way;
use std::fmt::Write;
use std::time::Duration;

/// The scheduler's period, in microseconds, of which a limited build has its share.
const CPU_PERIOD: f64 = 100_000.0;
/// How long the engine may take to limit a container.
const ANSWER: Duration = Duration::from_secs(10);

/// The parameters of a request to build. BuildKit obeys the network alone before version 23 of Docker.
pub(super) fn query(limits: &BuildLimits, network: Network) -> Vec<(&'static str, String)> {
    let mut query = vec![(
        "networkmode",
        match network {
            Network::Bridge => "default",
            Network::None => "none",
        }
        .to_owned(),
    )];
    if let Some(bytes) = limits.memory_bytes {
        // The same number forbids swap.
        query.extend([("memory", bytes.to_string()), ("memswap", bytes.to_string())]);
    }
    if let Some(cpus) = limits.cpus {
        query.push(("cpuperiod", CPU_PERIOD.to_string()));
        query.push(("cpuquota", ((cpus * CPU_PERIOD) as u64).max(1000).to_string()));
    }
    let ulimits = serde_json::to_string(&wall::limits(limits.largest_file));
    query.push(("ulimits", ulimits.unwrap_or_default()));
    query
}

/// Limits the processes of a container that the classic builder starts: it takes no such limit itself, and says
/// which container it is before it starts it.
pub(super) async fn processes(connection: &Connection, container: &str) -> Result<(), ExecutorError> {
    let limited = connection
        .api()?
        .update_container(container, wall::processes_of_builds());
    match tokio::time::timeout(ANSWER, limited).await {
        Ok(Ok(_)) => Ok(()),
        // It has ended.
        Ok(Err(error)) if matches!(status(&error), Some(404 | 409)) => Ok(()),
        Ok(Err(error)) => Err(connection.failed("limit the processes of a build", error)),
        Err(_) => Err(connection.silent()),
    }
}

/// What a build's log says first: what its `RUN` lines may use, and what the engine limits by nothing.
pub(super) fn said(limits: &BuildLimits, network: Network, way: &Way) -> String {
    let reach = match network {
        Network::Bridge => "Docker's default network",
        Network::None => "no network",
    };
    let mut text = String::from("RUN lines of this build have ");
    match way {
        Way::Classic => {
            if let Some(bytes) = limits.memory_bytes {
                let _ = write!(text, "{} MiB of memory (executor.build_memory), ", bytes >> 20);
            }
            if let Some(cpus) = limits.cpus {
                let _ = write!(text, "{cpus} processors (executor.build_cpus), ");
            }
            let _ = write!(text, "{} processes and ", wall::BUILD_PIDS);
        }
        Way::BuildKit { because, .. } => {
            let _ = write!(
                text,
                "no limit of memory, processors or processes, since {because} needs BuildKit, which keeps to none (executor.build_memory and executor.build_cpus do not hold, executor.build_timeout does), and "
            );
        }
    }
    let _ = writeln!(
        text,
        "{reach}; they run as the image's user with Docker's default capabilities, of which the engine lets builds give up none"
    );
    text
}
