//! The contract of executors and image builders, kept by each of them; Docker's with a real engine.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod adoption;
mod battery;
mod conformance;
mod engine;
mod exchange;
mod from_outside;
mod images;
mod interrupted;
mod isolation;
mod own_engine;
mod proxy;
mod sources;
mod stage;
