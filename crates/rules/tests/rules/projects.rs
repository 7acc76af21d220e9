//! Projects.

use model::project::{Project, Tenants};
use model::rejection::{Rejection, RejectionCode};
use model::speech::Speech;
use rules::projects::{NewProject, ProjectChange};
use testkit::clock::{START, TestEnv};

use super::{assert_refused, project, written};

fn made(text: &str) -> Result<Project, Rejection> {
    written::<NewProject>(text).judge(&TestEnv::new())
}

fn changed(text: &str) -> Result<Project, Rejection> {
    written::<ProjectChange>(text).judge(&project(Tenants::Optional), &Speech::default())
}

#[test]
fn every_fault_of_a_project_is_named() {
    let cases: [(&str, &[&str]); 8] = [
        ("{}", &["/name"]),
        (r#"{"name": "!"}"#, &["/slug"]),
        (r#"{"name": "Acme", "slug": "Acme!"}"#, &["/slug"]),
        (r#"{"name": "Acme", "dialect": "pidgin"}"#, &["/dialect"]),
        (r#"{"name": "Acme", "admins": ["on@call.example", "Ann <ann@example.com>"]}"#, &["/admins/1"]),
        (r#"{"name": "Acme", "retention": {"contents": "1h"}}"#, &["/retention/contents"]),
        (r#"{"name": "Acme", "retention": {"attempt_bodies": "soon"}}"#, &["/retention/attempt_bodies"]),
        (r#"{"name": "Acme", "tenants": "none"}"#, &["/tenants"]),
    ];
    for (text, pointers) in cases {
        assert_refused(made(text), RejectionCode::InvalidRequest, pointers, text);
    }
}

#[test]
fn a_project_has_a_slug_of_its_name_and_speaks_standard() {
    let project = made(r#"{"name": "Acme Inc."}"#).unwrap();
    assert_eq!((project.slug.as_str(), project.dialect.as_str()), ("acme-inc", "standard"));
    assert_eq!((project.tenants, project.created_at), (Tenants::Optional, START));
}

#[test]
fn what_a_change_leaves_out_stays() {
    let project = changed(r#"{"name": "Acme Inc."}"#).unwrap();
    assert_eq!((project.name.as_str(), project.slug.as_str()), ("Acme Inc.", "default"));
}

#[test]
fn the_default_project_keeps_its_slug() {
    let text = r#"{"slug": "other"}"#;
    assert_refused(changed(text), RejectionCode::Conflict, &[], text);
}
