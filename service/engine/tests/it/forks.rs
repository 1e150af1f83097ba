//! Forks are hostile: nothing of one runs before a person approved that very commit, and what runs then reaches nobody
//! else's runs.

use crate::tiny;
use crate::workspace::Workspace;
use crate::yard::{REPO, SECRET, Yard, until};
use serde_json::{Value, json};
use trainyard_core::ids::{CommitSha, RepoName, RunId, StepName};
use trainyard_core::plan::{BuildNetwork, NetworkAccess};
use trainyard_core::run::{Permission, Person, RunState, StepState};
use trainyard_engine::{ApprovalError, Decided, Intake, PromoteRequest};
use trainyard_github::signature::sign;
use trainyard_store::RunRow;

const FORK: &str = "mallory/tiny";
/// What the fork's pipeline file says is nobody's business.
const EVIL: [(&str, &str); 3] = [
    ("auc: 0.7", "auc: 0.99"),
    ("lower_bound: 0.6", "lower_bound: 0.0"),
    (
        "command: [left]",
        "command: [left], network: bridge, environment: { STEAL: yes }",
    ),
];

fn ada() -> Person {
    Person::Operator { name: "ada".to_owned() }
}

/// A fork asks to be merged.
pub async fn open(yard: &Yard) -> (Workspace, u64, CommitSha) {
    yard.github.create_repo(FORK).await.unwrap();
    let mallory = Workspace::new(&yard.github.push_url(FORK)).await;
    mallory
        .git(&["pull", "--quiet", &yard.github.push_url(REPO), "main"])
        .await;
    mallory.git(&["checkout", "--quiet", "-b", "evil"]).await;
    let head = change(&mallory, "one").await;
    let number = yard.github.open_pull_request(REPO, "Trust me", "mallory:evil", "main");
    (mallory, number.await.unwrap(), head)
}

struct Attack {
    yard: Yard,
    mallory: Workspace,
    number: u64,
    head: CommitSha,
}

impl Attack {
    /// A model of 0.7 serves, and a fork asks to be merged.
    async fn new() -> Self {
        let yard = Yard::new().await;
        // The base's steps may use the network, and its images too.
        yard.push(&[("command: [left]", "command: [left], network: bridge")])
            .await;
        yard.last(1).await;
        let (mallory, number, head) = open(&yard).await;
        Self {
            yard,
            mallory,
            number,
            head,
        }
    }

    /// The run of a commit that waits.
    async fn waiting(&self, head: &CommitSha) -> RunRow {
        until("a run that waits", async || {
            let runs = self.yard.runs().await;
            let waits = |run: &RunRow| run.state == RunState::WaitingForApproval && run.commit.as_ref() == Some(head);
            runs.into_iter().find(waits)
        })
        .await
    }

    async fn ended(&self, run: &RunId) -> RunRow {
        until("the end of a run", async || {
            let row = self.yard.engine.reads().run_row(run.as_str()).await.unwrap().unwrap();
            row.state.is_final().then_some(row)
        })
        .await
    }

    async fn approve(&self, run: &RunId) -> Result<Decided, ApprovalError> {
        self.yard.engine.approve(run, &ada(), "read the diff").await
    }

    /// Nothing of the fork was started or built.
    fn nothing_ran(&self, programs: usize, built: usize) {
        assert_eq!(self.yard.programs().len(), programs);
        assert_eq!(self.yard.images.built().len(), built);
    }
}

async fn change(mallory: &Workspace, what: &str) -> CommitSha {
    mallory.write(tiny::FILE, &tiny::tiny(&EVIL));
    mallory.write(tiny::DOCKERFILE, &format!("FROM base\n# {what}\nRUN steal\n"));
    mallory.push("Trust me").await
}

