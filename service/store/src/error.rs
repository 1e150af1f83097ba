//! What can go wrong with the database, by what the caller can do about it.

/// The store's results.
pub type Result<T> = std::result::Result<T, StoreError>;

/// One sentence each; the caller's choice is: try again later, reload and decide anew, or tell the user.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer; the same call may work later.
    #[error("the database {database} does not answer: {problem}; check that it runs and that the address in the configuration is right")]
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
    #[error("the database {database} has schema version {found}, but this version of Trainyard knows only up to {known}: install a newer Trainyard")]
    SchemaTooNew {
        /// Where, without a password.
        database: String,
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// Anything else: a corrupt file, missing rights, or a defect of ours.
    #[error("the database {database} refused: {problem}")]
    Other {
        /// Where, without a password.
        database: String,
        /// What the driver said.
        problem: String,
    },
}
