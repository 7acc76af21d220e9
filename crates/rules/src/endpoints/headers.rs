//! Headers of an endpoint's own: which can be set, and how those that are credentials are shown.

use dialect::{Dialect, header};
use model::invalid::Faults;
use model::invalid::escaped;
use model::mask::MASK;
use model::object::{Change, Texts};
use model::rejection::{Rejection, RejectionCode};

const LONGEST_VALUE: usize = 4096;

/// What can be sent, each fault at the header's name.
pub(super) fn judge(Texts(headers): Texts, dialect: &Dialect, faults: &mut Faults) -> Vec<(String, String)> {
    let mut judged: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let pointer = pointer(&name);
        let Some(name) = faults.check(&pointer, judge_name(&name, dialect)) else { continue };
        if judged.iter().any(|(known, _)| header::are_twins(known, &name)) {
            faults.add(pointer, "this header stands here twice: capital letters make no difference, nor does _ for -");
            continue;
        }
        if faults.check(&pointer, judge_value(&value)).is_some() {
            judged.push((name, value));
        }
    }
    judged
}

pub(super) fn pointer(name: &str) -> String {
    format!("/headers/{}", escaped(name))
}

/// A name that an endpoint may set.
pub(super) fn judge_name(name: &str, dialect: &Dialect) -> Result<String, String> {
    header::name(name).map_err(|error| error.to_string())?;
    if dialect.reserved(name) {
        return Err(format!("{name} is set by Posthaste or by the connection, not by an endpoint"));
    }
    Ok(name.to_owned())
}

fn judge_value(value: &str) -> Result<(), String> {
    let visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && value.trim() == value;
    if value == MASK || (visible && value.len() <= LONGEST_VALUE) {
        return Ok(());
    }
    Err(format!("a value has at most {LONGEST_VALUE} visible ASCII characters, with spaces only between them"))
}

/// Whether a change says the value of the header that is called `name`, or that it is not sent any more.
pub(super) fn are_given_again(change: &Change<Vec<(String, String)>>, name: &str) -> bool {
    match change {
        Change::Keep => false,
        Change::Clear => true,
        Change::Set(headers) => headers.iter().all(|(given, value)| !given.eq_ignore_ascii_case(name) || value != MASK),
    }
}

/// Puts what stood there before where a mask came back, so that what was shown can be sent again.
pub(super) fn unmasked(
    headers: Vec<(String, String)>,
    before: &[(String, String)],
) -> Result<Vec<(String, String)>, Rejection> {
    let unmask = |(name, value): (String, String)| {
        if value != MASK {
            return Ok((name, value));
        }
        match before.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, value)) => Ok((name, value.clone())),
            None => {
                let message = "this is how a hidden value is shown, and there is none: give the value itself";
                Err(Rejection::at(RejectionCode::InvalidRequest, pointer(&name), message))
            }
        }
    };
    headers.into_iter().map(unmask).collect()
}
