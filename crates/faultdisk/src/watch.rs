//! Directories that are watched.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::{Inode, Op, Record};

/// First number for files made while watched: no file system uses such numbers itself.
const FIRST_MADE: Inode = 1 << 60;

static WATCHED: Mutex<Vec<Arc<Watched>>> = Mutex::new(Vec::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// `EIO`
    Disk,
    /// `ENOSPC`, of calls that may need room
    Full,
    /// A write that writes half of what it was given
    Short,
    /// `EINTR`
    Interrupted,
}

/// A directory whose files are watched until this is dropped.
pub struct Watch {
    watched: Arc<Watched>,
}

pub(crate) struct Watched {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    recording: bool,
    pub(crate) record: Record,
    /// Numbers in the record of files that were made while they were watched: the system gives numbers twice.
    made: HashMap<Inode, Inode>,
    /// Number of them so far.
    count: u64,
    /// Calls that could have failed.
    calls: usize,
    /// The call that fails, its fault, and true if all calls after it fail too.
    failing: Option<(usize, InjectedFault, bool)>,
}

impl Watch {
    /// Watches the files in `directory`.
    ///
    /// # Panics
    /// If there is no such directory.
    pub fn on(directory: &Path) -> Self {
        let directory = directory.canonicalize().expect("the directory is there");
        let watched = Arc::new(Watched { directory, state: Mutex::default() });
        list().push(watched.clone());
        COUNT.fetch_add(1, Ordering::SeqCst);
        Self { watched }
    }

    /// Records from here on. Files that are there have their own numbers.
    pub fn record(&self) {
        let mut state = self.watched.state();
        state.recording = true;
        state.made.clear();
    }

    /// The record so far.
    pub fn recorded(&self) -> Record {
        self.watched.state().record.clone()
    }

    /// Marks a point: everything confirmed so far must be there from here on.
    pub fn mark(&self, what: impl Into<String>) {
        let mut state = self.watched.state();
        if state.recording {
            state.record.ops.push(Op::Mark(what.into()));
        }
    }

    /// Calls that could have failed since the last [`Self::fail`].
    pub fn calls(&self) -> usize {
        self.watched.state().calls
    }

    /// Has the `nth` call from here on fail, from 0; and every call after it that can, if it is `for_good`.
    pub fn fail(&self, nth: usize, failure: InjectedFault, for_good: bool) {
        let mut state = self.watched.state();
        (state.calls, state.failing) = (0, Some((nth, failure, for_good)));
    }

    /// Everything succeeds from here on.
    pub fn mend(&self) {
        let mut state = self.watched.state();
        (state.calls, state.failing) = (0, None);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        list().retain(|watched| !Arc::ptr_eq(watched, &self.watched));
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watched {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The fault of the call that is made now, if it fails.
    pub(crate) fn failure(&mut self, may: impl Fn(InjectedFault) -> bool) -> Option<InjectedFault> {
        let (nth, failure, for_good) = self.failing?;
        if !may(failure) {
            return None;
        }
        let call = self.calls;
        self.calls += 1;
        (call == nth || (for_good && call > nth)).then_some(failure)
    }

    /// Gives a file that was made just now its number.
    pub(crate) fn make(&mut self, inode: Inode) -> Inode {
        self.count += 1;
        self.made.insert(inode, FIRST_MADE + self.count);
        FIRST_MADE + self.count
    }

    /// The number of a file in the record.
    pub(crate) fn file(&self, inode: Inode) -> Inode {
        self.made.get(&inode).copied().unwrap_or(inode)
    }

    pub(crate) fn note(&mut self, op: impl FnOnce() -> Op) {
        if self.recording {
            let op = op();
            self.record.ops.push(op);
        }
    }
}

fn list() -> MutexGuard<'static, Vec<Arc<Watched>>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The watch over the file at `path`, and its name there; an empty one for the directory itself.
pub(crate) fn watching(path: &Path) -> Option<(Arc<Watched>, String)> {
    list().iter().find_map(|watched| {
        let name = path.strip_prefix(&watched.directory).ok()?;
        Some((watched.clone(), name.to_str()?.to_owned()))
    })
}

/// True if anything is watched at all.
pub(crate) fn is_any() -> bool {
    COUNT.load(Ordering::SeqCst) > 0
}
