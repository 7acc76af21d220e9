//! The front: where requests come in. Each passes the frame and goes to its route.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use model::env::Env;
use tower_service::Service;

use crate::frame;
use crate::problem::{Code, Problem};

/// Boxed: a future that all of them are part of would have kilobytes, which every request moves.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers requests by the routes of a router. A second listener has a second front. Cloning is cheap.
#[derive(Clone)]
pub struct Front {
    env: Arc<dyn Env>,
    routes: Router,
    express: Option<Arc<Express>>,
}

/// A route that requests are brought to without the router.
struct Express {
    method: Method,
    path: &'static str,
    handler: Box<dyn Fn(Request) -> Answering + Send + Sync>,
}

impl Front {
    pub fn new(env: Arc<dyn Env>, routes: Router) -> Self {
        Self { env, routes, express: None }
    }

    /// Brings requests with this method and exactly this path straight to their handler: finding a route costs as much as
    /// the shortest of handlers.
    pub fn with_express(
        self,
        method: Method,
        path: &'static str,
        handler: impl Fn(Request) -> Answering + Send + Sync + 'static,
    ) -> Self {
        Self { express: Some(Arc::new(Express { method, path, handler: Box::new(handler) })), ..self }
    }

    /// The same with the routes of another router beside its own.
    pub fn merged(self, others: Router) -> Self {
        Self { routes: self.routes.merge(others), ..self }
    }

    /// Answers always, and always with the request's id.
    pub async fn answer(&self, request: Request) -> Response {
        frame::frame(&*self.env, request, |request| self.route(request)).await
    }

    /// Answers a request that does not say which host it is for.
    pub(crate) async fn no_host(&self, request: Request) -> Response {
        let detail = "An HTTP/1.1 request has one Host header, which says where it is sent to.";
        let problem = Problem::at(Code::InvalidRequest, "host", detail).answered(StatusCode::BAD_REQUEST);
        frame::frame(&*self.env, request, |_| std::future::ready(problem.into_response())).await
    }

    fn route(&self, request: Request) -> Answering {
        if let Some(express) = &self.express
            && request.method() == express.method
            && request.uri().path() == express.path
        {
            return (express.handler)(request);
        }
        let mut routes = self.routes.clone();
        Box::pin(async move { routes.call(request).await.unwrap_or_else(|never| match never {}) })
    }
}
