//! The API's front: its routes, and the short way to the one that nearly all requests are for.

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use web::front::Front;

use crate::openapi::Documents;
use crate::routes::{EVENTS, routes, without_the_api};
use crate::{Api, events};

/// Answers the requests of the API.
pub fn front(api: Api) -> Front {
    let documents = Arc::new(Documents::of(api.public_url.as_deref(), &api.policy));
    let routes = routes(&documents).with_state(api.clone());
    Front::new(api.env.clone(), routes)
        .with_express(Method::POST, EVENTS, move |request| events::create.call(request, api.clone()))
}

/// Answers requests where a node does not serve the API: says how the node is, and nothing else.
pub fn front_of_every_node(api: &Api) -> Front {
    Front::new(api.env.clone(), without_the_api().with_state(api.clone()))
}
