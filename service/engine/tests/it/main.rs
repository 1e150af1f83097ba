//! The engine from the outside: real git, real HTTP, a real database; only programs are scripted.

mod crash;
mod data;
mod failures;
mod model_server;
mod pull_request;
mod push;
mod rollback;
mod serving;
mod tiny;
mod workspace;
mod yard;
