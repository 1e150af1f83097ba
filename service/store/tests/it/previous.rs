//! Databases that earlier versions of the program wrote, one sample per schema: they are brought up to
//! date, and every row of them is read. A sample is never changed.

use crate::databases::on_empty;
use crate::plant;
use crate::samples::{at, delivery, waiting_deliveries};
use trainyard_core::gate::Blessing;
use trainyard_core::ids::{DeliveryId, Micros, RunId, StepName};
use trainyard_core::registry::{Evidence, NewTargetHold, PromotionAction};
use trainyard_core::report::MessageKind;
use trainyard_core::run::{RunEvent, RunState};
use trainyard_store::{DatabaseUrl, Direction, RunFilter, Store};

/// The tables of the sample with the rows it has in each.
const TABLES: &[(&str, i64)] = &[
    ("deliveries", 2),
    ("events", 5),
    ("holds", 1),
    ("hold_events", 2),
    ("runs", 4),
    ("run_events", 25),
    ("preimages", 1),
    ("promotions", 5),
    ("outbox", 3),
    ("pipelines", 1),
    ("schedules", 2),
    ("schedule_slots", 1),
    ("aliases", 3),
    ("Artifact", 5),
    ("Execution", 5),
];

fn sample(url: &DatabaseUrl) -> &'static str {
    match url {
        DatabaseUrl::Sqlite(_) => include_str!("../samples/v3.sqlite.sql"),
        DatabaseUrl::Postgres(_) => include_str!("../samples/v3.postgres.sql"),
    }
}

/// What a database of schema 4 has beside one of schema 3.
fn beside_3(url: &DatabaseUrl) -> &'static str {
    match url {
        DatabaseUrl::Sqlite(_) => include_str!("../samples/v4.sqlite.sql"),
        DatabaseUrl::Postgres(_) => include_str!("../samples/v4.postgres.sql"),
    }
}

/// What a database of schema 5 has beside one of schema 4.
fn beside_4(url: &DatabaseUrl) -> &'static str {
    match url {
        DatabaseUrl::Sqlite(_) => include_str!("../samples/v5.sqlite.sql"),
        DatabaseUrl::Postgres(_) => include_str!("../samples/v5.postgres.sql"),
    }
}

/// What a database of schema 7 has beside one of schema 5.
fn beside_5(url: &DatabaseUrl) -> &'static str {
    match url {
        DatabaseUrl::Sqlite(_) => include_str!("../samples/v7.sqlite.sql"),
        DatabaseUrl::Postgres(_) => include_str!("../samples/v7.postgres.sql"),
    }
}

on_empty! {
    async fn a_database_of_schema_7_is_read_whole(url) {
        for part in [sample(&url), beside_3(&url), beside_4(&url), beside_5(&url)] {
            plant::sql(&url, part).await;
        }
        let bytes = plant::number(&url, "SELECT SUM(length(body)) FROM deliveries").await;
        let store = Store::open(&url).await.unwrap();
        arrivals(&store).await;
        runs(&store).await;
        let waits = store.delivery(&DeliveryId::new("d2")).await.unwrap().unwrap().waits_for;
        assert_eq!(waits.as_deref(), Some("it will be tried again: nobody answers"));
        assert_eq!(store.crashes().await.unwrap()[0].times, 2);
        // The bodies moved, those of settled deliveries too.
        assert_eq!(plant::number(&url, "SELECT SUM(length(body)) FROM delivery_bodies").await, bytes);
        let of_each = "SELECT COUNT(*) FROM deliveries d JOIN delivery_bodies b ON b.id = d.body_id AND b.delivery = d.id";
        assert_eq!(plant::number(&url, of_each).await, 2);
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.deliveries, stats.deliveries_unprocessed, stats.artifacts, stats.executions), (2, 1, 5, 5));
        assert_eq!((stats.runs["queued"], stats.runs["running"], stats.runs["failed"]), (2, 1, 1));
        assert_eq!(plant::number(&url, "SELECT COUNT(*) FROM run_requests").await, 4);
        let known = store.repository_name(42).await.unwrap();
        assert_eq!(known.map(|known| known.to_string()).as_deref(), Some("acme/flights"), "its events told it");
        // They are numbered on.
        store.accept_delivery(&delivery("d3", 90)).await.unwrap();
        let waiting = waiting_deliveries(&store, 9).await;
        assert_eq!(waiting.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["d2", "d3"]);
        assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
    }

    async fn a_database_of_schema_5_is_read_whole(url) {
        plant::sql(&url, sample(&url)).await;
        plant::sql(&url, beside_3(&url)).await;
        plant::sql(&url, beside_4(&url)).await;
        let store = Store::open(&url).await.unwrap();
        runs(&store).await;
        assert_eq!(store.target_hold("flights").await.unwrap().unwrap().reason, "incident 7");
        assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
        // Its ledger counts on, and nothing was begun yet.
        let other = store.ledger("other").await.unwrap();
        assert_eq!(other.next_version(), "000003");
        assert!(store.open_intents().await.unwrap().is_empty());
        assert_eq!(store.finding("other").await.unwrap(), None);
    }

    async fn a_database_of_schema_4_is_read_whole(url) {
        plant::sql(&url, sample(&url)).await;
        plant::sql(&url, beside_3(&url)).await;
        let store = Store::open(&url).await.unwrap();
        assert_eq!(store.change_number().await.unwrap(), 7);
        runs(&store).await;
        served(&store).await;
        assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
        let held = NewTargetHold {
            target: "flights".to_owned(),
            held: true,
            actor: "ada".to_owned(),
            reason: Some("incident 7".to_owned()),
            at: at(9),
        };
        store.put_target_hold(&held).await.unwrap();
        assert!(store.target_hold("flights").await.unwrap().is_some());
    }

    async fn a_database_of_schema_3_is_read_whole(url) {
        plant::sql(&url, sample(&url)).await;
        let store = Store::open(&url).await.unwrap();
        for (table, rows) in TABLES {
            assert_eq!(plant::number(&url, &format!("SELECT COUNT(*) FROM {table}")).await, *rows, "{table}");
        }
        arrivals(&store).await;
        runs(&store).await;
        served(&store).await;
        let check = store.check().await.unwrap();
        assert_eq!(check.problems, Vec::<String>::new());
        assert_eq!(store.change_number().await.unwrap(), 1);
    }
}

