//! Somebody who watches a run for long, and may lose the right to it meanwhile.

use super::super::App;
use super::super::runs::row;
use super::super::who::Who;
use axum::http::HeaderMap;
use std::time::Duration;
use tokio::time::Instant;
use trainyard_core::ids::RunId;

/// Who watches for long is looked at again this often.
const CHECKED: Duration = Duration::from_secs(60);

pub(super) struct Looker {
    pub(super) app: App,
    pub(super) run: RunId,
    who: Who,
    headers: HeaderMap,
    checked: Instant,
}

impl Looker {
    /// Whose right was looked at just now.
    pub(super) fn new(app: App, run: RunId, who: Who, headers: HeaderMap) -> Self {
        Self {
            app,
            run,
            who,
            headers,
            checked: Instant::now(),
        }
    }

    /// Whether who looks is still signed in, and may see the run; else nothing more is told.
    pub(super) async fn still_may(&mut self) -> Option<()> {
        if self.checked.elapsed() < CHECKED {
            return Some(());
        }
        if self.app.config.ways_in().any() {
            let session = self.app.session_of(&self.headers).await.ok()??;
            if session.who != self.who {
                return None;
            }
        }
        row(&self.app, &self.who, self.run.as_str()).await.ok()?;
        self.checked = Instant::now();
        Some(())
    }
}
