//! The content of a journal file that is not in the tables: whole groups, a torn tail, or damage.
//!
//! A power cut leaves each sector of the group that was being written as it was before or as it should be: that group
//! is torn, and no caller was answered for it. All else is damage: a sector that is neither, or a group that is not
//! whole though a later one of its segment was begun.

use super::sectors::{Head, SECTOR, Sector};
use crate::journal_damage::Kind;

/// Distance between segments from which they are not of one database.
const LINEAGE: i64 = 1 << 40;

/// Maximum segments ahead of the tables: one on its way there, and its successor.
const MOST_AHEAD: i64 = 2;

/// Result of the scan of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The segment in the file, if it is not in the tables.
    pub(crate) segment: Option<u64>,
    /// Whole groups, in order.
    pub(crate) groups: Vec<Group>,
    pub(crate) torn: Option<Torn>,
    pub(crate) fault: Option<Kind>,
    /// Groups that were begun, as far as it is known.
    pub(crate) begun: u32,
    /// Bytes from the file's beginning that have whole groups.
    pub(crate) end: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Groups in the segment before its own. Earlier versions did not write it.
    pub(crate) groups_before: Option<u32>,
    pub(crate) statements: Vec<u8>,
}

/// A group that was being written when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Torn {
    pub(crate) offset: u64,
    /// Bytes of it that were written.
    pub(crate) bytes: u64,
}

impl Scan {
    /// Scans a file, if the tables have everything up to segment `done`.
    pub(crate) fn of(bytes: &[u8], done: u64) -> Self {
        let sectors: Vec<_> =
            bytes.as_chunks().0.iter().enumerate().map(|(index, bytes)| Sector::of(bytes, index)).collect();
        let ahead = |sector: &Sector<'_>| match sector {
            Sector::Written { segment, .. } => Some(segment.wrapping_sub(done).cast_signed()),
            Sector::Blank | Sector::Damaged => None,
        };
        let (newest, oldest) = (sectors.iter().filter_map(ahead).max(), sectors.iter().filter_map(ahead).min());
        if newest.is_some_and(|newest| newest > MOST_AHEAD) || oldest.is_some_and(|oldest| oldest < -LINEAGE) {
            return Self { fault: Some(Kind::Foreign), ..Self::default() };
        }
        match newest {
            Some(newest @ 1..) => File::of(sectors, done.wrapping_add(newest.cast_unsigned())).scan(),
            // The last segment written there is in the tables. But if the first sector cannot be read, there may have
            // been a group of that one sector.
            _ if sectors.first() == Some(&Sector::Damaged) => {
                Self { fault: Some(Kind::Damaged { offset: 0, readable: 0 }), ..Self::default() }
            }
            _ => Self::default(),
        }
    }
}

/// A file with content of a segment that is not in the tables.
struct File<'a> {
    sectors: Vec<Sector<'a>>,
    segment: u64,
    /// Groups of the segment, up to the last of which there is a sector.
    begun: u32,
}

/// The content of the place where a group is expected.
enum GroupScan {
    Whole {
        group: Group,
        sectors: usize,
    },
    Nothing,
    /// Number of its sectors that were written.
    Torn(usize),
    /// Index of the sector.
    Damaged(usize),
}

impl<'a> File<'a> {
    fn of(sectors: Vec<Sector<'a>>, segment: u64) -> Self {
        let number = |sector: &Sector<'_>| match *sector {
            Sector::Written { segment: of, group, .. } if of == segment => Some(group),
            _ => None,
        };
        let begun = sectors.iter().filter_map(number).max().map_or(0, |last| last.saturating_add(1));
        Self { sectors, segment, begun }
    }

    fn scan(&self) -> Scan {
        let mut scan = Scan { segment: Some(self.segment), begun: self.begun, ..Scan::default() };
        let mut at = 0;
        for number in 0.. {
            match self.group(at, number) {
                GroupScan::Whole { group, sectors } => {
                    scan.groups.push(group);
                    at += sectors;
                    continue;
                }
                GroupScan::Nothing => {}
                GroupScan::Torn(sectors) => scan.torn = Some(Torn { offset: offset(at), bytes: offset(sectors) }),
                GroupScan::Damaged(sector) => {
                    self.salvage(at, number, &mut scan.groups);
                    scan.fault = Some(Kind::Damaged { offset: offset(sector), readable: scan.groups.len() });
                }
            }
            break;
        }
        scan.end = offset(at);
        scan
    }

    fn group(&self, at: usize, number: u32) -> GroupScan {
        let is_last = number.saturating_add(1) >= self.begun;
        let Some(first) = self.sectors.get(at) else { return GroupScan::Nothing };
        if *first == Sector::Damaged {
            return GroupScan::Damaged(at);
        }
        if first.is_of(self.segment, number) {
            return match self.whole(at, number) {
                GroupScan::Torn(_) if !is_last => GroupScan::Damaged(at),
                found => found,
            };
        }
        // It was not written, or not its first sector.
        match self.sectors[at..].iter().filter(|sector| sector.is_of(self.segment, number)).count() {
            _ if !is_last => GroupScan::Damaged(at),
            0 => GroupScan::Nothing,
            sectors => GroupScan::Torn(sectors),
        }
    }

    /// The group whose first sector is there.
    fn whole(&self, at: usize, number: u32) -> GroupScan {
        let Some(Sector::Written { content, .. }) = self.sectors.get(at) else { return GroupScan::Damaged(at) };
        let of_place = |head: &Head| (head.position.segment, head.position.number) == (self.segment, number);
        let Some(head) = Head::read(content).filter(of_place) else { return GroupScan::Damaged(at) };
        let Some(sectors) = self.sectors.get(at..at.saturating_add(head.sectors())) else {
            return GroupScan::Damaged(at);
        };
        if let Some(damaged) = sectors.iter().position(|sector| *sector == Sector::Damaged) {
            return GroupScan::Damaged(at + damaged);
        }
        let written = sectors.iter().filter(|sector| sector.is_of(self.segment, number)).count();
        if written < sectors.len() {
            return GroupScan::Torn(written);
        }
        let contents = sectors.iter().filter_map(|sector| match sector {
            Sector::Written { content, .. } => Some(*content),
            Sector::Blank | Sector::Damaged => None,
        });
        match head.join(contents) {
            Some(statements) => {
                let group = Group { groups_before: Some(head.position.groups_before), statements };
                GroupScan::Whole { group, sectors: sectors.len() }
            }
            None => GroupScan::Damaged(at),
        }
    }

    /// Finds the whole groups after damage in group `number` at sector `at`.
    fn salvage(&self, mut at: usize, mut number: u32, groups: &mut Vec<Group>) {
        while let Some(sector) = self.sectors.get(at) {
            at += 1;
            let Sector::Written { segment, group, .. } = *sector else { continue };
            if segment != self.segment || group < number {
                continue;
            }
            if let GroupScan::Whole { group: whole, sectors } = self.whole(at - 1, group) {
                groups.push(whole);
                at += sectors - 1;
                number = group.saturating_add(1);
            }
        }
    }
}

