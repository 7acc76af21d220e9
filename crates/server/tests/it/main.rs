//! What Posthaste promises, tried from outside: real sockets, a real database, a real process.

mod api_walk;
mod bad_input;
mod cards;
mod catalogue;
mod cli;
mod death;
mod dialect_routes;
mod dialects_cli;
mod filters;
mod fresh;
mod gateway;
mod guard;
mod harm;
mod idempotency;
mod life;
mod mail;
mod openapi;
mod order;
mod peers;
mod postbox;
mod retry;
mod running;
mod secrets;
mod signatures;
mod surfaces;
mod templates;
