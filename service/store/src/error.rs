//! What can go wrong with the database, by what the caller can do about it.

use crate::unreadable::Unreadable;

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
            "57P01" | "57P02" | "57P03" | "53300" | "55P03" => Self::Away,
            code if code.len() == 5 && code.starts_with("08") => Self::Away,
            // The low byte is SQLite's primary code: 5 is busy, 6 locked, 14 cannot open.
            code => match code.parse::<u32>().map(|code| code & 0xff) {
                Ok(5 | 6 | 14) if code.len() < 5 => Self::Away,
                _ => Self::Unknown,
            },
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
            ("5", "away"),
            ("517", "away"),
            ("261", "away"),
            ("14", "away"),
            ("08006", "away"),
            ("57P01", "away"),
            ("40P01", "race"),
            ("1", "unknown"),
            ("42601", "unknown"),
            ("", "unknown"),
        ] {
            let found = match Trouble::of(code) {
                Trouble::Full => "full",
                Trouble::Away => "away",
                Trouble::Race => "race",
                Trouble::Unknown => "unknown",
            };
            assert_eq!(found, expected, "{code}");
        }
    }
}
