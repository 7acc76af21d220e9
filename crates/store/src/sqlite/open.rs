//! Opening the database file: pragmas, migrations, the check of the master key, the first directory.

use std::path::Path;
use std::sync::Arc;

use model::env::Env;
use model::project::Slug;
use rusqlite::{Connection, OptionalExtension, params};

use super::{connect, endpoints, keys, project_dialects, projects};
use crate::Error;
use crate::directory::Directory;
use crate::projects::default_project;
use crate::seal::{KEY_CHECK, KEY_CHECK_TEXT, Seal};
use crate::trouble::Trouble;

mod embedded {
    refinery::embed_migrations!("src/sqlite/migrations");
}

/// An open database, with the directory that is read from it at start.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    pub(crate) directory: Directory,
}

impl Database {
    pub(crate) const FILE: &str = "posthaste.db";

    /// Brings an open database up to date, checks the master key, and reads the directory.
    pub(crate) fn of(mut connection: Connection, seal: &Seal, env: &Arc<dyn Env>) -> Result<Self, Error> {
        migrate(&mut connection)?;
        check_key(&connection, seal, &**env)?;
        ensure_default_project(&connection, &**env)?;
        let directory = read_directory(&connection, seal)?;
        Ok(Self { connection, directory })
    }

    /// Applies the missing migrations and returns their names.
    pub(crate) fn migrate(path: &Path) -> Result<Vec<String>, Error> {
        migrate(&mut connect::connect(path)?)
    }
}

/// The migration that creates the indexes for looking up deliveries.
const INDEXED: i64 = 7;

/// Logs a migration that takes minutes if there is much to index.
fn announce_indexing(db: &Connection) {
    let version = "SELECT max(version) FROM refinery_schema_history";
    // Without that table there is nothing yet.
    let Ok(Some(version)) = db.query_row(version, [], |row| row.get::<_, Option<i64>>(0)) else { return };
    if version < INDEXED {
        tracing::info!("database migration begun; new indexes of deliveries take a minute or two for ten million");
    }
}

fn migrate(connection: &mut Connection) -> Result<Vec<String>, Error> {
    announce_indexing(connection);
    // In one transaction: otherwise a migration and the note that it was done are apart, and a power cut in between
    // leaves a database that nobody can open.
    let report = embedded::migrations::runner().set_grouped(true).run(connection);
    let report = report.map_err(|error| not_migrated(&error))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// True if the database has secrets, encrypted with some master key.
pub(super) fn has_key(db: &Connection) -> Result<bool, Error> {
    let is_there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    if db.query_row(is_there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(false);
    }
    let kept = db.query_row("SELECT 1 FROM meta WHERE name = ?", [KEY_CHECK], |_| Ok(())).optional()?;
    Ok(kept.is_some())
}

/// Keeps the cause if the database cannot be read: that is another matter than one that another version made.
fn not_migrated(error: &refinery::Error) -> Error {
    if let refinery::error::Kind::Connection(_, cause) = error.kind()
        && let Some(cause) = cause.downcast_ref::<rusqlite::Error>()
        && let Some(failed) = cause.sqlite_error()
        && Trouble::of(cause) != Trouble::Other
    {
        return rusqlite::Error::SqliteFailure(*failed, None).into();
    }
    Error::Migration(error.to_string())
}

fn check_key(db: &Connection, seal: &Seal, env: &dyn Env) -> Result<(), Error> {
    let kept: Option<Vec<u8>> =
        db.query_row("SELECT value FROM meta WHERE name = ?", [KEY_CHECK], |row| row.get(0)).optional()?;
    match kept {
        Some(sealed) => seal.open(&sealed, KEY_CHECK.as_bytes()).map(|_| ()),
        None => {
            let sealed = seal.seal(KEY_CHECK_TEXT, KEY_CHECK.as_bytes(), env);
            db.execute("INSERT INTO meta (name, value) VALUES (?, ?)", params![KEY_CHECK, sealed])?;
            Ok(())
        }
    }
}

fn ensure_default_project(db: &Connection, env: &dyn Env) -> Result<(), Error> {
    let exists = db.query_row("SELECT 1 FROM projects WHERE slug = ?", [Slug::DEFAULT], |_| Ok(())).optional()?;
    if exists.is_some() {
        return Ok(());
    }
    let project = default_project(env);
    projects::insert(db, &project)
}

fn read_directory(db: &Connection, seal: &Seal) -> Result<Directory, Error> {
    let mut directory = Directory::default();
    for project in projects::all(db)? {
        directory.put_project(project);
    }
    project_dialects::read(db, &mut directory)?;
    for key in keys::all(db)? {
        directory.put_key(key);
    }
    for endpoint in endpoints::all(db, seal)? {
        directory.put_endpoint(endpoint);
    }
    Ok(directory)
}
