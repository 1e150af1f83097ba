//! What happens, and what was there before.

use super::stage::{Act, Stage, Story, rest};
use crate::infra_validation::Trials;
use crate::intents::{self, Kind};
use crate::notify::Receivers;
use crate::second_process::sql;
use crate::tiny;
use crate::yard::{REPO, Yard, until};
use serde_json::Map;
use std::time::Duration;
use trainyard_core::access::{Identity, Role, Scope};
use trainyard_core::ids::{DeliveryId, Micros, RepoName};
use trainyard_core::retention::Policy;
use trainyard_core::run::{Person, RunState};
use trainyard_engine::{CrashPoint, Effect, Keep, PromoteRequest, reached};
use trainyard_executors::fake::Script;
use trainyard_github::simulator::Fault;
use trainyard_store::{Over, SessionRow, Token};

macro_rules! stories {
    ($($name:literal: $before:expr, $($act:ident |$stage:ident| $does:block)+)*) => {
        pub const STORIES: &[Story] = &[$(Story {
            name: $name,
            before: || Box::pin($before),
            acts: &[$(Act::$act(|$stage| Box::pin(async move { $does }))),+],
        }),*];
    };
}

async fn train(yard: &Yard, auc: &str) {
    let runs = yard.runs().await.len();
    yard.push(&[("auc: 0.7", &format!("auc: {auc}"))]).await;
    yard.last(runs + 1).await;
}

async fn trained(models: &[&str]) -> Stage {
    let yard = Yard::new().await;
    for auc in models {
        train(&yard, auc).await;
    }
    Stage::of(yard)
}

async fn checked() -> Stage {
    Stage::of(Yard::as_app().await)
}

async fn with_pull_request() -> Stage {
    let mut stage = trained(&["0.7", "0.75"]).await;
    let yard = stage.yard();
    yard.work.branch("better").await;
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let opened = yard.github.open_pull_request(REPO, "Be better", "better", "main");
    opened.await.unwrap();
    yard.finished(3).await;
    stage
}

async fn told(models: &[&str]) -> Stage {
    let (yard, receiver) = intents::yard(Kind::Status).await;
    for auc in models {
        train(&yard, auc).await;
    }
    Stage {
        receiver: Some(receiver),
        ..Stage::of(yard)
    }
}

async fn tried() -> Stage {
    Stage {
        trials: Some(Trials::new().await),
        ..Stage::default()
    }
}

async fn strict() -> Stage {
    let yard = Yard::with(|config| {
        config.retention = Policy {
            keep_runs: Some(1),
            keep_versions: 1,
            ..Policy::default()
        };
    })
    .await;
    for auc in ["0.7", "0.75", "0.8"] {
        train(&yard, auc).await;
    }
    Stage::of(yard)
}

async fn forgetful(models: &[&str]) -> Stage {
    let yard = Yard::with(|config| {
        config.retention = Policy {
            max_record_age: Some(Duration::ZERO),
            max_delivery_age: Some(Duration::ZERO),
            ..Policy::default()
        };
    })
    .await;
    for auc in models {
        train(&yard, auc).await;
    }
    Stage {
        forgets: true,
        ..Stage::of(yard)
    }
}

async fn sweeping() -> Stage {
    let yard = Yard::with(|config| {
        if let Some(github) = &mut config.github {
            github.sweep_every = Some(Duration::from_millis(600));
        }
    });
    Stage::of(yard.await)
}

/// Somebody is told beside GitHub, and the first run fails.
async fn heard() -> Stage {
    let receivers = Receivers::start().await;
    let channels = receivers.channels();
    let yard = Yard::with(|config| config.notify = channels).await;
    yard.script("left", |_, _| Script::exits(1, "no left half"));
    Stage {
        heard: Some(receivers),
        ..Stage::of(yard)
    }
}

async fn missed() -> Stage {
    Stage {
        stopped: true,
        ..Stage::of(crate::schedule::missed().await)
    }
}

/// A person wants the model of this run to serve.
async fn promote(stage: &mut Stage, run: usize) {
    let yard = stage.yard();
    let request = PromoteRequest {
        model: yard.runs().await[run].id.to_string(),
        target: None,
        reason: Some("a person wants it".to_owned()),
        actor: "ada".to_owned(),
    };
    let _ = yard.engine.promote(&request).await;
}

/// Until a delivery says why it waits.
async fn why_it_waits(yard: &Yard) {
    until("why it waits", async || {
        let views = yard.engine.reads().deliveries(10).await.unwrap();
        views.into_iter().find(|view| view.waits_for.is_some()).map(drop)
    })
    .await;
}

