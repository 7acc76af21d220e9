//! Torn and damaged journals: torn ones are read up to the tear, damaged ones stop the start.

use model::actor::Actor;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use store::Error;
use store::ingest::Accepted;
use store::journal_damage::{Fault, JournalDamage, Kind};

use crate::harness::{Opened, Place};

const JOURNAL: &str = "posthaste.journal";
const SECOND: &str = "posthaste.journal-2";
const DATABASE: &str = "posthaste.db";

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A store that was killed: its journal has groups that are not in its tables.
struct Killed {
    place: Place,
    store: Opened,
    /// Ids of acknowledged events.
    accepted: BTreeSet<String>,
    /// Offsets of the groups, and the end of the last.
    groups: Vec<usize>,
}

impl Killed {
    /// A killed store with at least `count` groups.
    async fn with_groups(count: usize) -> Self {
        // A writer that is idle for a moment applies everything to the tables, and begins the file anew.
        for _ in 0..50 {
            let store = Opened::embedded().await;
            store.endpoint(&["*"]).await;
            let place = store.place.copied();
            let one_after_the_other = async |_| {
                let mut ids = Vec::new();
                for _ in 0..3 * count {
                    match store.ingest(&Actor::Admin, store.draft("order.created").intake()).await {
                        Ok(Accepted::New { id, .. }) => ids.push(id.to_string()),
                        other => panic!("{other:?}"),
                    }
                }
                ids
            };
            let accepted: BTreeSet<_> =
                join_all((0..16).map(one_after_the_other)).await.into_iter().flatten().collect();
            for name in [JOURNAL, SECOND] {
                std::fs::copy(store.place.dir().join(name), place.dir().join(name)).unwrap();
            }
            let killed = Self { groups: groups(&place.dir().join(JOURNAL)), place, store, accepted };
            // A journal whose writer was idle several times is too far ahead of the copy.
            let opens = killed.open(killed.place.copied()).await.is_ok();
            if opens && killed.groups.len() > count && killed.events(&killed.place.copied()).await == killed.accepted {
                return killed;
            }
        }
        panic!("the writer rests all the time");
    }

    async fn open(&self, place: Place) -> Result<Opened, Error> {
        Opened::at(place, self.store.key.clone(), self.store.clock.clone()).await
    }

    async fn open_in_spite_of_damage(&self, place: &Place) -> BTreeSet<String> {
        let store = place.open_in_spite_of_damage(&self.store.key, self.store.clock.clone()).await.unwrap();
        store.close().await;
        drop(store);
        self.events(place).await
    }

    /// The ids of all events in a copy of `place`.
    async fn events(&self, place: &Place) -> BTreeSet<String> {
        let store = self.open(place.copied()).await.unwrap();
        store.all_events().await.into_iter().map(|stored| stored.id.to_string()).collect()
    }

    async fn damage(&self, place: &Place) -> JournalDamage {
        let before = contents(place.dir());
        let refused = place.open(&self.store.key, self.store.clock.clone()).await.err();
        assert_eq!(contents(place.dir()), before, "nothing was changed");
        match refused {
            Some(Error::Journal(damage)) => JournalDamage::clone(&damage),
            other => panic!("{other:?}"),
        }
    }

    /// A copy whose journal was changed.
    fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Place {
        let place = self.place.copied();
        let path = place.dir().join(JOURNAL);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(path, bytes).unwrap();
        place
    }
}

/// Offsets of the groups, and the end of the last.
fn groups(path: &Path) -> Vec<usize> {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut found = vec![0];
    while let Some(&at) = found.last()
        && number(at) > 0
        && bytes[at + 8..at + 16] == bytes[8..16]
    {
        found.push(at + 20 + usize::try_from(number(at)).unwrap());
    }
    found
}

