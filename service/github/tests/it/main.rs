//! Over real HTTP and real git: the client and the mirror against the simulator, and the simulator
//! against curl's and git's expectations.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod app;
mod checks;
mod client;
mod conformance;
mod faults;
mod git;
mod limits;
mod mirror;
mod people;
mod receiver;
mod rights;
mod simulator;
mod webhooks;
mod workspace;
