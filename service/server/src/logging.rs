//! What the process writes about itself: to stderr, for people or as JSON.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. `TRAINYARD_LOG` is a filter and wins over `default`; `TRAINYARD_LOG_FORMAT=json`
/// writes one object per line.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("TRAINYARD_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let json = std::env::var("TRAINYARD_LOG_FORMAT").is_ok_and(|format| format == "json");
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start, in tests, changes nothing.
    let _ = if json {
        logging.json().try_init().err()
    } else {
        logging.with_ansi(colours).try_init().err()
    };
}
