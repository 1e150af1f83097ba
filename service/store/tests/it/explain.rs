//! Deliveries as people ask for them, and the looking at them anew.

use crate::databases::on_both;
use crate::samples::{at, delivery, push, start_run, waiting_deliveries};
use trainyard_core::event::Event;
use trainyard_core::ids::{DeliveryId, Micros};
use trainyard_core::trigger::{Look, Looks};
use trainyard_store::{Accepted, AskedAnew, NewDelivery, NewEvent, SettleDelivery, Store, StoreError};

async fn settled(store: &Store, id: &str, event: NewEvent) {
    let settle = SettleDelivery {
        delivery: DeliveryId::new(id),
        at: at(1),
        events: vec![event],
        outcome: "said".to_owned(),
    };
    store.settle_delivery(&settle).await.unwrap();
}

on_both! {
    async fn an_explanation_has_what_was_looked_at(fresh) {
        let store = &fresh.store;
        let new = NewDelivery { digest: Some("d1".to_owned()), ..delivery("guid-1", 0) };
        store.accept_delivery(&new).await.unwrap();
        let look = Look::not_asked("flights", "pipelines/flights", "it is wrong".to_owned());
        settled(store, "guid-1", NewEvent { looks: Looks { pipelines: vec![look.clone()] }, ..push("e1", 'b') }).await;
        let told = store.explain_delivery(&DeliveryId::new("guid-1")).await.unwrap().unwrap();
        assert_eq!((told.bytes, told.digest.as_deref()), (6, Some("d1")));
        assert!(matches!(told.events[0].event, Some(Event::Push(_))));
        assert_eq!(told.events[0].looks, [look]);
        assert_eq!(store.explain_delivery(&DeliveryId::new("guid")).await.unwrap(), None);
        // By its beginning, if only one begins so.
        store.accept_delivery(&delivery("guid-2", 1)).await.unwrap();
        let named = store.delivery_named("guid-1").await.unwrap();
        assert_eq!(named, Some(DeliveryId::new("guid-1")));
        assert!(matches!(store.delivery_named("guid").await, Err(StoreError::Conflict(_))));
        for none in ["", "x", "%"] {
            assert_eq!(store.delivery_named(none).await.unwrap(), None);
        }
        assert_eq!(store.newest_deliveries().await.unwrap()[0], DeliveryId::new("guid-2"));
    }

    async fn the_same_bytes_are_known_again_once_they_were_looked_at(fresh) {
        let store = &fresh.store;
        let same = |id: &str, seconds| NewDelivery { digest: Some("same".to_owned()), ..delivery(id, seconds) };
        let repeated = async |since: Micros| store.repeated("push", "same", since, &DeliveryId::new("d2")).await.unwrap();
        store.accept_delivery(&same("d1", 0)).await.unwrap();
        store.accept_delivery(&same("d2", 5)).await.unwrap();
        assert_eq!(repeated(at(0)).await, None, "nobody looked yet");
        settled(store, "d1", push("e1", 'b')).await;
        assert_eq!(repeated(at(0)).await, Some(DeliveryId::new("d1")));
        assert_eq!(repeated(at(1)).await, None, "it is too old");
        assert_eq!(store.repeated("star", "same", at(0), &DeliveryId::new("d2")).await.unwrap(), None);
    }

    async fn a_person_has_a_delivery_looked_at_anew(fresh) {
        let store = &fresh.store;
        let id = DeliveryId::new("d1");
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        let ask = async |forced| store.replay_delivery(&id, "ada", forced).await.unwrap();
        assert_eq!(ask(false).await, AskedAnew::WaitedAlready);
        settled(store, "d1", push("e1", 'b')).await;
        assert_eq!(ask(false).await, AskedAnew::Waits);
        let waits = waiting_deliveries(store, 9).await;
        assert_eq!((waits.len(), waits[0].body.clone()), (1, Some(delivery("d1", 0).body)));
        assert!(waits[0].number > 1, "it is the newest of those that wait");
        // The event is no duplicate of what was forgotten.
        settled(store, "d1", push("e2", 'b')).await;
        let told = store.explain_delivery(&id).await.unwrap().unwrap();
        assert_eq!((told.events.len(), told.replayed_by.as_deref(), told.forced), (1, Some("ada"), false));
        let none = store.replay_delivery(&DeliveryId::new("x"), "ada", false).await;
        assert!(matches!(none, Err(StoreError::NotFound(_))));
    }

    async fn what_a_person_asked_is_done_again_by_force_only(fresh) {
        let store = &fresh.store;
        let id = DeliveryId::new("d1");
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        settled(store, "d1", push("e1", 'b')).await;
        crate::plant::sql(&fresh.url, "UPDATE events SET kind = 'asked'").await;
        assert_eq!(store.accept_delivery(&delivery("d1", 5)).await.unwrap(), Accepted::Duplicate);
        assert_eq!(store.replay_delivery(&id, "ada", false).await.unwrap(), AskedAnew::Heard);
        assert_eq!(store.replay_delivery(&id, "ada", true).await.unwrap(), AskedAnew::Waits);
        settled(store, "d1", push("e2", 'b')).await;
        let told = store.explain_delivery(&id).await.unwrap().unwrap();
        assert_eq!((told.events.len(), told.delivery.outcome.as_deref()), (2, Some("said")));
    }

    async fn what_started_runs_is_looked_at_anew_by_force_only(fresh) {
        let store = &fresh.store;
        let id = DeliveryId::new("d1");
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        let run = start_run(store, "r1", 0).await;
        let moved = "UPDATE events SET delivery = 'd1', dedupe_key = 'push:1:main:x:y'";
        crate::plant::sql(&fresh.url, moved).await;
        crate::plant::sql(&fresh.url, "UPDATE deliveries SET processed_at = 1").await;
        let _ = run;
        let asked = store.replay_delivery(&id, "ada", false).await.unwrap();
        assert!(matches!(asked, AskedAnew::Started(ref runs) if runs.len() == 1), "{asked:?}");
        assert_eq!(store.replay_delivery(&id, "ada", true).await.unwrap(), AskedAnew::Waits);
        // The same fact counts again.
        let again = push("e9", 'b');
        settled(store, "d1", NewEvent { dedupe_key: Some("push:1:main:x:y".to_owned()), ..again }).await;
        let told = store.explain_delivery(&id).await.unwrap().unwrap();
        assert_eq!((told.events.len(), told.delivery.outcome.as_deref()), (2, Some("said")));
    }
}
