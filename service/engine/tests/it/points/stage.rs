//! What a story is played on, and what holds when it is over.

use crate::infra_validation::Trials;
use crate::intents::Receiver;
use crate::notify::Receivers;
use crate::yard::{REPO, Yard, until};
use futures_util::future::LocalBoxFuture;
use std::collections::BTreeSet;
use std::sync::Arc;
use trainyard_core::registry::IntentState;

/// A yard with what else a story needs.
#[derive(Default)]
pub struct Stage {
    pub yard: Option<Yard>,
    pub trials: Option<Trials>,
    pub receiver: Option<Arc<Receiver>>,
    /// Who is told beside GitHub.
    pub heard: Option<Receivers>,
    /// Whether old records go, so that not all that happened can be told.
    pub forgets: bool,
    /// Whether it was stopped in the middle, and rests only when it goes on.
    pub stopped: bool,
    /// How many webhooks there are to be.
    pub sent: usize,
}

impl Stage {
    pub fn of(yard: Yard) -> Self {
        Self {
            yard: Some(yard),
            ..Self::default()
        }
    }

    pub fn yard(&mut self) -> &mut Yard {
        match (&mut self.yard, &mut self.trials) {
            (Some(yard), _) => yard,
            (None, Some(trials)) => &mut trials.yard,
            (None, None) => panic!("an empty stage"),
        }
    }

    /// Pushes the pipeline with pieces of its text replaced; GitHub sends a webhook.
    pub async fn push(&mut self, changes: &[(&str, &str)]) {
        self.sent += 1;
        self.yard().push(changes).await;
    }
}

type Does = for<'a> fn(&'a mut Stage) -> LocalBoxFuture<'a, ()>;

/// A part of what happens.
pub enum Act {
    /// Somebody else does it, whatever becomes of the service.
    Outside(Does),
    /// The service is asked, or waited for, again after each of its deaths.
    Asks(Does),
}

/// What is there before, and what happens. It is over when nothing is left to do.
pub struct Story {
    pub name: &'static str,
    pub before: fn() -> LocalBoxFuture<'static, Stage>,
    pub acts: &'static [Act],
}

/// How many webhooks GitHub has sent, each once or more.
pub fn sent_by_github(yard: &Yard) -> usize {
    let guids = yard.github.deliveries().into_iter().map(|delivery| delivery.guid);
    guids.collect::<BTreeSet<_>>().len()
}

/// Nothing is left to do.
pub async fn rest(stage: &mut Stage, story: &str) {
    let sent = stage.sent;
    let yard = stage.yard();
    let refused = |yard: &Yard| {
        let deliveries = yard.github.deliveries();
        let ok = |guid: &str| {
            let mut attempts = deliveries.iter().filter(|one| one.guid == guid);
            attempts.any(|one| one.status_code.is_some_and(|code| (200..300).contains(&code)))
        };
        let guids: BTreeSet<String> = deliveries.iter().map(|one| one.guid.clone()).collect();
        guids.into_iter().filter(|guid| !ok(guid)).collect::<Vec<_>>()
    };
    until(&format!("sending of everything ({story})"), async || {
        (sent_by_github(yard) >= sent).then_some(())
    })
    .await;
    for guid in refused(yard) {
        yard.github.redeliver(&guid).unwrap();
    }
    until(&format!("delivery of everything ({story})"), async || {
        refused(yard).is_empty().then_some(())
    })
    .await;
    until(&format!("rest ({story})"), async || {
        let reads = yard.engine.reads();
        let waiting = reads
            .waiting_deliveries(0, 1, &Default::default())
            .await
            .unwrap()
            .deliveries;
        let (held, open) = (reads.next_hold().await.unwrap(), reads.open_intents().await.unwrap());
        let active = reads.active_runs().await.unwrap();
        (waiting.is_empty() && held.is_none() && open.is_empty() && active.is_empty()).then_some(())
    })
    .await;
    yard.all_told().await;
    yard.tidy().await;
    yard.swept().await;
}

/// What holds at the end of every story.
pub async fn laws(stage: &mut Stage, case: &str) {
    let (receiver, forgets) = (stage.receiver.clone(), stage.forgets);
    let heard = stage.heard.as_ref().map(|heard| heard.titles("hook"));
    let yard = stage.yard();
    let reads = yard.engine.reads();
    let mut broken = match forgets {
        true => Vec::new(),
        false => crate::laws::broken(reads, &yard.github, REPO, &["tiny"]).await,
    };
    let starts = yard.executor.starts();
    let of_steps = starts.iter().filter(|key| key.node.as_step().is_some());
    let (all, once) = (of_steps.clone().count(), of_steps.collect::<BTreeSet<_>>().len());
    if all != once {
        broken.push(format!("I2: an attempt was started twice: {starts:?}"));
    }
    if let Some(heard) = heard {
        for title in [
            "tiny failed on main of acme/tiny",
            "tiny is well again on main of acme/tiny",
        ] {
            if !heard.iter().any(|said| said == title) {
                broken.push(format!("I8: nobody heard '{title}', but {heard:?}"));
            }
        }
    }
    let ledger = reads.ledger("tiny").await.unwrap();
    let says = ledger.serving().map(|serving| serving.pushed.version.clone());
    let serves = match &receiver {
        Some(receiver) => Some(receiver.serves().0).filter(|version| !version.is_empty()),
        None => yard.server.predict().map(|(version, _)| version),
    };
    let found = reads.finding("tiny").await.unwrap();
    if says != serves && found.is_none() {
        broken.push(format!("I3: {serves:?} serves, and the ledger says {says:?}"));
    }
    let checked = yard.other_store().await;
    broken.extend(
        checked
            .check()
            .await
            .unwrap()
            .problems
            .iter()
            .map(|problem| format!("I7: {problem}")),
    );
    checked.close().await;
    assert!(broken.is_empty(), "{case}:\n{}", broken.join("\n"));
    // Whatever happened, the next model is trained and serves.
    if found.is_none() {
        let runs = yard.runs().await.len();
        yard.images.succeed();
        yard.release("left");
        yard.release("train");
        yard.work.git(&["checkout", "--quiet", "--force", "main"]).await;
        yard.push(&[("auc: 0.7", "auc: 0.95")]).await;
        let (row, _) = yard.last(runs + 1).await;
        let said = row.summary.unwrap_or_default();
        assert!(said.starts_with("approved, and serving"), "{case}: {said}");
        let begun = yard.engine.reads().intents("tiny").await.unwrap();
        assert!(
            begun.iter().all(|intent| intent.state != IntentState::Unknown),
            "{case}"
        );
    }
}
