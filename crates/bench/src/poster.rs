//! A connection that POSTs JSON with a key: the same head every time and a body behind it, written in one piece.

use std::io::Write as _;
use std::net::SocketAddr;

use hyper::StatusCode;

use crate::BenchError;
use crate::wire::{self, Wire};

pub(crate) struct Poster {
    wire: Wire,
    head: String,
    piece: Vec<u8>,
}

impl Poster {
    pub(crate) async fn connect(address: SocketAddr, path: &str, key: &str) -> Result<Self, BenchError> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: "
        );
        Ok(Self { wire: Wire::to(address).await?, head, piece: Vec::new() })
    }

    /// Returns the status and the body of the whole answer.
    pub(crate) async fn post(&mut self, body: &[u8]) -> Result<(StatusCode, &[u8]), BenchError> {
        self.piece.clear();
        self.piece.extend_from_slice(self.head.as_bytes());
        write!(self.piece, "{}\r\n\r\n", body.len())?;
        self.piece.extend_from_slice(body);
        self.wire.write(&self.piece).await?;
        let (status, answer) = self.wire.next(wire::answer).await?.ok_or("the server closed the connection")?;
        Ok((StatusCode::from_u16(status)?, answer))
    }
}
