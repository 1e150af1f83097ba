use crate::databases::on_both;
use crate::samples::at;
use trainyard_core::registry::{Alias, NewAlias};

fn alias(model: &str, alias: &str, version: Option<&str>, seconds: u64) -> NewAlias {
    NewAlias {
        model: model.to_owned(),
        alias: alias.to_owned(),
        version: version.map(str::to_owned),
        actor: "ada".to_owned(),
        reason: version.map(|version| format!("{version} is promising")),
        at: at(seconds),
    }
}

on_both! {
    async fn the_newest_entry_of_a_name_is_in_force_and_the_others_stay(fresh) {
        let store = &fresh.store;
        assert!(store.aliases(None).await.unwrap().is_empty());
        for new in [
            alias("flights", "challenger", Some("000001"), 1),
            alias("flights", "shadow", Some("000001"), 2),
            alias("other", "challenger", Some("000007"), 3),
            alias("flights", "challenger", Some("000002"), 4),
            alias("flights", "shadow", None, 5),
        ] {
            store.put_alias(&new).await.unwrap();
        }
        let shown = |entries: Vec<Alias>| -> Vec<String> {
            entries.iter().map(|e| format!("{} {} {:?} {}", e.model, e.alias, e.version, e.at.0)).collect()
        };
        let in_force = shown(store.aliases(Some("flights")).await.unwrap());
        assert_eq!(in_force, [format!("flights challenger Some(\"000002\") {}", at(4).0)]);
        assert_eq!(store.aliases(None).await.unwrap().len(), 2);
        let history = store.alias_history("flights").await.unwrap();
        assert_eq!(history.len(), 4);
        assert_eq!(history[0].reason.as_deref(), Some("000001 is promising"));
        assert_eq!((history[3].version.as_deref(), history[3].reason.as_deref()), (None, None));
        store.put_alias(&alias("flights", "shadow", Some("000003"), 6)).await.unwrap();
        assert_eq!(store.aliases(Some("flights")).await.unwrap().len(), 2, "a name may come back");
    }
}
