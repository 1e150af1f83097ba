//! Why a model may serve, as the ledger keeps it for those who ask later.

use crate::artifact::Digest;
use crate::gate::{Override, Verdict};
use crate::ids::{CommitSha, StepName};
use crate::plan::InputSource;
use crate::run::{Disagreement, Run, Word, WorkTree};
use crate::span::AsOf;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeSet;

/// Why a model may serve. In JSON an object, told apart by the keys `promoted`, `rolled_back` and `reconciled`.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The gate approved it, and its run pushed it.
    Gate(Judged),
    /// A person made it serve.
    Promotion {
        /// The run or version that was named.
        promoted: String,
        /// The version that served until then.
        instead_of: Option<String>,
        /// What the gate knew of it.
        judged: Judged,
        /// Why, if the person said so.
        reason: Option<String>,
        /// The person's own approval, where the gate gave none.
        forced: Option<Override>,
    },
    /// A person went back to it.
    Rollback {
        /// The version that was withdrawn.
        rolled_back: String,
        /// What the gate knew of the one that serves again.
        judged: Judged,
        /// Why, if the person said so.
        reason: Option<String>,
    },
    /// It served, the ledger did not know, and a person says that it stays.
    Reconciled {
        /// What was found.
        reconciled: Disagreement,
        /// Why it stays.
        reason: String,
    },
    /// What another program, or an older one, wrote.
    Recorded(Value),
}

/// What is known of a model from the run that made it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The gate's answer.
    pub verdict: Option<Verdict>,
    /// The commit it was trained at.
    pub commit: Option<CommitSha>,
    /// The external data its run read.
    pub data: Vec<DataRead>,
    /// The person's work tree that it was trained in, where it was none of a repository's commits.
    pub work_tree: Option<WorkTree>,
    /// The person who approved it beside the gate, where that was asked for.
    pub approved: Option<Word>,
}

/// One data source as a run read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRead {
    /// The source's name.
    pub source: Option<String>,
    /// The content of all spans together.
    pub digest: Digest,
    /// The spans' labels, as file names write them.
    pub spans: Vec<Value>,
    /// The newest span of the source that the run could see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The pattern of the source's files; absent in what older binaries wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The newest span that was read; absent of a file without a span, and in what older binaries wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<AsOf>,
    /// Whether it was read only to judge the model, which was made of other data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judges: bool,
}

impl Judged {
    /// What a run knows of its model.
    pub fn of(run: &Run) -> Self {
        Self {
            verdict: run.verdict.clone(),
            commit: run.request.commit.clone(),
            data: data(run),
            work_tree: run.request.work_tree.clone(),
            approved: run.approved.clone(),
        }
    }
}

fn data(run: &Run) -> Vec<DataRead> {
    let makers = makers(run);
    let inputs = run
        .steps
        .iter()
        .flat_map(|(step, record)| record.inputs.values().map(move |input| (step, input)));
    let external = inputs.filter(|(_, input)| input.type_name == "ExternalData");
    external
        .map(|(step, data)| {
            let spans = data.properties.get("spans").and_then(Value::as_array);
            let labels = spans.into_iter().flatten().map(|span| span["label"].clone());
            let source = data.properties.get("source").and_then(Value::as_str);
            let planned = run.request.plan.steps.get(step);
            let uri = planned.and_then(|step| Some(step.source.as_ref()?.uri.clone()));
            // A file without a span has no place in time.
            let timed = uri.as_ref().is_some_and(|uri| uri.contains('{'));
            let newest = spans.into_iter().flatten().filter_map(as_of).max();
            DataRead {
                source: source.map(str::to_owned),
                digest: data.digest.clone(),
                spans: labels.collect(),
                as_of: source.and_then(|source| run.as_of(source)),
                newest: newest.filter(|_| timed),
                judges: makers.as_ref().is_some_and(|makers| !makers.contains(step)),
                uri,
            }
        })
        .collect()
}

fn as_of(span: &Value) -> Option<AsOf> {
    let label = span.get("label").and_then(Value::as_str)?.to_owned();
    let span = span.get("span").and_then(Value::as_i64)?;
    Some(AsOf { span, label })
}

/// The steps that the judged model comes from; `None` where no gate says which model that is.
fn makers(run: &Run) -> Option<BTreeSet<StepName>> {
    let plan = &run.request.plan;
    let mut open = vec![plan.gate.as_ref()?.model.0.clone()];
    let mut known = BTreeSet::new();
    while let Some(name) = open.pop() {
        let inputs = plan.steps.get(&name).into_iter().flat_map(|step| step.inputs.values());
        open.extend(inputs.filter_map(|input| match input {
            InputSource::Output { step, .. } => Some(step.clone()).filter(|step| !known.contains(step)),
            InputSource::Baseline | InputSource::File { .. } => None,
        }));
        known.insert(name);
    }
    Some(known)
}

