//! What happened to one run: chunks of history, then turns of the log.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::head::HeadRecord;
use super::trouble::{Trouble, damaged};
use super::turns::{COLUMNS, Link, TurnRow, load_events};
use crate::checksum::{keyed_crc, runs_hold};
use crate::{HistoryChunk, RunPage, RunPiece};

const PLACE: &str = "the history";

/// The stretch of one run that a reader wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) run: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) limit_bytes: usize,
}

/// Where a chunk begins and how it is checked; its bytes are not loaded yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkKey {
    pub(super) chunk: u32,
    pub(super) first_position: u64,
    crc: u32,
}

pub(super) fn chunk_crc(run: u64, chunk: u32, first_position: u64, bytes: &[u8]) -> u32 {
    keyed_crc(&[run, u64::from(chunk), first_position], bytes)
}

/// Reads a stretch of a run, history first.
pub(super) fn read(
    conn: &Connection,
    head: &HeadRecord,
    stretch: Stretch,
) -> Result<RunPage, Trouble> {
    let mut page = RunPage::default();
    let mut size = 0;
    if stretch.first <= head.trimmed {
        read_chunks(conn, head, stretch, &mut page, &mut size)?;
    }
    if page.next.is_none() && stretch.last.min(head.position) > head.trimmed {
        read_turns(conn, head, stretch, &mut page, &mut size)?;
    }
    Ok(page)
}

fn read_chunks(
    conn: &Connection,
    head: &HeadRecord,
    stretch: Stretch,
    page: &mut RunPage,
    size: &mut usize,
) -> Result<(), Trouble> {
    let keys = chunk_keys(conn, stretch.run)?;
    for (index, key) in keys.iter().enumerate() {
        // A chunk reaches to where the next begins, the last one to the end of what was trimmed.
        let end = keys.get(index + 1).map_or(head.trimmed + 1, |next| next.first_position);
        if end <= stretch.first || key.first_position > stretch.last {
            continue;
        }
        if *size >= stretch.limit_bytes && !page.pieces.is_empty() {
            page.next = Some(key.first_position.max(stretch.first));
            return Ok(());
        }
        let chunk = load_chunk(conn, stretch.run, *key)?;
        *size += chunk.bytes.len();
        page.pieces.push(RunPiece::History(chunk));
    }
    Ok(())
}

/// The keys of a run's chunks; they must be numbered from 0 without gaps, in table and twin.
pub(super) fn chunk_keys(conn: &Connection, run: u64) -> Result<Vec<ChunkKey>, Trouble> {
    let mut statement = conn.prepare_cached(
        "SELECT chunk, first_position, crc FROM history NOT INDEXED WHERE run = ?1 ORDER BY chunk",
    )?;
    let keys = statement
        .query_map([run as i64], |row| {
            let first_position = row.get::<_, i64>(1)? as u64;
            Ok(ChunkKey { chunk: row.get(0)?, first_position, crc: row.get(2)? })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut statement = conn.prepare_cached(
        "SELECT chunk, crc FROM history INDEXED BY history_twin WHERE run = ?1 ORDER BY chunk",
    )?;
    let twins = statement
        .query_map([run as i64], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let is_whole = keys.len() == twins.len()
        && keys
            .iter()
            .zip(&twins)
            .zip(0..)
            .all(|((key, twin), number)| key.chunk == number && *twin == (key.chunk, key.crc));
    if is_whole { Ok(keys) } else { Err(damaged(PLACE, None, format!("run {run} lacks a chunk"))) }
}

/// The number of a run's next chunk: table and twin agree on the last one. All of them are compared where they are read.
pub(super) fn next_chunk(conn: &Connection, run: u64) -> Result<u32, Trouble> {
    let next = |sql: &str| {
        conn.prepare_cached(sql)?.query_row([run as i64], |row| row.get::<_, u32>(0)).optional()
    };
    let in_table = next(
        "SELECT chunk + 1 FROM history NOT INDEXED WHERE run = ?1 ORDER BY chunk DESC LIMIT 1",
    )?;
    let in_twin = next(
        "SELECT chunk + 1 FROM history INDEXED BY history_twin WHERE run = ?1 \
         ORDER BY chunk DESC LIMIT 1",
    )?;
    if in_table == in_twin {
        Ok(in_table.unwrap_or(0))
    } else {
        Err(damaged(PLACE, None, format!("run {run} lacks a chunk")))
    }
}

pub(super) fn load_chunk(
    conn: &Connection,
    run: u64,
    key: ChunkKey,
) -> Result<HistoryChunk, Trouble> {
    let mut statement =
        conn.prepare_cached("SELECT bytes FROM history NOT INDEXED WHERE run = ?1 AND chunk = ?2")?;
    let mut rows = statement.query((run as i64, key.chunk))?;
    let wrong = |reason: &str| {
        damaged(
            PLACE,
            Some(key.first_position),
            format!("chunk {} of run {run} {reason}", key.chunk),
        )
    };
    let row = rows.next()?.ok_or_else(|| wrong("is missing"))?;
    let bytes = row.get_ref(0)?.as_blob()?;
    if chunk_crc(run, key.chunk, key.first_position, bytes) != key.crc {
        return Err(wrong("has a wrong checksum"));
    }
    let bytes = Bytes::copy_from_slice(bytes);
    Ok(HistoryChunk { run, chunk: key.chunk, first_position: key.first_position, bytes })
}

/// Walks the small columns; events are loaded only of turns that touch the run.
fn read_turns(
    conn: &Connection,
    head: &HeadRecord,
    stretch: Stretch,
    page: &mut RunPage,
    size: &mut usize,
) -> Result<(), Trouble> {
    let first = stretch.first.max(head.trimmed + 1);
    let last = stretch.last.min(head.position);
    if first > last {
        return Ok(());
    }
    let mut link = Link::before(conn, head, first)?;
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM turn WHERE position BETWEEN ?1 AND ?2 ORDER BY position"
    ))?;
    let mut rows = statement.query((first as i64, last as i64))?;
    while let Some(row) = rows.next()? {
        let small = TurnRow::read(row, link)?;
        link = small.link();
        let runs = row.get_ref(5)?.as_blob()?;
        if !runs_hold(runs, stretch.run) {
            continue;
        }
        if *size >= stretch.limit_bytes && !page.pieces.is_empty() {
            page.next = Some(small.position);
            return Ok(());
        }
        let turn = load_events(conn, &small, runs)?;
        *size += turn.events.len();
        page.pieces.push(RunPiece::Turn(turn));
    }
    if link.position != last {
        let reason = format!("the log ends at {}, its head is at {}", link.position, head.position);
        return Err(damaged("the log", Some(last), reason));
    }
    Ok(())
}

/// Checks all chunks of all runs; answers how many there are.
pub(super) fn verify(conn: &Connection) -> Result<u64, Trouble> {
    let mut statement = conn.prepare("SELECT DISTINCT run FROM history NOT INDEXED")?;
    let runs =
        statement.query_map([], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut count = 0;
    for run in runs.into_iter().map(|run| run as u64) {
        for key in chunk_keys(conn, run)? {
            load_chunk(conn, run, key)?;
            count += 1;
        }
    }
    Ok(count)
}
