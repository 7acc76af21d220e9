//! Reading an answer, and stopping in time.

use std::time::Duration;

use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use model::attempt::{Answer, Failure, Headers, Outcome};
use model::env::Sleep;

use super::failure;

/// Headers are kept up to so many bytes, names and values together. Those after them are dropped.
const KEPT_HEADERS: usize = 8 * 1024;

/// Reads at most `most` bytes of the body until `late`. An answer with more to it is whole for us, and the connection
/// is closed; one that ends neither before `most` nor in time is a failure with what came of it.
pub(super) async fn read(response: Response<Incoming>, most: usize, timeout: Duration, late: &mut Sleep) -> Outcome {
    let (head, body) = response.into_parts();
    let mut answer =
        Answer { status: head.status.as_u16(), headers: kept(&head.headers), body: Vec::new(), truncated: false };
    let read = tokio::select! {
        biased;
        read = read_body(body, most, &mut answer) => read,
        () = late => Err(failure::stalled(timeout, &answer)),
    };
    match read {
        Ok(()) => Outcome::Answered(answer),
        Err(failure) => Outcome::Failed { failure, answer: Some(answer) },
    }
}

/// Dropping a body that has not ended closes the connection; over HTTP/2, its stream.
async fn read_body(mut body: Incoming, most: usize, answer: &mut Answer) -> Result<(), Failure> {
    while !body.is_end_stream() {
        if answer.body.len() == most {
            answer.truncated = true;
            break;
        }
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| failure::in_body(&error))?;
        let Ok(data) = frame.into_data() else { continue }; // trailers say nothing to us
        let room = most - answer.body.len();
        if data.len() > room {
            answer.truncated = true;
            answer.body.extend_from_slice(&data[..room]);
            break;
        }
        answer.body.extend_from_slice(&data);
    }
    Ok(())
}

fn kept(headers: &HeaderMap) -> Headers {
    let mut room = KEPT_HEADERS;
    let mut kept = Headers::with_capacity(headers.len());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = left;
        kept.push((name.as_str().to_owned(), value.into_owned()));
    }
    kept
}
