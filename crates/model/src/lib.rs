//! The nouns of Posthaste and the rules between them. Pure: no runtime, no SQL, no clock and no randomness of its own.

pub mod attempt;
pub mod catalogue;
pub mod delivery;
pub mod endpoint;
pub mod env;
pub mod event;
pub mod filter;
pub mod headers;
pub mod health;
pub mod id;
pub mod invalid;
pub mod job;
pub mod json;
pub mod key;
pub mod map;
pub mod network;
pub mod project;
pub mod provider;
pub mod rate;
pub mod retention;
pub mod retry;
pub mod secret;
pub mod speech;
pub mod subscription;
pub mod time;
pub mod url;
