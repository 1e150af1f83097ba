//! The versions of a push target over time, and two of them side by side.

use super::compare::{ComparedRow, Comparison, rows_of};
use super::time;
use serde::Serialize;
use std::collections::BTreeMap;
use trainyard_core::registry::{Alias, CHAMPION, Ledger, Promotion, PromotionAction};
use trainyard_core::run::{Run, WorkTree};
use trainyard_store::{Reads, Result, RunRow};
use utoipa::ToSchema;

/// Versions that are told, the newest.
const TOLD: usize = 50;

/// The versions of a push target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Versions {
    /// The target.
    pub target: String,
    /// As they began to serve, the oldest first.
    pub versions: Vec<VersionItem>,
}

/// A version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VersionItem {
    /// The version.
    pub version: String,
    /// The names it bears, `champion` first if it serves.
    pub aliases: Vec<String>,
    /// The run that made its model.
    pub run: Option<String>,
    /// Its model's digest.
    pub model: String,
    /// When it began to serve first.
    pub at: String,
    /// Its metrics over all rows, as the gate met them.
    pub metrics: BTreeMap<String, f64>,
}

/// Two versions of a target side by side.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VersionDiff {
    /// The target.
    pub target: String,
    /// The two versions.
    pub versions: Vec<String>,
    /// The runs that made them.
    pub runs: Vec<Option<String>>,
    /// What differs: of the ledger (`version`, `data`, `metrics`), and of the runs as in a comparison of runs.
    pub rows: Vec<ComparedRow>,
    /// What could not be compared, and why, a sentence each.
    pub notes: Vec<String>,
}

fn metrics(entry: &Promotion) -> BTreeMap<String, f64> {
    let verdict = entry.evidence.judged().verdict;
    let rows = verdict.iter().flat_map(|verdict| verdict.comparisons());
    let overall = rows.filter(|row| row.is_overall());
    overall
        .filter_map(|row| Some((row.metric.clone(), row.candidate.filter(|value| value.is_finite())?)))
        .collect()
}

impl Versions {
    /// From a target's ledger and the names that people gave.
    pub fn of(target: &str, ledger: &Ledger, aliases: &[Alias]) -> Self {
        let champion = ledger.serving().map(|now| now.pushed.version.clone());
        let mut versions: Vec<VersionItem> = Vec::new();
        for entry in ledger
            .entries()
            .iter()
            .filter(|entry| entry.action == PromotionAction::Push)
        {
            if versions.iter().any(|known| known.version == entry.version) {
                continue;
            }
            let serves = (champion.as_ref() == Some(&entry.version)).then(|| CHAMPION.to_owned());
            let given = aliases
                .iter()
                .filter(|alias| alias.version.as_ref() == Some(&entry.version));
            versions.push(VersionItem {
                version: entry.version.clone(),
                aliases: serves
                    .into_iter()
                    .chain(given.map(|alias| alias.alias.clone()))
                    .collect(),
                run: entry.run.as_ref().map(ToString::to_string),
                model: entry.model.digest.to_string(),
                at: time(entry.at),
                metrics: metrics(entry),
            });
        }
        versions.drain(..versions.len().saturating_sub(TOLD));
        Self {
            target: target.to_owned(),
            versions,
        }
    }

    /// Of a target.
    pub async fn read(store: &Reads, target: &str) -> Result<Self> {
        Ok(Self::of(
            target,
            &store.ledger(target).await?,
            &store.aliases(Some(target)).await?,
        ))
    }
}

/// What the ledger says of a version, by section.
fn told(entry: &Promotion) -> Vec<(&'static str, Vec<(String, String)>)> {
    let judged = entry.evidence.judged();
    let mut about = vec![
        ("model".to_owned(), entry.model.digest.to_string()),
        ("served since".to_owned(), time(entry.at)),
        ("by".to_owned(), entry.actor.clone()),
    ];
    about.extend(entry.run.as_ref().map(|run| ("run".to_owned(), run.to_string())));
    about.extend(
        judged
            .commit
            .as_ref()
            .map(|commit| ("commit".to_owned(), commit.to_string())),
    );
    let tree = judged.work_tree.as_ref().map(WorkTree::sentence);
    about.extend(tree.map(|tree| ("work tree".to_owned(), tree)));
    about.extend(
        entry
            .evidence
            .reason()
            .map(|reason| ("why".to_owned(), reason.to_owned())),
    );
    about.extend(
        judged
            .verdict
            .as_ref()
            .map(|verdict| ("verdict".to_owned(), verdict.blessing().as_str().to_owned())),
    );
    let mut data: BTreeMap<String, String> = BTreeMap::new();
    for read in &judged.data {
        let source = read.source.clone().unwrap_or_else(|| "data".to_owned());
        let name = if read.judges {
            format!("{source}, to judge")
        } else {
            source
        };
        let span = |span: &serde_json::Value| span.as_str().map_or_else(|| span.to_string(), str::to_owned);
        let spans: Vec<String> = read.spans.iter().map(span).collect();
        data.insert(name, spans.join(", "));
    }
    let metrics = metrics(entry)
        .into_iter()
        .map(|(name, value)| (name, format!("{value:.4}")));
    vec![
        ("version", about),
        ("data", data.into_iter().collect()),
        ("metrics", metrics.collect()),
    ]
}