async fn arrivals(store: &Store) {
    let waiting = waiting_deliveries(store, 9).await;
    assert_eq!(waiting.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["d2"]);
    assert_eq!(waiting[0].headers["x-github-event"], "push");
    let settled = store.delivery(&DeliveryId::new("d1")).await.unwrap().unwrap();
    assert_eq!(settled.events[0].runs, [RunId::new("r1")]);
    let held = store.due_holds(at(50)).await.unwrap();
    assert_eq!(held[0].events.len(), 2);
    assert_eq!(held[0].payload.spans[1], "2013-04");
    let schedules = store.schedules().await.unwrap();
    assert_eq!(
        schedules.iter().map(|row| row.last_slot).collect::<Vec<_>>(),
        [None, Some(at(6))]
    );
    let pipelines = store.pipelines().await.unwrap();
    assert_eq!(pipelines[0].plan.steps.len(), 11);
    let messages = store.due_outbox(Micros(i64::MAX), None, 9).await.unwrap();
    let mut kinds: Vec<_> = messages
        .iter()
        .map(|row| (row.message.kind().as_str(), row.attempts))
        .collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [(MessageKind::Comment.as_str(), 0), ("status", 0), ("status", 1)]
    );
}

async fn runs(store: &Store) {
    let listed = store.runs(&RunFilter::default()).await.unwrap();
    assert_eq!(
        listed.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["r4", "r3", "r2", "r1"]
    );
    assert_eq!(
        (listed[3].state, listed[3].blessing),
        (RunState::Failed, Some(Blessing::Blessed))
    );
    assert_eq!(store.active_runs().await.unwrap().len(), 3);
    for (id, version) in [("r1", 23), ("r2", 1), ("r3", 1), ("r4", 0)] {
        let run = store.load_run(&RunId::new(id)).await.unwrap();
        assert_eq!((run.version, run.request.plan.steps.len()), (version, 11), "{id}");
        let events = store.run_events(&run.request.id, 0).await.unwrap();
        assert_eq!(events.len() as u64, version);
    }
    let first = store.run_events(&RunId::new("r1"), 17).await.unwrap();
    assert!(matches!(&first[0].2, RunEvent::GateJudged { verdict, .. } if verdict.findings().len() == 2));
    assert!(matches!(&first[1].2, RunEvent::GateReplayed { replay } if replay.changed.len() == 1));
    let second = store.load_run(&RunId::new("r2")).await.unwrap();
    assert_eq!(second.cancel_requested.as_deref(), Some("bob"));
    let gate = second.request.plan.gate.unwrap();
    assert_eq!(gate.proposed_gate.unwrap().min_slice_size, Some(600));
    let preimage = store
        .preimage(&RunId::new("r1"), &StepName::new("train"))
        .await
        .unwrap();
    assert_eq!(preimage.unwrap().0, "k4");
}

async fn served(store: &Store) {
    let ledger = store.promotions(Some("flights"), 9).await.unwrap();
    let actions: Vec<_> = ledger.iter().map(|entry| entry.action).collect();
    use PromotionAction::{Push, Removed, Rollback};
    assert_eq!(actions, [Removed, Rollback, Push, Push]);
    assert_eq!(ledger[2].model.name, "r1/train/model");
    assert!(matches!(&ledger[1].evidence, Evidence::Rollback { rolled_back, .. } if rolled_back == "000002"));
    assert_eq!(ledger[2].evidence.forced().unwrap().reason(), "we know better");
    assert!(matches!(&ledger[3].evidence, Evidence::Gate(judged) if judged.data.len() == 1));
    assert!(store.ledger("flights").await.unwrap().serving().is_none());
    assert_eq!(store.target_hold("flights").await.unwrap(), None);
    let other = store.ledger("other").await.unwrap();
    assert_eq!(other.serving().unwrap().pushed.version, "000002");
    assert_eq!(store.promotions(None, 9).await.unwrap().len(), 5);
    let names = store.aliases(Some("flights")).await.unwrap();
    assert_eq!(
        names.iter().map(|name| name.alias.as_str()).collect::<Vec<_>>(),
        ["challenger"]
    );
    assert_eq!(store.alias_history("flights").await.unwrap().len(), 3);
    assert_eq!(
        store.latest_blessed("flights").await.unwrap().unwrap().name,
        "r1/train/model"
    );
    let graph = store
        .lineage("r1/train/model", Direction::Bidirectional, 9)
        .await
        .unwrap();
    assert_eq!((graph.nodes.len(), graph.edges.len()), (8, 7));
    let cached = store.cached_outputs("k1").await.unwrap().unwrap();
    assert_eq!(cached.outputs["examples"].properties["rows"], 28135);
    assert_eq!(store.retention_runs().await.unwrap()[0].uses.len(), 4);
}
