//! Files and directories that only their owner can read, whatever the process's umask is.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Permissions of files: they contain events, and some of them keys.
pub const FILE_MODE: u32 = 0o600;

/// Permissions of the data directory.
pub const DIRECTORY_MODE: u32 = 0o700;

/// Creates `directory` and its missing parents, so that they are there after a power cut. One that exists stays as it
/// is.
pub fn directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        self::directory(parent)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_directory(parent.unwrap_or(Path::new("."))),
    }
}

/// Options that create a file for its owner alone, if they create one.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE_MODE);
    options
}

/// Syncs `directory`, so that files created, renamed or removed in it are so after a power cut.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn directories_that_are_made_are_for_their_owner_alone_and_others_stay_as_they_are() {
        let above = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::set_permissions(above.path(), PermissionsExt::from_mode(0o755)).unwrap();

        let made = above.path().join("a/b");
        directory(&made).unwrap();
        directory(&made).unwrap();

        assert_eq!((mode(&made), mode(&above.path().join("a")), mode(above.path())), (0o700, 0o700, 0o755));
    }
}
