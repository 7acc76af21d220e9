//! *search*: every filter of the lists, alone and in the pairs that people use, with millions of deliveries stored.

mod rows;

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::json;

use super::Outcome;
use crate::conditions::Conditions;
use crate::connection::{self, Connection, Head};
use crate::figure::{Figures, Goal};
use crate::gateway::Gateway;
use crate::latency::Latencies;
use crate::server::ADMIN_KEY;
use crate::table::grouped;
use crate::{Failure, clock, control, output, thread};

/// Endpoints that every event goes to. The last but one fails, and the last answers something else.
pub(super) const ENDPOINTS: u64 = 10;

/// Requests with the same filter: the hundredth part of them is one.
const ASKED: usize = 100;

/// What one may take.
const GOAL_MS: f64 = 50.0;

/// An answer that takes longer is none: a server ends a search after 2 s.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn run(conditions: &Conditions) -> Result<Outcome, Failure> {
    let mut gateway = Gateway::open(conditions, 1)?;
    let endpoint = |index: u64| json!({ "url": format!("http://127.0.0.1:9/{index}"), "active": false });
    let endpoints = control::register_named(gateway.address(), gateway.slug(), (0..ENDPOINTS).map(endpoint).collect())?;
    gateway.stop()?;
    let began = clock::now();
    output::tell(&format!("search: {} deliveries are written", grouped(conditions.sizes.searched)));
    let times = rows::write(&gateway, conditions)?;
    let mut figures = Figures::of("search");
    figures.tell("stored deliveries", conditions.sizes.searched as f64, "");
    figures.tell("written in", began.elapsed().as_secs_f64(), "s");
    gateway.start_nodes(1)?;
    control::wait_until_ready(gateway.address())?;
    let mut worst = 0.0_f64;
    for (name, path) in cases(&endpoints, &times) {
        let quantiles = ask(&gateway, &path).map_err(|error| gateway.complaint(&format!("{name}: {error}")))?;
        output::tell(&format!("{name}: p50 {:.2} ms, p99 {:.2} ms", quantiles.0, quantiles.1));
        figures.tell(format!("{name}, p50"), quantiles.0, "ms");
        figures.aim(format!("{name}, p99"), quantiles.1, "ms", Goal::AtMost(GOAL_MS));
        worst = worst.max(quantiles.1);
    }
    figures.aim("the slowest p99", worst, "ms", Goal::AtMost(GOAL_MS));
    Ok(Outcome::of_figures(figures, 0))
}

/// Moments of what is stored, as they stand in a query.
pub(super) struct Times {
    /// A tenth of it came before.
    pub(super) early: String,
    pub(super) middle: String,
}

/// Names and what is asked for. Values are everywhere, rare, at the far end and nowhere.
fn cases(endpoints: &[String], times: &Times) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    let mut add =
        |path: &str, query: String| cases.push((format!("{path}?{query}"), format!("{path}?{query}&limit=50")));
    let Times { early, middle } = times;
    let frequencies = ["everywhere", "rare", "far", "absent"];
    for of in frequencies {
        add("/v1/events", format!("type={of}.type"));
        add("/v1/events", format!("tenant={of}"));
        add("/v1/events", format!("type={of}.type&until={middle}"));
        add("/v1/deliveries", format!("event_type={of}.type"));
        add("/v1/deliveries", format!("tenant={of}"));
        add("/v1/deliveries", format!("event_type={of}.type&since={early}&until={middle}"));
        for status in ["pending", "delivered", "failed", "cancelled"] {
            add("/v1/deliveries", format!("tenant={of}&status={status}"));
        }
    }
    for code in [200, 204, 500, 418, 202, 201, 599] {
        add("/v1/deliveries", format!("status_code={code}"));
    }
    add("/v1/events", format!("since={early}&until={middle}"));
    add("/v1/deliveries", format!("since={early}&until={middle}"));
    let [well, failing, other] = [0, endpoints.len() - 2, endpoints.len() - 1].map(|at| &endpoints[at]);
    for status in ["pending", "delivered", "failed", "cancelled"] {
        add("/v1/deliveries", format!("status={status}"));
        for endpoint in [well, failing, other] {
            add("/v1/deliveries", format!("endpoint={endpoint}&status={status}"));
            add("/v1/deliveries", format!("endpoint={endpoint}&status={status}&since={early}&until={middle}"));
        }
        add(&format!("/v1/endpoints/{failing}/deliveries"), format!("status={status}"));
    }
    for code in [200, 500, 599] {
        add(&format!("/v1/endpoints/{failing}/deliveries"), format!("status_code={code}"));
    }
    add("/v1/deliveries", format!("endpoint={well}"));
    add(&format!("/v1/endpoints/{other}/deliveries"), format!("since={early}&until={middle}"));
    add("/v1/deliveries", "event=evt_far".to_owned());
    cases
}

/// The median and the ninety-ninth percentile of many requests, in milliseconds.
fn ask(gateway: &Gateway, path: &str) -> Result<(f64, f64), Failure> {
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
