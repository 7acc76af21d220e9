//! Fan-outs: an event with many recipients is committed with a mark, and its deliveries are made after that, in slices,
//! for the endpoints that wanted it at the moment of acceptance.
//!
//! The mark counts the recipients that are done, and moves in the commit that makes their deliveries: a crash loses
//! none and doubles none. Projects take turns. Within a project fan-outs go in the order of their events, and while
//! there is one, an event for an endpoint with strict order is fanned out as well, so that it comes after them.

use model::id::EndpointId;

use crate::Error;
use crate::filtering::Recipient;

/// Maximum deliveries made in the commit of their event. An event with more is fanned out.
pub const DIRECT: usize = crate::slice::ROWS;

/// Deliveries made in the commit of their event whatever else is in it: a mark would cost as much.
pub(crate) const FEW: usize = 16;

/// Maximum events of one project that take a step together, if they are for the same endpoints: they share what a
/// delivery changes of the indexes by endpoint.
pub(crate) const TOGETHER: usize = 16;

/// Maximum recipients visited in one step: those that are gone cost no row.
pub(crate) const PASSED_OVER: usize = 16 * DIRECT;

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be more to do.
    More,
    /// Nothing is left to fan out.
    Rest,
}

/// Encodes a list of recipients as it is stored.
pub(crate) fn encode(recipients: &[Recipient]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(recipients.len() * 18);
    for Recipient { endpoint, note } in recipients {
        let note = note.as_deref().unwrap_or_default();
        let note = &note[..note.floor_char_boundary(usize::from(u16::MAX))];
        bytes.extend_from_slice(endpoint.as_bytes());
        bytes.extend_from_slice(&u16::try_from(note.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(note.as_bytes());
    }
    bytes
}

pub(crate) fn decode(mut bytes: &[u8]) -> Result<Vec<Recipient>, Error> {
    let mut recipients = Vec::with_capacity(bytes.len() / 18);
    while !bytes.is_empty() {
        let (recipient, rest) = recipient(bytes).ok_or_else(|| Error::Corrupt("a list of recipients".to_owned()))?;
        recipients.push(recipient);
        bytes = rest;
    }
    Ok(recipients)
}

/// Decodes the first recipient. Returns it with the bytes after it.
fn recipient(bytes: &[u8]) -> Option<(Recipient, &[u8])> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (note, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    let note = std::str::from_utf8(note).ok()?;
    let note = (!note.is_empty()).then(|| note.to_owned());
    Some((Recipient { endpoint: EndpointId::from_bytes(*id), note }, rest))
}

/// True if `endpoint` is among the recipients after the first `position`, which are done.
pub(crate) fn has_yet_to_come(recipients: &[u8], position: usize, endpoint: EndpointId) -> Result<bool, Error> {
    Ok(decode(recipients)?.iter().skip(position).any(|recipient| recipient.endpoint == endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_read_as_they_were_kept_and_not_when_they_are_cut_off() {
        let recipient = |id, note: Option<&str>| Recipient {
            endpoint: EndpointId::from_bytes([id; 16]),
            note: note.map(Into::into),
        };
        let recipients = vec![recipient(1, None), recipient(2, Some("the filter failed: ü")), recipient(3, None)];
        let kept = encode(&recipients);

        assert_eq!(decode(&kept).unwrap(), recipients);
        assert_eq!(kept.len(), 3 * 18 + "the filter failed: ü".len());
        for end in [1, 17, 19, kept.len() - 1] {
            assert!(decode(&kept[..end]).is_err(), "after {end} bytes");
        }
        for (position, found) in [(0, true), (1, true), (2, false)] {
            assert_eq!(has_yet_to_come(&kept, position, recipients[1].endpoint).unwrap(), found);
        }
    }
}
