//! Old records go, and nothing that something else needs.

use crate::databases::{on_both, sqlite};
use crate::samples::{at, delivery, forward, manual, push, request, start_run, starts, status};
use serde_json::Map;
use sqlx::{Connection, SqliteConnection};
use trainyard_core::ids::{DeliveryId, RunId};
use trainyard_core::report::StatusState;
use trainyard_core::run::{RunEvent, RunState};
use trainyard_store::{Forgotten, NewDelivery, NewEvent, SettleDelivery, Store, StoreError};

async fn settled(store: &Store, id: &str, seconds: u64, events: Vec<NewEvent>) {
    store.accept_delivery(&delivery(id, seconds)).await.unwrap();
    let settle = SettleDelivery {
        delivery: DeliveryId::new(id),
        at: at(seconds + 1),
        events,
        outcome: "done".to_owned(),
    };
    store.settle_delivery(&settle).await.unwrap();
}

async fn end(store: &Store, id: &str) {
    let mut run = store.load_run(&RunId::new(id)).await.unwrap();
    let ended = RunEvent::Finished {
        state: RunState::Failed,
        summary: "it failed".to_owned(),
        metrics: Map::new(),
    };
    store.append(forward(&mut run, vec![ended], at(9))).await.unwrap();
}

on_both! {
    async fn what_came_in_long_ago_goes_and_what_is_needed_stays(fresh) {
        let store = &fresh.store;
        settled(store, "old", 10, vec![push("e-old", 'a')]).await;
        let mut run = push("e-run", 'b');
        run.consequences.push(starts(request("r1", 20)));
        settled(store, "of-a-run", 20, vec![run]).await;
        settled(store, "young", 2000, vec![]).await;
        store.accept_delivery(&delivery("waits", 10)).await.unwrap();
        store.record_event(&manual("alone"), None, at(30)).await.unwrap();
        start_run(store, "r2", 30).await;
        store.put_outbox(&[status("old", StatusState::Success)], at(40)).await.unwrap();
        store.put_outbox(&[status("young", StatusState::Success)], at(2000)).await.unwrap();

        let would = store.forgettable_inbound(at(1000)).await.unwrap();
        let gone = Forgotten { deliveries: 1, events: 1, messages: 1, slots: 0, checks: 0 };
        assert_eq!(would, gone);
        assert_eq!(store.forget_inbound(at(1000)).await.unwrap(), gone);
        assert_eq!(store.forget_inbound(at(1000)).await.unwrap(), Forgotten::default());
        let left: Vec<_> = store.deliveries(10).await.unwrap().into_iter().map(|one| one.id.to_string()).collect();
        assert_eq!(left, ["young", "of-a-run", "waits"]);
        assert_eq!(store.delivery(&DeliveryId::new("old")).await.unwrap(), None);
        assert_eq!(store.due_outbox(at(5000), None, 10).await.unwrap().len(), 1);

        // Nobody ever reads it: its wait has an end.
        assert!(!store.give_up_delivery(&DeliveryId::new("waits"), at(5), "given up", at(3000)).await.unwrap());
        assert!(store.give_up_delivery(&DeliveryId::new("waits"), at(1000), "given up", at(3000)).await.unwrap());

        // Runs at work stay, whoever asks.
        let runs = [RunId::new("r1"), RunId::new("r2")];
        assert_eq!(store.forget_runs(&runs).await.unwrap(), 0);
        end(store, "r1").await;
        assert_eq!(store.forget_runs(&runs).await.unwrap(), 1);
        assert!(matches!(store.load_run(&runs[0]).await, Err(StoreError::NotFound(_))));
        let gone = store.forget_inbound(at(1000)).await.unwrap();
        assert_eq!((gone.deliveries, gone.events), (1, 0), "its run was what kept it");
        assert_eq!(store.active_runs().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_room_of_what_went_is_used_again() {
    let fresh = sqlite().await;
    let mut pages = Vec::new();
    for round in 0..4_u64 {
        for number in 0..300 {
            let large = NewDelivery {
                body: vec![b'x'; 8192].into(),
                ..delivery(&format!("{round}-{number}"), round * 1000)
            };
            fresh.store.accept_delivery(&large).await.unwrap();
            let settle = SettleDelivery {
                delivery: large.id,
                at: at(round * 1000),
                events: Vec::new(),
                outcome: "done".to_owned(),
            };
            fresh.store.settle_delivery(&settle).await.unwrap();
        }
        let gone = fresh.store.forget_inbound(at(round * 1000 + 1)).await.unwrap();
        assert_eq!(gone.deliveries, 300);
        let mut other = SqliteConnection::connect(&format!("sqlite://{}", fresh.url))
            .await
            .unwrap();
        let count: i64 = sqlx::query_scalar("PRAGMA page_count")
            .fetch_one(&mut other)
            .await
            .unwrap();
        pages.push(count);
    }
    assert!(pages[3] <= pages[0] + 20, "{pages:?}");
}
