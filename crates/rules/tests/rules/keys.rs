//! Keys.

use model::key::Scope;
use model::rejection::RejectionCode;
use rules::keys::NewKey;

use super::{assert_refused, written};

#[test]
fn a_key_has_a_name_and_scopes() {
    let cases: [(&str, &[&str]); 4] = [
        ("{}", &["/name", "/scopes"]),
        (r#"{"name": " ", "scopes": ["read"]}"#, &["/name"]),
        (r#"{"name": "billing", "scopes": []}"#, &["/scopes"]),
        (r#"{"name": "billing", "scopes": ["read", "everything"]}"#, &["/scopes/1"]),
    ];
    for (text, pointers) in cases {
        assert_refused(written::<NewKey>(text).judge(), RejectionCode::InvalidRequest, pointers, text);
    }
    let twice = r#"{"name": "billing", "scopes": ["read", "read"]}"#;
    assert_eq!(written::<NewKey>(twice).judge().unwrap(), ("billing".to_owned(), vec![Scope::Read]));
}
