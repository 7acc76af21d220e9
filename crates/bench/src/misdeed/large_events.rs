//! Events as large as they may be, held against the worst schema that is taken: as many patterns as a server judges
//! rather than refuse, over every item of a long list, which is also looked through for doubles.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::means::{FAMILY, Means, post_for_ever};
use crate::background::Background;
use crate::conditions::Conditions;
use crate::event::type_of;
use crate::gateway::Gateway;
use crate::poster::Poster;
use crate::{BenchError, control, output, thread};

const CONNECTIONS: u32 = 8;

/// Maximum patterns of a schema.
const MOST_ALTERNATIVES: usize = 64;

/// End of an item that no pattern but the last fits, and of one that none fits.
const FITS: &str = "z";
const FITS_NONE: &str = "!";

pub(super) fn prepare(gateway: &Gateway, conditions: &Conditions, slug: &str) -> Result<Means, BenchError> {
    let key = control::make_sending_key(gateway.address(), slug)?;
    let bytes = conditions.sizes.shares_event_bytes as usize;
    let bodies = Arc::new([FITS, FITS_NONE].map(|end| event(bytes, end)));
    let alternatives = worst(gateway, slug, &key, &bodies[0])?;
    output::tell(&format!("{} bytes against {alternatives} patterns", bodies[0].len()));
    let begin = move |address| {
        let work = move |_, tally| {
            let (key, bodies) = (key.clone(), bodies.clone());
            async move { post_for_ever(address, "/v1/events", &key, &*bodies, is_judged, &tally).await }
        };
        Background::start("large events", CONNECTIONS, work).map(Some)
    };
    Ok((None, Box::new(begin)))
}

/// True if the event was held against the schema, whether it fits or not.
fn is_judged(status: u16) -> bool {
    [202, 422].contains(&status)
}

/// Gives the type the schema with most patterns against which such an event is still held, and returns their number.
fn worst(gateway: &Gateway, slug: &str, key: &str, body: &[u8]) -> Result<usize, BenchError> {
    let put = |alternatives| {
        let path = format!("/v1/event-types/{}", type_of(FAMILY, 0));
        control::put(gateway.address(), slug, &path, &json!({ "schema": schema(alternatives) }))
    };
    let is_taken = |alternatives| {
        put(alternatives)?;
        match post(gateway, key, body)? {
            (StatusCode::ACCEPTED, _) => Ok(true),
            (_, answer) if alternatives > 1 && answer.contains("too much work") => Ok(false),
            (status, answer) => Err(format!("{status} to a large event: {answer}").into()),
        }
    };
    let most = most(MOST_ALTERNATIVES, is_taken)?;
    put(most)?;
    Ok(most)
}

/// The largest number up to `limit` that is taken, where 1 is, and no number above one that is not.
fn most(limit: usize, mut is_taken: impl FnMut(usize) -> Result<bool, BenchError>) -> Result<usize, BenchError> {
    let (mut taken, mut refused) = (1, limit + 1);
    is_taken(taken)?;
    while refused - taken > 1 {
        let middle = usize::midpoint(taken, refused);
        if is_taken(middle)? {
            taken = middle;
        } else {
            refused = middle;
        }
    }
    Ok(taken)
}

fn post(gateway: &Gateway, key: &str, body: &[u8]) -> Result<(StatusCode, String), BenchError> {
    let address = gateway.address();
    let ask = async {
        let mut poster = Poster::connect(address, "/v1/events", key).await?;
        let (status, answer) = poster.post(body).await?;
        Ok((status, String::from_utf8_lossy(answer).into_owned()))
    };
    thread::alone("large event", ask).map(|(answer, _)| answer)
}

/// Each pattern goes through the whole of an item before it fails, but for the last.
fn schema(alternatives: usize) -> Value {
    let pattern = |number: usize| {
        let end = if number + 1 == alternatives { FITS.to_owned() } else { format!("{number}") };
        json!({ "type": "string", "pattern": format!("^[a-zA-Z0-9 .]*{end}$") })
    };
    json!({
        "type": "array",
        "uniqueItems": true,
        "not": { "contains": { "const": "nowhere" } },
        "items": { "anyOf": (0..alternatives).map(pattern).collect::<Vec<_>>() },
    })
}

/// An event with `bytes` bytes of data, or a few less: a list of texts, all different, the last of which ends in `end`.
fn event(bytes: usize, end: &str) -> Vec<u8> {
    let mut data = String::from("[");
    for number in 0.. {
        let item = |end: &str| format!("\"{number:012} All that is gold does not glitter. {end}\"");
        if data.len() + 2 * item(end).len() + ",]".len() > bytes {
            data += &item(end);
            break;
        }
        data += &item(FITS);
        data.push(',');
    }
    format!("{{\"type\":\"{}\",\"data\":{data}]}}", type_of(FAMILY, 0)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_list_of_the_size_that_was_asked_for() {
        for bytes in [1_000, 1_000_000] {
            let value: Value = serde_json::from_slice(&event(bytes, FITS_NONE)).expect("it is JSON");
            let length = value["data"].to_string().len();
            assert!((bytes - 100..=bytes).contains(&length), "{length}");
            let items = value["data"].as_array().expect("it is a list");
            let misfits = items.iter().filter(|item| item.as_str().is_some_and(|text| text.ends_with(FITS_NONE)));
            assert_eq!(misfits.count(), 1);
        }
    }

    #[test]
    fn the_largest_that_is_taken_is_found() {
        for wanted in [1, 2, 13, 63, 64] {
            let mut asked = 0;
            let found = most(64, |number| {
                asked += 1;
                Ok(number <= wanted)
            });
            assert_eq!(found.expect("nothing fails"), wanted);
            assert!(asked <= 7, "{asked}");
        }
    }
}
