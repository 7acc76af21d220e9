//! A connection that GETs one thing after the other with a key.

use std::net::SocketAddr;

use hyper::StatusCode;

use crate::BenchError;
use crate::wire::{self, Wire};

pub(crate) struct Asker {
    wire: Wire,
    /// The head behind the target.
    head: String,
}

impl Asker {
    pub(crate) async fn connect(address: SocketAddr, key: &str) -> Result<Self, BenchError> {
        let head = format!(" HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\r\n");
        Ok(Self { wire: Wire::to(address).await?, head })
    }

    /// Returns the status and the body of the whole answer.
    pub(crate) async fn get(&mut self, target: &str) -> Result<(StatusCode, &[u8]), BenchError> {
        self.wire.write(format!("GET {target}{}", self.head).as_bytes()).await?;
        let (status, answer) = self.wire.next(wire::answer).await?.ok_or("the server closed the connection")?;
        Ok((StatusCode::from_u16(status)?, answer))
    }
}
