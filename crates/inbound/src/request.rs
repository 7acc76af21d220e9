//! A request as it came in: nothing of it is decoded, sorted or written anew, because signatures are over these bytes.

/// A request to a source.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// The address that the provider called, with the query as it was received.
    pub url: &'a str,
    /// In the order in which they came, names as they were written.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first value of a header, whose name is compared without regard to case (RFC 9110, section 5.1).
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
