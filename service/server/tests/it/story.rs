//! The service with a GitHub: what is pushed is run, and the command line talks to the service.

use crate::binary::{Ended, Place, Running};
use crate::yard::{EVENTS_TOKEN, GITHUB_TOKEN, PATIENCE, WEBHOOK_SECRET, git, settings};
use serde_json::Value;
use std::time::{Duration, Instant};
use trainyard_github::simulator::{Simulator, SimulatorConfig};

const REPO: &str = "acme/models";
const PIPELINE: &str = r#"name: tiny
parameters: { seconds: 0 }
on:
  push: { branches: [main] }
steps:
  train:
    image: none
    command: [sh, -c, 'echo training; sleep "$2"; echo weights > "$1"', sh, "{{outputs.model}}", "{{parameters.seconds}}"]
    outputs: { model: Model }
"#;

/// A simulated GitHub, and a folder whose service listens to it.
struct Story {
    github: Simulator,
    place: Place,
    service: Option<Running>,
    listen: String,
}

impl Story {
    async fn begin() -> Self {
        let config = SimulatorConfig {
            token: GITHUB_TOKEN.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            ..SimulatorConfig::default()
        };
        let github = Simulator::start(config).await.unwrap();
        github.create_repo(REPO).await.unwrap();
        let extra = format!(
            "[github]\napi_url = \"{url}\"\ngit_url = \"{url}\"\ntoken = \"{GITHUB_TOKEN}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n\
             [events]\ntoken = \"{EVENTS_TOKEN}\"",
            url = github.base_url().trim_end_matches('/')
        );
        let place = Place::new(&settings("{folder}".as_ref(), &extra));
        let mut story = Self {
            github,
            place,
            service: None,
            listen: String::new(),
        };
        story.serve();
        story
    }

    fn serve(&mut self) {
        let (service, address) = Running::serve(&self.place);
        self.listen = address.to_string();
        self.github.set_webhook_url(format!("http://{address}/webhooks/github"));
        self.service = Some(service);
    }

    /// Stops the service in order and returns its log.
    fn stop(&mut self) -> String {
        let service = self.service.take().unwrap();
        service.signal("TERM");
        let (code, log) = service.end();
        assert_eq!(code, Some(0), "{log}");
        log
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.place
            .command(arguments)
            .env("TRAINYARD_LISTEN", &self.listen)
            .output()
            .unwrap()
            .into()
    }

    /// Pushes the pipeline to main.
    fn push(&self) {
        let clone = self.place.path().join("clone");
        self.place.write("clone/pipelines/tiny/pipeline.yaml", PIPELINE);
        git(&clone, &["init", "--quiet", "--initial-branch", "main"]);
        git(&clone, &["add", "--all"]);
        git(&clone, &["commit", "--quiet", "--message", "Train"]);
        git(&clone, &["push", "--quiet", &self.github.push_url(REPO), "HEAD:main"]);
    }

    /// Waits until the newest run is in this state.
    fn newest(&self, state: &str, number: usize) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let runs = self.run(&["runs", "--json"]).json()["runs"].as_array().unwrap().clone();
            if runs.len() == number && runs[0]["state"] == state {
                return runs[0].clone();
            }
            assert!(Instant::now() < deadline, "no {state} run among {runs:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn id(text: &str) -> &str {
    text.split_whitespace().nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_a_trigger_a_cancel_and_a_restart() {
    let mut story = Story::begin().await;
    assert!(story.run(&["doctor"]).out.contains("known as octocat"));
    story.push();
    let first = story.newest("succeeded", 1);
    assert_eq!(
        (&first["trigger"], &first["pipeline"]),
        (&"push".into(), &"tiny".into())
    );
    assert_eq!(
        story.run(&["logs", first["id"].as_str().unwrap(), "train"]).out,
        "training\n"
    );

    // The service starts it at once, and finds that nothing changed.
    let triggered = story.run(&["trigger", "tiny"]);
    assert!(
        triggered.code == Some(0) && triggered.out.ends_with(" is queued\n"),
        "{triggered:?}"
    );
    let second = story.newest("succeeded", 2);
    assert_eq!(
        (second["id"].as_str(), &second["steps"][0]["state"]),
        (Some(id(&triggered.out)), &"cached".into())
    );
    assert!(second["cause"].as_str().unwrap().contains("ada"), "{second}");

    // The service is asked to cancel, and does so at once.
    let triggered = story.run(&["trigger", "tiny", "--repo", REPO, "--parameter", "seconds=60", "--json"]);
    let third = triggered.json()["run"].as_str().unwrap().to_owned();
    story.newest("running", 3);
    assert_eq!(story.run(&["cancel", &third]).code, Some(0));
    story.newest("cancelled", 3);
    let why = story.run(&["why", &third, "train"]);
    assert!(why.out.contains("parameter seconds changed from 0 to 60"), "{why:?}");

    // Without a service the run waits for the next one.
    let log = story.stop();
    assert!(!log.contains("ERROR"), "{log}");
    let triggered = story.run(&["trigger", "tiny", "-p", "seconds=0.2"]);
    assert!(
        triggered
            .out
            .ends_with("is queued; it waits for the next `trainyard serve`\n"),
        "{triggered:?}"
    );
    assert_eq!(story.newest("queued", 4)["id"], id(&triggered.out));
    story.serve();
    story.newest("succeeded", 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cut_off_goes_on_after_the_restart() {
    for signal in ["TERM", "KILL"] {
        let mut story = Story::begin().await;
        story.push();
        story.newest("succeeded", 1);
        story.run(&["trigger", "tiny", "-p", "seconds=2"]);
        let run = story.newest("running", 2)["id"].as_str().unwrap().to_owned();
        let deadline = Instant::now() + PATIENCE;
        while story.run(&["logs", &run, "train"]).out != "training\n" {
            assert!(Instant::now() < deadline, "the program did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let service = story.service.take().unwrap();
        service.signal(signal);
        let (_, log) = service.end();
        assert!(!log.contains("ERROR"), "{log}");
        story.serve();
        story.newest("succeeded", 2);
        let run = story.run(&["runs", &run, "--json"]).json();
        assert_eq!(
            run["steps"][0]["attempt"], 1,
            "the program was adopted, not started again: {run:#}"
        );
        assert_eq!(
            story.run(&["logs", run["id"].as_str().unwrap(), "train"]).out,
            "training\n"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_the_foreground_beside_the_service() {
    let story = Story::begin().await;
    story.place.write("here/pipelines/tiny/pipeline.yaml", PIPELINE);
    for _ in 0..3 {
        let ended = story.run(&["run", "here/pipelines/tiny", "-p", "seconds=0.2"]);
        assert_eq!(
            ended.code,
            Some(0),
            "{ended:?}\n{}",
            story.service.as_ref().unwrap().log()
        );
    }
}
