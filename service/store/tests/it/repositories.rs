//! Repositories that have another name, or are gone.

use crate::databases::on_both;
use crate::plant;
use crate::samples::{answer, at, finished, github, manual, plan, repo, request, sha, starts, status};
use trainyard_core::ids::{EventId, RepoName, RunId};
use trainyard_core::inbound::{Consequence, Hold, HoldPayload};
use trainyard_core::notify::Health;
use trainyard_core::plan::{Catchup, Schedule};
use trainyard_core::report::{BranchSeen, PullRequestSeen, StatusState};
use trainyard_core::run::RunState;
use trainyard_store::{Baseline, DatabaseUrl, NewPipeline, NewSchedule, Store};

fn named(name: &str) -> RepoName {
    RepoName::parse(name).unwrap()
}

fn waits(repo: &RepoName) -> HoldPayload {
    HoldPayload {
        repo: repo.clone(),
        pipeline: "flights".to_owned(),
        source: "rows".to_owned(),
        spans: vec!["2014-06".to_owned()],
    }
}

/// Everything that goes by the name of [`repo`], which has number 42.
async fn filled(store: &Store) {
    store.name_repository(42, &repo(), at(0)).await.unwrap();
    let new = NewPipeline {
        name: "flights".to_owned(),
        folder: "pipelines/flights".to_owned(),
        plan: plan(),
    };
    store
        .put_pipelines(&repo(), Some(7), "main", &sha('a'), &[new], at(1))
        .await
        .unwrap();
    let schedule = NewSchedule {
        pipeline: "flights".to_owned(),
        folder: "pipelines/flights".to_owned(),
        schedule: Schedule {
            cron: "0 3 * * 1".to_owned(),
            timezone: "UTC".to_owned(),
            catchup: Catchup::All,
        },
    };
    store
        .put_schedules(Some(&repo()), Some("main"), Some(&sha('a')), &[schedule], at(1))
        .await
        .unwrap();
    let slot = manual("slot");
    store
        .record_slot(Some(&repo()), "flights", at(2), &slot, at(2))
        .await
        .unwrap();
    let mut event = manual("e1");
    event.consequences = vec![
        starts(request("r1", 3)),
        Consequence::Tell(answer("flights", StatusState::Pending)),
        Consequence::SeeBranch(BranchSeen {
            repo: repo(),
            branch: "main".to_owned(),
            head: sha('a'),
        }),
        Consequence::See(PullRequestSeen {
            repo: repo(),
            number: 7,
            open: true,
            base: "main".to_owned(),
            head: sha('b'),
            at: at(3),
        }),
    ];
    store.record_event(&event, None, at(3)).await.unwrap();
    let hold = Hold {
        until: at(9),
        event: EventId::new("e1"),
        payload: waits(&repo()),
    };
    store.hold(&hold).await.unwrap();
    store.swept(&repo(), Baseline::default(), at(3)).await.unwrap();
    let news = finished("r1", RunState::Failed, 4);
    store.put_news(&news).await.unwrap();
    store
        .route(&news, Vec::new(), Some(&Health::default()), at(4))
        .await
        .unwrap();
}

/// The tables whose rows go by a repository's name, but for the turns, which are nobody's when a transaction is over.
const TABLES: [&str; 11] = [
    "runs",
    "pipelines",
    "schedules",
    "schedule_slots",
    "checks",
    "check_runs",
    "pull_requests",
    "branches",
    "sweeps",
    "outbox",
    "pipeline_health",
];

/// Rows that go by a name.
async fn rows(url: &DatabaseUrl, name: &RepoName) -> i64 {
    let mut rows = 0;
    for table in TABLES {
        let count = format!("SELECT COUNT(*) FROM {table} WHERE repo = '{name}'");
        rows += plant::number(url, &count).await;
    }
    rows
}

