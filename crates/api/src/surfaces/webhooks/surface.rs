//! The surface, by its name and its nouns.

use crate::surfaces::Surface;

pub(crate) struct Webhooks;

impl Surface for Webhooks {
    const NAME: &'static str = "webhooks";
    const NOUN: &'static str = "webhook";
    const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("/tenant", "/brand_id"),
        ("/secret", "/signing_secret"),
        ("/auth/type", "/auth_type"),
        ("/auth/token", "/auth_token"),
        ("/auth/username", "/auth_username"),
        ("/auth/password", "/auth_password"),
        ("/auth/header", "/api_key_header"),
        ("/auth/value", "/api_key_value"),
    ];
}
