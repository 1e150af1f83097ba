//! What is served where, and how it got there.

use super::{Versions, time};
use crate::config::Config;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use trainyard_core::artifact::ArtifactRef;
use trainyard_core::registry::{
    Alias, CHAMPION, Evidence, IntentState, NewTargetHold, Promotion, Serving as ServingNow, TargetHold,
};
use trainyard_core::run::{Finding, WorkTree};
use trainyard_engine::Reconciled;
use trainyard_store::{Reads, Result};
use utoipa::ToSchema;

/// Entries of a target's ledger that are shown.
const SHOWN: usize = 50;

/// Every push target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Models {
    /// By name.
    pub targets: Vec<TargetView>,
}

/// A push target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TargetView {
    /// Its name.
    pub name: String,
    /// The model server, or the folder of versions; absent when the configuration does not name the target any more.
    pub url: Option<String>,
    /// `in_step` with its ledger, `pushing`, `unknown` (nobody knows what serves, and it is read back), `drifted` (the
    /// next push goes above what others did) or `disagrees` (a person decides, and nothing is pushed before).
    pub state: &'static str,
    /// What was found, and what follows, unless it is in step.
    pub finding: Option<String>,
    /// Who froze it, if it is frozen: nothing new serves then.
    pub hold: Option<HoldView>,
    /// What it serves, if anything.
    pub serving: Option<Serving>,
    /// The names of its versions, `champion` first: what serves.
    pub aliases: Vec<AliasView>,
    /// The newest entries of its ledger, newest first.
    pub ledger: Vec<PromotionItem>,
}

/// A target that is frozen.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoldView {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: String,
}

impl From<TargetHold> for HoldView {
    fn from(hold: TargetHold) -> Self {
        Self {
            actor: hold.actor,
            reason: hold.reason,
            since: time(hold.at),
        }
    }
}

/// What a hold or a release did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoldChange {
    /// The target.
    pub target: String,
    /// Whether it is frozen from now on.
    pub held: bool,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: String,
}

impl From<NewTargetHold> for HoldChange {
    fn from(done: NewTargetHold) -> Self {
        Self {
            target: done.target,
            held: done.held,
            actor: done.actor,
            reason: done.reason,
            at: time(done.at),
        }
    }
}

/// The state of every push target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Targets {
    /// By name.
    pub targets: Vec<TargetBrief>,
}

/// The state of a push target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TargetBrief {
    /// Its name.
    pub name: String,
    /// The model server, the folder of versions or the receiver.
    pub url: Option<String>,
    /// `in_step`, `pushing`, `unknown`, `drifted` or `disagrees`, as of a model's target.
    pub state: &'static str,
    /// What was found, and what follows, unless it is in step.
    pub finding: Option<String>,
    /// The version that its ledger says serves.
    pub serving: Option<String>,
    /// Whether a person froze it.
    pub held: bool,
}

impl From<Models> for Targets {
    fn from(models: Models) -> Self {
        let targets = models.targets.into_iter().map(|target| TargetBrief {
            name: target.name,
            url: target.url,
            state: target.state,
            finding: target.finding,
            serving: target.serving.map(|serving| serving.version),
            held: target.hold.is_some(),
        });
        Self {
            targets: targets.collect(),
        }
    }
}

/// What a decision between a target and its ledger did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReconciledTarget {
    /// The target.
    pub target: String,
    /// `served` or `ledger`.
    pub kept: &'static str,
    /// The version that serves from now on, by the target and by the ledger; `null` where nothing ever served.
    pub version: Option<String>,
    /// Its model's digest.
    pub model: Option<String>,
    /// What was found, in words.
    pub found: Option<String>,
}

impl From<Reconciled> for ReconciledTarget {
    fn from(done: Reconciled) -> Self {
        Self {
            target: done.target,
            kept: done.kept,
            version: done.version,
            model: done.model,
            found: done.found,
        }
    }
}

/// A name of a version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AliasView {
    /// The name.
    pub alias: String,
    /// The version that bears it.
    pub version: String,
    /// Who gave it.
    pub actor: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// Since when.
    pub since: String,
}

