//! Stored values of every version are read for ever, and what is written today has a sample.
//!
//! When a form changes: raise its `VERSION`, teach `upgrade` the way from the one before, and make the
//! next folder of samples with
//! `cargo test -p trainyard-core --test it -- --ignored the_next_folder_is_written`.

use crate::events::{causes, expected, news, waits};
use crate::samples::{PIPELINES, compiled, path, read, text, versions};
use std::fs;
use trainyard_core::access::{Identity, Scope};
use trainyard_core::command::{Ask, Asked, Button, Person, Through};
use trainyard_core::gate::Blessing;
use trainyard_core::ids::{CommitSha, Micros, RepoName, RunId};
use trainyard_core::inbound::HoldPayload;
use trainyard_core::notify::{Condition, Health, News, Notice};
use trainyard_core::plan::{Baseline, InfraValidation, Plan};
use trainyard_core::registry::{Attempts, ConfigMarker, Marker};
use trainyard_core::report::{Answer, AskedBy, Comment, CommitStatus, Finding, StatusState};
use trainyard_core::run::{Fork, Rerun, RunEvent, RunRequest, SkipCause, Which};
use trainyard_core::stored::{self, Stored, StoredError};
use trainyard_core::trigger::{FilterResult, Looks};

fn events(folder: &str) -> Vec<RunEvent> {
    lines(folder, "events.jsonl")
}

/// The values of a file with one in each line.
fn lines<T: Stored>(folder: &str, file: &str) -> Vec<T> {
    let value = |line| stored::read(line).unwrap_or_else(|error| panic!("{folder}: {error}: {line}"));
    text(&format!("{folder}/{file}")).lines().map(value).collect()
}

/// Every file of a folder: its name, its text, and its text as it would be written today.
fn rewritten(folder: &str) -> Vec<(String, String, String)> {
    let files = fs::read_dir(path(folder)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| {
            let was = text(&format!("{folder}/{name}"));
            let is = match name.split_once('.') {
                Some((_, "plan.json")) => written::<Plan>(&was),
                Some((_, "request.json")) => written::<RunRequest>(&was),
                Some(("events", "jsonl")) => written::<RunEvent>(&was),
                Some(("statuses", "jsonl")) => written::<CommitStatus>(&was),
                Some(("looks", "jsonl")) => written::<Looks>(&was),
                Some(("asks", "jsonl")) => written::<Ask>(&was),
                Some(("identities", "jsonl")) => written::<Identity>(&was),
                Some(("scopes", "jsonl")) => written::<Scope>(&was),
                Some(("news", "jsonl")) => written::<News>(&was),
                Some(("notices", "jsonl")) => written::<Notice>(&was),
                Some(("health", "jsonl")) => written::<Health>(&was),
                Some(("answers", "jsonl")) => written::<Answer>(&was),
                Some(("comments", "jsonl")) => written::<Comment>(&was),
                Some(("holds", "jsonl")) => written::<HoldPayload>(&was),
                Some(("markers", "jsonl")) => written::<Marker>(&was),
                Some(("config-markers", "jsonl")) => written::<ConfigMarker>(&was),
                Some(("attempts", "jsonl")) => written::<Attempts>(&was),
                _ => panic!("{name} is a sample of nothing"),
            };
            (name, was, is)
        })
        .collect()
}

fn written<T: Stored>(text: &str) -> String {
    let line = |line| stored::write(&stored::read::<T>(line).unwrap()) + "\n";
    text.lines().map(line).collect()
}

#[test]
fn the_newest_folder_is_what_is_written_today() {
    let newest = versions().pop().unwrap();
    for (name, was, is) in rewritten(&newest) {
        assert_eq!(
            is, was,
            "{newest}/{name}: the form changed, see how to make a new folder at the top of this test"
        );
    }
    for pipeline in PIPELINES {
        let plan = stored::write(&compiled(pipeline)) + "\n";
        assert_eq!(
            plan,
            text(&format!("{newest}/{pipeline}.plan.json")),
            "{pipeline} is compiled into another plan"
        );
    }
}

