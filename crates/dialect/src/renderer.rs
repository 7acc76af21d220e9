//! The renderer of one endpoint's messages. Made once for each revision of the endpoint, with everything prepared that
//! can be.

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use model::attempt::{Failure, FailureKind};
use model::delivery::Due;
use model::endpoint::{Auth, Endpoint, Settings};
use model::id::EndpointId;
use model::mask;
use model::provider::Provider;
use model::secret::{Secret, Secrets, Signing};
use model::time::Timestamp;

pub use crate::header::Header;
use crate::header::{self, NotAHeader};
use crate::header_template::DialectHeader;
use crate::providers::{self, Branding};
use crate::sign::{Content, Key, Scheme, When};
use crate::template::{Rendered, Template};
use crate::variable::EndpointInfo;
pub use crate::variable::RenderContext;
use crate::{Dialect, built_in};

/// Bytes allocated up front for a header's value: enough for most.
const VALUE: usize = 128;

const CONTENT_TYPE: (&str, &str) = ("content-type", "application/json");
const USER_AGENT: (&str, &str) = ("user-agent", concat!("Posthaste/", env!("CARGO_PKG_VERSION")));

/// The message as sent, without the address: the signatures are over exactly these body bytes.
#[derive(Clone, Debug)]
pub struct Message {
    /// `content-type`, `user-agent`, the mark of a test, the dialect's, the signatures, the endpoint's own. Names are
    /// unique.
    pub headers: Vec<Header>,
    pub body: Bytes,
    /// The built-in dialect that always makes this body of this event; `None` if it must be kept to be seen again.
    pub reproducible_by: Option<Arc<str>>,
    /// Notes for the endpoint's owner.
    pub notes: Vec<String>,
}

pub struct Renderer {
    dialect: Arc<Dialect>,
    endpoint: EndpointInfo,
    /// The project's name, for people.
    project: Option<Box<str>>,
    body_source: BodySource,
    /// Headers before the dialect's.
    leading_headers: Vec<Header>,
    signatures: Vec<SignatureHeader>,
    /// The endpoint's own headers, after the signatures.
    endpoint_headers: Vec<Header>,
    /// The reason why nothing can be rendered for this endpoint, if there is one.
    config_error: Option<Failure>,
}

/// The source of an endpoint's bodies.
enum BodySource {
    Dialect,
    /// The endpoint's own.
    Template(Template),
    /// A chat service's.
    Card(Provider),
}

/// One header of signatures. Schemes with the same header share it.
struct SignatureHeader {
    name: Arc<str>,
    signers: Vec<Signer>,
}

struct Signer {
    /// Its index in the dialect's schemes.
    scheme: usize,
    key: Key,
    /// Time at which the secret stops signing; `None` is the secret in use.
    expires_at: Option<Timestamp>,
}

impl Renderer {
    /// An endpoint whose settings cannot be rendered gets a renderer as well, which fails with the reason at every
    /// attempt.
    pub fn new(dialect: &Arc<Dialect>, endpoint: &Endpoint) -> Self {
        let settings = &endpoint.settings;
        let mut config_error = None;
        let signatures = signature_headers(dialect, &settings.secrets).unwrap_or_else(|failure| {
            config_error = Some(failure);
            Vec::new()
        });
        let endpoint_headers = endpoint_headers(dialect, &settings.auth, &settings.headers).unwrap_or_else(|failure| {
            config_error = Some(failure);
            Vec::new()
        });
        let body_source = body_source(dialect, settings).unwrap_or_else(|failure| {
            config_error = Some(failure);
            BodySource::Dialect
        });
        Self {
            dialect: Arc::clone(dialect),
            body_source,
            endpoint: EndpointInfo { id: endpoint.id, name: settings.name.clone() },
            project: None,
            leading_headers: leading_headers(dialect),
            signatures,
            endpoint_headers,
            config_error,
        }
    }

    /// Cards are signed with the project's name, in place of the dialect's title.
    pub fn for_project(self, name: &str) -> Self {
        Self { project: Some(name.into()), ..self }
    }

