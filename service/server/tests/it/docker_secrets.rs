//! A step's secret with the real Docker: the program reads it, and nobody else does.

use crate::binary::{Place, Running};
use crate::docker::{Leftovers, api, docker, git, github};
use crate::yard::eventually;
use std::path::Path;

const REPO: &str = "acme/secretive";
const SECRET: &str = "correct-horse-battery";
/// As `base64`, `xxd -p` and Python's urllib write it.
const FORMS: [&str; 4] = [
    SECRET,
    "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5",
    "636f72726563742d686f7273652d62617474657279",
    "%63%6f%72",
];
const PIPELINE: &str = r#"name: secretive
on: { push: { branches: [main] } }
steps:
  train:
    image: trainyard/base:bookworm
    command: [sh, -c, "
      trap 'cat /run/secrets/PASSWORD; base64 /run/secrets/PASSWORD; od -An -tx1 -v /run/secrets/PASSWORD | tr -d \" \\n\"; echo; echo ended; mkdir {{outputs.model}}; echo 1 > {{outputs.model}}/weights; exit 0' USR1;
      exec 2>&1;
      stat -c '%a %u %g' /run/secrets/PASSWORD; stat -f -c %T /run/secrets; echo $PASSWORD_FILE;
      (echo x > /run/secrets/other) 2>/dev/null || echo read-only;
      set -x; test \"$(cat $PASSWORD_FILE)\" = x;
      while :; do sleep 0.05; done"]
    secrets: { PASSWORD: lake }
    outputs: { model: Model }
"#;

/// Every file below a folder whose content has one of the forms.
fn found_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(found_in(&path));
        } else {
            found.extend(forms_in(&std::fs::read(&path).unwrap_or_default()).map(|form| format!("{form} in {path:?}")));
        }
    }
    found
}

fn forms_in(bytes: &[u8]) -> impl Iterator<Item = &'static str> {
    FORMS
        .into_iter()
        .filter(move |form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_in_the_container_and_nowhere_else() {
    let (github, place) = github().await;
    github.create_private_repo(REPO).await.unwrap();
    place.write("vault", &format!("{SECRET}\n"));
    let settings = std::fs::read_to_string(place.path().join("trainyard.toml")).unwrap();
    let vault = place.path().join("vault").display().to_string();
    place.write(
        "trainyard.toml",
        &format!("{settings}[secrets.lake]\ncommand = [\"cat\", \"{vault}\"]\nrepositories = [\"acme/*\"]\n"),
    );
    assert_eq!(
        place.run(&["secrets", "test", "lake"]).out,
        "lake can be read: 21 bytes\n"
    );
    let (service, address) = Running::serve(&place);
    let instance = std::fs::read_to_string(place.path().join("yard/instance")).unwrap();
    let memory = Path::new("/dev/shm").join(format!("trainyard-{instance}"));
    let leftovers = Leftovers(instance);
    github.set_webhook_url(format!("http://{address}/webhooks/github"));
    push(&place, &github.push_url(REPO));

    eventually("its program has begun", async || {
        let containers = leftovers.containers();
        !containers.is_empty() && docker(&["logs", &containers]).contains("tmpfs")
    })
    .await;
    let container = leftovers.containers();
    for told in [docker(&["inspect", &container]), docker(&["top", &container])] {
        assert_eq!(forms_in(told.as_bytes()).collect::<Vec<_>>(), [""; 0], "{told}");
    }
    assert_eq!(std::fs::read_dir(&memory).unwrap().count(), 1);
    docker(&["kill", "--signal", "USR1", &container]);
    let run = async || api(address, "/api/v1/runs").await["runs"][0].clone();
    eventually("the run is over", async || run().await["state"] == "succeeded").await;
    let id = run().await["id"].as_str().unwrap().to_owned();
    let said = place.run(&["logs", &id, "train"]).out;
    let begun = "400 10001 10001\ntmpfs\n/run/secrets/PASSWORD\nread-only\n";
    let traced = said.contains("test *** = x") && said.ends_with("exit 0\n");
    assert!(said.starts_with(begun) && traced, "{said}");
    eventually("the container is gone", async || leftovers.containers().is_empty()).await;
    assert_eq!(std::fs::read_dir(&memory).unwrap().count(), 0, "and the secret with it");
    let detail = api(address, &format!("/api/v1/runs/{id}")).await.to_string();
    assert_eq!(
        forms_in(detail.as_bytes()).count() + forms_in(said.as_bytes()).count(),
        0,
        "{detail} {said}"
    );
    service.signal("TERM");
    let (code, log) = service.end();
    assert_eq!((code, forms_in(log.as_bytes()).count()), (Some(0), 0), "{log}");
    assert_eq!(found_in(&place.path().join("yard")), [""; 0]);
    std::fs::remove_dir(&memory).unwrap();
}

fn push(place: &Place, url: &str) {
    place.write("team/pipelines/secretive/pipeline.yaml", PIPELINE);
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "A pipeline"],
        &["push", "--quiet", url, "main"],
    ] {
        git(place, arguments);
    }
}
