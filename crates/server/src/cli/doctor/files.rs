//! What `posthaste doctor` sees in the data directory itself, where it is on this machine.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use store::private::{DIRECTORY_MODE, FILE_MODE};
use store::{Error, Store};

use super::check::Check;

/// With less room than this on its disk a database soon cannot grow.
const LITTLE_ROOM: u64 = 64 * 1024 * 1024;

/// Files of the data directory that hold events or keys begin with one of these.
const OURS: [&str; 3] = ["posthaste.", "master.key", "admin.key"];

/// Looks at the files in `data_dir`; with `deep`, at every row of the database there.
pub(super) fn checks(data_dir: &Path, deep: bool) -> Vec<Check> {
    let mut checks = vec![permissions(data_dir), room(data_dir)];
    checks.extend(deep.then(|| contents(data_dir)));
    checks
}

fn permissions(data_dir: &Path) -> Check {
    let wider = wider(data_dir);
    if wider.is_empty() {
        return Check::fine("files", format!("nobody but their owner reads those in {}", data_dir.display()));
    }
    let described = |(path, mode): &(PathBuf, u32)| format!("{} ({mode:04o})", path.display());
    let found = wider.iter().map(described).collect::<Vec<_>>().join(", ");
    Check::warning(
        "files",
        format!("others on this machine may read or change {found}"),
        "they hold events and keys: `chmod 700` the directory and `chmod 600` the files",
    )
}

/// The directory and the files in it that others may read or change, with their permissions.
fn wider(data_dir: &Path) -> Vec<(PathBuf, u32)> {
    let mode = |metadata: &Metadata| metadata.permissions().mode() & 0o777;
    let ours = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| OURS.iter().any(|ours| name.starts_with(ours)))
    };
    let mut files: Vec<_> = fs::read_dir(data_dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(ours)
        .filter_map(|path| Some((mode(&fs::metadata(&path).ok()?), path)))
        .filter(|(mode, _)| mode & !FILE_MODE != 0)
        .map(|(mode, path)| (path, mode))
        .collect();
    files.sort();
    let directory = fs::metadata(data_dir).ok().map(|metadata| (data_dir.to_owned(), mode(&metadata)));
    directory.into_iter().filter(|(_, mode)| mode & !DIRECTORY_MODE != 0).chain(files).collect()
}

fn room(data_dir: &Path) -> Check {
    let Ok(disk) = rustix::fs::statvfs(data_dir) else {
        return Check::trouble(
            "disk",
            format!("{} cannot be looked at", data_dir.display()),
            "run doctor as the user that posthaste runs as",
        );
    };
    room_left(data_dir, disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// With so many bytes free.
fn room_left(data_dir: &Path, free: u64) -> Check {
    let found = format!("{} MiB are free where {} is", free / (1024 * 1024), data_dir.display());
    if free >= LITTLE_ROOM {
        return Check::fine("disk", found);
    }
    Check::trouble(
        "disk",
        format!("the disk is full: {found}"),
        "make room there; until then nothing is accepted. What was accepted is safe",
    )
}

fn contents(data_dir: &Path) -> Check {
    const NAME: &str = "contents";
    match Store::inspect(data_dir) {
        Ok(found) if found.damage.is_empty() => {
            Check::fine(NAME, format!("all {} rows can be read and fit together", found.rows))
        }
        Ok(found) => Check::trouble(
            NAME,
            format!("the database in {} is damaged: {}", data_dir.display(), found.damage.join("; ")),
            store::trouble::Trouble::Damaged.remedy(),
        ),
        Err(Error::DatabaseFile { path, trouble }) => {
            Check::trouble(NAME, format!("the database {} {trouble}", path.display()), trouble.remedy())
        }
        Err(error) => Check::trouble(NAME, error.to_string(), "see to what is said here, then ask again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_what_to_do() {
        let directory = Path::new("/srv/posthaste");
        let fine = room_left(directory, LITTLE_ROOM);
        assert!(fine.ok && fine.found.contains("64 MiB are free where /srv/posthaste is"), "{fine:?}");
        let full = room_left(directory, LITTLE_ROOM - 1);
        assert!(!full.ok && full.found.starts_with("the disk is full: 63 MiB are free"), "{full:?}");
        assert!(full.remedy.is_some_and(|remedy| remedy.contains("make room")));
    }

    #[test]
    fn files_that_others_may_read_are_told_and_no_others() {
        let directory = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        set(directory.path(), 0o700);
        for (name, mode) in [("posthaste.db", 0o600), ("posthaste.journal", 0o640), ("notes.txt", 0o644)] {
            let path = directory.path().join(name);
            fs::write(&path, "").unwrap();
            set(&path, mode);
        }
        assert_eq!(wider(directory.path()), [(directory.path().join("posthaste.journal"), 0o640)]);

        set(directory.path(), 0o755);
        let told = permissions(directory.path());
        assert!(told.found.contains("(0755)") && told.remedy.is_some(), "{told:?}");
    }
}
