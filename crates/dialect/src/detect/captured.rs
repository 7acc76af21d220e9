//! A captured request, and the findings about it.

use std::fmt;

/// One captured request, with the secret that its receiver holds.
pub struct Sample {
    pub(super) method: String,
    /// Names are unique.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) secret: Option<String>,
}

impl Sample {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The secret and the body are not printed by accident.
impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A statement about one part of the request: `X-Acme-Event: …`, `body: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub certainty: Certainty,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Computed or compared: certain.
    Found,
    /// Likely, by names and values.
    Guessed,
    /// Receivers may notice, or a person has to decide.
    Warning,
}

impl Finding {
    pub(super) fn found(text: impl Into<String>) -> Self {
        Self { certainty: Certainty::Found, text: text.into() }
    }

    pub(super) fn guessed(text: impl Into<String>) -> Self {
        Self { certainty: Certainty::Guessed, text: text.into() }
    }

    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self { certainty: Certainty::Warning, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certainty = match self.certainty {
            Certainty::Found => "found",
            Certainty::Guessed => "guessed",
            Certainty::Warning => "warning",
        };
        write!(f, "{certainty}: {}", self.text)
    }
}
