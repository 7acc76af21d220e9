//! A dialect: all rules for a product's webhooks, checked and ready to use.

use std::sync::Arc;
use std::time::Duration;

use model::attempt::Failure;
use model::health::DisableRule;
use model::retry::Policy;
use model::secret::{Form, Signing};

use crate::body::BodyTemplate;
use crate::catalogue::Catalogue;
use crate::header;
use crate::header_template::DialectHeader;
use crate::rules::{EventsRule, RotateRule, SecretRule};
use crate::sign::{KeyForm, Scheme};
use crate::template::{EndpointInfo, RenderContext, Rendered};
use crate::variable::Variable;

#[derive(Clone, Debug)]
pub struct Dialect {
    pub name: String,
    /// Its name, if it comes with Posthaste.
    pub built_in: Option<Arc<str>>,
    /// The name shown to people.
    pub title: String,
    /// `#rrggbb`.
    pub accent_color: Option<String>,
    /// The retry policy. A status that disables an endpoint is never retried.
    pub retry: Policy,
    pub disable: DisableRule,
    /// True if disabling an endpoint is announced to its project.
    pub notify: bool,
    pub endpoints: Endpoints,
    pub limits: Limits,
    /// REST surfaces served at the root.
    pub surfaces: Vec<String>,
    pub providers: Providers,
    pub catalogue: Catalogue,
    /// Sent with every delivery, in this order.
    pub(crate) headers: Vec<DialectHeader>,
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) body: BodyTemplate,
}

/// Rules for endpoints.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The product's word for an endpoint.
    pub word: String,
    pub editable: bool,
    pub pausable: bool,
    pub secret: SecretRule,
    pub rotate: RotateRule,
    pub https_only: bool,
    pub events: EventsRule,
    /// The product's word for a tenant; `None` if it has none.
    pub tenant: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a whole request: connect, TLS, headers and body.
    pub timeout: Duration,
    /// Maximum bytes of a response's body; reading stops there.
    pub response_bytes: usize,
    /// Maximum bytes of an event's data.
    pub payload_bytes: usize,
}

/// Chat and automation services that endpoints may belong to.
#[derive(Clone, Copy, Debug)]
pub struct Providers {
    /// Services are recognised from the URL.
    pub detect: bool,
    /// Services get messages in their own form.
    pub cards: bool,
}

impl Dialect {
    /// Renders the body in the dialect's own form. Paths into values that lead nowhere are listed in `missing`; an
    /// event without a brand, say, is not.
    pub fn body(&self, context: &RenderContext<'_>, endpoint: &EndpointInfo) -> Result<Rendered, Failure> {
        self.body.render(context, endpoint)
    }

    /// The form that secrets have in this dialect.
    pub fn secret_form(&self) -> Form {
        let mut symmetric = self.schemes.iter().filter(|scheme| !scheme.algorithm.is_asymmetric()).peekable();
        let only_asymmetric = symmetric.peek().is_none() && !self.schemes.is_empty();
        let any = symmetric.peek().is_some();
        if only_asymmetric || any && symmetric.all(|scheme| scheme.key == KeyForm::Whsec) {
            Form::Standard
        } else {
            Form::Text
        }
    }

    /// True if one of the dialect's signatures is made in this way.
    pub fn signs_with(&self, signing: Signing) -> bool {
        self.schemes.iter().any(|scheme| scheme.algorithm.is_asymmetric() == (signing == Signing::Ed25519))
    }

    /// True if the members of an event's data stand at the top level of the body: its data has to be an object.
    pub fn spreads_data(&self) -> bool {
        self.body.spreads_data()
    }

    /// True if bodies show the event's summary.
    pub fn tells_summary(&self) -> bool {
        self.body.shows(Variable::Summary)
    }

    /// True if a header of this name, in any case, is the dialect's or the connection's: an endpoint may not set it.
    pub fn reserved(&self, name: &str) -> bool {
        let dialects =
            self.headers.iter().map(|header| &header.name).chain(self.schemes.iter().map(|scheme| &scheme.header));
        header::is_reserved(name) || dialects.into_iter().any(|own| header::are_twins(own, name))
    }
}
