//! Object stores, against a server that speaks S3.

mod moto;
mod objects;
mod troubled;