async fn passed(effect: Effect) {
    until(&effect.name(), async || {
        reached().contains(&CrashPoint::After(effect)).then_some(())
    })
    .await;
}

/// The first attempt of a step fails, and it is tried again.
const RETRY: (&str, &str) = (
    "inputs: { examples: examples }, outputs: { half: Half } }\n  right:",
    "inputs: { examples: examples }, outputs: { half: Half }, retry: { max_retry_count: 1, backoff_duration: 1s } }\n  right:",
);

const ASKS: (&str, &str) = ("push: { target: tiny }", "push: { target: tiny, approval: required }");
const ASKS_SOON: (&str, &str) = (
    "push: { target: tiny }",
    "push: { target: tiny, approval: required, approval_expires: 1s }",
);

/// A person's word on the newest run, as soon as it waits for one.
async fn decide(stage: &mut Stage, yes: bool) {
    let yard = stage.yard();
    let run = until("a run that waits", async || {
        let runs = yard.runs().await;
        let newest = runs.last().filter(|_| runs.len() > 1)?;
        let waits = newest.state == RunState::WaitingForApproval;
        (waits || newest.state.is_final()).then(|| newest.id.clone())
    })
    .await;
    let ada = Person::Operator { name: "ada".to_owned() };
    let _ = match yes {
        true => yard.engine.approve(&run, &ada, "a person wants it").await,
        false => yard.engine.reject(&run, &ada, "a person does not").await,
    };
    decided(yard).await;
}

/// Until nothing waits for a person.
async fn decided(yard: &Yard) {
    until("the end of the run", async || {
        let runs = yard.runs().await;
        (runs.len() > 1 && runs.iter().all(|run| run.state.is_final())).then_some(())
    })
    .await;
}

