use crate::databases::on_both;
use crate::samples::{artifact, at, forward, start_run};
use serde_json::json;
use trainyard_core::gate::Blessing;
use trainyard_core::ids::RunId;
use trainyard_core::registry::{Evidence, NewPromotion, Promotion, PromotionAction};
use trainyard_core::run::RunEvent;
use trainyard_store::{Store, StoreError};

fn promotion(action: PromotionAction, version: &str) -> NewPromotion {
    NewPromotion {
        target: "flights".to_owned(),
        pipeline: "flights".to_owned(),
        action,
        version: version.to_owned(),
        model: artifact(&format!("r{version}/train/model"), "Model", 1),
        run: Some(RunId::new("r1")),
        actor: "ada".to_owned(),
        evidence: Evidence::Recorded(json!({"blessing": "blessed"})),
        at: at(1),
    }
}

/// The entry that made what serves serve.
async fn serving(store: &Store) -> Option<Promotion> {
    let ledger = store.ledger("flights").await.unwrap();
    ledger.serving().map(|serving| serving.pushed.clone())
}

on_both! {
    async fn the_newest_entry_of_the_ledger_serves(fresh) {
        let store = &fresh.store;
        assert!(serving(store).await.is_none());
        let mut run = start_run(store, "r1", 0).await;
        let mut append = forward(&mut run, vec![RunEvent::Started { baseline: None }], at(1));
        append.promotion = Some(promotion(PromotionAction::Push, "1"));
        store.append(append).await.unwrap();
        let first = serving(store).await.unwrap();
        assert_eq!((first.version.as_str(), first.evidence.clone()), ("1", Evidence::Recorded(json!({"blessing": "blessed"}))));

        let second = store.append_promotion(&promotion(PromotionAction::Rollback, "0"), Some(first.id), Vec::new()).await.unwrap();
        let stale = store.append_promotion(&promotion(PromotionAction::Push, "2"), Some(first.id), Vec::new()).await.unwrap_err();
        assert_eq!(stale.to_string(), "the model of target 'flights' was changed by somebody else meanwhile: look again before changing it");
        assert!(matches!(store.append_promotion(&promotion(PromotionAction::Push, "2"), None, Vec::new()).await, Err(StoreError::Conflict(_))));
        assert_eq!(serving(store).await.unwrap().version, "0");
        store.append_promotion(&promotion(PromotionAction::Removed, "0"), Some(second), Vec::new()).await.unwrap();
        assert!(serving(store).await.is_none());
        let ledger = store.promotions(None, 10).await.unwrap();
        assert_eq!(ledger.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["removed", "rollback", "push"]);
        assert!(store.promotions(Some("other"), 10).await.unwrap().is_empty());
    }

    async fn racing_promotions_do_not_fork_the_ledger(fresh) {
        let mut tasks = Vec::new();
        for number in 0..8 {
            let store = fresh.store.clone();
            tasks.push(tokio::spawn(async move {
                store.append_promotion(&promotion(PromotionAction::Push, &number.to_string()), None, Vec::new()).await.is_ok()
            }));
        }
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.unwrap());
        }
        assert_eq!(winners, 1);
        assert_eq!(fresh.store.promotions(None, 10).await.unwrap().len(), 1);
    }

    async fn the_latest_blessed_model_is_of_the_newest_run(fresh) {
        let store = &fresh.store;
        for (number, blessing) in [(1, Blessing::Blessed), (2, Blessing::Blessed), (3, Blessing::NotBlessed)] {
            let mut run = start_run(store, &format!("r{number}"), number).await;
            let mut append = forward(&mut run, vec![RunEvent::Started { baseline: None }], at(9));
            append.summary.blessing = Some(blessing);
            append.summary.blessed_model = (blessing == Blessing::Blessed).then(|| artifact(&format!("r{number}/train/model"), "Model", 1));
            store.append(append).await.unwrap();
        }
        assert_eq!(store.latest_blessed("flights").await.unwrap().unwrap().name, "r2/train/model");
        assert!(store.latest_blessed("other").await.unwrap().is_none());
        assert_eq!(store.run_row("r3").await.unwrap().unwrap().blessing, Some(Blessing::NotBlessed));
    }
}
