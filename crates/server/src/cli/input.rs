//! JSON that a command is given: a file, or what is piped in.

use std::io::{self, Read};
use std::path::Path;

use model::json::Json;

use super::outcome::CommandError;
use super::typed;

/// Longer input is refused: the server takes far less.
const LONGEST_INPUT: u64 = 64 << 20;

pub(super) fn read_file(path: &Path) -> Result<Json, CommandError> {
    let name = path.display().to_string();
    let file =
        std::fs::File::open(path).map_err(|error| CommandError::Input(format!("{name} cannot be read: {error}")))?;
    read(file, &name)
}

pub(super) fn read(from: impl Read, name: &str) -> Result<Json, CommandError> {
    let mut text = String::new();
    let cannot = |error: io::Error| CommandError::Input(format!("{name} cannot be read: {error}"));
    let length = from.take(LONGEST_INPUT + 1).read_to_string(&mut text).map_err(cannot)?;
    if u64::try_from(length).is_ok_and(|length| length > LONGEST_INPUT) {
        return Err(CommandError::Input(format!("{name} is longer than {} MiB", LONGEST_INPUT >> 20)));
    }
    typed::json(&text).map_err(|error| CommandError::Input(format!("{name} is {error}")))
}
