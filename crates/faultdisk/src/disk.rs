//! The contents that a disk may have after a power cut.
//!
//! Synced writes are there. Of unsynced ones, every sector is as it was after any of the writes to it, whatever became
//! of the other sectors: so writes are lost, reordered and torn. Names are made, changed and removed in their order,
//! and any number of the last may be lost. The length of a file is that after any of its changes that may have come
//! there.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::record::{Change, Inode, Op};

/// A disk, to which operations are applied one after the other.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: HashMap<Inode, File>,
    names: BTreeMap<String, Inode>,
    unsynced_names: Vec<Op>,
}

#[derive(Clone, Debug, Default)]
struct File {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

/// The part of the unsynced changes that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    Nothing,
    Everything,
    /// Of each file this many of the last changes, and this many of the last names.
    Last {
        changes: usize,
        names: usize,
    },
    /// Of each file all but the last change.
    AllButLast,
    /// Any sectors of this many bytes, chosen by a seed.
    Sectors {
        bytes: usize,
        seed: u64,
    },
}

/// Files with their names and contents.
pub type Image = BTreeMap<String, Vec<u8>>;

impl Disk {
    /// A disk that has these files, synced, each under the number that the record has for it.
    pub fn of(files: impl IntoIterator<Item = (String, Inode, Vec<u8>)>) -> Self {
        let mut disk = Self::default();
        for (name, inode, content) in files {
            disk.names.insert(name, inode);
            disk.files.insert(inode, File { synced: content, unsynced: Vec::new() });
        }
        disk
    }

    /// The disk with the files that are in `directory` now, synced, except those that a power cut leaves nothing of.
    ///
    /// # Panics
    /// If they cannot be read.
    pub fn in_directory(directory: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        let entries =
            std::fs::read_dir(directory).expect("the directory is there").map(|entry| entry.expect("an entry"));
        let files = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().expect("names are UTF-8");
            let counts = !name.ends_with("-shm") && !name.ends_with(".lock");
            let content = || std::fs::read(entry.path()).expect("a file can be read");
            counts.then(|| (name, entry.metadata().expect("it is there").ino(), content()))
        });
        Self::of(files)
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create { file, .. } => {
                // The number may have been another file's, which is gone, and whose name may not be gone on the disk.
                self.files.insert(*file, File::default());
                self.unsynced_names.push(op.clone());
            }
            Op::Rename { .. } | Op::Unlink { .. } => self.unsynced_names.push(op.clone()),
            Op::Change { file, change } => self.files.entry(*file).or_default().unsynced.push(change.clone()),
            Op::Sync { file } => {
                let file = self.files.entry(*file).or_default();
                let unsynced = std::mem::take(&mut file.unsynced);
                unsynced.iter().for_each(|change| change.apply(&mut file.synced));
            }
            Op::SyncDirectory => {
                for op in std::mem::take(&mut self.unsynced_names) {
                    rename(&mut self.names, &op);
                }
            }
            Op::Mark(_) => {}
        }
    }

    /// The files that have, or had, that name, as far as they were not renamed.
    pub fn called(&self, name: &str, ops: &[Op]) -> Vec<Inode> {
        let made = ops.iter().filter_map(|op| match op {
            Op::Create { name: made, file } if made == name => Some(*file),
            _ => None,
        });
        self.names.get(name).copied().into_iter().chain(made).collect()
    }

    /// True if there is anything that may be lost.
    pub fn has_unsynced(&self) -> bool {
        !self.unsynced_names.is_empty() || self.files.values().any(|file| !file.unsynced.is_empty())
    }

    /// The maximum of unsynced changes of a file, and the number of unsynced names.
    pub fn unsynced(&self) -> (usize, usize) {
        let changes = self.files.values().map(|file| file.unsynced.len()).max();
        (changes.unwrap_or_default(), self.unsynced_names.len())
    }

    /// The files that are there after a power cut.
    pub fn after(&self, tear: Tear) -> Image {
        let mut dice = Dice(match tear {
            Tear::Sectors { seed, .. } => seed,
            _ => 0,
        });
        let kept = match tear {
            Tear::Nothing | Tear::AllButLast => self.unsynced_names.len(),
            Tear::Everything => 0,
            Tear::Last { names, .. } => self.unsynced_names.len().saturating_sub(names),
            Tear::Sectors { .. } => dice.below(self.unsynced_names.len() + 1),
        };
        let mut names = self.names.clone();
        self.unsynced_names[..kept].iter().for_each(|op| rename(&mut names, op));
        let content =
            |inode: &Inode, dice: &mut Dice| self.files.get(inode).map_or_else(Vec::new, |file| file.after(tear, dice));
        names.into_iter().map(|(name, inode)| (name, content(&inode, &mut dice))).collect()
    }
}

