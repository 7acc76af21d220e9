//! Allocations per body: one, whatever the dialect.

mod given;

use std::hint::black_box;

use allocation_counter::measure;
use bytes::Bytes;
use dialect::template::{EndpointInfo, RenderContext};
use dialect::{Dialect, built_in, built_in_names};
use given::{AT, due, endpoint, event};
use model::event::Event;
use model::json::Json;

/// An event with data of 500 bytes and all that an event can have.
fn full_event() -> Event {
    let mut event = event(&format!(r#"{{"id":"inv_1","note":"{}"}}"#, "x".repeat(476)));
    assert_eq!(event.data.as_str().len(), 500);
    event.tenant = Some("brand_1".into());
    event.brand = Some(Json::trusted(r#"{"id":"brand_1","name":"Acme"}"#));
    event.workflow = Some(Json::trusted(r#"{"name":"Nightly"}"#));
    event.summary = Some("An invoice was \"paid\"".into());
    event
}

/// Counts the allocations while the body is made and becomes the bytes that are sent.
fn allocations(dialect: &Dialect, event: Event) -> u64 {
    let (due, endpoint) = (due(event), EndpointInfo { id: endpoint().id, name: endpoint().settings.name });
    let context = RenderContext::of(&due, AT);
    let body = || Bytes::from(dialect.body(&context, &endpoint).expect("it renders").body);
    // A first run, because the alphabet of ids is made once.
    drop(body());
    measure(|| drop(black_box(body()))).count_total
}

#[test]
fn a_body_in_a_dialects_own_form_takes_one_allocation() {
    let mut bare = full_event();
    (bare.tenant, bare.brand, bare.workflow, bare.summary) = (None, None, None, None);
    for name in built_in_names() {
        let dialect = built_in(name).unwrap();
        assert_eq!(allocations(&dialect, full_event()), 1, "{name}");
        assert_eq!(allocations(&dialect, bare.clone()), 1, "{name}");
    }
}

#[test]
fn every_root_is_written_without_an_allocation_of_its_own() {
    let dialect = given::dialect(
        r#"body.template = '''["{{event.id}}","{{event.type}}","{{event.timestamp}}","{{event.data | json}}","{{event.data}}",
        "{{delivery.id}}","{{delivery.attempt | json}}","{{endpoint.id}}","{{endpoint.name}}","{{tenant}}","{{brand}}",
        "{{workflow | json}}","{{summary}}","{{timestamp}}","{{project}}"]'''"#,
    );
    assert_eq!(allocations(&dialect, full_event()), 1);
}
