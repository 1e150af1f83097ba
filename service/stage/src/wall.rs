//! What Kubernetes has no words for: limits of files, and no network where several containers share one.

use crate::place::{self, at};
use crate::run::Program;
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Files that a process has open at a time.
const OPEN_FILES: u64 = 65_536;
/// `AF_UNIX`, which stays within the machine.
const UNIX: u64 = 1;
/// `EACCES`.
const DENIED: u32 = 13;

/// Becomes the program; returns only where it cannot be executed, with the code to end with.
pub fn exec(program: &Program) -> i32 {
    let error = match walled(program) {
        Ok(()) => {
            let mut command = Command::new(&program.command[0]);
            command.args(&program.command[1..]).exec()
        }
        Err(error) => error,
    };
    let refused = json!({"program": program.command[0], "why": error.to_string()});
    if fs::write(at(place::REFUSED), refused.to_string()).is_err() {
        eprintln!("[trainyard] {refused}");
    }
    127
}

fn walled(program: &Program) -> io::Result<()> {
    let both = |most: u64| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let open = rustix::process::getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        both(open.map_or(OPEN_FILES, |own| own.min(OPEN_FILES))),
    )?;
    setrlimit(Resource::Core, both(0))?;
    if let Some(most) = program.largest_file {
        setrlimit(Resource::Fsize, both(most))?;
    }
    if program.network {
        return Ok(());
    }
    let filter = no_network().map_err(io::Error::other)?;
    seccompiler::apply_filter(&filter).map_err(io::Error::other)
}

/// Denies every socket that is not of this machine alone, and the one way around system calls.
fn no_network() -> Result<BpfProgram, seccompiler::Error> {
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, UNIX)?;
    let sockets = vec![SeccompRule::new(vec![other])?];
    let (socket, io_uring_setup) = numbers();
    let mut rules = BTreeMap::from([(socket, sockets.clone()), (io_uring_setup, Vec::new())]);
    if cfg!(target_arch = "x86_64") {
        // The same calls under the numbers of x32.
        rules.insert(socket | X32, sockets);
        rules.insert(io_uring_setup | X32, Vec::new());
    }
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(DENIED), arch)?;
    Ok(filter.try_into()?)
}

/// The bit by which x32 tells its calls apart.
const X32: i64 = 0x4000_0000;

/// The numbers of `socket` and `io_uring_setup`.
const fn numbers() -> (i64, i64) {
    if cfg!(target_arch = "x86_64") {
        (41, 425)
    } else {
        (198, 425)
    }
}
