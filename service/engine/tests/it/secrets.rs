//! The token of GitHub stays in the service: it is in no file, log, environment or task of a run.

use crate::tiny;
use crate::yard::{TOKEN, Yard, files_below};
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use trainyard_github::simulator::Fault;

/// Everything that is logged on this thread, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn assert_silent(place: &str, bytes: &[u8]) {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{TOKEN}"));
    for secret in [TOKEN, &encoded] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the token is in {place}");
    }
}

#[tokio::test]
async fn the_token_leaks_nowhere() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let yard = Yard::new().await;
    let programs: Arc<Mutex<String>> = Arc::default();
    for step in ["examples", "left", "right", "train", "evaluate"] {
        let programs = Arc::clone(&programs);
        yard.script(step, move |_, program| {
            writeln!(programs.lock().unwrap(), "{program:?}").unwrap();
            let script = tiny::usual(program);
            if program.command.first().is_some_and(|word| word == "train") {
                script.hanging()
            } else {
                script
            }
        });
    }
    // A failing call is logged with all it can say.
    yard.github.inject([Fault::Status(401)]);
    yard.push(&[]).await;
    yard.started("train", 1).await;
    for (path, bytes) in files_below(&yard.config.data_dir) {
        assert_silent(&path.display().to_string(), &bytes);
    }
    yard.release("train");
    yard.last(1).await;
    yard.all_told().await;
    yard.swept().await;
    for (path, bytes) in files_below(&yard.config.data_dir) {
        assert_silent(&path.display().to_string(), &bytes);
    }
    assert_silent("a program", programs.lock().unwrap().as_bytes());
    assert!(
        programs.lock().unwrap().contains("TRAINYARD_TASK"),
        "programs were seen"
    );
    assert_silent("the log", log.0.lock().unwrap().as_bytes());
    assert!(log.0.lock().unwrap().contains("not told yet"), "the log was seen");
}
