//! What stands beside a step's program in a pod: it brings inputs, runs the program, and takes outputs away.
//!
//! One small static program in three containers. `stage in` runs first and lays the inputs out. `stage run` is put in
//! front of the program in the program's own image, which stays as it is. `stage out` waits until the program has
//! ended, and takes away what it said and made. Objects are reached by signed addresses: no key of the bucket is ever
//! in the cluster. The service uses the same crate for the other end of each exchange.

mod bring;
mod command;
mod http;
mod pack;
pub mod place;
mod protocol;
mod run;
mod take;
mod wall;

pub use bring::bring;
pub use command::main;
pub use http::TransferError;
pub use pack::{Packed, Parts, pack, unpack};
pub use place::{CLAIMED_BY_ANOTHER, GRACE};
pub use protocol::{
    Bring, Claim, Content, End, FORMAT, Later, Object, PART_BYTES, Report, Shown, StagedObject, Task, TaskError,
};
pub use run::{LIVE, Program, run};
pub use take::take;
pub use wall::exec;
