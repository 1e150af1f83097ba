//! What happened, until it is routed to those who are told of it beside GitHub; and how each pipeline is.

use crate::connection::{Connection, Row, args};
use crate::error::Result;
use crate::outbox::put;
use crate::reads::Reads;
use crate::rows::{Extent, Kind};
use crate::statement::statements;
use crate::store::Store;
use trainyard_core::ids::Micros;
use trainyard_core::notify::{About, Health, News, Notice};
use trainyard_core::report::Outgoing;
use trainyard_core::stored;

statements! {
    PUT = "INSERT INTO news (id, at, news) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    TO_ROUTE = "SELECT id, news FROM news WHERE routed = FALSE ORDER BY at, id LIMIT $1";
    ROUTED = "UPDATE news SET routed = TRUE WHERE id = $1 AND routed = FALSE";
    HEALTH = "SELECT health FROM pipeline_health WHERE repo = $1 AND pipeline = $2 AND branch = $3";
    PUT_HEALTH = "INSERT INTO pipeline_health (repo, pipeline, branch, health, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (repo, pipeline, branch) DO UPDATE SET health = excluded.health, at = excluded.at";
}

const NEWS: Kind = Kind {
    what: "news",
    key: |row| row.get(0),
};

impl Store {
    /// Adds news, unless the same are there.
    pub async fn put_news(&self, news: &News) -> Result<()> {
        let news = news.clone();
        self.write(move |db| Box::pin(async move { put_news(db, &news).await }))
            .await
    }

    /// Puts what channels hear of some news into the outbox, with how the pipeline is from now on. Does nothing when
    /// that was done before.
    pub async fn route(&self, news: &News, notices: Vec<Notice>, health: Option<&Health>, at: Micros) -> Result<()> {
        let (id, about, health) = (news.id.clone(), news.about.clone(), health.cloned());
        self.write(move |db| {
            Box::pin(async move {
                if db.execute(ROUTED, args![&id]).await? == 0 {
                    return Ok(());
                }
                for notice in notices {
                    put(db, &Outgoing::Notice(Box::new(notice)), at).await?;
                }
                if let Some(health) = health {
                    let [repo, pipeline, branch] = place(&about);
                    db.execute(PUT_HEALTH, args![repo, pipeline, branch, stored::write(&health), at])
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl Reads {
    /// News that nobody was told of yet, oldest first.
    pub async fn news_to_route(&self, limit: u32) -> Result<Vec<News>> {
        let read = |row: &Row| row.stored(1, "content");
        self.first_readable(NEWS, Extent::Whole, (TO_ROUTE, args![]), limit, read)
            .await
    }

    /// How a pipeline is where some news come from; what cannot be read is as if nothing were known.
    pub async fn health(&self, about: &About) -> Result<Health> {
        let [repo, pipeline, branch] = place(about);
        let row = self.reader().await?.row(HEALTH, args![repo, pipeline, branch]).await?;
        Ok(row.and_then(|row| row.stored(0, "content").ok()).unwrap_or_default())
    }
}

fn place(about: &About) -> [String; 3] {
    let repo = about.repo.as_ref().map(ToString::to_string);
    let branch = about.branch.clone();
    [
        repo.unwrap_or_default(),
        about.pipeline.clone(),
        branch.unwrap_or_default(),
    ]
}

/// Adds news, unless the same are there.
pub(crate) async fn put_news(db: &mut Connection, news: &News) -> Result<()> {
    db.execute(PUT, args![&news.id, news.at, stored::write(news)])
        .await
        .map(drop)
}
