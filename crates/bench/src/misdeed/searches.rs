//! Lists and searches over very many deliveries: every filter there is, and the pages behind the first.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;
use serde::Deserialize;

use super::means::Means;
use crate::asker::Asker;
use crate::background::{Background, Tally};
use crate::conditions::Conditions;
use crate::gateway::Gateway;
use crate::stored::Stored;
use crate::{BenchError, control};

/// Connections that search, each when its last search was answered.
const CONNECTIONS: u32 = 32;

/// Maximum pages of one search.
const PAGES: usize = 3;

/// The part of a page that the next one needs.
#[derive(Deserialize)]
struct Page {
    next_cursor: Option<String>,
}

pub(super) fn prepare(gateway: &mut Gateway, conditions: &Conditions, slug: &str) -> Result<Means, BenchError> {
    let stored = Stored::write(gateway, conditions, slug, conditions.sizes.shares_stored)?;
    let key = control::make_key(gateway.address(), slug, "read")?;
    let everything = ["/v1/deliveries?limit=250", "/v1/events?limit=250"].map(str::to_owned);
    let searches = stored.searches().into_iter().map(|(_, path)| path);
    let searches: Arc<[String]> = everything.into_iter().chain(searches).collect();
    let begin = move |address| {
        let work = move |index, tally| {
            let (key, searches) = (key.clone(), searches.clone());
            async move { search(address, &key, &searches, index, &tally).await }
        };
        Background::start("searches", CONNECTIONS, work).map(Some)
    };
    Ok((None, Box::new(begin)))
}

/// Begins with another search than the other connections do.
async fn search(
    address: SocketAddr,
    key: &str,
    searches: &[String],
    index: u32,
    tally: &Tally,
) -> Result<Infallible, BenchError> {
    let first = index as usize * searches.len() / CONNECTIONS as usize;
    let mut turns = searches.iter().cycle().skip(first);
    loop {
        let mut asker = Asker::connect(address, key).await?;
        for search in turns.by_ref() {
            if let Err(error) = pages(&mut asker, search, tally).await {
                tally.other(|| error.to_string());
                break;
            }
        }
    }
}

async fn pages(asker: &mut Asker, search: &str, tally: &Tally) -> Result<(), BenchError> {
    let mut target = search.to_owned();
    for _ in 0..PAGES {
        let (status, answer) = asker.get(&target).await?;
        if status != StatusCode::OK {
            tally.other(|| format!("{status} {}", String::from_utf8_lossy(answer)));
            return Ok(());
        }
        tally.wanted();
        match serde_json::from_slice::<Page>(answer)?.next_cursor {
            Some(cursor) => target = format!("{search}&cursor={cursor}"),
            None => return Ok(()),
        }
    }
    Ok(())
}
