//! What forgotten runs leave: marked in the turn that forgets them, deleted in bites, each run's mark last.
//!
//! Which run names which blob stands in the metadata twice, by run and by blob: a blob goes with the last run that
//! names it. A blob without such an entry, as a definition is, stays.

use rusqlite::{Connection, OptionalExtension};

use super::meta;
use super::trouble::{Trouble, damaged};
use crate::BlobHash;

const MARK: &str = "\u{1}forgotten/";
const BY_RUN: &str = "\u{1}run_blob/";
const BY_BLOB: &str = "\u{1}blob_run/";
/// Small rows cost time too: each counts as so many bytes of a bite.
const ROW_SIZE: usize = 4_096;

fn mark(run: u64) -> String {
    format!("{MARK}{run:016x}")
}

fn of_run(run: u64) -> String {
    format!("{BY_RUN}{run:016x}/")
}

fn of_blob(hash: &str) -> String {
    format!("{BY_BLOB}{hash}/")
}

/// Notes which runs name which blobs, inside the transaction that stores those and before it does.
pub(super) fn note_named(conn: &Connection, named: &[(u64, BlobHash)]) -> Result<(), Trouble> {
    for (run, hash) in named {
        let hash = hash.to_string();
        // One that is there without a name is needed by somebody who is not on record.
        if meta::first(conn, &of_blob(&hash))?.is_none() && is_stored(conn, &hash)? {
            continue;
        }
        meta::put(conn, &format!("{}{hash}", of_run(*run)), &[])?;
        meta::put(conn, &format!("{}{run:016x}", of_blob(&hash)), &[])?;
    }
    Ok(())
}

fn is_stored(conn: &Connection, hash: &str) -> Result<bool, Trouble> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM blob WHERE hash = unhex(?1)")?;
    Ok(statement.exists([hash])?)
}

/// Marks runs inside a transaction: what is kept of them may be deleted from now on.
pub(super) fn note_forgotten(conn: &Connection, runs: &[u64]) -> Result<(), Trouble> {
    runs.iter().try_for_each(|run| meta::put(conn, &mark(*run), &[]))
}

/// The marked runs, in order.
pub(super) fn list(conn: &Connection) -> Result<Vec<u64>, Trouble> {
    let marks = meta::list(conn, MARK)?;
    let number = |key: &str| u64::from_str_radix(&key[MARK.len()..], 16).ok();
    let runs: Option<Vec<u64>> = marks.iter().map(|(key, _)| number(key)).collect();
    runs.ok_or_else(|| damaged("the metadata", None, "the mark of a forgotten run is no number"))
}

/// Deletes about `size_max` bytes inside a transaction; answers whether there is more.
pub(super) fn free(conn: &Connection, size_max: usize) -> Result<bool, Trouble> {
    let mut left = Some(size_max);
    let mut take = |size: usize| {
        left = left.and_then(|left| left.checked_sub(size + ROW_SIZE));
        left.is_none()
    };
    for run in list(conn)? {
        while let Some(size) = delete_last_chunk(conn, run)? {
            if take(size) {
                return Ok(true);
            }
        }
        while let Some(size) = delete_name_of_blob(conn, run)? {
            if take(size) {
                return Ok(true);
            }
        }
        let size = delete_snapshot(conn, run)?;
        meta::remove(conn, &mark(run))?;
        if take(size) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// From the last chunk to the first, so that what is left is numbered without gaps.
fn delete_last_chunk(conn: &Connection, run: u64) -> Result<Option<usize>, Trouble> {
    let last: Option<(u32, i64)> = conn
        .prepare_cached(
            "SELECT chunk, length(bytes) FROM history NOT INDEXED WHERE run = ?1 \
             ORDER BY chunk DESC LIMIT 1",
        )?
        .query_row([run as i64], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((chunk, size)) = last else { return Ok(None) };
    conn.prepare_cached("DELETE FROM history WHERE run = ?1 AND chunk = ?2")?
        .execute((run as i64, chunk))?;
    Ok(Some(size as usize))
}

fn delete_snapshot(conn: &Connection, run: u64) -> Result<usize, Trouble> {
    let size: Option<i64> = conn
        .prepare_cached("SELECT length(bytes) FROM snapshot NOT INDEXED WHERE run = ?1")?
        .query_row([run as i64], |row| row.get(0))
        .optional()?;
    conn.prepare_cached("DELETE FROM snapshot WHERE run = ?1")?.execute([run as i64])?;
    Ok(size.unwrap_or(0) as usize)
}

/// Takes one blob from what the run names; the blob itself goes if no other run names it.
fn delete_name_of_blob(conn: &Connection, run: u64) -> Result<Option<usize>, Trouble> {
    let prefix = of_run(run);
    let Some(key) = meta::first(conn, &prefix)? else { return Ok(None) };
    let hash = &key[prefix.len()..];
    meta::remove(conn, &key)?;
    meta::remove(conn, &format!("{}{run:016x}", of_blob(hash)))?;
    if meta::first(conn, &of_blob(hash))?.is_some() {
        return Ok(Some(0));
    }
    let found: Option<i64> = conn
        .prepare_cached("SELECT length(bytes) FROM blob WHERE hash = unhex(?1)")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    conn.prepare_cached("DELETE FROM blob WHERE hash = unhex(?1)")?.execute([hash])?;
    Ok(Some(found.unwrap_or(0) as usize))
}
