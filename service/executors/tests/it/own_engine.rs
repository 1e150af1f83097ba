//! A Docker engine of a test's own, which can be restarted without anybody else's containers.

use crate::engine::BASE;
use crate::stage::until;
use bollard::Docker;
use bollard::query_parameters::{KillContainerOptions, ListContainersOptions};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Where the engine writes down the process of its containerd.
const CONTAINERD: &str = "exec/containerd/containerd.pid";

fn is_gone(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

/// Gone with everything in it when it is dropped.
pub struct OwnEngine {
    folder: TempDir,
    options: Vec<String>,
}

impl OwnEngine {
    /// With the base image. `None` where none can be started, which is said.
    pub async fn start(options: &[&str]) -> Option<Self> {
        let own = Self {
            folder: tempfile::Builder::new().prefix("trainyard-engine-").tempdir().unwrap(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        };
        let is_there = |program: &str| {
            Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .status()
                .is_ok()
        };
        if !rustix::process::geteuid().is_root() || !is_there("dockerd") || !is_there("unshare") {
            eprintln!("an engine of its own needs root, dockerd and unshare, so nothing is tested");
            return None;
        }
        if !own.spawn().await {
            let log = fs::read_to_string(own.path().join("log")).unwrap_or_default();
            eprintln!("no second Docker engine can be started here, so nothing is tested: {log}");
            return None;
        }
        let copy = format!("docker save {BASE} | docker -H {} load", own.host());
        let copied = Command::new("sh")
            .args(["-c", &copy])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(copied.success(), "{BASE} cannot be copied");
        Some(own)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.path().join("docker.sock").display())
    }

    fn docker(&self) -> Docker {
        Docker::connect_with_host(&self.host()).unwrap()
    }

    /// Whether it answers in time. In a network namespace of its own, since it would take the other's bridge away.
    async fn spawn(&self) -> bool {
        let place = |name: &str| self.path().join(name).display().to_string();
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path().join("log"))
            .unwrap();
        let spawned = Command::new("unshare")
            .args([
                "--net",
                "dockerd",
                "--bridge",
                "none",
                "--iptables=false",
                "-H",
                &self.host(),
            ])
            .args([
                "--data-root",
                &place("root"),
                "--exec-root",
                &place("exec"),
                "--pidfile",
                &place("pid"),
            ])
            .args(&self.options)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let Ok(mut child) = spawned else { return false };
        for _ in 0..300 {
            if self.path().join("docker.sock").exists() && self.docker().ping().await.is_ok() {
                return true;
            }
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// The engine's process, by the file in which it wrote it down.
    fn pid(&self, file: &str) -> Option<String> {
        let text = fs::read_to_string(self.path().join(file)).ok()?;
        Some(text.trim().to_owned()).filter(|pid| Path::new("/proc").join(pid).exists())
    }

    fn signal(&self, file: &str, signal: &str) {
        if let Some(pid) = self.pid(file) {
            let _ = Command::new("kill").args(["-s", signal, &pid]).status();
        }
    }

    /// Ends it so, and starts it again.
    pub async fn restart(&mut self, signal: &str) {
        let (pid, containerd) = (self.pid("pid").unwrap(), self.pid(CONTAINERD));
        self.signal("pid", signal);
        until("the engine's end", || async { is_gone(&pid) }).await;
        let _ = fs::remove_file(self.path().join("pid"));
        // Its containerd may end later, or stay: the next would wait for it, or for what it has locked.
        if let Some(pid) = containerd {
            let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
            until("the end of its containerd", || async { is_gone(&pid) }).await;
        }
        let _ = fs::remove_file(self.path().join(CONTAINERD));
        assert!(self.spawn().await, "the engine does not come back");
    }

    /// Waits for a container that runs, and kills what there is.
    pub async fn kill_every_container(&self) {
        let docker = self.docker();
        let running = || async {
            !docker
                .list_containers(None::<ListContainersOptions>)
                .await
                .unwrap()
                .is_empty()
        };
        until("a container", running).await;
        for container in docker.list_containers(None::<ListContainersOptions>).await.unwrap() {
            let id = container.id.unwrap();
            docker.kill_container(&id, None::<KillContainerOptions>).await.unwrap();
        }
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let containers = Command::new("docker")
            .args(["-H", &self.host(), "ps", "--quiet"])
            .output();
        for id in containers
            .iter()
            .flat_map(|found| std::str::from_utf8(&found.stdout))
            .flat_map(str::lines)
        {
            let _ = Command::new("docker").args(["-H", &self.host(), "kill", id]).output();
        }
        self.signal("pid", "TERM");
        for _ in 0..200 {
            if self.pid("pid").is_none() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // What it leaves where it was killed: its containerd, and mounts.
        self.signal("pid", "KILL");
        self.signal(CONTAINERD, "KILL");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        let below: Vec<_> = places
            .filter(|place| Path::new(place).starts_with(self.path()))
            .collect();
        for place in below.iter().rev() {
            let _ = Command::new("umount").args(["--lazy", place]).status();
        }
    }
}
