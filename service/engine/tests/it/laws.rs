//! What holds whenever a service has come to rest, whatever killed it on the way: I1 to I6, from its database and
//! what GitHub heard.

use std::collections::{BTreeMap, BTreeSet};
use trainyard_core::gate::Blessing;
use trainyard_core::ids::DeliveryId;
use trainyard_core::registry::{Evidence, IntentState, PromotionAction};
use trainyard_core::report;
use trainyard_core::run::{Run, RunEvent, RunState};
use trainyard_github::simulator::Simulator;
use trainyard_store::{Direction, Reads, RunFilter};

/// A law that does not hold, in a sentence.
pub type Broken = String;

/// Every law that does not hold.
pub async fn broken(reads: &Reads, github: &Simulator, repo: &str, targets: &[&str]) -> Vec<Broken> {
    let mut broken = deliveries(reads, github).await;
    let runs = all_runs(reads).await;
    broken.extend(publications(reads, &runs).await);
    for target in targets {
        broken.extend(ledger(reads, target, &runs).await);
    }
    broken.extend(statuses(github, repo, &runs));
    broken.extend(check_runs(github, repo, &runs));
    broken
}

pub async fn all_runs(reads: &Reads) -> Vec<Run> {
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
async fn deliveries(reads: &Reads, github: &Simulator) -> Vec<Broken> {
    let mut broken = Vec::new();
    for taken in github.deliveries() {
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
        // A person's word on what serves: nothing was done.
        if matches!(entry.evidence, Evidence::Reconciled { .. }) {
            before = Some(entry.id);
            continue;
        }
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

/// I5, where checks are written: of each run one check run, of which the newest is how a run of the commit ended, and
/// none that was over was opened again.
fn check_runs(github: &Simulator, repo: &str, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    let commits: BTreeSet<_> = runs.iter().filter_map(|run| run.request.commit.as_ref()).collect();
    for commit in commits {
        let told = github.check_runs(repo, commit.as_str());
        let mut seen = BTreeSet::new();
        for check in &told {
            if !seen.insert((&check.name, &check.external_id)) {
                broken.push(format!(
                    "I5: {} of run {:?} was made twice",
                    check.name, check.external_id
                ));
            }
            let reopened = check
                .history
                .windows(2)
                .any(|two| two[0].starts_with("completed") && !two[1].starts_with("completed"));
            if reopened {
                broken.push(format!(
                    "I5: {} of {commit} was over and went on: {:?}",
                    check.name, check.history
                ));
            }
        }
        let Some(last) = told.last() else { continue };
        let run = runs
            .iter()
            .find(|run| Some(run.request.id.as_str()) == last.external_id.as_deref());
        let said = run.and_then(report::status).map(|status| status.description);
        if last.status != "completed" || said.is_some_and(|said| last.title.as_deref() != Some(said.as_str())) {
            broken.push(format!("I5: {} of {commit} was last told {last:?}", last.name));
        }
    }
    broken
}

/// I5: the last thing that GitHub heard of a commit is how a run of it ended.
fn statuses(github: &Simulator, repo: &str, runs: &[Run]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for run in runs {
        let (Some(commit), Some(own)) = (&run.request.commit, report::status(run)) else {
            continue;
        };
        if !github.check_runs(repo, commit.as_str()).is_empty() {
            continue;
        }
        let told = github.statuses(repo, commit.as_str());
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