on_both! {
    // A table that is new and has a repository's name must follow it, too.
    async fn no_table_is_forgotten(fresh) {
        let known = TABLES.map(|table| format!("'{table}'")).join(", ");
        let others = match &fresh.url {
            DatabaseUrl::Sqlite(_) => format!(
                "SELECT COUNT(*) FROM sqlite_master t JOIN pragma_table_info(t.name) c ON c.name = 'repo'
                    WHERE t.type = 'table' AND t.name NOT IN ({known}, 'check_turns')"
            ),
            DatabaseUrl::Postgres(_) => format!(
                "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = current_schema()
                    AND column_name = 'repo' AND table_name NOT IN ({known}, 'check_turns')"
            ),
        };
        assert_eq!(plant::number(&fresh.url, &others).await, 0);
    }

    async fn all_that_is_kept_goes_by_the_new_name(fresh) {
        let (store, small) = (&fresh.store, named("acme/small"));
        filled(store).await;
        let before = rows(&fresh.url, &repo()).await;
        assert!(before >= 8, "{before} rows");
        store.name_repository(42, &small, at(10)).await.unwrap();
        assert_eq!((rows(&fresh.url, &repo()).await, rows(&fresh.url, &small).await), (0, before));
        assert_eq!(store.repository_name(42).await.unwrap(), Some(small.clone()));
        assert_eq!(store.repository_id(&repo()).await.unwrap(), None);
        assert_eq!(store.name_today(&repo()).await.unwrap(), small);
        let run = store.load_run(&RunId::new("r1")).await.unwrap();
        assert_eq!(run.request.repo, Some(small.clone()));
        assert_eq!(store.schedules().await.unwrap()[0].last_slot, Some(at(2)), "no slot comes twice");
        let held = store.held(&waits(&small).key()).await.unwrap().unwrap();
        assert_eq!((held.payload, held.until), (waits(&small), at(9)));
        assert_eq!(store.held(&waits(&repo()).key()).await.unwrap(), None);
        let told = store.due_outbox(at(99), None, 10).await.unwrap();
        assert!(told.iter().all(|row| github(row.message.clone()).repo == small), "{told:?}");
        // A worker that began before still says the old name.
        let mut event = manual("e2");
        event.consequences = vec![
            Consequence::Tell(answer("flights", StatusState::Failure)),
            starts(request("r2", 11)),
        ];
        store.record_event(&event, None, at(11)).await.unwrap();
        assert_eq!(rows(&fresh.url, &repo()).await, 0);
        assert_eq!(store.load_run(&RunId::new("r2")).await.unwrap().request.repo, Some(small));
    }

    async fn what_is_known_under_the_new_name_already_stays(fresh) {
        let (store, small) = (&fresh.store, named("acme/small"));
        filled(store).await;
        let new = NewPipeline { name: "flights".to_owned(), folder: "elsewhere".to_owned(), plan: plan() };
        store.put_pipelines(&small, None, "main", &sha('c'), &[new], at(4)).await.unwrap();
        store.name_repository(42, &small, at(10)).await.unwrap();
        let known = store.pipelines().await.unwrap();
        assert_eq!(known.iter().map(|known| known.folder.as_str()).collect::<Vec<_>>(), ["elsewhere"]);
    }

    async fn another_repository_takes_the_name(fresh) {
        let (store, tiny) = (&fresh.store, repo());
        filled(store).await;
        store.put_outbox(&[status("flights", StatusState::Pending)], at(5)).await.unwrap();
        let parked = named("acme/flights.gone-42");
        store.part_with_repository(42, &parked, at(10)).await.unwrap();
        assert_eq!(rows(&fresh.url, &tiny).await, 0);
        let run = store.load_run(&RunId::new("r1")).await.unwrap();
        assert_eq!(run.request.repo, Some(parked));
        assert!(store.pipelines().await.unwrap().is_empty() && store.schedules().await.unwrap().is_empty());
        assert_eq!(store.held(&waits(&tiny).key()).await.unwrap(), None);
        store.name_repository(43, &tiny, at(11)).await.unwrap();
        assert_eq!(store.repository_id(&tiny).await.unwrap(), Some(43));
        assert_eq!(store.name_today(&tiny).await.unwrap(), tiny);
    }
}
