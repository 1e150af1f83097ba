//! The GPUs of this machine, and for which programs some are kept until they are started.

use crate::contract::{AttemptKey, ExecutorError};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use trainyard_core::gpu::{Gpu, Gpus, choose};

/// Where NVIDIA's driver tells of each GPU.
const DRIVER: &str = "/proc/driver/nvidia/gpus";
/// What is kept for a program that is not started by then is anybody's again.
const KEPT: Duration = Duration::from_secs(600);

/// By the program, and since when.
type Kept = HashMap<AttemptKey, (Vec<String>, Instant)>;

/// Clones share what is kept.
#[derive(Clone, Default)]
pub(crate) struct GpuPool {
    there: Arc<[Gpu]>,
    kept: Arc<Mutex<Kept>>,
    /// Whoever looks what is free has it until it is his.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl GpuPool {
    /// Those that the driver tells of; where some are named, by UUID or index, these only, whether it knows them or not.
    pub(crate) fn of_this_machine(named: Option<&[String]>) -> Self {
        let found = found(Path::new(DRIVER));
        Self {
            there: named.map_or(found.clone(), |named| of_names(&found, named)).into(),
            ..Self::default()
        }
    }

    pub(crate) fn there(&self) -> &[Gpu] {
        &self.there
    }

    /// Nobody else chooses until this goes.
    pub(crate) async fn turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// What is kept for a program, or now chosen for it of what is neither kept for others nor used.
    pub(crate) fn keep(
        &self,
        key: &AttemptKey,
        asked: &Gpus,
        mut used: BTreeSet<String>,
    ) -> Result<Vec<String>, ExecutorError> {
        let mut kept = self.lock();
        kept.retain(|_, (_, since)| since.elapsed() < KEPT);
        if let Some((ids, _)) = kept.get(key) {
            return Ok(ids.clone());
        }
        used.extend(kept.values().flat_map(|(ids, _)| ids.iter().cloned()));
        let ids = choose(&self.there, &used, asked).map_err(ExecutorError::NoGpu)?;
        kept.insert(key.clone(), (ids.clone(), Instant::now()));
        Ok(ids)
    }

    /// The program is there, or will never be.
    pub(crate) fn forget(&self, key: &AttemptKey) {
        self.take(key);
    }

    /// What was kept for a program that is started.
    pub(crate) fn take(&self, key: &AttemptKey) -> Vec<String> {
        self.lock().remove(key).map(|(ids, _)| ids).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the order of their places on the bus, as NVIDIA counts them.
fn found(driver: &Path) -> Vec<Gpu> {
    let Ok(entries) = fs::read_dir(driver) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path().join("information"))
        .collect();
    files.sort();
    files
        .iter()
        .filter_map(|file| gpu(&fs::read_to_string(file).ok()?))
        .collect()
}

/// Lines such as `Model: Tesla T4` and `GPU UUID: GPU-2c…`, with tabs after their colons.
fn gpu(information: &str) -> Option<Gpu> {
    let value = |name: &str| {
        let mut lines = information.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    Some(Gpu {
        id: value("GPU UUID").filter(|id| !id.contains('?'))?,
        model: value("Model").unwrap_or_default(),
    })
}

fn of_names(found: &[Gpu], named: &[String]) -> Vec<Gpu> {
    let known = |name: &String| {
        let index = name.parse::<usize>().ok().and_then(|index| found.get(index));
        index.or_else(|| found.iter().find(|gpu| gpu.id == *name))
    };
    let gpu = |name: &String| Gpu {
        id: name.clone(),
        model: known(name).map(|gpu| gpu.model.clone()).unwrap_or_default(),
    };
    named.iter().map(gpu).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainyard_core::ids::{RunId, StepName};
    use trainyard_core::node::NodeId;

    fn key(run: &str) -> AttemptKey {
        AttemptKey::new(&RunId::new(run), NodeId::step(&StepName::new("train")), 1)
    }

    fn pool(size: usize) -> GpuPool {
        let there = (0..size).map(|n| Gpu {
            id: n.to_string(),
            model: String::new(),
        });
        GpuPool {
            there: there.collect(),
            ..GpuPool::default()
        }
    }

    fn asked(count: u32) -> Gpus {
        Gpus { count, model: None }
    }

    #[test]
    fn the_driver_tells_of_each() {
        let driver = tempfile::tempdir().unwrap();
        for (bus, text) in [
            (
                "0000:3b:00.0",
                "Model: \t\t Tesla T4\nIRQ:   \t\t 64\nGPU UUID: \t GPU-2c1f\nVideo BIOS: \t 90.04\n",
            ),
            (
                "0000:18:00.0",
                "Model: \t\t NVIDIA A100-SXM4-40GB\nGPU UUID: \t GPU-9a00\n",
            ),
            // As the driver says of one that nobody has opened.
            ("0000:86:00.0", "Model: \t\t Unknown\nGPU UUID: \t GPU-????????-????\n"),
            ("0000:af:00.0", "nonsense"),
        ] {
            fs::create_dir(driver.path().join(bus)).unwrap();
            fs::write(driver.path().join(bus).join("information"), text).unwrap();
        }
        let found = found(driver.path());
        let told = |gpus: &[Gpu]| {
            gpus.iter()
                .map(|gpu| format!("{} {}", gpu.id, gpu.model))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(&found), ["GPU-9a00 NVIDIA A100-SXM4-40GB", "GPU-2c1f Tesla T4"]);
        let named = ["1", "GPU-9a00", "MIG-1"].map(str::to_owned);
        assert_eq!(
            told(&of_names(&found, &named)),
            ["1 Tesla T4", "GPU-9a00 NVIDIA A100-SXM4-40GB", "MIG-1 "]
        );
        assert_eq!(super::found(&driver.path().join("none")), []);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_nobody_elses_until_it_is_forgotten_or_old() {
        let pool = pool(2);
        let keep = |run: &str, count, used: &[&str]| {
            let used = used.iter().map(|id| (*id).to_owned()).collect();
            pool.keep(&key(run), &asked(count), used)
                .map_err(|error| error.to_string())
        };
        assert_eq!(keep("a", 1, &[]).unwrap(), ["0"]);
        assert_eq!(keep("a", 1, &[]).unwrap(), ["0"], "the same program has the same");
        assert_eq!(keep("b", 1, &["0"]).unwrap(), ["1"]);
        assert_eq!(
            keep("c", 1, &[]).unwrap_err(),
            "the step waits for 1 GPU: 0 of 2 on this machine are free"
        );
        pool.forget(&key("b"));
        assert_eq!(keep("c", 1, &[]).unwrap(), ["1"]);
        tokio::time::advance(KEPT).await;
        assert_eq!(keep("d", 2, &[]).unwrap(), ["0", "1"]);
    }
}
