//! How we show a receiver who we are: as a caller writes it.

use dialect::Dialect;
use model::endpoint::Auth;
use model::invalid::Faults;
use serde::Deserialize;
use utoipa::ToSchema;

use super::headers;

const LONGEST: usize = 4096;

/// Authentication towards the receiver. Secrets in it are written and never shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Auth, example = json!({ "type": "bearer", "token": "s3cr3t" }))]
pub struct AuthFields {
    /// `none`, `bearer` (with `token`), `basic` (with `username` and `password`) or `api_key` (with `header` and
    /// `value`).
    #[serde(rename = "type")]
    #[schema(required = true, nullable = false, value_type = String)]
    pub kind: Option<String>,
    pub token: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub header: Option<String>,
    pub value: Option<String>,
}

impl AuthFields {
    pub(super) fn judge(self, dialect: &Dialect, faults: &mut Faults) -> Option<Auth> {
        let Self { kind, token, username, password, header, value } = self;
        let kind = kind.unwrap_or_default();
        let own: &[&str] = match kind.as_str() {
            "none" => &[],
            "bearer" => &["token"],
            "basic" => &["username", "password"],
            "api_key" => &["header", "value"],
            _ => {
                faults.add("/auth/type", "required: none, bearer, basic or api_key");
                return None;
            }
        };
        let mut take = |name: &'static str, value: Option<String>, judge: fn(&str) -> Result<(), &'static str>| {
            let pointer = format!("/auth/{name}");
            match (value, own.contains(&name)) {
                (None, false) => None,
                (None, true) => faults.check(&pointer, Err(format!("required with the type {kind}"))),
                (Some(_), false) => faults.check(&pointer, Err(format!("the type {kind} has no such field"))),
                (Some(value), true) => faults.check(&pointer, judge(&value).map(|()| value)),
            }
        };
        let token = take("token", token, credential);
        let username = take("username", username, username_text);
        let password = take("password", password, text);
        let header = take("header", header, |_| Ok(()));
        let value = take("value", value, credential);
        match kind.as_str() {
            "bearer" => Some(Auth::Bearer { token: token? }),
            "basic" => Some(Auth::Basic { username: username?, password: password? }),
            "api_key" => {
                let header = faults.check("/auth/header", headers::judge_name(&header?, dialect))?;
                Some(Auth::ApiKey { header, value: value? })
            }
            _ => Some(Auth::None),
        }
    }
}

/// What goes into a header as it is.
fn credential(value: &str) -> Result<(), &'static str> {
    if value.is_empty() || value.len() > LONGEST || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("1 to 4,096 visible ASCII characters, no spaces");
    }
    Ok(())
}

/// What goes into a header in base64.
fn text(value: &str) -> Result<(), &'static str> {
    if value.len() > LONGEST || value.chars().any(char::is_control) {
        return Err("at most 4,096 bytes, no control characters");
    }
    Ok(())
}

/// RFC 7617: the first colon ends the user name.
fn username_text(value: &str) -> Result<(), &'static str> {
    if value.contains(':') { Err("a user name has no colon in it") } else { text(value) }
}
