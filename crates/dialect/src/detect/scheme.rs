//! Makes `[[signatures]]` of the digests found: the text around them in the header, and between them.

use std::ops::Range;

use super::candidates::is_seconds;
use super::captured::{Finding, Sample};
use super::digest::{Digest, Spelling};
use super::search::{Match, SearchResult};

/// One `[[signatures]]`, as it is printed.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) header: String,
    pub(super) algorithm: &'static str,
    pub(super) key: &'static str,
    pub(super) signs: &'static str,
    pub(super) encoding: &'static str,
    pub(super) format: String,
    pub(super) join: String,
    /// True if the sample has several in one header, so that `join` is known.
    pub(super) joined: bool,
}

/// Separators between several signatures in one header, the longer ones first.
const JOINS: [&str; 6] = [", ", ",", "; ", ";", " ", "|"];

/// The signatures of one header.
pub(super) fn of_header(
    sample: &Sample,
    header: usize,
    digests: &[Digest],
    found: &SearchResult,
    findings: &mut Vec<Finding>,
) -> Vec<Signature> {
    let (name, value) = &sample.headers[header];
    let here: Vec<(&Digest, Option<&Match>)> = digests
        .iter()
        .zip(&found.matches)
        .filter(|(digest, _)| digest.header == header)
        .map(|(digest, found)| (digest, found.as_ref()))
        .collect();
    let (segments, join) = cut(value, &here.iter().map(|(digest, _)| digest.range.clone()).collect::<Vec<_>>());
    let mut signatures: Vec<Signature> = Vec::new();
    let mut strangers: Vec<String> = Vec::new();
    for ((digest, found), segment) in here.iter().zip(&segments) {
        let Some(found) = found else {
            strangers.push(format(value, segment, &digest.range, None));
            continue;
        };
        let format = format(value, segment, &digest.range, Some(found));
        let alike = signatures.iter().any(|other| other.format == format && other.signs == found.signs);
        if alike {
            continue;
        }
        limits(name, digest, found, findings);
        signatures.push(Signature {
            header: name.clone(),
            algorithm: found.algorithm,
            key: found.key,
            signs: found.signs,
            encoding: digest.spelling.setting(),
            join: join.map_or_else(|| usual_join(&format), str::to_owned),
            joined: join.is_some(),
            format,
        });
    }
    for stranger in strangers {
        findings.push(about_stranger(name, &stranger, &signatures));
    }
    signatures
}

fn limits(name: &str, digest: &Digest, found: &Match, findings: &mut Vec<Finding>) {
    let note = match digest.spelling {
        Spelling::HexUpper => Some(
            "the signature is hexadecimal in capitals, and Posthaste writes small letters: receivers that compare texts will refuse that",
        ),
        Spelling::Base64Other => Some(
            "the signature is base64 without padding or with - and _, and Posthaste writes the usual one (RFC 4648, section 4): receivers that compare texts will refuse that",
        ),
        Spelling::Hex | Spelling::Base64 => None,
    };
    findings.extend(note.map(|note| Finding::warning(format!("{name}: {note}"))));
    findings.extend(found.limit().map(|limit| Finding::warning(format!("{name}: {limit}"))));
    let instead = found
        .instead
        .map(|instead| format!("{name}: the key is not the secret as it was captured; give endpoints {instead}"));
    findings.extend(instead.map(Finding::warning));
}

fn about_stranger(name: &str, format: &str, signatures: &[Signature]) -> Finding {
    if signatures.iter().any(|known| known.format.ends_with(format) || format.ends_with(&known.format)) {
        Finding::found(format!(
            "{name}: another signature of the same form is made with another secret, as while a secret is being rotated"
        ))
    } else {
        Finding::warning(format!("{name}: {format:?} stands there as well and is not explained: it is left out"))
    }
}

/// Cuts a value into one segment for each digest, and returns the separator between them.
fn cut(value: &str, digests: &[Range<usize>]) -> (Vec<Range<usize>>, Option<&'static str>) {
    let mut starts = vec![0];
    let mut ends = Vec::new();
    let mut join = None;
    for pair in digests.windows(2) {
        let between = &value[pair[0].end..pair[1].start];
        let separator = JOINS.into_iter().find(|separator| between.starts_with(separator)).unwrap_or("");
        join = join.or(Some(separator));
        ends.push(pair[0].end);
        starts.push(pair[0].end + separator.len());
    }
    ends.push(value.len());
    (starts.into_iter().zip(ends).map(|(start, end)| start..end).collect(), join)
}

/// A segment with slots in place of the digest, the id and the time.
fn format(value: &str, segment: &Range<usize>, digest: &Range<usize>, found: Option<&Match>) -> String {
    let around = |text: &str| {
        let id = found.and_then(|found| found.id.as_deref());
        let text = id.map_or_else(|| text.to_owned(), |id| replaced(text, "{{id}}", |word| word == id));
        let signed = found.and_then(|found| found.timestamp.as_deref());
        replaced(&text, "{{timestamp}}", |word| signed == Some(word) || is_seconds(word))
    };
    let (before, after) = (&value[segment.start..digest.start], &value[digest.end..segment.end]);
    format!("{}{{{{signature}}}}{}", around(before), around(after))
}

/// `text` with a slot in place of each word for which `is_meant` is true.
fn replaced(text: &str, slot: &str, is_meant: impl Fn(&str) -> bool) -> String {
    let is_letter = |letter: char| letter.is_alphanumeric() || "-_.:+".contains(letter);
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let end = rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(if end == 0 { next.len_utf8() } else { end });
        out.push_str(if is_meant(word) { slot } else { word });
        rest = after;
    }
    out
}

/// `v1,…` are joined by spaces, `v1=…` by commas.
fn usual_join(format: &str) -> String {
    if format.contains('=') || !format.contains(',') { "," } else { " " }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_signatures_in_one_header_are_cut_at_what_joins_them() {
        let parts = |value: &str, digests: &[&str]| {
            let range = |digest: &&str| value.find(digest).map(|at| at..at + digest.len()).unwrap();
            let (segments, join) = cut(value, &digests.iter().map(range).collect::<Vec<_>>());
            (segments.into_iter().map(|segment| value[segment].to_owned()).collect::<Vec<_>>(), join)
        };
        let expected =
            |segments: &[&str], join| (segments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), join);
        assert_eq!(parts("v1,AA v1a,BB", &["AA", "BB"]), expected(&["v1,AA", "v1a,BB"], Some(" ")));
        assert_eq!(parts("t=1,v1=AA,v0=BB", &["AA", "BB"]), expected(&["t=1,v1=AA", "v0=BB"], Some(",")));
        assert_eq!(parts("sha256=AA", &["AA"]), expected(&["sha256=AA"], None));
        assert_eq!(parts("v1=AA,t=1", &["AA"]), expected(&["v1=AA,t=1"], None));
    }

    #[test]
    fn slots_stand_for_whole_words() {
        let is_meant = |word: &str| word == "12";
        assert_eq!(replaced("t=12,v=123", "{{x}}", is_meant), "t={{x}},v=123");
        assert_eq!(replaced("", "{{x}}", is_meant), "");
    }
}
