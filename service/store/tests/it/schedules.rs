use crate::databases::on_both;
use crate::samples::{at, manual, plan, repo, request, sha, starts};
use trainyard_core::plan::{Catchup, Schedule};
use trainyard_store::{NewPipeline, NewSchedule, StoreError};

fn schedule(pipeline: &str, cron: &str) -> NewSchedule {
    NewSchedule {
        pipeline: pipeline.to_owned(),
        folder: format!("pipelines/{pipeline}"),
        schedule: Schedule {
            cron: cron.to_owned(),
            timezone: "UTC".to_owned(),
            catchup: Catchup::All,
        },
    }
}

on_both! {
    async fn a_slot_is_taken_once_and_remembered(fresh) {
        let (store, repo) = (&fresh.store, repo());
        store.put_schedules(Some(&repo), Some("main"), Some(&sha('a')), &[schedule("flights", "0 3 * * 1"), schedule("old", "0 0 * * *")], at(1)).await.unwrap();
        store.put_schedules(None, None, None, &[schedule("local", "0 0 * * *")], at(1)).await.unwrap();
        let mut event = manual("e1");
        event.consequences = vec![starts(request("r1", 1))];
        assert_eq!(store.record_slot(Some(&repo), "flights", at(100), &event, at(101)).await.unwrap().runs.len(), 1);
        let again = store.record_slot(Some(&repo), "flights", at(100), &manual("e2"), at(101)).await;
        assert_eq!(again.unwrap_err(), StoreError::Conflict("this slot of the schedule of 'flights' was taken before".to_owned()));
        store.record_slot(Some(&repo), "flights", at(50), &manual("e3"), at(102)).await.unwrap();

        store.put_schedules(Some(&repo), Some("main"), Some(&sha('b')), &[schedule("flights", "0 3 * * 1")], at(200)).await.unwrap();
        let rows = store.schedules().await.unwrap();
        assert_eq!(rows.iter().map(|row| row.pipeline.as_str()).collect::<Vec<_>>(), ["local", "flights"]);
        assert_eq!((rows[0].repo.as_ref(), rows[0].last_slot), (None, None));
        assert_eq!((rows[1].last_slot, rows[1].since), (Some(at(100)), at(1)), "unchanged text keeps its slot");
        assert_eq!((rows[1].commit.as_ref(), rows[1].catchup), (Some(&sha('b')), Catchup::All));

        store.put_schedules(Some(&repo), Some("main"), Some(&sha('c')), &[schedule("flights", "0 4 * * 1")], at(300)).await.unwrap();
        let row = store.schedules().await.unwrap().remove(1);
        assert_eq!((row.last_slot, row.since, row.cron.as_str()), (None, at(300), "0 4 * * 1"), "a new text begins anew");
    }

    async fn the_newest_pipelines_of_a_repository_are_known(fresh) {
        let (store, repo) = (&fresh.store, repo());
        let new = |name: &str| NewPipeline { name: name.to_owned(), folder: format!("pipelines/{name}"), plan: plan() };
        store.put_pipelines(&repo, Some(7), "main", &sha('a'), &[new("a"), new("b")], at(1)).await.unwrap();
        store.put_pipelines(&repo, Some(7), "main", &sha('b'), &[new("b")], at(2)).await.unwrap();
        let known = store.pipelines().await.unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!((known[0].name.as_str(), &known[0].commit, &known[0].plan), ("b", &sha('b'), &plan()));
        assert_eq!((known[0].installation_id, &known[0].repo), (Some(7), &repo));
    }
}
