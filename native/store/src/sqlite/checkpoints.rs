//! The shard's checkpoint: one row, named by position and checksum in the head.

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::head::HeadRecord;
use super::snapshots;
use super::trouble::{Trouble, damaged};
use crate::Checkpoint;
use crate::checksum::keyed_crc;

const PLACE: &str = "the checkpoint";

/// A file holds one shard.
const SHARD: i64 = 0;

/// Stores the checkpoint and snapshots at its position inside a transaction.
pub(super) fn put(
    conn: &Connection,
    head: &mut HeadRecord,
    checkpoint: &Checkpoint,
    runs: &[(u64, Bytes)],
) -> Result<(), Trouble> {
    let position = checkpoint.position;
    if !(head.checkpoint_position.max(1)..=head.position).contains(&position) {
        return Err(Trouble::Refused(format!(
            "a checkpoint at {position} lies outside {}..={}",
            head.checkpoint_position.max(1),
            head.position
        )));
    }
    let crc = keyed_crc(&[position], &checkpoint.bytes);
    conn.prepare_cached(
        "INSERT INTO checkpoint(shard, position, crc, bytes) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT(shard) DO UPDATE SET position = excluded.position, crc = excluded.crc, \
         bytes = excluded.bytes",
    )?
    .execute(params![SHARD, position as i64, crc, &checkpoint.bytes[..]])?;
    for (run, bytes) in runs {
        snapshots::put(conn, *run, position, bytes)?;
    }
    head.checkpoint_position = position;
    head.checkpoint_crc = crc;
    Ok(())
}

/// Reads the checkpoint; it must be the one that the head names.
pub(super) fn get(conn: &Connection, head: &HeadRecord) -> Result<Option<Checkpoint>, Trouble> {
    let mut statement =
        conn.prepare_cached("SELECT position, bytes FROM checkpoint WHERE shard = ?1")?;
    let mut rows = statement.query([SHARD])?;
    let wanted = head.checkpoint_position;
    let row = match rows.next()? {
        None if wanted == 0 => return Ok(None),
        None => return Err(damaged(PLACE, Some(wanted), "it is missing")),
        Some(row) => row,
    };
    let position = row.get::<_, i64>(0)? as u64;
    let bytes = row.get_ref(1)?.as_blob()?;
    if position != wanted || keyed_crc(&[position], bytes) != head.checkpoint_crc {
        return Err(damaged(PLACE, Some(wanted), "it is not the one that the head names"));
    }
    Ok(Some(Checkpoint { position, bytes: Bytes::copy_from_slice(bytes) }))
}

/// Reads back what was just stored, from the file and not from SQLite's memory.
pub(super) fn read_back(
    conn: &Connection,
    head: &HeadRecord,
    checkpoint: &Checkpoint,
    runs: &[(u64, Bytes)],
) -> Result<(), Trouble> {
    conn.release_memory()?;
    if get(conn, head)?.as_ref() != Some(checkpoint) {
        return Err(damaged(PLACE, Some(checkpoint.position), "it came back different"));
    }
    for (run, bytes) in runs {
        let found = snapshots::get(conn, *run)?;
        let is_same = found
            .is_some_and(|found| found.position == checkpoint.position && found.bytes == *bytes);
        if !is_same {
            let reason = format!("the snapshot of run {run} came back different");
            return Err(damaged(PLACE, Some(checkpoint.position), reason));
        }
    }
    Ok(())
}
