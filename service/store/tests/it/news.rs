//! What happened is kept until it is routed, once.

use crate::databases::on_both;
use crate::samples::{at, finished, forward, github, request, start_run, status};
use serde_json::Map;
use trainyard_core::ids::RunId;
use trainyard_core::notify::{Channel, Condition, Health, told};
use trainyard_core::report::{Outgoing, StatusState};
use trainyard_core::run::{Fork, RunEvent, RunState};

fn team() -> [Channel; 1] {
    [Channel {
        name: "team".to_owned(),
        on: Condition::FOR_PEOPLE.to_vec(),
        pipelines: vec!["*".to_owned()],
    }]
}

on_both! {
    async fn news_are_routed_once_with_what_they_change(fresh) {
        let store = &fresh.store;
        let failed = finished("r1", RunState::Failed, 1);
        store.put_news(&failed).await.unwrap();
        store.put_news(&failed).await.unwrap();
        assert_eq!(store.news_to_route(10).await.unwrap(), std::slice::from_ref(&failed));
        let before = store.health(&failed.about).await.unwrap();
        assert_eq!(before, Health::default());
        let (notices, health) = told(&failed, &before, &team());
        assert_eq!(notices.len(), 1);
        store.route(&failed, notices.clone(), health.as_ref(), at(2)).await.unwrap();
        // Whoever died after that and begins anew finds it done.
        store.route(&failed, notices, health.as_ref(), at(3)).await.unwrap();
        assert!(store.news_to_route(10).await.unwrap().is_empty());
        assert_eq!(store.health(&failed.about).await.unwrap(), health.unwrap());
        let due = store.due_outbox(at(9), Some("notify team"), 10).await.unwrap();
        assert_eq!((due.len(), due[0].generation), (1, 1));
        assert_eq!(due[0].message.key(), "notice team r1/finished/failed");
        store.put_news(&failed).await.unwrap();
        assert!(store.news_to_route(10).await.unwrap().is_empty(), "the same are no news");
    }

    async fn a_lane_has_its_own_order_and_takes_no_room_from_others(fresh) {
        let store = &fresh.store;
        let of = |installation, context: &str, state| {
            let mut item = status(context, state);
            item.installation_id = installation;
            item
        };
        for number in 0..30 {
            store.put_outbox(&[of(Some(7), &format!("p{number}"), StatusState::Pending)], at(1)).await.unwrap();
        }
        store.put_outbox(&[of(Some(7), "verdict", StatusState::Failure), of(None, "other", StatusState::Pending)], at(5)).await.unwrap();
        assert_eq!(store.due_lanes(at(5)).await.unwrap(), ["installation 7", "owner acme"]);
        assert_eq!(store.due_lanes(at(4)).await.unwrap(), ["installation 7"]);
        let first = async |lane| store.due_outbox(at(5), Some(lane), 1).await.unwrap().remove(0).message;
        assert_eq!(github(first("installation 7").await), of(Some(7), "verdict", StatusState::Failure));
        assert_eq!(first("owner acme").await, Outgoing::GitHub(of(None, "other", StatusState::Pending)));
        assert_eq!(store.next_outbox(at(1)).await.unwrap(), Some(at(5)), "what is due already is no next one");
    }

    async fn a_run_brings_its_news_with_its_end_and_a_fork_with_its_start(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 1).await;
        assert!(store.news_to_route(10).await.unwrap().is_empty());
        let ended = RunEvent::Finished { state: RunState::Failed, summary: "no".to_owned(), metrics: Map::new() };
        let before = run.clone();
        let mut append = forward(&mut run, vec![ended], at(2));
        append.news = trainyard_core::notify::of_change(&before, &run, at(2));
        // A second writer of the same step stores nothing.
        store.append(append.clone()).await.unwrap();
        assert!(store.append(append).await.is_err());
        assert_eq!(store.news_to_route(10).await.unwrap().len(), 1);

        let mut fork = request("r2", 3);
        fork.fork = Some(Fork { repo_id: Some(9), base_sha: crate::samples::sha('b') });
        let mut event = crate::samples::manual("e2");
        event.consequences = vec![crate::samples::starts(fork)];
        store.record_event(&event, None, at(3)).await.unwrap();
        let news = store.news_to_route(10).await.unwrap();
        let ids: Vec<_> = news.iter().map(|news| news.id.as_str()).collect();
        assert_eq!(ids, ["r1/finished", "r2/waiting"]);
        assert_eq!(news[1].about.run, Some(RunId::new("r2")));
    }
}
