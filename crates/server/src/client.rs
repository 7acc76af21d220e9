//! The HTTP client of the command line: one request, one answer, and errors that say what to do.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client as Http};
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The server's name, its address, the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// A whole exchange. `webhooks test` waits in it for its turn and for a receiver, which may have two minutes.
const PATIENCE: Duration = Duration::from_secs(180);

/// Longer answers are not read.
const LONGEST_ANSWER: usize = 256 << 20;

/// What needs no escaping in a path or a query (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whom to ask, and as whom.
#[derive(Clone)]
pub struct Server {
    /// `http://` or `https://`, perhaps with a path, without a slash at the end.
    url: String,
    pub key: Option<String>,
    pub project: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// From the root, escaped, with its query.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<String>,
}

/// What came back with a 2xx.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    pub body: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{text:?} is not the address of a server: write for example http://127.0.0.1:8600")]
    NotAServer { text: String },
    #[error("{what} has characters that no header can carry")]
    NotAHeader { what: &'static str },
    #[error("no server listens at {server}\nStart one with `posthaste serve`, or name another with --server.")]
    NoServer { server: String },
    #[error("{server} cannot be reached: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("{server} did not answer within {} s", PATIENCE.as_secs())]
    Slow { server: String },
    #[error("the connection to {server} broke: {reason}")]
    Broken { server: String, reason: String },
    #[error("the certificates of this system cannot be read: {0}")]
    NoCertificates(io::Error),
    #[error("what answers at {server} is not Posthaste: {what}")]
    Stranger { server: String, what: String },
    #[error("{0}")]
    Refused(Problem),
}

/// What a server says when it says no (RFC 9457), as far as it said it.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct Problem {
    status: u16,
    body: Value,
}

impl Server {
    pub fn new(url: &str, key: Option<String>, project: Option<String>) -> Result<Self, Error> {
        let wrong = || Error::NotAServer { text: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), key, project })
    }

    /// Whether its address is one of this machine, by its spelling.
    pub fn is_here(&self) -> bool {
        let host = self.url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl Request {
    pub fn new(method: Method, segments: &[&str]) -> Self {
        let path = segments.iter().map(|segment| format!("/{}", escape(segment))).collect::<String>();
        Self { method, path: format!("/v1{path}"), headers: vec![], body: None }
    }

    #[must_use]
    pub fn with_query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            let mark = if self.path.contains('?') { '&' } else { '?' };
            self.path.push_str(&format!("{mark}{name}={}", escape(&value.to_string())));
        }
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: Option<String>) -> Self {
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    #[must_use]
    pub fn with_body(mut self, json: String) -> Self {
        self.body = Some(json);
        self
    }
}

/// Full stops alone would be taken for the way up.
fn escape(text: &str) -> String {
    let escaped = utf8_percent_encode(text, RESERVED).to_string();
    if text.chars().all(|c| c == '.') { escaped.replace('.', "%2E") } else { escaped }
}

/// Keeps its connection between requests.
pub struct Client {
    server: Server,
    http: Transport,
}