/// What a target serves.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Serving {
    /// The version the server knows it by.
    pub version: String,
    /// The pipeline it is of.
    pub pipeline: String,
    /// The model.
    #[schema(value_type = Object)]
    pub model: ArtifactRef,
    /// The run that made it.
    pub run: Option<String>,
    /// Since when.
    pub since: String,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PromotionItem {
    /// `push`, `rollback` or `removed`.
    pub action: String,
    /// The version.
    pub version: String,
    /// The model's digest.
    pub model: String,
    /// The run that made the model.
    pub run: Option<String>,
    /// Who did it.
    pub actor: String,
    /// Of a push: the work tree it was trained in, in words, where it was none of a repository's commits.
    pub work_tree: Option<String>,
    /// Why.
    #[schema(value_type = Object)]
    pub evidence: Value,
    /// When.
    pub at: String,
}

impl Models {
    /// Reads every target of the configuration and of the ledger.
    pub async fn read(store: &Reads, config: &Config) -> Result<Self> {
        let all = Self::with_versions(store, config).await?.into_iter();
        Ok(Self {
            targets: all.map(|(target, _)| target).collect(),
        })
    }

    /// The same with the versions of each, of one reading of its ledger.
    pub async fn with_versions(store: &Reads, config: &Config) -> Result<Vec<(TargetView, Versions)>> {
        let mut names: BTreeSet<String> = config.targets.keys().cloned().collect();
        names.extend(store.promoted_targets().await?);
        let mut targets = Vec::new();
        for name in names {
            let ledger = store.ledger(&name).await?;
            let given = store.aliases(Some(&name)).await?;
            let versions = Versions::of(&name, &ledger, &given);
            let now = ledger.serving();
            let (state, finding) = standing(store, &name).await?;
            let view = TargetView {
                state,
                finding,
                url: config.targets.get(&name).map(|target| target.0.place()),
                hold: store.target_hold(&name).await?.map(HoldView::from),
                serving: now.map(serving),
                aliases: now.map(champion).into_iter().chain(aliases(given)).collect(),
                ledger: ledger.entries().iter().rev().take(SHOWN).map(item).collect(),
                name,
            };
            targets.push((view, versions));
        }
        Ok(targets)
    }
}

/// Whether a target is in step with its ledger, as far as it was looked at.
async fn standing(store: &Reads, target: &str) -> Result<(&'static str, Option<String>)> {
    if let Some(open) = store.open_intent(target).await? {
        let entry = &open.entry;
        return Ok(match open.state {
            IntentState::Unknown => ("unknown", Some(open.unknown())),
            _ => (
                "pushing",
                Some(format!("{} of version {}", open.action.as_str(), entry.version)),
            ),
        });
    }
    let finding = store.finding(target).await?;
    let state = match &finding {
        None => "in_step",
        Some(Finding::Drifted { .. }) => "drifted",
        Some(Finding::Disagrees { .. }) => "disagrees",
    };
    Ok((state, finding.map(|finding| finding.of_target(target))))
}

/// The name that follows what serves.
fn champion(now: ServingNow<'_>) -> AliasView {
    AliasView {
        alias: CHAMPION.to_owned(),
        version: now.pushed.version.clone(),
        actor: now.since.actor.clone(),
        reason: None,
        since: time(now.since.at),
    }
}

/// The names that people gave.
fn aliases(given: Vec<Alias>) -> impl Iterator<Item = AliasView> {
    given.into_iter().filter_map(|entry| {
        Some(AliasView {
            alias: entry.alias,
            version: entry.version?,
            actor: entry.actor,
            reason: entry.reason,
            since: time(entry.at),
        })
    })
}

fn serving(now: ServingNow<'_>) -> Serving {
    let entry = now.pushed;
    Serving {
        version: entry.version.clone(),
        pipeline: entry.pipeline.clone(),
        model: entry.model.clone(),
        run: entry.run.as_ref().map(ToString::to_string),
        since: time(now.since.at),
    }
}

fn item(entry: &Promotion) -> PromotionItem {
    PromotionItem {
        action: entry.action.as_str().to_owned(),
        version: entry.version.clone(),
        model: entry.model.digest.to_string(),
        run: entry.run.as_ref().map(ToString::to_string),
        actor: entry.actor.clone(),
        work_tree: match &entry.evidence {
            Evidence::Gate(judged) => judged.work_tree.as_ref().map(WorkTree::sentence),
            _ => None,
        },
        evidence: serde_json::to_value(&entry.evidence).unwrap_or_default(),
        at: time(entry.at),
    }
}
