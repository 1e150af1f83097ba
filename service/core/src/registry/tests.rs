//! What the ledger means, on whose word a model serves, and what a candidate is compared with.

mod data;

use super::*;
use crate::artifact::samples::model;
use crate::gate::Override;
use crate::ids::Micros;
use crate::run::WorkTree;
use crate::span::AsOf;
use proptest::prelude::*;
use serde_json::{Value, json};

fn entry(id: i64, action: PromotionAction, version: &str) -> Promotion {
    Promotion {
        id,
        target: "flights".into(),
        pipeline: "flights".into(),
        action,
        version: version.into(),
        model: model(u8::try_from(id).unwrap_or(0)),
        run: None,
        actor: "test".into(),
        evidence: Evidence::Recorded(Value::Null),
        at: Micros(id),
    }
}

fn versions(ledger: &Ledger) -> Vec<&str> {
    ledger
        .served()
        .into_iter()
        .map(|entry| entry.version.as_str())
        .collect()
}

#[test]
fn rollbacks_walk_back_and_pushes_go_on() {
    use PromotionAction::{Push, Removed, Rollback};
    let mut entries = vec![
        entry(1, Push, "000001"),
        entry(2, Push, "000002"),
        entry(3, Push, "000003"),
    ];
    let ledger = |entries: &[Promotion]| Ledger::new(entries.iter().rev().cloned().collect());
    assert_eq!(versions(&ledger(&entries)), ["000001", "000002", "000003"]);
    entries.push(entry(4, Rollback, "000002"));
    let back = ledger(&entries);
    assert_eq!(versions(&back), ["000001", "000002"]);
    let serving = back.serving().unwrap();
    assert_eq!(
        (serving.pushed.id, serving.since.id),
        (2, 4),
        "made in 2, serving again since 4"
    );
    assert_eq!(back.latest_pushed().map(|entry| entry.id), Some(3));
    assert_eq!(back.way_back().map(|(to, from)| (to.id, from.id)), Some((1, 2)));
    entries.push(entry(5, Rollback, "000001"));
    assert_eq!(versions(&ledger(&entries)), ["000001"]);
    assert_eq!(
        ledger(&entries).next_version(),
        "000004",
        "a version number is never used twice"
    );
    entries.push(entry(6, Push, "000004"));
    assert_eq!(versions(&ledger(&entries)), ["000001", "000004"]);
    entries.push(entry(7, Removed, "000004"));
    assert!(versions(&ledger(&entries)).is_empty());
    assert_eq!(ledger(&entries).serving(), None);
}

/// What a person or the gate does next: a push or promotion, or a rollback.
fn chain() -> impl Strategy<Value = Vec<bool>> {
    proptest::collection::vec(proptest::bool::weighted(0.6), 0..40)
}

proptest! {
    /// Against a list of what served: a push adds to it, a rollback takes the newest away.
    #[test]
    fn a_rollback_goes_to_the_last_version_that_served(pushes in chain()) {
        let mut entries: Vec<Promotion> = Vec::new();
        let mut model: Vec<String> = Vec::new();
        for push in pushes {
            let id = i64::try_from(entries.len()).unwrap();
            let ledger = Ledger::new(entries.clone());
            if push {
                let version = ledger.next_version();
                prop_assert!(entries.iter().all(|entry| entry.version < version), "new and last in order");
                entries.push(entry(id, PromotionAction::Push, &version));
                model.push(version);
            } else if let Some((earlier, _)) = ledger.way_back() {
                entries.push(entry(id, PromotionAction::Rollback, &earlier.version));
                model.pop();
            }
            let ledger = Ledger::new(entries.clone());
            prop_assert_eq!(versions(&ledger), model.iter().map(String::as_str).collect::<Vec<_>>());
            let stays = ledger.kept();
            prop_assert_eq!(&stays[..], &model[model.len().saturating_sub(2)..]);
            let serving = ledger.serving().map(|serving| serving.pushed.version.as_str());
            prop_assert_eq!(serving, model.last().map(String::as_str));
            prop_assert_eq!(ledger.serving().map(|serving| serving.since.id), ledger.newest().filter(|_| !model.is_empty()));
            // Every version that serves came by a push of its own, whatever was rolled back since.
            prop_assert!(ledger.served().iter().all(|entry| entry.action == PromotionAction::Push));
            // Retention never takes what a rollback needs.
            let stays: Vec<_> = ledger.protected(2).map(|entry| entry.version.clone()).collect();
            prop_assert!(ledger.kept().iter().all(|version| stays.contains(version)));
        }
    }
}