#[test]
#[ignore = "run by hand when a stored form changes"]
fn the_next_folder_is_written() {
    let mut folders = versions();
    let newest = folders.pop().unwrap();
    let next = path(&format!("v{}", folders.len() + 2));
    fs::create_dir(&next).unwrap();
    for (name, _, is) in rewritten(&newest) {
        fs::write(next.join(name), is).unwrap();
    }
}

#[test]
fn a_plan_means_the_same_in_every_version() {
    let newest = versions().pop().unwrap();
    for folder in versions() {
        for name in PIPELINES {
            let plan: Plan = read(&format!("{folder}/{name}.plan.json"));
            assert_eq!(plan, read(&format!("{newest}/{name}.plan.json")), "{folder}/{name}");
            let request: RunRequest = read(&format!("{folder}/{name}.request.json"));
            assert_eq!(
                request,
                read(&format!("{newest}/{name}.request.json")),
                "{folder}/{name}"
            );
        }
        let quiet = |name: &str| {
            let plan: Plan = read(&format!("{folder}/{name}.plan.json"));
            plan.triggers.data.unwrap().quiet_period_seconds
        };
        assert_eq!(
            (quiet("flights"), quiet("everything"), quiet("bare")),
            (1, 10, 0),
            "{folder}"
        );
        let plan: Plan = read(&format!("{folder}/everything.plan.json"));
        let push = plan.push.unwrap();
        assert_eq!(
            (push.target.as_str(), push.infra_validation),
            ("line", InfraValidation::LoadAndQuery)
        );
        assert_eq!(
            push.max_latency(),
            Some(std::time::Duration::from_millis(100)),
            "{folder}"
        );
        let flights: Plan = read(&format!("{folder}/flights.plan.json"));
        assert_eq!(flights.push.unwrap().max_latency(), None, "{folder}");
    }
}

#[test]
fn a_step_has_its_secrets_by_name() {
    let plan: Plan = read("v4/secrets.plan.json");
    let step = plan.steps.values().next().unwrap();
    let (password, token) = (&step.secrets["PASSWORD"], &step.secrets["TOKEN"]);
    assert_eq!(
        (password.name.as_str(), password.environment, password.unreviewed),
        ("warehouse-password", false, false)
    );
    assert_eq!(
        (token.name.as_str(), token.environment, token.unreviewed),
        ("hub", true, true)
    );
}

#[test]
fn a_pull_request_has_both_gates_in_every_version() {
    for folder in versions() {
        let request: RunRequest = read(&format!("{folder}/everything.request.json"));
        assert_eq!((request.pull_request, request.may_push), (Some(7), false), "{folder}");
        let gate = request.plan.gate.unwrap();
        let bound =
            |gate: &trainyard_core::plan::Gate| gate.metrics["auc"].value_threshold.clone().unwrap().lower_bound;
        assert_eq!(bound(&gate.gate), Some(0.55), "{folder}: the base's");
        assert_eq!(gate.proposed_gate.as_ref().and_then(bound), Some(0.5), "{folder}");
        assert_eq!(gate.gate.baseline, Baseline::Alias("champion".to_owned()), "{folder}");
        assert_eq!(
            gate.evaluation,
            ("evaluate".into(), "evaluation".to_owned()),
            "{folder}"
        );
        assert_eq!(gate.model, ("train".into(), "model".to_owned()), "{folder}");
    }
}

/// Whether the gate said it.
fn is_judgement(event: &RunEvent) -> bool {
    matches!(event, RunEvent::GateJudged { .. } | RunEvent::GateReplayed { .. })
}

#[test]
fn an_event_means_the_same_in_every_version() {
    for folder in versions() {
        let mut found = events(&folder);
        found.retain(|event| !is_judgement(event));
        let recorded = causes().map(|cause| SkipCause::Recorded(cause.sentence()));
        let expected = match folder.as_str() {
            "v1" => expected(recorded),
            "v2" => expected(recorded.into_iter().chain(causes())),
            "v3" => [expected(recorded.into_iter().chain(causes())), news()].concat(),
            _ => [expected(recorded.into_iter().chain(causes())), news(), waits()].concat(),
        };
        assert_eq!(found, expected, "{folder}");
    }
}

