//! The lock on a data directory: one process at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::{Error, private};

/// Released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(data_dir: &Path) -> Result<Self, Error> {
        private::directory(data_dir).map_err(Error::files(data_dir))?;
        let path = data_dir.join("posthaste.lock");
        let file = private::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(Error::files(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(data_dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(Error::files(&path)(error)),
        }
    }
}
