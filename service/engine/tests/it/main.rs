//! The engine from the outside: real git, real HTTP, a real database; only programs are scripted.

mod model_server;
mod push;
mod tiny;
mod workspace;
mod yard;
