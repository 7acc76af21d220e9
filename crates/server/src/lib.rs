//! The server: command line, configuration, wiring, life and death. The binary `posthaste` is a few lines around it.

pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod env;
mod grace;
pub mod keys;
pub mod lifecycle;
pub mod mail;
pub mod offline;
mod open_files;
pub mod output;
pub mod retention;
pub mod serve;
mod telemetry;
pub mod wire;
pub mod worker;