impl VersionDiff {
    /// Two versions of a target; else the sentence that one of them is none.
    pub async fn read(store: &Reads, target: &str, versions: [&str; 2]) -> Result<std::result::Result<Self, String>> {
        let ledger = store.ledger(target).await?;
        let mut entries = Vec::new();
        for version in versions {
            let Some(entry) = ledger.version(version) else {
                let known = Versions::of(target, &ledger, &[]).versions;
                let names: Vec<&str> = known
                    .iter()
                    .rev()
                    .take(10)
                    .map(|known| known.version.as_str())
                    .collect();
                let has = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                return Ok(Err(format!(
                    "{target} has no version '{version}': the newest are {has}"
                )));
            };
            entries.push(entry);
        }
        let mut notes = Vec::new();
        let mut made = Vec::new();
        for entry in &entries {
            match run_of(store, entry).await {
                Ok(found) => made.push(found),
                Err(note) => notes.push(note),
            }
        }
        let columns: Vec<_> = entries.iter().map(|entry| told(entry)).collect();
        let mut rows = rows_of(&["version", "data", "metrics"], &columns);
        rows.retain(|row| row.differs);
        if made.len() == 2 {
            // What the ledger says as well stands there once.
            let known = |row: &ComparedRow| {
                row.section != "run" && !(row.section == "metrics" && row.name.ends_with(".candidate"))
            };
            rows.extend(Comparison::of(&made).differences().rows.into_iter().filter(known));
        }
        Ok(Ok(Self {
            target: target.to_owned(),
            versions: entries.iter().map(|entry| entry.version.clone()).collect(),
            runs: entries
                .iter()
                .map(|entry| entry.run.as_ref().map(ToString::to_string))
                .collect(),
            rows,
            notes,
        }))
    }
}

async fn run_of(store: &Reads, entry: &Promotion) -> std::result::Result<(RunRow, Run), String> {
    let version = &entry.version;
    let Some(id) = &entry.run else {
        return Err(format!(
            "version {version} was made by no run: only the ledger is compared"
        ));
    };
    let gone = || format!("the record of run {id} of version {version} is gone: only the ledger is compared");
    let row = store.run_row(id.as_str()).await.ok().flatten().ok_or_else(gone)?;
    let run = store.load_run(id).await.map_err(|_| gone())?;
    Ok((row, run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use trainyard_core::artifact::{ArtifactRef, Digest};
    use trainyard_core::ids::Micros;
    use trainyard_core::registry::Evidence;

    #[test]
    fn a_version_is_told_once_and_what_serves_bears_its_name() {
        let entry = |id: i64, action, version: &str| Promotion {
            id,
            target: "t".to_owned(),
            pipeline: "p".to_owned(),
            action,
            version: version.to_owned(),
            model: ArtifactRef {
                name: "r/train/model".to_owned(),
                type_name: "Model".to_owned(),
                digest: Digest::from_sha256(&[7; 32]),
                uri: String::new(),
                properties: Default::default(),
            },
            run: None,
            actor: "gate".to_owned(),
            evidence: Evidence::Recorded(json!({})),
            at: Micros(id),
        };
        let ledger = Ledger::new(vec![
            entry(1, PromotionAction::Push, "1"),
            entry(2, PromotionAction::Push, "2"),
            entry(3, PromotionAction::Rollback, "1"),
        ]);
        let told = Versions::of("t", &ledger, &[]).versions;
        let told: Vec<_> = told
            .iter()
            .map(|item| (item.version.as_str(), item.aliases.join(" ")))
            .collect();
        assert_eq!(told, [("1", "champion".to_owned()), ("2", String::new())]);
    }
}
