use crate::databases::on_both;
use crate::samples::{answer, at, forward, plan, request, start_run};
use serde_json::json;
use trainyard_core::ids::{RunId, StepName};
use trainyard_core::report::StatusState;
use trainyard_core::run::{Run, RunEvent, RunState, SkipCause};
use trainyard_store::{RunFilter, StoreError};

fn started() -> RunEvent {
    RunEvent::Started { baseline: None }
}

fn finished(state: RunState) -> RunEvent {
    RunEvent::Finished {
        state,
        summary: "all done".to_owned(),
        metrics: json!({"auc": 0.65}).as_object().unwrap().clone(),
    }
}

on_both! {
    async fn a_run_is_the_fold_of_what_was_appended(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        assert_eq!(store.run_request(&run.request.id).await.unwrap(), run.request);
        assert_eq!(store.load_run(&run.request.id).await.unwrap(), run);
        let skipped = |step| RunEvent::StepSkipped { step: StepName::new(step), cause: SkipCause::Recorded("not needed".to_owned()) };
        let first = forward(&mut run, vec![started(), skipped("examples")], at(1));
        assert_eq!(store.append(first).await.unwrap(), 2);
        let second = forward(&mut run, vec![skipped("train"), finished(RunState::Failed)], at(2));
        assert_eq!(store.append(second).await.unwrap(), 4);
        assert_eq!(store.load_run(&run.request.id).await.unwrap(), run);
        let later = store.run_events(&run.request.id, 2).await.unwrap();
        assert_eq!(later.iter().map(|(seq, when, _)| (*seq, *when)).collect::<Vec<_>>(), [(3, at(2)), (4, at(2))]);

        let row = store.run_row("r1").await.unwrap().unwrap();
        assert_eq!((row.state, row.version, row.summary.as_deref()), (RunState::Failed, 4, Some("all done")));
        assert_eq!((row.started_at, row.ended_at), (Some(at(1)), Some(at(2))));
        assert_eq!(row.metrics["auc"], json!(0.65));
        assert_eq!(row.steps.iter().map(|s| s.state.as_str()).collect::<Vec<_>>(), ["skipped", "skipped"]);
        assert!(store.active_runs().await.unwrap().is_empty());
        let unknown = store.load_run(&RunId::new("r9")).await.unwrap_err();
        assert_eq!(unknown.to_string(), "there is no run r9; list the runs with: trainyard runs");
    }

    async fn a_second_writer_of_the_same_version_is_refused_whole(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let mut other = run.clone();
        store.append(forward(&mut run, vec![started()], at(1))).await.unwrap();
        let mut late = forward(&mut other, vec![started()], at(2));
        late.outbox = vec![answer("s", StatusState::Pending)];
        let refused = store.append(late).await.unwrap_err();
        assert_eq!(refused, StoreError::Conflict("run r1 moved on to version 1, expected 0".to_owned()));
        assert_eq!(store.load_run(&run.request.id).await.unwrap(), run);
        assert!(store.due_outbox(at(9), None, 1).await.unwrap().is_empty());
    }

    async fn of_many_racing_writers_one_wins_each_version(fresh) {
        let store = &fresh.store;
        let run = start_run(store, "r1", 0).await;
        let mut tasks = Vec::new();
        for _ in 0..16 {
            let (store, mut run) = (store.clone(), run.clone());
            tasks.push(tokio::spawn(async move { store.append(forward(&mut run, vec![started()], at(1))).await.is_ok() }));
        }
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.unwrap());
        }
        assert_eq!(winners, 1);
        assert_eq!(store.load_run(&run.request.id).await.unwrap().version, 1);
    }

    async fn an_old_lease_cannot_write(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let id = run.request.id.clone();
        let first = store.acquire_lease(&id, "one", None).await.unwrap().unwrap();
        assert_eq!(store.acquire_lease(&id, "two", None).await.unwrap(), None, "held by another");
        let seen = store.run_lease(&id).await.unwrap().unwrap();
        assert_eq!((seen.owner.as_deref(), seen.epoch), (Some("one"), first));
        assert_eq!(store.renew_lease(&id, first).await.unwrap(), Some(0));
        assert_eq!(store.acquire_lease(&id, "two", Some(&seen)).await.unwrap(), None, "it lives");
        let seen = store.run_lease(&id).await.unwrap().unwrap();
        let second = store.acquire_lease(&id, "two", Some(&seen)).await.unwrap().unwrap();
        assert!(second > first);
        assert_eq!(store.acquire_lease(&id, "three", Some(&seen)).await.unwrap(), None, "one takes it over");

        let mut late = forward(&mut run.clone(), vec![started()], at(13));
        late.lease = Some(first);
        assert_eq!(
            store.append(late).await.unwrap_err().to_string(),
            format!("run r1 is worked on by another process now (lease {second}, ours was {first})")
        );
        assert_eq!(store.renew_lease(&id, first).await.unwrap(), None);
        store.release_lease(&id, first).await.unwrap();
        assert_eq!(store.acquire_lease(&id, "three", None).await.unwrap(), None, "only its holder gives it back");
        let mut ours = forward(&mut run, vec![started()], at(14));
        ours.lease = Some(second);
        store.append(ours).await.unwrap();
        assert_eq!(store.renew_lease(&id, second).await.unwrap(), Some(1), "the version after our append");
        assert!(store.request_cancel(&id, "ada", at(14)).await.unwrap());
        assert_eq!(store.renew_lease(&id, second).await.unwrap(), Some(2), "somebody else moved it");
        store.release_lease(&id, second).await.unwrap();
        assert!(store.acquire_lease(&id, "three", None).await.unwrap().is_some());
        assert_eq!(store.acquire_lease(&RunId::new("r9"), "one", None).await.unwrap(), None);
    }

    async fn runs_are_in_the_order_in_which_they_were_stored(fresh) {
        let store = &fresh.store;
        // The second one's machine is an hour behind, and its id is of that hour.
        start_run(store, "r5", 3600).await;
        start_run(store, "r2", 0).await;
        let listed = store.runs(&RunFilter::default()).await.unwrap();
        assert_eq!(listed.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["r2", "r5"]);
        assert!(store.run_request(&RunId::new("r2")).await.unwrap().created_at > at(3600));
        let active = store.active_runs().await.unwrap();
        assert_eq!(active.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["r5", "r2"]);
    }

    async fn many_requests_are_read_at_once(fresh) {
        let store = &fresh.store;
        let mut ids = vec![RunId::new("gone")];
        for number in 0..42 {
            let run = start_run(store, &format!("r{number}"), number).await;
            ids.push(run.request.id);
        }
        let read = store.run_requests(&ids).await.unwrap();
        let mut found: Vec<_> = read.into_iter().map(|request| request.id).collect();
        let mut wanted = ids.split_off(1);
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }

    async fn a_cancel_request_needs_no_version(fresh) {
        let store = &fresh.store;
        let mut run = start_run(store, "r1", 0).await;
        let id = run.request.id.clone();
        let mut behind = forward(&mut run.clone(), vec![started()], at(2));
        assert!(store.request_cancel(&id, "ada", at(1)).await.unwrap());
        assert!(store.request_cancel(&id, "ada", at(1)).await.unwrap(), "asking twice is fine");
        assert!(store.active_runs().await.unwrap()[0].cancel_requested);
        assert!(matches!(store.append(behind.clone()).await, Err(StoreError::Conflict(_))));
        run = store.load_run(&id).await.unwrap();
        assert_eq!((run.version, run.cancel_requested.as_deref()), (1, Some("ada")));
        behind = forward(&mut run, vec![finished(RunState::Cancelled)], at(3));
        store.append(behind).await.unwrap();
        assert!(!store.request_cancel(&id, "ada", at(4)).await.unwrap());
        assert!(matches!(store.request_cancel(&RunId::new("r9"), "ada", at(4)).await, Err(StoreError::NotFound(_))));
    }

    async fn listings_filter_and_page(fresh) {
        let store = &fresh.store;
        for number in 0..5 {
            start_run(store, &format!("0190-{number}"), number).await;
        }
        let mut last = Run::new(request("0190-4", 4));
        store.append(forward(&mut last, vec![finished(RunState::Failed)], at(9))).await.unwrap();
        let ids = |rows: Vec<trainyard_store::RunRow>| rows.into_iter().map(|row| row.id.to_string()).collect::<Vec<_>>();
        let page = RunFilter { limit: 2, ..RunFilter::default() };
        assert_eq!(ids(store.runs(&page).await.unwrap()), ["0190-4", "0190-3"]);
        let next = RunFilter { before: Some(RunId::new("0190-3")), ..page };
        assert_eq!(ids(store.runs(&next).await.unwrap()), ["0190-2", "0190-1"]);
        let failed = RunFilter { state: Some(RunState::Failed), ..RunFilter::default() };
        assert_eq!(ids(store.runs(&failed).await.unwrap()), ["0190-4"]);
        let other = RunFilter { pipeline: Some("other".to_owned()), ..RunFilter::default() };
        assert!(store.runs(&other).await.unwrap().is_empty());
        assert_eq!(store.active_runs().await.unwrap().len(), 4);

        assert_eq!(store.run_row("0190-3").await.unwrap().unwrap().id, RunId::new("0190-3"));
        assert!(store.run_row("0191").await.unwrap().is_none());
        assert!(store.run_row("").await.unwrap().is_none());
        assert!(store.run_row("%").await.unwrap().is_none());
        assert_eq!(
            store.run_row("0190").await.unwrap_err().to_string(),
            "more than one run begins with '0190', for example 0190-4 and 0190-3: write more of the id"
        );
        let stats = store.stats().await.unwrap();
        assert_eq!((stats.runs["queued"], stats.runs["failed"]), (4, 1));
    }

    async fn pre_images_are_compared_with_the_run_before(fresh) {
        let store = &fresh.store;
        let step = StepName::new("train");
        for number in 1..=3 {
            start_run(store, &format!("r{number}"), number).await;
        }
        let (r1, r3) = (RunId::new("r1"), RunId::new("r3"));
        store.put_preimage(&r1, &step, "k0", &json!({"a": 0}), at(1)).await.unwrap();
        store.put_preimage(&r1, &step, "k1", &json!({"a": 1}), at(1)).await.unwrap();
        store.put_preimage(&r3, &step, "k3", &json!({"a": 3}), at(3)).await.unwrap();
        assert_eq!(store.preimage(&r1, &step).await.unwrap(), Some(("k1".to_owned(), json!({"a": 1}))));
        let before = store.previous_preimage(&plan().pipeline, &step, &r3).await.unwrap();
        assert_eq!(before, Some((r1.clone(), "k1".to_owned(), json!({"a": 1}))), "r2 did not come to the step");
        assert_eq!(store.previous_preimage(&plan().pipeline, &step, &r1).await.unwrap(), None);
    }
}
