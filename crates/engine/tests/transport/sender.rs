//! A transport for tests, which set its clock, its DNS and the addresses it may connect to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialect::renderer::Header;
use engine::transport::{Exchange, Proxy, Request, Settings, Transport};
use model::attempt::{Answer, Failure, FailureKind, Outcome};
use model::network::Policy;
use model::url::EndpointUrl;
use testkit::clock::TestEnv;
use testkit::patiently;

use crate::names::Names;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const RESPONSE_BYTES: usize = 4096;
pub(crate) const BODY: &str = r#"{"type":"invoice.paid"}"#;

pub(crate) struct Sender {
    transport: Transport,
    pub(crate) env: TestEnv,
}

pub(crate) struct Builder {
    settings: Settings,
    names: Names,
}

impl Sender {
    /// A sender that may connect to this machine and knows no names.
    pub(crate) fn new() -> Self {
        Self::allowed(&["127.0.0.1/32"]).start()
    }

    pub(crate) fn allowed(networks: &[&str]) -> Builder {
        let allowed = networks.iter().map(|network| network.parse().unwrap()).collect();
        let settings = Settings { policy: Policy { allow_http: true, allowed }, ..Settings::default() };
        Builder { settings, names: Names::default() }
    }

    pub(crate) async fn post(&self, url: &str) -> Outcome {
        self.post_with(url, &[]).await
    }

    pub(crate) async fn post_with(&self, url: &str, headers: &[(&str, &str)]) -> Outcome {
        self.send(url, headers, Bytes::from_static(BODY.as_bytes())).await.outcome
    }

    pub(crate) async fn post_body(&self, url: &str, body: Bytes) -> Outcome {
        self.send(url, &[], body).await.outcome
    }

    /// The exchange of a post, with its notes.
    pub(crate) async fn exchange(&self, url: &str) -> Exchange {
        self.send(url, &[], Bytes::from_static(BODY.as_bytes())).await
    }

    /// An exchange that does not end fails its test, instead of hanging it.
    async fn send(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> Exchange {
        patiently(self.send_now(url, headers, body), || format!("no end of a request to {url}")).await
    }

    async fn send_now(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> Exchange {
        let header =
            |(name, value): &(&str, &str)| Header { name: (*name).into(), value: (*value).into(), secret: false };
        let url = EndpointUrl::stored(url).expect("the test's URL is one");
        let request = Request {
            url: &url,
            headers: headers.iter().map(header).collect(),
            body,
            timeout: TIMEOUT,
            response_bytes: RESPONSE_BYTES,
        };
        self.transport.send(request).await.expect("this machine is well")
    }

    /// The failure of a post, which must not be a success.
    pub(crate) async fn failure(&self, url: &str) -> Failure {
        failure(&self.post(url).await)
    }
}

impl Builder {
    pub(crate) fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    pub(crate) fn trusting(mut self, ca_pem: &str) -> Self {
        self.settings.ca_pem = Some(ca_pem.as_bytes().to_vec());
        self
    }

    pub(crate) fn through(mut self, proxy: &str) -> Self {
        self.settings.proxy = Some(Proxy::parse(proxy).unwrap());
        self
    }

    pub(crate) fn through_resolving(mut self, proxy: &str) -> Self {
        self.settings.proxy_resolves = true;
        self.through(proxy)
    }

    pub(crate) fn start(self) -> Sender {
        let env = TestEnv::new();
        let transport = Transport::new(self.settings, Arc::new(self.names), Arc::new(env.clone())).unwrap();
        Sender { transport, env }
    }
}

pub(crate) fn failure(outcome: &Outcome) -> Failure {
    outcome.failure().unwrap_or_else(|| panic!("it succeeded: {outcome:?}"))
}

/// The answer that counts by its status line alone, and the only note about it.
#[track_caller]
pub(crate) fn noted(exchange: &Exchange) -> (&Answer, &str) {
    let Outcome::Answered(answer) = &exchange.outcome else { panic!("{exchange:?}") };
    let [note] = exchange.notes.as_slice() else { panic!("{exchange:?}") };
    (answer, note)
}

#[track_caller]
pub(crate) fn assert_failure(failure: &Failure, kind: FailureKind, message: &str) {
    assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
}
