//! The adapter of one provider.

use model::time::Timestamp;

use crate::item::Item;
use crate::request::Request;
use crate::verdict::{Refusal, Verdict};

/// A provider, with the configuration of one source.
pub trait Adapter: Send + Sync {
    /// Judges the request by its raw bytes, as of `now`. Whatever comes, it answers: a header that cannot be read is a
    /// reason to refuse, never a panic.
    fn verify(&self, request: &Request<'_>, now: Timestamp) -> Verdict;

    /// The items of an authentic request. One that is not understood has none, or is one item as a whole.
    fn normalise(&self, request: &Request<'_>, received_at: Timestamp) -> Vec<Item>;

    /// The answer when all is stored.
    fn accepted(&self, items: &[Item]) -> Answer;

    /// The answer to a handshake, which expects `text`.
    fn handshake(&self, text: &str) -> Answer {
        Answer { status: 200, content_type: Some("text/plain"), body: text.to_owned() }
    }

    /// The status with which the provider is told that a request is refused: some stop for ever after the wrong one.
    fn refused(&self, refusal: &Refusal) -> u16;
}

/// The provider's own answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub body: String,
}

#[cfg(test)]
mod tests {
    use model::json::Json;

    use super::*;
    use crate::verdict::Reason;

    /// A provider that signs with a plain token, asks for a handshake by GET, and sends a status a line: `ID STATUS`.
    struct Token(&'static str);

    impl Adapter for Token {
        fn verify(&self, request: &Request<'_>, _: Timestamp) -> Verdict {
            let refused = |reason| Verdict::Refused(Refusal { reason, detail: None });
            match request.header("x-token") {
                None => refused(Reason::SignatureMissing),
                Some(token) if token != self.0 => refused(Reason::SignatureMismatch),
                Some(_) if request.method == "GET" => Verdict::Handshake("here".to_owned()),
                Some(_) => Verdict::Authentic,
            }
        }

        fn normalise(&self, request: &Request<'_>, _: Timestamp) -> Vec<Item> {
            let lines = std::str::from_utf8(request.body).into_iter().flat_map(str::lines);
            let item = |line: &str| {
                let (id, status) = line.split_once(' ')?;
                Some(Item {
                    event_type: "message.status".parse().ok()?,
                    data: Json::trusted(format!(r#"{{"provider_id":"{id}","status":"{status}"}}"#)),
                    deduplication_key: Some(line.to_owned()),
                })
            };
            lines.filter_map(item).collect()
        }

        fn accepted(&self, _: &[Item]) -> Answer {
            Answer { status: 204, content_type: None, body: String::new() }
        }

        fn refused(&self, _: &Refusal) -> u16 {
            403
        }
    }

    /// As a server goes through it, but for the commit.
    fn received(adapter: &dyn Adapter, request: &Request<'_>) -> (u16, Vec<String>) {
        let now = Timestamp::from_millis(0);
        match adapter.verify(request, now) {
            Verdict::Refused(refusal) => (adapter.refused(&refusal), Vec::new()),
            Verdict::Handshake(text) => (adapter.handshake(&text).status, vec![text]),
            Verdict::Authentic => {
                let items = adapter.normalise(request, now);
                let keys = items.iter().filter_map(|item| item.deduplication_key.clone()).collect();
                (adapter.accepted(&items).status, keys)
            }
        }
    }

    #[test]
    fn a_provider_verifies_normalises_and_answers_in_its_own_way() {
        let of = |method, token: Option<&str>, body| {
            let headers: Vec<_> = token.map(|token| ("X-Token".to_owned(), token.to_owned())).into_iter().collect();
            let request = Request { method, url: "https://hooks.example.com/in/src_1", headers: &headers, body };
            received(&Token("s3cret"), &request)
        };
        assert_eq!(of("POST", None, b"1 sent"), (403, vec![]));
        assert_eq!(of("POST", Some("guess"), b"1 sent"), (403, vec![]));
        assert_eq!(of("GET", Some("s3cret"), b""), (200, vec!["here".to_owned()]));
        assert_eq!(
            of("POST", Some("s3cret"), b"1 sent\n2 read"),
            (204, vec!["1 sent".to_owned(), "2 read".to_owned()])
        );
        assert_eq!(of("POST", Some("s3cret"), b"\xff"), (204, vec![]), "authentic and not understood is a success");
    }
}
