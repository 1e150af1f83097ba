//! The store against both databases: SQLite in a temporary folder and a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod access;
mod aliases;
mod backup;
mod changes;
mod checks;
mod databases;
mod deliveries;
mod durability;
mod explain;
mod intents;
mod leases;
mod locked;
mod log;
mod metadata;
mod migrations;
mod ml_metadata;
mod mlmd_client;
mod news;
mod outbox;
mod plant;
mod postgres;
mod previous;
mod promotions;
mod property;
mod published;
mod reads;
mod repositories;
mod retention;
mod runs;
mod samples;
mod schedules;
mod speed;
mod target_holds;
mod unreadable;