#[test]
fn evidence_is_read_back_as_it_was_written_whoever_wrote_it() {
    let judged = Judged {
        commit: Some("0123".into()),
        data: vec![DataRead {
            source: Some("flights".into()),
            digest: model(1).digest,
            spans: vec![json!("2013-01")],
            uri: None,
            newest: None,
            judges: false,
            as_of: Some(AsOf {
                span: 15706,
                label: "2013-01".into(),
            }),
        }],
        work_tree: Some(WorkTree {
            actor: "ada".into(),
            commit: Some("0123".into()),
            dirty: true,
        }),
        ..Judged::default()
    };
    let forced = Override::new("ada", "the holdout was mislabelled").ok();
    let all = [
        Evidence::Gate(judged.clone()),
        Evidence::Promotion {
            promoted: "000001".into(),
            instead_of: None,
            judged: judged.clone(),
            reason: Some("the holdout was mislabelled".into()),
            forced,
        },
        Evidence::Rollback {
            rolled_back: "000002".into(),
            judged,
            reason: Some("answers late".into()),
        },
        Evidence::Recorded(json!({"blessing": "blessed"})),
        Evidence::Recorded(Value::Null),
    ];
    for evidence in &all {
        let stored = serde_json::to_string(evidence).unwrap();
        assert_eq!(
            &serde_json::from_str::<Evidence>(&stored).unwrap(),
            evidence,
            "{stored}"
        );
    }
    let keys = |evidence: &Evidence| {
        let value = serde_json::to_value(evidence).unwrap();
        value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    let shown: Vec<_> = all[..3].iter().map(keys).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    verdict commit data work_tree
    promoted instead_of verdict commit data work_tree reason forced
    rolled_back verdict commit data work_tree reason
    ");
    // A person's word is only what names who and why.
    let hollow =
        json!({"promoted": "1", "verdict": null, "commit": null, "reason": null, "forced": {"by": "", "reason": ""}});
    let read: Evidence = serde_json::from_value(hollow.clone()).unwrap();
    assert_eq!((read.forced(), &read), (None, &Evidence::Recorded(hollow)));
}

mod runs {
    use super::*;
    use crate::evaluation::{Evaluation, Measured, Slice};
    use crate::gate::judge;
    use crate::run::{Run, RunEvent, RunRequest, RunState, StepState};

    /// A run of the worked example that is over; its candidate's AUC is `auc`, its model `model(content)`.
    fn judged_run(id: &str, auc: f64, content: u8) -> Run {
        let plan = crate::spec::tests::flights();
        let gate = plan.gate.clone().unwrap();
        let mut run = Run::new(RunRequest {
            id: id.into(),
            event: None,
            trigger: "push".into(),
            cause: "push of main by ada".into(),
            repo: None,
            installation_id: None,
            commit: None,
            branch: None,
            pull_request: None,
            base: None,
            fork: None,
            folder: "pipelines/flights".into(),
            newest_spans: Default::default(),
            waited_spans: Default::default(),
            as_of_spans: Default::default(),
            work_tree: None,
            rerun: None,
            trial: false,
            may_push: true,
            created_at: Micros(10),
            plan,
        });
        run.apply(&RunEvent::Started { baseline: None }, Micros(1));
        for record in run.steps.values_mut() {
            record.state = StepState::Cached;
        }
        let (step, output) = &gate.model;
        run.steps[step].outputs.insert(output.clone(), model(content));
        let measured = Measured {
            candidate: Some(auc),
            ..Default::default()
        };
        let slice = |origin: Option<&str>| Slice {
            slice_key: origin
                .map(|origin| ("origin".to_owned(), origin.to_owned()))
                .into_iter()
                .collect(),
            num_examples: 100,
            metrics: [("auc".to_owned(), measured)].into(),
            ..Slice::default()
        };
        let evaluation = Evaluation {
            schema_version: 1,
            confidence_level: None,
            cross_slices: vec![],
            model_type: "binary_classification".into(),
            label: String::new(),
            prediction: String::new(),
            baseline: false,
            slices: vec![slice(None), slice(Some("EWR"))],
            ..Evaluation::default()
        };
        let verdict = judge(&gate.gate, &evaluation);
        run.apply(
            &RunEvent::GateJudged {
                verdict,
                model: Some(model(content).digest),
                blessing: None,
            },
            Micros(2),
        );
        run.apply(
            &RunEvent::Finished {
                state: RunState::Succeeded,
                summary: String::new(),
                metrics: Default::default(),
            },
            Micros(3),
        );
        run
    }

    fn refused(found: &ModelVersion, reason: Option<&str>) -> String {
        approve(found, "ada", reason).unwrap_err().sentence()
    }

    #[test]
    fn the_gate_approves_what_it_judged_and_a_person_says_why() {
        let good = ModelVersion::of_run(judged_run("r1", 0.7, 1)).unwrap();
        let approval = approve(&good, "ada", None).unwrap();
        assert_eq!((approval.blessed.digest(), approval.forced), (&model(1).digest, None));
        let other_content = ModelVersion {
            model: model(2),
            ..good.clone()
        };
        let bad = ModelVersion::of_run(judged_run("r2", 0.5, 1)).unwrap();
        let mut of_pull_request = good.clone();
        of_pull_request.run.as_mut().unwrap().request.pull_request = Some(7);
        let forced_before = ModelVersion {
            forced_before: true,
            ..good.clone()
        };
        let unknown = ModelVersion { run: None, ..good };
        let all = [
            refused(&other_content, None),
            refused(&bad, None),
            refused(&bad, Some(" ")),
            refused(&of_pull_request, None),
            refused(&forced_before, None),
            refused(&unknown, None),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        the gate's verdict on this model is blessed; to promote it nevertheless, say why with --reason "…", which the ledger keeps
        the gate did not approve this model: auc overall is 0.5000, below the lower bound 0.6000; to promote it nevertheless, say why with --reason "…", which the ledger keeps
        a forced blessing needs a reason: it is kept in the ledger for those who ask later
        this model was made for pull request #7, which a promotion does not merge; to promote it nevertheless, say why with --reason "…", which the ledger keeps
        the gate never approved this model; to promote it nevertheless, say why with --reason "…", which the ledger keeps
        no gate judged this model; to promote it nevertheless, say why with --reason "…", which the ledger keeps
        "#);
        let forced = approve(&bad, "ada", Some("JFK is closed")).unwrap();
        assert_eq!(
            forced.forced.map(|forced| forced.reason().to_owned()),
            Some("JFK is closed".to_owned())
        );
    }

    #[test]
    fn a_verdict_is_about_two_models_and_never_replaces_a_newer_runs() {
        let run = judged_run("r1", 0.7, 1);
        let push = |version: &str, content: u8| Promotion {
            model: model(content),
            run: Some("r9".into()),
            ..entry(1, PromotionAction::Push, version)
        };
        let said = |run: &Run, ledger: &Ledger, serving: Option<&NewerRun>| {
            let facts = PushFacts {
                ledger,
                hold: None,
                serving_run: serving,
                drift: None,
                disagreement: None,
            };
            match may_push(run, facts) {
                Ok(blessed) => format!("may push {}", blessed.model().name),
                Err(refusal) => refusal.sentence(),
            }
        };
        let empty = Ledger::default();
        let moved = Ledger::new(vec![push("000001", 9)]);
        let mut compared = run.clone();
        compared.baseline = Some(Some(model(9)));
        let run_at = |at| NewerRun {
            id: "r9".into(),
            created_at: Micros(at),
        };
        let mut tampered = run.clone();
        tampered.judged = Some(model(3).digest);
        let all = [
            said(&run, &empty, None),
            said(&run, &moved, None),
            said(&compared, &moved, Some(&run_at(9))),
            said(&compared, &moved, Some(&run_at(11))),
            said(&judged_run("r2", 0.5, 1), &empty, None),
            said(&tampered, &empty, None),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        may push run/train/1
        another model began to serve while this one was judged: start the run again to compare with it
        may push run/train/1
        the model of the newer run r9 began to serve while this run was held up: start it again to have its model judged anew
        the model is not approved
        the model is not approved
        ");
        assert_eq!(
            NewerRun::to_look_up(&moved, "flights").map(|run| run.as_str()),
            Some("r9")
        );
        assert_eq!(NewerRun::to_look_up(&moved, "other"), None);
    }

    #[test]
    fn what_keeps_an_approved_model_back() {
        use PromotionAction::{Push, Rollback};
        let run = judged_run("r1", 0.7, 1);
        let of = |id: i64, action, version: &str, content: u8| Promotion {
            model: model(content),
            actor: "ada".into(),
            ..entry(id, action, version)
        };
        let late = Evidence::Rollback {
            rolled_back: "000002".into(),
            judged: Judged::default(),
            reason: Some("answers late".into()),
        };
        let back = |id: i64, version: &str, content: u8| Promotion {
            evidence: late.clone(),
            ..of(id, Rollback, version, content)
        };
        let hold = TargetHold {
            target: "flights".into(),
            actor: "bob".into(),
            reason: "incident 7".into(),
            at: Micros(60_000_000),
        };
        let said = |entries: Vec<Promotion>, hold: Option<&TargetHold>| {
            let ledger = Ledger::new(entries);
            let mut run = run.clone();
            run.baseline = Some(ledger.serving().map(|serving| serving.pushed.model.clone()));
            let facts = PushFacts {
                ledger: &ledger,
                hold,
                serving_run: None,
                drift: None,
                disagreement: None,
            };
            match may_push(&run, facts) {
                Ok(_) => "may push".to_owned(),
                Err(refusal) => refusal.sentence(),
            }
        };
        let first = of(1, Push, "000001", 5);
        let same = of(2, Push, "000002", 1);
        let all = [
            ("first ever", said(vec![], None)),
            ("the same bytes serve", said(vec![first.clone(), same.clone()], None)),
            (
                "they serve, and are held",
                said(vec![first.clone(), same.clone()], Some(&hold)),
            ),
            ("held", said(vec![first.clone()], Some(&hold))),
            (
                "withdrawn",
                said(vec![first.clone(), same.clone(), back(3, "000001", 5)], None),
            ),
            (
                "withdrawn beneath another",
                said(
                    vec![
                        first.clone(),
                        same.clone(),
                        of(3, Push, "000003", 7),
                        back(4, "000001", 5),
                    ],
                    None,
                ),
            ),
            (
                "withdrawn, and others served since",
                said(
                    vec![
                        first.clone(),
                        same.clone(),
                        back(3, "000001", 5),
                        of(4, Push, "000003", 7),
                    ],
                    None,
                ),
            ),
            (
                "withdrawn, promoted by a person, and replaced",
                said(
                    vec![
                        first.clone(),
                        same.clone(),
                        back(3, "000001", 5),
                        of(4, Push, "000003", 1),
                        of(5, Push, "000004", 7),
                    ],
                    None,
                ),
            ),
            (
                "the same bytes twice, one of them rolled back",
                said(vec![same.clone(), of(3, Push, "000003", 1), back(4, "000002", 1)], None),
            ),
            (
                "replaced, never withdrawn",
                said(vec![same, of(3, Push, "000003", 7)], None),
            ),
        ]
        .map(|(name, said)| format!("{name}: {said}"));
        insta::assert_snapshot!(all.join("\n"), @"
        first ever: may push
        the same bytes serve: the model is, byte for byte, what serves as version 000002
        they serve, and are held: the model is, byte for byte, what serves as version 000002
        held: target 'flights' is held by bob since 1970-01-01 00:01 UTC (incident 7): release it with `trainyard release flights`
        withdrawn: version 000002 of target 'flights', which is these very bytes, was withdrawn by ada on 1970-01-01 00:00 UTC (answers late): only a person makes it serve again, with `trainyard promote`
        withdrawn beneath another: version 000002 of target 'flights', which is these very bytes, was withdrawn by ada on 1970-01-01 00:00 UTC (answers late): only a person makes it serve again, with `trainyard promote`
        withdrawn, and others served since: version 000002 of target 'flights', which is these very bytes, was withdrawn by ada on 1970-01-01 00:00 UTC (answers late): only a person makes it serve again, with `trainyard promote`
        withdrawn, promoted by a person, and replaced: may push
        the same bytes twice, one of them rolled back: the model is, byte for byte, what serves as version 000002
        replaced, never withdrawn: may push
        ");
    }

    #[test]
    fn the_same_bytes_under_another_number_are_no_way_back() {
        use PromotionAction::Push;
        let of = |id: i64, version: &str, content: u8| Promotion {
            model: model(content),
            ..entry(id, Push, version)
        };
        let twice = Ledger::new(vec![
            of(1, "000001", 1),
            of(2, "000002", 2),
            of(3, "000003", 2),
            of(4, "000004", 2),
        ]);
        assert_eq!(twice.way_back().map(|(to, from)| (to.id, from.id)), Some((1, 4)));
        assert_eq!(twice.kept(), ["000001", "000004"]);
        let stays: Vec<_> = twice.protected(2).map(|entry| entry.version.as_str()).collect();
        assert!(stays.contains(&"000001"), "the same bytes count once: {stays:?}");
        let only = Ledger::new(vec![of(1, "000001", 1), of(2, "000002", 1)]);
        assert_eq!((only.way_back(), only.kept()), (None, vec!["000002".to_owned()]));
    }

    #[test]
    fn who_holds_a_target_says_why_and_nobody_writes_over_it() {
        let held = TargetHold {
            target: "flights".into(),
            actor: "bob".into(),
            reason: "incident 7".into(),
            at: Micros(60_000_000),
        };
        let said = |done: Result<NewTargetHold, HoldRefusal>| match done {
            Ok(entry) => format!("{} {:?}", entry.held, entry.reason),
            Err(refusal) => refusal.sentence(),
        };
        let all = [
            said(hold("flights", None, "ada", " incident 8 ", Micros(9))),
            said(hold("flights", None, "ada", " ", Micros(9))),
            said(hold("flights", Some(&held), "ada", "incident 8", Micros(9))),
            said(release("flights", Some(&held), "ada", None, Micros(9))),
            said(release("flights", Some(&held), "ada", Some(" over "), Micros(9))),
            said(release("flights", None, "ada", None, Micros(9))),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        true Some("incident 8")
        to hold target 'flights', say why: whoever finds it held reads the reason
        target 'flights' is held by bob since 1970-01-01 00:01 UTC (incident 7): release it with `trainyard release flights`
        false None
        false Some("over")
        target 'flights' is not held: see `trainyard models`
        "#);
    }

    #[test]
    fn what_a_candidate_is_compared_with() {
        use crate::plan::Baseline;
        let entries = vec![
            entry(1, PromotionAction::Push, "000001"),
            entry(2, PromotionAction::Push, "000002"),
            entry(3, PromotionAction::Rollback, "000001"),
        ];
        let challenger = Alias {
            id: 1,
            model: "flights".into(),
            alias: "challenger".into(),
            version: Some("000002".into()),
            actor: "ada".into(),
            reason: None,
            at: Micros(0),
        };
        let facts = BaselineFacts {
            ledger: Ledger::new(entries),
            aliases: vec![challenger],
            latest_blessed: Some(model(8)),
        };
        let chosen = |baseline: &str, push: bool| {
            let mut plan = crate::spec::tests::flights();
            plan.gate.as_mut().unwrap().gate.baseline = baseline.parse::<Baseline>().unwrap();
            plan.push = plan.push.filter(|_| push);
            match choose_baseline(&plan, &facts) {
                Ok(Some(model)) => model.name,
                Ok(None) => "nothing".to_owned(),
                Err(refusal) => refusal.sentence(),
            }
        };
        let all = [
            "serving",
            "latest_blessed",
            "latest_pushed",
            "none",
            "alias:champion",
            "alias:challenger",
            "alias:chalenger",
            "pinned:000002",
            "pinned:000009",
        ]
        .map(|baseline| format!("{baseline}: {}", chosen(baseline, true)));
        insta::assert_snapshot!(all.join("\n"), @"
        serving: run/train/1
        latest_blessed: run/train/8
        latest_pushed: run/train/2
        none: nothing
        alias:champion: run/train/1
        alias:challenger: run/train/2
        alias:chalenger: model 'flights' has no alias 'chalenger' (known: challenger, champion): give it with `trainyard alias set flights chalenger VERSION`
        pinned:000002: run/train/2
        pinned:000009: model 'flights' has no version '000009': see `trainyard models flights`
        ");
        assert_eq!(
            chosen("serving", false),
            "run/train/8",
            "without a target the latest blessed"
        );
        insta::assert_snapshot!(chosen("pinned:1", false), @"gate.baseline is pinned:1, but pipeline 'flights' has no push target whose versions it could name");
    }
}