fn offset(sector: usize) -> u64 {
    (sector * SECTOR) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::journal::sectors::{self, GroupPosition};

    const DONE: u64 = u64::MAX; // numbers wrap
    const SEGMENT: u64 = 0;

    fn append(bytes: &mut Vec<u8>, segment: u64, number: u32, statements: &[u8]) {
        let mut group = Vec::new();
        let position = GroupPosition { segment, number, groups_before: 0 };
        sectors::encode(position, statements, bytes.len() as u64, &mut group).unwrap();
        bytes.extend(group);
    }

    /// Four groups of one, two, one and three sectors, and blank ones after them.
    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, length) in (0..).zip([100, 700, 468, 1200]) {
            append(&mut bytes, SEGMENT, number, &vec![7; length]);
        }
        assert_eq!(bytes.len(), 7 * SECTOR);
        bytes.resize(16 * SECTOR, 0);
        bytes
    }

    #[test]
    fn what_was_written_is_found() {
        let scan = Scan::of(&file(), DONE);
        let lengths: Vec<_> = scan.groups.iter().map(|group| group.statements.len()).collect();
        assert_eq!(lengths, [100, 700, 468, 1200]);
        assert_eq!((scan.torn, scan.fault, scan.end), (None, None, 7 * SECTOR as u64));
    }

    #[test]
    fn a_flipped_bit_at_every_byte_is_noticed_and_costs_one_group_at_most() {
        let whole = file();
        for at in 0..7 * SECTOR {
            for bit in [1, 16, 128] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                let scan = Scan::of(&bytes, DONE);
                let sector = (at / SECTOR * SECTOR) as u64;
                assert_eq!(scan.fault, Some(Kind::Damaged { offset: sector, readable: 3 }), "bit {bit} of byte {at}");
                assert_eq!(scan.groups.len(), 3);
            }
        }
    }

    #[test]
    fn a_torn_last_group_is_torn_whichever_of_its_sectors_were_written_and_whatever_was_there_before() {
        let whole = file();
        let mut earlier = Vec::new();
        append(&mut earlier, DONE, 0, &[9; 8000]);
        for before in [vec![0; 16 * SECTOR], earlier] {
            for written in 0..0b111 {
                let mut bytes = whole.clone();
                for sector in (0..3).filter(|sector| written & (1 << sector) == 0) {
                    let range = (4 + sector) * SECTOR..(5 + sector) * SECTOR;
                    bytes[range.clone()].copy_from_slice(&before[range]);
                }
                let scan = Scan::of(&bytes, DONE);
                let torn = Torn { offset: 4 * SECTOR as u64, bytes: u64::from(i32::count_ones(written)) * 512 };
                assert_eq!(scan.torn, (written > 0).then_some(torn), "sectors {written:b}");
                assert_eq!((scan.groups.len(), scan.fault), (3, None), "sectors {written:b}");
            }
        }
    }

    #[test]
    fn a_sector_that_was_never_written_is_damage_where_a_later_group_was() {
        let whole = file();
        for sector in 0..4 {
            let mut bytes = whole.clone();
            bytes[sector * SECTOR..(sector + 1) * SECTOR].fill(0);
            let scan = Scan::of(&bytes, DONE);
            assert!(matches!(scan.fault, Some(Kind::Damaged { readable: 3, .. })), "{sector}: {scan:?}");
        }
    }

    #[test]
    fn what_is_in_the_tables_or_of_another_database_is_not_taken() {
        assert_eq!(Scan::of(&file(), SEGMENT), Scan::default());
        for done in [SEGMENT.wrapping_sub(3), SEGMENT + (1 << 50), SEGMENT.wrapping_sub(1 << 50)] {
            assert_eq!(Scan::of(&file(), done), Scan { fault: Some(Kind::Foreign), ..Scan::default() });
        }
    }
}
