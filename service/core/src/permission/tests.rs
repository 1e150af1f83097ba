use super::*;
use proptest::prelude::*;

const HTML: &str = "https://github.com";

/// A no to a POST of a status.
fn no(status: u16, message: &str) -> No<'_> {
    No {
        status,
        message,
        method: "POST",
        path: "/repos/acme/flights/statuses/abc",
        accepted: None,
        scopes: None,
        accepted_scopes: None,
    }
}

fn said(who: Who, no: &No<'_>) -> String {
    Denied::of(who, no).map_or_else(|| "-".to_owned(), |denied| denied.sentence(HTML))
}

#[test]
fn each_no_says_what_is_in_the_way_and_where_it_is_changed() {
    let by_integration = "Resource not accessible by integration";
    let by_token = "Resource not accessible by personal access token";
    let installation = Who::Installation(Some(99));
    let cases = [
        said(
            installation,
            &No {
                accepted: Some("statuses=write"),
                ..no(403, by_integration)
            },
        ),
        said(installation, &no(403, by_integration)),
        said(
            Who::FineGrained,
            &No {
                accepted: Some("issues=write; pull_requests=write,contents=read"),
                ..no(403, by_token)
            },
        ),
        said(
            Who::FineGrained,
            &No {
                path: "/repos/acme/flights/hooks",
                ..no(403, by_token)
            },
        ),
        said(
            Who::Token,
            &No {
                method: "GET",
                path: "/repos/acme/flights/pulls?state=open",
                ..no(403, by_token)
            },
        ),
        said(
            Who::Classic,
            &No {
                scopes: Some(""),
                accepted_scopes: Some("repo, repo:status"),
                ..no(404, "Not Found")
            },
        ),
        said(
            Who::Classic,
            &No {
                scopes: Some("public_repo, gist"),
                accepted_scopes: Some("admin:repo_hook"),
                ..no(404, "Not Found")
            },
        ),
        said(
            Who::Classic,
            &No {
                scopes: Some("repo"),
                accepted_scopes: Some("repo:status"),
                ..no(404, "Not Found")
            },
        ),
        said(Who::FineGrained, &no(404, "Not Found")),
        said(installation, &no(404, "Not Found")),
        said(
            Who::App,
            &No {
                path: "/repos/acme/flights/installation",
                ..no(404, "Not Found")
            },
        ),
        said(
            Who::App,
            &No {
                path: "/app",
                ..no(401, "Bad credentials")
            },
        ),
        said(Who::Token, &no(401, "Bad credentials")),
        said(installation, &no(403, "This installation has been suspended")),
        said(
            Who::Classic,
            &no(
                403,
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
            ),
        ),
        said(
            installation,
            &no(
                403,
                "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled",
            ),
        ),
        said(
            Who::Classic,
            &no(403, "`acme` forbids access via a personal access token (classic)."),
        ),
        said(
            Who::Classic,
            &No {
                path: "/repos/acme/flights/check-runs",
                ..no(403, "You must authenticate via a GitHub App.")
            },
        ),
        said(installation, &no(403, "Repository was archived so is read-only.")),
        said(installation, &no(403, "something new")),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
    the App needs the repository permission 'Commit statuses: read and write': grant it under 'Permissions & events' in the App's settings (https://github.com/settings/apps), then accept it for the installation of acme (99); `trainyard doctor` has the pages
    the App needs the repository permission 'Commit statuses: read and write': grant it under 'Permissions & events' in the App's settings (https://github.com/settings/apps), then accept it for the installation of acme (99); `trainyard doctor` has the pages
    the token needs the repository permission 'Issues: read and write', or 'Pull requests: read and write' and 'Contents: read-only': grant it at https://github.com/settings/personal-access-tokens
    the token needs the repository permission 'Webhooks: read and write': grant it at https://github.com/settings/personal-access-tokens
    the token needs the repository permission 'Pull requests: read-only'; a classic one the scope 'repo': change it at https://github.com/settings/tokens
    the token has no scope and needs the scope 'repo' or 'repo:status': tick it at https://github.com/settings/tokens
    the token has only 'public_repo' and 'gist' and needs the scope 'admin:repo_hook': tick it at https://github.com/settings/tokens
    if it exists, the token's account may not see acme/flights: invite the account, or use a token with the scope 'repo' (https://github.com/settings/tokens)
    if it exists, the token was not given it: add acme/flights under 'Repository access' at https://github.com/settings/personal-access-tokens
    if it exists, the App is not installed in acme/flights: install it, or add the repository to its installation, under 'Install App' in the App's settings (https://github.com/settings/apps); `trainyard doctor` lists the installations
    if it exists, the App is not installed in acme/flights: install it, or add the repository to its installation, under 'Install App' in the App's settings (https://github.com/settings/apps); `trainyard doctor` lists the installations
    check github.app_id, and that github.private_key_file is a key of this App; and this machine's clock, by which GitHub judges what is signed
    github.token is wrong, expired or was taken back: make a new one at https://github.com/settings/tokens
    the App's installation of acme is suspended: its owner can unsuspend it in the settings under 'GitHub Apps'
    authorize the token for the organisation's single sign-on at https://github.com/settings/tokens ('Configure SSO')
    an owner of the organisation has to add this machine's address to its IP allow list
    the organisation takes no classic tokens: use a GitHub App (`trainyard github setup`) or a fine-grained token
    only a GitHub App may do this: `trainyard github setup` makes one
    the repository is archived: unarchive it, or remove its pipelines
    look at what the token or App may do there; `trainyard doctor` says what is missing
    ");
}

#[test]
fn a_404_of_what_is_no_repository_is_no_question_of_rights() {
    for who in [Who::Classic, Who::FineGrained, Who::Installation(None), Who::App] {
        assert_eq!(
            Denied::of(
                who,
                &No {
                    path: "/app-manifests/abc/conversions",
                    ..no(404, "Not Found")
                }
            ),
            None
        );
    }
}

fn granted(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
        .collect()
}

#[test]
fn what_is_missing_is_named_with_what_for_and_where() {
    let permissions = granted(&[
        ("metadata", "read"),
        ("contents", "write"),
        ("statuses", "read"),
        ("checks", "write"),
    ]);
    let place = Place::App("https://github.com/settings/apps/yard/permissions".to_owned());
    let owner = Place::Installation {
        account: "acme".to_owned(),
        url: "https://github.com/settings/installations/99".to_owned(),
    };
    let mut lines: Vec<String> = Vec::new();
    let missing = missing_permissions(&NEEDS, &permissions);
    for missing in &missing {
        lines.push(format!("{} {}", missing.is_required(), missing.sentence(&place)));
    }
    lines.push(missing[0].sentence(&owner));
    let events: Vec<String> = EVENTS.iter().skip(1).map(|need| need.event.to_owned()).collect();
    for missing in missing_events(&events, false) {
        lines.push(format!("{} {}", missing.is_required(), missing.sentence(&place)));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    true the permission 'Commit statuses' is read-only and has to be read and write to tell verdicts on commits: grant it at https://github.com/settings/apps/yard/permissions
    true the permission 'Pull requests: read and write' is missing, which is needed to read pull requests and comment on them: grant it at https://github.com/settings/apps/yard/permissions
    false the permission 'Issues: read-only' is missing, which is needed to hear commands in comments: grant it at https://github.com/settings/apps/yard/permissions
    false the permission 'Actions: read-only' is missing, which is needed to hear when workflows end: grant it at https://github.com/settings/apps/yard/permissions
    the permission 'Commit statuses' is read-only and has to be read and write to tell verdicts on commits: the owner of acme has to accept what the App asks for, at https://github.com/settings/installations/99
    true the event 'push' is not sent, which is needed to start runs of pushes: tick it under 'Subscribe to events' at https://github.com/settings/apps/yard/permissions
    ");
    assert_eq!(missing_events(&["*".to_owned()], true), []);
    // What a repository's webhook cannot be sent is not asked of it.
    assert!(missing_events(&[], true).len() < missing_events(&[], false).len());
}

proptest! {
    #[test]
    fn no_answer_of_github_breaks_the_sentence(
        status in prop_oneof![Just(401_u16), Just(403), Just(404)],
        message in "\\PC{0,60}", path in "[/a-z?=]{0,40}", accepted in "[a-z_=;, ]{0,40}", scopes in "\\PC{0,20}",
    ) {
        let no = No {
            status, message: &message, method: "GET", path: &path,
            accepted: Some(&accepted), scopes: Some(&scopes), accepted_scopes: Some(&accepted),
        };
        if let Some(denied) = Denied::of(Who::of_token(&message), &no) {
            prop_assert!(denied.sentence(HTML).lines().count() == 1);
        }
    }
}
