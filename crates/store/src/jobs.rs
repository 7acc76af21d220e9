//! Jobs: recovering an endpoint, replaying an event. Durable: a step is one commit that moves the work and the cursor
//! together, so a job continues after a crash where it was.

use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{EndpointId, ProjectId};

use crate::directory::Directory;
use crate::filtering::{FilterResults, Recipient, Review};
use crate::slice;

/// Maximum items of one step.
pub const STEP: usize = slice::ROWS;

/// Result of a step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    More,
    /// The job is done, cancelled or gone.
    Ended,
}

/// Filter results for the next step of a job.
pub(crate) enum Filtered<K> {
    Nothing,
    Replay(FilterResults),
    Recover(Review<K>),
}

impl<K> Filtered<K> {
    /// The recipients, among these endpoints, of the event that is replayed.
    pub(crate) fn recipients(&self, endpoints: &[Arc<Endpoint>], event: &Event) -> Vec<Recipient> {
        match self {
            Self::Replay(filter_results) => filter_results.recipients_among(endpoints.iter(), event),
            Self::Nothing | Self::Recover(_) => FilterResults::default().recipients_among(endpoints.iter(), event),
        }
    }
}

/// The endpoint, if it is the project's.
pub(crate) fn ours(directory: &Directory, project: ProjectId, endpoint: EndpointId) -> Option<Arc<Endpoint>> {
    directory.endpoint(endpoint).filter(|endpoint| endpoint.project == project).cloned()
}
