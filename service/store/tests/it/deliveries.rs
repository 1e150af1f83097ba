use crate::databases::on_both;
use crate::plant;
use crate::samples::{answer, at, delivery, manual, push, repo, request, sha, starts, waiting_deliveries};
use trainyard_core::event::{DataArrived, Event, Push};
use trainyard_core::ids::{DeliveryId, EventId, RunId};
use trainyard_core::inbound::{Consequence, Hold, HoldPayload};
use trainyard_core::report::{BranchSeen, StatusState};
use trainyard_store::{Accepted, Bodies, NewEvent, SettleDelivery, StoreError};

on_both! {
    async fn a_delivery_is_accepted_once(fresh) {
        let store = &fresh.store;
        assert_eq!(store.accept_delivery(&delivery("d1", 0)).await.unwrap(), Accepted::New);
        assert_eq!(store.accept_delivery(&delivery("d1", 9)).await.unwrap(), Accepted::Duplicate);
        assert_eq!(store.accept_delivery(&delivery("d0", 5)).await.unwrap(), Accepted::New);
        let waiting = waiting_deliveries(store, 10).await;
        assert_eq!(waiting.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["d1", "d0"], "oldest first");
        assert_eq!(waiting[0].body, Some(delivery("d1", 0).body));
        assert_eq!(waiting[0].headers, delivery("d1", 0).headers);
        assert_eq!(waiting_deliveries(store, 1).await.len(), 1);
    }

    async fn those_that_arrive_together_are_each_answered(fresh) {
        let store = &fresh.store;
        store.accept_delivery(&delivery("d7", 0)).await.unwrap();
        // More than one statement and one transaction take, twice each, and one that is stored already.
        let mut tasks = Vec::new();
        for number in 0..300 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                store.accept_delivery(&delivery(&format!("d{}", number % 150), number)).await.unwrap()
            }));
        }
        let mut new = 0;
        for task in tasks {
            new += usize::from(task.await.unwrap() == Accepted::New);
        }
        assert_eq!(new, 149);
        let wanted = |largest, webhooks: &'static [&'static str]| Bodies { largest: Some(largest), webhooks };
        let pushes: &'static [&'static str] = &["push", "pull_request"];
        let page = store.waiting_deliveries(0, 100, &wanted(6, pushes)).await.unwrap();
        assert!(page.deliveries.iter().all(|delivery| delivery.body.is_some()));
        for other in [wanted(3, pushes), wanted(6, &["ping", "issues"]), Bodies::default()] {
            let page = store.waiting_deliveries(0, 100, &other).await.unwrap();
            assert_eq!(page.deliveries.len(), 100);
            assert!(page.deliveries.iter().all(|delivery| delivery.body.is_none()), "{other:?}");
        }
        let rest = store.waiting_deliveries(page.next.unwrap(), 100, &Bodies::default()).await.unwrap();
        assert_eq!((rest.deliveries.len(), rest.next), (50, None));
        let one = store.waiting_delivery(rest.deliveries[0].number).await.unwrap().unwrap();
        assert_eq!((one.id, one.body), (rest.deliveries[0].id.clone(), Some(delivery("x", 0).body)));
        let bodies = plant::number(&fresh.url, "SELECT COUNT(*) FROM delivery_bodies").await;
        assert_eq!(bodies, 150, "what was stored before leaves no second body");
    }

    async fn many_are_settled_in_one_transaction(fresh) {
        let store = &fresh.store;
        for number in 0..45 {
            store.accept_delivery(&delivery(&format!("d{number}"), number)).await.unwrap();
        }
        let settle = |number: usize| SettleDelivery {
            delivery: DeliveryId::new(format!("d{number}")),
            at: at(1),
            events: if number == 44 { vec![push("e1", 'a')] } else { Vec::new() },
            outcome: format!("nothing {number}"),
        };
        store.settle_delivery(&SettleDelivery { outcome: "first".to_owned(), ..settle(3) }).await.unwrap();
        let before = store.change_number().await.unwrap();
        store.settle_deliveries((0..46).map(settle).collect(), at(1)).await.unwrap();
        assert_eq!(store.change_number().await.unwrap(), before + 1);
        assert!(waiting_deliveries(store, 9).await.is_empty());
        for number in 0..45 {
            let view = store.delivery(&DeliveryId::new(format!("d{number}"))).await.unwrap().unwrap();
            let said = if number == 3 { "first".to_owned() } else { format!("nothing {number}") };
            assert_eq!(view.outcome, Some(said));
            assert_eq!(view.events.len(), usize::from(number == 44));
        }
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.deliveries, stats.deliveries_unprocessed), (45, 0));
    }

    async fn settling_stores_events_runs_and_messages_at_once(fresh) {
        let store = &fresh.store;
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        let mut event = push("e1", 'a');
        let told = Consequence::Tell(answer("trainyard/flights", StatusState::Pending));
        event.consequences = vec![starts(request("r1", 1)), starts(request("r2", 2)), told];
        let settle = SettleDelivery {
            delivery: DeliveryId::new("d1"),
            at: at(3),
            events: vec![event, manual("e2")],
            outcome: "2 runs".to_owned(),
        };
        let settled = store.settle_delivery(&settle).await.unwrap();
        assert_eq!(settled.runs, [RunId::new("r1"), RunId::new("r2")]);
        assert!(waiting_deliveries(store, 10).await.is_empty());
        assert_eq!(store.due_outbox(at(3), None, 10).await.unwrap().len(), 1);
        let view = store.delivery(&DeliveryId::new("d1")).await.unwrap().unwrap();
        assert_eq!(view.outcome.as_deref(), Some("2 runs"));
        assert_eq!(view.events.len(), 2);
        assert_eq!(view.events[0].runs, [RunId::new("r1"), RunId::new("r2")]);
        assert_eq!(view.events[1].outcome, "no pipeline of that name");
        assert_eq!(store.deliveries(10).await.unwrap(), [view]);

        let again = store.settle_delivery(&settle).await.unwrap_err();
        assert_eq!(again, StoreError::Conflict("delivery d1 was processed before".to_owned()));
        let unknown = SettleDelivery { delivery: DeliveryId::new("d9"), ..settle };
        assert_eq!(store.settle_delivery(&unknown).await.unwrap_err().to_string(), "there is no delivery d9");
    }

    async fn one_that_started_nothing_is_looked_at_again_when_it_comes_again(fresh) {
        let store = &fresh.store;
        let settle = |id: &str, consequences| {
            let mut event = push(&format!("e-{id}"), if id == "runs" { 'a' } else { 'b' });
            event.consequences = consequences;
            SettleDelivery { delivery: DeliveryId::new(id), at: at(1), events: vec![event], outcome: "said".to_owned() }
        };
        for id in ["nothing", "runs"] {
            store.accept_delivery(&delivery(id, 0)).await.unwrap();
            assert_eq!(store.accept_delivery(&delivery(id, 5)).await.unwrap(), Accepted::Duplicate, "it waits");
        }
        store.settle_delivery(&settle("nothing", vec![])).await.unwrap();
        store.settle_delivery(&settle("runs", vec![starts(request("r1", 1))])).await.unwrap();
        assert_eq!(store.accept_delivery(&delivery("runs", 9)).await.unwrap(), Accepted::Duplicate);
        assert_eq!(store.accept_delivery(&delivery("nothing", 9)).await.unwrap(), Accepted::New);
        let waiting = waiting_deliveries(store, 10).await;
        assert_eq!((waiting.len(), waiting[0].received_at), (1, at(0)), "it is as old as it was");
        let settled = store.settle_delivery(&settle("nothing", vec![starts(request("r2", 1))])).await.unwrap();
        assert_eq!((settled.runs.len(), settled.duplicates.len()), (1, 0));
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.deliveries, stats.deliveries_unprocessed), (2, 0));
    }

    async fn the_same_event_under_another_delivery_starts_nothing(fresh) {
        let store = &fresh.store;
        for (delivery_id, event_id, run) in [("d1", "e1", "r1"), ("d2", "e2", "r2")] {
            store.accept_delivery(&delivery(delivery_id, 0)).await.unwrap();
            let mut event = push(event_id, 'a');
            event.consequences = vec![
                starts(request(run, 1)),
                Consequence::Tell(answer(run, StatusState::Pending)),
            ];
            let settle = SettleDelivery {
                delivery: DeliveryId::new(delivery_id), at: at(1), events: vec![event], outcome: String::new(),
            };
            let settled = store.settle_delivery(&settle).await.unwrap();
            assert_eq!(settled.runs.is_empty(), run == "r2");
            assert_eq!(settled.duplicates, if run == "r2" { vec![EventId::new("e2")] } else { vec![] });
        }
        let view = store.delivery(&DeliveryId::new("d2")).await.unwrap().unwrap();
        assert_eq!(view.events[0].outcome, "the same event was seen before, in delivery d1");
        assert_eq!(view.outcome.as_deref(), Some("the same event was seen before, in delivery d1"));
        assert_eq!(store.active_runs().await.unwrap().len(), 1);
        assert_eq!(store.due_outbox(at(9), None, 10).await.unwrap().len(), 1);
    }

    async fn a_branch_that_goes_there_and_back_and_there_again_starts_three_runs(fresh) {
        let store = &fresh.store;
        let mut started = Vec::new();
        for (number, (before, after)) in [('a', 'b'), ('a', 'b'), ('b', 'a'), ('a', 'b'), ('a', 'b')].into_iter().enumerate() {
            let (event, run) = (format!("e{number}"), format!("r{number}"));
            let Event::Push(moved) = push(&event, after).event else { unreachable!() };
            let moved = Event::Push(Push { before: Some(sha(before)), ..moved });
            let mut new = NewEvent::new(EventId::new(event), moved, "");
            new.consequences = vec![starts(request(&run, 1))];
            let settled = store.record_event(&new, None, at(number as u64)).await.unwrap();
            started.push(settled.runs.len());
        }
        assert_eq!(started, [1, 0, 1, 1, 0]);
    }

    async fn a_push_that_ends_where_its_branch_was_seen_is_none_whatever_was_missed(fresh) {
        let store = &fresh.store;
        let mut started = Vec::new();
        // A sweep tells of two pushes as one, and then the second comes, and later the branch goes on and back.
        for (number, (before, after)) in [('a', 'b'), ('b', 'd'), ('c', 'd'), ('d', 'b'), ('b', 'd')].into_iter().enumerate() {
            let (event, run) = (format!("e{number}"), format!("r{number}"));
            let Event::Push(moved) = push(&event, after).event else { unreachable!() };
            let moved = Push { before: Some(sha(before)), ..moved };
            let seen = BranchSeen { repo: moved.repo.clone(), branch: moved.branch.clone(), head: moved.after.clone() };
            let mut new = NewEvent::new(EventId::new(event), Event::Push(moved), "");
            new.consequences = vec![Consequence::SeeBranch(seen), starts(request(&run, 1))];
            let settled = store.record_event(&new, None, at(number as u64)).await.unwrap();
            started.push(settled.runs.len());
        }
        assert_eq!(started, [1, 1, 0, 1, 1]);
    }

    async fn a_delivery_that_waits_says_why(fresh) {
        let store = &fresh.store;
        for id in ["d1", "d2"] {
            store.accept_delivery(&delivery(id, 0)).await.unwrap();
        }
        let id = DeliveryId::new("d1");
        let number = waiting_deliveries(store, 1).await[0].number;
        store.deliveries_wait(vec![(number, "the disk is full".to_owned())]).await.unwrap();
        let waits = async |id: &str| store.delivery(&DeliveryId::new(id)).await.unwrap().unwrap().waits_for;
        assert_eq!((waits("d1").await.as_deref(), waits("d2").await), (Some("the disk is full"), None));
        let settle = SettleDelivery { delivery: id, at: at(1), events: Vec::new(), outcome: "done".to_owned() };
        store.settle_delivery(&settle).await.unwrap();
        assert_eq!(waits("d1").await, None);
        plant::sql(&fresh.url, "UPDATE deliveries SET headers = '[' WHERE id = 'd2'").await;
        waiting_deliveries(store, 9).await;
        let why = waits("d2").await.unwrap();
        assert!(why.starts_with("the stored delivery that waits 'd2' cannot be read: its headers"), "{why}");
    }

    async fn a_failed_settlement_leaves_nothing_behind(fresh) {
        let store = &fresh.store;
        store.accept_delivery(&delivery("d1", 0)).await.unwrap();
        let mut event = push("e1", 'a');
        event.consequences = vec![starts(request("r1", 1)), starts(request("r1", 1))];
        let settle = SettleDelivery {
            delivery: DeliveryId::new("d1"), at: at(1), events: vec![event], outcome: String::new(),
        };
        assert!(matches!(store.settle_delivery(&settle).await, Err(StoreError::Conflict(_))));
        assert_eq!(waiting_deliveries(store, 10).await.len(), 1);
        assert!(store.active_runs().await.unwrap().is_empty());
    }

    async fn text_from_outside_is_only_text(fresh) {
        let store = &fresh.store;
        for (number, nasty) in ["'; DROP TABLE runs; --", "$1", "a\0b", "\u{202e}\u{1f600}", "%_\\", ""].into_iter().enumerate() {
            let mut new = delivery(&format!("d{number}"), number as u64);
            new.kind = nasty.to_owned();
            store.accept_delivery(&new).await.unwrap();
            let settle = SettleDelivery {
                delivery: new.id.clone(), at: at(1), events: Vec::new(), outcome: nasty.to_owned(),
            };
            store.settle_delivery(&settle).await.unwrap();
            let seen = store.delivery(&new.id).await.unwrap().unwrap();
            assert_eq!(seen.kind.replace('\u{fffd}', "\0"), nasty);
        }
        assert!(store.active_runs().await.unwrap().is_empty());
    }

    async fn arrivals_wait_together(fresh) {
        let store = &fresh.store;
        let payload = |event: &str| HoldPayload {
            repo: repo(),
            pipeline: "flights".to_owned(),
            source: "source".to_owned(),
            spans: vec![event.to_owned()],
        };
        let held = |event: &str, until| Hold {
            until: at(until),
            event: EventId::new(event),
            payload: payload(event),
        };
        let arrival = Event::DataArrived(DataArrived { source: "flights".to_owned(), span: None });
        let mut first = NewEvent::new(EventId::new("a1"), arrival, "held");
        first.consequences = vec![Consequence::Hold(held("a1", 10))];
        store.record_event(&first, None, at(0)).await.unwrap();
        store.hold(&held("a2", 20)).await.unwrap();
        store.hold(&held("a2", 20)).await.unwrap();
        assert!(store.due_holds(at(19)).await.unwrap().is_empty(), "the later arrival moved the end");
        assert_eq!(store.next_hold().await.unwrap(), Some(at(20)));
        let due = store.due_holds(at(20)).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].events, [EventId::new("a1"), EventId::new("a2")]);
        assert_eq!(due[0].payload, payload("a2"));
        assert_eq!(store.held(&due[0].key).await.unwrap().as_ref(), Some(&due[0]));

        let mut run = manual("e1");
        run.consequences = vec![starts(request("r1", 20))];
        let early = store.release_hold(&due[0].key, at(10), &run, at(20)).await;
        assert!(matches!(early, Err(StoreError::Conflict(_))), "{early:?}");
        assert_eq!(store.release_hold(&due[0].key, at(20), &run, at(20)).await.unwrap().runs.len(), 1);
        assert_eq!(store.next_hold().await.unwrap(), None);
        assert!(matches!(store.release_hold(&due[0].key, at(20), &run, at(20)).await, Err(StoreError::Conflict(_))));
    }
}
