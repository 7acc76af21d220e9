//! Endpoints: created, changed, their secrets rotated.

use std::time::Duration;

use model::endpoint::{Auth, Endpoint};
use model::id::ProjectId;
use model::mask::MASK;
use model::network::Policy;
use model::project::Tenants;
use model::rejection::{Rejection, RejectionCode};
use model::secret::Signing;
use rules::endpoints::changes::Rules;
use rules::endpoints::fields::Fields;
use rules::endpoints::rotation::Rotation;
use testkit::clock::TestEnv;

use super::{assert_refused, built_in, written};

const URL: &str = "https://example.com/webhooks";

fn created(dialect: &str, tenants: Tenants, text: &str) -> Result<Endpoint, Rejection> {
    let (dialect, policy) = (built_in(dialect), Policy::default());
    let rules = Rules { dialect: &dialect, policy: &policy, tenants };
    written::<Fields>(text).create(ProjectId::from_bytes([7; 16]), &rules, &TestEnv::new())
}

fn changed(dialect: &str, before: &Endpoint, text: &str) -> Result<Endpoint, Rejection> {
    let (dialect, policy) = (built_in(dialect), Policy::default());
    let rules = Rules { dialect: &dialect, policy: &policy, tenants: Tenants::Optional };
    written::<Fields>(text).change(&rules)?.made_to(before)
}

/// With a URL that is right and `others`.
fn with(others: &str) -> String {
    format!(r#"{{"url": "{URL}", {others}}}"#)
}

#[test]
fn every_field_is_judged() {
    use RejectionCode::{FilterInvalid, InvalidRequest, TemplateInvalid, UrlNotAllowed};
    let cases: [(&str, RejectionCode, &[&str]); 19] = [
        (r#""name": "", "ordering": "lifo""#, InvalidRequest, &["/name", "/ordering"]),
        (r#""url": "http://example.com/""#, UrlNotAllowed, &["/url"]),
        (r#""url": "https://127.0.0.1/""#, UrlNotAllowed, &["/url"]),
        (r#""events": []"#, InvalidRequest, &["/events"]),
        (r#""events": ["a.b", "no type"]"#, InvalidRequest, &["/events/1"]),
        (r#""tenant": """#, InvalidRequest, &["/tenant"]),
        (r#""auth": {"type": "bearer"}"#, InvalidRequest, &["/auth/token"]),
        (r#""auth": {"type": "none", "token": "t"}"#, InvalidRequest, &["/auth/token"]),
        (r#""auth": {"type": "basic", "username": "a:b", "password": ""}"#, InvalidRequest, &["/auth/username"]),
        (r#""headers": {"Host": "x"}"#, InvalidRequest, &["/headers/Host"]),
        (r#""headers": {"X-A": "b", "x_a": "c"}"#, InvalidRequest, &["/headers/x_a"]),
        (r#""provider": "pigeon""#, InvalidRequest, &["/provider"]),
        (r#""template": {"a": "{{nothing.there}}"}"#, TemplateInvalid, &["/template"]),
        (r#""filter": "event.data.amount >""#, FilterInvalid, &["/filter"]),
        (r#""rate_limit": {"requests": 0, "per": "1s"}"#, InvalidRequest, &["/rate_limit"]),
        (r#""retry": {"schedule": ["1s", "soon"]}"#, InvalidRequest, &["/retry/schedule/1"]),
        (r#""timeout_ms": 120001"#, InvalidRequest, &["/timeout_ms"]),
        (r#""metadata": []"#, InvalidRequest, &["/metadata"]),
        (r#""signing": "rot13", "secret": "short""#, InvalidRequest, &["/signing", "/secret"]),
    ];
    for (others, code, pointers) in cases {
        let text = if others.starts_with("\"url\"") { format!("{{{others}}}") } else { with(others) };
        assert_refused(created("standard", Tenants::Optional, &text), code, pointers, &text);
    }
}

#[test]
fn what_is_required_is_missed() {
    assert_refused(
        created("standard", Tenants::Required, "{}"),
        RejectionCode::InvalidRequest,
        &["/url", "/tenant"],
        "{}",
    );
    let text = with(r#""events": null"#);
    assert_refused(created("trackdesk", Tenants::Optional, &text), RejectionCode::InvalidRequest, &["/events"], &text);
}

#[test]
fn an_endpoint_has_a_secret_of_its_dialects_form() {
    let endpoint = created("standard", Tenants::Optional, &with(r#""name": "billing""#)).unwrap();
    assert_eq!(endpoint.settings.url.as_str(), URL);
    assert!(endpoint.settings.secrets.revealed().unwrap().starts_with("whsec_"));
    assert_eq!(endpoint.settings.signing, Signing::HmacSha256);
}

#[test]
fn a_credential_is_for_the_receiver_it_was_given_for() {
    let auth = r#""auth": {"type": "bearer", "token": "t"}, "headers": {"X-Api-Key": "k", "X-Colour": "red"}"#;
    let before = created("standard", Tenants::Optional, &with(auth)).unwrap();
    let elsewhere = r#"{"url": "https://elsewhere.example/"}"#;
    let pointers = ["/auth", "/headers/X-Api-Key"];
    assert_refused(changed("standard", &before, elsewhere), RejectionCode::InvalidRequest, &pointers, elsewhere);

    let again = r#"{"url": "https://elsewhere.example/", "auth": null, "headers": {"X-Api-Key": "other"}}"#;
    assert_eq!(changed("standard", &before, again).unwrap().settings.auth, Auth::None);
    assert!(changed("standard", &before, r#"{"url": "https://example.com/other"}"#).is_ok());
}

#[test]
fn a_mask_that_comes_back_stands_for_what_was_there() {
    let before = created("standard", Tenants::Optional, &with(r#""headers": {"X-Api-Key": "k"}"#)).unwrap();
    let shown = format!(r#"{{"headers": {{"X-Api-Key": "{MASK}"}}}}"#);
    assert_eq!(changed("standard", &before, &shown).unwrap().settings.headers, before.settings.headers);
    let unknown = format!(r#"{{"headers": {{"X-Other": "{MASK}"}}}}"#);
    let refused = changed("standard", &before, &unknown);
    assert_refused(refused, RejectionCode::InvalidRequest, &["/headers/X-Other"], &unknown);
}

#[test]
fn a_dialect_may_keep_endpoints_as_they_are() {
    let before = created("standard", Tenants::Optional, &with(r#""name": "billing""#)).unwrap();
    for (text, code) in
        [(r#"{"name": "other"}"#, RejectionCode::NotEditable), (r#"{"active": false}"#, RejectionCode::NotPausable)]
    {
        assert_refused(changed("trackdesk", &before, text), code, &[], text);
    }
}

#[test]
fn a_rotation_is_by_its_dialects_rule() {
    let rotated =
        |dialect, text| written::<Rotation>(text).judge(&built_in(dialect), Signing::HmacSha256, &TestEnv::new());
    assert_eq!(rotated("standard", "{}").unwrap().1, Duration::from_secs(86_400));
    assert_eq!(rotated("standard", r#"{"overlap": "1h"}"#).unwrap().1, Duration::from_secs(3600));
    assert_eq!(rotated("tracktile", "{}").unwrap().1, Duration::ZERO);
    let (late, wrong) = (r#"{"overlap": "1h"}"#, r#"{"overlap": "soon", "secret": "short"}"#);
    assert_refused(rotated("tracktile", late), RejectionCode::InvalidRequest, &["/overlap"], late);
    assert_refused(rotated("standard", wrong), RejectionCode::InvalidRequest, &["/overlap", "/secret"], wrong);
}
