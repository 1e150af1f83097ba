//! A real browser: Chromium without a window, driven by its chromedriver on loopback.

use crate::yard::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use thirtyfour::common::capabilities::desiredcapabilities::Capabilities;
use thirtyfour::{By, WebDriver};

/// Nobody sees a window, nothing is asked of the internet, and the container may have little shared memory.
const SWITCHES: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    // The browser ends with its driver, also when that is killed.
    "--remote-debugging-pipe",
];

/// A browser with a profile of its own, which ends when this is dropped.
pub struct Browser {
    driver: WebDriver,
    chromium: Option<Pid>,
    chromedriver: Chromedriver,
    _profile: TempDir,
    url: String,
}

/// The process; killed when dropped.
struct Chromedriver {
    child: Child,
    port: u16,
}

impl Chromedriver {
    /// Starts it at a port that the machine chooses.
    fn start(home: &TempDir) -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver does not start: `make setup` installs it, with its browser");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (send, port) = mpsc::channel();
        let mut started = Self { child, port: 0 };
        // Read to its end, so that it never waits for a reader.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    _ = send.send(port.trim_end_matches('.').parse());
                }
            }
        });
        let port = port
            .recv_timeout(PATIENCE)
            .expect("chromedriver says in time where it listens");
        started.port = port.unwrap();
        started
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Browser {
    /// Opens one for the pages of the service at this address.
    pub async fn open(url: &str) -> Self {
        trainyard_github::install_tls();
        let profile = tempfile::tempdir().unwrap();
        let chromedriver = Chromedriver::start(&profile);
        let switches = SWITCHES.iter().map(ToString::to_string);
        let folder = format!("--user-data-dir={}", profile.path().join("profile").display());
        let wanted = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": switches.chain([folder]).collect::<Vec<_>>() },
        });
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(3 * PATIENCE)
            .build()
            .unwrap();
        let wanted: Capabilities = serde_json::from_value(wanted).unwrap();
        let driver = WebDriver::builder(format!("http://127.0.0.1:{}", chromedriver.port), wanted)
            .client(client)
            .await
            .expect("chromedriver opens no browser: `make setup` installs Chromium");
        let id = driver.capabilities().get("goog:processID").and_then(Value::as_i64);
        let id = id.and_then(|id| i32::try_from(id).ok());
        Self {
            driver,
            chromium: id.and_then(Pid::from_raw),
            chromedriver,
            _profile: profile,
            url: url.to_owned(),
        }
    }

    /// Goes to a page of the service.
    pub async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.url)).await.unwrap();
    }

    /// Where it is, without the address of the service.
    pub async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.as_str().replacen(&self.url, "", 1)
    }

    /// What a script says that no page's policy stops; `arguments` are what it is given.
    pub async fn script(&self, text: &str, arguments: &[Value]) -> Value {
        let said = self.driver.execute(text, arguments.to_vec()).await;
        said.unwrap_or_else(|error| panic!("{text}: {error}")).json().clone()
    }

    /// A command of the browser's own protocol.
    pub async fn command(&self, name: &str, parameters: Value) -> Value {
        let done = self.driver.cdp().send_raw(name, parameters).await;
        done.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The text of all elements that a selector finds.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let text = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent.trim())";
        serde_json::from_value(self.script(text, &[json!(css)]).await).unwrap()
    }

    /// Waits until an element says something.
    pub async fn says(&self, css: &str, text: &str) {
        self.until(&format!("{css} says {text:?}"), async || {
            self.texts(css).await.iter().any(|said| said.contains(text))
        })
        .await;
    }

    /// Waits for a condition of the page; what does not come is told with what was there instead.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds().await {
            if Instant::now() > deadline {
                let (at, page) = (self.path().await, self.texts("body").await);
                panic!(
                    "not within {}s: {what}; {at} says:\n{}",
                    PATIENCE.as_secs(),
                    page.concat()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Types into a field in the place of what is in it, as a person does.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = By::Css(format!("main [name='{name}']"));
        self.until(&format!("{name} can be filled in"), async || {
            let Ok(field) = self.driver.find(field.clone()).await else {
                return false;
            };
            field.clear().await.is_ok()
                && field.send_keys(text).await.is_ok()
                && field
                    .prop("value")
                    .await
                    .is_ok_and(|value| value.as_deref() == Some(text))
        })
        .await;
    }

    /// Presses a button; a page that is brought up to date meanwhile has another one.
    pub async fn press(&self, button: &str) {
        let button = By::XPath(format!("//button[normalize-space()='{button}']"));
        self.until(&format!("{button:?} can be pressed"), async || {
            match self.driver.find(button.clone()).await {
                Ok(button) => button.click().await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }

    /// Ends the session; answered when the browser is gone, and writes to its profile no more.
    fn quit(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.chromedriver.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let session = self.driver.session_id();
        write!(
            stream,
            "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )?;
        stream.read_exact(&mut [0])
    }

    /// What its window shows, as a PNG.
    pub async fn picture(&self, path: &Path) {
        self.driver.screenshot(path).await.unwrap();
    }

    /// What went wrong on the pages since it was asked last: scripts, what the policy stopped, what was not found.
    pub async fn errors(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap().into_iter();
        let severe = entries.filter(|entry| entry.level == "SEVERE");
        severe.map(|entry| entry.message).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The connections of the test's runtime cannot be waited for here, where it may have failed.
        _ = self.driver.clone().leak();
        if self.quit().is_err()
            && let Some(chromium) = self.chromium
        {
            _ = kill_process(chromium, Signal::KILL);
        }
    }
}
