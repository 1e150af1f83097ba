use crate::databases::on_both;
use crate::samples::{artifact, at, identity, named, publish, start, start_run, store_metadata};
use serde_json::json;
use std::collections::BTreeMap;
use trainyard_core::artifact::ArtifactRef;
use trainyard_store::{Direction, EndState, Fate, LineageNode, MetadataWrite, PARAMETER_PREFIX, Store};

/// data → examples → train → model, as run `r1` leaves it.
pub async fn record_run(store: &Store, id: &str) -> (ArtifactRef, ArtifactRef, ArtifactRef) {
    let mut run = start_run(store, id, 0).await;
    let data = artifact("flights/2013-01", "ExternalData", 1);
    let mut examples = artifact(&format!("{id}/examples/examples"), "Examples", 2);
    examples.properties =
        json!({"span": 15706, "split_names": ["train", "eval"], "ratio": 0.5, "note": "[draft", "ok": true, "nothing": null})
            .as_object()
            .unwrap()
            .clone();
    let model = artifact(&format!("{id}/train/model"), "Model", 3);
    let (gen_, trainer) = (identity(id, "examples", "ExampleGen"), identity(id, "train", "Trainer"));
    let writes = vec![start(&gen_, named([("source", data.clone())]), at(1))];
    store_metadata(store, &mut run, writes, at(1)).await;
    store_metadata(
        store,
        &mut run,
        vec![publish(
            &gen_,
            "key-gen",
            named([("examples", examples.clone())]),
            at(2),
        )],
        at(2),
    )
    .await;
    store_metadata(
        store,
        &mut run,
        vec![start(&trainer, named([("examples", examples.clone())]), at(3))],
        at(3),
    )
    .await;
    store_metadata(
        store,
        &mut run,
        vec![publish(&trainer, "key-train", named([("model", model.clone())]), at(4))],
        at(4),
    )
    .await;
    examples.properties.remove("nothing");
    (data, examples, model)
}

fn names(nodes: &[LineageNode]) -> Vec<String> {
    nodes
        .iter()
        .map(|node| match node {
            LineageNode::Artifact { name, distance, .. } => format!("{distance} {name}"),
            LineageNode::Execution {
                name, state, distance, ..
            } => format!("{distance} {name} {state}"),
        })
        .collect()
}

