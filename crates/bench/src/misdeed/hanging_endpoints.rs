//! Very many endpoints of which nothing is known, and none of which answers, are all sent an event.

use serde_json::json;

use super::means::{FAMILY, HOSTS, Means};
use crate::conditions::Conditions;
use crate::event::type_of;
use crate::gateway::Gateway;
use crate::load::{self, LoadModel, Plan, Until};
use crate::sink::Manner;
use crate::{BenchError, control};

pub(super) fn prepare(gateway: &Gateway, conditions: &Conditions, slug: &str) -> Result<Means, BenchError> {
    let address = gateway.address();
    let sink = conditions.sink_beside(HOSTS, |_| Manner::Hangs)?;
    let wants = |endpoint| json!({ "url": sink.url(endpoint), "events": [type_of(FAMILY, 0)] });
    control::register(address, slug, (0..conditions.sizes.shares_endpoints).map(wants).collect())?;
    let key = control::make_sending_key(address, slug)?;
    let plan = gateway.plan(&conditions.sizes, FAMILY, Until::Events(1));
    let plan = Plan { key, pace: LoadModel::Closed, connections: 1, ..plan };
    let begin = move |address| {
        let load = load::run(Plan { addresses: vec![address], ..plan })?;
        load.first_refusal.map_or(Ok(None), |refusal| Err(refusal.into()))
    };
    Ok((Some(sink), Box::new(begin)))
}
