//! One row that cannot be read stops nobody else.

use crate::databases::{Fresh, on_both};
use crate::plant;
use crate::samples::{
    artifact, at, delivery, forward, manual, plan, repo, request, sha, start_run, starts, status, waiting_deliveries,
};
use serde_json::json;
use trainyard_core::event::{DataArrived, Event};
use trainyard_core::ids::{EventId, RunId};
use trainyard_core::inbound::{Consequence, Hold, HoldPayload};
use trainyard_core::plan::{Catchup, Schedule};
use trainyard_core::registry::{Evidence, NewPromotion, PromotionAction};
use trainyard_core::report::StatusState;
use trainyard_core::run::RunEvent;
use trainyard_core::stored;
use trainyard_store::{NewEvent, NewPipeline, NewSchedule, Reads, RunFilter, Store, StoreError};

fn waiting(source: &str) -> HoldPayload {
    HoldPayload {
        repo: repo(),
        pipeline: "flights".to_owned(),
        source: source.to_owned(),
        spans: Vec::new(),
    }
}

fn sentences(reads: &Reads) -> Vec<String> {
    reads.unreadable().iter().map(|row| row.sentence()).collect()
}

/// What is set aside is known once, named by the doctor, and forgotten when it is repaired.
async fn is_told(fresh: &Fresh, sentence: &str) {
    assert_eq!(sentences(&fresh.store), [sentence]);
    let doctor = Store::open(&fresh.url).await.unwrap();
    assert_eq!(doctor.check().await.unwrap().problems, [sentence]);
}

fn pushed(target: &str, version: &str) -> NewPromotion {
    NewPromotion {
        target: target.to_owned(),
        pipeline: "flights".to_owned(),
        action: PromotionAction::Push,
        version: version.to_owned(),
        model: artifact(&format!("r{version}/train/model"), "Model", 1),
        run: None,
        actor: "ada".to_owned(),
        evidence: Evidence::Recorded(json!({"verdict": null})),
        at: at(1),
    }
}

