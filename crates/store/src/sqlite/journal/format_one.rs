//! The journal as earlier versions wrote it, so that the files they left behind are read.
//!
//! Groups stood one after the other, each `length · checksum · segment · number · statements` in 4, 4, 8 and 4 bytes,
//! little-endian; the checksum (CRC-32) is of all after it. A group that does not fit ends a segment: damage differs
//! from a torn tail only where a whole group of the same segment stands after it.

use super::scan::{Group, Scan};
use crate::journal_damage::Kind;

const HEAD: usize = 20;

/// Scans a file, if the tables have everything up to segment `done`.
pub(crate) fn scan(bytes: &[u8], done: u64) -> Scan {
    let segments = [done.wrapping_add(1), done.wrapping_add(2)];
    segments.into_iter().find_map(|segment| scan_for(bytes, segment)).unwrap_or_default()
}

/// `None` if the file has nothing of the segment.
fn scan_for(bytes: &[u8], segment: u64) -> Option<Scan> {
    let mut groups = Vec::new();
    let (mut at, mut number) = (0, 0);
    while let Some(statements) = group(&bytes[at..], segment, number) {
        groups.push(Group { groups_before: None, statements: statements.to_vec() });
        (at, number) = (at + HEAD + statements.len(), number + 1);
    }
    let (end, whole) = (at, groups.len());
    while at < bytes.len() {
        at += 1;
        let Some(later) = number_of(&bytes[at..], segment).filter(|later| *later >= number) else { continue };
        if let Some(statements) = group(&bytes[at..], segment, later) {
            groups.push(Group { groups_before: None, statements: statements.to_vec() });
            (at, number) = (at + HEAD + statements.len() - 1, later + 1);
        }
    }
    let damaged = groups.len() > whole;
    (number > 0).then(|| Scan {
        segment: Some(segment),
        fault: damaged.then_some(Kind::Damaged { offset: end as u64, readable: groups.len() }),
        groups,
        torn: None,
        begun: number,
        end: end as u64,
    })
}

/// The number of a group of `segment`, if its head is there.
fn number_of(bytes: &[u8], segment: u64) -> Option<u32> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    (head[8..16] == segment.to_le_bytes()).then(|| u32::from_le_bytes([head[16], head[17], head[18], head[19]]))
}

/// The statements of that group, if it is there and whole.
fn group(bytes: &[u8], segment: u64, number: u32) -> Option<&[u8]> {
    let [l0, l1, l2, l3, c0, c1, c2, c3, ..] = *bytes.first_chunk::<HEAD>()?;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    let statements = bytes.get(HEAD..HEAD.checked_add(length)?)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(statements);
    (hasher.finalize() == u32::from_le_bytes([c0, c1, c2, c3]) && number_of(bytes, segment)? == number)
        .then_some(statements)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file as version 0.1 wrote it.
    pub(in crate::sqlite) fn file(segment: u64, groups: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        for (number, statements) in (0u32..).zip(groups) {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&segment.to_le_bytes());
            hasher.update(&number.to_le_bytes());
            hasher.update(statements);
            file.extend(u32::try_from(statements.len()).unwrap().to_le_bytes());
            file.extend(hasher.finalize().to_le_bytes());
            file.extend(segment.to_le_bytes());
            file.extend(number.to_le_bytes());
            file.extend(*statements);
        }
        file
    }

    #[test]
    fn what_an_earlier_version_left_is_found_and_damage_is_where_a_whole_group_follows() {
        let whole = file(8, &[b"first", b"second", b"third"]);
        let found = |bytes: &[u8]| {
            let scan = scan(bytes, 7);
            (scan.groups.into_iter().map(|group| group.statements).collect::<Vec<_>>(), scan.fault)
        };
        assert_eq!(found(&whole), (vec![b"first".to_vec(), b"second".to_vec(), b"third".to_vec()], None));
        assert_eq!(scan(&whole, 8), Scan::default());
        assert_eq!(found(&whole[..whole.len() - 1]), (vec![b"first".to_vec(), b"second".to_vec()], None));
        let mut damaged = whole;
        damaged[HEAD + 5 + HEAD] ^= 1;
        let fault = Kind::Damaged { offset: 25, readable: 2 };
        assert_eq!(found(&damaged), (vec![b"first".to_vec(), b"third".to_vec()], Some(fault)));
    }
}
