//! What the demo prints: its opening, a line an attempt, its end.

use std::net::SocketAddr;

use model::delivery::Status;
use store::search::{FullDelivery, StoredAttempt};

use super::product::Product;
use super::receiver::Receiver;
use crate::output::OutputStyle;

pub(super) const CLOSING: &str = "\nStopped. The demo's database is gone.\n";

pub(super) fn opening(
    address: SocketAddr,
    key: &str,
    products: &[Product],
    receivers: &[Receiver],
    style: OutputStyle,
) -> String {
    let bold = |text: &str| if style.colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
    let mut text = format!("{}  http://{address}\n\n", bold("Posthaste demo"));
    for receiver in receivers {
        let manner = receiver.manner;
        text += &format!("  receiver {:<7} {}  {}\n", manner.name(), receiver.url(), manner.says());
    }
    text.push('\n');
    for product in products {
        text += &format!("  project  {:<10} {}\n", product.slug(), product.dialect.title);
    }
    text += &format!(
        "\nLook around while it runs (Ctrl-C stops it):\n\n  \
         http://{address}/docs\n\n  \
         export POSTHASTE_SERVER=http://{address} POSTHASTE_API_KEY={key}\n  \
         posthaste deliveries list --project trakkr\n  \
         curl -H \"Authorization: Bearer $POSTHASTE_API_KEY\" http://{address}/v1/endpoints\n\n",
    );
    text
}

/// One attempt on one line.
pub(super) fn attempt(
    delivery: &FullDelivery,
    number: u32,
    project: &str,
    receiver: &str,
    style: OutputStyle,
) -> Option<String> {
    let attempt = delivery.attempts.iter().find(|attempt| attempt.number == number)?;
    let (colour, outcome) = outcome(delivery, attempt);
    let outcome = if style.colours { format!("\x1b[{colour}m{outcome}\x1b[0m") } else { outcome };
    let time = attempt.started_at.to_string();
    let time = time.get(11..23).unwrap_or(&time);
    let answer = attempt.status_code.map_or_else(|| "---".to_owned(), |status| status.to_string());
    Some(format!(
        "{time}  {project:<9}  {:<26} → {receiver:<7} {answer}  attempt {number}  {:>3} ms  {outcome}\n",
        delivery.delivery.event_type.as_str(),
        attempt.duration_ms,
    ))
}

fn outcome(delivery: &FullDelivery, attempt: &StoredAttempt) -> (u8, String) {
    const GREEN: u8 = 32;
    const YELLOW: u8 = 33;
    const RED: u8 = 31;
    match (&attempt.failure, attempt.next_attempt_at) {
        (None, _) => (GREEN, "delivered".to_owned()),
        (Some(_), Some(at)) => {
            let wait = attempt.started_at.until(at).as_secs_f64();
            (YELLOW, format!("again in {wait:.1} s"))
        }
        (Some(failure), None) if delivery.delivery.status == Status::Failed => {
            (RED, format!("given up: {}", failure.message))
        }
        (Some(failure), None) => (RED, failure.message.clone()),
    }
}
