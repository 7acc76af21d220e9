//! Jobs: recovering an endpoint, replaying an event. Durable: a step is one commit that moves the work and the cursor
//! together, so a job goes on after a crash where it was.

use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{EndpointId, ProjectId};

use crate::directory::Directory;
use crate::filtering::{self, Review, Taker, Verdicts};
use crate::recovery::Cursor;
use crate::slice;

/// Items that one step puts on the road at most.
pub const STEP: usize = slice::ROWS;

/// What a step of a job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    More,
    /// It is done, cancelled or gone.
    Ended,
}

/// What filters say of what the next step of a job is about.
pub(crate) enum Judged<K> {
    Nothing,
    Replay(Verdicts),
    Recover(Review<K>),
}

impl<K> Judged<K> {
    /// Which of these endpoints get the event that is replayed.
    pub(crate) fn takers(&self, endpoints: &[Arc<Endpoint>], event: &Event) -> Vec<Taker> {
        match self {
            Self::Replay(verdicts) => verdicts.takers_among(endpoints.iter(), event),
            Self::Nothing | Self::Recover(_) => Verdicts::default().takers_among(endpoints.iter(), event),
        }
    }
}

/// The endpoints that the next step of a replay is about.
pub(crate) fn next_endpoints<K>(
    directory: &Directory,
    event: &Event,
    cursor: Option<&Cursor<K>>,
) -> Vec<Arc<Endpoint>> {
    let after = match cursor {
        Some(Cursor::Endpoint(after)) => Some(*after),
        Some(Cursor::Failed(_) | Cursor::Missed(_)) | None => None,
    };
    filtering::stretch(directory, event, after, STEP)
}

/// Where a replay goes on after a step that was about these.
pub(crate) fn after_endpoints<K>(endpoints: &[Arc<Endpoint>]) -> Option<Cursor<K>> {
    endpoints.get(STEP - 1).map(|last| Cursor::Endpoint(last.id))
}

/// The endpoint, if it is the project's.
pub(crate) fn ours(directory: &Directory, project: ProjectId, endpoint: EndpointId) -> Option<Arc<Endpoint>> {
    directory.endpoint(endpoint).filter(|endpoint| endpoint.project == project).cloned()
}
