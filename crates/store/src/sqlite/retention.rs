//! The SQL of retention: what has been kept long enough is found on a reader and deleted by the writer, in slices.
//!
//! Events are found by project and age, with all that belongs to them; attempts whose bodies go, in the order they were
//! recorded. What was scanned once is not scanned again, except what was held, once a day.

mod bodies;
mod contents;
mod pages;
mod rests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use model::id::ProjectId;
use model::retention::{Period, Retention};
use model::time::Timestamp;
use rusqlite::Connection;

use self::rests::DAY;
use super::commit::txn::WriteTxn;
use crate::Error;
use crate::directory::Directory;
use crate::retention::Deleted;
use crate::slice::Patience;

pub(super) use bodies::reset;

/// Maximum rows that one scan goes through, most of which may have to stay.
const LOOKED_THROUGH: usize = 1_000;

/// Interval at which the directory is asked for the projects and their periods. Costs no query.
const ROUND: Duration = Duration::from_secs(3_600);

/// The positions of all cursors. Lost with the process, which costs a scan of what is held; but the position up to
/// which bodies have been dropped stands in the database, for what stays behind that is a lot.
#[derive(Default)]
pub(crate) struct Walks {
    contents: HashMap<ProjectId, contents::Cursor>,
    /// By the period that bodies are kept.
    bodies: BTreeMap<Duration, bodies::Cursor>,
    /// Periods of the projects, as of the beginning of this round.
    kept: HashMap<ProjectId, Retention>,
    /// Time at which the projects with rows, deleted ones too, were last listed.
    listed_at: Option<Timestamp>,
    in_round: bool,
    /// True if something was deleted since the file was last checked for empty pages.
    freed: bool,
}

/// Result of a scan.
pub(crate) enum Scan {
    Slice(Chunk),
    /// Nothing to delete in what was scanned; there is more.
    Nothing,
    Rest(Timestamp),
}

/// Rows to delete in one commit.
pub(crate) enum Chunk {
    Contents(contents::Chunk),
    Bodies(bodies::Chunk),
    Pages,
}

/// Deleted rows, and the position that their cursor has reached.
pub(crate) struct Done {
    pub(crate) deleted: Deleted,
    reached: Reached,
}

enum Reached {
    Contents { project: ProjectId, reached: contents::Reached },
    Bodies { kept: Duration, reached: Option<i64> },
    Pages,
}

impl Walks {
    /// Finds the next chunk.
    pub(crate) fn scan(
        &mut self,
        db: &Connection,
        directory: &Directory,
        servers: Retention,
        now: Timestamp,
    ) -> Result<Scan, Error> {
        if !self.in_round {
            self.begin_round(db, directory, servers, now)?;
        }
        let mut budget = LOOKED_THROUGH;
        for (project, cursor) in self.contents.iter_mut().filter(|(_, cursor)| cursor.again_at <= now) {
            if let Some(slice) = cursor.scan(db, *project, now, &mut budget)? {
                return Ok(Scan::Slice(Chunk::Contents(slice)));
            }
            if budget == 0 {
                return Ok(Scan::Nothing);
            }
        }
        for (kept, cursor) in self.bodies.iter_mut().filter(|(_, cursor)| cursor.again_at <= now) {
            let is_theirs = |project: Option<ProjectId>| {
                let theirs = project.and_then(|project| self.kept.get(&project)).unwrap_or(&servers);
                theirs.attempt_bodies == Period::For(model::time::Span(*kept))
            };
            if let Some(slice) = cursor.scan(db, *kept, is_theirs, now, &mut budget)? {
                return Ok(Scan::Slice(Chunk::Bodies(slice)));
            }
            if budget == 0 {
                return Ok(Scan::Nothing);
            }
        }
        if self.freed && pages::are_to_spare(db)? {
            return Ok(Scan::Slice(Chunk::Pages));
        }
        self.freed = false;
        self.in_round = false;
        let contents = self.contents.values().map(|cursor| cursor.again_at);
        let cursors = contents.chain(self.bodies.values().map(|cursor| cursor.again_at));
        Ok(Scan::Rest(cursors.fold(now + ROUND, Timestamp::min)))
    }

    fn begin_round(
        &mut self,
        db: &Connection,
        directory: &Directory,
        servers: Retention,
        now: Timestamp,
    ) -> Result<(), Error> {
        let kept: HashMap<_, _> =
            directory.projects().map(|project| (project.id, project.retention.or(servers))).collect();
        // A process that died may have left empty pages behind.
        self.freed |= self.listed_at.is_none();
        if self.listed_at.is_none_or(|at| at + DAY <= now) {
            let rows_of: HashSet<_> = contents::projects(db)?.into_iter().collect();
            self.contents.retain(|project, _| kept.contains_key(project) || rows_of.contains(project));
            for project in rows_of {
                self.contents.entry(project).or_insert_with(|| contents::Cursor::new(servers.contents, now));
            }
            self.listed_at = Some(now);
        }
        for (project, retention) in &kept {
            let cursor =
                self.contents.entry(*project).or_insert_with(|| contents::Cursor::new(retention.contents, now));
            if cursor.kept != retention.contents {
                *cursor = contents::Cursor::new(retention.contents, now);
            }
        }
        let finite = |retention: &Retention| match retention.attempt_bodies {
            Period::For(span) => Some(span.0),
            Period::Forever => None,
        };
        let spans: HashSet<_> = kept.values().chain([&servers]).filter_map(finite).collect();
        self.bodies.retain(|span, _| spans.contains(span));
        for span in spans {
            self.bodies.entry(span).or_insert_with(|| bodies::Cursor::new(now));
        }
        let is_other = |(project, retention): (&ProjectId, &Retention)| {
            self.kept.get(project).is_some_and(|before| before.attempt_bodies != retention.attempt_bodies)
        };
        if kept.iter().any(is_other) {
            self.bodies.values_mut().for_each(|cursor| cursor.reset(now));
        }
        self.kept = kept;
        self.in_round = true;
        Ok(())
    }

    /// Continues from the position that a chunk has reached.
    pub(crate) fn advance(&mut self, done: &Done) {
        self.freed |= done.deleted.events + done.deleted.deliveries + done.deleted.bodies > 0;
        match &done.reached {
            Reached::Contents { project, reached } => {
                if let Some(cursor) = self.contents.get_mut(project) {
                    cursor.advance(reached);
                }
                // The numbers of deleted attempts will be given again.
                self.bodies.values_mut().for_each(|cursor| cursor.go_back_to(reached.newest_attempt));
            }
            Reached::Bodies { kept, reached } => {
                if let Some(cursor) = self.bodies.get_mut(kept) {
                    cursor.advance(*reached);
                }
            }
            Reached::Pages => self.freed = done.deleted.pages > 0,
        }
    }
}

/// Deletes as much of a chunk as the writer may be held for. What has changed since it was found stays.
pub(crate) fn take(txn: &mut WriteTxn<'_>, slice: &Chunk) -> Result<Done, Error> {
    let patience = Patience::begin(txn.env, txn.hold);
    match slice {
        Chunk::Contents(slice) => {
            let (deleted, reached) = contents::take(txn, slice, patience)?;
            Ok(Done { deleted, reached: Reached::Contents { project: slice.project, reached } })
        }
        Chunk::Bodies(slice) => {
            let (deleted, reached) = bodies::take(txn, slice, patience)?;
            Ok(Done { deleted, reached: Reached::Bodies { kept: slice.kept, reached } })
        }
        Chunk::Pages => Ok(Done { deleted: pages::take(txn, patience)?, reached: Reached::Pages }),
    }
}
