//! What can go wrong with the database, by what the caller can do about it.

use crate::room;
use crate::unreadable::Unreadable;
use std::io;
use std::path::Path;

/// The store's results.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One sentence each; the caller's choice is: try again later, reload and decide anew, or tell the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer; the same call may work later.
    #[error(
        "the database {database} does not answer: {problem}; check that it runs and that the address in the configuration is right"
    )]
    Unreachable {
        /// Where, without a password.
        database: String,
        /// What the driver said.
        problem: String,
    },
    /// Somebody else was faster: the version moved, the lease is not ours, or the row exists. Nothing was written.
    #[error("{0}")]
    Conflict(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// No room is left. Nothing was written, and nothing that was stored is lost.
    #[error("the disk under {place} is full: free some space, and the service goes on by itself")]
    DiskFull {
        /// The database file or server.
        place: String,
    },
    /// Another program holds the right to write. Nothing was written.
    #[error(
        "another program keeps the database {place} locked: end it (`fuser {place}` names it), and the service goes on by itself"
    )]
    Locked {
        /// The database file.
        place: String,
    },
    /// Another program has been reading for so long that the log grew to its limit. Nothing was written.
    #[error(
        "another program reads the database {place} without an end, so that its log has grown to {}: end it (`fuser {place}` names it), and the service goes on by itself",
        trainyard_core::sentence::bytes(*log)
    )]
    Pinned {
        /// The database file.
        place: String,
        /// Bytes of the log.
        log: u64,
    },
    /// The file or its folder takes no writes.
    #[error(
        "the database {place} is read-only: give this user the right to write to the file and its folder, or mount the disk for writing"
    )]
    ReadOnly {
        /// The database file.
        place: String,
    },
    /// The disk does not do what it is asked, though there is room.
    #[error("the disk under {place} does not work ({problem}): look at its quota and at the system's log")]
    Disk {
        /// The database file.
        place: String,
        /// What the driver said.
        problem: String,
    },
    /// A newer Trainyard wrote this database.
    #[error(
        "the database {database} has schema version {found}, but this version of Trainyard knows only up to {known}: install a newer Trainyard"
    )]
    SchemaTooNew {
        /// Where, without a password.
        database: String,
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// One stored row cannot be read: it is damaged, or a newer Trainyard wrote it. The others can.
    #[error("{}", .0.sentence())]
    Unreadable(Unreadable),
    /// Anything else: a corrupt file, missing rights, or a defect of ours.
    #[error("the database {database} refused: {problem}")]
    Other {
        /// Where, without a password.
        database: String,
        /// What the driver said.
        problem: String,
    },
}