fn rename(names: &mut BTreeMap<String, Inode>, op: &Op) {
    match op {
        Op::Create { name, file } => drop(names.insert(name.clone(), *file)),
        Op::Unlink { name } => drop(names.remove(name)),
        Op::Rename { from, to } => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Op::Change { .. } | Op::Sync { .. } | Op::SyncDirectory | Op::Mark(_) => {}
    }
}

impl File {
    fn after(&self, tear: Tear, dice: &mut Dice) -> Vec<u8> {
        let all = self.unsynced.len();
        let with = |changes: &[Change]| {
            let mut content = self.synced.clone();
            changes.iter().for_each(|change| change.apply(&mut content));
            content
        };
        match tear {
            Tear::Nothing => with(&self.unsynced),
            Tear::Everything => self.synced.clone(),
            Tear::Last { changes, .. } => with(&self.unsynced[..all.saturating_sub(changes)]),
            Tear::AllButLast => self.with_sectors_of_last(),
            Tear::Sectors { bytes, .. } => self.with_sectors(bytes, dice),
        }
    }

    /// The synced content, with the sectors of the last change.
    fn with_sectors_of_last(&self) -> Vec<u8> {
        const SECTOR: usize = 512;
        let mut content = self.synced.clone();
        let Some(Change::Write { at, bytes }) = self.unsynced.last() else { return content };
        let mut whole = self.synced.clone();
        self.unsynced.iter().for_each(|change| change.apply(&mut whole));
        let (from, to) = (at / SECTOR * SECTOR, ((at + bytes.len()).div_ceil(SECTOR) * SECTOR).min(whole.len()));
        content.resize(content.len().max(to), 0);
        content[from..to].copy_from_slice(&whole[from..to]);
        content
    }

    /// Each sector as it was after any of its changes.
    fn with_sectors(&self, size: usize, dice: &mut Dice) -> Vec<u8> {
        if self.unsynced.is_empty() {
            return self.synced.clone();
        }
        let mut versions = vec![self.synced.clone()];
        for change in &self.unsynced {
            let mut next = versions.last().cloned().unwrap_or_default();
            change.apply(&mut next);
            versions.push(next);
        }
        let mut content = vec![0; versions[dice.below(versions.len())].len()];
        // Often most of it is there, or hardly anything.
        let leaning = dice.below(3);
        for (index, sector) in content.chunks_mut(size).enumerate() {
            let version = match (leaning, dice.below(8)) {
                (0, 1..) => 0,
                (1, 1..) => versions.len() - 1,
                _ => dice.below(versions.len()),
            };
            let at = index * size;
            let from = versions[version].get(at..).unwrap_or_default();
            let length = from.len().min(sector.len());
            sector[..length].copy_from_slice(&from[..length]);
        }
        content
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                content.resize(content.len().max(at + bytes.len()), 0);
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Resize { to } => content.resize(*to, 0),
        }
    }
}

/// Numbers that stand for chance, the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).unwrap_or_default()
    }
}
