//! Times in slots: reading a value as a time, and writing one.

use model::time::Timestamp;

use crate::raw;
use crate::slot::TimeForm;
use crate::variable::Value;

/// Bytes: RFC 3339 with nanoseconds and an offset, with room for an escape.
const LONGEST: usize = 64;

/// The years that RFC 3339 can write, 0000 to 9999, in milliseconds since 1970.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// Reads `value` as a time: RFC 3339, or a number of seconds since 1970.
pub(crate) fn of(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Time(at) => Some(*at),
        Value::Text(text) => read(text),
        Value::Json(json) if json.len() > LONGEST => None,
        Value::Json(json) if json.starts_with('"') => read(&raw::text(json)),
        Value::Json(json) => seconds(json),
        Value::Shown(_) | Value::Number(_) | Value::Missing | Value::NoTime => None,
    }
}

fn read(text: &str) -> Option<Timestamp> {
    if text.len() > LONGEST { None } else { text.parse().ok() }
}

/// Fractions count to the millisecond.
fn seconds(json: &str) -> Option<Timestamp> {
    let millis = match json.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1000)?,
        Err(_) => in_millis(json.parse().ok()?)?,
    };
    WRITABLE.contains(&millis).then_some(Timestamp::from_millis(millis))
}

fn in_millis(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    // Larger numbers are no times, and not all of them can be held in whole milliseconds.
    let fits = millis.abs() <= 9e15;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and smaller than 2^53")]
    fits.then_some(millis as i64)
}

/// Writes `at` in the given form.
pub(crate) fn written(at: Timestamp, form: &TimeForm) -> Value<'static> {
    match form {
        TimeForm::Unix => Value::Number(at.as_seconds()),
        TimeForm::UnixMillis => Value::Number(at.as_millis()),
        TimeForm::Rfc3339 => Value::Time(at),
        TimeForm::Date(format) => {
            let mut text = String::new();
            format.write(at, &mut text).expect("a String takes all that is written");
            Value::Text(text.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_or_a_number_of_seconds() {
        let cases = [
            (r#""2026-11-20T09:15:02Z""#, Some(1_795_166_102_000)),
            (r#""2026-11-20T10:15:02.0459+01:00""#, Some(1_795_166_102_045)),
            ("1795166102", Some(1_795_166_102_000)),
            ("1795166102.0451", Some(1_795_166_102_045)),
            ("-0.5", Some(-500)),
            ("1.7951661e9", Some(1_795_166_100_000)),
            // Milliseconds would be a year after 9999.
            ("1795166102000", None),
            ("1e400", None),
            ("9223372036854775807", None),
            (r#""1795166102""#, None),
            (r#""tomorrow""#, None),
            (r#""""#, None),
            ("true", None),
            ("null", None),
            ("[1]", None),
        ];
        for (json, expected) in cases {
            assert_eq!(of(&Value::Json(json)).map(Timestamp::as_millis), expected, "{json}");
        }
        let long = format!("\"2026-11-20T09:15:02Z{}\"", "é".repeat(100));
        assert!(of(&Value::Json(&long)).is_none());
    }
}
