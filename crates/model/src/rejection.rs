//! A rejection: why an input is not taken, whichever way it came in.

use std::fmt::Display;

use crate::invalid::{Fault, Faults};

/// What kind of rejection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCode {
    InvalidRequest,
    PayloadTooLarge,
    UrlNotAllowed,
    SchemaViolation,
    UnknownEventType,
    TemplateInvalid,
    FilterInvalid,
    NotEditable,
    NotPausable,
    Conflict,
}

/// An API makes a problem of it, a page a form with its errors, a plan a line with what cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub code: RejectionCode,
    /// All that is wrong, at its fields. Empty where no field is at fault.
    pub field_errors: Vec<Fault>,
    /// Why, where no field is at fault.
    pub detail: Option<String>,
}

impl Rejection {
    /// The input is right in itself, and cannot be taken all the same.
    pub fn new(code: RejectionCode, detail: impl Into<String>) -> Self {
        Self { code, field_errors: Vec::new(), detail: Some(detail.into()) }
    }

    /// What is wrong at `pointer` alone.
    pub fn at(code: RejectionCode, pointer: impl Into<String>, message: impl Display) -> Self {
        Self::of(code, vec![Fault::new(pointer, message.to_string())])
    }

    /// All that is wrong, at least one thing.
    pub fn of(code: RejectionCode, field_errors: Vec<Fault>) -> Self {
        Self { code, field_errors, detail: None }
    }
}

/// Ends the judging of an input: nothing wrong, or all that is.
pub fn judged(faults: Faults) -> Result<(), Rejection> {
    faults.into_result().map_err(|faults| Rejection::of(RejectionCode::InvalidRequest, faults))
}
