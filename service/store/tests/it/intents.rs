use crate::databases::on_both;
use crate::samples::{at, start_run};
use trainyard_core::artifact::{ArtifactRef, Digest};
use trainyard_core::registry::{Evidence, IntentAction, IntentState, NewIntent, NewPromotion};
use trainyard_core::run::{Drift, Finding};
use trainyard_store::StoreError;

fn intent(target: &str, version: &str, fresh: bool) -> NewIntent {
    let action = if fresh {
        IntentAction::Push
    } else {
        IntentAction::Rollback
    };
    NewIntent {
        action,
        fresh,
        entry: NewPromotion {
            target: target.to_owned(),
            pipeline: "flights".to_owned(),
            action: action.promotion(),
            version: version.to_owned(),
            model: ArtifactRef {
                name: format!("r{version}/train/model"),
                type_name: "Model".to_owned(),
                digest: Digest::from_sha256(&[7; 32]),
                uri: "/nowhere".to_owned(),
                properties: Default::default(),
            },
            run: None,
            actor: "ada".to_owned(),
            evidence: Evidence::Recorded(serde_json::Value::Null),
            at: at(1),
        },
    }
}

on_both! {
    async fn who_lost_its_lease_stores_nothing(fresh) {
        let store = &fresh.store;
        let first = store.take_named_lease("push", "one", None).await.unwrap().unwrap();
        let stale = store.fenced("push", first);
        let id = stale.begin_intent(&intent("flights", "000001", true), None).await.unwrap();
        let seen = store.named_lease("push").await.unwrap().unwrap();
        let second = store.take_named_lease("push", "two", Some(&seen)).await.unwrap().unwrap();
        // The first one was stopped after it had looked, and is woken.
        let refused = stale.settle_intent(id, IntentState::Withdrawn, "it was not there", at(2)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "another engine took over the lease 'push' meanwhile, and nothing was stored: look again"
        );
        let entry = intent("flights", "000001", true).entry;
        assert!(stale.append_promotion(&entry, None, Vec::new()).await.is_err());
        assert!(stale.begin_intent(&intent("other", "000001", true), None).await.is_err());
        assert!(stale.put_finding("flights", None, at(2)).await.is_err());
        assert_eq!(store.open_intent("flights").await.unwrap().unwrap().state, IntentState::Begun);
        assert!(store.ledger("flights").await.unwrap().serving().is_none());
        // What the second one stores says that it lives: nobody takes the lease between the look and the write.
        let seen = store.named_lease("push").await.unwrap().unwrap();
        let ours = store.fenced("push", second);
        ours.append_promotion(&entry, None, Vec::new()).await.unwrap();
        assert_eq!(store.take_named_lease("push", "three", Some(&seen)).await.unwrap(), None);
        assert!(store.open_intent("flights").await.unwrap().is_none(), "recorded");
    }

    async fn a_cancelled_run_begins_no_push(fresh) {
        let store = &fresh.store;
        let run = start_run(store, "r1", 0).await;
        let of_run = |action| {
            let mut intent = intent("flights", "000001", true);
            intent.action = action;
            intent.entry.run = Some(run.request.id.clone());
            intent
        };
        assert!(store.request_cancel(&run.request.id, "ada", at(1)).await.unwrap());
        let refused = store.begin_intent(&of_run(IntentAction::Push), None).await.unwrap_err();
        assert_eq!(refused, StoreError::Conflict("run r1 was cancelled before its push began".to_owned()));
        // A person may want its model all the same.
        store.begin_intent(&of_run(IntentAction::Promote), None).await.unwrap();
    }

    async fn a_number_is_given_once_whatever_became_of_it(fresh) {
        let store = &fresh.store;
        let first = store.begin_intent(&intent("flights", "000001", true), None).await.unwrap();
        let busy = store.begin_intent(&intent("flights", "000002", true), None).await.unwrap_err();
        assert!(matches!(busy, StoreError::Conflict(_)), "one at a time: {busy}");
        store.begin_intent(&intent("other", "000001", true), None).await.unwrap();
        assert!(store.settle_intent(first, IntentState::Unknown, "it hung", at(2)).await.unwrap());
        let open = store.open_intent("flights").await.unwrap().unwrap();
        assert_eq!((open.state, open.reason.as_deref()), (IntentState::Unknown, Some("it hung")));
        assert!(store.begin_intent(&intent("flights", "000002", true), None).await.is_err());
        assert!(store.settle_intent(first, IntentState::Withdrawn, "it serves another", at(3)).await.unwrap());
        assert!(!store.settle_intent(first, IntentState::Unknown, "late", at(4)).await.unwrap(), "an end is an end");
        for taken in ["000001", "000000"] {
            let taken = store.begin_intent(&intent("flights", taken, true), None).await.unwrap_err();
            assert!(matches!(taken, StoreError::Conflict(_)), "{taken}");
        }
        assert_eq!(store.ledger("flights").await.unwrap().next_version(), "000002", "withdrawn, and not free");
        let second = intent("flights", "000002", true);
        store.begin_intent(&second, None).await.unwrap();
        let finding = Finding::Drifted { drift: Drift::Gone { place: "/models/1".to_owned() } };
        store.put_finding("flights", Some(&finding), at(5)).await.unwrap();
        store.put_finding("flights", Some(&finding), at(6)).await.unwrap();
        assert_eq!(store.finding("flights").await.unwrap(), Some(finding));
        // Its entry settles it and what was found before, in one transaction.
        let entry = store.append_promotion(&second.entry, None, Vec::new()).await.unwrap();
        assert_eq!(store.open_intent("flights").await.unwrap(), None);
        assert_eq!(store.finding("flights").await.unwrap(), None);
        let states: Vec<_> = store.intents("flights").await.unwrap().iter().map(|intent| intent.state).collect();
        assert_eq!(states, [IntentState::Recorded, IntentState::Withdrawn]);
        // Who read an older ledger looks again, and a rollback goes back to a number that served.
        assert!(store.begin_intent(&intent("flights", "000003", true), None).await.is_err());
        store.begin_intent(&intent("flights", "000001", false), Some(entry)).await.unwrap();
        assert_eq!(store.open_intents().await.unwrap().len(), 2);
    }

    async fn two_who_take_a_number_at_once_do_not_get_the_same(fresh) {
        let asked = (0..8).map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move { store.begin_intent(&intent("flights", "000001", true), None).await })
        });
        let mut given = 0;
        for asked in asked.collect::<Vec<_>>() {
            match asked.await.unwrap() {
                Ok(_) => given += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error}"),
            }
        }
        assert_eq!(given, 1);
        assert_eq!(fresh.store.intents("flights").await.unwrap().len(), 1);
    }
}
