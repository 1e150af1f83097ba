//! What GitHub is shown of a commit, as answers and pull requests come in.

use crate::databases::on_both;
use crate::samples::{answer, at, github, repo, request, sha, start_run};
use trainyard_core::event::{Event, Manual};
use trainyard_core::ids::{EventId, RunId};
use trainyard_core::inbound::Consequence;
use trainyard_core::report::{
    Answer, AskedBy, CheckTold, Comment, Conclusion, Message, OutboxItem, PullRequestSeen, Question, Remark,
    StatusState, Subject, Telling,
};
use trainyard_store::{NewEvent, Store, ToldAs};

/// Pull request 7 as it was at a second.
fn seen(base: &str, open: bool, seconds: u64) -> Consequence {
    Consequence::See(PullRequestSeen {
        repo: repo(),
        number: 7,
        open,
        base: base.to_owned(),
        head: sha('a'),
        at: at(seconds),
    })
}

fn asks(base: &str) -> Question {
    Question {
        asked_by: AskedBy::PullRequest,
        base: base.to_owned(),
    }
}

fn judged(base: &str, asked: &str, state: StatusState) -> Consequence {
    let Telling::Answer(answer) = answer("trainyard/flights", state) else {
        unreachable!()
    };
    let mut status = answer.status.clone();
    status.description = format!("{asked} for {base}");
    Consequence::Tell(Telling::Answer(Box::new(Answer {
        question: asks(base),
        asked: asked.to_owned(),
        pull_request: Some(7),
        status,
        ..*answer
    })))
}

async fn happens(store: &Store, id: &str, consequences: Vec<Consequence>) {
    let manual = Manual {
        repo: None,
        pipeline: "flights".to_owned(),
        git_ref: None,
        actor: "ada".to_owned(),
        parameters: Default::default(),
        spans: Default::default(),
        no_push: false,
    };
    let mut event = NewEvent::new(EventId::new(id), Event::Manual(manual), "");
    event.consequences = consequences;
    store.record_event(&event, None, at(1)).await.unwrap();
}

/// What the check is to show, which is told then.
async fn plain(store: &Store) -> Vec<String> {
    let mut all = told(store).await;
    all.retain(|line| !line.contains("(into "));
    all
}

/// What is to be told, and is told then.
async fn told(store: &Store) -> Vec<String> {
    let mut lines = Vec::new();
    for row in store.due_outbox(at(1000), None, 10).await.unwrap() {
        lines.push(match github(row.message).message {
            // Beside it each branch has a context of its own, as soon as there are several.
            Message::Status(told) if told.status.context == "trainyard/flights" => {
                let description = told.status.description.trim_start_matches("into dev: ");
                let description = description.trim_start_matches("into main: ");
                format!("{:?}: {description}", told.status.state)
            }
            Message::Status(told) => format!("{}: {:?}", told.status.context, told.status.state),
            Message::Comment(told) => told.body,
        });
        store.outbox_done(row.id, row.generation).await.unwrap();
    }
    lines
}

