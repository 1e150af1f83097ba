//! Whether an engine is the same as when a build began: one that was restarted has closed what was open.

use crate::contract::ExecutorError;
use crate::docker::connection::Connection;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a ping may take.
const PING: Duration = Duration::from_secs(5);
/// What was open is seen to be closed within this time.
const SEEN: Duration = Duration::from_millis(200);

/// A stream of the engine's own events, of which there are next to none; it ends with the engine.
pub(super) struct Presence(JoinHandle<()>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Presence {
    /// From now on.
    pub(super) fn of(connection: &Connection) -> Result<Self, ExecutorError> {
        let filters = HashMap::from([("type", vec!["daemon"])]);
        let options = EventsOptionsBuilder::new().filters(&filters).build();
        let mut events = Box::pin(connection.api()?.events(Some(options)));
        Ok(Self(tokio::spawn(async move {
            while let Some(Ok(_)) = events.next().await {}
        })))
    }

    /// Whether the engine that answers now is another one; an error if none does.
    pub(super) async fn is_over(&self, connection: &Connection) -> Result<bool, ExecutorError> {
        // An engine that goes down answers on what is open, and takes nothing new.
        let anew = Connection::to(Some(connection.host()));
        match tokio::time::timeout(PING, anew.api()?.ping()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(connection.unanswered("answer a ping", error)),
            Err(_) => return Err(connection.silent()),
        }
        let end = tokio::time::Instant::now() + SEEN;
        while !self.0.is_finished() && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(self.0.is_finished())
    }
}
