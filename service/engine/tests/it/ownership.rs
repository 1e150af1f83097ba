//! Only what this instance wrote is ever removed, replaced, unloaded or renamed: whatever else lies in a model's
//! folder stays, byte for byte.

use crate::moment::{Moment, Trap};
use crate::yard::{Yard, files_below, names_in, until};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use trainyard_core::run::RunState;
use trainyard_engine::{Keep, Layout, PromoteRequest, TargetConfig, TargetKind};

/// The kinds of targets that write to a folder.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    MlServer,
    Triton,
    TensorFlow,
}

const KINDS: [Kind; 3] = [Kind::MlServer, Kind::Triton, Kind::TensorFlow];

impl Kind {
    /// What the folder of the ledger's version is called.
    fn folder(self, version: &str) -> String {
        match self {
            Self::MlServer => version.to_owned(),
            _ => version.trim_start_matches('0').to_owned(),
        }
    }
}

async fn yard_of(kind: Kind) -> Yard {
    yard_in(kind, None).await
}

/// With the models of another yard, if one is given.
async fn yard_in(kind: Kind, models: Option<&Path>) -> Yard {
    Yard::with(|config| {
        let target = config.targets.get_mut("tiny").unwrap();
        let TargetKind::OpenInference { repository, layout, .. } = &mut target.kind else {
            panic!("{target:?}");
        };
        if let Some(models) = models {
            models.clone_into(repository);
        }
        let repository = repository.clone();
        match kind {
            Kind::MlServer => {}
            Kind::Triton => *layout = Layout::Triton,
            Kind::TensorFlow => {
                *target = TargetConfig {
                    kind: TargetKind::TensorFlowServing { repository, url: None },
                    model: None,
                    max_loading_time: Duration::from_secs(1),
                    approval: None,
                };
            }
        }
    })
    .await
}

async fn train(yard: &Yard, auc: &str, runs: usize) -> (RunState, String) {
    yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
    let (row, _) = yard.last(runs).await;
    (row.state, row.summary.unwrap_or_default())
}

/// A version that somebody made by hand.
fn by_hand(folder: &Path, settings: Option<&str>) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("model.onnx"), r#"{"auc": 0.5, "serve": "well"}"#).unwrap();
    if let Some(settings) = settings {
        fs::write(folder.join("model-settings.json"), settings).unwrap();
    }
}

/// What was there, to be found again: every file, link and empty folder.
fn kept(paths: &[PathBuf]) -> Vec<String> {
    let shown = |path: &PathBuf| {
        let metadata = path
            .symlink_metadata()
            .unwrap_or_else(|_| panic!("{} is gone", path.display()));
        let content = match (metadata.is_dir(), metadata.is_symlink()) {
            (true, _) => format!("{:?}", files_below(path)),
            (_, true) => format!("{:?}", fs::read_link(path).unwrap()),
            _ => format!("{:?}", fs::read(path).unwrap()),
        };
        format!("{} {content}", path.display())
    };
    paths.iter().map(shown).collect()
}

