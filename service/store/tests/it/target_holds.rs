use crate::databases::on_both;
use crate::samples::at;
use trainyard_core::registry::{NewTargetHold, TargetHold};
use trainyard_store::StoreError;

fn entry(target: &str, held: bool, seconds: u64) -> NewTargetHold {
    NewTargetHold {
        target: target.to_owned(),
        held,
        actor: "ada".to_owned(),
        reason: held.then(|| format!("incident {seconds}")),
        at: at(seconds),
    }
}

on_both! {
    async fn the_newest_entry_says_whether_a_target_is_frozen(fresh) {
        let store = &fresh.store;
        assert_eq!(store.target_hold("flights").await.unwrap(), None);
        store.put_target_hold(&entry("flights", true, 1)).await.unwrap();
        let held = TargetHold {
            target: "flights".to_owned(),
            actor: "ada".to_owned(),
            reason: "incident 1".to_owned(),
            at: at(1),
        };
        assert_eq!(store.target_hold("flights").await.unwrap(), Some(held));
        assert_eq!(store.target_hold("other").await.unwrap(), None);
        // Two people at once: the second one's reason does not take the place of the first one's.
        let twice = store.put_target_hold(&entry("flights", true, 2)).await.unwrap_err();
        assert!(matches!(twice, StoreError::Conflict(_)), "{twice}");
        store.put_target_hold(&entry("flights", false, 3)).await.unwrap();
        assert_eq!(store.target_hold("flights").await.unwrap(), None);
        let twice = store.put_target_hold(&entry("flights", false, 4)).await.unwrap_err();
        assert!(matches!(twice, StoreError::Conflict(_)), "{twice}");
        let before = store.change_number().await.unwrap();
        store.put_target_hold(&entry("flights", true, 5)).await.unwrap();
        assert_eq!(store.target_hold("flights").await.unwrap().unwrap().reason, "incident 5");
        assert!(store.change_number().await.unwrap() > before, "whoever watches sees it");
    }
}