on_both! {
    async fn what_a_component_said_comes_back(fresh) {
        let store = &fresh.store;
        let (data, examples, model) = record_run(store, "r1").await;
        assert_eq!(store.artifact("r1/examples/examples").await.unwrap(), Some(examples));
        assert_eq!(store.artifact("r1/train/model").await.unwrap(), Some(model.clone()));
        assert_eq!(store.artifact("unknown").await.unwrap(), None);
        assert_eq!(store.artifact_by_digest("Model", &model.digest).await.unwrap(), Some(model.clone()));
        assert_eq!(store.artifact_by_digest("Examples", &model.digest).await.unwrap(), None);
        assert_eq!(store.artifact_by_digest("ExternalData", &data.digest).await.unwrap(), Some(data));
    }

    async fn an_earlier_execution_is_found_by_its_key(fresh) {
        let store = &fresh.store;
        let (_, examples, model) = record_run(store, "r1").await;
        let found = store.cached_outputs("key-train").await.unwrap().unwrap();
        assert_eq!(found.execution_name, "r1/train");
        assert_eq!(found.outputs, named([("model", model.clone())]));
        assert_eq!(found.metrics, BTreeMap::from([("auc".to_owned(), 0.65), ("log_loss".to_owned(), 3.0)]));
        assert_eq!(store.cached_outputs("other").await.unwrap(), None);

        let mut second = start_run(store, "r2", 10).await;
        let cached = MetadataWrite::Cached {
            identity: identity("r2", "train", "Trainer"),
            inputs: named([("examples", examples)]),
            outputs: found.outputs,
            key: Some("key-train".to_owned()),
            properties: json!({"cache_key": "key-train", "auc": 0.65}).as_object().unwrap().clone(),
            at: at(11),
        };
        store_metadata(store, &mut second, vec![cached], at(11)).await;
        assert_eq!(store.cached_outputs("key-train").await.unwrap().unwrap().execution_name, "r1/train", "CACHED is not COMPLETE");
        let down = store.lineage("r1/examples/examples", Direction::Downstream, 1).await.unwrap();
        assert_eq!(names(&down.nodes), ["0 r1/examples/examples", "1 r1/train COMPLETE", "1 r2/train CACHED"]);

        let content = [model.digest.clone()];
        store.settle_content(&content, Fate::Marked, at(12)).await.unwrap();
        assert_eq!(store.cached_outputs("key-train").await.unwrap(), None, "its bytes may go at any moment");
        assert!(store.stored_content().await.unwrap()[&model.digest], "it is marked");
        store.settle_content(&content, Fate::Kept, at(13)).await.unwrap();
        assert!(store.cached_outputs("key-train").await.unwrap().is_some(), "it was needed after all");
        for fate in [Fate::Marked, Fate::Deleted, Fate::Deleted, Fate::Kept, Fate::Marked] {
            store.settle_content(&content, fate, at(14)).await.unwrap();
        }
        assert_eq!(store.cached_outputs("key-train").await.unwrap(), None, "its bytes are gone, and nothing brings them back");
        assert!(!store.stored_content().await.unwrap().contains_key(&model.digest));
        let tombstone = store.lineage(&model.name, Direction::Upstream, 1).await.unwrap();
        assert_eq!(names(&tombstone.nodes), ["0 r1/train/model", "1 r1/train COMPLETE", "1 r2/train CACHED"], "its lineage is whole");
        let users = store.retention_runs().await.unwrap();
        assert!(users.iter().all(|run| run.uses.contains(&model.digest)), "who made it and who reused it");
    }

    async fn of_two_executions_with_one_key_the_newest_live_one_counts(fresh) {
        let store = &fresh.store;
        for (number, id) in ["r1", "r2", "r3"].into_iter().enumerate() {
            let mut run = start_run(store, id, number as u64).await;
            let trainer = identity(id, "train", "Trainer");
            let model = artifact(&format!("{id}/train/model"), "Model", number as u8);
            let write = publish(&trainer, "key", named([("model", model)]), at(number as u64));
            store_metadata(store, &mut run, vec![write], at(number as u64)).await;
        }
        assert_eq!(store.cached_outputs("key").await.unwrap().unwrap().execution_name, "r3/train");
        let newest = store.artifact("r3/train/model").await.unwrap().unwrap();
        store.settle_content(&[newest.digest], Fate::Marked, at(9)).await.unwrap();
        assert_eq!(store.cached_outputs("key").await.unwrap().unwrap().execution_name, "r2/train");
    }

    async fn a_retry_is_the_same_execution(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let trainer = identity("r1", "train", "Trainer");
        let examples = artifact("e", "Examples", 1);
        let inputs = named([("examples", examples.clone()), ("more", examples.clone())]);
        for attempt in 1..=2 {
            store_metadata(store, &mut run, vec![start(&trainer, inputs.clone(), at(attempt))], at(attempt)).await;
            let end = MetadataWrite::End { identity: trainer.clone(), state: EndState::Failed, reason: "exit 1".to_owned(), at: at(attempt) };
            store_metadata(store, &mut run, vec![end], at(attempt)).await;
        }
        let model = artifact("r1/train/model", "Model", 3);
        for _ in 0..2 {
            store_metadata(store, &mut run, vec![publish(&trainer, "key", named([("model", model.clone())]), at(5))], at(5)).await;
        }
        let graph = store.lineage("r1/train/model", Direction::Upstream, 9).await.unwrap();
        assert_eq!(names(&graph.nodes), ["0 r1/train/model", "1 r1/train COMPLETE", "2 e"]);
        let edges: Vec<_> = graph.edges.iter().map(|edge| format!("{} -{}-> {}", edge.from, edge.key, edge.to)).collect();
        assert_eq!(edges, ["e -examples-> r1/train", "e -more-> r1/train", "r1/train -model-> r1/train/model"]);
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.executions, stats.artifacts), (1, 2));
    }

    async fn lineage_stops_at_its_hops_and_keeps_its_direction(fresh) {
        let store = &fresh.store;
        record_run(store, "r1").await;
        let all = ["0 r1/train/model", "1 r1/train COMPLETE", "2 r1/examples/examples", "3 r1/examples COMPLETE", "4 flights/2013-01"];
        let up = store.lineage("r1/train/model", Direction::Upstream, 20).await.unwrap();
        assert_eq!(names(&up.nodes), all);
        assert_eq!(up.edges.len(), 4);
        for hops in 0..4 {
            let some = store.lineage("r1/train/model", Direction::Upstream, hops).await.unwrap();
            assert_eq!(names(&some.nodes), all[..=hops as usize]);
        }
        assert_eq!(store.lineage("r1/train/model", Direction::Downstream, 20).await.unwrap().nodes.len(), 1);
        assert_eq!(store.lineage("flights/2013-01", Direction::Downstream, 20).await.unwrap().nodes.len(), 5);
        assert_eq!(store.lineage("r1/examples/examples", Direction::Upstream, 20).await.unwrap().nodes.len(), 3);
        assert_eq!(store.lineage("r1/examples/examples", Direction::Bidirectional, 20).await.unwrap().nodes.len(), 5);
        let unknown = store.lineage("unknown", Direction::Upstream, 1).await.unwrap_err();
        assert_eq!(unknown.to_string(), "there is no artifact 'unknown'");
    }

    async fn a_property_of_another_type_than_declared_is_kept(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let trainer = identity("r1", "train", "Trainer");
        let mut second = artifact("b", "Examples", 2);
        for (name, span) in [("a", json!(3)), ("b", json!("three")), ("c", json!([3])), ("d", json!(9_000_000_000_i64))] {
            second.name = name.to_owned();
            second.properties = json!({"span": span, "text": "x".repeat(9000)}).as_object().unwrap().clone();
            store_metadata(store, &mut run, vec![start(&trainer, named([("examples", second.clone())]), at(1))], at(1)).await;
            assert_eq!(store.artifact(name).await.unwrap().unwrap(), second);
        }
    }

    async fn a_component_cannot_say_what_is_ours_to_say(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let mut model = artifact("r1/train/model", "Model", 1);
        model.properties = json!({"digest": "mine", "state": 3, "trees": 7}).as_object().unwrap().clone();
        let step = identity("r1", "train", "Trainer");
        store_metadata(store, &mut run, vec![publish(&step, "key", named([("model", model.clone())]), at(1))], at(1)).await;
        model.properties.retain(|name, _| name == "trees");
        assert_eq!(store.artifact("r1/train/model").await.unwrap(), Some(model));
    }

    async fn a_parameter_is_no_metric(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let step = identity("r1", "train", "Trainer");
        let mut write = publish(&step, "key", named([]), at(1));
        let MetadataWrite::Publish(published) = &mut write else { unreachable!() };
        published.properties.insert(format!("{PARAMETER_PREFIX}learning_rate"), json!(0.05));
        store_metadata(store, &mut run, vec![write], at(1)).await;
        let metrics = store.cached_outputs("key").await.unwrap().unwrap().metrics;
        assert_eq!(metrics.into_keys().collect::<Vec<_>>(), ["auc", "log_loss"]);
    }

    async fn concurrent_publications_share_types_and_contexts(fresh) {
        let mut tasks = Vec::new();
        for number in 0..8 {
            let store = fresh.store.clone();
            tasks.push(tokio::spawn(async move {
                let id = format!("r{number}");
                let mut run = start_run(&store, &id, number).await;
                let step = identity(&id, "custom", "MyOwnComponent");
                let output = artifact(&format!("{id}/custom/thing"), "MyOwnType", number as u8);
                store_metadata(&store, &mut run, vec![publish(&step, "key", named([("thing", output)]), at(number))], at(number)).await;
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let graph = fresh.store.lineage("r3/custom/thing", Direction::Bidirectional, 9).await.unwrap();
        assert_eq!(graph.nodes.len(), 2);
        assert_eq!(fresh.store.cached_outputs("key").await.unwrap().unwrap().execution_name, "r7/custom");
    }
}
