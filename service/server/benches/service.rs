//! The binary as a service in a folder of its own, and SQLite beside it.

use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What signs the webhooks.
pub const SECRET: &str = "secret-of-the-bench";

/// A service; killed when dropped.
pub struct Service {
    child: Child,
    pub port: u16,
    pub database: PathBuf,
    /// From its start to its being ready.
    pub took: Duration,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Service {
    /// Starts one on a data folder with further settings.
    pub fn start(data: &Path, settings: &str) -> Result<Self> {
        Self::start_with(data, settings, &[])
    }

    /// The same with variables of its environment.
    pub fn start_with(data: &Path, settings: &str, environment: &[(&str, &str)]) -> Result<Self> {
        fs::create_dir_all(data)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = data.join("trainyard.toml");
        let text = format!(
            "data_dir = \"{}\"\nlisten = \"127.0.0.1:{port}\"\n{settings}",
            data.display()
        );
        fs::write(&config, text)?;
        let started = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_trainyard"))
            .arg("--config")
            .arg(&config)
            .arg("serve")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(fs::File::create(data.join("serve.log"))?)
            .spawn()?;
        let mut service = Self {
            child,
            port,
            database: data.join("trainyard.db"),
            took: Duration::ZERO,
        };
        while started.elapsed() < Duration::from_secs(60) {
            if service
                .get("/readyz")
                .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
            {
                service.took = started.elapsed();
                return Ok(service);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        bail!("the service was not ready within 60s")
    }

    /// The settings under which it takes webhooks.
    pub fn with_webhooks() -> String {
        format!(
            "[github]\napi_url = \"http://127.0.0.1:9\"\ngit_url = \"http://127.0.0.1:9\"\ntoken = \"none\"\n\
             webhook_secret = \"{SECRET}\"\n[executor]\nkind = \"process\"\n"
        )
    }

    /// The whole answer to a GET.
    pub fn get(&self, path: &str) -> Result<String> {
        self.ask("GET", path, "")
    }

    /// The same to a POST of JSON.
    pub fn post(&self, path: &str, body: &str) -> Result<String> {
        self.ask("POST", path, body)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// SIGKILL; everything it held is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> Result<f64> {
        self.status_of("VmRSS:")
    }

    /// The most resident memory that it ever had, in MiB.
    pub fn most_memory(&self) -> Result<f64> {
        self.status_of("VmHWM:")
    }

    fn status_of(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes: f64 = line.context("no such line")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Processor time so far.
    pub fn processor(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(") ").context("no name in stat")?.1;
        let fields: Vec<&str> = after_name.split(' ').collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        // A hundred ticks a second on every Linux.
        Ok(Duration::from_millis(ticks * 10))
    }
}

/// Runs `sqlite.py` and reads the number that it prints.
pub fn sqlite(arguments: &[&str]) -> Result<Option<f64>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/sqlite.py");
    let output = Command::new("python3").arg(script).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "sqlite.py {arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?.trim().parse().ok())
}
