//! A server that speaks S3, from PyPI's moto; other crates' tests include this file too.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const VERSION: &str = "5.2.5";
/// It lets nobody without a signature overwrite anything, and looks at none.
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none";

/// A server on a port of its own, which ends with this value.
pub struct Moto {
    server: Child,
    endpoint: String,
}

impl Moto {
    /// Everybody may do everything there.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// After so many requests only keys are let in that it knows, and it knows none.
    pub fn closing_after(requests: usize) -> Self {
        Self::with(&[("INITIAL_NO_AUTH_ACTION_COUNT", &requests.to_string())])
    }

    fn with(environment: &[(&str, &str)]) -> Self {
        let mut server = Command::new(python())
            .args([
                "-u",
                "-c",
                "from moto.server import main; main()",
                "-H",
                "127.0.0.1",
                "-p",
                "0",
            ])
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stderr.take().unwrap());
        let mut heard = String::new();
        let endpoint = loop {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "moto ended: {heard}");
            if let Some((_, address)) = line.split_once("Running on ") {
                break address.split_whitespace().next().unwrap().to_owned();
            }
            heard += &line;
        };
        // It writes a line for each request, and waits for who reads them.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Self { server, endpoint }
    }

    /// For example `http://127.0.0.1:41234`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes a bucket.
    pub async fn bucket(&self, name: &str) {
        self.write(reqwest::Method::PUT, name, "").await;
    }

    /// Writes an object.
    pub async fn put(&self, bucket: &str, key: &str, content: impl Into<reqwest::Body>) {
        self.write(reqwest::Method::PUT, &format!("{bucket}/{key}"), content)
            .await;
    }

    /// Removes an object.
    pub async fn delete(&self, bucket: &str, key: &str) {
        self.write(reqwest::Method::DELETE, &format!("{bucket}/{key}"), "")
            .await;
    }

    async fn write(&self, method: reqwest::Method, path: &str, content: impl Into<reqwest::Body>) {
        trainyard_sources::install_tls();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        let request = client.request(method, format!("{}/{path}", self.endpoint));
        let request = request.header("authorization", SIGNED);
        let answer = request.body(content).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A Python with moto, made once in the user's cache folder.
fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    let folder = cache.unwrap_or_else(home).join("trainyard");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("moto.lock")).unwrap();
    lock.lock().unwrap();
    let venv = folder.join(format!("moto-{VERSION}"));
    let python = venv.join("bin/python");
    if works(&python) {
        return python;
    }
    // What an interrupted installation left.
    if venv.exists() {
        fs::remove_dir_all(&venv).unwrap();
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).output();
    let package = format!("moto[s3,server]=={VERSION}");
    let installed = made.and_then(|_| {
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", &package])
            .output()
    });
    let problem = match installed {
        Ok(_) if works(&python) => return python,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "this test needs Python 3 with venv and the package {package}: install Python 3 and run the test again\n{problem}"
    );
}

fn works(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", "import moto.server, flask, flask_cors"])
        .output()
        .is_ok_and(|output| output.status.success())
}
