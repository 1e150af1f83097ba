//! The service over real sockets on loopback, and the real binary; `docker` also with the real Docker.

#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod access;
mod api;
mod attention;
mod backup;
mod binary;
mod browser;
mod cli;
mod crash;
mod curves;
mod data;
mod docker;
mod docker_faults;
mod docker_forks;
mod docker_init;
mod docker_requests;
mod docker_secrets;
mod docker_serving;
mod doctor;
mod events;
mod gate;
mod github_setup;
mod init;
mod lint;
mod load;
mod models;
mod openapi;
mod pages;
mod parity;
mod people;
mod plan;
mod provider;
mod reconcile;
mod run;
mod schema_diff;
mod schema_diff_files;
mod serve;
mod sessions;
mod single_sign_on;
mod story;
mod terminal;
mod versions;
mod webhooks;
mod yard;
