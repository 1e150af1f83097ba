//! What people may do: by number, as it is now.

use crate::client::{REPO, TOKEN, simulator};
use trainyard_core::access::Role;
use trainyard_core::command::Person;
use trainyard_core::ids::RepoName;
use trainyard_github::{GitHub, GitHubAuth, Standing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_belongs_to_a_number() {
    let (simulator, _work, _) = simulator().await;
    let auth = GitHubAuth::Token(TOKEN.to_owned().into());
    let github = GitHub::new(simulator.base_url(), simulator.base_url(), auth).unwrap();
    let repo = RepoName::parse(REPO).unwrap();
    let ada = Person {
        id: i64::from(simulator.account_number("ada")),
        login: "ada".to_owned(),
    };
    let standing = async |person: &Person| github.standing(&repo, person, None).await.unwrap();
    let less = |role: &str| Standing::Less { role: role.to_owned() };
    assert_eq!(standing(&ada).await, less("read"));
    for (role, expected) in [
        ("admin", Standing::Writes),
        ("maintain", Standing::Writes),
        ("write", Standing::Writes),
        ("triage", less("triage")),
        ("none", less("none")),
        ("write", Standing::Writes),
    ] {
        simulator.set_role(REPO, "ada", role).unwrap();
        assert_eq!(standing(&ada).await, expected, "{role}");
    }
    // She is called otherwise now, and then somebody else takes her name.
    simulator.rename_account("ada", "ada-lovelace");
    assert_eq!(standing(&ada).await, Standing::Writes);
    simulator.take_name("ada");
    assert_eq!(standing(&ada).await, Standing::Writes);
    let other = Person {
        id: i64::from(simulator.account_number("ada")),
        login: "ada".to_owned(),
    };
    assert_eq!(standing(&other).await, less("read"));
    let gone = Person {
        id: 5,
        login: "nobody-has-this".to_owned(),
    };
    assert_eq!(standing(&gone).await, Standing::Gone);
}

/// GitHub says `read` of everybody there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_public_repository_only_collaborators_are_viewers() {
    let (simulator, _work, _) = simulator().await;
    simulator.create_private_repo("acme/closed").await.unwrap();
    let auth = GitHubAuth::Token(TOKEN.to_owned().into());
    let github = GitHub::new(simulator.base_url(), simulator.base_url(), auth).unwrap();
    let ada = Person {
        id: i64::from(simulator.account_number("ada")),
        login: "ada".to_owned(),
    };
    let role = async |repo: &str| {
        let repo = RepoName::parse(repo).unwrap();
        github.role(&repo, &ada, None).await.unwrap()
    };
    assert_eq!((role(REPO).await, role("acme/closed").await), (None, None));
    for (given, expected) in [
        ("read", Some(Role::Viewer)),
        ("triage", Some(Role::Viewer)),
        ("maintain", Some(Role::Approver)),
        ("none", None),
    ] {
        for repo in [REPO, "acme/closed"] {
            simulator.set_role(repo, "ada", given).unwrap();
            assert_eq!(role(repo).await, expected, "{given} in {repo}");
        }
    }
}
