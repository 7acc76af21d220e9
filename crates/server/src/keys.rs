//! The server's own two keys: the admin key, and the master key that secrets are encrypted with.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use model::env::Env;
use store::private;
use store::seal::MasterKey;

use crate::config::Config;

const ADMIN_KEY: &str = "admin.key";
const MASTER_KEY: &str = "master.key";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot use {}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("{} does not hold a master key: {cause}", path.display())]
    NotAMasterKey { path: PathBuf, cause: store::seal::NotAMasterKey },
    #[error(
        "the database has secrets and there is no master.key in {}: put it back, or give the key with POSTHASTE_MASTER_KEY or --master-key-file",
        .0.display()
    )]
    MissingMasterKey(PathBuf),
    #[error("{} is empty; delete it, and a new admin key is made", .0.display())]
    EmptyAdminKey(PathBuf),
}

/// The admin key, and whether it was made just now.
pub struct AdminKey {
    pub text: String,
    pub is_new: bool,
}

/// The admin key from the environment or its file, which is made on the first start.
pub fn admin_key(config: &Config, env: &dyn Env) -> Result<AdminKey, Error> {
    if let Some(key) = &config.admin_key {
        return Ok(AdminKey { text: key.reveal().to_owned(), is_new: false });
    }
    let path = config.data_dir.join(ADMIN_KEY);
    if let Some(text) = read(&path)? {
        let text = text.trim().to_owned();
        return if text.is_empty() { Err(Error::EmptyAdminKey(path)) } else { Ok(AdminKey { text, is_new: false }) };
    }
    let mut bytes = [0; 32];
    env.fill(&mut bytes);
    let text = format!("ph_admin_{}", data_encoding::HEXLOWER.encode(&bytes));
    create(&path, &text)?;
    Ok(AdminKey { text, is_new: true })
}

/// The master key from the environment, a named file, or the data directory's. `None` if there is none yet.
pub fn master_key(config: &Config) -> Result<Option<MasterKey>, Error> {
    if let Some(key) = &config.master_key {
        return Ok(Some(key.clone()));
    }
    let path = master_key_path(config);
    match read(&path)? {
        Some(text) => MasterKey::parse(&text).map(Some).map_err(|cause| Error::NotAMasterKey { path, cause }),
        None if config.master_key_file.is_some() => {
            Err(Error::File { path, cause: io::Error::from(io::ErrorKind::NotFound) })
        }
        None => Ok(None),
    }
}

/// A new master key in the data directory, for a database that has no secrets yet.
pub fn make_master_key(config: &Config, env: &dyn Env) -> Result<MasterKey, Error> {
    let key = MasterKey::generate(env);
    create(&master_key_path(config), &key.reveal())?;
    Ok(key)
}

/// The file that holds the master key when the environment does not.
fn master_key_path(config: &Config) -> PathBuf {
    config.master_key_file.clone().unwrap_or_else(|| config.data_dir.join(MASTER_KEY))
}

/// A new master key, on disk beside the one it will replace.
pub struct NextMasterKey {
    path: PathBuf,
    next: PathBuf,
}

/// Writes a new master key beside the present one's file.
pub fn keep_next(config: &Config, key: &MasterKey) -> Result<NextMasterKey, Error> {
    let path = master_key_path(config);
    let next = next_to(&path);
    // Of a rotation that did not get as far as the database: `master_key` would have put it in place otherwise.
    match fs::remove_file(&next) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(Error::File { path: next, cause }),
        _ => {}
    }
    create(&next, &key.reveal())?;
    Ok(NextMasterKey { path, next })
}

fn next_to(path: &Path) -> PathBuf {
    path.with_extension("key.next")
}

impl NextMasterKey {
    /// Replaces the present key's file, which the database no longer needs.
    pub fn put_in_place(self) -> Result<PathBuf, Error> {
        let put = || {
            fs::rename(&self.next, &self.path)?;
            self.path.parent().map_or(Ok(()), private::sync_directory)
        };
        put().map_err(|cause| Error::File { path: self.path.clone(), cause })?;
        Ok(self.path)
    }
}

/// Finishes a rotation that was interrupted after the database was encrypted anew: its key is the one beside the
/// present one. False if there is none.
pub fn finish_rotation(config: &Config) -> Result<bool, Error> {
    let path = master_key_path(config);
    let next = next_to(&path);
    if config.master_key.is_some() || read(&next)?.is_none() {
        return Ok(false);
    }
    NextMasterKey { path, next }.put_in_place().map(|_| true)
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::File { path: path.to_owned(), cause }),
    }
}

/// Writes a new file that only we can read, durably: what is encrypted with a key is lost with it.
fn create(path: &Path, text: &str) -> Result<(), Error> {
    let write = || {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        private::directory(directory)?;
        let mut file = private::options().write(true).create_new(true).open(path)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        private::sync_directory(directory)
    };
    write().map_err(|cause| Error::File { path: path.to_owned(), cause })
}

/// A master key of 32 random bytes, in the form its file has.
pub fn generate(env: &dyn Env) -> MasterKey {
    let mut bytes = [0; 32];
    env.fill(&mut bytes);
    MasterKey::parse(&BASE64.encode(&bytes)).expect("32 bytes in base64 are a master key")
}
