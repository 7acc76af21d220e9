//! What Posthaste promises, tried from outside: real sockets, a real database, a real process.

mod death;
mod gateway;
mod guard;
mod idempotency;
mod life;
mod order;
mod peers;
mod retry;
mod running;
mod signatures;
