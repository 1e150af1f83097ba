//! Failures of git as sentences, read from what git prints (in English, because we set the locale).

use std::time::Duration;
use trainyard_core::ids::CommitSha;
use trainyard_core::machine;

/// Why there is no source. No message holds a token.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No such repository, or no access; hosts do not tell which.
    #[error(
        "{url} does not exist or the token has no access to it: check the name and give the token read access to contents"
    )]
    NoAccess {
        /// The repository.
        url: String,
    },
    /// The host has no such commit.
    #[error("commit {sha} is not in {url}: was it force-pushed away?")]
    CommitNotFound {
        /// The repository.
        url: String,
        /// The commit.
        sha: CommitSha,
    },
    /// The host has no such branch.
    #[error("{url} has no branch '{branch}'")]
    BranchNotFound {
        /// The repository.
        url: String,
        /// The branch.
        branch: String,
    },
    /// No connection, or a failure on the host's side: worth another try.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The repository.
        url: String,
        /// What git said.
        reason: String,
    },
    /// It took too long: worth another try.
    #[error("git {action} took longer than {} seconds", limit.as_secs())]
    TimedOut {
        /// The git command.
        action: String,
        /// The limit.
        limit: Duration,
    },
    /// A name that could be mistaken for an option, a path or another commit.
    #[error("'{name}' is not {expected}")]
    BadName {
        /// What came.
        name: String,
        /// What should have come.
        expected: &'static str,
    },
    /// A link in the tree points out of it.
    #[error("the link '{path}' points out of the repository, to '{target}': links must stay inside it")]
    EscapingLink {
        /// The link.
        path: String,
        /// Where it points.
        target: String,
    },
    /// A file is too large to be read whole.
    #[error("'{path}' has {bytes} bytes, and at most {limit} are read")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The program is missing.
    #[error("the program git cannot be started ({0}): install git")]
    NoGit(std::io::Error),
    /// The folder of the mirror or of the work tree.
    #[error("{path} cannot be written ({source}): check the disk and the permissions")]
    Disk {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The machine kept git from its work: no memory, no handles, or somebody ended it. Worth another try.
    #[error("git {action} could not do its work on this machine: {detail}")]
    Machine {
        /// The git command.
        action: String,
        /// What git or the system said.
        detail: String,
    },
    /// The mirror has not what it says that it has.
    #[error("git {action} failed: {detail}")]
    Damaged {
        /// The git command.
        action: String,
        /// What git said.
        detail: String,
    },
    /// Anything else.
    #[error("git {action} failed: {detail}")]
    Failed {
        /// The git command.
        action: String,
        /// What git said.
        detail: String,
    },
}

impl GitError {
    /// Whether another mirror could help: neither the host nor the disk has said so.
    pub(super) fn may_be_the_mirror(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Damaged { .. } | Self::Disk { .. }) && !self.is_machine()
    }

    /// Whether it is the disk's trouble, and another mirror would meet the same.
    pub(super) fn is_machine(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if machine::is_trouble(source))
    }
}

/// What git says when its machine keeps it from working, whatever it was doing.
pub(super) fn says_machine(stderr: &str) -> bool {
    let words = [
        "Out of memory",
        "out of memory",
        "Cannot allocate memory",
        "Too many open files",
        "Resource temporarily unavailable",
        "Read-only file system",
        "Input/output error",
        // A program that git itself started: killed for its memory, or by a person.
        "died of signal",
    ];
    words.iter().any(|part| stderr.contains(part))
}

/// What git's standard error means for a commit that was asked for.
pub(super) fn of_commit(url: &str, sha: &CommitSha, stderr: &str) -> GitError {
    let says = |parts: &[&str]| parts.iter().any(|part| stderr.contains(part));
    if says(&["not our ref", "unadvertised object"]) {
        return GitError::CommitNotFound {
            url: url.to_owned(),
            sha: sha.clone(),
        };
    }
    // A mirror with holes says the same as a host without the commit.
    if says(&["bad object", "did not send all", "not a git repository", "File exists"]) {
        return GitError::Damaged {
            action: "fetch".to_owned(),
            detail: last_line(stderr),
        };
    }
    of_fetch(url, stderr)
}

/// What git's standard error means for a fetch from `url`.
pub(super) fn of_fetch(url: &str, stderr: &str) -> GitError {
    let url = url.to_owned();
    let says = |parts: &[&str]| parts.iter().any(|part| stderr.contains(part));
    if says(&[
        "error: 401",
        "error: 403",
        "error: 404",
        "could not read Username",
        "Authentication failed",
        "not found",
    ]) || says(&["does not appear to be a git repository", "error: 30"])
    {
        return GitError::NoAccess { url };
    }
    let unreachable = [
        "Could not resolve",
        "Failed to connect",
        "Couldn't connect",
        "Connection",
        "timed out",
        "Operation too slow",
    ];
    let broken = [
        "error: 5",
        "error: 429",
        "SSL",
        "certificate",
        "hung up",
        "early EOF",
        "Empty reply",
        "RPC failed",
    ];
    if says(&unreachable) || says(&broken) {
        return GitError::Unreachable {
            url,
            reason: last_line(stderr),
        };
    }
    GitError::Failed {
        action: "fetch".to_owned(),
        detail: last_line(stderr),
    }
}

/// The line that tells most: the last `fatal:` or `error:`, else the last line.
pub(super) fn last_line(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let telling = lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let line = telling.or_else(|| lines().next()).unwrap_or("it said nothing");
    line.trim_start_matches("fatal: ")
        .trim_start_matches("error: ")
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_prints_becomes_what_to_do() {
        let said: Vec<String> = [
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            "remote: Repository not found.\nfatal: repository 'https://github.com/acme/x.git/' not found",
            "fatal: unable to access 'https://h/': The requested URL returned error: 403",
            "fatal: unable to access 'https://h/': Could not resolve host: h",
            "fatal: unable to access 'https://h/': The requested URL returned error: 503",
            "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate",
            "fatal: write error: No space left on device",
            "",
        ]
        .iter()
        .map(|stderr| of_fetch("https://github.com/acme/x.git", stderr).to_string())
        .collect();
        insta::assert_snapshot!(said.join("\n"), @"
        https://github.com/acme/x.git does not exist or the token has no access to it: check the name and give the token read access to contents
        https://github.com/acme/x.git does not exist or the token has no access to it: check the name and give the token read access to contents
        https://github.com/acme/x.git does not exist or the token has no access to it: check the name and give the token read access to contents
        https://github.com/acme/x.git cannot be reached: unable to access 'https://h/': Could not resolve host: h
        https://github.com/acme/x.git cannot be reached: unable to access 'https://h/': The requested URL returned error: 503
        https://github.com/acme/x.git cannot be reached: unable to access 'https://h/': SSL certificate problem: self-signed certificate
        git fetch failed: write error: No space left on device
        git fetch failed: it said nothing
        ");
    }
}
