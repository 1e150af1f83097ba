//! What no compiler checks: which way the arrows of the house go, and that what was stored is read for ever.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod events;
mod house;
mod keys;
mod kinds;
mod samples;
mod stored;