#[tokio::test]
async fn a_forks_run_waits_for_a_person_and_runs_by_the_bases_rules() {
    let attack = Attack::new().await;
    let yard = &attack.yard;
    let (programs, built) = (yard.programs().len(), yard.images.built().len());
    let row = attack.waiting(&attack.head).await;
    let status = yard.status(&attack.head, "pending").await.description.unwrap();
    let without = |text: &str| {
        let text = text.replace(row.id.as_str(), "RUN");
        text.replace(&attack.head.as_str()[..10], "COMMIT")
            .replace('\u{200b}', "")
    };
    insta::assert_snapshot!(without(&status), @"fork's COMMIT waits: who has write permission approves run RUN, or rejects it");
    insta::assert_snapshot!(without(row.waits_for.as_deref().unwrap()), @"commit COMMIT of pull request #1 comes from a fork, and nothing of it runs before a person with write permission to acme/tiny approves it: `trainyard approve RUN --reason …`, or reject");
    yard.all_told().await;
    insta::assert_snapshot!(without(&yard.github.comments(REPO, attack.number)[0].body), @"
    <!-- trainyard:tiny -->
    ### tiny: waits for approval

    commit COMMIT of pull request #1 comes from a fork, and nothing of it runs before a person with write permission to acme/tiny approves it: &#96;trainyard approve RUN --reason …&#96;, or reject

    The pipeline, its gate and its limits are the base branch's. What runs of the fork has no network and no secrets, pushes nothing, and leaves nothing that other runs read; read its changes all the same. A new push, another base or closing the pull request voids the approval.

    commit COMMIT · [details](http://trainyard.test/runs/RUN)
    ");
    let mirror = yard.config.data_dir.join("repos/acme/tiny.git");
    let has = async || {
        let asked = tokio::process::Command::new("git")
            .args([
                "--git-dir",
                mirror.to_str().unwrap(),
                "cat-file",
                "-e",
                attack.head.as_str(),
            ])
            .output();
        asked.await.unwrap().status.success()
    };
    assert!(!has().await, "the fork's commit was fetched");
    attack.nothing_ran(programs, built);

    let decided = attack.approve(&row.id).await.unwrap();
    assert_eq!((decided.word.by.as_str(), decided.what), ("ada", "fork"));
    let row = attack.ended(&row.id).await;
    let run = yard.engine.reads().load_run(&row.id).await.unwrap();
    assert_eq!(row.state, RunState::Succeeded, "{:?}", row.summary);
    // The file, the parameters and the gate are the base's; the network is nobody's.
    assert_eq!(run.request.plan.parameters["auc"], json!(0.7));
    let plan = &run.request.plan;
    assert!(
        plan.steps
            .values()
            .all(|step| step.network == NetworkAccess::None && step.environment.is_empty())
    );
    assert!(plan.images.values().all(|image| image.network == BuildNetwork::None));
    assert!(!run.request.may_push);
    assert_eq!(yard.ledger().await, ["push 000001"]);
    assert!(!has().await, "the fork's commit is in the mirror of the repository");
    let again = attack.approve(&row.id).await.unwrap_err().to_string();
    insta::assert_snapshot!(again.replace(row.id.as_str(), "RUN"), @"run RUN does not wait for approval: it has succeeded, and ada approved it before: unchanged: the model is, byte for byte, what serves as version 000001");

    // What it made stands in for nothing, and the same bytes on the reviewed branch are made anew.
    let train = &run.steps[&StepName::from("train")];
    assert_eq!(train.state, StepState::Succeeded { attempt: 1 });
    let cached = yard.engine.reads().cached_outputs(train.key.as_ref().unwrap()).await;
    assert_eq!(cached.unwrap(), None);
    yard.work.write(tiny::DOCKERFILE, "FROM base\n# one\nRUN steal\n");
    yard.push(&[("command: [left]", "command: [left], network: bridge")])
        .await;
    let (_, merged) = yard.last(3).await;
    let again = &merged.steps[&StepName::from("train")];
    assert_eq!(
        again.state,
        StepState::Succeeded { attempt: 1 },
        "not the fork's output"
    );
    // Nor does a person's word make it serve.
    let request = PromoteRequest {
        model: row.id.to_string(),
        target: None,
        reason: Some("I like it".to_owned()),
        actor: "ada".to_owned(),
    };
    insta::assert_snapshot!(yard.engine.promote(&request).await.unwrap_err().to_string(), @"this model was made by the code of a fork (pull request #1), and serves nowhere: merge the pull request, and push what is trained then");
}

#[tokio::test]
async fn an_approval_is_for_one_commit_into_one_branch() {
    let attack = Attack::new().await;
    let yard = &attack.yard;
    let (programs, built) = (yard.programs().len(), yard.images.built().len());
    let first = attack.waiting(&attack.head).await;

    // A new push voids what waited, and waits itself.
    attack
        .mallory
        .git(&["commit", "--quiet", "--amend", "--message", "Force"])
        .await;
    let second_head = change(&attack.mallory, "two").await;
    let second = attack.waiting(&second_head).await;
    let ended = attack.ended(&first.id).await;
    insta::assert_snapshot!(ended.summary.unwrap(), @"cancelled by a new push to its pull request, which voids an approval");
    assert!(attack.approve(&first.id).await.is_err());
    attack.nothing_ran(programs, built);

    // Closed and open again: it waits anew.
    yard.github
        .set_pull_request_open(REPO, attack.number, false)
        .await
        .unwrap();
    let ended = attack.ended(&second.id).await;
    insta::assert_snapshot!(ended.summary.unwrap(), @"cancelled by the closing of its pull request, which voids an approval");
    yard.github
        .set_pull_request_open(REPO, attack.number, true)
        .await
        .unwrap();
    let third = attack.waiting(&second_head).await;
    assert_ne!(third.id, second.id);

    // Another base: what was asked for main counts no longer, and dev does not judge pull requests.
    yard.work.branch("dev").await;
    yard.work.git(&["push", "--quiet", "origin", "HEAD"]).await;
    yard.github
        .retarget_pull_request(REPO, attack.number, "dev")
        .await
        .unwrap();
    let ended = attack.ended(&third.id).await;
    insta::assert_snapshot!(ended.summary.unwrap(), @"cancelled by the new base of its pull request, which voids an approval");
    yard.github
        .retarget_pull_request(REPO, attack.number, "main")
        .await
        .unwrap();
    let fourth = attack.waiting(&second_head).await;
    attack.nothing_ran(programs, built);

    // Approved, and moved on before it could end.
    yard.hold("train");
    attack.approve(&fourth.id).await.unwrap();
    yard.started("train", 1).await;
    let third_head = change(&attack.mallory, "three").await;
    assert_eq!(attack.ended(&fourth.id).await.state, RunState::Cancelled);
    let fifth = attack.waiting(&third_head).await;
    assert!(
        yard.engine
            .reads()
            .load_run(&fifth.id)
            .await
            .unwrap()
            .approved
            .is_none()
    );
    yard.release("train");
}

#[tokio::test]
async fn a_push_that_no_webhook_told_of_voids_the_approval_too() {
    let attack = Attack::new().await;
    let row = attack.waiting(&attack.head).await;
    attack.yard.github.set_webhook_url("http://127.0.0.1:9/nobody");
    let head = change(&attack.mallory, "two").await;
    let refused = attack.approve(&row.id).await.unwrap_err().to_string();
    let refused = refused.replace(&head.as_str()[..10], "HEAD");
    insta::assert_snapshot!(refused.replace(&attack.head.as_str()[..10], "COMMIT"), @"pull request #1 moved on: it is at HEAD into 'main', and the run that waited was of COMMIT; look at what is new and approve its run");
    attack
        .yard
        .github
        .set_pull_request_open(REPO, attack.number, false)
        .await
        .unwrap();
    insta::assert_snapshot!(attack.approve(&row.id).await.unwrap_err().to_string(), @"pull request #1 is closed: reopen it, and approve the run that waits then");
}

/// Names are nobody: the account counts by its number and by what it may do in this repository.
#[tokio::test]
async fn only_who_may_write_decides_and_a_rejection_is_the_end() {
    let attack = Attack::new().await;
    let yard = &attack.yard;
    let row = attack.waiting(&attack.head).await;
    let (programs, built) = (yard.programs().len(), yard.images.built().len());
    let account = |repo: &str, permission| Person::Account {
        id: 7,
        login: "ada".to_owned(),
        repo: RepoName::parse(repo).unwrap(),
        permission,
    };
    let mut refused = Vec::new();
    for person in [
        account(REPO, Permission::None),
        account(REPO, Permission::Read),
        account(FORK, Permission::Admin),
        Person::Operator { name: " \n".to_owned() },
    ] {
        refused.push(
            yard.engine
                .approve(&row.id, &person, "fine")
                .await
                .unwrap_err()
                .to_string(),
        );
    }
    let silent = yard
        .engine
        .reject(&row.id, &account(REPO, Permission::Write), " ")
        .await;
    refused.push(silent.unwrap_err().to_string());
    insta::assert_snapshot!(refused.join("\n"), @r#"
    ada may not decide this: it needs write permission on acme/tiny, and GitHub says 'none'
    ada may not decide this: it needs write permission on acme/tiny, and GitHub says 'read'
    a permission on mallory/tiny does not count for a run of acme/tiny
    an approval or rejection needs the name of who gives it
    an approval or rejection needs a reason: it is kept for those who ask later; say it with --reason "…"
    "#);
    let person = account(REPO, Permission::Write);
    let decided = yard.engine.reject(&row.id, &person, "it steals").await.unwrap();
    assert_eq!(decided.word.account, Some(7));
    let ended = attack.ended(&row.id).await;
    assert_eq!(ended.state, RunState::Cancelled);
    insta::assert_snapshot!(ended.summary.unwrap(), @"rejected by ada before anything ran: it steals");
    attack.nothing_ran(programs, built);
    yard.all_told().await;
    let body = &yard.github.comments(REPO, attack.number)[0].body;
    assert!(
        body.contains("rejected by ada before anything ran: it steals"),
        "{body}"
    );
    yard.status(&attack.head, "error").await;
    // Closing and opening it again asks nobody anew.
    yard.github
        .set_pull_request_open(REPO, attack.number, false)
        .await
        .unwrap();
    yard.github
        .set_pull_request_open(REPO, attack.number, true)
        .await
        .unwrap();
    yard.settled(5).await;
    assert_eq!(yard.runs().await.len(), 2);
}

#[tokio::test]
async fn a_fork_that_is_gone_is_one_and_a_wait_survives_a_restart() {
    let mut attack = Attack::new().await;
    attack.waiting(&attack.head).await;
    let sent = attack.yard.github.deliveries().pop().unwrap();
    let mut body: Value = serde_json::from_slice(&sent.body).unwrap();
    body["number"] = json!(77);
    body["pull_request"]["number"] = json!(77);
    body["pull_request"]["head"]["repo"] = Value::Null;
    // Names of the repository's own people, and its own branch's.
    body["pull_request"]["user"]["login"] = json!("acme");
    body["pull_request"]["head"]["ref"] = json!("main");
    body["sender"]["login"] = json!("acme");
    let body = body.to_string();
    let signed = sign(SECRET, body.as_bytes());
    let header = |name: &str| match name {
        "x-github-delivery" => Some("ghost"),
        "x-github-event" => Some("pull_request"),
        "x-hub-signature-256" => Some(signed.as_str()),
        _ => None,
    };
    let taken = attack.yard.engine.accept_webhook(header, body.clone().into()).await;
    assert!(matches!(taken, Ok(Intake::Accepted(_))));
    let ghost = until("the ghost's run", async || {
        attack
            .yard
            .runs()
            .await
            .into_iter()
            .find(|run| run.pull_request == Some(77))
    })
    .await;
    assert_eq!(ghost.state, RunState::WaitingForApproval);
    attack.yard.restart().await;
    let row = attack.waiting(&attack.head).await;
    assert!(attack.yard.engine.cancel(&ghost.id, "ada").await.unwrap());
    assert_eq!(attack.ended(&ghost.id).await.state, RunState::Cancelled);
    attack.approve(&row.id).await.unwrap();
    assert_eq!(attack.ended(&row.id).await.state, RunState::Succeeded);
}

/// A required check of a fork that changes nothing of a pipeline is not kept waiting.
#[tokio::test]
async fn a_fork_without_a_relevant_file_asks_nobody() {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard.github.create_repo(FORK).await.unwrap();
    let mallory = Workspace::new(&yard.github.push_url(FORK)).await;
    mallory
        .git(&["pull", "--quiet", &yard.github.push_url(REPO), "main"])
        .await;
    mallory.git(&["checkout", "--quiet", "-b", "words"]).await;
    mallory.write("README.md", "words");
    let head = mallory.push("Write words").await;
    let opened = yard.github.open_pull_request(REPO, "Words", "mallory:words", "main");
    opened.await.unwrap();
    let status = yard.status(&head, "success").await.description.unwrap();
    assert!(status.contains("no changed file is one of them"), "{status}");
    assert_eq!(yard.runs().await.len(), 1);
}

#[tokio::test]
async fn a_comment_of_who_may_write_approves_the_head() {
    let attack = Attack::new().await;
    let row = attack.waiting(&attack.head).await;
    let github = &attack.yard.github;
    github.set_role(REPO, "ada", "write").unwrap();
    let before = attack.yard.engine.reads().deliveries(1000).await.unwrap().len();
    // Whose pull request it is has no right here.
    github
        .say("mallory", REPO, attack.number, "/trainyard approve trust me")
        .unwrap();
    attack.yard.settled(before + 1).await;
    assert_eq!(attack.waiting(&attack.head).await.id, row.id);
    github
        .say("ada", REPO, attack.number, "/trainyard approve it is fine")
        .unwrap();
    let ended = attack.ended(&row.id).await;
    assert_eq!(ended.state, RunState::Succeeded, "{:?}", ended.summary);
    let word = attack
        .yard
        .engine
        .reads()
        .load_run(&row.id)
        .await
        .unwrap()
        .approved
        .unwrap();
    assert_eq!((word.by.as_str(), word.reason.as_str()), ("ada", "it is fine"));
    assert!(word.account.is_some());
}
