//! The full check, for the doctor.

use std::path::Path;

use rusqlite::Connection;

use super::connect::{scan_live_wal, wal_fault};
use super::head::HeadRecord;
use super::trouble::{Trouble, Wanted, damaged};
use super::turns::{self, Link};
use super::{blobs, checkpoints, meta, run_history, snapshots};
use crate::wal::WalState;
use crate::{StoreFault, VerifyReport};

const READ_SIZE: usize = 1 << 20;

/// Reads and checks everything; the first damage found ends it.
pub(super) fn verify(conn: &Connection, path: &Path) -> Result<VerifyReport, StoreFault> {
    let wanted = Wanted { operation: "checking the store", path };
    let checked = check_tables(conn).map_err(|trouble| wanted.fault(trouble))?;
    let wal_frames = check_wal(path)?;
    Ok(VerifyReport { wal_frames, ..checked })
}

fn check_tables(conn: &Connection) -> Result<VerifyReport, Trouble> {
    check_pages(conn)?;
    let head = HeadRecord::load(conn)?;
    turns::check_tail(conn, &head)?;
    checkpoints::get(conn, &head)?;
    Ok(VerifyReport {
        turns: check_turns(conn, &head)?,
        blobs: blobs::verify(conn)?,
        snapshots: snapshots::verify(conn)?,
        history_chunks: run_history::verify(conn)?,
        meta_entries: count_meta(conn)?,
        wal_frames: 0,
    })
}

/// Checks all of the metadata; answers how many entries of it are not the store's own.
fn count_meta(conn: &Connection) -> Result<u64, Trouble> {
    let entries = meta::list(conn, "")?;
    Ok(entries.iter().filter(|(key, _)| !key.starts_with(meta::OWN)).count() as u64)
}

/// SQLite's own check of its pages, and that tables and indexes hold the same rows.
fn check_pages(conn: &Connection) -> Result<(), Trouble> {
    let found: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(damaged("the main file", None, found)) }
}

fn check_turns(conn: &Connection, head: &HeadRecord) -> Result<u64, Trouble> {
    let mut link = Link::before(conn, head, head.trimmed + 1)?;
    while link.position < head.position {
        let turns = turns::read(conn, head, link.position + 1, READ_SIZE)?;
        let last = turns.last().ok_or_else(|| damaged("the log", None, "it ends early"))?;
        link.position = last.position;
    }
    Ok(head.position - head.trimmed)
}

fn check_wal(path: &Path) -> Result<u64, StoreFault> {
    match scan_live_wal(path)? {
        WalState::Empty => Ok(0),
        WalState::Sound { frames, .. } => Ok(frames),
        WalState::Damaged(damage) => Err(wal_fault(path, &damage)),
    }
}
