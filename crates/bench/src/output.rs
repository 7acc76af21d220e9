//! The one door to standard output, for figures, and standard error, for progress.

use std::io::{self, Write as _};

/// Prints figures. A reader that went away (`bench | head`) is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints progress. If it cannot be written, nobody reads it.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