#[test]
fn a_verdict_means_the_same_in_every_version() {
    for folder in versions() {
        let mut found = events(&folder);
        found.retain(is_judgement);
        let [
            RunEvent::GateJudged {
                verdict,
                model,
                blessing,
            },
            RunEvent::GateJudged { verdict: open, .. },
            RunEvent::GateReplayed { replay },
            rest @ ..,
        ] = found.as_slice()
        else {
            panic!("{folder}: {found:?}");
        };
        assert_eq!(verdict.blessing(), Blessing::NotBlessed, "{folder}");
        let unchanged = rest.iter().map(|event| match event {
            RunEvent::GateJudged { verdict, .. } => (verdict.blessing(), verdict.unchanged()),
            other => panic!("{folder}: {other:?}"),
        });
        let expected: &[_] = match folder.as_str() {
            "v1" | "v2" => &[],
            _ => &[(Blessing::Unchanged, Some("3"))],
        };
        assert_eq!(unchanged.collect::<Vec<_>>(), expected, "{folder}");
        let (findings, rows) = (verdict.findings().len(), verdict.comparisons().len());
        assert_eq!((findings, rows), (18, 7), "{folder}");
        let (level, slices) = (verdict.interval_level(), verdict.slicing_details().len());
        assert_eq!((level, slices), (Some(0.95), 5), "{folder}");
        let says_what = folder != "v1";
        assert_eq!(
            (model.is_some(), blessing.is_some()),
            (says_what, says_what),
            "{folder}"
        );
        assert_eq!(open.blessing(), Blessing::NotEvaluated, "{folder}");
        let counted = (replay.own, replay.verdicts, replay.gone);
        assert_eq!(counted, (Blessing::NotBlessed, 2, 1), "{folder}");
        assert_eq!(replay.changed[0].now, Some(Blessing::NotEvaluated), "{folder}");
    }
}

/// Folders whose forms have what people ask for on GitHub.
fn with_asks() -> impl Iterator<Item = String> {
    let older = ["v1", "v2", "v3"];
    versions()
        .into_iter()
        .filter(move |folder| !older.contains(&folder.as_str()))
}

#[test]
fn what_a_person_asked_for_means_the_same_in_every_version() {
    let commit = CommitSha::new("0123456789abcdef0123456789abcdef01234567");
    let asked = |through| Asked {
        repo: RepoName::parse("acme/flights").unwrap(),
        repo_id: 1_296_269,
        installation_id: Some(7),
        person: Person {
            id: 583_231,
            login: "ada".to_owned(),
        },
        through,
    };
    let plain = |through| Ask {
        asked: asked(through),
        head: None,
        said: Vec::new(),
    };
    let comment = |comment, pull_request, at, commands: &[&str], left_out| Through::Comment {
        comment,
        pull_request,
        at,
        commands: commands.iter().map(|command| (*command).to_owned()).collect(),
        left_out,
    };
    let button = |app, run: Option<&str>, button| Through::CheckRun {
        check_run: 5,
        app,
        run: run.map(str::to_owned),
        commit: commit.clone(),
        button,
    };
    let all = [
        "run flights rate=0.2",
        "rerun --all",
        "cancel",
        "approve why not",
        "reject",
        "rollback line it is worse",
        "explain",
        "help",
    ];
    let expected = [
        Ask {
            head: Some(commit.clone()),
            said: vec!["It runs.".to_owned()],
            ..plain(comment(99, 7, Some(Micros(1_725_000_000_000_000)), &all, 2))
        },
        plain(comment(100, 8, None, &["dance"], 0)),
        plain(button(
            Some(4711),
            Some("01920000-0000-7000-8000-000000000001"),
            Button::Rerun,
        )),
        plain(button(None, None, Button::Approve)),
        plain(button(Some(4711), None, Button::Reject)),
        plain(Through::CheckSuite {
            check_suite: 6,
            app: Some(4711),
            commit: commit.clone(),
            at: Some("2026-01-01T00:00:00Z".to_owned()),
        }),
    ];
    for folder in with_asks() {
        assert_eq!(lines::<Ask>(&folder, "asks.jsonl"), expected, "{folder}");
    }
}

