//! Waiting fan-outs, as the writer knows them: by project, each in the order of its events.
//!
//! The tables and the journal have all of them. The queues have the head of that, and are read again after a commit
//! that failed.

use std::collections::VecDeque;
use std::sync::Arc;

use model::event::Event;
use model::id::ProjectId;

use crate::directory::Directory;
use crate::fan_outs::TOGETHER;
use crate::filtering::Recipient;

/// Maximum fan-outs of one project kept here.
pub(super) const KEPT: usize = 4096;

/// Maximum bytes of events kept with them, in all. Others are read when it is their turn.
const BODIES: usize = 4 << 20;

/// Maximum lists kept, which events that come in can share.
const LISTS: usize = 16;

/// By default nothing is known.
#[derive(Default)]
pub(crate) struct FanOuts {
    known: bool,
    /// In the order of their turns. A queue is empty only if the tables have the rest of it.
    queues: VecDeque<Queue>,
    lists: VecDeque<Arc<List>>,
    last_list: i64,
    memo: Option<Memo>,
    /// Bytes of events that are kept.
    bodies: usize,
}

/// The recipients of events, in an order that stays.
pub(crate) struct List {
    pub(super) id: i64,
    pub(super) recipients: Vec<Recipient>,
}

/// The recipients of events like this one, by this directory.
struct Memo {
    directory: Arc<Directory>,
    like: Arc<Event>,
    list: Arc<List>,
}

pub(super) struct Queue {
    pub(super) project: ProjectId,
    waiting: VecDeque<FanOut>,
    /// True if the tables may have fan-outs after `last` that are not here.
    pub(super) has_more: bool,
    /// Number of the newest event that is, or was, here.
    pub(super) last: i64,
}

pub(super) struct FanOut {
    /// Number of the event.
    pub(super) event: i64,
    pub(super) list: Arc<List>,
    pub(super) position: usize,
    pub(super) body: Option<Arc<Event>>,
    /// Bytes of the body that are counted as kept.
    pub(super) counted: usize,
}

impl FanOuts {
    /// No fan-outs yet, of a database whose last list has this number.
    pub(super) fn after(last_list: i64) -> Self {
        Self { known: true, last_list, ..Self::default() }
    }

    pub(super) fn are_known(&self) -> bool {
        self.known
    }

    /// Forgets all after a commit that failed: it is read again.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Adds a project of which the tables have fan-outs.
    pub(super) fn add(&mut self, project: ProjectId) {
        self.queues.push_back(Queue { has_more: true, ..Queue::of(project) });
    }

    /// True if an event of the project waits to be fanned out, or while that is not known.
    pub(crate) fn has(&self, project: ProjectId) -> bool {
        !self.known || self.queues.iter().any(|queue| queue.project == project)
    }

    /// Adds an event that was just put.
    pub(super) fn push(&mut self, event: i64, body: &Arc<Event>, list: Arc<List>) {
        let size = body.data.as_str().len();
        let keep = self.bodies + size <= BODIES;
        let fan_out =
            FanOut { event, list, position: 0, body: keep.then(|| body.clone()), counted: if keep { size } else { 0 } };
        let place = self.queues.iter().position(|queue| queue.project == body.project);
        let place = place.unwrap_or_else(|| {
            self.queues.push_back(Queue::of(body.project));
            self.queues.len() - 1
        });
        self.bodies += fan_out.counted;
        if let Some(FanOut { counted, .. }) = self.queues[place].push(fan_out) {
            self.bodies -= counted;
        }
    }

    /// Takes out the queue whose turn it is, until it is given back.
    pub(super) fn next_queue(&mut self) -> Option<Queue> {
        self.queues.pop_front()
    }

    /// Puts a queue behind the others, unless nothing is left in it.
    pub(super) fn give_back(&mut self, queue: Queue) {
        if !queue.is_empty() || queue.has_more {
            self.queues.push_back(queue);
        }
        if self.queues.is_empty() {
            self.memo = None;
            self.lists.clear();
        }
    }

    /// Counts the bodies of these as kept no longer.
    pub(super) fn let_go(&mut self, together: &mut [FanOut]) {
        let counted = together.iter_mut().map(|fan_out| std::mem::take(&mut fan_out.counted));
        self.bodies -= counted.sum::<usize>().min(self.bodies);
    }

    /// The recipients of an event, if it is like the remembered one and the directory is the same.
    pub(crate) fn known_for(&self, directory: &Arc<Directory>, event: &Event) -> Option<Arc<List>> {
        let Memo { directory: then, like, list } = self.memo.as_ref()?;
        let alike = like.project == event.project && like.event_type == event.event_type && like.tenant == event.tenant;
        (alike && Arc::ptr_eq(directory, then)).then(|| list.clone())
    }

    /// Remembers that events like this have this list, as long as the directory is this one.
    pub(super) fn remember(&mut self, directory: &Arc<Directory>, event: &Arc<Event>, list: &Arc<List>) {
        if self.known_for(directory, event).is_none() {
            let like = Arc::new(Event { data: model::json::Json::trusted("null"), ..Event::clone(event) });
            self.memo = Some(Memo { directory: directory.clone(), like, list: list.clone() });
        }
    }

    /// The list that has these recipients.
    pub(super) fn list_of(&self, recipients: &[Recipient]) -> Option<Arc<List>> {
        self.lists.iter().find(|list| list.recipients == recipients).cloned()
    }

    pub(super) fn list(&self, id: i64) -> Option<Arc<List>> {
        self.lists.iter().find(|list| list.id == id).cloned()
    }

    pub(super) fn new_list(&mut self, recipients: Vec<Recipient>) -> Arc<List> {
        self.last_list += 1;
        self.known_list(self.last_list, recipients)
    }

    pub(super) fn known_list(&mut self, id: i64, recipients: Vec<Recipient>) -> Arc<List> {
        if self.lists.len() == LISTS {
            self.lists.pop_front();
        }
        let list = Arc::new(List { id, recipients });
        self.lists.push_back(list.clone());
        list
    }

    /// Forgets a list that no event has any more.
    pub(super) fn forget_list(&mut self, list: &Arc<List>) {
        self.lists.retain(|known| known.id != list.id);
        self.memo.take_if(|memo| memo.list.id == list.id);
    }
}

impl Queue {
    fn of(project: ProjectId) -> Self {
        Self { project, waiting: VecDeque::new(), has_more: false, last: i64::MIN }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a fan-out, or returns it: those that come after some that only the tables have are read from there as well.
    pub(super) fn push(&mut self, fan_out: FanOut) -> Option<FanOut> {
        self.has_more |= self.waiting.len() >= KEPT;
        if self.has_more {
            return Some(fan_out);
        }
        self.last = fan_out.event;
        self.waiting.push_back(fan_out);
        None
    }

    /// Takes those that go next: the oldest, and those right after it for the same recipients.
    pub(super) fn take_together(&mut self) -> Vec<FanOut> {
        let Some(first) = self.waiting.front() else { return Vec::new() };
        let (list, position) = (first.list.id, first.position);
        let same = self.waiting.iter().take(TOGETHER);
        let count = same.take_while(|next| next.list.id == list && next.position == position).count();
        self.waiting.drain(..count).collect()
    }

    pub(super) fn give_back(&mut self, fan_out: FanOut) {
        self.waiting.push_front(fan_out);
    }

    /// True if a fan-out that waits, and is known here, has that list.
    pub(super) fn uses(&self, list: &List) -> bool {
        // They are together: what is accepted in between is for others.
        self.waiting.iter().any(|waiting| waiting.list.id == list.id)
    }
}
