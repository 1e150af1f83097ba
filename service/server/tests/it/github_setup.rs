//! `trainyard github setup` and what `trainyard doctor` says of it, by the real binary at a simulated GitHub.

use crate::binary::{Ended, Place, Running};
use crate::yard::{PATIENCE, eventually};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use trainyard_github::simulator::{Simulator, SimulatorConfig};

const REPO: &str = "acme/flights";

async fn simulator() -> Simulator {
    trainyard_github::install_tls();
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    simulator.create_private_repo(REPO).await.unwrap();
    simulator
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A folder without `trainyard.toml`, and what the environment says in its place.
struct Yard {
    place: Place,
    port: u16,
    github: String,
}

impl Yard {
    fn new(simulator: &Simulator) -> Self {
        let place = Place::new("");
        std::fs::remove_file(place.path().join("trainyard.toml")).unwrap();
        Self {
            place,
            port: free_port(),
            github: simulator.base_url().to_owned(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command
            .env("TRAINYARD_GITHUB_API_URL", &self.github)
            .env("TRAINYARD_GITHUB_GIT_URL", &self.github)
            .env("TRAINYARD_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("TRAINYARD_DATA_DIR", self.place.path().join("yard"))
            .env("TRAINYARD_EXECUTOR", "process");
        command
    }

    fn webhook(&self) -> String {
        format!("http://127.0.0.1:{}/webhooks/github", self.port)
    }

    fn setup(&self, more: &[&str]) -> Talking {
        let webhook = self.webhook();
        let mut arguments = vec![
            "github",
            "setup",
            "--no-browser",
            "--wait-ping",
            "20",
            "--webhook-url",
            &webhook,
        ];
        arguments.extend(more);
        Talking::start(&mut self.command(&arguments))
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.place.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.place.path().join(name)).unwrap()
    }
}

/// A command whose standard output is read while it runs; killed when dropped.
struct Talking {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: String,
}

impl Talking {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                _ = send.send(line);
            }
        });
        Self {
            child,
            lines,
            said: String::new(),
        }
    }

    /// The line with this text.
    fn says(&mut self, text: &str) -> String {
        loop {
            if let Some(line) = self.said.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.push_str(&format!("{line}\n")),
                Err(_) => {
                    let errors = self.errors();
                    panic!("it did not say {text:?}, but:\n{}{errors}", self.said)
                }
            }
        }
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        _ = self.child.kill();
        _ = self.child.stderr.take().unwrap().read_to_string(&mut text);
        text
    }

    /// The page's address.
    fn page(&mut self) -> String {
        let line = self.says("in a browser");
        line.split(' ')
            .find(|word| word.starts_with("http://"))
            .unwrap()
            .to_owned()
    }

    /// Its exit code, everything it said, and its errors.
    fn end(mut self) -> (Option<i32>, String, String) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push_str(&format!("{line}\n"));
        }
        let code = self.child.wait().unwrap().code();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (code, std::mem::take(&mut self.said), errors)
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What a browser does, one step at a time.
struct Browser(reqwest::Client);

impl Browser {
    fn new() -> Self {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self(builder.build().unwrap())
    }

    /// Status, where it is sent to, and the page.
    async fn open(&self, url: &str) -> (u16, Option<String>, String) {
        Self::seen(self.0.get(url).send().await.unwrap()).await
    }

