//! A verb on its way to the writer's thread, with the callback that gets its result.

use model::actor::Actor;
use model::id::ProjectId;
use tokio::sync::oneshot;

use super::txn::WriteTxn;
use crate::Error;

pub(super) enum Work {
    Verb(Box<dyn Verb>),
    /// A slice of long work.
    Aside(Box<dyn Verb>),
    /// A reader waits until the tables have what is committed by now.
    Reach(oneshot::Sender<Result<(), Error>>),
    Stop(oneshot::Sender<()>),
}

/// A verb with the callback that gets its result. May run more than once, if a commit it was part of failed.
pub(crate) trait Verb: Send {
    /// The project that it is of; `None` for Posthaste's own.
    fn of(&self) -> Option<ProjectId>;
    /// The actor that asks for it.
    fn by(&self) -> &Actor;
    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<(), Error>;
    fn reply(self: Box<Self>, committed: Result<(), Error>);
}

pub(super) struct Waiting<T, F, S> {
    pub(super) by: Actor,
    pub(super) of: Option<ProjectId>,
    pub(super) verb: F,
    pub(super) result: Option<T>,
    pub(super) on_done: S,
}

impl<T, F, S> Verb for Waiting<T, F, S>
where
    T: Send,
    F: FnMut(&mut WriteTxn<'_>) -> Result<T, Error> + Send,
    S: FnOnce(Result<T, Error>) + Send,
{
    fn of(&self) -> Option<ProjectId> {
        self.of
    }

    fn by(&self) -> &Actor {
        &self.by
    }

    fn run(&mut self, txn: &mut WriteTxn<'_>) -> Result<(), Error> {
        self.result = Some((self.verb)(txn)?);
        Ok(())
    }

    fn reply(self: Box<Self>, committed: Result<(), Error>) {
        let Self { result, on_done, .. } = *self;
        on_done(committed.and_then(|()| result.ok_or(Error::Stopped)));
    }
}