#[test]
fn how_an_event_was_met_means_the_same_in_every_version() {
    for folder in with_asks() {
        let [met, deaf] = &lines::<Looks>(&folder, "looks.jsonl")[..] else {
            panic!("{folder}: two events");
        };
        let [flights, twice] = &met.pipelines[..] else {
            panic!("{folder}: two pipelines");
        };
        let (trigger, filter) = flights.failed().unwrap();
        assert_eq!(
            (trigger.trigger.as_str(), trigger.listens, filter.filter.as_str()),
            ("push", true, "paths"),
            "{folder}"
        );
        assert_eq!(
            filter.sentence(),
            "[pipelines/**] does not let README.md, docs.md and 28 more through",
            "{folder}"
        );
        let others = flights.triggers[1..]
            .iter()
            .map(|other| (other.trigger.as_str(), other.met));
        assert_eq!(
            others.collect::<Vec<_>>(),
            [("data", false), ("manual", false)],
            "{folder}"
        );
        assert_eq!(twice.problem.as_deref(), Some("two files have one name"), "{folder}");
        let trigger = &deaf.pipelines[0].triggers[0];
        assert_eq!(
            (trigger.met, trigger.listens, trigger.filters[0].result),
            (true, false, FilterResult::Unknown),
            "{folder}"
        );
    }
}

#[test]
fn what_a_run_was_asked_for_means_the_same_in_every_version() {
    for folder in with_asks() {
        let request: RunRequest = read(&format!("{folder}/asked.request.json"));
        let rerun = Rerun {
            of: RunId::new("01920000-0000-7000-8000-000000000009"),
            which: Which::All,
        };
        let fork = Fork {
            repo_id: Some(4242),
            base_sha: CommitSha::new("89abcdef0123456789abcdef0123456789abcdef"),
        };
        assert_eq!(
            (request.rerun, request.fork, request.trial),
            (Some(rerun), Some(fork), true),
            "{folder}"
        );
        let bare: RunRequest = read(&format!("{folder}/bare.request.json"));
        assert_eq!((bare.rerun, bare.fork, bare.trial), (None, None, false), "{folder}");
    }
}

#[test]
fn a_message_and_a_wait_mean_the_same_in_every_version() {
    let run = "https://trainyard.test/api/v1/runs/01".to_owned();
    for folder in versions() {
        let statuses: Vec<CommitStatus> = lines(&folder, "statuses.jsonl");
        let states = statuses.iter().map(|told| (told.status.state, told.target_url.clone()));
        assert_eq!(
            states.collect::<Vec<_>>(),
            [(StatusState::Pending, Some(run.clone())), (StatusState::Error, None)],
            "{folder}"
        );
        let comments: Vec<Comment> = lines(&folder, "comments.jsonl");
        assert_eq!(
            (comments[0].number, comments[0].body.lines().count()),
            (7, 2),
            "{folder}"
        );
        let waits: Vec<HoldPayload> = lines(&folder, "holds.jsonl");
        assert_eq!(waits[0].key(), "acme/flights flights flights", "{folder}");
        assert_eq!(waits[0].spans, ["2013-04", "2013-03"], "{folder}");
        assert!(waits[1].spans.is_empty(), "{folder}");
    }
}

#[test]
fn an_answer_of_a_check_means_the_same_in_every_version() {
    let answers: Vec<Answer> = lines("v3", "answers.jsonl");
    let read = answers.iter().map(|answer| {
        let question = &answer.question;
        (
            question.asked_by,
            question.base.as_str(),
            answer.finding,
            answer.status.state,
        )
    });
    assert_eq!(
        read.collect::<Vec<_>>(),
        [
            (AskedBy::PullRequest, "main", Finding::Run, StatusState::Failure),
            (AskedBy::PullRequest, "dev", Finding::Unjudged, StatusState::Pending),
            (AskedBy::Branch, "faster", Finding::Nothing, StatusState::Success),
        ]
    );
}

