//! `stage run`: the parent of a step's program. It is what Docker's init is there, keeps all of the log, and says how the
//! program ended, whatever becomes of the pod's own word.

use crate::place::{self, GRACE, at};
use crate::protocol::End;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Bytes of the log that go to the kubelet as they come. It turns its files over at 10 MiB, and what it turned over
/// while nobody read is lost; the rest is in the store when the program has ended.
pub const LIVE: u64 = 8 << 20;
/// What stands there instead.
const TOO_MUCH: &str = "[trainyard] what comes after these 8 MiB is shown when the step has ended\n";

/// A program and its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its command line.
    pub command: Vec<String>,
    /// Whether it may reach a network.
    pub network: bool,
    /// Bytes of the largest file that it may write.
    pub largest_file: Option<u64>,
}

impl Program {
    /// The arguments of `stage` that run it.
    pub fn arguments(&self, verb: &str) -> Vec<String> {
        let mut arguments = vec![verb.to_owned()];
        arguments.extend(self.network.then(|| "--network".to_owned()));
        arguments.extend(self.largest_file.map(|bytes| format!("--largest-file={bytes}")));
        arguments.push("--".to_owned());
        arguments.extend(self.command.iter().cloned());
        arguments
    }

    /// The program that such arguments name, without the verb.
    pub fn of_arguments(arguments: &[String]) -> Option<Self> {
        let end = arguments.iter().position(|argument| argument == "--")?;
        let (options, command) = (&arguments[..end], arguments[end + 1..].to_vec());
        let mut program = Self {
            command,
            ..Self::default()
        };
        for option in options {
            match option.split_once('=') {
                None if option == "--network" => program.network = true,
                Some(("--largest-file", bytes)) => program.largest_file = Some(bytes.parse().ok()?),
                _ => return None,
            }
        }
        (!program.command.is_empty()).then_some(program)
    }
}

/// Runs a program to its end; the code to end with.
pub async fn run(program: &Program) -> i32 {
    match watched(program).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("[trainyard] the program cannot be run: {error}");
            126
        }
    }
}

async fn watched(program: &Program) -> io::Result<i32> {
    let lock = File::create(at(place::LOCK))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let log = OpenOptions::new()
        .create_new(true)
        .append(true)
        .mode(0o644)
        .open(at(place::LOG))?;
    fs::write(at(place::STARTED), b"")?;
    let mut asked_to_end = signal(SignalKind::terminate())?;
    let (said, says) = io::pipe()?;
    let mut said = Said {
        pipe: Receiver::from_owned_fd(OwnedFd::from(said))?,
        log,
        live: LIVE,
    };
    let child = Command::new(at(place::PROGRAM))
        .args(program.arguments("exec"))
        .stdin(Stdio::null())
        .stdout(says.try_clone()?)
        .stderr(says)
        .spawn()?;
    let pid = Pid::from_child(&child);
    let mut ended = reaped(pid);
    let mut kill_at = None;
    let code = loop {
        let killed = async {
            match kill_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = asked_to_end.recv() => {
                let _ = kill_process(pid, Signal::TERM);
                kill_at.get_or_insert_with(|| Instant::now() + GRACE);
            }
            () = killed => {
                let _ = kill_process(pid, Signal::KILL);
                kill_at = Some(Instant::now() + Duration::from_secs(1));
            }
            code = &mut ended => break code.map_err(io::Error::other)?,
            passed = said.pass() => passed?,
        }
    };
    // What it wrote before its end is in the pipe; its children go with the container.
    said.drain()?;
    let end = match fs::read(at(place::REFUSED)) {
        Ok(refused) if code == 127 => refused_end(&refused),
        _ => End::Code(code),
    };
    fs::write(at(place::END), serde_json::to_vec(&end)?)?;
    Ok(code)
}

fn refused_end(refused: &[u8]) -> End {
    let read: serde_json::Value = serde_json::from_slice(refused).unwrap_or_default();
    let part = |name: &str| read[name].as_str().unwrap_or_default().to_owned();
    End::NotExecuted {
        program: part("program"),
        why: part("why"),
    }
}

/// Waits for every process that is left to this one, until the program itself has ended.
fn reaped(program: Pid) -> oneshot::Receiver<i32> {
    let (tell, ended) = oneshot::channel();
    std::thread::spawn(move || {
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) if pid == program => {
                    let signal = status.terminating_signal().map(|signal| 128 + signal);
                    let _ = tell.send(status.exit_status().or(signal).unwrap_or(-1));
                    return;
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    });
    ended
}

/// What the program says, on its way into the log and to whoever follows it.
struct Said {
    pipe: Receiver,
    log: File,
    live: u64,
}

impl Said {
    /// Some more of it; waits for ever where nobody can say anything any more.
    async fn pass(&mut self) -> io::Result<()> {
        self.pipe.readable().await?;
        match self.read()? {
            Some(0) => std::future::pending().await,
            _ => Ok(()),
        }
    }

    fn drain(&mut self) -> io::Result<()> {
        while self.read()?.is_some_and(|read| read > 0) {}
        Ok(())
    }

    /// How many bytes were there, 0 at the end; `None` if there are none for now.
    fn read(&mut self) -> io::Result<Option<usize>> {
        let mut buffer = vec![0; 64 * 1024];
        match self.pipe.try_read(&mut buffer) {
            Ok(read) => self.keep(&buffer[..read]).map(|()| Some(read)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        if self.live == 0 {
            return Ok(());
        }
        let live = usize::try_from(self.live).map_or(bytes.len(), |live| live.min(bytes.len()));
        self.live -= live as u64;
        let mut out = io::stdout().lock();
        // Whoever reads it may be gone: the log is there all the same.
        let _ = out.write_all(&bytes[..live]);
        if self.live == 0 {
            let _ = out.write_all(b"\n").and_then(|()| out.write_all(TOO_MUCH.as_bytes()));
        }
        let _ = out.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_what_its_arguments_say() {
        let program = Program {
            command: ["sh", "-c", "--", "x"].map(str::to_owned).to_vec(),
            network: true,
            largest_file: Some(7),
        };
        for network in [true, false] {
            for largest_file in [None, Some(7)] {
                let program = Program {
                    network,
                    largest_file,
                    ..program.clone()
                };
                assert_eq!(Program::of_arguments(&program.arguments("run")[1..]), Some(program));
            }
        }
        assert_eq!(Program::of_arguments(&["--".to_owned()]), None);
        assert_eq!(
            Program::of_arguments(&["--root".to_owned(), "--".to_owned(), "sh".to_owned()]),
            None
        );
    }
}
