//! The outbox: mail to projects' admins, put there by the commit that it reports, removed when it is sent.

use std::sync::Arc;

use model::attempt::Attempt;
use model::endpoint::Endpoint;
use model::health::Health;
use model::id::{DeliveryId, EndpointId, MailId, ProjectId};
use model::mask;
use model::project::{Project, Slug};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::directory::Directory;

/// A mail to one admin.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The same at every try, so that a mail that arrives twice is recognised.
    pub id: MailId,
    pub project: ProjectId,
    pub recipient: String,
    pub report: Report,
    /// Failed tries.
    pub failures: u32,
    /// Time of what it reports.
    pub created_at: Timestamp,
}

/// A change of an endpoint, in the words of that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub project: String,
    pub slug: Slug,
    pub endpoint: EndpointId,
    pub name: Option<String>,
    /// Without its secrets.
    pub url: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Nothing more is sent to the endpoint until somebody resumes it.
    Disabled { reason: String, failing: Failing },
    /// A delivery's schedule ran out; others are still tried.
    GivesUp { event_type: String, delivery: DeliveryId, failing: Failing },
    /// The endpoint delivers again, after one of the others was reported.
    Recovered,
}

/// The failures of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Failed attempts in a row.
    pub failure_count: u32,
    pub since: Option<Timestamp>,
    /// Of the last attempt.
    pub status_code: Option<u16>,
    pub error: Option<String>,
}

/// Maximum mails of one project that wait. Beyond that its mail is not being taken, and more of it helps nobody.
const MOST_WAITING: usize = 1_000;

/// The project whose admins are mailed about an endpoint, if this server mails and the project has any.
pub(crate) fn recipients<'a>(
    directory: &'a Directory,
    endpoint: &Endpoint,
    is_mailing: bool,
) -> Option<&'a Arc<Project>> {
    directory.project(endpoint.project).filter(|project| is_mailing && !project.admins.is_empty())
}

/// True if the project's admins can be mailed about an endpoint while `waiting` mails to them wait.
pub(crate) fn fits(project: &Project, endpoint: &Endpoint, waiting: usize) -> bool {
    let fits = waiting + project.admins.len() <= MOST_WAITING;
    if !fits {
        tracing::warn!(
            project = %project.slug,
            endpoint = %endpoint.id,
            waiting,
            "mail about an endpoint dropped; too much mail to its admins waits"
        );
    }
    fits
}

impl Report {
    pub(crate) fn of(project: &Project, endpoint: &Endpoint, what: What) -> Self {
        Self {
            project: project.name.clone(),
            slug: project.slug.clone(),
            endpoint: endpoint.id,
            name: endpoint.settings.name.clone(),
            url: mask::url(&endpoint.settings),
            what,
        }
    }

    pub(crate) fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Corrupt(error.to_string()))
    }
}

impl Failing {
    pub(crate) fn of(health: Health, attempt: &Attempt) -> Self {
        Self {
            failure_count: health.failure_count,
            since: health.failing_since,
            status_code: attempt.outcome.status(),
            error: attempt.outcome.failure().map(|failure| failure.message),
        }
    }
}

/// The next mail in the outbox.
#[derive(Clone, Debug)]
pub enum Next {
    Due(Box<Mail>),
    /// Nothing is due before this time.
    At(Timestamp),
    Nothing,
}
