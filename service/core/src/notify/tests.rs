use super::*;
use crate::gate::Blessing;
use crate::ids::{CommitSha, Micros, RepoName, RunId};
use crate::run::RunState;
use crate::schedule::Missed;
use insta::assert_snapshot;
use proptest::prelude::*;

const BLESSED: Option<Blessing> = Some(Blessing::Blessed);
const NOT_BLESSED: Option<Blessing> = Some(Blessing::NotBlessed);

/// Run number `number`, which was over `number` minutes after a fixed moment.
fn finished(number: i64, state: RunState, blessing: Option<Blessing>, drifted: Option<&[&str]>) -> News {
    let at = Micros(1_790_000_000_000_000 + number * 60_000_000);
    News {
        id: format!("r{number}/finished"),
        at,
        about: About {
            pipeline: "flights".to_owned(),
            repo: RepoName::parse("acme/flights").ok(),
            branch: Some("main".to_owned()),
            pull_request: None,
            commit: Some(CommitSha::new("a".repeat(40))),
            run: Some(RunId::new(format!("r{number}"))),
            cause: Some("push to main".to_owned()),
            asked_at: Some(at),
            trial: false,
        },
        rules: NotifyRules::default(),
        what: What::Finished {
            state,
            blessing,
            summary: "step 'train' ended with code 1 <!channel>".to_owned(),
            failures: match blessing {
                NOT_BLESSED => vec!["accuracy is 0.61, below 0.65".to_owned()],
                _ => Vec::new(),
            },
            drifted: drifted.map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
        },
    }
}

fn channel(name: &str, on: &[Condition], pipelines: &[&str]) -> Channel {
    Channel {
        name: name.to_owned(),
        on: on.to_vec(),
        pipelines: pipelines.iter().map(|glob| (*glob).to_owned()).collect(),
    }
}

/// What one channel hears of each of these runs.
fn heard(runs: &[News]) -> Vec<Vec<Notice>> {
    let team = [channel("team", Condition::FOR_PEOPLE, &["*"])];
    let mut health = Health::default();
    let mut all = Vec::new();
    for run in runs {
        let (notices, after) = told(run, &health, &team);
        health = after.unwrap_or(health);
        all.push(notices);
    }
    all
}

