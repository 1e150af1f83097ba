//! Where things are in a pod, and in what order one container tells another of them.

use std::path::PathBuf;
use std::time::Duration;

/// The exit code of a pod that finds that another one has begun the attempt.
pub const CLAIMED_BY_ANOTHER: i32 = 75;
/// Between SIGTERM and SIGKILL. A pod cannot be told another time once it runs.
pub const GRACE: Duration = Duration::from_secs(10);

/// Shared by all containers: the program's parent, its log and its end.
pub const SHARED: &str = "/.trainyard";
/// This program, where the step's container finds it.
pub const PROGRAM: &str = "/.trainyard/stage";
/// Locked while the program runs: the lock goes with its holder, however that ends.
pub const LOCK: &str = "/.trainyard/lock";
/// There once the lock is held.
pub const STARTED: &str = "/.trainyard/started";
/// What the program says.
pub const LOG: &str = "/.trainyard/log";
/// How it ended.
pub const END: &str = "/.trainyard/end.json";
/// Why it could not be executed.
pub const REFUSED: &str = "/.trainyard/refused.json";
/// Inputs, where they are laid out.
pub const INPUTS: &str = "/inputs";
/// Inputs that come later.
pub const LATER: &str = "/later";
/// Outputs, where they are taken away.
pub const OUTPUTS: &str = "/outputs";
/// Room for one part of the outputs.
pub const SCRATCH: &str = "/scratch";
/// The signed address of the task and its hash, from a Secret.
pub const TASK: &str = "/run/trainyard";
/// Shown by `kubectl describe`.
pub const MESSAGE: &str = "/dev/termination-log";

/// A file of the pod.
pub(crate) fn at(path: &str) -> PathBuf {
    PathBuf::from(path)
}
