use crate::databases::on_both;
use crate::samples::{artifact, at, identity, manual, named, publish, request, start, start_run, store_metadata};
use trainyard_core::ids::{RepoName, StepName};
use trainyard_core::run::{Run, RunRequest};
use trainyard_store::{Direction, Fate, LineageNode, MetadataWrite, Store};

/// A run whose step published statistics with this content.
async fn publish_statistics(store: &Store, asked: RunRequest, step: &str, content: u8) {
    let mut event = manual(&format!("event-of-{}", asked.id));
    event.consequences.push(crate::samples::starts(asked.clone()));
    store.record_event(&event, None, at(0)).await.unwrap();
    let when = at(u64::from(content));
    let statistics = artifact(&format!("{}/{step}/statistics", asked.id), "ExampleStatistics", content);
    let identity = identity(asked.id.as_str(), step, "StatisticsGen");
    let write = publish(&identity, "key", named([("statistics", statistics)]), when);
    store_metadata(store, &mut Run::new(asked), vec![write], when).await;
}

on_both! {
    async fn a_step_finds_what_it_published_itself_newest_first_and_nothing_of_strangers(fresh) {
        let store = &fresh.store;
        let ours = request("r1", 0).repo;
        let other = RepoName::parse("else/flights").ok();
        publish_statistics(store, request("r1", 0), "statistics", 1).await;
        publish_statistics(store, request("r2", 0), "statistics", 2).await;
        publish_statistics(store, request("r3", 0), "statistics", 3).await;
        let pull_request = RunRequest { pull_request: Some(7), ..request("r4", 0) };
        publish_statistics(store, pull_request, "statistics", 4).await;
        let stranger = RunRequest { repo: other.clone(), ..request("r5", 0) };
        publish_statistics(store, stranger, "statistics", 5).await;
        publish_statistics(store, request("r6", 0), "other-statistics", 6).await;
        let local = RunRequest { repo: None, ..request("r7", 0) };
        publish_statistics(store, local, "statistics", 7).await;
        store.settle_content(&[artifact("", "", 2).digest], Fate::Marked, at(9)).await.unwrap();

        let step = StepName::new("statistics");
        let found = async |repo: Option<RepoName>, pipeline: &str, output: &str, limit: u32| {
            let found = store.published_outputs(repo.as_ref(), pipeline, &step, output, limit).await.unwrap();
            found.into_iter().map(|(run, artifact)| format!("{run} {}", artifact.name)).collect::<Vec<_>>()
        };
        let (newest, oldest) = ("r3 r3/statistics/statistics", "r1 r1/statistics/statistics");
        assert_eq!(found(ours.clone(), "flights", "statistics", 8).await, [newest, oldest]);
        assert_eq!(found(ours.clone(), "flights", "statistics", 1).await, [newest]);
        assert_eq!(found(other, "flights", "statistics", 8).await, ["r5 r5/statistics/statistics"]);
        assert_eq!(found(None, "flights", "statistics", 8).await, ["r7 r7/statistics/statistics"]);
        assert!(found(ours.clone(), "flights", "anomalies", 8).await.is_empty());
        assert!(found(ours, "weather", "statistics", 8).await.is_empty());
    }
    async fn what_is_remembered_is_in_use_but_in_no_lineage(fresh) {
        let store = &fresh.store;
        publish_statistics(store, request("r1", 0), "statistics", 1).await;
        let (memo, examples) = (artifact("r1/statistics/statistics", "ExampleStatistics", 1), artifact("examples", "Examples", 9));
        let mut run = start_run(store, "r2", 0).await;
        let reader = identity("r2", "statistics", "StatisticsGen");
        let remember = MetadataWrite::Remember { identity: reader.clone(), inputs: named([("stored_statistics", memo.clone())]), at: at(2) };
        let start = start(&reader, named([("examples", examples)]), at(2));
        // A crash may have both written twice.
        store_metadata(store, &mut run, vec![start.clone(), remember.clone()], at(2)).await;
        store_metadata(store, &mut run, vec![start, remember], at(2)).await;
        let graph = store.lineage(&memo.name, Direction::Bidirectional, 9).await.unwrap();
        let executions = graph.nodes.iter().filter(|node| matches!(node, LineageNode::Execution { .. })).count();
        assert_eq!(executions, 1, "only the one that made it");
        let runs = store.retention_runs().await.unwrap();
        assert!(runs.iter().all(|run| run.uses.contains(&memo.digest)), "{runs:?}");
    }
}
