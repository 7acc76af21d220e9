//! Text in exactly as much memory as it takes: it is written twice, once to be measured.

use std::fmt::{self, Write};

use model::attempt::{Failure, FailureKind};

/// Returns what `write` writes. One allocation, and none if it would be more than `most` bytes.
pub(crate) fn exactly(most: usize, write: impl Fn(&mut dyn Write) -> fmt::Result) -> Result<Vec<u8>, Failure> {
    let mut length = Length { bytes: 0, most };
    write(&mut length).map_err(|fmt::Error| {
        Failure::new(FailureKind::Render, format!("the body would have more than {most} bytes, and is not sent"))
    })?;
    let mut text = String::with_capacity(length.bytes);
    write(&mut text).expect("a String takes all that is written");
    Ok(text.into_bytes())
}

/// Counts bytes, up to a bound.
struct Length {
    bytes: usize,
    most: usize,
}

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len();
        if self.bytes > self.most { Err(fmt::Error) } else { Ok(()) }
    }
}
