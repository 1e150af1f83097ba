//! Named leases, and runs in whose hands the service died.

use crate::databases::on_both;
use crate::samples::{at, forward, start_run};
use trainyard_core::ids::RunId;
use trainyard_core::run::RunEvent;
use trainyard_store::RunFilter;

on_both! {
    async fn who_lost_a_lease_cannot_move_it(fresh) {
        let store = &fresh.store;
        assert_eq!(store.named_lease("push").await.unwrap(), None);
        let first = store.take_named_lease("push", "one", None).await.unwrap().unwrap();
        let seen = store.named_lease("push").await.unwrap().unwrap();
        assert_eq!((seen.owner.as_deref(), seen.epoch), (Some("one"), first));
        assert_eq!(store.take_named_lease("push", "two", None).await.unwrap(), None, "it is held");
        assert!(store.beat_named_lease("push", first).await.unwrap());
        assert_eq!(store.take_named_lease("push", "two", Some(&seen)).await.unwrap(), None, "it had a beat meanwhile");
        let seen = store.named_lease("push").await.unwrap().unwrap();
        let second = store.take_named_lease("push", "two", Some(&seen)).await.unwrap().unwrap();
        assert!(second > first);
        assert_eq!(store.take_named_lease("push", "three", Some(&seen)).await.unwrap(), None, "one takes it over");
        assert!(!store.beat_named_lease("push", first).await.unwrap(), "who was stopped and woken learns of it");
        store.release_named_lease("push", first).await.unwrap();
        assert!(store.beat_named_lease("push", second).await.unwrap(), "and gives back nothing");
        store.release_named_lease("push", second).await.unwrap();
        assert!(!store.beat_named_lease("push", second).await.unwrap());
        assert!(store.take_named_lease("push", "one", None).await.unwrap().unwrap() > second);
        assert!(store.take_named_lease("report", "two", None).await.unwrap().is_some(), "each name by itself");
    }

    async fn crashes_count_until_the_run_comes_further(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 1).await;
        start_run(store, "r2", 2).await;
        let id = RunId::new("r1");
        for times in 1..=3 {
            assert_eq!(store.count_crash(&id, run.version, at(5)).await.unwrap(), times);
        }
        let listed = store.runs(&RunFilter::default()).await.unwrap();
        let set_aside: Vec<_> = listed.iter().map(|row| row.set_aside.is_some()).collect();
        assert_eq!(set_aside, [false, true]);
        assert!(store.run_row("r1").await.unwrap().unwrap().set_aside.unwrap().contains("3 times in a row"));
        let started = forward(&mut run, vec![RunEvent::Started { baseline: None }], at(9));
        store.append(started).await.unwrap();
        assert!(store.crashes().await.unwrap().is_empty(), "it came further");
        assert_eq!(store.count_crash(&id, run.version, at(10)).await.unwrap(), 1);
    }

    async fn what_a_run_waits_for_counts_until_it_comes_further(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 1).await;
        let id = RunId::new("r1");
        for sentence in ["no room", "no engine"] {
            store.run_waits(&id, run.version, sentence).await.unwrap();
            let row = store.run_row("r1").await.unwrap().unwrap();
            assert_eq!(row.waits_for.as_deref(), Some(sentence));
        }
        let started = forward(&mut run, vec![RunEvent::Started { baseline: None }], at(9));
        store.append(started).await.unwrap();
        assert_eq!(store.run_row("r1").await.unwrap().unwrap().waits_for, None);
    }
}
