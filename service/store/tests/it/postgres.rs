//! A PostgreSQL server of our own: made by the first test that needs it, shared by all tests of the
//! same test run, and removed by a watchdog when that run ends, however it ends.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const START_DEADLINE: Duration = Duration::from_secs(60);

/// Runs the server, and stops it and removes its folder once the owner is gone.
/// Arguments: the owner's process id, the program, the folder.
const WATCHDOG: &str = r#"
    "$2" -D "$3/data" -k "$3" -c listen_addresses= -c fsync=off -c max_connections=300 2>"$3/log" &
    while [ -d "/proc/$1" ]; do sleep 0.3; done
    kill -QUIT $!
    wait $!
    cd /
    rm -rf "$3"
"#;

/// The address of a new, empty database.
pub async fn new_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = tokio::task::spawn_blocking(server).await.unwrap();
    let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&address(&folder, "postgres")).await.unwrap();
    connection
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    connection.close().await.unwrap();
    address(&folder, &name)
}

fn address(folder: &Path, database: &str) -> String {
    format!(
        "postgres://trainyard@localhost/{database}?host={}&sslmode=disable",
        folder.display()
    )
}

/// The folder with the socket of the running server. nextest runs each test in a process of its
/// own, so that the server is shared through this folder and a lock.
fn server() -> PathBuf {
    let owner = if std::env::var_os("NEXTEST").is_some() {
        parent_id()
    } else {
        std::process::id()
    };
    let folder = std::env::temp_dir().join(format!("trainyard-postgres-{owner}"));
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join("ready").exists() {
        start(&folder, owner);
        fs::write(folder.join("ready"), b"").unwrap();
    }
    folder
}

fn start(folder: &Path, owner: u32) {
    let programs = programs();
    let user = unprivileged_user();
    let run = |program: &str| {
        let mut command = Command::new(programs.join(program));
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir(folder).stdin(Stdio::null());
        command
    };
    if let Some((uid, gid)) = user {
        chown(folder, Some(uid), Some(gid)).unwrap();
    }
    let data = folder.join("data");
    let made = run("initdb")
        .args([
            "--username=trainyard",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ])
        .arg(&data)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "initdb failed: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let mut watchdog = Command::new("sh");
    if let Some((uid, gid)) = user {
        watchdog.uid(uid).gid(gid);
    }
    let text = [WATCHDOG, "watchdog", &owner.to_string()];
    watchdog
        .arg("-c")
        .args(text)
        .arg(programs.join("postgres"))
        .arg(folder)
        .current_dir(folder);
    #[expect(clippy::zombie_processes, reason = "it outlives this process on purpose")]
    watchdog
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + START_DEADLINE;
    while !run("pg_isready")
        .arg("-q")
        .arg("-h")
        .arg(folder)
        .status()
        .unwrap()
        .success()
    {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(
            Instant::now() < deadline,
            "PostgreSQL did not start within {START_DEADLINE:?}: {log}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The folder with `initdb` and `postgres`.
fn programs() -> PathBuf {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()));
    let debian = PathBuf::from("/usr/lib/postgresql/15/bin");
    configured.into_iter().chain([debian]).find(|folder| folder.join("initdb").exists()).expect(
        "these tests need the programs of PostgreSQL 15 (initdb and postgres): run make setup, or on Debian: apt-get install postgresql-15",
    )
}

/// PostgreSQL refuses to run as root; then it runs as the user `postgres`, or `nobody`.
fn unprivileged_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("a user that is not root: postgres or nobody"),
    )
}