    /// Renders the whole message for the attempt that is due, as it is sent at `at`.
    pub fn render(&self, due: &Due, at: Timestamp) -> Result<Message, Failure> {
        if let Some(failure) = &self.config_error {
            return Err(failure.clone());
        }
        let context = RenderContext::of(due, at);
        let (body, mut missing) = self.body(&context)?;
        let count = self.leading_headers.len()
            + self.dialect.headers.len()
            + self.signatures.len()
            + self.endpoint_headers.len();
        let mut headers = Vec::with_capacity(count);
        headers.extend_from_slice(&self.leading_headers);
        if due.event.test {
            headers.push(Header { name: header::TEST.into(), value: "true".into(), secret: false });
        }
        self.push_dialect_headers(&context, &mut headers, &mut missing)?;
        self.push_signatures(&context, &body, &mut headers)?;
        headers.extend_from_slice(&self.endpoint_headers);
        let made_by = match self.body_source {
            BodySource::Dialect => self.dialect.built_in.clone(),
            BodySource::Template(_) | BodySource::Card(_) => None,
        };
        let notes = missing.into_iter().map(|path| format!("the event has no {path}")).collect();
        Ok(Message { headers, body, reproducible_by: made_by, notes })
    }

    /// The reason why nothing can be sent to this endpoint at `at`, whatever the event, if there is one.
    pub fn objection(&self, at: Timestamp) -> Option<Failure> {
        self.config_error.clone().or_else(|| self.unsigned(at))
    }

    fn unsigned(&self, at: Timestamp) -> Option<Failure> {
        let mut signers = self.signatures.iter().flat_map(|signature| &signature.signers);
        let must_sign = self.dialect.schemes.iter().any(|scheme| scheme.when == When::Always);
        (must_sign && !signers.any(|signer| signer.is_valid(at))).then(|| {
            render("the endpoint has no secret, and every delivery in this dialect is signed: rotate its secret to make one")
        })
    }

    /// Renders the body, and lists the paths in it that lead nowhere.
    fn body(&self, context: &RenderContext<'_>) -> Result<(Bytes, Vec<String>), Failure> {
        let Rendered { body, missing } = match &self.body_source {
            BodySource::Dialect => self.dialect.body.render(context, &self.endpoint)?,
            BodySource::Template(template) => template.render(context, &self.endpoint)?,
            BodySource::Card(provider) => {
                let card = providers::card(*provider, &self.branding(context), context);
                Rendered { body: card.expect("only chat services have this form"), missing: Vec::new() }
            }
        };
        Ok((body.into(), missing))
    }

    fn branding(&self, context: &RenderContext<'_>) -> Branding<'_> {
        let Dialect { title, accent_color, catalogue, .. } = &*self.dialect;
        let known = catalogue.find(&context.event.event_type);
        let description = known.and_then(|known| known.event_type.description.as_deref());
        let signed = self.project.as_deref().unwrap_or(title);
        Branding { signed, accent_color: accent_color.as_deref(), description }
    }

    fn push_dialect_headers(
        &self,
        context: &RenderContext<'_>,
        headers: &mut Vec<Header>,
        missing: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let mut value = String::with_capacity(VALUE);
        for DialectHeader { name, template: line, secret } in &self.dialect.headers {
            value.clear();
            line.write(context, &self.endpoint, &mut value, missing)?;
            header::check_value(&value).map_err(|reason| unsendable(name, reason))?;
            headers.push(Header { name: Arc::clone(name), value: value.as_str().into(), secret: *secret });
        }
        Ok(())
    }

    fn push_signatures(
        &self,
        context: &RenderContext<'_>,
        body: &[u8],
        headers: &mut Vec<Header>,
    ) -> Result<(), Failure> {
        let timestamp = context.at.as_seconds().to_string();
        let content = Content { id: context.event.id.as_str(), timestamp: &timestamp, body };
        let mut value = String::with_capacity(VALUE);
        for signature in &self.signatures {
            value.clear();
            for signer in signature.signers.iter().filter(|signer| signer.is_valid(context.at)) {
                let scheme = &self.dialect.schemes[signer.scheme];
                if !value.is_empty() {
                    value.push_str(&scheme.join);
                }
                scheme.write(&signer.key, &content, &mut value);
            }
            if !value.is_empty() {
                headers.push(Header { name: Arc::clone(&signature.name), value: value.as_str().into(), secret: false });
            }
        }
        self.unsigned(context.at).map_or(Ok(()), Err)
    }
}

/// The body that a built-in dialect made in this render context: the same context gives the same bytes, so what was
/// sent can be shown later. `None` if this version does not know the dialect.
pub fn body_of(dialect: &str, context: &RenderContext<'_>, endpoint: EndpointId) -> Option<Bytes> {
    // No built-in dialect names endpoints in its body: a name changes, and what was sent does not.
    let endpoint = EndpointInfo { id: endpoint, name: None };
    Some(built_in(dialect)?.body.render(context, &endpoint).ok()?.body.into())
}

impl Signer {
    fn is_valid(&self, at: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| expiry > at)
    }
}

