//! How fast the service is ready, and what it holds while idle.

use crate::service::Service;
use crate::{median, millis, row};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

const STARTS: usize = 9;
/// Long enough that a thousandth of it can be measured.
const IDLE: Duration = Duration::from_secs(30);

/// Starts the binary several times on an empty data folder, then once more to sit idle.
pub async fn report(folder: &Path) -> Result<()> {
    let mut times = Vec::new();
    for round in 0..STARTS {
        times.push(Service::start(&folder.join(format!("start-{round}")), "")?.took);
    }
    let ready = median(times);
    let met = ready < Duration::from_millis(100);
    row("process start to ready", &millis(ready), Some(("< 100 ms", met)));
    let service = Service::start(&folder.join("idle"), "")?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = service.processor()?;
    tokio::time::sleep(IDLE).await;
    let share = (service.processor()? - before).as_secs_f64() / IDLE.as_secs_f64();
    let memory = service.memory()?;
    row(
        "resident while idle",
        &format!("{memory:.1} MB"),
        Some(("<= 40 MB", memory <= 40.0)),
    );
    row(
        "  of a core",
        &format!("{:.2} %", share * 100.0),
        Some(("<= 0.1 %", share <= 0.001)),
    );
    Ok(())
}