stories! {
    "a first model, at the second attempt": trained(&[]),
    Outside |stage| {
        stage.yard().script("left", |key, program| match key.attempt {
            1 => Script::exits(1, "the first attempt fails"),
            _ => crate::tiny::usual(program),
        });
        stage.push(&[RETRY]).await;
    }
    "a third model": trained(&["0.7", "0.75"]),
    Outside |stage| { stage.push(&[("auc: 0.7", "auc: 0.8")]).await; }
    "a delivery that a person has looked at anew": trained(&["0.7"]),
        Asks |stage| {
            let yard = stage.yard();
            let id = yard.engine.reads().newest_deliveries().await.unwrap().remove(0);
            yard.engine.replay_delivery(&id, "ada", false).await.unwrap();
        }
    "a rollback": trained(&["0.7", "0.75", "0.8", "0.85"]),
    Asks |stage| { let _ = stage.yard().engine.roll_back("tiny", "ada", None).await; }
    "a rollback that the server refuses": trained(&["0.7", "0.75"]),
    Asks |stage| {
        let yard = stage.yard();
        yard.server.refuse_after(1, 1);
        let _ = yard.engine.roll_back("tiny", "ada", None).await;
        yard.server.refuse_after(0, 0);
    }
    Outside |stage| { stage.yard().server.refuse_after(0, 0); }
    "promotions of what the gate did not approve": trained(&["0.7", "0.65", "0.62"]),
    Asks |stage| { promote(stage, 1).await; }
    Asks |stage| { promote(stage, 2).await; }
    "a name, and a target that is held and released": trained(&["0.7"]),
    Asks |stage| { let _ = stage.yard().engine.set_alias("tiny", "challenger", "000001", "ada", None).await; }
    Asks |stage| { let _ = stage.yard().engine.hold_target("tiny", "ada", "it is Friday").await; }
    Asks |stage| { let _ = stage.yard().engine.release_target("tiny", "ada", None).await; }
    "a pull request that proposes another gate": trained(&["0.7"]),
    Outside |stage| {
        stage.yard().work.branch("worse").await;
        let lowered = ("lower_bound: 0.6", "lower_bound: 0.1");
        stage.push(&[lowered, ("auc: 0.7", "auc: 0.65")]).await;
        stage.sent += 1;
        stage.yard().github.open_pull_request(REPO, "Be worse", "worse", "main").await.unwrap();
    }
    "a webhook that nobody took": sweeping(),
    Outside |stage| { stage.push(&[]).await; }
    Asks |stage| {
        let yard = stage.yard();
        until("a first sweep", async || {
            let known = yard.engine.reads().known_repositories().await.unwrap();
            known.iter().any(|known| known.swept.is_some()).then_some(())
        })
        .await;
    }
    Outside |stage| {
        stage.yard().crash().await;
        stage.push(&[("auc: 0.7", "auc: 0.75")]).await;
        let github = &stage.yard().github;
        until("a webhook that nobody took", async || {
            github.deliveries().iter().any(|delivery| delivery.status != "OK").then_some(())
        })
        .await;
    }
    Asks |stage| {
        let yard = stage.yard();
        yard.restart().await;
        until("another attempt", async || {
            yard.github.deliveries().iter().any(|delivery| delivery.redelivery).then_some(())
        })
        .await;
    }
    "a branch that is deleted": with_pull_request(),
    Outside |stage| {
        stage.sent += 1;
        stage.yard().work.git(&["push", "--quiet", "origin", ":better"]).await;
    }
    "an image that cannot be built": trained(&[]),
    Outside |stage| {
        stage.yard().images.fail("the build failed", &["not found"]);
        stage.push(&[]).await;
    }
    "a first model that cannot serve": trained(&[]),
    Outside |stage| { stage.push(&[("serve: well", "serve: broken")]).await; }
    "a cancel": trained(&[]),
    Outside |stage| {
        stage.yard().hold("train");
        stage.push(&[]).await;
    }
    Asks |stage| {
        let yard = stage.yard();
        yard.started("train", 1).await;
        let run = yard.runs().await[0].id.clone();
        let _ = yard.engine.cancel(&run, "ada").await;
    }
    "a comment asks": with_pull_request(),
    Outside |stage| {
        stage.sent += 1;
        let yard = stage.yard();
        // Nothing answers for a moment.
        yard.github.inject([Fault::Status(502)]);
        let asked = "/trainyard rerun\n/trainyard rollback\n/trainyard help";
        yard.github.say("octocat", REPO, 1, asked).unwrap();
        // Nobody waits for webhooks of our own answers.
        yard.github.keep_comments();
    }
    Asks |stage| {
        let yard = stage.yard();
        until("what was asked", async || {
            let settled = yard.engine.reads().deliveries(100).await.unwrap();
            let asked = settled.iter().any(|view| view.kind == "issue_comment" && view.processed_at.is_some());
            let open = yard.engine.reads().open_asks(0, 1).await.unwrap();
            (asked && open.is_empty()).then_some(())
        })
        .await;
    }
    "data arrive": trained(&["0.7"]),
    Outside |stage| { stage.yard().data("2013-02", "3,4\n"); }
    Asks |stage| { stage.yard().arrive("new-data", "rows", "2013-02").await.unwrap(); }
    "a person runs what serves already": trained(&["0.7"]),
    Asks |stage| {
        let repo = RepoName::parse(REPO).unwrap();
        let _ = stage.yard().engine.request_known(&repo, "tiny", &Map::new(), "ada").await;
    }
    "a failure and its end are told": heard(),
    Outside |stage| { stage.push(&[]).await; }
    Asks |stage| { rest(stage, "a failure").await; }
    Outside |stage| {
        stage.yard().script("left", |_, program| tiny::usual(program));
        stage.push(&[("auc: 0.7", "auc: 0.71")]).await;
    }
    "a token and a session": trained(&["0.7"]),
    Asks |stage| {
        let engine = &stage.yard().engine;
        let at = Micros(1_725_000_000_000_000);
        let token = Token {
            name: "ci".to_owned(),
            scope: Scope { role: Role::Viewer, pipelines: None },
            created_by: "ada".to_owned(),
            created_at: at,
            expires_at: None,
            used_at: None,
            revoked: None,
        };
        let _ = engine.create_token("hash", token).await;
        let _ = engine.token_used("hash").await;
        let _ = engine.revoke_token("ci", "ada").await;
        let session = SessionRow {
            identity: Identity::Service,
            proof: "proof".to_owned(),
            began_at: at,
            used_at: at,
        };
        let over = Over { unused_since: at, began_before: at, most: 10, most_of_one: 10 };
        let _ = engine.begin_session("hash", session, over).await;
        let _ = engine.session_used("hash").await;
        let _ = engine.end_session("hash").await;
        let _ = engine.end_session_of("hash", "a session of ada", "ada").await;
    }
    "a slot that was missed": missed(),
    Asks |stage| {
        stage.yard().restart().await;
        stage.yard().finished(2).await;
    }
    "what nothing keeps goes": strict(),
    Asks |stage| { let _ = stage.yard().engine.collect_garbage(false).await; }
    "old records go": forgetful(&["0.7", "0.5", "0.75"]),
    Asks |stage| { let _ = stage.yard().engine.collect_garbage(false).await; }
    "an old delivery that nobody can read": forgetful(&["0.7"]),
    Asks |stage| {
        let yard = stage.yard();
        yard.stop_loops().await;
        yard.arrive("unreadable", "rows", "2013-01").await.unwrap();
    }
    Outside |stage| { sql(stage.yard(), "UPDATE deliveries SET headers = '{' WHERE processed_at IS NULL").await; }
    Asks |stage| {
        let yard = stage.yard();
        yard.restart().await;
        until("its end", async || {
            let _ = yard.engine.collect_garbage(false).await;
            let row = yard.engine.reads().delivery(&DeliveryId::from("/lake#unreadable")).await.unwrap();
            row.is_none_or(|row| row.processed_at.is_some()).then_some(())
        })
        .await;
    }
    "a receiver": told(&["0.7"]),
    Outside |stage| { stage.push(&[("auc: 0.7", "auc: 0.75")]).await; }
    "a receiver that somebody else changed": told(&["0.7", "0.75"]),
    Outside |stage| { stage.receiver.as_ref().unwrap().serve("000001"); }
    Asks |stage| {
        let yard = stage.yard();
        yard.restart().await;
        until("the finding", async || yard.engine.reads().finding("tiny").await.unwrap()).await;
    }
    Asks |stage| {
        let _ = stage.yard().engine.reconcile_target("tiny", Keep::Served, "ada", "it was too slow").await;
    }
    "a trial": tried(),
    Outside |stage| { stage.push(&[]).await; }
    "a trial that a promotion does not pass": async {
        let mut stage = tried().await;
        train(stage.yard(), "0.7").await;
        stage.push(&[("auc: 0.7", "auc: 0.8"), ("serve: well", "serve: wrong")]).await;
        stage.yard().last(2).await;
        stage
    },
    Asks |stage| { promote(stage, 1).await; }
    "GitHub in trouble": trained(&[]),
    Outside |stage| {
        stage.yard().github.inject([Fault::Pass, Fault::RetryAfter(1), Fault::RetryAfter(1), Fault::RetryAfter(1)]);
        stage.push(&[]).await;
    }
    "a delivery that waits for its source": trained(&[]),
    Outside |stage| {
        // A file where the folder of the mirrors is to be: git of this machine is in trouble.
        let mirrors = stage.yard().config.data_dir.join("repos");
        let _ = std::fs::remove_dir_all(&mirrors);
        std::fs::write(&mirrors, "").unwrap();
        stage.push(&[]).await;
    }
    Asks |stage| { why_it_waits(stage.yard()).await; }
    Outside |stage| { std::fs::remove_file(stage.yard().config.data_dir.join("repos")).unwrap(); }
    "a run that waits for its executor": trained(&[]),
    Outside |stage| {
        stage.yard().executor.unreachable(2);
        stage.push(&[]).await;
    }
    "a run in whose hands the service died": trained(&[]),
    Outside |stage| {
        stage.yard().hold("train");
        stage.push(&[]).await;
    }
    Asks |stage| {
        let yard = stage.yard();
        yard.started("train", 1).await;
        if !reached().contains(&CrashPoint::After(Effect::CountCrash)) {
            let run = yard.runs().await[0].id.clone();
            std::fs::write(yard.config.data_dir.join(format!("hands/dead.{run}.0")), "").unwrap();
            yard.restart().await;
        }
        passed(Effect::CountCrash).await;
    }
    Outside |stage| { stage.yard().release("train"); }
    "a run that is told as a check run": checked(),
    Outside |stage| { stage.push(&[("auc: 0.7", "auc: 0.75")]).await; }
    "a run that lasts": trained(&[]),
    Outside |stage| {
        stage.yard().hold("train");
        stage.push(&[]).await;
    }
    Asks |_stage| { passed(Effect::RenewLease).await; }
    Outside |stage| { stage.yard().release("train"); }
    "a model that a person approves": trained(&["0.7"]),
    Outside |stage| { stage.push(&[ASKS, ("auc: 0.7", "auc: 0.75")]).await; }
    Asks |stage| { decide(stage, true).await; }
    "a model that nobody approves": trained(&["0.7"]),
    Outside |stage| { stage.push(&[ASKS_SOON, ("auc: 0.7", "auc: 0.75")]).await; }
    Asks |stage| { decided(stage.yard()).await; }
    "a fork that a person rejects": trained(&["0.7"]),
    Outside |stage| {
        // Of the fork's push, too.
        stage.sent += 2;
        crate::forks::open(stage.yard()).await;
    }
    Asks |stage| { decide(stage, false).await; }
}
