//! The products of the demo: one project for each dialect that comes with Posthaste, and what happens in it.

use std::sync::Arc;

use dialect::Dialect;
use model::catalogue::EventType;
use serde_json::{Value, json};

use crate::client::{Client, Error, Server};

/// The dialect of the project that is always there.
const FIRST: &str = "standard";

/// What happens in a product whose dialect lists no types.
const KINDS: [&str; 4] = ["order.created", "order.paid", "shipment.sent", "invoice.paid"];

pub(super) struct Product {
    pub(super) dialect: Arc<Dialect>,
    pub(super) client: Client,
}

impl Product {
    /// One for each built-in dialect.
    pub(super) fn all(url: &str, key: &str) -> Result<Vec<Self>, Error> {
        let product = |dialect: Arc<Dialect>| {
            let server = Server::new(url, Some(key.to_owned()), Some(slug(&dialect).to_owned()))?;
            Ok(Self { client: Client::new(server)?, dialect })
        };
        dialect::built_in_names().filter_map(dialect::built_in).map(product).collect()
    }

    pub(super) fn slug(&self) -> &str {
        slug(&self.dialect)
    }

    pub(super) fn is_first(&self) -> bool {
        self.dialect.name == FIRST
    }

    /// The `number`th event of the demo: an example of the catalogue.
    pub(super) fn event(&self, number: usize) -> Value {
        let types: Vec<&EventType> = self.dialect.catalogue.types().map(|known| &*known.event_type).collect();
        let Some(event_type) = types.get(number % types.len().max(1)) else {
            return json!({
                "type": KINDS[number % KINDS.len()],
                "data": { "number": number, "customer": "Ada Lovelace", "amount_cents": 1000 + number * 7 },
            });
        };
        let example = event_type.example.as_ref().and_then(|example| serde_json::from_str(example.as_str()).ok());
        let mut event = json!({
            "type": event_type.name,
            "data": example.unwrap_or_else(|| json!({})),
            "summary": event_type.description,
        });
        if self.dialect.endpoints.tenant.is_some() {
            event["brand"] = json!({ "id": "brand_1", "name": "Globex", "website": "https://globex.example" });
        }
        event
    }
}

fn slug(dialect: &Dialect) -> &str {
    if dialect.name == FIRST { model::project::Slug::DEFAULT } else { &dialect.name }
}
