//! Gate replay: the past under another gate.

use crate::yard::{REPO, Yard};
use trainyard_core::gate::Blessing::{Blessed, NotBlessed};
use trainyard_core::ids::RepoName;
use trainyard_core::spec::load_gate;
use trainyard_engine::Past;

fn past(pipeline: &str) -> Past {
    Past {
        pipeline: Some(pipeline.to_owned()),
        repo: None,
        limit: 50,
    }
}

#[tokio::test]
async fn recorded_runs_are_judged_anew_without_training() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.push(&[("auc: 0.7", "auc: 0.65")]).await;
    let (_, run) = yard.last(2).await;

    let lax = "metrics: { auc: { value_threshold: { lower_bound: 0.6 } } }";
    let strict = "metrics: { auc: { value_threshold: { lower_bound: 0.69 } } }";
    let over = |text: &'static str| {
        let gate = load_gate("gate.yaml", text).unwrap();
        let engine = &yard.engine;
        async move {
            let replayed = engine.replay(&gate, &past("tiny")).await.unwrap();
            let verdicts: Vec<_> = replayed.iter().map(|run| (run.then, run.now, run.changes())).collect();
            (verdicts, replayed)
        }
    };
    let (verdicts, _) = over(lax).await;
    assert_eq!(
        verdicts,
        [(NotBlessed, Some(Blessed), true), (Blessed, Some(Blessed), false)]
    );
    let (verdicts, replayed) = over(strict).await;
    assert_eq!(
        verdicts,
        [(NotBlessed, Some(NotBlessed), false), (Blessed, Some(Blessed), false)]
    );
    insta::assert_snapshot!(replayed[0].reason.clone().unwrap(), @"auc overall is 0.6500, below the lower bound 0.6900");
    assert_eq!(replayed[0].run, run.request.id);
    let gate = load_gate("gate.yaml", lax).unwrap();
    let runs = async |past: Past| {
        let replayed = yard.engine.replay(&gate, &past).await.unwrap();
        replayed.into_iter().map(|run| run.run).collect::<Vec<_>>()
    };
    let newest = Past {
        limit: 1,
        ..past("tiny")
    };
    assert_eq!(runs(newest).await, std::slice::from_ref(&run.request.id));
    assert!(runs(past("other")).await.is_empty());
    let of = |repo: &str| Past {
        repo: RepoName::parse(repo).ok(),
        ..past("tiny")
    };
    assert_eq!(runs(of(REPO)).await.len(), 2);
    assert!(
        runs(of("mallory/tiny")).await.is_empty(),
        "another repository's runs are its own"
    );
}
