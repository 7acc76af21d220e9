//! Deliveries in great number, written straight into the tables, and the searches that go over them.

mod rows;

use serde_json::json;

use self::rows::ENDPOINTS;
use crate::conditions::Conditions;
use crate::gateway::Gateway;
use crate::{BenchError, control};

/// The data that is stored.
pub(crate) struct Stored {
    /// Ids of the endpoints, in order of age.
    endpoints: Vec<String>,
    /// Moments, as they stand in a query: a tenth of all came before the first of them, and a half before the other.
    early: String,
    middle: String,
}

impl Stored {
    /// Stores `deliveries` deliveries in the project of that name, before anything else is stored. The server is
    /// stopped meanwhile.
    pub(crate) fn write(
        gateway: &mut Gateway,
        conditions: &Conditions,
        slug: &str,
        deliveries: u64,
    ) -> Result<Self, BenchError> {
        let endpoint = |index: u64| json!({ "url": format!("http://127.0.0.1:9/{index}"), "active": false });
        let wanted = (0..ENDPOINTS).map(endpoint).collect();
        let endpoints = control::register_named(gateway.address(), slug, wanted)?;
        gateway.stop()?;
        let events = deliveries.div_ceil(ENDPOINTS);
        let [early, middle] = rows::write(gateway, conditions, slug, events)?;
        gateway.start_nodes(1)?;
        control::wait_until_ready(gateway.address())?;
        Ok(Self { endpoints, early, middle })
    }

    /// Every filter of the lists, alone and in the pairs that people use: names and requests. Values are everywhere,
    /// rare, at the far end and nowhere.
    pub(crate) fn searches(&self) -> Vec<(String, String)> {
        let mut cases = Vec::new();
        let mut add =
            |path: &str, query: String| cases.push((format!("{path}?{query}"), format!("{path}?{query}&limit=50")));
        let Self { endpoints, early, middle } = self;
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
}
