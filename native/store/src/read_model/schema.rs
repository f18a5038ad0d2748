//! The tables of the read model.

use rusqlite::{Connection, OptionalExtension};

use crate::sqlite::Trouble;

/// "pyfr": marks the file as a read model.
const APPLICATION_ID: u32 = 0x7079_6672;
/// Raised with any change below; the file is then rebuilt.
const FORMAT: u32 = 1;

const TABLES: &str = "
CREATE TABLE applied(id INTEGER PRIMARY KEY, position INTEGER NOT NULL);
INSERT INTO applied(id, position) VALUES (1, 0);
CREATE TABLE run(
    run INTEGER PRIMARY KEY, run_id TEXT NOT NULL, namespace TEXT NOT NULL, definition TEXT NOT NULL,
    version TEXT, hash TEXT NOT NULL, status TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
    started_at_ms INTEGER, ended_at_ms INTEGER, created_by TEXT, priority TEXT NOT NULL, metadata TEXT,
    first_position INTEGER NOT NULL, last_position INTEGER NOT NULL, key TEXT, error TEXT, result BLOB);
CREATE UNIQUE INDEX run_by_id ON run(namespace, run_id);
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
    transaction.commit()?;
    Ok(())
}

/// Whether the file is a read model of this format.
pub(super) fn is_current(conn: &Connection) -> Result<bool, Trouble> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(number("application_id")? == i64::from(APPLICATION_ID)
        && number("user_version")? == i64::from(FORMAT)
        && position(conn)?.is_some())
}

/// The position that has been applied; `None` if its row is missing.
pub(super) fn position(conn: &Connection) -> Result<Option<u64>, Trouble> {
    let position: Option<i64> = conn
        .prepare_cached("SELECT position FROM applied WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(position.map(|position| position as u64))
}
