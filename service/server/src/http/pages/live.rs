//! The stream that tells a page when something has changed: the change number of the store, each time it moves.

use super::super::App;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::sleep;

/// Changes that come closer together are told as one.
const TOGETHER: Duration = Duration::from_millis(50);
/// So that whoever stands between does not take it for dead.
const ALIVE: Duration = Duration::from_secs(25);

/// Ends when the browser closes it.
pub(in super::super) async fn stream(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = app.engine.changes();
    let told = unfold((changes, true), async |(mut changes, first)| {
        if !first {
            sleep(TOGETHER).await;
        }
        let number = changes.next().await;
        let event = Event::default().id(number.to_string()).data(number.to_string());
        Some((Ok(event), (changes, false)))
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE))
}