impl Evidence {
    /// What the gate knew of the model.
    pub fn judged(&self) -> Judged {
        match self {
            Self::Gate(judged) | Self::Promotion { judged, .. } | Self::Rollback { judged, .. } => judged.clone(),
            Self::Reconciled { .. } | Self::Recorded(_) => Judged::default(),
        }
    }

    /// A person's approval against the gate or without it.
    pub fn forced(&self) -> Option<&Override> {
        match self {
            Self::Promotion { forced, .. } => forced.as_ref(),
            Self::Gate(_) | Self::Rollback { .. } | Self::Reconciled { .. } | Self::Recorded(_) => None,
        }
    }

    /// Why, in a person's words.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Promotion { reason, .. } | Self::Rollback { reason, .. } => reason.as_deref(),
            Self::Reconciled { reason, .. } => Some(reason),
            Self::Gate(judged) => judged.approved.as_ref().map(|word| word.reason.as_str()),
            Self::Recorded(_) => None,
        }
    }
}

/// The JSON of [`Evidence::Gate`].
#[derive(Serialize, Deserialize)]
struct GateForm {
    verdict: Option<Verdict>,
    commit: Option<CommitSha>,
    #[serde(default)]
    data: Option<Vec<DataRead>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    work_tree: Option<WorkTree>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved: Option<Word>,
}

/// The JSON of [`Evidence::Promotion`].
#[derive(Serialize, Deserialize)]
struct PromotionForm {
    promoted: String,
    instead_of: Option<String>,
    #[serde(flatten)]
    judged: GateForm,
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forced: Option<ForcedForm>,
}

/// The JSON of a forced approval.
#[derive(Serialize, Deserialize)]
struct ForcedForm {
    by: String,
    reason: String,
}

/// The JSON of [`Evidence::Rollback`].
#[derive(Serialize, Deserialize)]
struct RollbackForm {
    rolled_back: String,
    #[serde(flatten)]
    judged: GateForm,
    #[serde(default)]
    reason: Option<String>,
}

/// The JSON of [`Evidence::Reconciled`].
#[derive(Serialize, Deserialize)]
struct ReconciledForm {
    reconciled: Disagreement,
    reason: String,
}

impl From<Judged> for GateForm {
    fn from(judged: Judged) -> Self {
        Self {
            verdict: judged.verdict,
            commit: judged.commit,
            data: Some(judged.data),
            work_tree: judged.work_tree,
            approved: judged.approved,
        }
    }
}

impl From<GateForm> for Judged {
    fn from(form: GateForm) -> Self {
        Self {
            verdict: form.verdict,
            commit: form.commit,
            data: form.data.unwrap_or_default(),
            work_tree: form.work_tree,
            approved: form.approved,
        }
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.clone() {
            Self::Gate(judged) => GateForm::from(judged).serialize(serializer),
            Self::Promotion {
                promoted,
                instead_of,
                judged,
                reason,
                forced,
            } => PromotionForm {
                promoted,
                instead_of,
                judged: judged.into(),
                reason,
                forced: forced.map(|forced| ForcedForm {
                    by: forced.actor().to_owned(),
                    reason: forced.reason().to_owned(),
                }),
            }
            .serialize(serializer),
            Self::Rollback {
                rolled_back,
                judged,
                reason,
            } => RollbackForm {
                rolled_back,
                judged: judged.into(),
                reason,
            }
            .serialize(serializer),
            Self::Reconciled { reconciled, reason } => ReconciledForm { reconciled, reason }.serialize(serializer),
            Self::Recorded(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Evidence {
    /// What has another form is kept as it is: the ledger must be readable whoever wrote it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(known(&value).unwrap_or(Self::Recorded(value)))
    }
}

fn known(value: &Value) -> Option<Evidence> {
    let has = |key: &str| value.get(key).is_some();
    if has("promoted") {
        let form = PromotionForm::deserialize(value).ok()?;
        let forced = form.forced.map(|forced| Override::new(&forced.by, &forced.reason));
        return Some(Evidence::Promotion {
            promoted: form.promoted,
            instead_of: form.instead_of,
            judged: form.judged.into(),
            reason: form.reason,
            forced: forced.transpose().ok()?,
        });
    }
    if has("rolled_back") {
        let form = RollbackForm::deserialize(value).ok()?;
        return Some(Evidence::Rollback {
            rolled_back: form.rolled_back,
            judged: form.judged.into(),
            reason: form.reason,
        });
    }
    if has("reconciled") {
        let ReconciledForm { reconciled, reason } = ReconciledForm::deserialize(value).ok()?;
        return Some(Evidence::Reconciled { reconciled, reason });
    }
    let form = has("verdict").then(|| GateForm::deserialize(value).ok())??;
    Some(Evidence::Gate(form.into()))
}
