//! What every kind of event means, in a table for each: what follows, and the outcome that is stored.

mod asked;
mod head;
mod repository;

use super::{Consequence, FoundPipeline, Given, Interpretation, KnownPipeline};
use crate::ids::{CommitSha, EventId, Micros, RepoName, RunId};
use crate::plan::Plan;
use crate::report::{Answer, Audience, Telling};
use crate::run::RunRequest;
use crate::spec;
use crate::spec::tests::{FLIGHTS, flights};
use serde_json::Map;

fn repo() -> RepoName {
    RepoName::parse("acme/flights").unwrap()
}

fn sha(c: char) -> CommitSha {
    CommitSha::new(c.to_string().repeat(40))
}

const GITHUB: Audience = Audience {
    github: true,
    public_url: None,
};

/// Event `e` at second 100, with runs `r1`, `r2` and so on.
fn given() -> Given<'static> {
    let mut made = 0;
    Given {
        event: EventId::from("e"),
        at: Micros(0).plus_seconds(100),
        run_ids: Box::new(move || {
            made += 1;
            RunId::new(format!("r{made}"))
        }),
        audience: &GITHUB,
    }
}

/// The example under another name.
fn named(name: &str) -> Plan {
    Plan {
        pipeline: name.to_owned(),
        ..flights()
    }
}

fn found(plan: Plan) -> FoundPipeline {
    FoundPipeline {
        folder: format!("pipelines/{}", plan.pipeline),
        plan: Ok(plan),
    }
}

/// The example after one replacement, as it is found in `pipelines/flights`.
fn edited(from: &str, to: &str) -> FoundPipeline {
    assert!(FLIGHTS.contains(from), "{from}");
    FoundPipeline {
        folder: "pipelines/flights".to_owned(),
        plan: spec::load("p.yaml", &FLIGHTS.replacen(from, to, 1), &Map::new()),
    }
}

fn known(plan: Plan) -> KnownPipeline {
    KnownPipeline {
        repo: repo(),
        installation_id: Some(7),
        branch: "main".to_owned(),
        commit: sha('c'),
        name: plan.pipeline.clone(),
        folder: format!("pipelines/{}", plan.pipeline),
        plan,
    }
}

/// An interpretation in lines: what follows, then the outcome.
fn told(meaning: &Interpretation) -> String {
    let consequences = meaning.consequences.iter().map(|consequence| match consequence {
        Consequence::Start(run) => started(run),
        Consequence::Hold(hold) => {
            let seconds = hold.until.0 / 1_000_000;
            format!(
                "hold until {seconds} s: {}: {}",
                hold.payload.key(),
                hold.payload.spans.join(", ")
            )
        }
        Consequence::Tell(telling) => heard(telling),
        Consequence::Ask(ask) => format!("ask: {}", ask.asked.sentence()),
        Consequence::SeeBranch(seen) => format!("see {} at {}", seen.branch, &seen.head.as_str()[..1]),
        Consequence::See(seen) => {
            let open = if seen.open { "open" } else { "closed" };
            let head = &seen.head.as_str()[..1];
            format!("see #{} {open}: {head} into {}", seen.number, seen.base)
        }
    });
    let outcome = Some(meaning.outcome()).filter(|outcome| !outcome.is_empty());
    let outcome = outcome.map(|outcome| format!("outcome: {outcome}"));
    consequences.chain(outcome).collect::<Vec<_>>().join("\n")
}

fn started(run: &RunRequest) -> String {
    assert_eq!(run.event, Some(EventId::from("e")), "every run knows its event");
    let RunRequest {
        id,
        trigger,
        cause,
        folder,
        ..
    } = run;
    let pushes = if run.may_push { "may push" } else { "never pushes" };
    let mut line = format!("start {id} ({trigger}): {cause}: {folder}, {pushes}");
    if let (Some(commit), Some(branch)) = (&run.commit, &run.branch) {
        line += &format!(", {} of {branch}", &commit.as_str()[..1]);
    }
    if let Some(fork) = &run.fork {
        line += &format!(
            ", of fork {:?} by the rules of {}",
            fork.repo_id,
            &fork.base_sha.as_str()[..1]
        );
    }
    for (source, span) in &run.as_of_spans {
        line += &format!(", as of {source} {span}");
    }
    for (source, span) in &run.newest_spans {
        line += &format!(", {source} up to {span}");
    }
    line
}

fn heard(telling: &Telling) -> String {
    let answer = match telling {
        Telling::Answer(answer) => answer,
        // Of a fork's run, which waits.
        Telling::Comment(remark) => return format!("comment on #{}", remark.number),
    };
    let Answer {
        subject,
        question,
        status,
        ..
    } = answer.as_ref();
    assert_eq!((&subject.repo, answer.installation_id), (&repo(), Some(7)));
    format!(
        "tell {} for {}: {} {:?}: {}",
        &subject.commit.as_str()[..1],
        question.base,
        status.context,
        status.state,
        status.description
    )
}

/// The tables' rows with their names.
fn table<const N: usize>(rows: [(&str, Interpretation); N]) -> String {
    let rows = rows
        .iter()
        .map(|(name, meaning)| format!("- {name}\n{}", told(meaning)));
    rows.collect::<Vec<_>>().join("\n")
}
