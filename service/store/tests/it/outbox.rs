use crate::databases::on_both;
use crate::samples::{at, status};
use trainyard_core::ids::Micros;
use trainyard_core::report::{Outgoing, StatusState};

on_both! {
    async fn newer_messages_replace_older_ones(fresh) {
        let store = &fresh.store;
        store.put_outbox(&[status("a", StatusState::Pending), status("b", StatusState::Pending)], at(1)).await.unwrap();
        let sent = store.due_outbox(at(1), None, 10).await.unwrap();
        assert_eq!(sent.len(), 2);
        store.put_outbox(&[status("a", StatusState::Success)], at(2)).await.unwrap();
        let due = store.due_outbox(at(2), None, 10).await.unwrap();
        assert_eq!(due.len(), 2, "one message for each key");
        let newest = due.iter().find(|row| row.message.key() == status("a", StatusState::Success).key()).unwrap();
        assert_eq!(newest.message, Outgoing::GitHub(status("a", StatusState::Success)));

        assert!(!store.outbox_done(sent[0].id, sent[0].generation).await.unwrap(), "the sent one is not the newest");
        assert!(store.outbox_done(sent[1].id, sent[1].generation).await.unwrap());
        assert!(store.outbox_done(newest.id, newest.generation).await.unwrap());
        assert_eq!(store.next_outbox(Micros(i64::MIN)).await.unwrap(), None);
    }

    async fn a_failed_message_waits_unless_it_was_replaced(fresh) {
        let store = &fresh.store;
        store.put_outbox(&[status("a", StatusState::Pending)], at(1)).await.unwrap();
        let sent = store.due_outbox(at(1), None, 10).await.unwrap().remove(0);
        store.outbox_failed(sent.id, sent.generation, at(60), "502").await.unwrap();
        assert!(store.due_outbox(at(59), None, 10).await.unwrap().is_empty());
        assert_eq!(store.next_outbox(Micros(i64::MIN)).await.unwrap(), Some(at(60)));
        assert_eq!(store.due_outbox(at(60), None, 10).await.unwrap()[0].attempts, 1);

        store.put_outbox(&[status("a", StatusState::Success)], at(5)).await.unwrap();
        store.outbox_failed(sent.id, sent.generation, at(90), "502").await.unwrap();
        let due = store.due_outbox(at(5), None, 10).await.unwrap();
        assert_eq!((due.len(), due[0].attempts), (1, 0), "the newer message starts afresh");
    }
}