enum Transport {
    Plain(Http<HttpConnector, Full<Bytes>>),
    Tls(Http<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Client {
    pub fn new(server: Server) -> Result<Self, Error> {
        let builder = Http::builder(TokioExecutor::new());
        let http = if server.url.starts_with("https") {
            // Reading the system's certificates takes a while: not for those who need none.
            let provider = rustls::crypto::aws_lc_rs::default_provider();
            let tls = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider);
            let tls = tls.map_err(Error::NoCertificates)?.https_only().enable_http1();
            Transport::Tls(builder.build(tls.wrap_connector(connector())))
        } else {
            Transport::Plain(builder.build(connector()))
        };
        Ok(Self { server, http })
    }

    /// Gives back what came with a 2xx; everything else is an error.
    #[expect(clippy::disallowed_methods, reason = "a person waits here, on the real clock, for a server that may hang")]
    pub async fn send(&self, request: &Request) -> Result<ApiResponse, Error> {
        let request = self.prepared(request)?;
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        let (status, body) = exchange.map_err(|_| Error::Slow { server: self.server.url.clone() })??;
        if (200..300).contains(&status) {
            return Ok(ApiResponse { body });
        }
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        Err(Error::Refused(Problem { status, body }))
    }

    /// An answer of this server that does not read as it should.
    pub fn stranger(&self, what: &str) -> Error {
        Error::Stranger { server: self.server.url.clone(), what: what.to_owned() }
    }

    fn prepared(&self, request: &Request) -> Result<hyper::Request<Full<Bytes>>, Error> {
        let Server { url, key, project } = &self.server;
        let uri: Uri = format!("{url}{}", request.path).parse().map_err(|_| Error::NotAServer { text: url.clone() })?;
        let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
        let mut prepared = hyper::Request::new(body);
        *prepared.method_mut() = request.method.clone();
        *prepared.uri_mut() = uri;

        let headers = prepared.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("posthaste/", env!("CARGO_PKG_VERSION"))));
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, header("the API key", &format!("Bearer {key}"))?);
        }
        if let Some(project) = project {
            headers.insert("posthaste-project", header("the project", project)?);
        }
        for (name, value) in &request.headers {
            headers.insert(HeaderName::from_static(name), header("a value", value)?);
        }
        Ok(prepared)
    }

    async fn exchange(&self, request: hyper::Request<Full<Bytes>>) -> Result<(u16, String), Error> {
        let answered = match &self.http {
            Transport::Plain(http) => http.request(request).await,
            Transport::Tls(http) => http.request(request).await,
        };
        let response = answered.map_err(|error| self.no_answer(&error))?;
        let status = response.status().as_u16();
        Ok((status, self.read(response).await?))
    }

    async fn read(&self, response: Response<Incoming>) -> Result<String, Error> {
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let broken = |reason: String| Error::Broken { server: self.server.url.clone(), reason };
        let bytes = body.map_err(|error| broken(error.to_string()))?.to_bytes();
        String::from_utf8(bytes.into()).map_err(|_| self.stranger("its answer is not UTF-8"))
    }

    fn no_answer(&self, error: &legacy::Error) -> Error {
        let server = self.server.url.clone();
        let refused = |cause: &io::Error| cause.kind() == io::ErrorKind::ConnectionRefused;
        let is_refused = causes(error).filter_map(|cause| cause.downcast_ref()).any(refused);
        // The innermost cause says why; those around it only that something failed.
        let reason = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        match error.is_connect() {
            true if is_refused => Error::NoServer { server },
            true => Error::Unreachable { server, reason },
            false => Error::Broken { server, reason },
        }
    }
}

fn causes(error: &legacy::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_PATIENCE));
    connector
}

fn header(what: &'static str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::NotAHeader { what })
}

impl Problem {
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether it is told as Posthaste tells one.
    pub fn is_ours(&self) -> bool {
        self.body.get("code").is_some_and(Value::is_string)
    }

    /// As the server told it; what was none is put into one.
    pub fn json(&self) -> Value {
        match &self.body {
            Value::Object(_) => self.body.clone(),
            _ => serde_json::json!({ "status": self.status, "detail": self.text() }),
        }
    }

    /// What went wrong, then a line for each field at fault, then how to find the request in the server's log.
    fn text(&self) -> String {
        let said = |name: &str| self.body.get(name).and_then(Value::as_str);
        let mut lines = vec![match (said("detail").or(said("title")), said("code")) {
            (Some(detail), Some(code)) => format!("{detail} ({code})"),
            (Some(detail), None) => detail.to_owned(),
            (None, _) => format!("the server answered {}{}", self.status, self.first_line()),
        }];
        let faults = self.body.get("errors").and_then(Value::as_array).into_iter().flatten();
        lines.extend(faults.map(|fault| {
            let part = |name: &str| fault.get(name).and_then(Value::as_str);
            // A lone fault may be the detail already.
            let message = part("message").filter(|message| said("detail") != Some(message)).unwrap_or_default();
            format!("  {}  {message}", part("pointer").unwrap_or_default()).trim_end().to_owned()
        }));
        if self.status == 401 {
            lines.push("  Name a key with --api-key or POSTHASTE_API_KEY.".to_owned());
        }
        lines.extend(said("request_id").map(|id| format!("  request {id}")));
        crate::output::harmless(&lines.join("\n"))
    }

    fn first_line(&self) -> String {
        match self.body.as_str().and_then(|text| text.lines().next()) {
            Some(line) => format!(": {}", line.chars().take(200).collect::<String>()),
            None => String::new(),
        }
    }
}