on_both! {
    async fn a_pipeline(fresh) {
        let (store, repo) = (&fresh.store, repo());
        let new = |name: &str| NewPipeline { name: name.to_owned(), folder: "p".to_owned(), plan: plan() };
        store.put_pipelines(&repo, None, "main", &sha('a'), &[new("a"), new("b"), new("c")], at(1)).await.unwrap();
        plant::sql(&fresh.url, "UPDATE pipelines SET plan = '{}' WHERE name = 'b'").await;
        for _ in 0..2 {
            let known = store.pipelines().await.unwrap();
            assert_eq!(known.iter().map(|known| known.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        }
        let sentence = "the stored pipeline 'acme/flights b' cannot be read: its plan is not understood: \
            missing field `pipeline`";
        is_told(fresh, sentence).await;
        let strict = store.every_pipeline().await.unwrap_err();
        assert_eq!(strict.to_string(), sentence);
        assert!(matches!(strict, StoreError::Unreadable(row) if row.what == "pipeline"));
        store.put_pipelines(&repo, None, "main", &sha('b'), &[new("a"), new("b")], at(2)).await.unwrap();
        assert_eq!(store.pipelines().await.unwrap().len(), 2);
        assert!(store.unreadable().is_empty(), "it is well again");
        assert_eq!(store.every_pipeline().await.unwrap().len(), 2);
    }

    async fn a_schedule(fresh) {
        let store = &fresh.store;
        let new = |pipeline: &str| NewSchedule {
            pipeline: pipeline.to_owned(),
            folder: "p".to_owned(),
            schedule: Schedule { cron: "0 3 * * 1".to_owned(), timezone: "UTC".to_owned(), catchup: Catchup::All },
        };
        store.put_schedules(None, None, None, &[new("a"), new("b")], at(1)).await.unwrap();
        plant::sql(&fresh.url, "UPDATE schedules SET catchup = 'sometimes' WHERE pipeline = 'a'").await;
        let rows = store.schedules().await.unwrap();
        assert_eq!(rows.iter().map(|row| row.pipeline.as_str()).collect::<Vec<_>>(), ["b"]);
        is_told(fresh, "the stored schedule ' a' cannot be read: its catchup is not understood: \
            unknown variant `sometimes`, expected one of `none`, `latest`, `all`").await;
        plant::sql(&fresh.url, "DELETE FROM schedules WHERE pipeline = 'a'").await;
        store.schedules().await.unwrap();
        assert!(store.unreadable().is_empty(), "it is gone");
    }

    async fn a_wait_of_data_arrivals(fresh) {
        let store = &fresh.store;
        for (key, until) in [("a", 10), ("b", 20), ("c", 90)] {
            let arrival = Event::DataArrived(DataArrived { source: key.to_owned(), span: None });
            let mut event = NewEvent::new(EventId::new(key), arrival, "held");
            let payload = waiting(key);
            event.consequences = vec![Consequence::Hold(Hold { until: at(until), event: EventId::new(key), payload })];
            store.record_event(&event, None, at(0)).await.unwrap();
        }
        plant::sql(&fresh.url, "UPDATE holds SET payload = 'nonsense' WHERE hold_key = 'acme/flights flights a'").await;
        let due = store.due_holds(at(50)).await.unwrap();
        assert_eq!(due.iter().map(|held| held.payload.source.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(store.next_hold().await.unwrap(), Some(at(20)), "nobody waits for what cannot be read");
        let sentence = "the stored wait of data arrivals 'acme/flights flights a' cannot be read: its payload is not understood: \
            expected ident at line 1 column 2";
        is_told(fresh, sentence).await;
        assert_eq!(store.held(&waiting("a").key()).await.unwrap_err().to_string(), sentence);
        assert!(store.held(&waiting("b").key()).await.unwrap().is_some());
        let repaired = stored::write(&waiting("a"));
        plant::sql(&fresh.url, &format!("UPDATE holds SET payload = '{repaired}' WHERE hold_key = 'acme/flights flights a'")).await;
        assert_eq!(store.due_holds(at(50)).await.unwrap().len(), 2);
        assert!(store.unreadable().is_empty());
    }

    async fn messages(fresh) {
        let store = &fresh.store;
        for number in 0..5 {
            store.put_outbox(&[status(&format!("s{number}"), StatusState::Pending)], at(number)).await.unwrap();
        }
        plant::sql(&fresh.url, "UPDATE outbox SET payload = '' WHERE item_key LIKE '% s0' OR item_key LIKE '% s1' OR item_key LIKE '% s3'").await;
        let keys = async |limit| -> Vec<String> {
            let due = store.due_outbox(at(9), None, limit).await.unwrap();
            due.iter().map(|row| row.message.key().rsplit(' ').next().unwrap().to_owned()).collect()
        };
        assert_eq!(keys(1).await, ["s2"], "those that cannot be read take no place");
        assert_eq!(keys(9).await, ["s2", "s4"]);
        assert_eq!(store.next_outbox(at(1)).await.unwrap(), Some(at(2)), "or the loop would never rest");
        assert_eq!(store.unreadable().len(), 3);
        let mut stated = store.check().await.unwrap().problems;
        assert_eq!(stated.len(), 3);
        let key = status("s0", StatusState::Pending).key();
        assert_eq!(stated.remove(0), format!("the stored message of the outbox '{key}' cannot be read: its payload is not understood: \
            EOF while parsing a value at line 1 column 0"));
        store.put_outbox(&["s0", "s1", "s3"].map(|check| status(check, StatusState::Success)), at(1)).await.unwrap();
        assert_eq!(keys(9).await.len(), 5);
        assert!(store.unreadable().is_empty());
    }

    async fn a_delivery(fresh) {
        let store = &fresh.store;
        for number in 0..4 {
            store.accept_delivery(&delivery(&format!("d{number}"), number)).await.unwrap();
        }
        plant::sql(&fresh.url, "UPDATE deliveries SET headers = '[' WHERE id IN ('d0', 'd1')").await;
        let waiting = waiting_deliveries(store, 9).await;
        assert_eq!(waiting.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["d2", "d3"]);
        assert_eq!(store.unreadable().len(), 2);
        assert_eq!(store.deliveries(9).await.unwrap().len(), 4, "a listing shows no headers");
        plant::sql(&fresh.url, "UPDATE deliveries SET processed_at = 1").await;
        assert!(waiting_deliveries(store, 9).await.is_empty());
        assert!(store.unreadable().is_empty(), "it waits no more");
    }

    async fn runs_in_lists(fresh) {
        let store = &fresh.store;
        for number in 1..=4 {
            start_run(store, &format!("r{number}"), number).await;
        }
        plant::sql(&fresh.url, "UPDATE runs SET metrics = '?' WHERE id = 'r4'; UPDATE runs SET repo = 'nowhere' WHERE id = 'r1'").await;
        let newest = store.runs(&RunFilter { limit: 2, ..RunFilter::default() }).await.unwrap();
        assert_eq!(newest.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["r3", "r2"]);
        let unread = store.run_row("r4").await.unwrap_err();
        assert!(unread.to_string().starts_with("the stored run 'r4' cannot be read: its metrics is not understood"), "{unread}");
        let active = store.active_runs().await.unwrap();
        assert_eq!(active.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r2", "r3", "r4"]);
        assert!(sentences(store)[1].starts_with("the stored run at work 'r1' cannot be read: its repository"));
        plant::sql(&fresh.url, "UPDATE runs SET metrics = '{}', repo = NULL").await;
        assert_eq!(store.runs(&RunFilter::default()).await.unwrap().len(), 4);
        assert_eq!(store.active_runs().await.unwrap().len(), 4);
        assert!(store.unreadable().is_empty());
    }

    async fn a_run_whose_story_is_damaged(fresh) {
        let store = &fresh.store;
        for number in 1..=3 {
            let mut run = start_run(store, &format!("r{number}"), number).await;
            let started = forward(&mut run, vec![RunEvent::Started { baseline: None }], at(9));
            store.append(started).await.unwrap();
        }
        plant::sql(&fresh.url, "UPDATE run_events SET event = '{\"format\": 99, \"event\": \"rewound\"}' WHERE run = 'r2'").await;
        assert!(store.load_run(&RunId::new("r2")).await.unwrap_err().to_string().ends_with(
            "the run event was written by a newer Trainyard (run event version 99, this one knows 4): use that version"
        ));
        plant::sql(&fresh.url, "UPDATE run_requests SET request = '[]' WHERE run = 'r1'").await;
        plant::sql(&fresh.url, "UPDATE run_events SET event = '{\"event\": \"from the future\"}' WHERE run = 'r2'").await;
        assert_eq!(store.active_runs().await.unwrap().len(), 3, "they are at work all the same");
        let (first, second) = (RunId::new("r1"), RunId::new("r2"));
        let request = store.run_request(&first).await.unwrap_err();
        assert!(request.to_string().starts_with("the stored request of run 'r1' cannot be read"), "{request}");
        let both = store.run_requests(&[first.clone(), second.clone()]).await.unwrap();
        assert_eq!(both.iter().map(|request| &request.id).collect::<Vec<_>>(), [&second], "the other is left out");
        assert_eq!(store.load_run(&first).await.unwrap_err(), request);
        let event = store.load_run(&second).await.unwrap_err();
        assert!(event.to_string().starts_with("the stored event of run 'r2 1' cannot be read"), "{event}");
        assert_eq!(store.run_events(&second, 0).await.unwrap_err(), event);
        assert!(store.run_events(&second, 1).await.unwrap().is_empty());
        assert!(matches!(&event, StoreError::Unreadable(row) if (row.what, row.key.as_str()) == ("event of run", "r2 1")));
        store.load_run(&RunId::new("r3")).await.unwrap();
        assert_eq!(sentences(store), [event.to_string(), request.to_string()], "another run that is well changes nothing");
        let mut told = store.check().await.unwrap().problems;
        told.sort();
        assert_eq!(told, sentences(store));
        plant::sql(&fresh.url, "UPDATE run_events SET event = '{\"event\": \"started\", \"baseline\": null}'").await;
        store.load_run(&second).await.unwrap();
        assert_eq!(sentences(store), [request.to_string()]);
    }

    async fn an_entry_of_the_ledger(fresh) {
        let store = &fresh.store;
        let first = store.append_promotion(&pushed("flights", "1"), None, Vec::new()).await.unwrap();
        let second = store.append_promotion(&pushed("flights", "2"), Some(first), Vec::new()).await.unwrap();
        store.append_promotion(&pushed("other", "1"), None, Vec::new()).await.unwrap();
        plant::sql(&fresh.url, "UPDATE promotions SET action = 'explode' WHERE target = 'flights' AND version = '2'").await;
        let sentence = format!(
            "the stored entry of the ledger '{second} of target flights' cannot be read: its action is not understood: \
             unknown variant `explode`, expected one of `push`, `rollback`, `removed`"
        );
        // What serves would be computed wrongly without it.
        assert_eq!(store.ledger("flights").await.unwrap_err().to_string(), sentence);
        assert_eq!(store.promotions(Some("flights"), 10).await.unwrap_err().to_string(), sentence);
        assert_eq!(store.ledger("other").await.unwrap().entries().len(), 1);
        let all = store.promotions(None, 10).await.unwrap();
        assert_eq!(all.iter().map(|entry| entry.target.as_str()).collect::<Vec<_>>(), ["other", "flights"]);
        assert_eq!(store.promotions(None, 2).await.unwrap().len(), 2);
        assert_eq!(store.promoted_targets().await.unwrap(), ["flights", "other"]);
        is_told(fresh, &sentence).await;
        plant::sql(&fresh.url, "UPDATE promotions SET action = 'rollback' WHERE action = 'explode'").await;
        assert_eq!(store.ledger("flights").await.unwrap().entries()[1].action, PromotionAction::Rollback);
        assert_eq!(store.promotions(None, 10).await.unwrap().len(), 3);
        assert!(store.unreadable().is_empty());
    }

    async fn an_approved_model(fresh) {
        let store = &fresh.store;
        start_run(store, "r1", 1).await;
        plant::sql(&fresh.url, "UPDATE runs SET blessing = 'blessed', blessed_model = 'a model'").await;
        let refused = store.latest_blessed("flights").await.unwrap_err();
        assert!(refused.to_string().starts_with("the stored approved model of run 'r1' cannot be read"), "{refused}");
        assert!(store.latest_blessed("other").await.unwrap().is_none());
    }

    async fn a_run_in_an_unknown_state_keeps_what_it_needs(fresh) {
        let store = &fresh.store;
        start_run(store, "r1", 1).await;
        let mut event = manual("e2");
        event.consequences = vec![starts(request("r2", 2))];
        store.record_event(&event, None, at(2)).await.unwrap();
        plant::sql(&fresh.url, "UPDATE runs SET state = 'levitating' WHERE id = 'r1'; UPDATE runs SET state = 'failed' WHERE id = 'r2'").await;
        let over: Vec<bool> = store.retention_runs().await.unwrap().iter().map(|run| run.over).collect();
        assert_eq!(over, [false, true]);
    }
}
