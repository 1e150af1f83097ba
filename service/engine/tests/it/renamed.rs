//! Repositories that have another name or owner, and names that other repositories take.

use crate::tiny::{self, tiny};
use crate::workspace::Workspace;
use crate::yard::{REPO, Yard, until};
use trainyard_core::ids::RepoName;
use trainyard_core::run::RunState;

const SMALL: &str = "acme/small";

fn repo(name: &str) -> RepoName {
    RepoName::parse(name).unwrap()
}

/// A model of the pipeline serves, of run 1.
async fn trained() -> Yard {
    let yard = Yard::new().await;
    yard.push(&[]).await;
    yard.last(1).await;
    yard
}

/// Everybody knows the repository by this name, and by no other.
async fn known_as(yard: &Yard, name: &str) {
    let reads = yard.engine.reads();
    until(&format!("a pipeline of {name}"), async || {
        let known = reads.pipelines().await.unwrap();
        known.iter().all(|known| known.repo == repo(name)).then_some(())
    })
    .await;
    let folders = yard.engine.folders_of();
    assert!(folders.mirror(&repo(name)).is_dir());
}

async fn origin(yard: &Yard, name: &str) {
    let url = yard.github.push_url(name);
    yard.work.git(&["remote", "set-url", "origin", &url]).await;
}

/// What a fork asked to be merged into a repository.
fn strangers(yard: &Yard, name: &str) -> std::path::PathBuf {
    yard.engine.folders_of().fork_mirror(&repo(name)).join("of-a-fork")
}

fn plant_strangers(yard: &Yard) {
    let planted = strangers(yard, REPO);
    std::fs::create_dir_all(planted.parent().unwrap()).unwrap();
    std::fs::write(planted, "").unwrap();
}

#[tokio::test]
async fn a_repository_with_another_name_goes_on() {
    let yard = trained().await;
    plant_strangers(&yard);
    yard.github.rename_repo(REPO, SMALL).await.unwrap();
    let outcome = yard.settled(2).await.remove(0).outcome;
    assert_eq!(
        outcome.as_deref(),
        Some("acme/tiny is called acme/small now: its pipelines, schedules, waits and runs go by that name")
    );
    known_as(&yard, SMALL).await;
    assert!(!yard.engine.folders_of().mirror(&repo(REPO)).exists());
    assert!(strangers(&yard, SMALL).exists() && !strangers(&yard, REPO).exists());
    origin(&yard, SMALL).await;
    let better = yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    let (_, run) = yard.last(2).await;
    assert_eq!((run.request.repo, run.state), (Some(repo(SMALL)), RunState::Succeeded));
    yard.all_told().await;
    let told = yard.github.statuses(SMALL, better.as_str());
    assert_eq!(told.last().unwrap().state, "success");
    // What was sent before is about the same repository, whenever it comes; and people remember names.
    yard.data("2013-02", "3,4\n");
    yard.arrive("data", "rows", "2013-02").await.unwrap();
    yard.last(3).await;
    let asked = yard
        .engine
        .request_known(&repo(REPO), "tiny", &Default::default(), "ada")
        .await;
    asked.unwrap();
    yard.last(4).await;
    let names: Vec<_> = yard.runs().await.into_iter().map(|run| run.repo).collect();
    assert_eq!(names, vec![Some(repo(SMALL)); 4]);
}

#[tokio::test]
async fn a_rename_of_which_nobody_told_is_found_by_the_number() {
    let yard = trained().await;
    let url = yard.github.webhook_url();
    yard.github.set_webhook_url("http://127.0.0.1:1/away");
    yard.github.rename_repo(REPO, "zebra/tiny").await.unwrap();
    yard.github.set_webhook_url(url);
    origin(&yard, "zebra/tiny").await;
    yard.push(&[("auc: 0.7", "auc: 0.8")]).await;
    yard.last(2).await;
    known_as(&yard, "zebra/tiny").await;
    assert_eq!(yard.runs().await.len(), 2, "one push is one run, under whatever name");
}

#[tokio::test]
async fn another_repository_takes_the_name() {
    let yard = trained().await;
    let sent = yard.github.deliveries().remove(0);
    yard.github.rename_repo(REPO, SMALL).await.unwrap();
    yard.settled(2).await;
    yard.github.create_private_repo(REPO).await.unwrap();
    let work = Workspace::new(&yard.github.push_url(REPO)).await;
    work.write(tiny::FILE, &tiny(&[("auc: 0.7", "auc: 0.9")]));
    work.write(tiny::DOCKERFILE, "FROM base\n");
    work.push("Begin anew").await;
    yard.last(2).await;
    // An old delivery calls the other one so, and is no news of it.
    yard.github.redeliver(&sent.guid).unwrap();
    until("both pipelines", async || {
        let known = yard.engine.reads().pipelines().await.unwrap();
        let names: Vec<_> = known.iter().map(|known| known.repo.to_string()).collect();
        (names == [SMALL, REPO]).then_some(())
    })
    .await;
    let names: Vec<_> = yard.runs().await.into_iter().map(|run| run.repo.unwrap()).collect();
    assert_eq!(names, [repo(SMALL), repo(REPO)]);
}

#[tokio::test]
async fn a_repository_is_deleted_and_made_anew() {
    let yard = trained().await;
    plant_strangers(&yard);
    yard.github.delete_repo(REPO).unwrap();
    let outcome = yard.settled(2).await.remove(0).outcome.unwrap();
    assert_eq!(
        outcome,
        "acme/tiny is gone from GitHub: none of its pipelines starts by itself any more"
    );
    assert!(yard.engine.reads().pipelines().await.unwrap().is_empty());
    assert!(
        !yard.engine.folders_of().mirror(&repo(REPO)).exists(),
        "what was there is not for whoever takes the name"
    );
    assert!(!strangers(&yard, REPO).exists());
    yard.github.create_private_repo(REPO).await.unwrap();
    let work = Workspace::new(&yard.github.push_url(REPO)).await;
    work.write(tiny::FILE, &tiny(&[("auc: 0.7", "auc: 0.9")]));
    work.write(tiny::DOCKERFILE, "FROM base\n");
    work.push("Begin anew").await;
    yard.last(2).await;
    let names: Vec<_> = yard.runs().await.into_iter().map(|run| run.repo.unwrap()).collect();
    assert!(names[0].name().starts_with("tiny.gone-"), "{names:?}");
    assert_eq!(names[1], repo(REPO));
}
