//! The cost of making the body of an event, dialect by dialect.

use std::fmt::Write as _;
use std::hint::black_box;

use dialect::Dialect;
use dialect::template::{EndpointInfo, RenderContext};
use model::event::Event;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::json::Json;
use model::time::Timestamp;

use crate::{BenchError, clock};

const DATA_BYTES: usize = 500;
/// Bodies in a round, and rounds. The fastest round counts: in the others something else had the processor.
const BODIES: u32 = 20_000;
const ROUNDS: u32 = 20;

/// A line for each built-in dialect.
pub(crate) fn table() -> Result<String, BenchError> {
    let event = event()?;
    let mut table = "| dialect | bytes | ns a body |\n|---|---:|---:|\n".to_owned();
    for name in dialect::built_in_names() {
        let dialect = dialect::built_in(name).ok_or("a built-in dialect is built in")?;
        let (bytes, nanoseconds) = measure(&dialect, &event)?;
        writeln!(table, "| {name} | {bytes} | {nanoseconds:.0} |")?;
    }
    Ok(table)
}

/// Length of the body, and nanoseconds that one takes.
fn measure(dialect: &Dialect, event: &Event) -> Result<(usize, f64), BenchError> {
    let addressee = EndpointInfo { id: EndpointId::from_bytes([1; 16]), name: Some("Billing".to_owned()) };
    let occasion =
        RenderContext { event, delivery: DeliveryId::from_bytes([2; 16]), attempt: 1, at: event.occurred_at };
    let body = || dialect.body(black_box(&occasion), black_box(&addressee)).map(|rendered| rendered.body);
    let bytes = body().map_err(|failure| failure.message)?.len();
    let round = || {
        let start = clock::now();
        for _ in 0..BODIES {
            let _ = black_box(body());
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(BODIES)
    };
    Ok((bytes, (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)))
}

fn event() -> Result<Event, BenchError> {
    let opening = r#"{"invoice":{"id":"inv_1","total":1299.00,"currency":"EUR"},"lines":["#;
    let line = r#"{"sku":"A-1","n":2},"#;
    let mut data = opening.to_owned() + &line.repeat((DATA_BYTES - opening.len()) / line.len() - 1);
    let padding = DATA_BYTES - data.len() - 4;
    write!(data, "\"{}\"]}}", "x".repeat(padding))?;
    let at = Timestamp::from_millis(1_769_851_800_120);
    Ok(Event {
        tenant: Some("brand_1".to_owned()),
        brand: Some(Json::trusted(r#"{"id":"brand_1","name":"Acme","website":"https://acme.example"}"#)),
        summary: Some("Invoice inv_1 over 1,299.00 EUR was paid".to_owned()),
        ..Event::of(
            "evt_01kxyz".parse()?,
            ProjectId::from_bytes([3; 16]),
            "invoice.paid".parse()?,
            Json::trusted(data),
            at,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_has_as_much_data_as_it_says_and_reads_as_json() {
        let event = event().unwrap();
        assert_eq!(event.data.as_str().len(), DATA_BYTES);
        assert!(serde_json::from_str::<serde_json::Value>(event.data.as_str()).unwrap().is_object());
    }
}
