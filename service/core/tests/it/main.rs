//! What no compiler checks of the house: which way its arrows go.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod house;
