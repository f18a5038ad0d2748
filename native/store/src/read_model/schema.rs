//! The tables of the read model.

use rusqlite::{Connection, OptionalExtension};

use super::row::{ALL_COLUMNS, RunRow};
use crate::sqlite::Trouble;

/// "pyfr": marks the file as a read model.
const APPLICATION_ID: u32 = 0x7079_6672;
/// Raised with any change below; the file is then rebuilt.
const FORMAT: u32 = 5;

const TABLES: &str = "
CREATE TABLE applied(id INTEGER PRIMARY KEY, position INTEGER NOT NULL, durable INTEGER NOT NULL,
    crc INTEGER NOT NULL);
CREATE TABLE store(identity BLOB NOT NULL);
CREATE TABLE run(
    run INTEGER PRIMARY KEY, run_id TEXT NOT NULL, namespace TEXT NOT NULL, definition TEXT NOT NULL,
    version TEXT, hash TEXT NOT NULL, status TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    started_at_ms INTEGER, ended_at_ms INTEGER, created_by TEXT, priority TEXT NOT NULL, metadata TEXT,
    first_position INTEGER NOT NULL, last_position INTEGER NOT NULL, key TEXT, error TEXT, result BLOB,
    crc INTEGER NOT NULL, long_crc INTEGER NOT NULL);
CREATE UNIQUE INDEX run_by_id ON run(namespace, run_id);
CREATE INDEX run_by_namespace ON run(namespace, run);
CREATE INDEX run_by_status ON run(namespace, status, run);
CREATE INDEX run_by_definition ON run(namespace, definition, run);
CREATE INDEX run_by_creator ON run(namespace, created_by, run) WHERE created_by IS NOT NULL;
CREATE INDEX run_by_key ON run(namespace, key) WHERE key IS NOT NULL;
CREATE INDEX run_by_end ON run(ended_at_ms) WHERE ended_at_ms IS NOT NULL;
";

/// Makes the tables in an empty file, with nothing applied.
pub(super) fn create(conn: &mut Connection) -> Result<(), Trouble> {
    let transaction = conn.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.execute_batch(TABLES)?;
    set_reach(&transaction, Reach::default())?;
    transaction.commit()?;
    Ok(())
}

/// Whether the file is a read model of this format.
pub(super) fn is_current(conn: &Connection) -> Result<bool, Trouble> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(number("application_id")? == i64::from(APPLICATION_ID)
        && number("user_version")? == i64::from(FORMAT)
        && reach(conn)?.is_some())
}

/// What of the log a read model knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Reach {
    /// The position that has been applied.
    pub(super) position: u64,
    /// A position up to which the log was durable: no crash takes it back.
    pub(super) durable: u64,
}

impl Reach {
    fn crc(self) -> i64 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.position.to_le_bytes());
        bytes[8..].copy_from_slice(&self.durable.to_le_bytes());
        i64::from(crc32fast::hash(&bytes))
    }
}

/// What has been applied; `None` if its row is missing or not as it was written.
pub(super) fn reach(conn: &Connection) -> Result<Option<Reach>, Trouble> {
    let row: Option<(i64, i64, i64)> = conn
        .prepare_cached("SELECT position, durable, crc FROM applied WHERE id = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(row.and_then(|(position, durable, crc)| {
        let found = Reach { position: position as u64, durable: durable as u64 };
        (found.crc() == crc).then_some(found)
    }))
}

/// Notes what has been applied.
pub(super) fn set_reach(conn: &Connection, reach: Reach) -> Result<(), Trouble> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO applied(id, position, durable, crc) VALUES (1, ?1, ?2, ?3)",
    )?
    .execute([reach.position as i64, reach.durable as i64, reach.crc()])?;
    Ok(())
}

/// The identity of the store whose runs these are; empty where none was noted.
pub(super) fn identity(conn: &Connection) -> Result<Vec<u8>, Trouble> {
    let found = conn.query_row("SELECT identity FROM store", [], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default())
}

/// Notes whose runs these are.
pub(super) fn set_identity(conn: &Connection, identity: &[u8]) -> Result<(), Trouble> {
    conn.execute("DELETE FROM store", [])?;
    conn.execute("INSERT INTO store(identity) VALUES (?1)", [identity])?;
    Ok(())
}

/// Files up to this size are checked whole when they are opened; the rows of larger ones are checked
/// as they are read.
const CHECKED_SIZE_MAX: u64 = 32 * 1024 * 1024;

/// Whether the file holds what was written: its pages, its indexes and every row.
pub(super) fn is_sound(conn: &Connection, size: u64) -> Result<bool, Trouble> {
    if size > CHECKED_SIZE_MAX {
        return Ok(true);
    }
    let verdict: String = conn.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    if verdict != "ok" {
        return Ok(false);
    }
    let mut statement = conn.prepare(&format!("SELECT {ALL_COLUMNS} FROM run"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !RunRow::is_sound(row)? {
            return Ok(false);
        }
    }
    Ok(true)
}
