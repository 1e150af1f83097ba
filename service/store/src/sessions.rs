//! Who is signed in. What a browser's cookie holds is known here by its hash only.

use crate::connection::{Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::access::Identity;
use trainyard_core::ids::Micros;
use trainyard_core::stored;

statements! {
    ADD = "INSERT INTO sessions (hash, identity, proof, began_at, used_at) VALUES ($1, $2, $3, $4, $4)";
    FORGET_OLD = "DELETE FROM sessions WHERE used_at < $1 OR began_at < $2";
    MAKE_ROOM = "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions ORDER BY used_at DESC, hash LIMIT 1000000 OFFSET $1)";
    USED = "UPDATE sessions SET used_at = $2 WHERE hash = $1 AND used_at < $2";
    END = "DELETE FROM sessions WHERE hash = $1";
    ALL = "SELECT hash, identity, proof, began_at, used_at FROM sessions ORDER BY used_at DESC, hash";
    OF_HASH = "SELECT hash, identity, proof, began_at, used_at FROM sessions WHERE hash = $1";
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose.
    pub identity: Identity,
    /// What forms of its pages bring along.
    pub proof: String,
    /// When it began.
    pub began_at: Micros,
    /// When it was used last, to a few minutes.
    pub used_at: Micros,
}

/// Which sessions are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// Those that were used last before.
    pub unused_since: Micros,
    /// Those that began before.
    pub began_before: Micros,
    /// All but so many, those that were used longest ago.
    pub most: u32,
    /// The same of one person's.
    pub most_of_one: u32,
}

impl Store {
    /// Begins a session, and forgets those that are over.
    pub async fn begin_session(&self, hash: &str, new: SessionRow, over: Over) -> Result<()> {
        let hash = hash.to_owned();
        self.write_unseen(move |db| {
            Box::pin(async move {
                db.execute(FORGET_OLD, args![over.unused_since, over.began_before])
                    .await?;
                db.execute(MAKE_ROOM, args![over.most.saturating_sub(1)]).await?;
                let all = db.rows(ALL, args![]).await?;
                let mine = all
                    .iter()
                    .filter(|row| session(row).is_ok_and(|one| one.identity.is_same(&new.identity)));
                for row in mine.skip(over.most_of_one.saturating_sub(1) as usize) {
                    db.execute(END, args![row.get::<String>(0)?]).await?;
                }
                let arguments = args![&hash, stored::write(&new.identity), &new.proof, new.began_at];
                db.execute(ADD, arguments).await.map(drop)
            })
        })
        .await
    }

    /// Notes that it was used.
    pub async fn session_used(&self, hash: &str, at: Micros) -> Result<()> {
        let arguments = args![hash, at];
        self.write_unseen(move |db| Box::pin(async move { db.execute(USED, arguments).await.map(drop) }))
            .await
    }

    /// Ends it.
    pub async fn end_session(&self, hash: &str) -> Result<()> {
        let arguments = args![hash];
        self.write_unseen(move |db| Box::pin(async move { db.execute(END, arguments).await.map(drop) }))
            .await
    }
}

const SESSION: Kind = Kind {
    what: "session",
    key: |row| Ok(row.get::<String>(0)?.chars().take(8).collect()),
};

impl Reads {
    /// Every session by its hash, whether or not it is over, the one that was used last first.
    pub async fn sessions(&self) -> Result<Vec<(String, SessionRow)>> {
        let rows = self.reader().await?.rows(ALL, args![]).await?;
        Ok(self.readable(SESSION, Extent::Whole, &rows, |row| Ok((row.get(0)?, session(row)?))))
    }

    /// The session whose cookie has this hash, whether or not it is over.
    pub async fn session(&self, hash: &str) -> Result<Option<SessionRow>> {
        let row = self.reader().await?.row(OF_HASH, args![hash]).await?;
        row.map(|row| SESSION.strictly(&row, session)).transpose()
    }
}

fn session(row: &Row) -> Result<SessionRow> {
    Ok(SessionRow {
        identity: row.stored(1, "identity")?,
        proof: row.get(2)?,
        began_at: row.micros(3)?,
        used_at: row.micros(4)?,
    })
}
