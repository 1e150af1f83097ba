//! What people and programs did: written before it is done, so that nothing is done without an entry.

use crate::connection::{Connection, Row, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::access::Deed;
use trainyard_core::ids::Micros;

statements! {
    ADD = "INSERT INTO audit (at, actor, deed, subject, reason, done, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING number";
    END = "UPDATE audit SET done = $2, outcome = $3 WHERE number = $1";
    LIST = "SELECT number, at, actor, deed, subject, reason, done, outcome FROM audit WHERE number < $1
        ORDER BY number DESC LIMIT $2";
}

/// What somebody is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeed {
    /// Who.
    pub actor: String,
    /// What.
    pub deed: Deed,
    /// To what: a run, a target, a token.
    pub subject: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// When.
    pub at: Micros,
}

/// An entry of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number: later ones were written later.
    pub number: u64,
    /// What was to be done.
    pub deed: NewDeed,
    /// Whether it was done; unknown while it is being done, and where the service ended meanwhile.
    pub done: Option<bool>,
    /// What came of it, for people.
    pub outcome: Option<String>,
}

impl Store {
    /// Writes that it is about to be done; the entry's number.
    pub async fn begin_deed(&self, new: NewDeed) -> Result<u64> {
        self.write(move |db| Box::pin(async move { add(db, &new, None).await }))
            .await
    }

    /// Writes what came of it.
    pub async fn end_deed(&self, number: u64, done: bool, outcome: Option<&str>) -> Result<()> {
        let arguments = args![number, done, outcome];
        self.write(move |db| Box::pin(async move { db.execute(END, arguments).await.map(drop) }))
            .await
    }
}

/// Writes an entry; with what came of it, where that is known already.
pub(crate) async fn add(db: &mut Connection, new: &NewDeed, end: Option<(bool, &str)>) -> Result<u64> {
    let arguments = args![
        new.at,
        &new.actor,
        new.deed.as_str(),
        &new.subject,
        new.reason.as_deref(),
        end.map(|(done, _)| done),
        end.map(|(_, outcome)| outcome),
    ];
    let row = db.row(ADD, arguments).await?;
    match row {
        Some(row) => row.count(0),
        None => Err(StoreError::damaged(db.place(), "audit", "a new entry has no number")),
    }
}

const ENTRY: Kind = Kind {
    what: "entry of the audit",
    key: |row| Ok(row.count(0)?.to_string()),
};

impl Reads {
    /// Entries older than number `before`, newest first.
    pub async fn audit(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>> {
        let listed = (LIST, args![before.unwrap_or(u64::MAX)]);
        self.first_readable(ENTRY, Extent::Part, listed, limit, entry).await
    }
}

fn entry(row: &Row) -> Result<AuditRow> {
    let word: String = row.get(3)?;
    let deed = Deed::parse(&word).ok_or_else(|| row.damaged("deed", &format!("'{word}' is none")))?;
    Ok(AuditRow {
        number: row.count(0)?,
        deed: NewDeed {
            at: row.micros(1)?,
            actor: row.get(2)?,
            deed,
            subject: row.get(4)?,
            reason: row.optional(5)?,
        },
        done: row.optional(6)?,
        outcome: row.optional(7)?,
    })
}
