//! Masking: the one door that credentials do not pass on their way to a reader, a log or a mail.
//!
//! An endpoint's `auth` is masked where it is recorded, whatever the header is called. All else goes by its name, in
//! the one list below. Headers of an endpoint's own that are not in the list are shown to those who may set them.

use crate::attempt::{Failure, FailureKind};
use crate::endpoint::Settings;
use crate::provider::Provider;
use crate::url::EndpointUrl;

/// Shown in place of a credential. No value that can be sent as one: those are ASCII.
pub const MASK: &str = "••••••";

/// Parts of names that stand for credentials wherever they occur: `x-authorization`, `Set-Cookie`, `X-ApiKey`.
const SECRET_PARTS: [&str; 14] = [
    "authori",
    "authentic",
    "token",
    "secret",
    "key",
    "passw",
    "passphrase",
    "passcode",
    "credential",
    "cookie",
    "session",
    "bearer",
    "jwt",
    "assertion",
];

/// Words that stand for credentials only where they are a word of their own: `X-Auth`, and not `X-Author`.
const SECRET_WORDS: [&str; 9] = ["auth", "pass", "pwd", "sid", "otp", "pin", "cred", "creds", "login"];

/// True if the value of a header, or of a URL's query parameter, of this name is probably a credential: the one list
/// for what is sent and for what is answered.
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name.contains("idempotency") {
        // A key to nothing: it names the request.
        return false;
    }
    let is_word = |word: &str| name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| part == word);
    SECRET_PARTS.iter().any(|part| name.contains(part)) || SECRET_WORDS.iter().any(|word| is_word(word))
}

/// A header's value as it may be shown.
pub fn header<'v>(name: &str, value: &'v str) -> &'v str {
    if looks_secret(name) { MASK } else { value }
}

/// An endpoint's URL for readers who may not have its credentials: values of its query are masked, as tokens often
/// stand there. The path of a chat or automation service is one too: its URL is all that is needed to post there.
pub fn url(settings: &Settings) -> String {
    let url = &settings.url;
    // By the URL as well: the service takes a message whatever its owner says that it is.
    match (Provider::of(url), settings.provider(true)) {
        (Provider::Webhook, Provider::Webhook) => without_query_values(url),
        _ => format!("{}{MASK}", url.origin_and_slash()),
    }
}

fn without_query_values(url: &EndpointUrl) -> String {
    let Some((path, query)) = url.as_str().split_once('?') else { return url.as_str().to_owned() };
    let mut masked = format!("{path}?");
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            masked.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) => {
                masked += name;
                masked.push('=');
                masked += MASK;
            }
            // Without a name it may be a token itself.
            None if !pair.is_empty() => masked += MASK,
            None => {}
        }
    }
    masked
}

/// A failure as readers outside may see it: an address that was refused tells of the network that we stand in.
pub fn failure(failure: &Failure) -> Failure {
    match failure.kind {
        FailureKind::Blocked => Failure::new(FailureKind::Blocked, BLOCKED),
        _ => failure.clone(),
    }
}

const BLOCKED: &str = "the URL's host is, or resolves to, an address that webhooks are not sent to";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Policy;

    #[test]
    fn credentials_are_known_by_their_names() {
        for name in [
            "Authorization",
            "Cookie",
            "X-Auth-Token",
            "client_secret",
            "X-Api-Key",
            "db-password",
            "X-Authorization",
            "X-Auth",
            "Api-Auth",
            "X-Api-Token",
            "X-Access-Token",
            "X-Passwd",
            "X-Pass",
            "X-Pwd",
            "X-Credential",
            "X-Session-Id",
            "X-Bearer",
            "X-Jwt",
            "X-Hub-Secret",
            "Set-Cookie",
            "X-ApiKey",
            "auth_user",
            "X-Login",
            "X-Authentication",
            "X-Csrf-Token",
            "X-Amz-Security-Token",
            "X-Passphrase",
            "PHPSESSID-Session",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in [
            "webhook-id",
            "x-environment",
            "webhook-signature",
            "X-Author",
            "X-Passenger",
            "X-Spinner",
            "content-type",
            "date",
            "x-request-id",
            "Idempotency-Key",
            "retry-after",
            "etag",
            "X-Compass",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn urls_keep_what_says_where_they_go_and_nothing_else() {
        for (typed, shown) in [
            ("https://example.com/hook", "https://example.com/hook"),
            ("https://example.com/hook?token=abc&v=2", "https://example.com/hook?token=••••••&v=••••••"),
            ("https://example.com:8443/?abcdef", "https://example.com:8443/?••••••"),
            ("https://example.com/?a=b=c&&d=", "https://example.com/?a=••••••&&d=••••••"),
            ("https://example.com/hook?", "https://example.com/hook?"),
            ("https://hooks.slack.com/services/T0/B0/abc", "https://hooks.slack.com/••••••"),
            ("https://discord.com/api/webhooks/1/abc?wait=true", "https://discord.com/••••••"),
        ] {
            let settings = Settings::of(EndpointUrl::parse(typed, &Policy::default()).unwrap());
            assert_eq!(url(&settings), shown, "{typed}");
        }
    }
}
