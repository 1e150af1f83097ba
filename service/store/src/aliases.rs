//! Names that people give to versions of a registered model: entries are added, never changed.

use crate::connection::{Row, args};
use crate::error::Result;
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::registry::{Alias, NewAlias};

statements! {
    ADD = "INSERT INTO aliases (model, alias, version, actor, reason, at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    NEWEST = "SELECT id, model, alias, version, actor, reason, at FROM aliases a
        WHERE (CAST($1 AS TEXT) IS NULL OR model = $1) AND version IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM aliases later
                WHERE later.model = a.model AND later.alias = a.alias AND later.id > a.id)
        ORDER BY model, alias";
    HISTORY = "SELECT id, model, alias, version, actor, reason, at FROM aliases WHERE model = $1 ORDER BY id";
}

impl Store {
    /// Gives a name to a version, or takes it away; returns the entry's id.
    pub async fn put_alias(&self, new: &NewAlias) -> Result<i64> {
        let new = new.clone();
        self.write(move |db| {
            Box::pin(async move {
                let arguments = args![
                    &new.model,
                    &new.alias,
                    new.version.as_deref(),
                    &new.actor,
                    new.reason.as_deref(),
                    new.at,
                ];
                let row = db.row(ADD, arguments).await?;
                row.map_or(Ok(0), |row| row.get(0))
            })
        })
        .await
    }
}

const ALIAS: Kind = Kind {
    what: "name of a version",
    key: |row| Ok(format!("{} {}", row.get::<String>(1)?, row.get::<String>(2)?)),
};

impl Reads {
    /// The names in force, by model and name; of one model or of all. Of one model, a name that cannot
    /// be read is an error: another version might be taken for it.
    pub async fn aliases(&self, model: Option<&str>) -> Result<Vec<Alias>> {
        let rows = self.reader().await?.rows(NEWEST, args![model]).await?;
        match model {
            Some(_) => rows.iter().map(|row| ALIAS.strictly(row, entry)).collect(),
            None => Ok(self.readable(ALIAS, Extent::Whole, &rows, entry)),
        }
    }

    /// Everything that happened to a model's names, oldest first.
    pub async fn alias_history(&self, model: &str) -> Result<Vec<Alias>> {
        let rows = self.reader().await?.rows(HISTORY, args![model]).await?;
        rows.iter().map(|row| ALIAS.strictly(row, entry)).collect()
    }
}

fn entry(row: &Row) -> Result<Alias> {
    Ok(Alias {
        id: row.get(0)?,
        model: row.get(1)?,
        alias: row.get(2)?,
        version: row.optional(3)?,
        actor: row.get(4)?,
        reason: row.optional(5)?,
        at: row.micros(6)?,
    })
}
