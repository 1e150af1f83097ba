//! The command line of the one program.

use crate::{Program, bring, exec, run, take};

const USAGE: &str = "usage: trainyard-stage in | out | run [--network] [--largest-file=BYTES] -- COMMAND…";

/// Does what this process was asked for; the code to end with.
pub fn main() -> i32 {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pod = std::env::var("TRAINYARD_POD").unwrap_or_default();
    let (verb, rest) = arguments
        .split_first()
        .map_or(("", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    match (verb, Program::of_arguments(rest)) {
        ("in", _) => within(bring(&pod)),
        ("out", _) => within(take(&pod)),
        ("run", Some(program)) => within(run(&program)),
        ("exec", Some(program)) => exec(&program),
        _ => {
            eprintln!("{USAGE}");
            2
        }
    }
}

fn within(work: impl Future<Output = i32>) -> i32 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A thread may wait for what never comes.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            eprintln!("[trainyard] {error}");
            1
        }
    }
}
