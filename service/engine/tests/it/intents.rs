//! A push is a protocol: its intent is stored before its first byte, what the target serves says how it ended, and
//! what neither explains is a person's.

use crate::yard::{Yard, until};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trainyard_core::ids::Micros;
use trainyard_core::registry::{IntentAction, IntentState, PromotionAction};
use trainyard_core::run::RunState;
use trainyard_engine::{CrashPoint, Keep, PromoteRequest, TargetConfig, TargetKind, reached, trap};

/// What serves models behind the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    MlServer,
    Folder,
    Status,
    NoStatus,
}

const KINDS: [Kind; 4] = [Kind::MlServer, Kind::Folder, Kind::Status, Kind::NoStatus];

/// A receiver that takes the first model of a version and keeps it, whatever is sent under that version later.
#[derive(Default)]
pub struct Receiver {
    taken: Mutex<BTreeMap<String, String>>,
    serving: Mutex<Option<String>>,
    pushes: Mutex<Vec<(String, String)>>,
    manner: Mutex<Manner>,
    status_is_dead: Mutex<bool>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Manner {
    #[default]
    Well,
    /// Does what it is asked and closes the connection without a word, once.
    ActsAndCloses,
    /// Does what it is asked and never answers, once.
    ActsAndHangs,
    /// Closes the connection and does nothing.
    OnlyCloses,
    /// Does what it is asked and answers this, once.
    ActsAndAnswers(u16, &'static str),
    /// The same, whatever it is asked and how often.
    AlwaysAnswers(u16, &'static str),
    /// Does what it is asked and closes the connection without a word, and from then on refuses what it has.
    ActsAndRefuses,
    Refuses,
}

impl Receiver {
    fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn status_is_dead(&self, dead: bool) {
        *self.status_is_dead.lock().unwrap() = dead;
    }

    /// Version and digest of what serves.
    pub fn serves(&self) -> (String, String) {
        let version = self.serving.lock().unwrap().clone().unwrap_or_default();
        let digest = self.taken.lock().unwrap().get(&version).cloned();
        (version, digest.unwrap_or_default())
    }

    fn pushed(&self) -> Vec<String> {
        let pushes = self.pushes.lock().unwrap();
        pushes.iter().map(|(version, _)| version.clone()).collect()
    }

    /// Somebody else makes it serve an earlier version.
    pub fn serve(&self, version: &str) {
        *self.serving.lock().unwrap() = Some(version.to_owned());
    }

    fn act(&self, request: &Value) {
        let version = request["version"].as_str().unwrap().to_owned();
        if let Some(digest) = request["digest"].as_str() {
            let mut taken = self.taken.lock().unwrap();
            taken.entry(version.clone()).or_insert_with(|| digest.to_owned());
        }
        *self.serving.lock().unwrap() = Some(version);
    }
}

async fn receive(State(receiver): State<Arc<Receiver>>, body: String) -> Response {
    let request: Value = serde_json::from_str(&body).unwrap();
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    if request["action"] == "push" {
        receiver.pushes.lock().unwrap().push((text("version"), text("digest")));
    }
    let manner = *receiver.manner.lock().unwrap();
    match manner {
        Manner::Well => receiver.act(&request),
        Manner::ActsAndCloses => {
            receiver.act(&request);
            receiver.behave(Manner::Well);
            panic!("the connection is closed");
        }
        Manner::ActsAndHangs => {
            receiver.act(&request);
            receiver.behave(Manner::Well);
            std::future::pending::<()>().await;
        }
        Manner::OnlyCloses => panic!("the connection is closed"),
        Manner::ActsAndAnswers(status, body) => {
            receiver.act(&request);
            receiver.behave(Manner::Well);
            return (StatusCode::from_u16(status).unwrap(), body).into_response();
        }
        Manner::AlwaysAnswers(status, body) => {
            receiver.act(&request);
            return (StatusCode::from_u16(status).unwrap(), body).into_response();
        }
        Manner::ActsAndRefuses => {
            receiver.act(&request);
            receiver.behave(Manner::Refuses);
            panic!("the connection is closed");
        }
        Manner::Refuses if receiver.serves().0 == text("version") => {
            return (StatusCode::CONFLICT, "it is there").into_response();
        }
        Manner::Refuses => receiver.act(&request),
    }
    let (version, digest) = receiver.serves();
    Json(json!({"version": version, "digest": digest})).into_response()
}

async fn status(State(receiver): State<Arc<Receiver>>) -> Response {
    if *receiver.status_is_dead.lock().unwrap() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    match receiver.serves() {
        (version, _) if version.is_empty() => Json(json!({"version": null})).into_response(),
        (version, digest) => Json(json!({"version": version, "digest": digest})).into_response(),
    }
}

pub async fn yard(kind: Kind) -> (Yard, Arc<Receiver>) {
    let receiver = Arc::new(Receiver::default());
    let router = Router::new()
        .route("/hook", post(receive))
        .route("/status", get(status));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = router.with_state(Arc::clone(&receiver));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let yard = Yard::with(|config| {
        let target = config.targets.get_mut("tiny").unwrap();
        let TargetKind::OpenInference { repository, .. } = &target.kind else {
            panic!("{target:?}");
        };
        let repository = repository.clone();
        let other = match kind {
            Kind::MlServer => return,
            Kind::Folder => TargetKind::TensorFlowServing { repository, url: None },
            Kind::Status | Kind::NoStatus => TargetKind::Webhook {
                url: format!("{url}/hook"),
                status_url: (kind == Kind::Status).then(|| format!("{url}/status")),
                secret: SecretString::from("secret"),
            },
        };
        *target = TargetConfig {
            kind: other,
            model: None,
            max_loading_time: Duration::from_secs(1),
            approval: None,
        };
    })
    .await;
    (yard, receiver)
}

async fn begin(yard: &Yard, auc: &str) {
    yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
}

async fn train(yard: &Yard, auc: &str, runs: usize) -> (RunState, String) {
    begin(yard, auc).await;
    let (row, _) = yard.last(runs).await;
    (row.state, row.summary.unwrap_or_default())
}

/// What the target serves, as a version of the ledger and a word of its bytes.
fn serves(yard: &Yard, kind: Kind, receiver: &Receiver) -> (String, String) {
    let highest = |names: Vec<String>| names.into_iter().max_by_key(|name| name.parse::<u64>().unwrap_or(0));
    match kind {
        Kind::Status | Kind::NoStatus => receiver.serves(),
        Kind::MlServer | Kind::Folder => {
            let Some(name) = highest(yard.on_disk()) else {
                return Default::default();
            };
            let marker = yard.folder().join(format!("models/tiny/{name}/.trainyard.json"));
            let marker: Value = serde_json::from_slice(&fs::read(marker).unwrap()).unwrap();
            let text = |key: &str| marker[key].as_str().unwrap().to_owned();
            (text("version"), text("model"))
        }
    }
}

/// No number names two models, no model has two numbers but by a rollback or a person, nothing is open, and what
/// serves is what the ledger says.
async fn in_order(yard: &Yard, kind: Kind, receiver: &Receiver, case: &str) {
    until("an end of every intent", async || {
        let open = yard.engine.reads().open_intents().await.unwrap();
        open.is_empty().then_some(())
    })
    .await;
    let ledger = yard.engine.reads().ledger("tiny").await.unwrap();
    let intents = yard.engine.reads().intents("tiny").await.unwrap();
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let entries = ledger.entries().iter();
    let entries = entries.map(|entry| (entry.version.clone(), entry.model.digest.to_string()));
    let begun = intents
        .iter()
        .map(|intent| (intent.entry.version.clone(), intent.entry.model.digest.to_string()));
    let told = receiver.pushes.lock().unwrap().clone();
    for (version, model) in entries.chain(begun).chain(told) {
        named.entry(version).or_default().insert(model);
    }
    for (version, models) in &named {
        assert_eq!(models.len(), 1, "{case}: {version} names {models:?}");
    }
    let pushes = ledger
        .entries()
        .iter()
        .filter(|entry| entry.action == PromotionAction::Push);
    let mut numbers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in pushes {
        numbers.entry(&entry.model.digest).or_default().push(&entry.version);
    }
    assert!(
        numbers.values().all(|numbers| numbers.len() == 1),
        "{case}: {numbers:?}"
    );
    let serving = ledger.serving().unwrap().pushed;
    let says = (serving.version.clone(), serving.model.digest.to_string());
    assert_eq!(serves(yard, kind, receiver), says, "{case}");
    if kind == Kind::MlServer {
        assert_eq!(yard.server.predict().unwrap().0, says.0, "{case}");
    }
}

#[tokio::test]
async fn a_push_passes_every_crash_point() {
    for kind in KINDS {
        let before = reached().len();
        let (yard, receiver) = yard(kind).await;
        let (state, summary) = train(&yard, "0.7", 1).await;
        assert_eq!(state, RunState::Succeeded, "{kind:?}: {summary}");
        let points = CrashPoint::of(IntentAction::Push);
        let passed = reached().split_off(before).into_iter();
        let passed: Vec<_> = passed.filter(|point| points.contains(point)).collect();
        assert_eq!(passed, points, "{kind:?}");
        in_order(&yard, kind, &receiver, &format!("{kind:?}")).await;
    }
}

async fn killed_at(kind: Kind, point: CrashPoint) {
    let case = format!("{kind:?} killed at {}", point.name());
    let (mut yard, receiver) = yard(kind).await;
    let (state, summary) = train(&yard, "0.7", 1).await;
    assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
    let sprung = trap(point, 1);
    begin(&yard, "0.75").await;
    tokio::time::timeout(Duration::from_secs(40), sprung.notified())
        .await
        .unwrap_or_else(|_| panic!("{case}: never reached"));
    yard.restart().await;
    let (row, run) = yard.last(2).await;
    assert_eq!(row.state, RunState::Succeeded, "{case}: {:?}", row.summary);
    assert_eq!(
        yard.serving().await.model.digest,
        run.candidate().unwrap().digest,
        "{case}"
    );
    in_order(&yard, kind, &receiver, &case).await;
    let (state, summary) = train(&yard, "0.8", 3).await;
    assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
    in_order(&yard, kind, &receiver, &case).await;
    // What was withdrawn keeps its number to itself.
    let begun = yard.engine.reads().intents("tiny").await.unwrap();
    let versions: BTreeSet<_> = begun.iter().map(|intent| &intent.entry.version).collect();
    assert_eq!(versions.len(), begun.len(), "{case}");
}

#[tokio::test]
async fn killed_anywhere_a_push_to_a_folder_is_finished_or_withdrawn() {
    for point in CrashPoint::of(IntentAction::Push) {
        killed_at(Kind::Folder, point).await;
    }
}

#[tokio::test]
async fn killed_anywhere_a_push_to_a_model_server_is_finished_or_withdrawn() {
    for point in CrashPoint::of(IntentAction::Push) {
        killed_at(Kind::MlServer, point).await;
    }
}

#[tokio::test]
async fn killed_anywhere_a_push_to_a_receiver_is_finished_or_withdrawn() {
    for point in CrashPoint::of(IntentAction::Push) {
        killed_at(Kind::Status, point).await;
    }
}

#[tokio::test]
async fn killed_anywhere_a_push_to_a_receiver_without_a_status_is_finished_or_withdrawn() {
    for point in CrashPoint::of(IntentAction::Push) {
        killed_at(Kind::NoStatus, point).await;
    }
}

/// The service dies in a push, and a person cancels the run while it is down: what serves is recorded, and what does
/// not is cancelled.
#[tokio::test]
async fn a_cancel_after_a_crash_comes_too_late_for_what_serves() {
    for kind in [Kind::Folder, Kind::Status] {
        for point in CrashPoint::of(IntentAction::Push) {
            let case = format!("{kind:?} killed at {} and cancelled", point.name());
            let (mut yard, receiver) = yard(kind).await;
            train(&yard, "0.7", 1).await;
            let sprung = trap(point, 1);
            begin(&yard, "0.75").await;
            sprung.notified().await;
            let run = yard.runs().await[1].id.clone();
            yard.crash().await;
            let store = yard.other_store().await;
            store.request_cancel(&run, "ada", Micros(1)).await.unwrap();
            store.close().await;
            yard.restart().await;
            let (row, run) = yard.last(2).await;
            in_order(&yard, kind, &receiver, &case).await;
            let serves = yard.serving().await.model.digest == run.candidate().unwrap().digest;
            let expected = match serves {
                true => RunState::Succeeded,
                false => RunState::Cancelled,
            };
            assert_eq!(row.state, expected, "{case}: {:?}", row.summary);
            let begun = matches!(point, CrashPoint::Sent(_) | CrashPoint::ReadBack(_))
                || point == CrashPoint::of(IntentAction::Push)[5];
            assert!(serves || !begun, "{case}: it was sent");
            let pushed = format!("{}/push/pushed_model", row.id);
            let known = yard.engine.reads().artifact(&pushed).await.unwrap().is_some();
            assert_eq!(known, serves, "{case}: ML Metadata");
        }
    }
}

/// The run dies, and before it comes back a person or another run wants the target: what was begun ends first.
#[tokio::test]
async fn a_rollback_that_was_cut_off_is_finished_or_withdrawn() {
    for kind in KINDS {
        for point in CrashPoint::of(IntentAction::Rollback) {
            let case = format!("{kind:?} rolled back and killed at {}", point.name());
            let (mut yard, receiver) = yard(kind).await;
            for (runs, auc) in [(1, "0.7"), (2, "0.75")] {
                let (state, summary) = train(&yard, auc, runs).await;
                assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
            }
            let sprung = trap(point, 1);
            tokio::select! {
                done = yard.engine.roll_back("tiny", "ada", Some("it is slow")) => panic!("{case}: {done:?}"),
                () = sprung.notified() => {}
            }
            yard.restart().await;
            in_order(&yard, kind, &receiver, &case).await;
            let (state, summary) = train(&yard, "0.8", 3).await;
            assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
            in_order(&yard, kind, &receiver, &case).await;
        }
    }
}

async fn is_unknown(yard: &Yard) {
    until("an unknown intent", async || {
        let open = yard.engine.reads().open_intents().await.unwrap();
        open.first()
            .filter(|intent| intent.state == IntentState::Unknown)
            .map(drop)
    })
    .await;
}

/// A broken connection does not mean that it was not heard.
#[tokio::test]
async fn a_receiver_that_acted_and_closed_is_read_back() {
    for kind in [Kind::Status, Kind::NoStatus] {
        let (yard, receiver) = yard(kind).await;
        train(&yard, "0.7", 1).await;
        receiver.behave(Manner::ActsAndCloses);
        let (state, summary) = train(&yard, "0.75", 2).await;
        assert_eq!(
            (state, summary.as_str()),
            (RunState::Succeeded, "approved, and serving as version 000002"),
            "{kind:?}"
        );
        in_order(&yard, kind, &receiver, &format!("{kind:?}")).await;
    }
}

/// It is waited for as long as a call may take, and then it is looked what came of it: nothing is sent twice.
#[tokio::test]
async fn a_receiver_that_acted_and_hangs_is_read_back() {
    let (yard, receiver) = yard(Kind::Status).await;
    train(&yard, "0.7", 1).await;
    receiver.behave(Manner::ActsAndHangs);
    let (state, summary) = train(&yard, "0.75", 2).await;
    assert_eq!(
        (state, summary.as_str()),
        (RunState::Succeeded, "approved, and serving as version 000002")
    );
    assert_eq!(receiver.pushed(), ["000001", "000002"]);
    in_order(&yard, Kind::Status, &receiver, "hanging").await;
}

/// Whatever it answers, and whether or not something served before: what it serves is what the ledger says.
#[tokio::test]
async fn a_receiver_that_acted_and_answers_badly_is_read_back() {
    let answers = [
        (500, "broken"),
        (504, ""),
        (204, ""),
        (200, "OK"),
        (200, r#"{"version": "blue"}"#),
    ];
    for (status, body) in answers {
        for kind in [Kind::Status, Kind::NoStatus] {
            let case = format!("{kind:?} acts and answers {status} '{body}'");
            let (yard, receiver) = yard(kind).await;
            receiver.behave(Manner::ActsAndAnswers(status, body));
            let (state, summary) = train(&yard, "0.7", 1).await;
            assert_eq!(
                (state, summary.as_str()),
                (RunState::Succeeded, "approved, and serving as version 000001"),
                "{case}, first"
            );
            in_order(&yard, kind, &receiver, &format!("{case}, first")).await;
            if body.is_empty() {
                continue;
            }
            receiver.behave(Manner::ActsAndAnswers(status, body));
            let (state, summary) = train(&yard, "0.75", 2).await;
            assert!(
                state == RunState::Succeeded || summary.starts_with("the approved model was not pushed"),
                "{case}: {summary}"
            );
            in_order(&yard, kind, &receiver, &case).await;
        }
    }
}

/// Nobody can look, and it never says: that is told, with the way out, for as long as it lasts.
#[tokio::test]
async fn a_first_push_that_nobody_can_read_back_is_a_person_s() {
    for (manner, keep) in [
        (Manner::AlwaysAnswers(500, "broken"), Keep::Served),
        (Manner::AlwaysAnswers(200, "OK"), Keep::Ledger),
        (Manner::ActsAndRefuses, Keep::Served),
    ] {
        let (yard, receiver) = yard(Kind::NoStatus).await;
        receiver.behave(manner);
        begin(&yard, "0.7").await;
        is_unknown(&yard).await;
        let sentence = until("a second look", async || {
            (receiver.pushed().len() > 2).then_some(())?;
            yard.engine.look_at_target("tiny").await.unwrap().undecided
        })
        .await;
        assert!(
            sentence.contains("the same request is sent again")
                && sentence.contains("trainyard targets reconcile tiny --keep-served"),
            "{sentence}"
        );
        assert!(receiver.pushed().iter().all(|version| version == "000001"));
        let run = yard.runs().await.remove(0);
        assert_eq!(run.state, RunState::Running, "the run waits");
        yard.engine.cancel(&run.id, "ada").await.unwrap();
        let done = yard.engine.reconcile_target("tiny", keep, "ada", "I looked").await;
        let (served, state) = match keep {
            Keep::Served => (Some("000001"), RunState::Succeeded),
            Keep::Ledger => (None, RunState::Cancelled),
        };
        assert_eq!(done.unwrap().version.as_deref(), served);
        let (row, _) = yard.last(1).await;
        assert_eq!(row.state, state, "{:?}", row.summary);
        assert!(yard.engine.reads().open_intents().await.unwrap().is_empty());
        let ledger = yard.engine.reads().ledger("tiny").await.unwrap();
        let serving = ledger.serving().map(|serving| serving.pushed.version.as_str());
        assert_eq!(serving, served);
    }
}

/// Of what was sent again, "it is there" is no refusal.
#[tokio::test]
async fn what_is_refused_the_second_time_may_have_been_done_the_first() {
    let (yard, receiver) = yard(Kind::NoStatus).await;
    train(&yard, "0.7", 1).await;
    receiver.behave(Manner::ActsAndRefuses);
    let (state, summary) = train(&yard, "0.75", 2).await;
    assert_eq!(state, RunState::Succeeded, "{summary}");
    in_order(&yard, Kind::NoStatus, &receiver, "refused again").await;
}

#[tokio::test]
async fn while_nobody_knows_what_serves_nothing_else_is_pushed() {
    let (mut yard, receiver) = yard(Kind::Status).await;
    train(&yard, "0.7", 1).await;
    receiver.behave(Manner::ActsAndCloses);
    receiver.status_is_dead(true);
    begin(&yard, "0.75").await;
    is_unknown(&yard).await;
    for restarted in [false, true] {
        if restarted {
            yard.restart().await;
        }
        let refused = yard.not_rolled_back().await;
        assert!(
            refused.starts_with("it is unknown whether version 000002 serves at target 'tiny'"),
            "{refused}"
        );
        let request = PromoteRequest {
            model: "000001".to_owned(),
            actor: "ada".to_owned(),
            ..PromoteRequest::default()
        };
        let refused = yard.engine.promote(&request).await.unwrap_err().to_string();
        assert!(refused.contains("it is unknown whether"), "{refused}");
        let found = yard.engine.look_at_target("tiny").await.unwrap();
        assert!(found.undecided.unwrap().contains("read back"));
        let runs = yard.runs().await;
        assert_eq!(runs[1].state, RunState::Running, "the run waits");
        assert_eq!(receiver.pushed(), ["000001", "000002"]);
    }
    receiver.status_is_dead(false);
    let (row, _) = yard.last(2).await;
    assert_eq!(row.summary.as_deref(), Some("approved, and serving as version 000002"));
    in_order(&yard, Kind::Status, &receiver, "known again").await;
}

#[tokio::test]
async fn what_did_not_come_to_pass_is_withdrawn_with_its_number() {
    let (yard, receiver) = yard(Kind::Status).await;
    train(&yard, "0.7", 1).await;
    receiver.behave(Manner::OnlyCloses);
    let (state, summary) = train(&yard, "0.75", 2).await;
    assert_eq!(state, RunState::Failed, "{summary}");
    assert!(summary.starts_with("the approved model was not pushed"), "{summary}");
    receiver.behave(Manner::Well);
    let tried = receiver.pushed().len();
    let (state, summary) = train(&yard, "0.8", 3).await;
    assert_eq!(state, RunState::Succeeded, "{summary}");
    assert_eq!(
        yard.serving().await.version,
        format!("{:06}", tried + 1),
        "a number of its own"
    );
    in_order(&yard, Kind::Status, &receiver, "withdrawn").await;
}

/// A person may know more than the target says.
#[tokio::test]
async fn a_person_ends_what_nobody_knows() {
    for keep in [Keep::Served, Keep::Ledger] {
        let (yard, receiver) = yard(Kind::Status).await;
        train(&yard, "0.7", 1).await;
        receiver.behave(Manner::ActsAndCloses);
        receiver.status_is_dead(true);
        begin(&yard, "0.75").await;
        is_unknown(&yard).await;
        yard.engine.cancel(&yard.runs().await[1].id, "ada").await.unwrap();
        if keep == Keep::Ledger {
            receiver.status_is_dead(false);
        }
        let done = yard.engine.reconcile_target("tiny", keep, "ada", "I looked").await;
        if keep == Keep::Served {
            assert_eq!(done.unwrap().version.as_deref(), Some("000002"));
            receiver.status_is_dead(false);
        }
        let ledger = yard.engine.reads().ledger("tiny").await.unwrap();
        let serving = ledger.serving().unwrap().pushed;
        let says = (serving.version.clone(), serving.model.digest.to_string());
        assert_eq!(receiver.serves(), says, "{keep:?}");
        assert!(yard.engine.reads().open_intents().await.unwrap().is_empty(), "{keep:?}");
    }
}

fn database(yard: &Yard) -> PathBuf {
    yard.engine.folders_of().database()
}

/// The service is stopped and its database as it is now is kept aside.
async fn back_up(yard: &mut Yard) {
    yard.crash().await;
    yard.engine.close().await;
    fs::copy(database(yard), yard.folder().join("backup.db")).unwrap();
    yard.restart().await;
}

/// The database is that of the backup again, and with `notes` all else that is known of pushes.
async fn restore(yard: &mut Yard, notes: bool) {
    yard.crash().await;
    yard.engine.close().await;
    let database = database(yard);
    for log in ["db-wal", "db-shm"] {
        let _ = fs::remove_file(database.with_extension(log));
    }
    fs::copy(yard.folder().join("backup.db"), &database).unwrap();
    if notes {
        fs::remove_dir_all(yard.config.data_dir.join("pushing")).unwrap_or_default();
    }
    yard.restart().await;
}

#[tokio::test]
async fn a_restored_backup_moves_nothing_and_a_person_decides() {
    for kind in [Kind::MlServer, Kind::Folder, Kind::Status] {
        for (notes, keep) in [(false, Keep::Served), (true, Keep::Served), (true, Keep::Ledger)] {
            let case = format!("{kind:?}, notes lost: {notes}, {keep:?}");
            let (mut yard, receiver) = yard(kind).await;
            train(&yard, "0.7", 1).await;
            back_up(&mut yard).await;
            let (state, summary) = train(&yard, "0.75", 2).await;
            assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
            let before = serves(&yard, kind, &receiver);
            assert_eq!(before.0, "000002");
            restore(&mut yard, notes).await;
            until("the finding", async || {
                yard.engine.reads().finding("tiny").await.unwrap()
            })
            .await;
            assert_eq!(serves(&yard, kind, &receiver), before, "{case}: nothing is changed");
            let found = yard.engine.look_at_target("tiny").await.unwrap().undecided.unwrap();
            assert!(found.contains("trainyard targets reconcile tiny"), "{case}: {found}");
            // Nothing is pushed there, by nobody.
            let (state, summary) = train(&yard, "0.72", 2).await;
            assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
            assert!(
                summary.starts_with("approved, not pushed: target 'tiny' and its ledger disagree"),
                "{case}: {summary}"
            );
            assert!(yard.not_rolled_back().await.contains("disagree"), "{case}");
            assert_eq!(serves(&yard, kind, &receiver), before, "{case}");

            let no_reason = yard.engine.reconcile_target("tiny", keep, "ada", " ").await;
            assert!(no_reason.is_err(), "{case}");
            let done = yard
                .engine
                .reconcile_target("tiny", keep, "ada", "last night's backup")
                .await;
            let done = done.unwrap_or_else(|error| panic!("{case}: {error}"));
            let serving = yard.serving().await;
            let says = (serving.version.clone(), serving.model.digest.to_string());
            assert_eq!(serves(&yard, kind, &receiver), says, "{case}");
            match keep {
                Keep::Served => assert_eq!((done.version, says), (Some(before.0.clone()), before), "{case}"),
                Keep::Ledger => assert_eq!(
                    (done.version.as_deref().unwrap_or_default(), yard.ledger().await.len()),
                    ("000003", 2),
                    "{case}"
                ),
            }
            assert_eq!(serving.evidence.reason(), Some("last night's backup"), "{case}");
            assert_eq!(yard.engine.reads().finding("tiny").await.unwrap(), None, "{case}");
            let agrees = yard.engine.reconcile_target("tiny", keep, "ada", "again").await;
            assert!(agrees.unwrap_err().to_string().contains("do not disagree"), "{case}");
            let (state, summary) = train(&yard, "0.8", 3).await;
            assert_eq!(state, RunState::Succeeded, "{case}: {summary}");
            let serving = yard.serving().await;
            let says = (serving.version, serving.model.digest.to_string());
            assert_eq!(serves(&yard, kind, &receiver), says, "{case}");
        }
    }
}