    async fn seen(answer: reqwest::Response) -> (u16, Option<String>, String) {
        let to = answer
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), to, answer.text().await.unwrap())
    }

    /// Presses the page's button; the address with the code, to which GitHub sends it.
    async fn create(&self, page: &str) -> String {
        let (status, _, html) = self.open(page).await;
        assert_eq!(status, 200, "{html}");
        let attribute = |name: &str| {
            let (_, rest) = html.split_once(&format!("{name}=\"")).unwrap();
            let text = rest.split_once('"').unwrap().0;
            text.replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        };
        let mut form = reqwest::Url::parse("http://x/").unwrap();
        form.query_pairs_mut().append_pair("manifest", &attribute("value"));
        let request = self
            .0
            .post(attribute("action"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().unwrap().to_owned());
        let (status, to, page) = Self::seen(request.send().await.unwrap()).await;
        assert_eq!(status, 302, "{page}");
        to.unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_walked_from_nothing_to_a_verified_ping() {
    let simulator = simulator().await;
    let (yard, browser) = (Yard::new(&simulator), Browser::new());
    let mut setup = yard.setup(&[]);
    let back = browser.create(&setup.page()).await;

    // Another state is not this setup's answer, and its code stays good.
    let wrong = back.replace("state=", "state=x");
    let (status, _, page) = browser.open(&wrong).await;
    assert_eq!(status, 400, "{page}");
    assert!(
        yard.files().iter().all(|name| !name.contains("github-app")),
        "{:?}",
        yard.files()
    );

    let (status, install, _) = browser.open(&back).await;
    assert_eq!(status, 303);
    let install = install.unwrap();
    assert!(
        install.starts_with(&format!("{}/apps/trainyard-", yard.github)),
        "{install}"
    );
    // A page that is loaded again makes nothing twice.
    assert_eq!(browser.open(&back).await.1.as_deref(), Some(install.as_str()));
    let app = simulator.apps()[0];
    setup.says("Install the App");
    simulator.install_app(app, "acme", None).unwrap();
    let (code, said, errors) = setup.end();
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(
        said.contains("A ping of GitHub arrived with the right signature"),
        "{said}"
    );
    assert!(
        said.contains("Installed for acme: 1 repository (acme/flights)"),
        "{said}"
    );

    let files = [
        format!("github-app-{app}.pem"),
        format!("github-app-{app}.webhook-secret"),
        "trainyard.toml".to_owned(),
    ];
    for name in &files {
        assert_eq!(mode(&yard.place.path().join(name)), 0o600, "{name}");
    }
    let secret = yard.read(&files[1]);
    for text in [&said, &errors, &yard.read("trainyard.toml")] {
        assert!(!text.contains(secret.trim()) && !text.contains("PRIVATE KEY"), "{text}");
    }

    // The settings are the service's: it takes what GitHub signs, and the doctor finds nothing missing.
    let service = Running::start(&mut yard.command(&["serve"]));
    service.says("ready");
    simulator.install_app(app, "bob", None).unwrap();
    let taken = || {
        simulator
            .deliveries()
            .last()
            .is_some_and(|last| last.event == "installation" && last.status_code == Some(202))
    };
    eventually("the service takes a delivery", async || taken()).await;
    let doctor = yard.run(&["doctor"]);
    assert!(
        doctor
            .out
            .contains("ok       github permissions   the App asks for everything that is needed"),
        "{}",
        doctor.out
    );
    assert!(doctor.out.contains("ok       github webhook"), "{}", doctor.out);
    assert!(
        doctor.out.contains("acme: 1 repository (acme/flights)"),
        "{}",
        doctor.out
    );
    assert!(doctor.out.contains("bob gave it no repository"), "{}", doctor.out);
    drop(service);

    // The same command again goes on with what is there.
    let (code, said, errors) = yard.setup(&[]).end();
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(said.contains("going on with it"), "{said}");
    assert_eq!(simulator.apps().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_stays_and_an_interrupted_setup_is_found_again() {
    let simulator = simulator().await;
    let (yard, browser) = (Yard::new(&simulator), Browser::new());
    yard.place.write("trainyard.toml", "# mine\n");
    let mut setup = yard.setup(&[]);
    let back = browser.create(&setup.page()).await;
    browser.open(&back).await;
    let lines = setup.says("stays as it is");
    assert!(lines.contains("Let its [github] say"), "{lines}");
    setup.says("webhook_secret_file = ");
    drop(setup);
    assert_eq!(yard.read("trainyard.toml"), "# mine\n");
    let app = simulator.apps()[0];
    let again = yard.run(&["github", "setup", "--no-browser", "--webhook-url", &yard.webhook()]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.err.contains(&format!("an earlier setup made the App {app}")),
        "{}",
        again.err
    );
    assert_eq!(simulator.apps().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_works_once_and_other_sites_are_sent_away() {
    let simulator = simulator().await;
    let (yard, browser) = (Yard::new(&simulator), Browser::new());
    let mut setup = yard.setup(&[]);
    let page = setup.page();
    let back = browser.create(&page).await;
    let code = back.split_once("code=").unwrap().1.split('&').next().unwrap();
    let api = format!("{}/app-manifests/{code}/conversions", yard.github);
    assert_eq!(browser.0.post(api).send().await.unwrap().status(), 201);
    let (status, _, html) = browser.open(&back).await;
    assert_eq!(status, 409, "{html}");
    assert!(html.contains("it was used already, or is older than an hour"), "{html}");
    let (status, _, html) = browser.open(&back.replace(code, "a/../b")).await;
    assert_eq!(status, 400, "{html}");
    let request = browser.0.get(&page).header("host", "evil.example");
    assert_eq!(Browser::seen(request.send().await.unwrap()).await.0, 403);
    // Afterwards it still can be begun again.
    let back = browser.create(&page).await;
    assert_eq!(browser.open(&back).await.0, 303);
}

#[test]
fn what_cannot_work_is_said_before_anything_is_made() {
    let place = Place::new("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let url = "https://yard.example.org/webhooks/github";
    let mut said = String::new();
    for arguments in [
        &["--no-browser"][..],
        &["--webhook-url", "http://127.0.0.1:8787/webhooks/github"],
        &["--webhook-url", "yard"],
        &["--webhook-url", url, "--port", &port],
        &["--webhook-url", url, "--org", "a/b"],
        &[
            "--webhook-url",
            url,
            "--name",
            "a name that is much too long for GitHub",
        ],
        &["--webhook-url", url, "--server", "ghe.example.com"],
        &["--webhook-url", url, "--dir", "/nowhere"],
        &["--webhook-url", url, "--token"],
    ] {
        let mut all = vec!["github", "setup"];
        all.extend(arguments);
        let ended = place.run(&all);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        said.push_str(&ended.err.replace(&port, "PORT"));
    }
    insta::assert_snapshot!(said, @"
    error: GitHub has to reach the service: name where, with --webhook-url https://HOST/webhooks/github, or set public_url
    error: GitHub cannot reach http://127.0.0.1:8787/webhooks/github: name the address of your TLS proxy or of a relay with --webhook-url, or set public_url
    error: --webhook-url 'yard' is not an address: write https://HOST/webhooks/github
    error: the page cannot listen on 127.0.0.1:PORT: choose another --port
    error: --org 'a/b' is not the name of an organisation
    error: --name is what the App is called at GitHub: 1 to 34 characters
    error: --server 'ghe.example.com' is not an address: write https://HOST
    error: /nowhere cannot be written to, where the App's key would go: name another with --dir
    error: name the repositories that get a webhook: --repo OWNER/NAME, as often as you like
    ");
    let left = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(left, 1, "only trainyard.toml");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_gets_its_webhook_and_a_verified_ping() {
    let simulator = simulator().await;
    let yard = Yard::new(&simulator);
    simulator.add_classic_token("ghp_classic", &["repo"]);
    let give = |mut setup: Talking, token: &str| {
        setup
            .child
            .stdin
            .take()
            .unwrap()
            .write_all(format!("{token}\n").as_bytes())
            .unwrap();
        setup.end()
    };
    simulator.add_fine_grained_token("github_pat_weak", &[("metadata", "read"), ("statuses", "write")], None);
    let (code, _, errors) = give(yard.setup(&["--token", "--repo", REPO]), "github_pat_weak");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("the token needs the repository permission 'Pull requests: read-only'"),
        "{errors}"
    );
    assert_eq!(yard.files(), [] as [&str; 0]);

    let (code, said, errors) = give(yard.setup(&["--token", "--repo", REPO]), "ghp_classic");
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(
        said.contains("A ping of acme/flights arrived with the right signature"),
        "{said}"
    );
    assert!(!said.contains("ghp_classic") && !errors.contains("ghp_classic"));
    assert_eq!(mode(&yard.place.path().join("github-token")), 0o600);

    // Again: the webhook is there, and pinged.
    let (code, said, errors) = yard.setup(&["--token", "--repo", REPO]).end();
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(said.contains("it stays as it is"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_is_missing_and_where_it_is_granted() {
    let simulator = simulator().await;
    let (yard, browser) = (Yard::new(&simulator), Browser::new());
    let mut setup = yard.setup(&["--org", "acme", "--name", "Yard"]);
    let back = browser.create(&setup.page()).await;
    browser.open(&back).await;
    setup.says("Install the App");
    drop(setup);
    let app = simulator.apps()[0];
    let nowhere = yard.run(&["doctor"]);
    let at = simulator.install_app(app, "acme", Some(&[])).unwrap();
    let all = [
        ("metadata", "read"),
        ("contents", "read"),
        ("statuses", "write"),
        ("checks", "write"),
    ];
    simulator.set_app_permissions(app, &all, &["push", "pull_request", "check_run"]);
    simulator.set_installation_permissions(at, &all[..2], &["push"]);
    let ended = yard.run(&["doctor", "--repo", REPO]);
    assert_eq!(ended.code, Some(1));
    let about = |text: &str| {
        let lines = text.lines().filter(|line| {
            line.contains("github ") || line.contains("installation") || line.contains("repository acme")
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        text.replace(&yard.github, "https://github.com")
            .replace(&at.to_string(), "ID")
            .replace(&yard.port.to_string(), "PORT")
    };
    let said = format!("{}\n\n{}", about(&nowhere.out), about(&ended.out));
    // A line of the newest delivery has its time.
    let said: Vec<&str> = said.lines().filter(|line| !line.contains("last delivery")).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    ok       github               known as yard[bot]
    ok       github permissions   the App asks for everything that is needed
    problem  github installations the App is installed nowhere: install it at https://github.com/apps/yard/installations/new

    ok       github               known as yard[bot]
    problem  github permissions   the permission 'Pull requests: read and write' is missing, which is needed to read pull requests and comment on them: grant it at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github permissions   the permission 'Issues: read-only' is missing, which is needed to hear commands in comments: grant it at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github permissions   the permission 'Actions: read-only' is missing, which is needed to hear when workflows end: grant it at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'check_suite' is not sent, which is needed to rerun all checks of a commit: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'issue_comment' is not sent, which is needed to hear commands in comments: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'repository' is not sent, which is needed to follow repositories that are renamed or transferred: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'release' is not sent, which is needed to start runs of releases: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'create' is not sent, which is needed to see new branches and tags: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'delete' is not sent, which is needed to see that branches are gone: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'workflow_run' is not sent, which is needed to start runs when workflows end: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    warning  github events        the event 'repository_dispatch' is not sent, which is needed to start runs that others ask for: tick it under 'Subscribe to events' at https://github.com/organizations/acme/settings/apps/yard/permissions
    problem  installation ID    the permission 'Commit statuses: read and write' is missing, which is needed to tell verdicts on commits: the owner of acme has to accept what the App asks for, at https://github.com/settings/installations/ID
    warning  installation ID    the permission 'Checks: read and write' is missing, which is needed to show verdicts as checks with tables and buttons: the owner of acme has to accept what the App asks for, at https://github.com/settings/installations/ID
    problem  installation ID    the event 'pull_request' is not sent, which is needed to judge pull requests: the owner of acme has to accept what the App asks for, at https://github.com/settings/installations/ID
    warning  installation ID    the event 'check_run' is not sent, which is needed to rerun checks and hear their buttons: the owner of acme has to accept what the App asks for, at https://github.com/settings/installations/ID
    problem  installation ID    acme gave it no repository: choose some at https://github.com/settings/installations/ID
    problem  repository acme/flights GitHub knows no installation of the App in acme/flights; if it exists, the App is not installed in acme/flights: install it, or add the repository to its installation, under 'Install App' in the App's settings (https://github.com/settings/apps); `trainyard doctor` lists the installations; its pipelines wait
    ");
}
