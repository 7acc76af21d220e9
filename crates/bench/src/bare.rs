//! The machine's limit: signed POSTs in a loop, to the same receiver, with nothing before or behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::HeaderName;
use hyper::{Request, StatusCode};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::conditions::Conditions;
use crate::connection::{self, Connection, Head};
use crate::event::Template;
use crate::others::Others;
use crate::sink::{self, Sink};
use crate::{BenchError, clock, output, thread};

/// Time that it runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

#[derive(Serialize)]
pub(crate) struct Bare {
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    /// Of the client alone, its share of the kernel's work included: it has its own thread, and so has the receiver.
    pub(crate) processor_us_per_request: f64,
    pub(crate) receiver_processor_us_per_request: f64,
    pub(crate) others_percent: f64,
}

/// A webhook of the standard dialect, as the engine would send it.
struct Signer {
    head: Head,
    key: hmac::Key,
    template: Template,
    numbers: AtomicU64,
}

struct Burst {
    requests: u64,
    took: Duration,
}

pub(crate) fn run(conditions: &Conditions) -> Result<Bare, BenchError> {
    output::tell(&format!("bare: signed POSTs over {} connections", conditions.sizes.connections));
    let sink = conditions.sink(1, sink::all_well)?;
    burst(conditions, &sink, WARM_UP)?;
    sink.clear();
    let others = Others::watch()?;
    let receiver_before = sink.processor_time()?;
    let (burst, client) = burst(conditions, &sink, Duration::from_secs(conditions.sizes.bare_seconds.into()))?;
    let receiver = sink.processor_time()?.saturating_sub(receiver_before);
    let others_percent = others.percent(Duration::ZERO)?;
    if sink.count() as u64 != burst.requests {
        return Err(format!("{} bare POSTs, but {} received", burst.requests, sink.count()).into());
    }
    let per_request = |time: Duration| time.as_secs_f64() * 1e6 / burst.requests as f64;
    Ok(Bare {
        requests: burst.requests,
        requests_per_second: burst.requests as f64 / burst.took.as_secs_f64(),
        processor_us_per_request: per_request(client),
        receiver_processor_us_per_request: per_request(receiver),
        others_percent,
    })
}

fn burst(conditions: &Conditions, sink: &Sink, duration: Duration) -> Result<(Burst, Duration), BenchError> {
    let signer = Arc::new(Signer {
        head: Head::new(sink.address(), "/0")?,
        key: hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]),
        template: Template::delivered("bench", conditions.sizes.event_bytes),
        numbers: AtomicU64::new(0),
    });
    let (connections, address) = (conditions.sizes.connections, sink.address());
    thread::alone("load", async move {
        let began = clock::now();
        let mut senders = JoinSet::new();
        for _ in 0..connections {
            let signer = signer.clone();
            let post = move |connection| post_until(signer, connection, began + duration);
            senders.spawn(connection::with(address, post));
        }
        let mut requests = 0;
        while let Some(done) = senders.join_next().await {
            requests += done??;
        }
        Ok(Burst { requests, took: began.elapsed() })
    })
}

async fn post_until(signer: Arc<Signer>, mut connection: Connection, end: Instant) -> Result<u64, BenchError> {
    let mut requests = 0;
    while clock::now() < end {
        let status = connection.exchange(signer.request()?).await?;
        if status != StatusCode::NO_CONTENT {
            return Err(format!("the receiver answered {status}").into());
        }
        requests += 1;
    }
    Ok(requests)
}

impl Signer {
    fn request(&self) -> Result<Request<Full<Bytes>>, BenchError> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let id = format!("evt_{number:026}");
        let timestamp = clock::date().as_second().to_string();
        let body = self.template.numbered(0, number);
        let mut context = hmac::Context::with_key(&self.key);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", &body] {
            context.update(part);
        }
        let signature = format!("v1,{}", BASE64.encode(context.sign().as_ref()));
        let mut request = self.head.with_body(body);
        let headers = request.headers_mut();
        headers.insert(ID, id.try_into()?);
        headers.insert(TIMESTAMP, timestamp.try_into()?);
        headers.insert(SIGNATURE, signature.try_into()?);
        Ok(request)
    }
}
