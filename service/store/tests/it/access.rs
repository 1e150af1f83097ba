//! Tokens, sessions and the audit.

use crate::databases::on_both;
use crate::plant;
use crate::samples::at;
use trainyard_core::access::{Deed, Identity, Role, Scope};
use trainyard_store::{NewDeed, Over, SessionRow, StoreError, Token};

fn token(name: &str) -> Token {
    Token {
        name: name.to_owned(),
        scope: Scope {
            role: Role::Operator,
            pipelines: Some(["flights".to_owned()].into()),
        },
        created_by: "ada".to_owned(),
        created_at: at(1),
        expires_at: Some(at(100)),
        used_at: None,
        revoked: None,
    }
}

fn session(login: &str, used: u64) -> SessionRow {
    SessionRow {
        identity: Identity::Account {
            id: 7,
            login: login.to_owned(),
        },
        proof: "proof".to_owned(),
        began_at: at(used),
        used_at: at(used),
    }
}

fn deed(actor: &str, subject: &str) -> NewDeed {
    NewDeed {
        actor: actor.to_owned(),
        deed: Deed::RollBack,
        subject: subject.to_owned(),
        reason: Some("it was slow".to_owned()),
        at: at(5),
    }
}

const ALL: Over = Over {
    unused_since: at_zero(),
    began_before: at_zero(),
    most: 1000,
    most_of_one: 1000,
};

const fn at_zero() -> trainyard_core::ids::Micros {
    trainyard_core::ids::Micros(0)
}

on_both! {
    async fn a_token_is_good_until_it_ends_or_is_revoked(fresh) {
        let store = &fresh.store;
        store.add_token("hash-1", token("ci")).await.unwrap();
        let taken = store.add_token("hash-2", token("ci")).await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict(_)), "{taken:?}");
        let found = store.token_of("hash-1").await.unwrap().unwrap();
        assert_eq!(found, token("ci"));
        assert!(found.is_valid(at(99)) && !found.is_valid(at(100)));
        assert_eq!(store.token_of("hash-2").await.unwrap(), None);
        store.token_used("hash-1", at(9)).await.unwrap();
        store.token_used("hash-1", at(8)).await.unwrap();
        assert_eq!(store.token_of("hash-1").await.unwrap().unwrap().used_at, Some(at(9)));
        assert!(store.revoke_token("ci", "bob", at(10)).await.unwrap());
        assert!(!store.revoke_token("ci", "bob", at(11)).await.unwrap());
        let revoked = store.token_of("hash-1").await.unwrap().unwrap();
        assert_eq!(revoked.revoked, Some(("bob".to_owned(), at(10))));
        assert!(!revoked.is_valid(at(11)));
        // Its name may be given again, and both are kept.
        store.add_token("hash-3", token("ci")).await.unwrap();
        assert_eq!(store.tokens().await.unwrap().len(), 2);
    }

    async fn sessions_end_and_make_room(fresh) {
        let store = &fresh.store;
        store.begin_session("a", session("ada", 10), ALL).await.unwrap();
        let found = store.session("a").await.unwrap().unwrap();
        assert_eq!(found, session("ada", 10));
        store.session_used("a", at(20)).await.unwrap();
        assert_eq!(store.session("a").await.unwrap().unwrap().used_at, at(20));
        store.begin_session("b", session("bob", 30), Over { most: 2, ..ALL }).await.unwrap();
        store.begin_session("c", session("eve", 40), Over { most: 2, ..ALL }).await.unwrap();
        // The one that was used longest ago made room.
        assert_eq!(store.session("a").await.unwrap(), None);
        assert!(store.session("b").await.unwrap().is_some());
        let late = Over { unused_since: at(35), ..ALL };
        store.begin_session("d", session("fay", 50), late).await.unwrap();
        assert_eq!(store.session("b").await.unwrap(), None);
        store.end_session("c").await.unwrap();
        assert_eq!(store.session("c").await.unwrap(), None);
        assert!(store.session("d").await.unwrap().is_some());
    }

    async fn a_person_has_so_many_sessions_and_the_oldest_makes_room(fresh) {
        let store = &fresh.store;
        let of = |id: i64, login: &str, used: u64| SessionRow {
            identity: Identity::Account { id, login: login.to_owned() },
            ..session(login, used)
        };
        let few = Over { most_of_one: 2, ..ALL };
        store.begin_session("a", of(7, "ada", 10), few).await.unwrap();
        store.begin_session("b", of(8, "bob", 11), few).await.unwrap();
        store.begin_session("c", of(7, "ada", 12), few).await.unwrap();
        // By the number: she is called otherwise by now.
        store.begin_session("d", of(7, "lovelace", 13), few).await.unwrap();
        let left: Vec<String> = store.sessions().await.unwrap().into_iter().map(|(hash, _)| hash).collect();
        assert_eq!(left, ["d", "c", "b"]);
        for (hash, used) in [("s", 14), ("t", 15), ("u", 16)] {
            let service = SessionRow { identity: Identity::Service, ..session("x", used) };
            store.begin_session(hash, service, few).await.unwrap();
        }
        assert_eq!(store.sessions().await.unwrap().len(), 6, "who has the token may be anybody");
    }

    async fn what_is_begun_is_seen_before_it_is_over(fresh) {
        let store = &fresh.store;
        let first = store.begin_deed(deed("ada", "target flights")).await.unwrap();
        let second = store.begin_deed(deed("bob", "target taxi")).await.unwrap();
        store.end_deed(second, false, Some("there is no version before")).await.unwrap();
        let all = store.audit(None, 10).await.unwrap();
        let told: Vec<_> = all.iter().map(|row| (row.deed.actor.as_str(), row.done, row.outcome.as_deref())).collect();
        assert_eq!(told, [("bob", Some(false), Some("there is no version before")), ("ada", None, None)]);
        assert_eq!(all[1].deed, deed("ada", "target flights"));
        assert_eq!(store.audit(Some(second), 10).await.unwrap().len(), 1);
        assert!(store.audit(Some(first), 10).await.unwrap().is_empty());
    }

    async fn one_that_cannot_be_read_hides_no_other(fresh) {
        let store = &fresh.store;
        store.begin_deed(deed("ada", "target flights")).await.unwrap();
        store.add_token("hash-1", token("ci")).await.unwrap();
        store.add_token("hash-2", token("other")).await.unwrap();
        plant::sql(&fresh.url, "UPDATE audit SET deed = 'juggle'").await;
        plant::sql(&fresh.url, "UPDATE tokens SET scope = '{' WHERE name = 'ci'").await;
        store.begin_deed(deed("bob", "target taxi")).await.unwrap();
        assert_eq!(store.audit(None, 10).await.unwrap().len(), 1);
        assert_eq!(store.tokens().await.unwrap().len(), 1);
        // Of a token that cannot be read nobody knows what it may.
        let error = store.token_of("hash-1").await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
    }
}
