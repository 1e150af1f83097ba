//! What holds whenever the service has come to rest, whatever killed it on the way.

use super::laws::{self, Broken, all_runs};
use super::world::{REPO, TARGETS, World, processes};
use std::collections::BTreeSet;
use trainyard_core::ids::{DeliveryId, Micros};
use trainyard_core::run::{Run, RunState};
use trainyard_store::{Reads, RunFilter};

/// Waits until nothing is left to do.
pub fn rest(world: &World) {
    world.until("every delivery is taken", || match world.redeliver() {
        false if world.delivered() < world.pushed() => Err("GitHub has not sent all of them yet".to_owned()),
        false => Ok(()),
        true => {
            std::thread::sleep(std::time::Duration::from_millis(500));
            Err("GitHub still has some".to_owned())
        }
    });
    let reads = world.reads();
    world.until("rest", || at_rest(world, &reads));
    world.until("programs and folders are gone", || {
        left_of(world, &reads).map_or(Ok(()), Err)
    });
}

/// Whether nothing is left to do; otherwise what is.
fn at_rest(world: &World, reads: &Reads) -> Result<(), String> {
    world.block_on(async {
        let waiting = reads
            .waiting_deliveries(0, 10, &Default::default())
            .await
            .unwrap()
            .deliveries;
        if let Some(delivery) = waiting.first() {
            let view = reads.delivery(&delivery.id).await.unwrap();
            return Err(format!(
                "delivery {} waits: {:?}",
                delivery.id,
                view.and_then(|view| view.waits_for)
            ));
        }
        let runs = reads
            .runs(&RunFilter {
                limit: 1000,
                ..RunFilter::default()
            })
            .await
            .unwrap();
        if let Some(run) = runs.iter().find(|run| !run.state.is_final()) {
            return Err(format!("run {} is {}", run.id, run.state.as_str()));
        }
        if reads.next_hold().await.unwrap().is_some() {
            return Err("a quiet period is not over".to_owned());
        }
        if let Some(intent) = reads.open_intents().await.unwrap().first() {
            return Err(format!("an intent is open: {intent:?}"));
        }
        match reads.next_outbox(Micros(i64::MIN)).await.unwrap() {
            Some(_) => Err("GitHub was not told everything".to_owned()),
            None => Ok(()),
        }
    })
}

/// What is left of runs that are over.
fn left_of(world: &World, reads: &Reads) -> Option<String> {
    for folder in ["processes", "work", "checkouts"] {
        let entries = std::fs::read_dir(world.data().join(folder))
            .into_iter()
            .flatten()
            .flatten();
        let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        // What is hidden may be another process's.
        if let Some(name) = names.find(|name| !name.starts_with('.')) {
            return Some(format!("{folder}/{name} is left"));
        }
    }
    let containers = world.containers();
    let runs = world.block_on(all_runs(reads));
    let has_one = |run: &&Run| containers.contains(run.request.id.as_str());
    if let Some(run) = runs.iter().find(has_one) {
        return Some(format!("a container of run {} is left", run.request.id));
    }
    let place = world.place.path().display().to_string();
    let service = world.service.as_ref().map(|service| service.id());
    let ours = |id: u32| {
        let text = |name: &str| std::fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
        let folder = std::fs::read_link(format!("/proc/{id}/cwd")).unwrap_or_default();
        let command = String::from_utf8_lossy(&text("cmdline")).contains(&place);
        command || folder.starts_with(&place)
    };
    let left = processes()
        .into_iter()
        .find(|found| Some(found.id) != service && Some(found.parent) != service && ours(found.id));
    left.map(|found| format!("process {} ({}) is left", found.id, found.name))
}

/// All laws, at rest; the service is dead afterwards.
pub fn check(world: &mut World) {
    let reads = world.reads();
    let log = loop {
        rest(world);
        let log = world.service.as_ref().map(|service| service.log()).unwrap_or_default();
        world.kill();
        // The clock may have begun something.
        if at_rest(world, &reads).is_ok() {
            break log;
        }
        world.start(None);
    };
    let world = &*world;
    let broken = world.block_on(async {
        let mut broken = laws::broken(&reads, &world.github, REPO, &TARGETS).await;
        let all = all_runs(&reads).await;
        broken.extend(runs(world, &reads, &all).await);
        broken.extend(data(world, &reads, &all).await);
        broken.extend(slots(&all));
        broken.extend(endpoints(world, &reads).await);
        broken
    });
    assert!(
        broken.is_empty(),
        "{}\n{log}\nsee it again: {}",
        broken.join("\n"),
        world.replay
    );
}