impl StoreError {
    /// What an error of the disk under the database's file means for the caller.
    pub(crate) fn from_disk(error: &io::Error, file: &Path) -> Self {
        let place = file.display().to_string();
        match error.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull { place },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly { place },
            _ => Self::Disk {
                place,
                problem: error.to_string(),
            },
        }
    }

    /// What a driver's error means for the caller; `place` is the database without a password.
    pub(crate) fn from_driver(error: sqlx::Error, place: &str) -> Self {
        let problem = error.to_string();
        let database = place.to_owned();
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                if error.is_unique_violation() || error.is_foreign_key_violation() || error.is_check_violation() {
                    return Self::Conflict(format!(
                        "the database {place} holds something else under this name: {}",
                        error.message()
                    ));
                }
                match Trouble::of(&code) {
                    Trouble::Full => Self::DiskFull { place: database },
                    Trouble::Locked => Self::Locked { place: database },
                    Trouble::ReadOnly => Self::ReadOnly { place: database },
                    // A full disk breaks the memory that SQLite shares before any page is written.
                    Trouble::Disk | Trouble::Closed if room::is_full(place) => Self::DiskFull { place: database },
                    Trouble::Closed if room::is_read_only(place) => Self::ReadOnly { place: database },
                    Trouble::Disk => Self::Disk {
                        place: database,
                        problem: error.message().to_owned(),
                    },
                    Trouble::Closed => Self::Unreachable {
                        database,
                        problem: error.message().to_owned(),
                    },
                    Trouble::Away => Self::Unreachable {
                        database,
                        problem: error.message().to_owned(),
                    },
                    Trouble::Race => Self::Conflict(format!("another writer was faster: {}", error.message())),
                    Trouble::Unknown => Self::Other {
                        database,
                        problem: error.message().to_owned(),
                    },
                }
            }
            sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Self::DiskFull { place: database }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unreachable { database, problem },
            _ => Self::Other { database, problem },
        }
    }

    /// A row that this program cannot have written.
    pub(crate) fn damaged(place: &str, what: &str, problem: impl std::fmt::Display) -> Self {
        Self::Other {
            database: place.to_owned(),
            problem: format!("the stored {what} cannot be read: {problem}"),
        }
    }

    /// A column that this program cannot have written.
    pub(crate) fn column(place: &str, what: &str, problem: impl std::fmt::Display) -> Self {
        Self::Other {
            database: place.to_owned(),
            problem: format!("its {what} is not understood: {problem}"),
        }
    }

    /// Whether the database as a whole takes no writes now: the same call may work later.
    pub fn passes(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::DiskFull { .. }
                | Self::Locked { .. }
                | Self::Pinned { .. }
                | Self::ReadOnly { .. }
                | Self::Disk { .. }
        )
    }

    /// Whether more room on the disk would help.
    pub(crate) fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Disk { .. })
    }

    /// The row, if one cannot be read.
    pub(crate) fn unreadable(&self) -> Option<&Unreadable> {
        match self {
            Self::Unreadable(row) => Some(row),
            _ => None,
        }
    }

    /// What is wrong, without the words around it.
    pub(crate) fn problem(self) -> String {
        match self {
            Self::Other { problem, .. } => problem,
            other => other.to_string(),
        }
    }
}

enum Trouble {
    Full,
    Locked,
    ReadOnly,
    Disk,
    Closed,
    Away,
    Race,
    Unknown,
}

impl Trouble {
    /// From SQLite's result code in decimal, or PostgreSQL's five-letter SQLSTATE.
    fn of(code: &str) -> Self {
        match code {
            "13" | "53100" => Self::Full,
            "40001" | "40P01" => Self::Race,
            // A server that became a standby refuses writes until the address names the new one.
            "57P01" | "57P02" | "57P03" | "53300" | "55P03" | "25006" => Self::Away,
            code if code.len() == 5 && code.starts_with("08") => Self::Away,
            // The low byte is SQLite's primary code.
            code if code.len() < 5 => match code.parse::<u32>().map(|code| code & 0xff) {
                Ok(5 | 6) => Self::Locked,
                Ok(8) => Self::ReadOnly,
                Ok(10) => Self::Disk,
                Ok(14) => Self::Closed,
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_codes_become_what_the_caller_can_do() {
        for (code, expected) in [
            ("13", "full"),
            ("53100", "full"),
            ("5", "locked"),
            ("517", "locked"),
            ("261", "locked"),
            ("14", "closed"),
            ("8", "read-only"),
            ("1032", "read-only"),
            ("10", "disk"),
            ("4874", "disk"),
            ("25006", "away"),
            ("08006", "away"),
            ("57P01", "away"),
            ("40P01", "race"),
            ("1", "unknown"),
            ("42601", "unknown"),
            ("", "unknown"),
        ] {
            let found = match Trouble::of(code) {
                Trouble::Full => "full",
                Trouble::Locked => "locked",
                Trouble::ReadOnly => "read-only",
                Trouble::Disk => "disk",
                Trouble::Closed => "closed",
                Trouble::Away => "away",
                Trouble::Race => "race",
                Trouble::Unknown => "unknown",
            };
            assert_eq!(found, expected, "{code}");
        }
    }
}
