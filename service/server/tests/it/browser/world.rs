//! A service with something on its pages: a simulated GitHub, pipelines, models that serve.

use super::driver::Browser;
use crate::binary::Place;
use crate::yard::{API_TOKEN, EVENTS_TOKEN, GITHUB_TOKEN, WEBHOOK_SECRET, Yard, eventually, git};
use serde_json::{Value, json};
use trainyard_github::simulator::{Simulator, SimulatorConfig};

pub const REPO: &str = "acme/models";

/// A model that is better or worse than what serves by a parameter, and that is finished when a file is there, or when
/// the test is gone that was to write it.
const PIPELINE: &str = r#"name: NAME
parameters: { gain: 0.001, serial: 1, waits_for: "" }
on: { push: { branches: [main], paths: ["pipelines/NAME/**"] } }
steps:
  examples:
    image: none
    command: [sh, -c, 'echo "336776 rows of 12 months"; echo rows >"$1"', sh, "{{outputs.examples}}"]
    outputs: { examples: Examples }
  statistics:
    image: none
    command: [sh, -c, 'echo "19 columns"; cp "$1" "$2"', sh, "{{inputs.examples}}", "{{outputs.statistics}}"]
    inputs: { examples: examples }
    outputs: { statistics: ExampleStatistics }
  train:
    image: none
    command:
      - sh
      - -c
      - |
        echo '{"epoch": 1, "loss": 0.612, "auc": 0.61}'
        while [ -n "$3" ] && [ ! -e "$3" ] && [ -d "${3%/*}" ]; do sleep 0.05; done
        echo '{"epoch": 2, "loss": 0.587, "auc": 0.64}'
        mkdir "$1"
        echo "$2" >"$1/weights"
      - sh
      - "{{outputs.model}}"
      - "{{parameters.serial}}"
      - "{{parameters.waits_for}}"
    inputs: { examples: examples }
    outputs: { model: Model }
  evaluate:
    image: none
    command:
      - sh
      - -c
      - |
        mkdir "$1"
        awk -v gain="$2" -v compared="$(ls -A "$3")" 'function plots(gain,   text, at, share) {
          text = "{\"confusion_at_thresholds\":["
          for (at = 1; at <= 9; at++) {
            share = 1 - at / 10
            text = text sprintf("%s{\"threshold\":0.%d,\"true_positives\":%.0f,\"false_positives\":%.0f,\"true_negatives\":%.0f,\"false_negatives\":%.0f}", (at == 1 ? "" : ","), at, 1000 * sqrt(share) * (1 + gain), 3000 * share, 3000 * (1 - share), 1000 * (1 - sqrt(share)))
          }
          text = text "],\"reliability\":["
          for (at = 1; at <= 10; at++) text = text sprintf("%s{\"lower\":%.1f,\"upper\":%.1f,\"num_examples\":400,\"mean_prediction\":%.2f,\"mean_label\":%.3f}", (at == 1 ? "" : ","), (at - 1) / 10, at / 10, at / 10 - 0.05, at / 11 + gain)
          return text "]}"
        }
        BEGIN {
          split("- EWR JFK LGA", origins, " "); split("27004 9922 9105 7977", rows, " "); split("0 -0.002 0.003 0.001", more, " ")
          printf "{\"schema_version\":2,\"model_type\":\"binary_classification\",\"confidence_level\":0.95,\"baseline\":%s,\"slices\":[", (compared ? "true" : "false")
          for (i = 1; i <= 4; i++) {
            difference = gain + more[i]
            printf "%s{\"slice_key\":%s,\"num_examples\":%d,\"metrics\":{\"auc\":", (i == 1 ? "" : ","), (i == 1 ? "{}" : "{\"origin\":\"" origins[i] "\"}"), rows[i]
            printf "{\"candidate\":%.4f,\"baseline\":%s", 0.65 + difference, (compared ? "0.65" : "null")
            if (compared) printf ",\"difference\":{\"value\":%.4f,\"standard_error\":0.002,\"lower\":%.4f,\"upper\":%.4f}", difference, difference - 0.004, difference + 0.004
            printf "}}"
            if (i == 1) {
              printf ",\"plots\":{\"candidate\":%s%s", plots(gain), (compared ? ",\"baseline\":" plots(0) : "")
              printf "}"
            }
            printf "}"
          }
          printf "]}"
        }' >"$1/evaluation.json"
      - sh
      - "{{outputs.evaluation}}"
      - "{{parameters.gain}}"
      - "{{inputs.serving}}"
    inputs: { model: train, serving: baseline.model }
    outputs: { evaluation: ModelEvaluation }
gate:
  slicing_specs: [{}, { feature_keys: [origin] }]
  metrics:
    auc: { require: no_significant_regression }
push: { target: NAME, approval: APPROVAL }
"#;

/// What serves when the gate says so.
pub const FLIGHTS: &str = "flights";
/// What serves when a person says so, too.
pub const TRAINS: &str = "trains";

fn pipeline(name: &str) -> String {
    let approval = if name == TRAINS { "required" } else { "none" };
    PIPELINE.replace("NAME", name).replace("APPROVAL", approval)
}

/// A service looks for the program of the standard components beside its own, which is here the test.
fn components_beside_this() {
    let built = std::path::Path::new(env!("CARGO_BIN_EXE_trainyard")).with_file_name("trainyard-components");
    let here = std::env::current_exe().unwrap().with_file_name("trainyard-components");
    match std::os::unix::fs::symlink(built, here) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{error}"),
        _ => {}
    }
}

/// A service that somebody can sign in to.
pub struct World {
    pub yard: Yard,
    github: Simulator,
    folder: Place,
}