/// All files but the lock and what SQLite shares in memory.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let counts = |path: &PathBuf| !["lock", "db-shm"].iter().any(|end| path.extension().is_some_and(|is| is == *end));
    files.filter(counts).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_journal_counts_up_to_the_tear() {
    let killed = Killed::with_groups(2).await;
    let [.., last, end] = killed.groups[..] else { unreachable!("there are two groups") };
    let sectors = (end - last) / SECTOR;
    let mut before_the_tear = None;

    for written in [vec![], vec![0], vec![sectors - 1], (0..sectors - 1).collect(), (1..sectors).collect::<Vec<_>>()] {
        let torn = killed.changed(|bytes| {
            for sector in (0..sectors).filter(|sector| !written.contains(sector)) {
                bytes[last + sector * SECTOR..][..SECTOR].fill(0);
            }
        });
        let events = killed.events(&torn).await;
        assert!(!events.is_empty() && events.len() < killed.accepted.len(), "{} events with {written:?}", events.len());
        assert_eq!(*before_the_tear.get_or_insert(events.clone()), events, "with {written:?}");
        let store = killed.open(torn).await.unwrap();
        store.send("order.created").await;
        assert_eq!(store.reopen().await.all_events().await.len(), events.len() + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_any_sector_stops_the_start_and_costs_one_group_if_that_is_accepted() {
    let killed = Killed::with_groups(4).await;
    let groups = killed.groups.len() - 1;
    let end = killed.groups[groups];
    // The other file may have groups as well: those that were on their way into the tables.
    let mut readable_in_both = None;
    for offset in (0..end).step_by(SECTOR) {
        let at = offset + (offset / SECTOR * 37) % SECTOR;
        let damaged = killed.changed(|bytes| bytes[at] ^= 1 << (at % 8));

        let damage = killed.damage(&damaged).await;

        let kind = Kind::Damaged { offset: offset as u64, readable: groups - 1 };
        let fault = Fault { path: damaged.dir().join(JOURNAL), kind };
        let readable = *readable_in_both.get_or_insert(damage.readable);
        assert!(readable >= groups - 1, "byte {at}: {readable}");
        assert_eq!(damage, JournalDamage { faults: vec![fault], readable }, "byte {at}");
        if offset % (4 * SECTOR) == 0 {
            let left = killed.open_in_spite_of_damage(&damaged).await;
            let lost = killed.accepted.difference(&left).count();
            assert!(left.is_subset(&killed.accepted));
            assert!(lost > 0 && lost <= killed.accepted.len() - (groups - 1), "byte {at}: {lost} are lost");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_or_short_or_anothers_stops_the_start() {
    let killed = Killed::with_groups(1).await;
    let whole = std::fs::metadata(killed.place.dir().join(JOURNAL)).unwrap().len();
    let first = |kind| vec![(JOURNAL, kind)];
    let remove = |dir: &Path, name: &str| std::fs::remove_file(dir.join(name)).unwrap();
    let cut = |dir: &Path, to| {
        std::fs::OpenOptions::new().write(true).open(dir.join(JOURNAL)).unwrap().set_len(to).unwrap();
    };
    type Case<'a> = (Box<dyn Fn(&Path) + 'a>, Vec<(&'a str, Kind)>, bool);
    let cases: Vec<Case<'_>> = vec![
        (Box::new(|dir| remove(dir, JOURNAL)), first(Kind::Missing), false),
        (Box::new(|dir| remove(dir, SECOND)), vec![(SECOND, Kind::Missing)], true),
        (
            Box::new(|dir| [JOURNAL, SECOND].into_iter().for_each(|name| remove(dir, name))),
            vec![(JOURNAL, Kind::Missing), (SECOND, Kind::Missing)],
            false,
        ),
        (Box::new(|dir| cut(dir, 0)), first(Kind::Short { bytes: 0, of: whole }), false),
        (Box::new(|dir| cut(dir, whole - 1)), first(Kind::Short { bytes: whole - 1, of: whole }), true),
        (Box::new(|dir| drop(std::fs::copy(dir.join(JOURNAL), dir.join(SECOND)))), vec![(SECOND, Kind::Foreign)], true),
        (
            Box::new(|dir| {
                ["", "-wal", "-shm"].iter().for_each(|end| remove(dir, &format!("{DATABASE}{end}")));
            }),
            first(Kind::Orphaned),
            false,
        ),
    ];
    for (change, faults, all_is_left) in cases {
        let place = killed.place.copied();
        change(place.dir());

        let damage = killed.damage(&place).await;

        let found: Vec<_> =
            damage.faults.iter().map(|fault| (fault.path.file_name().unwrap().to_str().unwrap(), fault.kind)).collect();
        assert_eq!(found, faults);
        let left = killed.open_in_spite_of_damage(&place).await;
        assert_eq!(left, if all_is_left { killed.accepted.clone() } else { BTreeSet::new() }, "{faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_older_than_its_journal_stops_the_start() {
    let killed = Killed::with_groups(1).await;
    for _ in 0..3 {
        // Reading applies the journal to the tables.
        let sent = (0..16).map(|_| killed.store.ingest(&Actor::Admin, killed.store.draft("order.created").intake()));
        assert!(join_all(sent).await.iter().all(Result::is_ok));
        killed.store.all_events().await;
    }
    let older = killed.place.copied();
    for name in [JOURNAL, SECOND] {
        std::fs::copy(killed.store.place.dir().join(name), older.dir().join(name)).unwrap();
    }

    let damage = killed.damage(&older).await;

    assert!(damage.faults.iter().all(|fault| fault.kind == Kind::Foreign), "{damage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_kept_aside() {
    let killed = Killed::with_groups(2).await;
    let damaged = killed.changed(|bytes| bytes[100] ^= 1);
    let before = std::fs::read(damaged.dir().join(JOURNAL)).unwrap();

    killed.open_in_spite_of_damage(&damaged).await;

    let kept: Vec<_> = contents(damaged.dir())
        .into_iter()
        .filter(|(path, _)| path.to_string_lossy().contains(&format!("{JOURNAL}.damaged-")))
        .collect();
    assert!(matches!(&kept[..], [(_, bytes)] if *bytes == before), "{} files are kept", kept.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_orderly_stop_the_database_is_all_there_is() {
    let store = Opened::embedded().await;
    store.endpoint(&["*"]).await;
    let sent = (0..16).map(|_| store.ingest(&Actor::Admin, store.draft("order.created").intake()));
    assert!(join_all(sent).await.iter().all(Result::is_ok));
    let (place, key, clock) = store.shut().await;
    let moved = Place::embedded();
    std::fs::copy(place.dir().join(DATABASE), moved.dir().join(DATABASE)).unwrap();

    let store = Opened::at(moved, key, clock).await.unwrap();

    assert_eq!(store.all_events().await.len(), 16);
}
