use super::*;
use serde_json::{Value, json};

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";
const NONE: &str = "0000000000000000000000000000000000000000";

fn pushed(reference: &str, before: &str, after: &str) -> Value {
    json!({
        "ref": reference, "before": before, "after": after, "created": false, "deleted": after == NONE, "forced": false,
        "repository": {"id": 7, "full_name": "acme/flights", "owner": {"name": null}, "default_branch": "main"},
        "pusher": {"name": "ada", "email": null}, "head_commit": null,
    })
}

fn pull(action: &str) -> Value {
    json!({
        "action": action, "number": 3,
        "pull_request": {
            "user": {"login": "ada"},
            "head": {"ref": "faster", "sha": NEW, "repo": {"id": 8}},
            "base": {"ref": "main", "sha": OLD, "repo": {"id": 7}},
        },
        "repository": {"id": 7, "full_name": "acme/flights"},
        "installation": {"id": 99},
    })
}

fn derive(kind: &str, payload: &Value) -> Result<Derived, String> {
    event_of_stored(kind, payload.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn reason(kind: &str, payload: &Value) -> String {
    match derive(kind, payload) {
        Ok(Derived::Nothing(ignored)) => ignored.sentence(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_push_tells_where_the_branch_was_and_is() {
    let Ok(Derived::Event(event)) = derive("push", &pushed("refs/heads/feature/x", OLD, NEW)) else {
        panic!()
    };
    insta::assert_json_snapshot!(event, @r#"
    {
      "type": "push",
      "repo": "acme/flights",
      "repo_id": 7,
      "installation_id": null,
      "branch": "feature/x",
      "before": "1111111111111111111111111111111111111111",
      "after": "2222222222222222222222222222222222222222",
      "pusher": "ada",
      "default_branch": "main"
    }
    "#);
}

#[test]
fn a_new_branch_has_no_before() {
    let Ok(Derived::Event(event)) = derive("push", &pushed("refs/heads/main", NONE, NEW)) else {
        panic!()
    };
    assert!(matches!(*event, Event::Push(Push { before: None, .. })));
}

#[test]
fn a_pull_request_names_both_sides_and_a_fork() {
    for (action, expected) in [
        ("opened", PullRequestAction::Opened),
        ("synchronize", PullRequestAction::Synchronize),
        ("reopened", PullRequestAction::Reopened),
    ] {
        let Ok(Derived::Event(event)) = derive("pull_request", &pull(action)) else {
            panic!()
        };
        let Event::PullRequest(event) = *event else { panic!() };
        assert_eq!(event.action, expected);
        assert!(event.is_fork());
        assert_eq!((event.base_sha.as_str(), event.head_sha.as_str()), (OLD, NEW));
        assert_eq!(
            (event.base_branch.as_str(), event.head_branch.as_str()),
            ("main", "faster")
        );
        assert_eq!(event.installation_id, Some(99));
    }
}

#[test]
fn a_deleted_fork_and_a_deleted_account_lose_no_event() {
    let mut payload = pull("opened");
    payload["pull_request"]["head"]["repo"] = Value::Null;
    payload["pull_request"]["user"] = Value::Null;
    let Ok(Derived::Event(event)) = derive("pull_request", &payload) else {
        panic!()
    };
    let Event::PullRequest(event) = *event else { panic!() };
    assert_eq!(
        (event.head_repo_id, event.author.as_str(), event.is_fork()),
        (None, "ghost", true)
    );
}

fn pull_event(payload: &Value) -> PullRequest {
    match derive("pull_request", payload) {
        Ok(Derived::Event(event)) => match *event {
            Event::PullRequest(event) => event,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pull_request_that_goes_elsewhere_is_an_event() {
    let mut edited = pull("edited");
    edited["changes"] = json!({"base": {"ref": {"from": "dev"}, "sha": {"from": OLD}}});
    edited["pull_request"]["updated_at"] = json!("2026-01-05T08:00:01Z");
    let event = pull_event(&edited);
    assert_eq!(event.action, PullRequestAction::Edited);
    assert_eq!(event.updated_at, Some(Micros(1_767_600_001_000_000)));
    edited["changes"] = json!({"title": {"from": "x"}});
    assert_eq!(
        reason("pull_request", &edited),
        "pull request 3 was edited, which starts nothing"
    );
    assert_eq!(pull_event(&pull("closed")).action, PullRequestAction::Closed);
}

#[test]
fn what_starts_nothing_says_why() {
    let reasons = [
        reason("push", &pushed("refs/heads/old", NONE, NONE)),
        reason("push", &pushed("refs/tags/v1", NONE, NEW)),
        reason("pull_request", &pull("edited")),
        reason("pull_request", &pull("assigned")),
        reason("ping", &json!({"zen": "Keep it logically awesome."})),
        reason("star", &json!({})),
        reason("x\r\n\u{1b}[31mevil", &json!({})),
    ];
    insta::assert_snapshot!(reasons.join("\n"), @r"
    branch old was deleted
    refs/tags/v1 was pushed, and only branches start runs
    pull request 3 was edited, which starts nothing
    pull request 3 was assigned, which starts nothing
    GitHub's ping arrived and was verified: the webhook works
    star events start nothing
    x31mevil events start nothing
    ");
}

#[test]
fn bad_bodies_say_what_and_where() {
    let text = |kind: &str, body: &[u8]| event_of_stored(kind, body).unwrap_err().to_string();
    let mut wrong_sha = pushed("refs/heads/main", OLD, NEW);
    wrong_sha["after"] = json!("HEAD --upload-pack=x");
    let mut wrong_repo = pushed("refs/heads/main", OLD, NEW);
    wrong_repo["repository"]["full_name"] = json!("../../etc");
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    let errors = [
        text("push", b"{\n  \"ref\": \"refs/heads/main\",\n  \"before\" oops"),
        text("push", b""),
        text("push", b"payload=%7B%22ref%22"),
        text("push", b"\xff\xfe"),
        text("push", pull("opened").to_string().as_bytes()),
        text(
            "pull_request",
            pushed("refs/heads/main", OLD, NEW).to_string().as_bytes(),
        ),
        text("push", wrong_sha.to_string().as_bytes()),
        text("push", wrong_repo.to_string().as_bytes()),
        text("push", deep.as_bytes()),
    ];
    insta::assert_snapshot!(errors.join("\n"), @"
    the body of this push event cannot be used: expected `:` at line 3 column 12
    the body of this push event cannot be used: EOF while parsing a value at line 1 column 0
    the body of this push event cannot be used: it is a form: set the webhook's content type to application/json on GitHub
    the body of this push event cannot be used: expected value at line 1 column 1
    the body of this push event cannot be used: missing field `ref` at line 1 column 320
    the body of this pull_request event cannot be used: missing field `action` at line 1 column 326
    the body of this push event cannot be used: a commit is not 40 or 64 lowercase hex digits at line 1 column 107
    the body of this push event cannot be used: '../../etc' is not a repository name: write it as owner/name at line 1 column 219
    the body of this push event cannot be used: EOF while parsing a list at line 1 column 100005
    ");
}

#[test]
fn a_body_under_another_header_is_flagged() {
    let said = |kind: &str, body: &[u8]| flaw(kind, body).map_or_else(|| "fine".to_owned(), |flaw| flaw.to_string());
    let push = pushed("refs/heads/main", OLD, NEW).to_string();
    let opened = pull("opened").to_string();
    let comment = comment("created", "looks good", json!({"login": "ada", "id": 42})).to_string();
    let review = json!({"action": "submitted", "number": 3, "pull_request": {}, "review": {}}).to_string();
    let all = [
        said("push", push.as_bytes()),
        said("pull_request", opened.as_bytes()),
        said("issue_comment", comment.as_bytes()),
        said("pull_request_review", review.as_bytes()),
        said("star", b"{}"),
        said("push", opened.as_bytes()),
        said("pull_request", push.as_bytes()),
        said("star", push.as_bytes()),
        said("push", comment.as_bytes()),
        said("ping", push.as_bytes()),
        said("x\r\n\u{1b}[31mevil", push.as_bytes()),
        said("push", b"[]"),
        said("star", b""),
        said("star", b" [{}]"),
        said("push", b"payload=%7B%7D"),
        said("push", b"{}"),
        said("star", b"{\"a\":\"\xff\"}"),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    fine
    fine
    fine
    fine
    fine
    the header X-GitHub-Event says 'push', and the body is that of a pull_request event: what is signed is the body only, so that nothing follows
    the header X-GitHub-Event says 'pull_request', and the body is that of a push event: what is signed is the body only, so that nothing follows
    the header X-GitHub-Event says 'star', and the body is that of a push event: what is signed is the body only, so that nothing follows
    the header X-GitHub-Event says 'push', and the body is that of a issue_comment event: what is signed is the body only, so that nothing follows
    the header X-GitHub-Event says 'ping', and the body is that of a push event: what is signed is the body only, so that nothing follows
    the header X-GitHub-Event says 'x31mevil', and the body is that of a push event: what is signed is the body only, so that nothing follows
    the body of this push event is no JSON object: it is something else
    the body of this star event is no JSON object: EOF while parsing a value at line 1 column 0
    the body of this star event is no JSON object: it is something else
    the body of this push event cannot be used: it is a form: set the webhook's content type to application/json on GitHub
    the body of this push event cannot be used: missing field `ref` at line 1 column 2
    fine
    ");
}

proptest::proptest! {
    #[test]
    fn no_body_makes_a_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = event_of_stored("push", &body);
        let _ = event_of_stored("pull_request", &body);
        let _ = flaw("push", &body);
    }
}

fn comment(action: &str, body: &str, user: Value) -> Value {
    json!({
        "action": action,
        "issue": {"number": 3, "pull_request": {"url": "x"}},
        "comment": {"id": 12, "body": body, "user": user, "created_at": "2026-11-27T08:00:00Z"},
        "repository": {"id": 7, "full_name": "acme/flights"},
        "installation": {"id": 99},
    })
}

fn check_run(action: &str, identifier: Option<&str>) -> Value {
    let mut check = json!({
        "action": action,
        "check_run": {"id": 5, "external_id": "0192", "head_sha": NEW, "app": {"id": 4711}, "pull_requests": []},
        "repository": {"id": 7, "full_name": "acme/flights"},
        "sender": {"login": "ada", "id": 42, "type": "User"},
    });
    if let Some(identifier) = identifier {
        check["requested_action"] = json!({"identifier": identifier});
    }
    check
}

#[test]
fn people_ask_by_comments_and_buttons() {
    let ada = json!({"login": "ada", "id": 42, "type": "User"});
    let asked = [
        (
            "issue_comment",
            comment("created", "Hi\r\n/trainyard run\r\n/trainyard help", ada),
        ),
        ("check_run", check_run("requested_action", Some("approve"))),
        ("check_run", check_run("rerequested", None)),
        (
            "check_suite",
            json!({
                "action": "rerequested",
                "check_suite": {"id": 6, "head_sha": NEW, "app": null, "updated_at": "2026-11-27T08:00:00Z"},
                "repository": {"id": 7, "full_name": "acme/flights"},
                "sender": {"login": "ada", "id": 42},
            }),
        ),
    ];
    let said = asked.map(|(kind, payload)| match derive(kind, &payload) {
        Ok(Derived::Event(event)) => match *event {
            Event::Asked(asked) => format!("{}\n  {}", asked.sentence(), asked.key()),
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    });
    insta::assert_snapshot!(said.join("\n"), @"
    ada asks for /trainyard run, /trainyard help in comment 12 on pull request #3
      comment:7:12
    ada asks by button: approve of run 0192
      button:7:5:0192:approve:42
    ada asks by button: rerun of run 0192
      button:7:5:0192:rerun:42
    ada asks by button: rerun of all runs of 2222222222222222222222222222222222222222
      suite:7:6:2026-11-27T08:00:00Z:42
    ");
}

#[test]
fn what_nobody_asked_starts_nothing() {
    let ada = || json!({"login": "ada", "id": 42, "type": "User"});
    let mut issue = comment("created", "/trainyard run", ada());
    issue["issue"]["pull_request"] = Value::Null;
    let mut no_body = comment("created", "", ada());
    no_body["comment"]["body"] = Value::Null;
    let mut no_sender = check_run("rerequested", None);
    no_sender["sender"] = Value::Null;
    let reasons = [
        reason("issue_comment", &comment("edited", "/trainyard run", ada())),
        reason("issue_comment", &comment("deleted", "/trainyard run", ada())),
        reason("issue_comment", &json!({"action": "created\u{7}"})),
        reason("issue_comment", &issue),
        reason("issue_comment", &comment("created", "please /trainyard run", ada())),
        reason("issue_comment", &no_body),
        reason(
            "issue_comment",
            &comment("created", "<!-- trainyard:answer:1 -->\n/trainyard run", ada()),
        ),
        reason(
            "issue_comment",
            &comment(
                "created",
                "/trainyard run",
                json!({"login": "x[bot]", "id": 1, "type": "Bot"}),
            ),
        ),
        reason(
            "issue_comment",
            &comment(
                "created",
                "/trainyard run",
                json!({"login": "x", "id": 1, "type": "Organization"}),
            ),
        ),
        reason("issue_comment", &comment("created", "/trainyard run", Value::Null)),
        reason("check_run", &check_run("completed", None)),
        reason("check_run", &check_run("requested_action", Some("deploy"))),
        reason("check_run", &check_run("requested_action", None)),
        reason("check_run", &no_sender),
        reason("check_suite", &json!({"action": "requested"})),
        reason("check_suite", &json!({})),
    ];
    insta::assert_snapshot!(reasons.join("\n"), @"
    a comment was edited: only new comments are looked at
    a comment was deleted: only new comments are looked at
    a comment was created: only new comments are looked at
    issue 3 is no pull request, and commands are for pull requests
    the comment on pull request 3 has no command
    the comment on pull request 3 has no command
    the comment is one of Trainyard's own
    x[bot] is a bot, and only people ask
    x is a bot, and only people ask
    nobody is named who asks: the account may be gone
    check_run events that say 'completed' start nothing
    'deploy' is no button of Trainyard: known are rerun, approve, reject
    '' is no button of Trainyard: known are rerun, approve, reject
    nobody is named who asks: the account may be gone
    check_suite events that say 'requested' start nothing
    check_suite events that say '' start nothing
    ");
}

proptest::proptest! {
    #[test]
    fn no_request_makes_a_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), text in "(?s).{0,300}") {
        for kind in ["issue_comment", "check_run", "check_suite"] {
            let _ = event_of_stored(kind, &body);
        }
        let _ = derive("issue_comment", &comment("created", &text, json!({"login": "ada", "id": 42})));
    }
}

#[test]
fn what_happens_without_commits_is_an_event_or_says_why_not() {
    let repository = json!({"id": 7, "full_name": "acme/flights"});
    let event = |kind: &str, mut payload: Value| {
        payload["repository"] = repository.clone();
        payload["sender"] = json!({"login": "ada"});
        match derive(kind, &payload) {
            Ok(Derived::Event(event)) => format!("{} {}", event.kind(), event.dedupe_key().unwrap_or_default()),
            Ok(Derived::Nothing(ignored)) => ignored.sentence(),
            other => format!("{other:?}"),
        }
    };
    let run = json!({"id": 5, "run_attempt": 2, "name": "CI", "head_branch": "main", "conclusion": "success"});
    let all = [
        event(
            "release",
            json!({"action": "published", "release": {"id": 3, "tag_name": "v1"}}),
        ),
        event("workflow_run", json!({"action": "completed", "workflow_run": run})),
        event("create", json!({"ref": "v1", "ref_type": "tag"})),
        event("delete", json!({"ref": "old", "ref_type": "branch"})),
        event(
            "installation",
            json!({"action": "created", "installation": {"id": 1, "account": {"login": "acme"}},
            "repositories": [{"full_name": "acme/flights"}]}),
        ),
        event(
            "installation_repositories",
            json!({"action": "removed", "installation": {"id": 1},
            "repositories_removed": [{"full_name": "acme/flights"}]}),
        ),
        event("release", json!({"action": "published"})),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    release release:7:published:3
    workflow_run workflow_run:7:completed:5:2
    tag v1 was made, which starts nothing by itself
    branch old was deleted, which starts nothing
    the installation of the App for acme: created, with acme/flights
    the installation of the App for somebody: removed, without acme/flights
    Err("the body of this release event cannot be used: it has no 'release'")
    "#);
    let dispatched = |payload: Value| event("repository_dispatch", payload);
    let one = dispatched(json!({"action": "retrain", "branch": "main", "client_payload": {"day": 1}}));
    assert_eq!(
        one,
        dispatched(json!({"action": "retrain", "branch": "main", "client_payload": {"day": 1}}))
    );
    assert_ne!(
        one,
        dispatched(json!({"action": "retrain", "branch": "main", "client_payload": {"day": 2}}))
    );
    let mut labeled = pull("labeled");
    labeled["label"] = json!({"name": "train"});
    labeled["pull_request"]["labels"] = json!([{"name": "docs"}, {"name": "train"}]);
    let event = pull_event(&labeled);
    assert_eq!(
        (event.label.as_deref(), event.labels),
        (Some("train"), vec!["docs".to_owned(), "train".to_owned()])
    );
}

#[test]
fn giteas_payloads_are_read() {
    let mut push = pushed("refs/heads/main", OLD, NEW);
    push["pusher"] = json!({"id": 1, "login": "ada", "username": "ada"});
    let Ok(Derived::Event(event)) = derive("push", &push) else {
        panic!()
    };
    assert!(matches!(*event, Event::Push(Push { ref pusher, .. }) if pusher == "ada"));
    let mut moved = pull("synchronized");
    moved["pull_request"]["labels"] = Value::Null;
    assert_eq!(pull_event(&moved).action, PullRequestAction::Synchronize);
    let mut edited = pull("edited");
    edited["changes"] = json!({"ref": {"from": "dev"}});
    assert_eq!(pull_event(&edited).action, PullRequestAction::Edited);
}
