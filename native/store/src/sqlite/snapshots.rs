//! Snapshots of runs: the latest of each.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::trouble::{Trouble, damaged};
use crate::Snapshot;
use crate::checksum::keyed_crc;

const PLACE: &str = "the snapshots";

fn crc_of(run: u64, position: u64, bytes: &[u8]) -> u32 {
    keyed_crc(&[run, position], bytes)
}

/// Stores or replaces one snapshot inside a transaction.
pub(super) fn put(conn: &Connection, run: u64, position: u64, bytes: &[u8]) -> Result<(), Trouble> {
    conn.prepare_cached(
        "INSERT INTO snapshot(run, position, crc, bytes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT(run) \
         DO UPDATE SET position = excluded.position, crc = excluded.crc, bytes = excluded.bytes",
    )?
    .execute(params![run as i64, position as i64, crc_of(run, position, bytes), bytes])?;
    Ok(())
}

/// Reads a run's snapshot; table and twin must tell the same.
pub(super) fn get(conn: &Connection, run: u64) -> Result<Option<Snapshot>, Trouble> {
    let twin: Option<(i64, u32)> = conn
        .prepare_cached(
            "SELECT position, crc FROM snapshot INDEXED BY snapshot_twin WHERE run = ?1",
        )?
        .query_row([run as i64], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut statement = conn
        .prepare_cached("SELECT position, crc, bytes FROM snapshot NOT INDEXED WHERE run = ?1")?;
    let mut rows = statement.query([run as i64])?;
    let row = rows.next()?;
    let found = row.map(|row| Ok::<_, Trouble>((row.get(0)?, row.get(1)?))).transpose()?;
    if found != twin {
        return Err(damaged(PLACE, None, format!("run {run} differs between table and index")));
    }
    let (Some((position, crc)), Some(row)) = (found, row) else { return Ok(None) };
    let bytes = row.get_ref(2)?.as_blob()?;
    let position = position as u64;
    if crc_of(run, position, bytes) != crc {
        return Err(damaged(PLACE, Some(position), format!("the checksum of run {run} is wrong")));
    }
    Ok(Some(Snapshot { run, position, bytes: Bytes::copy_from_slice(bytes) }))
}

/// Checks every snapshot; answers how many there are.
pub(super) fn verify(conn: &Connection) -> Result<u64, Trouble> {
    let mut statement = conn.prepare("SELECT run FROM snapshot NOT INDEXED")?;
    let runs =
        statement.query_map([], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
    for run in &runs {
        get(conn, *run as u64)?;
    }
    Ok(runs.len() as u64)
}