/// An event of every kind, and every cause of a skip, is among the samples.
#[test]
fn nothing_that_is_stored_lacks_a_sample() {
    let kind = |event: &RunEvent| match event {
        RunEvent::Started { .. } => 0,
        RunEvent::ImageBuilt { .. } => 1,
        RunEvent::ImageFailed { .. } => 2,
        RunEvent::StepCached { .. } => 3,
        RunEvent::StepStarting { .. } => 4,
        RunEvent::StepEnded { .. } => 5,
        RunEvent::StepPublished { .. } => 6,
        RunEvent::StepFailed { .. } => 7,
        RunEvent::StepSkipped { cause, .. } => match cause {
            SkipCause::NoData(_) => 8,
            SkipCause::UpstreamDidNotFinish { .. } => 9,
            SkipCause::Cancelled { .. } => 10,
            SkipCause::Recorded(_) => 11,
        },
        RunEvent::GateJudged { .. } => 12,
        RunEvent::GateReplayed { .. } => 13,
        RunEvent::ModelPushed { .. } => 14,
        RunEvent::PushFailed { .. } => 15,
        RunEvent::CancelRequested { .. } => 16,
        RunEvent::Finished { .. } => 17,
        RunEvent::PushWithheld { .. } => 18,
        RunEvent::SpansSeen { .. } => 19,
        RunEvent::WindowRead { .. } => 20,
        RunEvent::Planned { .. } => 21,
        RunEvent::ApprovalRequested { .. } => 22,
        RunEvent::Approved { .. } => 23,
        RunEvent::Rejected { .. } => 24,
    };
    let newest = versions().pop().unwrap();
    let kinds: std::collections::BTreeSet<usize> = events(&newest).iter().map(kind).collect();
    assert_eq!(kinds, (0..25).collect());
}

#[test]
fn what_is_unreadable_is_an_error_that_says_so() {
    let old = text("v1/everything.request.json");
    let said = |from: &str, to: &str| {
        assert!(old.contains(from), "{from}");
        stored::read::<RunRequest>(&old.replacen(from, to, 1))
            .unwrap_err()
            .to_string()
    };
    let all = [
        said(r#""quiet_period":"10s""#, r#""quiet_period":"soon""#),
        said(r#""max_latency":"100ms""#, r#""max_latency":"fast""#),
        said(r#""max_latency":"100ms""#, r#""max_latency":100"#),
        said(r#""plan":{"#, r#""plan":{"format":3,"#),
        said(r#"{"id""#, r#"{"format":2,"id""#),
        said(r#""timeout_seconds":3600"#, r#""timeout_seconds":"1h""#),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    the plan cannot be read: its quiet_period 'soon' is not a duration: write it like 10s, 30m or 1h30m
    the plan cannot be read: its max_latency 'fast' is not a latency: write it like 100ms or 2s
    the plan cannot be read: its max_latency 100 is not a text
    the plan was written by a newer Trainyard (plan version 3, this one knows 2): use that version
    the run request was written by a newer Trainyard (run request version 2, this one knows 1): use that version
    the run request cannot be read: invalid type: string "1h", expected u64
    "#);
    let newer = stored::read::<RunEvent>(r#"{"format":5,"event":"rewound"}"#);
    assert_eq!(
        newer,
        Err(StoredError::Newer {
            what: "run event",
            found: 5,
            known: 4
        })
    );
}

#[test]
fn what_is_told_means_the_same_in_every_version() {
    for folder in with_asks() {
        let titles: Vec<String> = lines::<Notice>(&folder, "notices.jsonl")
            .iter()
            .map(Notice::title)
            .collect();
        let told = [
            "flights failed on main of acme/flights",
            "flights: version 000007 serves at flights",
            "flights is well again on main of acme/flights",
        ];
        assert_eq!(titles, told, "{folder}");
        let news = lines::<News>(&folder, "news.jsonl");
        assert_eq!(news.len(), 7, "{folder}");
        assert_eq!(
            news[0].rules["team"],
            [Condition::Failed, Condition::Recovered],
            "{folder}"
        );
        let health = lines::<Health>(&folder, "health.jsonl");
        assert_eq!(health[0], Health::default(), "{folder}");
        let trouble = health[1].trouble.as_ref().unwrap();
        assert_eq!(
            (trouble.what, trouble.run.as_str()),
            (Condition::Rejected, "r0"),
            "{folder}"
        );
    }
}
