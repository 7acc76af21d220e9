//! The front: where requests come in. Each passes the frame and goes to its route.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_service::Service;

use crate::openapi::Documents;
use crate::problem::{Code, Problem};
use crate::{Api, events, frame, routes};

/// Boxed: a future that all of them are part of would have kilobytes, which every request moves.
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers requests. Cloning is cheap.
#[derive(Clone)]
pub struct Front {
    api: Api,
    routes: Router,
    takes_events: bool,
}

impl Front {
    /// One that serves the API.
    pub fn new(api: Api) -> Self {
        let documents = Arc::new(Documents::of(api.public_url.as_deref(), &api.policy));
        Self { routes: routes::routes(&documents).with_state(api.clone()), api, takes_events: true }
    }

    /// One that says how the node is and serves nothing else.
    pub fn without_the_api(api: Api) -> Self {
        Self { routes: routes::without_the_api().with_state(api.clone()), api, takes_events: false }
    }

    /// Answers always, and always with the request's id.
    pub async fn answer(&self, request: Request) -> Response {
        frame::frame(&self.api, request, |request| self.route(request)).await
    }

    /// Answers a request that does not say which host it is for.
    pub(crate) async fn no_host(&self, request: Request) -> Response {
        let detail = "An HTTP/1.1 request has one Host header, which says where it is sent to.";
        let problem = Problem::at(Code::InvalidRequest, "host", detail).answered(StatusCode::BAD_REQUEST);
        frame::frame(&self.api, request, |_| std::future::ready(problem.into_response())).await
    }

    /// Nearly all requests bring an event. They go straight to their handler: finding a route costs as much as what is
    /// done there.
    fn route(&self, request: Request) -> Answering {
        if self.takes_events && request.method() == Method::POST && request.uri().path() == routes::EVENTS {
            return events::create.call(request, self.api.clone());
        }
        let mut routes = self.routes.clone();
        Box::pin(async move { routes.call(request).await.unwrap_or_else(|never| match never {}) })
    }
}