#[test]
fn a_failure_is_told_once_and_its_end_once() {
    use RunState::{Cancelled, Failed, Succeeded};
    let runs = [
        finished(1, Succeeded, BLESSED, None),
        finished(2, Failed, None, None),
        finished(3, Failed, None, None),
        finished(4, Cancelled, None, None),
        finished(5, Succeeded, NOT_BLESSED, None),
        finished(6, Succeeded, NOT_BLESSED, None),
        // It was not judged: its models may be as bad.
        finished(7, Succeeded, Some(Blessing::NotEvaluated), None),
        finished(8, Succeeded, Some(Blessing::Unchanged), None),
        finished(9, Failed, None, None),
        finished(10, Succeeded, None, None),
    ];
    let lines: Vec<String> = heard(&runs)
        .iter()
        .zip(1..)
        .map(|(notices, number)| {
            let titles: Vec<_> = notices
                .iter()
                .map(|notice| format!("{} [{}]", notice.title(), notice.id()))
                .collect();
            format!("{number}: {}", titles.join(", "))
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    1: 
    2: flights failed on main of acme/flights [r2/finished/failed]
    3: 
    4: 
    5: flights: model rejected on main of acme/flights [r5/finished/rejected]
    6: 
    7: 
    8: flights is well again on main of acme/flights [r8/finished/recovered]
    9: flights failed on main of acme/flights [r9/finished/failed]
    10: flights is well again on main of acme/flights [r10/finished/recovered]
    ");
}

#[test]
fn what_comes_late_and_what_others_ask_says_nothing_of_a_branch() {
    let late = [
        finished(5, RunState::Succeeded, BLESSED, None),
        finished(4, RunState::Failed, None, None),
    ];
    assert!(heard(&late).iter().all(Vec::is_empty));
    let mut pull_request = finished(6, RunState::Failed, None, None);
    pull_request.about.pull_request = Some(7);
    let mut trial = finished(7, RunState::Failed, None, None);
    trial.about.trial = true;
    assert!(heard(&[pull_request, trial]).iter().all(Vec::is_empty));
}

#[test]
fn drift_begins_and_ends_whatever_becomes_of_the_run() {
    let drift: Option<&[&str]> = Some(&["split 'eval', column 'temp': it drifted by 0.4"]);
    let runs = [
        finished(1, RunState::Failed, None, drift),
        finished(2, RunState::Succeeded, BLESSED, drift),
        finished(3, RunState::Succeeded, BLESSED, None),
        finished(4, RunState::Succeeded, BLESSED, Some(&[])),
    ];
    let all = heard(&runs);
    let words: Vec<Vec<_>> = all
        .iter()
        .map(|notices| notices.iter().map(|notice| (notice.condition, notice.over)).collect())
        .collect();
    let (failed, drifts) = ((Condition::Failed, false), (Condition::Drift, false));
    let (well, over) = ((Condition::Recovered, true), (Condition::Drift, true));
    assert_eq!(words, [vec![failed, drifts], vec![well], vec![], vec![over]]);
}

#[test]
fn a_pipelines_file_says_for_itself_what_a_channel_hears() {
    let channels = [
        channel("team", Condition::FOR_PEOPLE, &["*"]),
        channel("others", &[Condition::Failed], &["taxi*", "!taxi-old"]),
        channel("bus", Condition::FOR_PROGRAMS, &["*"]),
        channel("asked", &[Condition::Failed], &[]),
    ];
    let names = |rules: &[(&str, &[Condition])]| {
        let mut news = finished(1, RunState::Failed, None, None);
        news.rules = rules
            .iter()
            .map(|(name, on)| ((*name).to_owned(), on.to_vec()))
            .collect();
        let (notices, _) = told(&news, &Health::default(), &channels);
        let words = notices
            .iter()
            .map(|notice| format!("{} {}", notice.channel, notice.condition.as_str()));
        words.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(names(&[]), "bus finished, team failed");
    assert_eq!(
        names(&[("team", &[]), ("asked", &[Condition::Failed])]),
        "bus finished, asked failed"
    );
    assert_eq!(
        names(&[("team", &[Condition::Finished])]),
        "team finished, bus finished"
    );
}

/// All the kinds of notices.
fn every_kind() -> Vec<Notice> {
    let mut all: Vec<Notice> = heard(&[
        finished(1, RunState::Failed, None, Some(&["column 'temp': it drifted by 0.4"])),
        finished(2, RunState::Succeeded, NOT_BLESSED, Some(&[])),
        finished(3, RunState::Succeeded, BLESSED, None),
    ])
    .concat();
    let change = Change {
        target: "flights".to_owned(),
        version: "000007".to_owned(),
        model: crate::artifact::Digest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap(),
        actor: "ada".to_owned(),
        reason: Some("it is better".to_owned()),
    };
    let missed = Missed {
        first: Micros(1_790_000_000_000_000),
        last: Micros(1_790_003_600_000_000),
        count: 2,
        caught_up: 1,
    };
    for (condition, what) in [
        (
            Condition::Judged,
            What::Judged {
                blessing: Blessing::NotBlessed,
                model: None,
                failures: vec!["accuracy is 0.61, below 0.65".to_owned()],
            },
        ),
        (Condition::Pushed, What::Pushed { change: change.clone() }),
        (
            Condition::RolledBack,
            What::RolledBack {
                change,
                from: Some("000008".to_owned()),
            },
        ),
        (
            Condition::WaitingForApproval,
            What::WaitingForApproval {
                sentence: "it waits for a person: trainyard approve r1".to_owned(),
            },
        ),
        (
            Condition::ScheduleMissed,
            What::ScheduleMissed {
                cron: "0 * * * *".to_owned(),
                timezone: "UTC".to_owned(),
                missed,
            },
        ),
    ] {
        let mut news = finished(4, RunState::Succeeded, None, None);
        news.id = format!("r4/{}", condition.as_str());
        news.what = what;
        all.push(Notice {
            channel: "team".to_owned(),
            condition,
            news,
            since: None,
            over: false,
        });
    }
    all
}

#[test]
fn people_read_what_happened_and_since_when() {
    let all = every_kind();
    let texts = all.iter().map(|notice| {
        let mail = mail(notice, Some("https://yard.example.org/"));
        format!("Subject: {}\n{}", mail.subject, mail.text)
    });
    assert_snapshot!(texts.collect::<Vec<_>>().join("----\n"), @"
    Subject: [trainyard] flights failed on main of acme/flights
    flights failed on main of acme/flights

    step 'train' ended with code 1 <!channel>
    run r1, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r1
    ----
    Subject: [trainyard] flights: the data drift on main of acme/flights
    flights: the data drift on main of acme/flights

    column 'temp': it drifted by 0.4
    run r1, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r1
    ----
    Subject: [trainyard] flights: model rejected on main of acme/flights
    flights: model rejected on main of acme/flights

    accuracy is 0.61, below 0.65
    it failed since run r1 (2026-09-21 14:14 UTC)
    run r2, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r2
    ----
    Subject: [trainyard] flights: the data no longer drift on main of acme/flights
    flights: the data no longer drift on main of acme/flights

    its data drifted since run r1 (2026-09-21 14:14 UTC)
    run r2, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r2
    ----
    Subject: [trainyard] flights is well again on main of acme/flights
    flights is well again on main of acme/flights

    step 'train' ended with code 1 <!channel>
    its models were rejected since run r2 (2026-09-21 14:15 UTC)
    run r3, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r3
    ----
    Subject: [trainyard] flights: model rejected on main of acme/flights
    flights: model rejected on main of acme/flights

    accuracy is 0.61, below 0.65
    run r4, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r4
    ----
    Subject: [trainyard] flights: version 000007 serves at flights
    flights: version 000007 serves at flights

    by ada: it is better
    model sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    run r4, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r4
    ----
    Subject: [trainyard] flights: target flights was rolled back to version 000007
    flights: target flights was rolled back to version 000007

    version 000008 was withdrawn
    by ada: it is better
    model sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    run r4, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r4
    ----
    Subject: [trainyard] flights waits for approval on main of acme/flights
    flights waits for approval on main of acme/flights

    it waits for a person: trainyard approve r1
    run r4, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r4
    ----
    Subject: [trainyard] flights: its schedule was missed
    flights: its schedule was missed

    2 runs from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC were due by '0 * * * *' (UTC) while no service was there; one of them is made up for now
    run r4, commit aaaaaaaaaa, push to main

    https://yard.example.org/runs/r4
    ");
}

#[test]
fn slack_obeys_nothing_that_others_wrote() {
    let all = every_kind();
    assert_snapshot!(slack(&all[0], Some("https://yard.example.org")), @r#"{"text":"*flights failed on main of acme/flights*\nstep 'train' ended with code 1 &lt;!channel&gt;\nrun r1, commit aaaaaaaaaa, push to main\n<https://yard.example.org/runs/r1|details>"}"#);
    assert_snapshot!(slack(&all[0], None), @r#"{"text":"*flights failed on main of acme/flights*\nstep 'train' ended with code 1 &lt;!channel&gt;\nrun r1, commit aaaaaaaaaa, push to main"}"#);
}

#[test]
fn programs_read_events_and_alerts() {
    let all = every_kind();
    let events: Vec<String> = all.iter().map(|notice| cloud_event(notice, None).to_string()).collect();
    assert_snapshot!(events.join("\n"), @r#"
    {"specversion":"1.0","id":"r1/finished/failed","source":"/trainyard","type":"io.trainyard.pipeline.failed","subject":"flights","time":"2026-09-21T14:14:20Z","datacontenttype":"application/json","data":{"condition":"failed","title":"flights failed on main of acme/flights","text":"step 'train' ended with code 1 <!channel>\nrun r1, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r1","cause":"push to main","state":"failed","drifted":["column 'temp': it drifted by 0.4"]}}
    {"specversion":"1.0","id":"r1/finished/drift","source":"/trainyard","type":"io.trainyard.data.drifted","subject":"flights","time":"2026-09-21T14:14:20Z","datacontenttype":"application/json","data":{"condition":"drift","title":"flights: the data drift on main of acme/flights","text":"column 'temp': it drifted by 0.4\nrun r1, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r1","cause":"push to main","state":"failed","drifted":["column 'temp': it drifted by 0.4"]}}
    {"specversion":"1.0","id":"r2/finished/rejected","source":"/trainyard","type":"io.trainyard.pipeline.rejected","subject":"flights","time":"2026-09-21T14:15:20Z","datacontenttype":"application/json","data":{"condition":"rejected","title":"flights: model rejected on main of acme/flights","text":"accuracy is 0.61, below 0.65\nit failed since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r2","cause":"push to main","since":{"what":"failed","run":"r1","at":"2026-09-21T14:14:20Z"},"state":"succeeded","blessing":"not_blessed","failures":["accuracy is 0.61, below 0.65"],"drifted":[]}}
    {"specversion":"1.0","id":"r2/finished/drift","source":"/trainyard","type":"io.trainyard.data.drifted","subject":"flights","time":"2026-09-21T14:15:20Z","datacontenttype":"application/json","data":{"condition":"drift","title":"flights: the data no longer drift on main of acme/flights","text":"its data drifted since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r2","cause":"push to main","over":true,"since":{"what":"drift","run":"r1","at":"2026-09-21T14:14:20Z"},"state":"succeeded","blessing":"not_blessed","failures":["accuracy is 0.61, below 0.65"],"drifted":[]}}
    {"specversion":"1.0","id":"r3/finished/recovered","source":"/trainyard","type":"io.trainyard.pipeline.recovered","subject":"flights","time":"2026-09-21T14:16:20Z","datacontenttype":"application/json","data":{"condition":"recovered","title":"flights is well again on main of acme/flights","text":"step 'train' ended with code 1 <!channel>\nits models were rejected since run r2 (2026-09-21 14:15 UTC)\nrun r3, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r3","cause":"push to main","over":true,"since":{"what":"rejected","run":"r2","at":"2026-09-21T14:15:20Z"},"state":"succeeded","blessing":"blessed"}}
    {"specversion":"1.0","id":"r4/judged","source":"/trainyard","type":"io.trainyard.gate.judged","subject":"flights","time":"2026-09-21T14:17:20Z","datacontenttype":"application/json","data":{"condition":"judged","title":"flights: model rejected on main of acme/flights","text":"accuracy is 0.61, below 0.65\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","blessing":"not_blessed","failures":["accuracy is 0.61, below 0.65"]}}
    {"specversion":"1.0","id":"r4/pushed","source":"/trainyard","type":"io.trainyard.model.pushed","subject":"flights","time":"2026-09-21T14:17:20Z","datacontenttype":"application/json","data":{"condition":"pushed","title":"flights: version 000007 serves at flights","text":"by ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","serving":{"target":"flights","version":"000007","model":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","actor":"ada","reason":"it is better"}}}
    {"specversion":"1.0","id":"r4/rolled_back","source":"/trainyard","type":"io.trainyard.model.rolled_back","subject":"flights","time":"2026-09-21T14:17:20Z","datacontenttype":"application/json","data":{"condition":"rolled_back","title":"flights: target flights was rolled back to version 000007","text":"version 000008 was withdrawn\nby ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","serving":{"target":"flights","version":"000007","model":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","actor":"ada","reason":"it is better"},"withdrawn":"000008"}}
    {"specversion":"1.0","id":"r4/waiting_for_approval","source":"/trainyard","type":"io.trainyard.approval.requested","subject":"flights","time":"2026-09-21T14:17:20Z","datacontenttype":"application/json","data":{"condition":"waiting_for_approval","title":"flights waits for approval on main of acme/flights","text":"it waits for a person: trainyard approve r1\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main"}}
    {"specversion":"1.0","id":"r4/schedule_missed","source":"/trainyard","type":"io.trainyard.schedule.missed","subject":"flights","time":"2026-09-21T14:17:20Z","datacontenttype":"application/json","data":{"condition":"schedule_missed","title":"flights: its schedule was missed","text":"2 runs from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC were due by '0 * * * *' (UTC) while no service was there; one of them is made up for now\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","cron":"0 * * * *","timezone":"UTC","first":"2026-09-21T14:13:20Z","last":"2026-09-21T15:13:20Z","count":2,"caught_up":1}}
    "#);
    let alerts: Vec<String> = all.iter().map(|notice| alert(notice, None).to_string()).collect();
    assert_snapshot!(alerts.join("\n"), @r#"
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights failed on main of acme/flights","description":"step 'train' ended with code 1 <!channel>\nrun r1, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardFailed","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"critical"},"annotations":{"summary":"flights failed on main of acme/flights","description":"step 'train' ended with code 1 <!channel>\nrun r1, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:14:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"3077cf5171f1323d"}],"id":"r1/finished/failed","data":{"condition":"failed","title":"flights failed on main of acme/flights","text":"step 'train' ended with code 1 <!channel>\nrun r1, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r1","cause":"push to main","state":"failed","drifted":["column 'temp': it drifted by 0.4"]}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: the data drift on main of acme/flights","description":"column 'temp': it drifted by 0.4\nrun r1, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardDrift","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"warning"},"annotations":{"summary":"flights: the data drift on main of acme/flights","description":"column 'temp': it drifted by 0.4\nrun r1, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:14:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"775ac66fb95b5f9b"}],"id":"r1/finished/drift","data":{"condition":"drift","title":"flights: the data drift on main of acme/flights","text":"column 'temp': it drifted by 0.4\nrun r1, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r1","cause":"push to main","state":"failed","drifted":["column 'temp': it drifted by 0.4"]}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: model rejected on main of acme/flights","description":"accuracy is 0.61, below 0.65\nit failed since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardRejected","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"warning"},"annotations":{"summary":"flights: model rejected on main of acme/flights","description":"accuracy is 0.61, below 0.65\nit failed since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:15:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"da64feac3a8f75b8"},{"status":"resolved","labels":{"alertname":"TrainyardFailed","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"critical"},"annotations":{"summary":"flights: model rejected on main of acme/flights","description":"accuracy is 0.61, below 0.65\nit failed since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:14:20Z","endsAt":"2026-09-21T14:15:20Z","generatorURL":"","fingerprint":"3077cf5171f1323d"}],"id":"r2/finished/rejected","data":{"condition":"rejected","title":"flights: model rejected on main of acme/flights","text":"accuracy is 0.61, below 0.65\nit failed since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r2","cause":"push to main","since":{"what":"failed","run":"r1","at":"2026-09-21T14:14:20Z"},"state":"succeeded","blessing":"not_blessed","failures":["accuracy is 0.61, below 0.65"],"drifted":[]}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"resolved","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: the data no longer drift on main of acme/flights","description":"its data drifted since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"resolved","labels":{"alertname":"TrainyardDrift","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"warning"},"annotations":{"summary":"flights: the data no longer drift on main of acme/flights","description":"its data drifted since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:14:20Z","endsAt":"2026-09-21T14:15:20Z","generatorURL":"","fingerprint":"775ac66fb95b5f9b"}],"id":"r2/finished/drift","data":{"condition":"drift","title":"flights: the data no longer drift on main of acme/flights","text":"its data drifted since run r1 (2026-09-21 14:14 UTC)\nrun r2, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r2","cause":"push to main","over":true,"since":{"what":"drift","run":"r1","at":"2026-09-21T14:14:20Z"},"state":"succeeded","blessing":"not_blessed","failures":["accuracy is 0.61, below 0.65"],"drifted":[]}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"resolved","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights is well again on main of acme/flights","description":"step 'train' ended with code 1 <!channel>\nits models were rejected since run r2 (2026-09-21 14:15 UTC)\nrun r3, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"resolved","labels":{"alertname":"TrainyardRejected","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"warning"},"annotations":{"summary":"flights is well again on main of acme/flights","description":"step 'train' ended with code 1 <!channel>\nits models were rejected since run r2 (2026-09-21 14:15 UTC)\nrun r3, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:15:20Z","endsAt":"2026-09-21T14:16:20Z","generatorURL":"","fingerprint":"da64feac3a8f75b8"}],"id":"r3/finished/recovered","data":{"condition":"recovered","title":"flights is well again on main of acme/flights","text":"step 'train' ended with code 1 <!channel>\nits models were rejected since run r2 (2026-09-21 14:15 UTC)\nrun r3, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r3","cause":"push to main","over":true,"since":{"what":"rejected","run":"r2","at":"2026-09-21T14:15:20Z"},"state":"succeeded","blessing":"blessed"}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: model rejected on main of acme/flights","description":"accuracy is 0.61, below 0.65\nrun r4, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardJudged","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"info"},"annotations":{"summary":"flights: model rejected on main of acme/flights","description":"accuracy is 0.61, below 0.65\nrun r4, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:17:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"50453874d79429fa"}],"id":"r4/judged","data":{"condition":"judged","title":"flights: model rejected on main of acme/flights","text":"accuracy is 0.61, below 0.65\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","blessing":"not_blessed","failures":["accuracy is 0.61, below 0.65"]}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: version 000007 serves at flights","description":"by ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardPushed","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"info"},"annotations":{"summary":"flights: version 000007 serves at flights","description":"by ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:17:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"7f51a1aec5725bfc"}],"id":"r4/pushed","data":{"condition":"pushed","title":"flights: version 000007 serves at flights","text":"by ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","serving":{"target":"flights","version":"000007","model":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","actor":"ada","reason":"it is better"}}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: target flights was rolled back to version 000007","description":"version 000008 was withdrawn\nby ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardRolledBack","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"warning"},"annotations":{"summary":"flights: target flights was rolled back to version 000007","description":"version 000008 was withdrawn\nby ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:17:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"61a5ddbfc82af075"}],"id":"r4/rolled_back","data":{"condition":"rolled_back","title":"flights: target flights was rolled back to version 000007","text":"version 000008 was withdrawn\nby ada: it is better\nmodel sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","serving":{"target":"flights","version":"000007","model":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","actor":"ada","reason":"it is better"},"withdrawn":"000008"}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights waits for approval on main of acme/flights","description":"it waits for a person: trainyard approve r1\nrun r4, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardWaitingForApproval","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"info"},"annotations":{"summary":"flights waits for approval on main of acme/flights","description":"it waits for a person: trainyard approve r1\nrun r4, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:17:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"6114b4d149eabd92"}],"id":"r4/waiting_for_approval","data":{"condition":"waiting_for_approval","title":"flights waits for approval on main of acme/flights","text":"it waits for a person: trainyard approve r1\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main"}}
    {"version":"4","groupKey":"{}:{pipeline=\"flights\"}","truncatedAlerts":0,"status":"firing","receiver":"team","groupLabels":{"pipeline":"flights"},"commonLabels":{"pipeline":"flights"},"commonAnnotations":{"summary":"flights: its schedule was missed","description":"2 runs from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC were due by '0 * * * *' (UTC) while no service was there; one of them is made up for now\nrun r4, commit aaaaaaaaaa, push to main"},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"TrainyardScheduleMissed","branch":"main","pipeline":"flights","repository":"acme/flights","severity":"warning"},"annotations":{"summary":"flights: its schedule was missed","description":"2 runs from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC were due by '0 * * * *' (UTC) while no service was there; one of them is made up for now\nrun r4, commit aaaaaaaaaa, push to main"},"startsAt":"2026-09-21T14:17:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"af4f50b090ae443b"}],"id":"r4/schedule_missed","data":{"condition":"schedule_missed","title":"flights: its schedule was missed","text":"2 runs from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC were due by '0 * * * *' (UTC) while no service was there; one of them is made up for now\nrun r4, commit aaaaaaaaaa, push to main","pipeline":"flights","repository":"acme/flights","branch":"main","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","run":"r4","cause":"push to main","cron":"0 * * * *","timezone":"UTC","first":"2026-09-21T14:13:20Z","last":"2026-09-21T15:13:20Z","count":2,"caught_up":1}}
    "#);
}

#[test]
fn an_alert_is_resolved_under_the_fingerprint_that_it_had() {
    let all = heard(&[
        finished(1, RunState::Failed, None, None),
        finished(2, RunState::Succeeded, NOT_BLESSED, None),
        finished(3, RunState::Succeeded, BLESSED, None),
    ])
    .concat();
    let alerts: Vec<_> = all.iter().map(|notice| alert(notice, None)).collect();
    let prints = |at: usize| -> Vec<(String, String)> {
        let all = alerts[at]["alerts"].as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        all.map(|alert| (text(&alert["status"]), text(&alert["fingerprint"])))
            .collect()
    };
    let [failed, rejected, well] = [prints(0), prints(1), prints(2)];
    assert_eq!(failed[0].0, "firing");
    assert_eq!(rejected[0].0, "firing");
    assert_eq!(rejected[1], ("resolved".to_owned(), failed[0].1.clone()));
    assert_eq!(well, [("resolved".to_owned(), rejected[0].1.clone())]);
    assert_eq!(alerts[2]["status"], "resolved");
}

proptest! {
    /// Whatever runs become: no trouble is told twice in a row, each end follows a trouble, and at the end of all is
    /// told what is so.
    #[test]
    fn troubles_and_their_ends_follow_each_other(outcomes in prop::collection::vec(0_u8..4, 0..40)) {
        let runs: Vec<News> = outcomes
            .iter()
            .zip(0..)
            .map(|(outcome, number)| match outcome {
                0 => finished(number, RunState::Failed, None, None),
                1 => finished(number, RunState::Succeeded, NOT_BLESSED, None),
                2 => finished(number, RunState::Cancelled, None, None),
                _ => finished(number, RunState::Succeeded, BLESSED, None),
            })
            .collect();
        let told: Vec<Condition> = heard(&runs).concat().iter().map(|notice| notice.condition).collect();
        prop_assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
        prop_assert!(told.first() != Some(&Condition::Recovered));
        let last = outcomes.iter().rev().find(|outcome| **outcome != 2);
        let is_well = told.last().is_none_or(|last| *last == Condition::Recovered);
        prop_assert_eq!(is_well, last.is_none_or(|last| *last == 3));
    }
}
