//! What Posthaste promises, tried from outside: real sockets, a real database, a real process.

mod api_walk;
mod bad_input;
mod cards;
mod cli;
mod death;
mod dialects_cli;
mod filters;
mod fresh;
mod gateway;
mod guard;
mod harm;
mod idempotency;
mod life;
mod mail;
mod order;
mod peers;
mod postbox;
mod retry;
mod running;
mod secrets;
mod signatures;
mod surfaces;
