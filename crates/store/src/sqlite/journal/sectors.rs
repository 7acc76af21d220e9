//! The sectors of a journal's file, and the groups that are written into them.
//!
//! A disk writes whole sectors: after a power cut each is as it was or as it should be. So a group begins with a
//! sector, and every sector says itself which group it is of and whether it is whole. Then one that was damaged later
//! is neither what was there before nor what should be there, and is never taken for one that was not written.
//!
//! A sector has 512 bytes, numbers little-endian:
//!
//! | bytes | |
//! |---|---|
//! | 496 | of the group, zeroes behind its end |
//! | 8 | the segment |
//! | 4 | the group's number in it |
//! | 4 | CRC-32 of the sector's number in the file (8 bytes) and of the 508 bytes before |
//!
//! A sector that was never written has zeroes. The bytes of a group, as they stand in its sectors:
//!
//! | bytes | |
//! |---|---|
//! | 4 | bytes of the file from behind these first 20 to the end of the group's last sector |
//! | 4 | CRC-32 of all that follows, up to the end of the statements |
//! | 8 | the segment |
//! | 4 | the group's number in it, from 0 |
//! | 4 | bytes of statements |
//! | 4 | groups in the segment before, if this one was begun while that was on its way into the tables |
//! | | statements |

/// Bytes that a disk writes whole or not at all. A disk with sectors of 4 KiB writes eight of ours at once.
pub(crate) const SECTOR: usize = 512;

/// Bytes of a sector that belong to a group.
const CONTENT: usize = 496;

/// Bytes before the statements of a group.
const HEAD: usize = 28;

/// Bytes at the beginning of a group that its length does not count.
const UNCOUNTED: usize = 20;

/// The identity of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupPosition {
    pub(crate) segment: u64,
    /// Number in its segment, from 0.
    pub(crate) number: u32,
    /// Groups in the segment before.
    pub(crate) groups_before: u32,
}

/// Bytes in the file of a group with `statements` bytes of statements.
pub(crate) fn size(statements: usize) -> usize {
    (HEAD + statements).div_ceil(CONTENT) * SECTOR
}

/// Writes a group, as it stands in the file from byte `at` on, into `bytes`. `None` if its length does not fit into the
/// head.
pub(crate) fn encode(position: GroupPosition, statements: &[u8], at: u64, bytes: &mut Vec<u8>) -> Option<()> {
    bytes.clear();
    bytes.resize(size(statements.len()), 0);
    let head = Head::of(position, statements)?.to_bytes();
    let (mut before, mut rest, mut index) = (&head[..], statements, at / SECTOR as u64);
    for sector in bytes.as_chunks_mut::<SECTOR>().0 {
        let (of_head, behind) = sector[..CONTENT].split_at_mut(before.len());
        of_head.copy_from_slice(before);
        let (now, later) = rest.split_at(rest.len().min(behind.len()));
        behind[..now.len()].copy_from_slice(now);
        sector[CONTENT..504].copy_from_slice(&position.segment.to_le_bytes());
        sector[504..508].copy_from_slice(&position.number.to_le_bytes());
        let checksum = checksum(index, sector);
        sector[508..].copy_from_slice(&checksum.to_le_bytes());
        (before, rest, index) = (&[], later, index + 1);
    }
    Some(())
}

/// A sector, as it is found in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sector<'a> {
    /// Nothing was ever written there.
    Blank,
    Written {
        segment: u64,
        group: u32,
        content: &'a [u8],
    },
    /// No write of ours left that, whole or torn.
    Damaged,
}

impl<'a> Sector<'a> {
    pub(crate) fn of(bytes: &'a [u8; SECTOR], index: usize) -> Self {
        if *bytes == [0; SECTOR] {
            return Self::Blank;
        }
        let (content, trailer) = bytes.split_at(CONTENT);
        let [s0, s1, s2, s3, s4, s5, s6, s7, g0, g1, g2, g3, c0, c1, c2, c3] = *trailer else { return Self::Damaged };
        if checksum(index as u64, bytes) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Self::Damaged;
        }
        let segment = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        Self::Written { segment, group: u32::from_le_bytes([g0, g1, g2, g3]), content }
    }

    pub(crate) fn is_of(&self, of: u64, number: u32) -> bool {
        matches!(*self, Self::Written { segment, group, .. } if (segment, group) == (of, number))
    }
}

fn checksum(index: u64, sector: &[u8; SECTOR]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&index.to_le_bytes());
    hasher.update(&sector[..508]);
    hasher.finalize()
}

/// The bytes before the statements of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    length: u32,
    checksum: u32,
    pub(crate) position: GroupPosition,
    statements: u32,
}

impl Head {
    fn of(position: GroupPosition, statements: &[u8]) -> Option<Self> {
        let length = u32::try_from(size(statements.len()) - UNCOUNTED).ok()?;
        let mut head = Self { length, checksum: 0, position, statements: u32::try_from(statements.len()).ok()? };
        head.checksum = head.checksum_with(statements);
        Some(head)
    }

    /// Reads the head in the first sector of a group.
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let mut rest = content;
        let mut number = || {
            let (bytes, behind) = rest.split_first_chunk()?;
            rest = behind;
            Some(u32::from_le_bytes(*bytes))
        };
        let (length, checksum) = (number()?, number()?);
        let segment = u64::from(number()?) | (u64::from(number()?) << 32);
        let (group, statements, groups_before) = (number()?, number()?, number()?);
        let head =
            Self { length, checksum, position: GroupPosition { segment, number: group, groups_before }, statements };
        let told = size(usize::try_from(statements).ok()?) - UNCOUNTED;
        (usize::try_from(length) == Ok(told)).then_some(head)
    }

    /// Sectors that the group has.
    pub(crate) fn sectors(&self) -> usize {
        size(self.statements()) / SECTOR
    }

    fn statements(&self) -> usize {
        usize::try_from(self.statements).unwrap_or(usize::MAX)
    }

    /// The statements of the group, if they are what was written. `contents` are those of its sectors.
    pub(crate) fn join<'a>(&self, contents: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.sectors() * CONTENT);
        contents.for_each(|content| bytes.extend_from_slice(content));
        let statements = bytes.get(HEAD..HEAD.checked_add(self.statements())?)?.to_vec();
        (self.checksum_with(&statements) == self.checksum).then_some(statements)
    }

    fn checksum_with(&self, statements: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.to_bytes()[8..]);
        hasher.update(statements);
        hasher.finalize()
    }

    fn to_bytes(self) -> [u8; HEAD] {
        let Self { length, checksum, position: GroupPosition { segment, number, groups_before }, statements } = self;
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes[8..16].copy_from_slice(&segment.to_le_bytes());
        bytes[16..20].copy_from_slice(&number.to_le_bytes());
        bytes[20..24].copy_from_slice(&statements.to_le_bytes());
        bytes[24..].copy_from_slice(&groups_before.to_le_bytes());
        bytes
    }
}
