//! HTTP/1.1 as receivers write it: answers of every kind, and the state in which they leave the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::attempt::{FailureKind, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::sender::{BODY, RESPONSE_BYTES, Sender, assert_failure, failure};

/// Sends the same bytes for every request, a byte at a time if it is slow, and leaves its connections open.
struct Speaker {
    url: String,
    connections: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Speaker {
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), usize::MAX).await
    }

    async fn slowly_saying(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(answer.into(), 1).await
    }

    async fn start(answer: Vec<u8>, piece: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let connections = Arc::<AtomicUsize>::default();
        let (counted, answer) = (connections.clone(), Arc::new(answer));
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                conversations.spawn(converse(stream, answer.clone(), piece));
            }
        });
        Self { url, connections, _accepting: accepting }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn converse(mut stream: TcpStream, answer: Arc<Vec<u8>>, piece: usize) {
    stream.set_nodelay(true).unwrap();
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await.is_ok_and(|count| count > 0) {
        if request.ends_with(BODY.as_bytes()) {
            request.clear();
            for piece in answer.chunks(piece.min(answer.len())) {
                if stream.write_all(piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

fn answered(outcome: &Outcome) -> (u16, &str, bool) {
    let Outcome::Answered(answer) = outcome else { panic!("{outcome:?}") };
    (answer.status, std::str::from_utf8(&answer.body).unwrap(), answer.truncated)
}

#[tokio::test]
async fn whole_answers_leave_their_connection_to_the_next_however_slowly_they_come() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nth\r\n4\r\nanks\r\n0\r\nx-sum: 1\r\n\r\n";
    let answers = [
        ("HTTP/1.1 204 No Content\r\n\r\n", (204, "", false)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks", (200, "thanks", false)),
        (chunked, (200, "thanks", false)),
        ("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n", (201, "", false)),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 6\r\n\r\nthanks", (200, "thanks", false)),
    ];
    for (answer, expected) in answers {
        for receiver in [Speaker::saying(answer).await, Speaker::slowly_saying(answer).await] {
            let sender = Sender::new();
            for _ in 0..3 {
                assert_eq!(answered(&sender.post(&receiver.url).await), expected, "{answer}");
            }
            assert_eq!(receiver.connections(), 1, "{answer}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_trusted_with_another_request_gets_none() {
    let answers = [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nthanks",
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks for nothing",
        "HTTP/1.0 200 OK\r\ncontent-length: 6\r\n\r\nthanks",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n6\r\nthanks\r\n0\r\n\r\n",
    ];
    for answer in answers {
        let receiver = Speaker::saying(answer).await;
        let sender = Sender::new();
        for _ in 0..3 {
            assert_eq!(answered(&sender.post(&receiver.url).await), (200, "thanks", false), "{answer}");
        }
        assert_eq!(receiver.connections(), 3, "{answer}");
    }
}

#[tokio::test]
async fn chunks_of_just_the_cap_are_whole_if_their_end_came_with_them() {
    let chunks = |size: usize| {
        let data = "x".repeat(size);
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n{data}\r\n0\r\n\r\n")
    };
    for (size, truncated) in [(RESPONSE_BYTES - 1, false), (RESPONSE_BYTES, false), (RESPONSE_BYTES + 1, true)] {
        let receiver = Speaker::saying(chunks(size)).await;
        let outcome = Sender::new().post(&receiver.url).await;
        let (_, body, was_truncated) = answered(&outcome);
        assert_eq!((body.len(), was_truncated), (size.min(RESPONSE_BYTES), truncated));
    }
}

#[tokio::test]
async fn interim_answers_do_not_go_on_for_ever() {
    let receiver = Speaker::saying("HTTP/1.1 100 Continue\r\n\r\n".repeat(5000)).await;
    let failure = failure(&Sender::new().post(&receiver.url).await);
    let message = "what came back is not HTTP: more than 64 KiB without an answer";
    assert_failure(&failure, FailureKind::Protocol, message);
}
