//! The front: where requests come in. Each passes the frame and goes to its route.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;
use tower_service::Service;

use crate::{Api, events, frame, routes};

/// Answers requests. Cloning is cheap.
#[derive(Clone)]
pub struct Front {
    api: Api,
    routes: Router,
}

impl Front {
    pub fn new(api: Api) -> Self {
        Self { routes: routes::routes().with_state(api.clone()), api }
    }

    /// Answers always, and always with the request's id.
    pub async fn answer(&self, request: Request) -> Response {
        frame::frame(&self.api, request, async |request| self.route(request).await).await
    }

    /// Nearly all requests bring an event. They go straight to their handler: finding a route costs as much as what is
    /// done there.
    async fn route(&self, request: Request) -> Response {
        if request.method() == Method::POST && request.uri().path() == routes::EVENTS {
            return events::create.call(request, self.api.clone()).await;
        }
        let Ok(response) = self.routes.clone().call(request).await;
        response
    }
}
