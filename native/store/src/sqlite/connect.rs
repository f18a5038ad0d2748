//! Opening connections: what is checked before SQLite sees the file, and how SQLite is set up.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::head::HeadRecord;
use super::paths::{beside, io_fault, sync_directory};
use super::schema;
use super::trouble::{Trouble, Wanted, damaged};
use crate::wal::{self, WalDamage, WalState};
use crate::{Damage, StoreFault};

/// How long SQLite waits for its own locks; readers hold them for moments only.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// After a blob has made it long, the write-ahead log is cut back to this size.
const WAL_SIZE_KEPT: i64 = 64 << 20;
const SCANS_MAX: usize = 8;

/// Opens the main file to write; it exists and this process holds the owner's lock.
pub(super) fn connect_owner(path: &Path) -> Result<Connection, StoreFault> {
    let wanted = Wanted { operation: "opening the store", path };
    let state = scan_wal(path)?;
    check_files(path, &state)?;
    let conn = open_file(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| wanted.fault(error.into()))?;
    schema::check(&conn, path)?;
    set_up(&conn, &state).map_err(|trouble| wanted.fault(trouble))?;
    Ok(conn)
}

/// Opens the main file to read, beside a live owner or alone.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, StoreFault> {
    let wanted = Wanted { operation: "opening the store to read", path };
    if !path.is_file() {
        return Err(StoreFault::Missing { path: path.to_owned() });
    }
    check_files(path, &scan_live_wal(path)?)?;
    let conn = open_file(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| wanted.fault(error.into()))?;
    let conn = match (schema::check(&conn, path), has_wal(path)) {
        (Ok(()), _) => conn,
        // A store at rest on a medium that cannot be written needs no lock file of SQLite.
        (Err(StoreFault::Refused { .. } | StoreFault::ReadOnly { .. }), false) => {
            let conn = open_immutable(path).map_err(|error| wanted.fault(error.into()))?;
            schema::check(&conn, path)?;
            conn
        }
        (Err(fault), _) => return Err(fault),
    };
    conn.pragma_update(None, "cell_size_check", true)
        .map_err(|error| wanted.fault(error.into()))?;
    Ok(conn)
}

/// A write-ahead log is as it was written, and has a main file beside it.
fn check_files(path: &Path, state: &WalState) -> Result<(), StoreFault> {
    let is_empty = || fs::metadata(path).is_ok_and(|found| found.len() == 0);
    match state {
        WalState::Damaged(damage) => Err(wal_fault(path, damage)),
        WalState::Sound { commits: 1.., .. } if is_empty() => {
            let wanted = Wanted { operation: "opening the store", path };
            Err(wanted.damage("the main file", None, "it is empty, but its -wal file is not"))
        }
        WalState::Empty | WalState::Sound { .. } => Ok(()),
    }
}

/// Makes a new store under another name and moves it into place, so that a store is never half made.
pub(super) fn create(path: &Path) -> Result<(), StoreFault> {
    let wanted = Wanted { operation: "creating the store", path };
    let fault = |error: &std::io::Error| io_fault("creating the store", path, error);
    if let WalState::Sound { commits: 1.., .. } | WalState::Damaged(_) = scan_wal(path)? {
        return Err(wanted.damage("the main file", None, "it is gone, but its -wal file is there"));
    }
    let new = beside(path, ".new");
    for ending in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(&new, ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(fault(&error));
            }
            _ => {}
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut conn = open_file(&new, flags).map_err(|error| wanted.fault(error.into()))?;
    schema::create(&mut conn).map_err(|trouble| wanted.fault(trouble))?;
    conn.close().map_err(|(_, error)| wanted.fault(error.into()))?;
    fs::rename(&new, path).map_err(|error| fault(&error))?;
    sync_directory(path).map_err(|error| fault(&error))
}

/// The connection that checkpoints on another thread.
pub(super) fn connect_checkpointer(path: &Path) -> Result<Connection, rusqlite::Error> {
    let conn = open_file(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    be_durable(&conn)?;
    Ok(conn)
}

/// Syncs each commit and each checkpoint; when to checkpoint is ours to say.
fn be_durable(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Where a plain sync stops at the drive's cache, as on macOS; without effect elsewhere.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)
}

pub(crate) fn open_file(path: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

fn set_up(conn: &Connection, wal: &WalState) -> Result<(), Trouble> {
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Trouble::Refused(format!(
            "the file system allows journal mode {mode:?} only; a store needs shared memory for WAL"
        )));
    }
    be_durable(conn)?;
    // A connection that ends otherwise than by an orderly close leaves the files as a crash would.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Otherwise some statements are compiled anew with each value that is bound to them.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "journal_size_limit", WAL_SIZE_KEPT)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    if matches!(wal, WalState::Empty) { check_size(conn) } else { Ok(()) }
}

/// Without a write-ahead log, the main file is exactly as long as its header says. A header that says less would
/// let new pages overwrite old ones.
fn check_size(conn: &Connection) -> Result<(), Trouble> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let wanted_size = number("page_count")? * number("page_size")?;
    // The file's name goes in, not a descriptor: closing one would drop SQLite's locks.
    let path = conn.path().ok_or_else(|| Trouble::Refused("the store has no path".to_owned()))?;
    let found_size = fs::metadata(path).map_or(wanted_size, |metadata| metadata.len() as i64);
    if wanted_size == found_size {
        return Ok(());
    }
    let reason = format!("it is {found_size} bytes long, its header says {wanted_size}");
    Err(damaged("the main file", None, reason))
}

fn has_wal(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|metadata| metadata.len() > 0)
}

fn scan_wal(path: &Path) -> Result<WalState, StoreFault> {
    let wal = beside(path, "-wal");
    wal::scan(&wal, || checkpointed_commit(path))
        .map_err(|error| io_fault("reading the write-ahead log", &wal, &error))
}

/// Scans while an owner may be writing: only damage that is seen twice is there.
pub(super) fn scan_live_wal(path: &Path) -> Result<WalState, StoreFault> {
    let mut state = scan_wal(path)?;
    for _ in 0..SCANS_MAX {
        let before = state;
        state = scan_wal(path)?;
        if state == before || !matches!(state, WalState::Damaged(_)) {
            return Ok(state);
        }
    }
    Ok(WalState::Empty)
}

/// The last commit that the main file holds, whatever the write-ahead log says; 0 if it cannot be told.
fn checkpointed_commit(path: &Path) -> u64 {
    let head = open_immutable(path).ok().and_then(|conn| HeadRecord::load(&conn).ok());
    head.map_or(0, |head| head.commit)
}

fn open_immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    open_file(Path::new(&immutable_uri(path)), flags)
}

/// The URI under which SQLite reads the main file alone, without locks and without the write-ahead log.
fn immutable_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            uri.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    uri.push_str("?immutable=1");
    uri
}

pub(super) fn wal_fault(path: &Path, damage: &WalDamage) -> StoreFault {
    StoreFault::Damaged(Box::new(Damage {
        path: beside(path, "-wal"),
        place: format!("frame {} of the write-ahead log at offset {}", damage.frame, damage.offset),
        position: None,
        offset: Some(damage.offset),
        frame: Some(damage.frame),
        reason: damage.reason.to_owned(),
    }))
}
