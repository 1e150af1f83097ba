//! What happens in the simulator arrives signed and becomes the right event.

use crate::receiver::{Arrived, Receiver, wait_until};
use crate::workspace::Workspace;
use bytes::Bytes;
use secrecy::SecretString;
use trainyard_core::event::{Event, PullRequest, PullRequestAction, Push};
use trainyard_core::ids::CommitSha;
use trainyard_github::signature::{SignatureError, verify};
use trainyard_github::simulator::{Simulator, SimulatorConfig};
use trainyard_github::webhook::{Derived, event_of};

const SECRET: &str = "webhook secret";
const REPO: &str = "acme/flights";

async fn start() -> (Simulator, Receiver, Workspace) {
    let receiver = Receiver::start().await;
    let config = SimulatorConfig {
        webhook_url: Some(receiver.url.clone()),
        webhook_secret: SECRET.to_owned(),
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await.unwrap();
    simulator.create_repo(REPO).await.unwrap();
    let workspace = Workspace::new(&simulator, REPO);
    (simulator, receiver, workspace)
}

fn derived(arrived: &Arrived) -> Derived {
    let secrets = [SecretString::from("another"), SecretString::from(SECRET)];
    let signature = arrived.header("x-hub-signature-256");
    let mut forged = arrived.body.to_vec();
    forged.push(b' ');
    assert_eq!(
        verify(&secrets, Some(signature), Bytes::from(forged)).unwrap_err(),
        SignatureError::Mismatch
    );
    let verified = verify(&secrets, Some(signature), arrived.body.clone()).unwrap();
    event_of(arrived.header("x-github-event"), &verified).unwrap()
}

fn ignored(arrived: &Arrived) -> String {
    match derived(arrived) {
        Derived::Nothing(ignored) => ignored.sentence(),
        other => panic!("{other:?}"),
    }
}

fn push(arrived: &Arrived) -> Push {
    match derived(arrived) {
        Derived::Event(event) if matches!(*event, Event::Push(_)) => {
            let Event::Push(push) = *event else { unreachable!() };
            push
        }
        other => panic!("no push: {other:?}"),
    }
}

fn pull_request(arrived: &Arrived) -> PullRequest {
    match derived(arrived) {
        Derived::Event(event) if matches!(*event, Event::PullRequest(_)) => {
            let Event::PullRequest(pull) = *event else {
                unreachable!()
            };
            pull
        }
        other => panic!("no pull request: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_arrive_with_the_commits_that_git_has() {
    let (simulator, receiver, work) = start().await;
    let first = work.push_file("a.txt", "1");
    work.write("b.txt", "2");
    work.write("a.txt", "1.1");
    let second = work.commit("Second\n\nwith a body");
    work.git(&["push", "--quiet", "origin", "HEAD"]);
    work.git(&["tag", "v1"]);
    work.git(&["push", "--quiet", "origin", "v1"]);
    work.git(&["commit", "--quiet", "--amend", "--message", "Rewritten"]);
    work.git(&["push", "--quiet", "--force", "origin", "HEAD"]);
    let third = work.head();
    work.git(&["push", "--quiet", "origin", "HEAD:feature/x"]);
    work.git(&["push", "--quiet", "origin", ":feature/x"]);
    let arrived = receiver.wait_for(6).await;

    let made = push(&arrived[0]);
    assert_eq!(
        (made.branch.as_str(), made.before, made.after),
        ("main", None, first.clone())
    );
    assert_eq!(
        (
            made.repo.to_string().as_str(),
            made.pusher.as_str(),
            made.installation_id
        ),
        (REPO, "octocat", None)
    );
    let moved = push(&arrived[1]);
    assert_eq!((moved.before, moved.after), (Some(first), second.clone()));
    let body = arrived[1].json();
    assert_eq!(body["forced"], false);
    assert_eq!(body["head_commit"]["added"], serde_json::json!(["b.txt"]));
    assert_eq!(body["head_commit"]["modified"], serde_json::json!(["a.txt"]));
    assert_eq!(body["head_commit"]["message"], "Second\n\nwith a body");
    assert_eq!(body["commits"].as_array().unwrap().len(), 1);
    assert_eq!(
        ignored(&arrived[2]),
        "refs/tags/v1 was pushed, and only branches start runs"
    );
    let forced = push(&arrived[3]);
    assert_eq!((forced.before, forced.after), (Some(second), third.clone()));
    assert_eq!(arrived[3].json()["forced"], true);
    let branch = push(&arrived[4]);
    assert_eq!(
        (branch.branch.as_str(), branch.before, branch.after),
        ("feature/x", None, third)
    );
    assert!(matches!(derived(&arrived[5]), Derived::BranchGone(gone) if gone.branch == "feature/x"));

    let guids: std::collections::HashSet<&str> = arrived.iter().map(|a| a.header("x-github-delivery")).collect();
    assert_eq!(guids.len(), 6);
    assert!(arrived[0].header("user-agent").starts_with("GitHub-Hookshot/"));
    wait_until("record of six deliveries", || {
        (simulator.deliveries().len() == 6).then_some(())
    })
    .await;
    assert!(simulator.deliveries().iter().all(|delivery| delivery.status == "OK"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_of_nothing_new_and_a_refused_one_send_nothing() {
    let (simulator, receiver, work) = start().await;
    work.push_file("a.txt", "1");
    receiver.wait_for(1).await;
    work.git(&["push", "--quiet", "origin", "HEAD"]);
    let wrong = simulator.clone_url(REPO).replacen("://", "://x-access-token:wrong@", 1);
    for url in [wrong, simulator.clone_url(REPO)] {
        let (pushed, _, said) = work.try_git(&["push", &url, "HEAD:refs/heads/evil"]);
        assert!(!pushed, "{said}");
    }
    // Deliveries keep their order: were there another one, it would come before this.
    let second = work.push_file("a.txt", "2");
    let arrived = receiver.wait_for(2).await;
    assert_eq!(push(&arrived[1]).after, second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pull_requests_follow_their_branch() {
    let (simulator, receiver, work) = start().await;
    let base = work.push_file("a.txt", "1");
    work.git(&["checkout", "--quiet", "-b", "faster"]);
    let head = work.push_file("a.txt", "2");
    let number = simulator
        .open_pull_request(REPO, "Faster", "faster", "main")
        .await
        .unwrap();
    assert_eq!(number, 1);
    let newer = work.push_file("a.txt", "3");
    simulator.set_pull_request_open(REPO, number, false).await.unwrap();
    let newest = work.push_file("a.txt", "4");
    simulator.set_pull_request_open(REPO, number, true).await.unwrap();
    let arrived = receiver.wait_for(8).await;
    let told: Vec<String> = arrived
        .iter()
        .map(|a| {
            [
                a.header("x-github-event"),
                a.json()["action"].as_str().unwrap_or_default(),
            ]
            .join(" ")
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    push 
    push 
    pull_request opened
    push 
    pull_request synchronize
    pull_request closed
    push 
    pull_request reopened
    ");
    let opened = pull_request(&arrived[2]);
    assert_eq!(
        (opened.action, opened.number, opened.is_fork()),
        (PullRequestAction::Opened, 1, false)
    );
    assert_eq!((opened.base_branch.as_str(), opened.base_sha), ("main", base));
    assert_eq!(
        (opened.head_branch.as_str(), opened.head_sha, opened.author.as_str()),
        ("faster", head.clone(), "octocat")
    );
    assert_eq!(pull_request(&arrived[4]).head_sha, newer);
    let told = arrived[4].json();
    assert_eq!(
        (told["before"].as_str(), told["after"].as_str()),
        (Some(head.as_str()), Some(newer.as_str()))
    );
    assert_eq!(pull_request(&arrived[5]).action, PullRequestAction::Closed);
    assert_eq!(pull_request(&arrived[7]).head_sha, newest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_of_a_fork_is_told_by_numbers_not_names() {
    let (simulator, receiver, work) = start().await;
    work.push_file("a.txt", "1");
    simulator.create_repo("mallory/flights").await.unwrap();
    work.git(&["remote", "add", "fork", &simulator.push_url("mallory/flights")]);
    work.write("a.txt", "evil");
    let head = work.commit("Improve");
    work.git(&["push", "--quiet", "fork", "HEAD:main"]);
    let number = simulator
        .open_pull_request(REPO, "Improve", "mallory:main", "main")
        .await
        .unwrap();
    let arrived = receiver.wait_for(3).await;
    let opened = pull_request(&arrived[2]);
    assert!(opened.is_fork());
    assert_eq!(
        (opened.repo.to_string().as_str(), opened.author.as_str()),
        (REPO, "mallory")
    );
    assert_eq!(opened.head_sha, head);
    // The base repository has the commit, as on GitHub.
    let (_, refs, _) = work.try_git(&["ls-remote", "origin", &format!("refs/pull/{number}/head")]);
    assert!(refs.starts_with(head.as_str()), "{refs}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_delivery_is_recorded_and_sent_again_when_asked() {
    let (simulator, receiver, work) = start().await;
    receiver.answer_with(500);
    let sha = work.push_file("a.txt", "1");
    let failed = wait_until("failed delivery", || simulator.deliveries().first().cloned()).await;
    assert_eq!(
        (failed.status_code, failed.status.as_str()),
        (Some(500), "Invalid HTTP Response: 500")
    );
    receiver.answer_with(202);
    let hook = format!("{}/repos/{REPO}/hooks/1/deliveries", simulator.base_url());
    trainyard_github::install_tls();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let listed: serde_json::Value = client
        .get(&hook)
        .bearer_auth("simulated-token")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(listed[0]["guid"], failed.guid.as_str());
    let again = client
        .post(format!("{hook}/{}/attempts", listed[0]["id"]))
        .bearer_auth("simulated-token")
        .send()
        .await;
    assert_eq!(again.unwrap().status(), 202);
    let arrived = receiver.wait_for(2).await;
    assert_eq!(
        arrived[0].header("x-github-delivery"),
        arrived[1].header("x-github-delivery")
    );
    assert_eq!(arrived[0].body, arrived[1].body);
    assert_eq!(push(&arrived[1]).after, sha);
    let second = wait_until("second attempt", || simulator.deliveries().get(1).cloned()).await;
    assert!(second.redelivery && second.status == "OK" && second.guid == failed.guid);
    simulator.set_webhook_url("http://127.0.0.1:9/nobody");
    simulator.redeliver(&failed.guid).unwrap();
    let third = wait_until("third attempt", || simulator.deliveries().get(2).cloned()).await;
    assert_eq!(
        (third.status_code, third.status.as_str()),
        (None, "failed to connect to host")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_forged_delivery_is_accepted() {
    let (_simulator, receiver, work) = start().await;
    work.push_file("a.txt", "1");
    let arrived = receiver.wait_for(1).await.remove(0);
    let secrets = [SecretString::from(SECRET)];
    let signature = arrived.header("x-hub-signature-256").to_owned();
    for at in 0..arrived.body.len() {
        let mut body = arrived.body.to_vec();
        body[at] ^= 1;
        assert!(verify(&secrets, Some(&signature), body).is_err());
    }
    let sha = CommitSha::new("x");
    assert_ne!(push(&arrived).after, sha);
}
