//! Bodies that come a byte a second, however much they announce. When the server ends one, another begins.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use super::means::Means;
use crate::background::{Background, Tally};
use crate::gateway::Gateway;
use crate::wire::{self, Wire};
use crate::{BenchError, clock, control};

/// Bodies at a time.
const CONNECTIONS: u32 = 50;

/// Length that each announces: a batch may have as much.
const ANNOUNCED: u32 = 32 * 1024 * 1024;

/// Pause between two bytes.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn prepare(gateway: &Gateway, slug: &str) -> Result<Means, BenchError> {
    let key = control::make_sending_key(gateway.address(), slug)?;
    let begin = move |address| {
        let work = move |_, tally| {
            let key = key.clone();
            async move { dawdle(address, &key, &tally).await }
        };
        Background::start("slow bodies", CONNECTIONS, work).map(Some)
    };
    Ok((None, Box::new(begin)))
}

async fn dawdle(address: SocketAddr, key: &str, tally: &Tally) -> Result<Infallible, BenchError> {
    let head = format!(
        "POST /v1/events/batch HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {ANNOUNCED}\r\n\r\n["
    );
    loop {
        let began = clock::now();
        let mut wire = Wire::to(address).await?;
        match one(&mut wire, head.as_bytes(), tally).await {
            // Until it was ended it was open, and slow.
            Ok(408) => continue,
            Ok(status) => tally.other(|| status.to_string()),
            Err(error) => tally.other(|| error.to_string()),
        }
        // A connection that is refused at once asks no more often than others send.
        clock::until(began + PAUSE).await;
    }
}

/// Sends one until the server ends it, and returns the status.
async fn one(wire: &mut Wire, head: &[u8], tally: &Tally) -> Result<u16, BenchError> {
    wire.write(head).await?;
    loop {
        let next = clock::now() + PAUSE;
        let answered = async { wire.next(wire::answer).await.map(|answer| answer.map(|(status, _)| status)) };
        tokio::select! {
            biased;
            answered = answered => return answered?.ok_or_else(|| "closed without an answer".into()),
            () = clock::until(next) => {}
        }
        tally.wanted();
        wire.write(b" ").await?;
    }
}
