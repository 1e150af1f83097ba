//! The contract of executors and image builders, kept by each of them; Docker's with a real engine.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod adoption;
mod battery;
mod cluster;
mod conformance;
mod engine;
mod exchange;
mod from_outside;
mod images;
mod interrupted;
mod isolation;
mod kubernetes;
#[allow(dead_code, reason = "the tests of the crate that it is of use all of it")]
#[path = "../../../sources/tests/it/moto.rs"]
mod moto;
mod own_engine;
mod pod;
mod proxy;
mod sources;
mod stage;
