//! Object stores, against a server that speaks S3.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod exchange;
mod moto;
mod objects;
mod troubled;