on_both! {
    async fn a_pull_request_that_goes_elsewhere_takes_its_verdict_along_nowhere(fresh) {
        let store = &fresh.store;
        happens(store, "e1", vec![seen("dev", true, 10), judged("dev", "r1", StatusState::Success)]).await;
        assert_eq!(plain(store).await, ["Success: r1 for dev"]);
        happens(store, "e2", vec![seen("main", true, 20), judged("main", "r2", StatusState::Pending)]).await;
        assert_eq!(plain(store).await, ["Pending: r2 for main"]);
        // Late news of the earlier base, and of its run.
        happens(store, "e3", vec![seen("dev", true, 15)]).await;
        happens(store, "e4", vec![judged("dev", "r1", StatusState::Success)]).await;
        assert_eq!(plain(store).await, Vec::<String>::new());
        happens(store, "e5", vec![judged("main", "r2", StatusState::Failure)]).await;
        assert_eq!(plain(store).await, ["Failure: r2 for main"]);
        // Back again: that was answered.
        happens(store, "e6", vec![seen("dev", true, 30)]).await;
        assert_eq!(plain(store).await, ["Success: r1 for dev"]);
        happens(store, "e6b", vec![judged("main", "r3", StatusState::Pending), judged("main", "r3", StatusState::Failure)]).await;
        let told = told(store).await;
        assert!(told.iter().any(|line| line == "trainyard/flights (into main): Failure"), "whoever looks at one branch sees its own: {told:?}");
        happens(store, "e7", vec![seen("dev", false, 40)]).await;
        happens(store, "e8", vec![seen("main", true, 50)]).await;
        assert_eq!(plain(store).await.last().unwrap(), "Failure: r3 for main");
    }

    async fn a_comment_is_of_the_newest_run_of_what_is_asked(fresh) {
        let store = &fresh.store;
        start_run(store, "r9", 0).await;
        let remark = |run: &str, base: &str| Telling::Comment(Box::new(Remark {
            subject: Subject::of(&request("r1", 0)).map(|subject| Subject { pipeline: "trainyard/flights".to_owned(), ..subject }).unwrap(),
            question: asks(base),
            run: RunId::new(run),
            number: 7,
            item: OutboxItem {
                repo: repo(),
                installation_id: None,
                message: Message::Comment(Comment { number: 7, marker: "m".to_owned(), body: format!("of {run}") }),
            },
        }));
        happens(store, "e1", vec![seen("main", true, 10), judged("main", "r1", StatusState::Pending), judged("main", "r2", StatusState::Pending)]).await;
        told(store).await;
        // The older run ends last.
        for run in ["r2", "r1"] {
            happens(store, &format!("c{run}"), vec![Consequence::Tell(remark(run, "main"))]).await;
        }
        assert_eq!(told(store).await, ["of r2"]);
        happens(store, "e2", vec![seen("dev", true, 20), Consequence::Tell(remark("r2", "main"))]).await;
        assert!(told(store).await.iter().all(|line| !line.starts_with("of")), "it asks something else now");
    }

    async fn what_an_open_pull_request_asks_is_kept(fresh) {
        let store = &fresh.store;
        happens(store, "e1", vec![seen("main", true, 10), judged("main", "r1", StatusState::Failure)]).await;
        assert_eq!(store.forget_inbound(at(500)).await.unwrap().checks, 0);
        happens(store, "e2", vec![seen("main", false, 20)]).await;
        assert_eq!(store.forgettable_inbound(at(500)).await.unwrap().checks, 1);
        assert_eq!(store.forget_inbound(at(500)).await.unwrap().checks, 1);
    }
}

on_both! {
    async fn what_github_was_told_is_remembered_and_grows_old(fresh) {
        let (store, name) = (&fresh.store, "trainyard/flights");
        assert_eq!(store.check_told(&repo(), &sha('a'), name).await.unwrap(), None);
        let begun = CheckTold {
            id: None,
            after: 3,
            external_id: "r1".to_owned(),
            conclusion: None,
            made_at: at(5),
        };
        let put = async |told: &ToldAs| store.put_check_told(&repo(), &sha('a'), name, told, at(9)).await.unwrap();
        let told = async || store.check_told(&repo(), &sha('a'), name).await.unwrap().unwrap();
        put(&ToldAs::CheckRun(begun.clone())).await;
        assert_eq!(told().await, ToldAs::CheckRun(begun.clone()));
        // It is told anew, in its newest words, as long as it is not over.
        let question = || vec![seen("main", true, 1), judged("main", "r1", StatusState::Pending)];
        happens(store, "e1", question()).await;
        let due = store.due_outbox(at(100), None, 10).await.unwrap();
        store.outbox_done(due[0].id, due[0].generation).await.unwrap();
        let renewed = async || {
            store.renew_check_runs(at(6), 10, at(10)).await.unwrap();
            store.due_outbox(at(100), None, 10).await.unwrap().len()
        };
        assert_eq!(store.renew_check_runs(at(5), 10, at(10)).await.unwrap(), 0, "young");
        assert_eq!(renewed().await, 1);
        let due = store.due_outbox(at(100), None, 10).await.unwrap();
        store.outbox_done(due[0].id, due[0].generation).await.unwrap();
        let over = CheckTold {
            id: Some(7),
            conclusion: Some(Conclusion::TimedOut),
            ..begun
        };
        put(&ToldAs::CheckRun(over.clone())).await;
        assert_eq!(told().await, ToldAs::CheckRun(over));
        assert_eq!(renewed().await, 0);
        put(&ToldAs::Status).await;
        assert_eq!((told().await, renewed().await), (ToldAs::Status, 0));
    }
}
