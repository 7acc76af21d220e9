//! What the rules refuse and what they make of the rest, without HTTP and without a store.

mod endpoints;
mod event_types;
mod events;
mod keys;
mod projects;

use std::sync::Arc;

use dialect::Dialect;
use model::id::ProjectId;
use model::project::{Project, Slug, Tenants};
use model::rejection::{Rejection, RejectionCode};
use model::retention::Chosen;
use serde::Deserialize;
use testkit::clock::START;

/// What a caller wrote, read into fields.
fn written<'a, T: Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn built_in(name: &str) -> Arc<Dialect> {
    dialect::built_in(name).expect("it comes with us")
}

fn project(tenants: Tenants) -> Project {
    Project {
        id: ProjectId::from_bytes([7; 16]),
        slug: Slug::DEFAULT.parse().expect("a slug"),
        name: "Acme".to_owned(),
        dialect: "standard".to_owned(),
        admins: Vec::new(),
        retention: Chosen::default(),
        tenants,
        created_at: START,
    }
}

/// It was refused for this, at these fields and no others.
#[track_caller]
fn assert_refused<T>(judged: Result<T, Rejection>, code: RejectionCode, pointers: &[&str], of: &str) {
    let Err(rejection) = judged else { panic!("was taken: {of}") };
    let found: Vec<&str> = rejection.field_errors.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!((rejection.code, found.as_slice()), (code, pointers), "{of}: {rejection:?}");
}
