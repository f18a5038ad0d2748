//! The tables of a store, and the check that a file has them, each in its place.
//!
//! Each key is in two trees, a table and a twin index: a damaged page can hide a row from one of them, never from
//! both. The head's table comes first; its page number is known to the reader of the write-ahead log.

use std::io::Read;
use std::path::Path;

use rusqlite::Connection;

use super::head::HeadRecord;
use super::meta;
use super::trouble::{Trouble, Wanted, damaged};
use crate::StoreFault;
use crate::system_limits::with_way_out;

/// "pyfl": marks the file as one of ours.
const APPLICATION_ID: u32 = 0x7079_666c;
/// The version of the tables below and of the head record.
const FORMAT: u32 = 1;

// Small columns come before long ones, so that a scan does not walk the long ones' pages.
const TABLES: &[&str] = &[
    "CREATE TABLE head(id INTEGER PRIMARY KEY, record BLOB NOT NULL)",
    "CREATE TABLE turn(position INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, crc INTEGER NOT NULL, \
     prev_crc INTEGER NOT NULL, runs_crc INTEGER NOT NULL, runs BLOB NOT NULL, events BLOB NOT NULL)",
    "CREATE TABLE meta(key TEXT NOT NULL, crc INTEGER NOT NULL, value BLOB NOT NULL, \
     PRIMARY KEY(key)) WITHOUT ROWID",
    "CREATE TABLE blob(hash BLOB NOT NULL, bytes BLOB NOT NULL)",
    "CREATE TABLE snapshot(run INTEGER PRIMARY KEY, position INTEGER NOT NULL, crc INTEGER NOT NULL, \
     bytes BLOB NOT NULL)",
    "CREATE TABLE checkpoint(shard INTEGER PRIMARY KEY, position INTEGER NOT NULL, \
     crc INTEGER NOT NULL, bytes BLOB NOT NULL)",
    "CREATE TABLE history(run INTEGER NOT NULL, chunk INTEGER NOT NULL, \
     first_position INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL, \
     PRIMARY KEY(run, chunk)) WITHOUT ROWID",
    "CREATE INDEX meta_twin ON meta(key, crc)",
    "CREATE UNIQUE INDEX blob_hash ON blob(hash)",
    "CREATE INDEX blob_twin ON blob(hash)",
    "CREATE INDEX snapshot_twin ON snapshot(run, position, crc)",
    "CREATE INDEX history_twin ON history(run, chunk, crc)",
];

/// Makes the tables in an empty file, in one transaction.
pub(super) fn create(conn: &mut Connection) -> Result<(), Trouble> {
    let transaction = conn.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    for table in TABLES {
        transaction.execute(table, [])?;
    }
    let schema_crc = fingerprint(&transaction)?;
    HeadRecord { commit: 1, schema_crc, ..HeadRecord::default() }.create(&transaction)?;
    meta::put(&transaction, meta::IDENTITY, &new_identity()?)?;
    transaction.commit()?;
    Ok(())
}

fn new_identity() -> Result<[u8; 16], Trouble> {
    let mut identity = [0; 16];
    let read =
        std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut identity));
    read.map_err(|error| {
        Trouble::Refused(format!("no random bytes for its identity: {}", with_way_out(&error)))
    })?;
    Ok(identity)
}

/// Whether SQL does not fit the tables: a name in it can only be wrong where a schema page has changed.
fn is_misfit(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown)
}

/// Checks that the file is a store of this format and that each table is where it was created.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<(), StoreFault> {
    let wanted = Wanted { operation: "opening the store", path };
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application_id = number("application_id").map_err(|error| foreign(path, error))?;
    let format = number("user_version").map_err(|error| foreign(path, error))?;
    if application_id != i64::from(APPLICATION_ID) {
        let found = format!("it is an SQLite file with application id {application_id:#x}");
        return Err(StoreFault::NotAStore { path: path.to_owned(), found });
    }
    if format != i64::from(FORMAT) {
        let found = format as u32;
        return Err(StoreFault::FormatUnknown { path: path.to_owned(), found, known: FORMAT });
    }
    check_tables(conn).map_err(|trouble| {
        if let Trouble::Sqlite(error) = &trouble
            && is_misfit(error)
        {
            return wanted.damage("the schema", None, error.to_string());
        }
        wanted.fault(trouble)
    })
}

fn check_tables(conn: &Connection) -> Result<(), Trouble> {
    if HeadRecord::load(conn)?.schema_crc != fingerprint(conn)? {
        return Err(damaged("the schema", None, "it is not the one that was created"));
    }
    // Set by nobody here; SQLite would keep a map in pages that hold our rows.
    let auto_vacuum: i64 = conn.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    if auto_vacuum == 0 {
        Ok(())
    } else {
        Err(damaged("the main file", None, "its header changed"))
    }
}

/// A checksum of each table's definition and root page.
fn fingerprint(conn: &Connection) -> Result<u32, Trouble> {
    let mut statement = conn.prepare(
        "SELECT type, name, tbl_name, rootpage, coalesce(sql, '') FROM sqlite_schema ORDER BY rootpage",
    )?;
    let mut rows = statement.query([])?;
    let mut hasher = crc32fast::Hasher::new();
    while let Some(row) = rows.next()? {
        for column in [0, 1, 2, 4] {
            hasher.update(row.get_ref(column)?.as_str()?.as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(&row.get_ref(3)?.as_i64()?.to_le_bytes());
    }
    Ok(hasher.finalize())
}

fn foreign(path: &Path, error: rusqlite::Error) -> StoreFault {
    let fault = Wanted { operation: "opening the store", path }.fault(error.into());
    if let StoreFault::Damaged(damage) = fault {
        if bears_our_mark(path) {
            return StoreFault::Damaged(damage);
        }
        StoreFault::NotAStore { path: path.to_owned(), found: damage.reason }
    } else {
        fault
    }
}

/// Whether the head of a file that SQLite cannot read says that it was a store of ours.
fn bears_our_mark(path: &Path) -> bool {
    const AT: usize = 68; // Where SQLite keeps a file's application id.
    let mut head = [0; AT + 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[AT..] == APPLICATION_ID.to_be_bytes()
}