/// Runs, as far as they may, a start, two pushes, a rollback, a promotion and another start over a folder of others.
#[tokio::test]
async fn what_others_deployed_stays_and_is_numbered_above() {
    for kind in KINDS {
        let mut yard = yard_of(kind).await;
        let models = yard.folder().join("models/tiny");
        for name in ["3", "1697040000", "0007"] {
            by_hand(
                &models.join(name),
                Some(r#"{"name": "tiny", "parameters": {"version": "5"}}"#),
            );
        }
        by_hand(&models.join("000001"), None);
        fs::create_dir(models.join("12")).unwrap();
        fs::write(models.join("notes.txt"), "ours since 2023").unwrap();
        fs::write(models.join("41"), "a file").unwrap();
        symlink(models.join("3"), models.join("latest")).unwrap();
        symlink("nowhere", models.join("44")).unwrap();
        by_hand(&models.join(".hidden"), None);
        let paths: Vec<_> = names_in(&models).iter().map(|name| models.join(name)).collect();
        let before = kept(&paths);
        if kind != Kind::TensorFlow {
            // The server of the tests refuses what has no model in it.
            fs::write(models.join("12/model.onnx"), r#"{"auc": 0.5, "serve": "well"}"#).unwrap();
        }
        let before = match kind {
            Kind::TensorFlow => before,
            _ => kept(&paths),
        };
        yard.restart().await;
        let calls = yard.server.calls();
        assert!(
            !calls.iter().any(|call| call.starts_with("unload")),
            "{kind:?}: {calls:?}"
        );
        for (runs, auc) in ["0.7", "0.75", "0.8"].into_iter().enumerate() {
            let (state, summary) = train(&yard, auc, runs + 1).await;
            assert_eq!(state, RunState::Succeeded, "{kind:?}: {summary}");
        }
        let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
        assert_eq!(back.to, "1697040002", "{kind:?}");
        let request = PromoteRequest {
            model: "1697040001".to_owned(),
            actor: "ada".to_owned(),
            ..PromoteRequest::default()
        };
        assert_eq!(yard.engine.promote(&request).await.unwrap().version, "1697040004");
        yard.restart().await;
        // The turn of the start comes before this one.
        yard.engine.roll_back("tiny", "ada", None).await.unwrap();
        assert_eq!(kept(&paths), before, "{kind:?}");
        let ours: Vec<_> = names_in(&models)
            .into_iter()
            .filter(|name| !paths.contains(&models.join(name)))
            .collect();
        assert_eq!(ours, ["1697040002"], "{kind:?}: of ours the old ones go");
    }
}

#[tokio::test]
async fn a_failed_first_push_leaves_the_models_of_others_loaded() {
    for kind in [Kind::MlServer, Kind::Triton] {
        let mut yard = yard_of(kind).await;
        by_hand(&yard.folder().join("models/tiny/3"), None);
        yard.server.live_again();
        yard.push(&[("serve: well", "serve: broken")]).await;
        let (row, _) = yard.last(1).await;
        assert_eq!(row.state, RunState::Failed);
        assert_eq!(yard.on_disk(), ["3"]);
        assert!(!yard.server.calls().contains(&"unload tiny".to_owned()));
        assert_eq!(yard.server.predict(), Some(("3".to_owned(), 0.5)));
    }
}

#[tokio::test]
async fn a_model_from_another_folder_is_not_taken_away() {
    let mut yard = yard_of(Kind::MlServer).await;
    let elsewhere = yard.folder().join("elsewhere");
    by_hand(&elsewhere.join("tiny/3"), None);
    yard.server.serve(&elsewhere);
    yard.server.live_again();
    let (state, summary) = train(&yard, "0.7", 1).await;
    assert_eq!(state, RunState::Failed);
    let summary = summary.replace(&yard.server.url(), "URL");
    insta::assert_snapshot!(summary.replace(&yard.folder().display().to_string(), "FOLDER"), @"the approved model was not pushed: the model server at URL serves a model 'tiny' already, and FOLDER/models/tiny is empty: correct the target's repository if it is another folder, or give the target a model name of its own");
    assert_eq!(yard.server.predict(), Some(("3".to_owned(), 0.5)));
}

/// Where MLServer would answer with the version of others, whatever number ours gets.
#[tokio::test]
async fn a_version_that_cannot_be_the_newest_is_not_written() {
    for (place, settings) in [
        ("tiny/current", r#"{"name": "tiny", "parameters": {"version": "v3"}}"#),
        ("tiny", r#"{"name": "tiny"}"#),
        (
            "another/deep/er",
            r#"{"name": "tiny", "parameters": {"version": "v3"}}"#,
        ),
        ("tiny/9223372036854775807", "{}"),
    ] {
        let yard = yard_of(Kind::MlServer).await;
        let theirs = yard.folder().join("models").join(place);
        by_hand(&theirs, Some(settings));
        let before = kept(std::slice::from_ref(&theirs));
        let (state, summary) = train(&yard, "0.7", 1).await;
        assert_eq!(state, RunState::Failed, "{place}");
        assert!(summary.contains(&theirs.display().to_string()), "{summary}");
        assert_eq!(kept(std::slice::from_ref(&theirs)), before, "{place}");
    }
}

/// The data folder is lost, or another one: what was written before is not provably ours any more.
#[tokio::test]
async fn with_a_lost_or_copied_data_folder_everything_stays() {
    for kind in KINDS {
        for copied in [false, true] {
            let mut yard = yard_of(kind).await;
            for (runs, auc) in ["0.7", "0.75"].into_iter().enumerate() {
                train(&yard, auc, runs + 1).await;
            }
            yard.swept().await;
            yard.crash().await;
            yard.engine.close().await;
            let (first, models) = (yard.instance(), yard.folder().join("models/tiny"));
            let other = yard.folder().join("other");
            if copied {
                let copy = Command::new("cp")
                    .arg("-a")
                    .args([&yard.config.data_dir, &other])
                    .status();
                assert!(copy.unwrap().success());
            }
            yard.config.data_dir = other;
            let paths: Vec<_> = names_in(&models).iter().map(|name| models.join(name)).collect();
            let before = kept(&paths);
            yard.restart().await;
            // What the other one wrote is in the way: the earlier model comes back above it.
            let expected = if copied {
                let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
                assert_eq!((back.to.as_str(), back.model_of.as_deref()), ("000003", Some("000001")));
                "000004"
            } else {
                yard.not_rolled_back().await;
                "000003"
            };
            assert_ne!(yard.instance(), first);
            let runs = yard.runs().await.len();
            let (state, summary) = train(&yard, "0.8", runs + 1).await;
            assert_eq!(state, RunState::Succeeded, "{kind:?} {copied}: {summary}");
            assert_eq!(yard.serving().await.version, expected, "{kind:?} {copied}");
            let runs = yard.runs().await.len();
            let (state, summary) = train(&yard, "0.85", runs + 1).await;
            assert_eq!(state, RunState::Succeeded, "{kind:?} {copied}: {summary}");
            assert_eq!(kept(&paths), before, "{kind:?} {copied}");
        }
    }
}

/// Makes the folders look as an older Trainyard left them.
fn older(yard: &Yard) {
    let data = &yard.config.data_dir;
    let _ = fs::remove_file(data.join("identity.json"));
    let _ = fs::remove_dir_all(data.join("pushing"));
    let models = yard.folder().join("models/tiny");
    for name in names_in(&models) {
        fs::remove_file(models.join(name).join(".trainyard.json")).unwrap();
    }
    let _ = fs::remove_file(models.join(".trainyard.lock"));
}

#[tokio::test]
async fn versions_of_an_older_trainyard_are_known_by_ledger_and_bytes() {
    for kind in KINDS {
        let mut yard = yard_of(kind).await;
        for (runs, auc) in ["0.7", "0.75"].into_iter().enumerate() {
            train(&yard, auc, runs + 1).await;
        }
        yard.crash().await;
        older(&yard);
        yard.restart().await;
        let models = yard.folder().join("models/tiny");
        let marked = |version: &str| models.join(kind.folder(version)).join(".trainyard.json").exists();
        until("markers", async || (marked("000001") && marked("000002")).then_some(())).await;
        let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
        assert_eq!(
            (back.to.as_str(), yard.on_disk()),
            ("000001", vec![kind.folder("000001")])
        );
        train(&yard, "0.8", 3).await;
        train(&yard, "0.85", 4).await;
        let kept = ["000003", "000004"].map(|version| kind.folder(version));
        assert_eq!(yard.on_disk(), kept, "{kind:?}");

        // What does not have the ledger's bytes is somebody's.
        yard.crash().await;
        older(&yard);
        let theirs = models.join(kind.folder("000003")).join("model.onnx");
        fs::write(&theirs, r#"{"auc": 0.1, "serve": "well"}"#).unwrap();
        yard.restart().await;
        let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
        assert_eq!(
            (back.to.as_str(), back.model_of.as_deref()),
            ("000005", Some("000003")),
            "{kind:?}"
        );
        train(&yard, "0.9", 5).await;
        assert!(fs::read_to_string(&theirs).unwrap().contains("0.1"), "{kind:?}");
    }
}

/// Killed when the version is written and marked, and before the ledger knows it.
#[tokio::test]
async fn a_push_that_was_cut_off_is_known_as_ours() {
    for kind in KINDS {
        let mut yard = yard_of(kind).await;
        let theirs = yard.folder().join("models/tiny/3");
        by_hand(&theirs, None);
        let before = kept(std::slice::from_ref(&theirs));
        let reached = Arc::new(Notify::new());
        let tell = Arc::clone(&reached);
        let guard = Trap::set(Moment::Before(19), move || {
            tell.notify_one();
            panic!("the crash of the test");
        });
        yard.push(&[]).await;
        reached.notified().await;
        assert_eq!(yard.on_disk(), {
            let mut names = vec!["3".to_owned(), kind.folder("000004")];
            names.sort();
            names
        });
        yard.crash().await;
        drop(guard);
        // And while it was written, by an attempt before.
        let hidden = format!(".trainyard-{}-{}", yard.instance(), kind.folder("000004"));
        by_hand(&yard.folder().join("models/tiny").join(hidden), None);
        yard.restart().await;
        let (row, _) = yard.last(1).await;
        assert_eq!(row.state, RunState::Succeeded, "{kind:?}: {:?}", row.summary);
        assert_eq!(
            yard.serving().await.version,
            "000004",
            "the same model keeps its number"
        );
        let (state, summary) = train(&yard, "0.8", 2).await;
        assert_eq!(state, RunState::Succeeded, "{kind:?}: {summary}");
        let mut names = vec!["3".to_owned(), kind.folder("000004"), kind.folder("000005")];
        names.sort();
        assert_eq!(yard.on_disk(), names, "{kind:?}");
        assert_eq!(kept(std::slice::from_ref(&theirs)), before, "{kind:?}");
    }
}

/// A version that says it is ours, which neither the ledger nor a note of a push knows, is not provably so: it is not
/// touched, and a person says whether it or the ledger is right.
#[tokio::test]
async fn a_marker_alone_proves_nothing() {
    let mut yard = yard_of(Kind::TensorFlow).await;
    train(&yard, "0.7", 1).await;
    yard.crash().await;
    let theirs = yard.folder().join("models/tiny/2");
    by_hand(&theirs, None);
    let model = format!("sha256:{}", "0".repeat(64));
    let marker = json!({"instance": yard.instance(), "target": "tiny", "version": "000002", "model": model});
    fs::write(theirs.join(".trainyard.json"), marker.to_string()).unwrap();
    yard.restart().await;
    let (_, summary) = train(&yard, "0.75", 2).await;
    assert!(summary.contains("target 'tiny' and its ledger disagree"), "{summary}");
    assert_eq!(yard.on_disk(), ["1", "2"]);
    let done = yard
        .engine
        .reconcile_target("tiny", Keep::Ledger, "ada", "made by hand")
        .await;
    assert_eq!(done.unwrap().version.as_deref(), Some("000003"));
    let (state, summary) = train(&yard, "0.8", 3).await;
    assert_eq!(state, RunState::Succeeded, "{summary}");
    assert!(yard.on_disk().contains(&"2".to_owned()), "{:?}", yard.on_disk());
}

async fn promote(yard: &Yard, version: &str) -> Result<(String, String), String> {
    let request = PromoteRequest {
        model: version.to_owned(),
        actor: "ada".to_owned(),
        ..PromoteRequest::default()
    };
    let done = yard.engine.promote(&request).await;
    let done = done.map_err(|error| error.to_string())?;
    Ok((done.version, done.restored.unwrap_or_default()))
}

/// What the ledger says serves and does not is no reason to do nothing.
#[tokio::test]
async fn unchanged_is_what_really_serves() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 4] = [
        ("its folder was removed", |served| fs::remove_dir_all(served).unwrap()),
        ("it was overwritten", |served| {
            fs::write(served.join("model.onnx"), r#"{"auc": 0.1, "serve": "well"}"#).unwrap();
        }),
        ("another one was put in its place", |served| {
            fs::remove_dir_all(served).unwrap();
            by_hand(served, None);
        }),
        ("somebody deployed above it", |served| {
            let above = if served.ends_with("1") { "17" } else { "40" };
            by_hand(&served.with_file_name(above), None);
        }),
    ];
    let mut found = Vec::new();
    for (harm, hurt) in harms {
        let yard = yard_of(Kind::TensorFlow).await;
        let models = yard.folder().join("models/tiny");
        train(&yard, "0.7", 1).await;
        let already = promote(&yard, "000001").await.unwrap_err();
        assert_eq!(already, "target 'tiny' serves this model already, as version 000001");
        hurt(&models.join("1"));
        yard.push(&[("steps:", "# words\nsteps:")]).await;
        let (row, _) = yard.last(2).await;
        let shown = |text: String| text.replace(&yard.folder().display().to_string(), "");
        found.push(format!("{harm}: {}", shown(row.summary.unwrap())));
        assert_eq!(row.blessing, Some(trainyard_core::gate::Blessing::Unchanged));
        let serving = yard.serving().await.version;
        let served = models.join(serving.trim_start_matches('0'));
        assert!(
            fs::read_to_string(served.join("model.onnx")).unwrap().contains("0.7"),
            "{harm}"
        );
        // A person may do the same, and a held target is left.
        hurt(&served);
        yard.engine.hold_target("tiny", "bob", "incident 7").await.unwrap();
        yard.push(&[("steps:", "# more words\nsteps:")]).await;
        let (row, _) = yard.last(3).await;
        let summary = row.summary.unwrap();
        assert!(
            summary.starts_with("unchanged, not pushed again: target 'tiny' is held by bob"),
            "{harm}: {summary}"
        );
        yard.engine.release_target("tiny", "bob", None).await.unwrap();
        let (version, said) = promote(&yard, &serving).await.unwrap();
        found.push(format!("by hand {version}: {}", shown(said)));
        yard.push(&[("steps:", "# few words\nsteps:")]).await;
        let (row, _) = yard.last(4).await;
        found.push(shown(row.summary.unwrap()));
        if harm.starts_with("somebody") {
            for theirs in ["17", "40"] {
                assert!(models.join(theirs).is_dir(), "what is not ours stays");
            }
        }
    }
    insta::assert_snapshot!(found.join("\n"), @"
    its folder was removed: unchanged, and pushed again as version 000002, since it did not serve: /models/tiny/1 is gone
    by hand 000003: /models/tiny/2 is gone
    unchanged: the model is, byte for byte, what serves as version 000003
    it was overwritten: unchanged, and pushed again as version 000002, since it did not serve: /models/tiny/1 does not hold the model's bytes any more
    by hand 000003: /models/tiny/2 does not hold the model's bytes any more
    unchanged: the model is, byte for byte, what serves as version 000003
    another one was put in its place: unchanged, and pushed again as version 000002, since it did not serve: /models/tiny/1 is not provably this instance's any more
    by hand 000003: /models/tiny/2 is not provably this instance's any more
    unchanged: the model is, byte for byte, what serves as version 000003
    somebody deployed above it: unchanged, and pushed again as version 000018, since it did not serve: /models/tiny/17 has a higher number
    by hand 000041: /models/tiny/40 has a higher number
    unchanged: the model is, byte for byte, what serves as version 000041
    ");
}

/// A rollback never hands over to what others put between two versions of ours.
#[tokio::test]
async fn a_rollback_goes_above_what_others_put_between() {
    for kind in KINDS {
        let mut yard = yard_of(kind).await;
        let models = yard.folder().join("models/tiny");
        train(&yard, "0.7", 1).await;
        let theirs = models.join("2");
        by_hand(&theirs, Some(r#"{"name": "tiny", "parameters": {"version": "2"}}"#));
        let before = kept(std::slice::from_ref(&theirs));
        train(&yard, "0.8", 2).await;
        assert_eq!(yard.serving().await.version, "000003", "{kind:?}");
        let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
        assert_eq!(
            (back.from.as_str(), back.to.as_str(), back.model_of.as_deref()),
            ("000003", "000004", Some("000001")),
            "{kind:?}"
        );
        let served = models.join(kind.folder("000004"));
        assert!(
            fs::read_to_string(served.join("model.onnx")).unwrap().contains("0.7"),
            "{kind:?}"
        );
        assert_eq!(kept(std::slice::from_ref(&theirs)), before, "{kind:?}");
        // It is the one that serves, the other one is withdrawn, and there is nothing before it.
        yard.restart().await;
        assert_eq!(yard.serving().await.version, "000004", "{kind:?}");
        let refused = yard.not_rolled_back().await;
        assert!(
            refused.contains("has no earlier version to go back to"),
            "{kind:?}: {refused}"
        );
        yard.push(&[("auc: 0.7", "auc: 0.8"), ("steps:", "# words\nsteps:")])
            .await;
        let (row, _) = yard.last(3).await;
        let summary = row.summary.unwrap();
        assert!(summary.contains("was withdrawn by ada"), "{kind:?}: {summary}");
        train(&yard, "0.9", 4).await;
        assert_eq!(yard.serving().await.version, "000005", "{kind:?}");
        let back = yard.engine.roll_back("tiny", "ada", None).await.unwrap();
        assert_eq!((back.to.as_str(), back.model_of), ("000004", None), "{kind:?}");
        assert_eq!(kept(std::slice::from_ref(&theirs)), before, "{kind:?}");
    }
}

/// A number that no server reads in a folder's name refuses nothing.
#[tokio::test]
async fn a_number_beyond_all_numbers_does_not_count() {
    for kind in [Kind::TensorFlow, Kind::Triton] {
        let yard = yard_of(kind).await;
        let theirs = yard.folder().join("models/tiny/99999999999999999999");
        by_hand(&theirs, None);
        let (state, summary) = train(&yard, "0.7", 1).await;
        assert_eq!(state, RunState::Succeeded, "{kind:?}: {summary}");
        assert_eq!(yard.serving().await.version, "000001", "{kind:?}");
        assert!(theirs.is_dir());
        let found = yard.engine.look_at_target("tiny").await.unwrap();
        assert_eq!(
            (found.others, found.drift),
            (vec![theirs.display().to_string()], None),
            "{kind:?}"
        );
    }
}

/// Two services write to one folder, at the same time and in turns: neither removes what the other wrote.
#[tokio::test]
async fn two_instances_share_a_folder() {
    for kind in [Kind::TensorFlow, Kind::MlServer] {
        let mut one = yard_of(kind).await;
        let models = one.folder().join("models");
        let mut other = yard_in(kind, Some(&models)).await;
        other.server.serve(&models);
        for round in 0..3 {
            let auc = format!("0.7{round}");
            one.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
            other.push(&[("auc: 0.7", &format!("auc: {auc}1"))]).await;
            one.last(round + 1).await;
            other.last(round + 1).await;
            one.restart().await;
            other.restart().await;
        }
        let mut newest = Vec::new();
        for yard in [&one, &other] {
            let ledger = yard.engine.reads().ledger("tiny").await.unwrap();
            assert_eq!(ledger.entries().len(), 3, "{kind:?}: every push of each came through");
            newest.extend(ledger.kept().iter().map(|version| kind.folder(version)));
        }
        newest.sort();
        assert_eq!(
            names_in(&models.join("tiny")),
            newest,
            "{kind:?}: the two newest of each"
        );
    }
}
