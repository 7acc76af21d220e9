//! The operations on the files of a directory, in order.

/// A file, whatever its name is.
pub type Inode = u64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A file was made, and is empty.
    Create {
        name: String,
        file: Inode,
    },
    Rename {
        from: String,
        to: String,
    },
    Unlink {
        name: String,
    },
    Change {
        file: Inode,
        change: Change,
    },
    /// All changes of the file are on the disk.
    Sync {
        file: Inode,
    },
    /// All names in the directory are on the disk.
    SyncDirectory,
    /// The test has seen something, which must be there from here on.
    Mark(String),
}

/// A change of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize { to: usize },
}

#[derive(Clone, Debug, Default)]
pub struct Record {
    pub ops: Vec<Op>,
}
