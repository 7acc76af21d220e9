//! A time in a captured request, and the filter that writes it in the same form.

use model::date::DateFormat;
use model::time::Timestamp;

use super::candidates::{is_millis, is_seconds};

/// Spellings of RFC 3339 that products use, besides our own.
const SPELLINGS: [&str; 5] = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%dT%H:%M:%S.%3f+00:00",
    "%Y-%m-%dT%H:%M:%S.%6fZ",
    "%Y-%m-%dT%H:%M:%S.%6f+00:00",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) at: Timestamp,
    pub(super) form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Unix,
    UnixMillis,
    Rfc3339,
    Spelled(&'static str),
    /// RFC 3339 as no filter writes it.
    Unknown,
}

impl Time {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (at, form) = if is_seconds(text) {
            (Timestamp::from_millis(text.parse::<i64>().ok()? * 1000), Form::Unix)
        } else if is_millis(text) {
            (Timestamp::from_millis(text.parse().ok()?), Form::UnixMillis)
        } else {
            let at: Timestamp = text.parse().ok()?;
            let spelled = SPELLINGS.into_iter().map(Form::Spelled);
            let form = [Form::Rfc3339].into_iter().chain(spelled).find(|form| form.write(at) == text);
            (at, form.unwrap_or(Form::Unknown))
        };
        Some(Self { at, form })
    }

    /// True if this is the time that the event occurred, or that time is not known.
    pub(super) fn may_be(&self, occurred_at: Option<&String>) -> bool {
        let known = occurred_at.and_then(|text| text.parse::<Timestamp>().ok());
        known.is_none_or(|known| match self.form {
            Form::Unknown => known == self.at,
            form => form.write(known) == form.write(self.at),
        })
    }

    /// As RFC 3339.
    pub(super) fn text(&self) -> String {
        self.at.to_string()
    }
}

impl Form {
    fn write(self, at: Timestamp) -> String {
        match self {
            Self::Unix => at.as_seconds().to_string(),
            Self::UnixMillis => at.as_millis().to_string(),
            Self::Rfc3339 | Self::Unknown => at.to_string(),
            Self::Spelled(format) => {
                let format: DateFormat = format.parse().expect("a test reads every spelling");
                let mut text = String::new();
                format.write(at, &mut text).expect("a String takes all that is written");
                text
            }
        }
    }

    /// The filter that goes behind the path in a slot.
    pub(super) fn filter(self) -> String {
        match self {
            Self::Unix => " | unix".to_owned(),
            Self::UnixMillis => " | unix_ms".to_owned(),
            Self::Rfc3339 | Self::Unknown => " | rfc3339".to_owned(),
            Self::Spelled(format) => format!(" | date('{format}')"),
        }
    }

    /// The same behind `event.timestamp`, which is RFC 3339 of its own.
    pub(super) fn filter_of_event(self) -> String {
        match self {
            Self::Rfc3339 | Self::Unknown => String::new(),
            form => form.filter(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_again_as_it_was() {
        let cases = [
            ("1795166102", " | unix"),
            ("1795166102045", " | unix_ms"),
            ("2026-11-20T09:15:02.045Z", " | rfc3339"),
            ("2026-11-20T09:15:02Z", " | date('%Y-%m-%dT%H:%M:%SZ')"),
            ("2026-11-20T09:15:02.045000+00:00", " | date('%Y-%m-%dT%H:%M:%S.%6f+00:00')"),
        ];
        for (text, filter) in cases {
            let time = Time::read(text).unwrap();
            assert_eq!((time.form.write(time.at).as_str(), time.form.filter().as_str()), (text, filter));
        }
        assert_eq!(Time::read("2026-11-20T10:15:02+01:00").unwrap().form, Form::Unknown);
        assert_eq!(Time::read("soon"), None);
        SPELLINGS.into_iter().for_each(|spelling| assert!(spelling.parse::<DateFormat>().is_ok(), "{spelling}"));
    }
}
