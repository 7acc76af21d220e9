//! Means that the ways to misbehave share.

use std::convert::Infallible;
use std::net::SocketAddr;

use crate::BenchError;
use crate::background::{Background, Tally};
use crate::poster::Poster;
use crate::sink::Sink;

/// The beginning of the types of its events.
pub(super) const FAMILY: &str = "misdeed";

/// Hosts that its endpoints take turns with.
pub(super) const HOSTS: u32 = 250;

/// Begins it, at a server, and returns the work that goes on from then on, if it is not done at once.
pub(super) type Begin = Box<dyn FnOnce(SocketAddr) -> Result<Option<Background>, BenchError>>;

/// The receiver of its endpoints, if it has any, and its beginning.
pub(super) type Means = (Option<Sink>, Begin);

/// POSTs these in turn over a connection, each when the last was answered, and over a new one when that ends.
pub(super) async fn post_for_ever(
    address: SocketAddr,
    path: &'static str,
    key: &str,
    bodies: &[Vec<u8>],
    is_wanted: fn(u16) -> bool,
    tally: &Tally,
) -> Result<Infallible, BenchError> {
    let mut bodies = bodies.iter().cycle();
    loop {
        let mut poster = Poster::connect(address, path, key).await?;
        for body in bodies.by_ref() {
            match poster.post(body).await {
                Ok((status, _)) if is_wanted(status.as_u16()) => tally.wanted(),
                Ok((status, answer)) => {
                    tally.other(|| format!("{status} {}", String::from_utf8_lossy(answer)));
                }
                Err(error) => {
                    tally.other(|| error.to_string());
                    break;
                }
            }
        }
    }
}
