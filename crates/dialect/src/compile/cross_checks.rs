//! Checks across keys: values that are valid alone but contradict each other.

use crate::diagnostic::{Diagnostics, KeyLocation};
use crate::dialect::Dialect;
use crate::rules::SecretRule;
use crate::sign::{KeyForm, Scheme, When};

pub(super) fn all(dialect: &Dialect, whole: &KeyLocation<'_>, m: &mut Diagnostics) {
    secrets(dialect, whole, m);
    keys(dialect, &whole.member("signatures"), m);
    headers(dialect, &whole.member("signatures"), m);
    retries(dialect, &whole.member("retry").member("retry_after").member("on"), m);
    disabling(dialect, &whole.member("disable").member("failing_for"), m);
    surfaces(dialect, whole, m);
}

fn secrets(dialect: &Dialect, whole: &KeyLocation<'_>, m: &mut Diagnostics) {
    let location = whole.member("endpoints").member("secret");
    let secret = dialect.endpoints.secret;
    if dialect.schemes.iter().any(|scheme| scheme.when == When::Always) && secret != SecretRule::Always {
        let message = "a signature with when = \"always\" needs endpoints with secret = \"always\"; or set its when to \"secret\"";
        m.add(&location, message);
    } else if !dialect.schemes.is_empty() && secret == SecretRule::Never {
        m.add(
            &location,
            "endpoints without secrets are never signed to: write signatures = [], or secret = \"optional\"",
        );
    }
}

fn keys(dialect: &Dialect, signatures: &KeyLocation<'_>, m: &mut Diagnostics) {
    let symmetric = |scheme: &Scheme, form| !scheme.algorithm.is_asymmetric() && scheme.key == form;
    let any_whsec = dialect.schemes.iter().any(|scheme| symmetric(scheme, KeyForm::Whsec));
    for (index, scheme) in dialect.schemes.iter().enumerate() {
        let location = signatures.item(index).member("key");
        if scheme.algorithm.is_asymmetric() && location.is_written() && scheme.key != KeyForm::Whsec {
            m.add(&location, "an Ed25519 key is always the seed behind whsk_: leave key out");
        }
        if symmetric(scheme, KeyForm::Base64) && any_whsec {
            m.add(&location, "another signature wants whsec secrets, and no secret is both that and plain base64");
        }
    }
}

fn headers(dialect: &Dialect, signatures: &KeyLocation<'_>, m: &mut Diagnostics) {
    for (index, scheme) in dialect.schemes.iter().enumerate().filter(|(_, scheme)| !scheme.header.is_empty()) {
        let location = signatures.item(index);
        if dialect.headers.iter().any(|header| header.name == scheme.header) {
            m.add(&location.member("header"), format!("{} stands in [headers] as well", scheme.header));
        }
        let mut beside = dialect.schemes.iter().filter(|other| other.header == scheme.header);
        if beside.any(|other| other.join != scheme.join) {
            m.add(&location.member("join"), format!("all signatures in {} are joined in the same way", scheme.header));
        }
    }
}

fn retries(dialect: &Dialect, location: &KeyLocation<'_>, m: &mut Diagnostics) {
    // Values from standard.toml are not the author's error.
    if !location.is_written() {
        return;
    }
    for (index, status) in dialect.retry.retry_after.on.iter().enumerate() {
        if !dialect.retry.on.covers_status(*status) {
            m.add(
                &location.item(index),
                format!("{status} is not retried (retry.on), so its Retry-After means nothing"),
            );
        }
    }
}

fn disabling(dialect: &Dialect, location: &KeyLocation<'_>, m: &mut Diagnostics) {
    let rule = &dialect.disable;
    if location.is_written() && !rule.failing_for.is_zero() && rule.consecutive_failures == 0 {
        m.add(
            location,
            "with consecutive_failures = 0 nothing is disabled for failing: write how many failures it takes as well",
        );
    }
}

fn surfaces(dialect: &Dialect, whole: &KeyLocation<'_>, m: &mut Diagnostics) {
    let location = whole.member("routes").member("surfaces");
    for (index, name) in dialect.surfaces.iter().enumerate() {
        if name == "webhooks" && dialect.endpoints.tenant.is_none() {
            m.add(
                &location.item(index),
                "/webhooks takes the brand of each webhook: write [endpoints] tenant = \"brand\"",
            );
        }
    }
}
