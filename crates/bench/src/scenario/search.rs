//! *search*: every filter of the lists, alone and in the pairs that people use, with millions of deliveries stored.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderValue;

use super::outcome::Outcome;
use crate::conditions::Conditions;
use crate::connection::{self, Connection, Head};
use crate::figure::{Figures, Goal};
use crate::gateway::Gateway;
use crate::latency::Latencies;
use crate::server::ADMIN_KEY;
use crate::stored::Stored;
use crate::table::grouped;
use crate::{BenchError, clock, control, output, thread};

/// Requests with the same filter: the hundredth part of them is one.
const ASKED: usize = 100;

/// Maximum time for one.
const GOAL_MS: f64 = 50.0;

/// An answer that takes longer is none: a server ends a search after 2 s.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, BenchError> {
    let mut gateway = Gateway::open(conditions, 1)?;
    let (began, deliveries) = (clock::now(), conditions.sizes.searched);
    output::tell(&format!("search: {} deliveries are written", grouped(deliveries)));
    let slug = gateway.slug().to_owned();
    let stored = Stored::write(&mut gateway, conditions, &slug, deliveries)?;
    let mut figures = Figures::of("search");
    figures.tell("stored deliveries", deliveries as f64, "");
    figures.tell("written in", began.elapsed().as_secs_f64(), "s");
    let mut worst = 0.0_f64;
    for (name, path) in stored.searches() {
        let quantiles = ask(&gateway, &path).map_err(|error| gateway.complaint(&format!("{name}: {error}")))?;
        output::tell(&format!("{name}: p50 {:.2} ms, p99 {:.2} ms", quantiles.0, quantiles.1));
        figures.tell(format!("{name}, p50"), quantiles.0, "ms");
        figures.aim(format!("{name}, p99"), quantiles.1, "ms", Goal::AtMost(GOAL_MS));
        worst = worst.max(quantiles.1);
    }
    figures.aim("the slowest p99", worst, "ms", Goal::AtMost(GOAL_MS));
    Ok(Outcome::of_figures(figures, 0))
}

/// The median and the ninety-ninth percentile of many requests, in milliseconds.
fn ask(gateway: &Gateway, path: &str) -> Result<(f64, f64), BenchError> {
    let project = HeaderValue::try_from(gateway.slug())?;
    let head = Head::new(gateway.address(), "/")?.authorized(ADMIN_KEY)?.with_header(control::PROJECT, project);
    let asking = connection::with(gateway.address(), async |mut connection: Connection| {
        let mut latencies = Latencies::new();
        for _ in 0..ASKED {
            let began = clock::now();
            let exchange = connection.exchange(head.get_at(path)?);
            let status = clock::within(PATIENCE, exchange).await.ok_or("no answer")??;
            if status != StatusCode::OK {
                return Err(format!("{status}: {}", String::from_utf8_lossy(connection.body())).into());
            }
            latencies.record(began.elapsed());
        }
        Ok(latencies.quantiles())
    });
    let (quantiles, _) = thread::alone("search", asking)?;
    Ok((quantiles.p50_ms, quantiles.p99_ms))
}