/// I1: every push changed a pipeline that listens to it, and nothing in the pipelines fails.
async fn runs(world: &World, reads: &Reads, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    // One that was held up does not replace a newer one.
    let held_up = |run: &Run| {
        run.summary
            .as_ref()
            .is_some_and(|said| said.contains("while this run was held up"))
    };
    for run in runs.iter().filter(|run| run.state == RunState::Failed && !held_up(run)) {
        broken.push(format!("I1: run {} failed: {:?}", run.request.id, run.summary));
    }
    for taken in world.github.deliveries() {
        let ok = taken.status_code.is_some_and(|code| (200..300).contains(&code));
        if taken.event != "push" || !ok {
            continue;
        }
        let row = reads.delivery(&DeliveryId::from(taken.guid.as_str())).await.unwrap();
        if row.is_some_and(|row| row.events.iter().all(|event| event.runs.is_empty())) {
            broken.push(format!("I1: push {} started no run", taken.guid));
        }
    }
    broken
}

/// I1: what was announced and taken is settled, and a run was asked for it.
async fn data(world: &World, reads: &Reads, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (id, span) in world.taken() {
        let row = reads.delivery(&DeliveryId::from(id.as_str())).await.unwrap();
        if row.is_none_or(|row| row.processed_at.is_none()) {
            broken.push(format!("I1: arrival {id} was taken and is not settled"));
        }
        let asked = |run: &Run| {
            let waited = run.request.waited_spans.get("rows");
            run.request.newest_spans.get("rows") == Some(&span) || waited.is_some_and(|spans| spans.contains(&span))
        };
        if !runs.iter().any(asked) {
            broken.push(format!("I1: no run was asked for span {span} of arrival {id}"));
        }
    }
    broken
}

/// I2: a slot of a schedule is taken once.
fn slots(runs: &[Run]) -> Vec<Broken> {
    let scheduled = runs.iter().filter(|run| run.request.trigger == "schedule");
    let mut seen = BTreeSet::new();
    let again = scheduled.filter(|run| !seen.insert(run.request.cause.clone()));
    again
        .map(|run| format!("I2: slot '{}' was taken twice", run.request.cause))
        .collect()
}

/// I3: what serves is what the ledger says, and nothing served that the ledger does not know.
async fn endpoints(world: &World, reads: &Reads) -> Vec<Broken> {
    let mut broken = Vec::new();
    for target in TARGETS {
        let ledger = reads.ledger(target).await.unwrap();
        let says = ledger
            .serving()
            .map(|serving| (serving.pushed.version.clone(), serving.pushed.model.digest.to_string()));
        let known: BTreeSet<(String, String)> = ledger
            .entries()
            .iter()
            .map(|entry| (entry.version.clone(), entry.model.digest.to_string()))
            .collect();
        let serves = match target {
            "hook" => {
                for asked in world.endpoint.asked() {
                    if !known.contains(&asked) {
                        broken.push(format!(
                            "I3: {target} was made to serve {asked:?}, which its ledger does not know"
                        ));
                    }
                }
                world.endpoint.serves()
            }
            "server" => {
                for version in world.server.ever_loaded() {
                    if known.iter().all(|(known, _)| *known != version) {
                        broken.push(format!("I3: {target} loaded {version}, which its ledger does not know"));
                    }
                }
                let folder = in_folder(world, "models/server");
                let loaded = world.server.predict().map(|(version, _)| version);
                if loaded != folder.as_ref().map(|(version, _)| version.clone()) {
                    broken.push(format!(
                        "I3: {target} predicts by {loaded:?} and its folder has {folder:?}"
                    ));
                }
                folder
            }
            _ => in_folder(world, "watched/folder"),
        };
        if serves != says {
            broken.push(format!("I3: {target} serves {serves:?}, its ledger says {says:?}"));
        }
    }
    broken
}

/// Version and digest of the highest number of a folder, by its marker.
fn in_folder(world: &World, folder: &str) -> Option<(String, String)> {
    let folder = world.place.path().join(folder);
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let numbers = names.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some((name.parse::<u64>().ok()?, name))
    });
    let (_, name) = numbers.max()?;
    let marker = std::fs::read(folder.join(name).join(".trainyard.json")).ok()?;
    let marker: serde_json::Value = serde_json::from_slice(&marker).ok()?;
    Some((
        marker["version"].as_str()?.to_owned(),
        marker["model"].as_str()?.to_owned(),
    ))
}

/// I7: the database is whole. With the service stopped.
pub fn whole(world: &World) {
    let store = world.store();
    let checked = world.block_on(store.check()).unwrap();
    assert!(
        checked.problems.is_empty(),
        "I7: {:?}\nsee it again: {}",
        checked.problems,
        world.replay
    );
    world.block_on(store.close());
}