fn render(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Render, message)
}

fn unsendable(name: &str, reason: NotAHeader) -> Failure {
    render(format!("the header {name:?} cannot be sent: {reason}"))
}

fn body_source(dialect: &Dialect, settings: &Settings) -> Result<BodySource, Failure> {
    let provider = settings.provider(dialect.providers.detect);
    let Some(template) = &settings.template else {
        let is_card = dialect.providers.cards && providers::takes_cards(provider);
        return Ok(if is_card { BodySource::Card(provider) } else { BodySource::Dialect });
    };
    // The template was checked when it was saved; this version may be stricter.
    let template = Template::parse(template).map_err(|wrong| render(format!("the template: {}", wrong.join("; "))))?;
    Ok(BodySource::Template(template))
}

/// The first headers of every request, unless the dialect sets them itself.
fn leading_headers(dialect: &Dialect) -> Vec<Header> {
    let own = |name: &str| dialect.headers.iter().any(|header| *header.name == *name);
    [CONTENT_TYPE, USER_AGENT]
        .into_iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| Header { name: name.into(), value: value.into(), secret: false })
        .collect()
}

fn signature_headers(dialect: &Dialect, secrets: &Secrets) -> Result<Vec<SignatureHeader>, Failure> {
    let mut headers: Vec<SignatureHeader> = Vec::new();
    for (index, scheme) in dialect.schemes.iter().enumerate() {
        let signers = signers(dialect, index, scheme, secrets)?;
        match headers.iter_mut().find(|header| header.name == scheme.header) {
            Some(header) => header.signers.extend(signers),
            None => headers.push(SignatureHeader { name: Arc::clone(&scheme.header), signers }),
        }
    }
    Ok(headers)
}

fn signers(dialect: &Dialect, index: usize, scheme: &Scheme, secrets: &Secrets) -> Result<Vec<Signer>, Failure> {
    let current = secrets.current.iter().map(|secret| (secret, None));
    let previous = secrets.previous.iter().map(|previous| (&previous.secret, Some(previous.expires_at)));
    let ours = |(secret, _): &(&Secret, _)| scheme.algorithm.is_asymmetric() == is_asymmetric(dialect, secret);
    let signer = |(secret, expires_at)| match Key::new(scheme, secret) {
        Ok(key) => Ok(Signer { scheme: index, key, expires_at }),
        Err(reason) => Err(render(reason.to_string())),
    };
    current.chain(previous).filter(ours).map(signer).collect()
}

/// True if a secret is an Ed25519 key. In a dialect without Ed25519 it is text, whatever it looks like.
fn is_asymmetric(dialect: &Dialect, secret: &Secret) -> bool {
    dialect.signs_with(Signing::Ed25519) && secret.seed().is_some()
}

/// The endpoint's credentials, then its other headers. Names that are the dialect's or were set by an earlier one are
/// left out.
fn endpoint_headers(dialect: &Dialect, auth: &Auth, custom: &[(String, String)]) -> Result<Vec<Header>, Failure> {
    let custom = custom.iter().map(|(name, value)| (name.as_str(), value.clone(), mask::looks_secret(name)));
    let mut headers: Vec<Header> = Vec::new();
    for (name, value, secret) in credentials(auth).into_iter().chain(custom) {
        let lower = header::name(name).map_err(|reason| unsendable(name, reason))?;
        if dialect.reserved(&lower) || headers.iter().any(|header| header.name == lower) {
            continue;
        }
        header::check_value(&value).map_err(|reason| unsendable(name, reason))?;
        headers.push(Header { name: lower, value: value.into(), secret });
    }
    Ok(headers)
}

fn credentials(auth: &Auth) -> Option<(&str, String, bool)> {
    match auth {
        Auth::None => None,
        Auth::Bearer { token } => Some(("authorization", format!("Bearer {token}"), true)),
        Auth::Basic { username, password } => {
            let pair = BASE64.encode(format!("{username}:{password}").as_bytes());
            Some(("authorization", format!("Basic {pair}"), true))
        }
        Auth::ApiKey { header, value } => Some((header, value.clone(), true)),
    }
}