impl World {
    /// Without anything.
    pub async fn empty() -> Self {
        components_beside_this();
        let config = SimulatorConfig {
            token: GITHUB_TOKEN.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            ..SimulatorConfig::default()
        };
        let github = Simulator::start(config).await.unwrap();
        github.create_repo(REPO).await.unwrap();
        let folder = Place::new("");
        let targets = [FLIGHTS, TRAINS].map(|name| {
            let models = folder.path().join("models").join(name);
            format!(
                "[targets.{name}]\nkind = \"tensorflow_serving\"\nrepository = \"{}\"\n",
                models.display()
            )
        });
        let yard = Yard::start(&format!(
            "data_root = \"{}\"\napi_token = \"{API_TOKEN}\"\n[events]\ntoken = \"{EVENTS_TOKEN}\"\n\
             [github]\napi_url = \"{url}\"\ngit_url = \"{url}\"\ntoken = \"{GITHUB_TOKEN}\"\nwebhook_secret = \"{WEBHOOK_SECRET}\"\n{}",
            folder.path().join("data").display(),
            targets.concat(),
            url = github.base_url().trim_end_matches('/'),
        ))
        .await;
        github.set_webhook_url(format!("{}/webhooks/github", yard.url));
        Self { yard, github, folder }
    }

    /// With a pipeline that ran once: a model of it serves, or waits for a person.
    pub async fn with(name: &str) -> Self {
        let world = Self::empty().await;
        world.push(name, &pipeline(name), "Train");
        let state = if name == TRAINS {
            "waiting_for_approval"
        } else {
            "succeeded"
        };
        world.newest(name, state).await;
        world
    }

    /// Pushes a pipeline to main, beside what is there.
    pub fn push(&self, name: &str, text: &str, message: &str) {
        let clone = self.folder.path().join("clone");
        let first = !clone.exists();
        self.folder
            .write(&format!("clone/pipelines/{name}/pipeline.yaml"), text);
        if first {
            self.git(&["init", "--quiet", "--initial-branch", "main"]);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["push", "--quiet", &self.github.push_url(REPO), "HEAD:main"]);
    }

    /// Puts a file below the data root.
    pub fn write_data(&self, name: &str, text: &str) {
        self.folder.write(&format!("data/{name}"), text);
    }

    /// Pushes one of ours.
    pub fn push_ours(&self, name: &str) {
        self.push(name, &pipeline(name), &format!("Add {name}"));
    }

    fn git(&self, arguments: &[&str]) {
        git(&self.folder.path().join("clone"), arguments);
    }

    /// Starts a run with other parameters; its id.
    pub async fn start(&self, name: &str, parameters: Value) -> String {
        let asked = json!({"repo": REPO, "pipeline": name, "parameters": parameters, "actor": "ada"});
        let request = self
            .yard
            .request("POST", "/api/v1/runs")
            .bearer_auth(API_TOKEN)
            .json(&asked);
        let answer = self.yard.send(request).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["run"].as_str().unwrap().to_owned()
    }

    /// Starts one that trains until it is told to end.
    pub async fn start_waiting(&self, name: &str, serial: u32) -> String {
        let file = self.folder.path().join("finish");
        self.start(name, json!({"serial": serial, "waits_for": file.display().to_string()}))
            .await
    }

    /// Where a step can look for a file that the test writes.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes it.
    pub fn signal(&self, name: &str) {
        self.folder.write(name, "");
    }

    /// Lets all that train finish.
    pub fn finish(&self) {
        self.folder.write("finish", "");
    }

    /// Waits until the newest run of a pipeline is in a state; its id.
    pub async fn newest(&self, name: &str, state: &str) -> String {
        let mut found = Value::Null;
        eventually(&format!("the newest run of {name} is {state}"), async || {
            let list = format!("/api/v1/runs?limit=1&pipeline={name}");
            let answer = self
                .yard
                .send(self.yard.request("GET", &list).bearer_auth(API_TOKEN))
                .await;
            found = answer.json()["runs"][0].clone();
            found["state"] == state
        })
        .await;
        found["id"].as_str().unwrap().to_owned()
    }

    /// The cookie of who signed in.
    pub async fn signed_in(&self) -> String {
        let request = self.yard.request("POST", "/sign-in").header("accept", "text/html");
        let form = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = self.yard.send(form.body(format!("token={API_TOKEN}&next=%2F"))).await;
        let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("{answer:?}"));
        cookie.split(';').next().unwrap().to_owned()
    }

    /// What a command says beside the service; it must end well.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trainyard"));
        let settings = self.yard.folder().join("trainyard.toml");
        let ended = command.arg("--config").arg(settings).args(arguments).output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    }

    /// Removes everything that steps made.
    pub fn remove_artifacts(&self) {
        let folder = self.yard.folder().join("yard/artifacts");
        let writable = std::process::Command::new("chmod")
            .arg("-R")
            .arg("u+w")
            .arg(&folder)
            .status();
        assert!(writable.unwrap().success());
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// Which version a target serves.
    pub async fn serving(&self, target: &str) -> Value {
        let answer = self
            .yard
            .send(self.yard.request("GET", "/api/v1/models").bearer_auth(API_TOKEN))
            .await;
        let targets = answer.json()["targets"].as_array().unwrap().clone();
        let found = targets.iter().find(|found| found["name"] == target);
        found.unwrap_or_else(|| panic!("{targets:?}"))["serving"]["version"].clone()
    }

    /// A browser in which somebody signed in.
    pub async fn browser(&self) -> Browser {
        let browser = Browser::open(&self.yard.url).await;
        browser.go("/").await;
        browser.fill("token", API_TOKEN).await;
        browser.press("Sign in").await;
        browser.says("h1", "Home").await;
        browser
    }
}
