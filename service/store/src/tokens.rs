//! Tokens of programs and people: kept as hashes, so that who reads the database has none.

use crate::connection::{Row, args};
use crate::error::{Result, StoreError};
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::access::Scope;
use trainyard_core::ids::Micros;
use trainyard_core::stored;

statements! {
    ADD = "INSERT INTO tokens (hash, name, scope, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    NAMED = "SELECT 1 FROM tokens WHERE name = $1 AND revoked_at IS NULL";
    REVOKE = "UPDATE tokens SET revoked_by = $2, revoked_at = $3 WHERE name = $1 AND revoked_at IS NULL";
    USED = "UPDATE tokens SET used_at = $2 WHERE hash = $1 AND (used_at IS NULL OR used_at < $2)";
    LIST = "SELECT name, scope, created_by, created_at, expires_at, used_at, revoked_by, revoked_at FROM tokens
        ORDER BY created_at DESC, name";
    OF_HASH = "SELECT name, scope, created_by, created_at, expires_at, used_at, revoked_by, revoked_at FROM tokens
        WHERE hash = $1";
}

/// A token, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What people call it.
    pub name: String,
    /// How far it reaches.
    pub scope: Scope,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// When it ends by itself.
    pub expires_at: Option<Micros>,
    /// When it was used last, to a minute or so.
    pub used_at: Option<Micros>,
    /// Who made it worthless, and when.
    pub revoked: Option<(String, Micros)>,
}

impl Token {
    /// Whether it opens anything at that time.
    pub fn is_valid(&self, at: Micros) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| at < end)
    }
}

impl Store {
    /// Keeps a new token by the hash of its text. `Conflict` when another one has its name.
    pub async fn add_token(&self, hash: &str, token: Token) -> Result<()> {
        let hash = hash.to_owned();
        self.write(move |db| {
            Box::pin(async move {
                let name = &token.name;
                if db.row(NAMED, args![name]).await?.is_some() {
                    return Err(StoreError::Conflict(format!(
                        "there is a token '{name}' already: choose another name, or revoke that one first"
                    )));
                }
                let arguments = args![
                    &hash,
                    name,
                    stored::write(&token.scope),
                    &token.created_by,
                    token.created_at,
                    token.expires_at,
                ];
                db.execute(ADD, arguments).await.map(drop)
            })
        })
        .await
    }

    /// Makes a token worthless from now on; false when none has this name.
    pub async fn revoke_token(&self, name: &str, by: &str, at: Micros) -> Result<bool> {
        let arguments = args![name, by, at];
        let revoked = self.write(move |db| Box::pin(async move { db.execute(REVOKE, arguments).await }));
        Ok(revoked.await? > 0)
    }

    /// Notes that it was used.
    pub async fn token_used(&self, hash: &str, at: Micros) -> Result<()> {
        let arguments = args![hash, at];
        self.write_unseen(move |db| Box::pin(async move { db.execute(USED, arguments).await.map(drop) }))
            .await
    }
}

const TOKEN: Kind = Kind {
    what: "token",
    key: |row| row.get(0),
};

impl Reads {
    /// All that ever were, the newest first.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let rows = self.reader().await?.rows(LIST, args![]).await?;
        Ok(self.readable(TOKEN, Extent::Whole, &rows, token))
    }

    /// The token whose text has this hash, whether or not it is still good.
    pub async fn token_of(&self, hash: &str) -> Result<Option<Token>> {
        let row = self.reader().await?.row(OF_HASH, args![hash]).await?;
        row.map(|row| TOKEN.strictly(&row, token)).transpose()
    }
}

fn token(row: &Row) -> Result<Token> {
    let by: Option<String> = row.optional(6)?;
    let at: Option<i64> = row.optional(7)?;
    Ok(Token {
        name: row.get(0)?,
        scope: row.stored(1, "scope")?,
        created_by: row.get(2)?,
        created_at: row.micros(3)?,
        expires_at: row.optional(4)?.map(Micros),
        used_at: row.optional(5)?.map(Micros),
        revoked: by.zip(at.map(Micros)),
    })
}
