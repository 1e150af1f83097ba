//! What holds whenever the service has come to rest, whatever killed it on the way.

use super::world::{REPO, TARGETS, World, processes};
use std::collections::{BTreeMap, BTreeSet};
use trainyard_core::gate::Blessing;
use trainyard_core::ids::DeliveryId;
use trainyard_core::registry::{Evidence, IntentState, PromotionAction};
use trainyard_core::report;
use trainyard_core::run::{Run, RunEvent, RunState};
use trainyard_store::{Direction, Reads, RunFilter};

/// A law that does not hold.
type Broken = String;

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
    world.until("rest", || {
        world.block_on(async {
            let waiting = reads.waiting_deliveries(0, 10, None).await.unwrap().deliveries;
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
            if let Some(intent) = reads.open_intents().await.unwrap().first() {
                return Err(format!("an intent is open: {intent:?}"));
            }
            match reads.next_outbox().await.unwrap() {
                Some(_) => Err("GitHub was not told everything".to_owned()),
                None => Ok(()),
            }
        })
    });
    world.until("programs and folders are gone", || left_of(world).map_or(Ok(()), Err));
}

/// What is left of runs that are over.
fn left_of(world: &World) -> Option<String> {
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

/// All laws, at rest.
pub fn check(world: &World) {
    rest(world);
    let reads = world.reads();
    let broken = world.block_on(async {
        let mut broken = deliveries(world, &reads).await;
        let runs = all_runs(&reads).await;
        broken.extend(publications(&reads, &runs).await);
        for target in TARGETS {
            broken.extend(ledger(&reads, target, &runs).await);
        }
        broken.extend(endpoints(world, &reads).await);
        broken.extend(statuses(world, &runs));
        broken
    });
    let log = world.service.as_ref().map(|service| service.log()).unwrap_or_default();
    assert!(
        broken.is_empty(),
        "{}\n{log}\nsee it again: {}",
        broken.join("\n"),
        world.replay
    );
}

async fn all_runs(reads: &Reads) -> Vec<Run> {
    let rows = reads
        .runs(&RunFilter {
            limit: 1000,
            ..RunFilter::default()
        })
        .await
        .unwrap();
    let mut runs = Vec::new();
    for row in rows {
        runs.push(reads.load_run(&row.id).await.unwrap());
    }
    runs
}

/// I1: what was taken has a row, and what it meant came to its end.
async fn deliveries(world: &World, reads: &Reads) -> Vec<Broken> {
    let mut broken = Vec::new();
    for taken in world.github.deliveries() {
        if !taken.status_code.is_some_and(|code| (200..300).contains(&code)) {
            continue;
        }
        let row = reads.delivery(&DeliveryId::from(taken.guid.as_str())).await.unwrap();
        let Some(row) = row else {
            broken.push(format!("I1: delivery {} was taken and has no row", taken.guid));
            continue;
        };
        if row.processed_at.is_none() {
            broken.push(format!("I1: delivery {} is not settled", taken.guid));
        }
        // Every push changed a pipeline that listens to it.
        if taken.event == "push" && row.events.iter().all(|event| event.runs.is_empty()) {
            broken.push(format!(
                "I1: push {} started no run: {:?} {:?}",
                taken.guid, row.outcome, row.events
            ));
        }
    }
    broken
}

/// I2: a step is published once.
async fn publications(reads: &Reads, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for run in runs {
        let (mut published, mut ends) = (BTreeSet::new(), 0);
        for (_, _, event) in reads.run_events(&run.request.id, 0).await.unwrap() {
            match event {
                RunEvent::StepPublished { step, .. } if !published.insert(step.clone()) => {
                    broken.push(format!("I2: step {step} of run {} was published twice", run.request.id));
                }
                RunEvent::Finished { .. } => ends += 1,
                _ => {}
            }
        }
        if ends != 1 {
            broken.push(format!("I2: run {} ended {ends} times", run.request.id));
        }
        if run.state == RunState::Failed {
            broken.push(format!("I2: run {} failed: {:?}", run.request.id, run.summary));
        }
        for output in run.steps.values().flat_map(|step| step.outputs.values()) {
            if reads.artifact(&output.name).await.unwrap().is_none() {
                broken.push(format!("I2: {} is not in ML Metadata", output.name));
            }
        }
    }
    broken
}

/// I3 and I6: the ledger of a target.
async fn ledger(reads: &Reads, target: &str, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let ledger = reads.ledger(target).await.unwrap();
    let intents = reads.intents(target).await.unwrap();
    let mut entries: Vec<_> = ledger.entries().iter().collect();
    entries.sort_by_key(|entry| entry.id);
    let mut models: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut pushes: BTreeMap<_, u32> = BTreeMap::new();
    let mut before: Option<i64> = None;
    for entry in entries {
        let digest = entry.model.digest.to_string();
        models.entry(&entry.version).or_default().insert(digest);
        let known = |state| {
            intents.iter().any(|intent| {
                intent.entry.version == entry.version
                    && intent.state == state
                    && intent.entry.model.digest == entry.model.digest
            })
        };
        if !known(IntentState::Recorded) {
            broken.push(format!(
                "I6: entry {} of {target} has no intent that was done",
                entry.id
            ));
        }
        let run = entry
            .run
            .as_ref()
            .and_then(|id| runs.iter().find(|run| run.request.id == *id));
        let names = match (&entry.evidence, entry.action) {
            (Evidence::Gate(_), PromotionAction::Push) => {
                *pushes.entry(entry.run.clone()).or_default() += 1;
                let approved = run.is_some_and(|run| {
                    let blessed = run
                        .verdict
                        .as_ref()
                        .is_some_and(|verdict| verdict.blessing() == Blessing::Blessed);
                    let same = run.candidate().is_some_and(|model| model.digest == entry.model.digest);
                    blessed && same
                });
                if !approved {
                    broken.push(format!(
                        "I3: entry {} of {target} was never approved: {entry:?}",
                        entry.id
                    ));
                }
                let run = entry.run.as_ref().unwrap();
                (format!("{run}/push/pushed_model"), format!("{run}/push"))
            }
            (_, PromotionAction::Push) => {
                let name = format!("promote/{target}/{}", entry.version);
                (format!("{name}/pushed_model"), format!("{name}/push"))
            }
            (_, PromotionAction::Rollback) => (
                entry.model.name.clone(),
                format!("rollback/{target}/{}", before.unwrap_or_default()),
            ),
            (_, PromotionAction::Removed) => continue,
        };
        before = Some(entry.id);
        let direction = match entry.action {
            PromotionAction::Rollback => Direction::Downstream,
            _ => Direction::Upstream,
        };
        let known = match reads.lineage(&names.0, direction, 2).await {
            Ok(graph) => serde_json::to_string(&graph)
                .unwrap()
                .contains(&format!("\"{}\"", names.1)),
            Err(error) => {
                broken.push(format!("I6: {error}"));
                false
            }
        };
        if !known {
            broken.push(format!(
                "I6: ML Metadata does not know {} of entry {} of {target}: {:?}",
                names.1, entry.id, entry.action
            ));
        }
    }
    for intent in &intents {
        models
            .entry(&intent.entry.version)
            .or_default()
            .insert(intent.entry.model.digest.to_string());
    }
    for (version, models) in models.iter().filter(|(_, models)| models.len() > 1) {
        broken.push(format!("I3: version {version} of {target} names {models:?}"));
    }
    for (run, times) in pushes.iter().filter(|(_, times)| **times > 1) {
        broken.push(format!(
            "I3: the approval of run {run:?} was pushed {times} times to {target}"
        ));
    }
    // An approved model that was not withheld serves, or did.
    for run in runs
        .iter()
        .filter(|run| run.request.plan.pipeline == target && run.state == RunState::Succeeded)
    {
        let said = run
            .summary
            .as_deref()
            .unwrap_or_default()
            .starts_with("approved, and serving");
        if said != pushes.contains_key(&Some(run.request.id.clone())) {
            broken.push(format!(
                "I3: run {} says {:?}, and the ledger of {target} says otherwise",
                run.request.id, run.summary
            ));
        }
    }
    broken
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

/// I5: the last thing that GitHub heard of a commit is how a run of it ended.
fn statuses(world: &World, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for run in runs {
        let (Some(commit), Some(own)) = (&run.request.commit, report::status(run)) else {
            continue;
        };
        let told = world.github.statuses(REPO, commit.as_str());
        let last = told.iter().rfind(|status| status.context == own.context);
        let of_commit = runs
            .iter()
            .filter(|other| other.request.commit.as_ref() == Some(commit));
        let expected: Vec<_> = of_commit
            .filter_map(report::status)
            .filter(|status| status.context == own.context)
            .collect();
        let same = |status: &report::Status| {
            last.is_some_and(|last| {
                serde_json::to_value(status.state).unwrap() == last.state.as_str()
                    && last.description.as_deref() == Some(status.description.as_str())
            })
        };
        if !expected.iter().any(same) {
            broken.push(format!(
                "I5: {} of {commit} was last told {last:?}, and is {expected:?}",
                own.context
            ));
        }
    }
    broken
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
