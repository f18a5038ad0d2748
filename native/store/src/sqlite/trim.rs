//! Trimming: turns that a checkpoint covers move to their runs' histories. Nothing is deleted.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::head::HeadRecord;
use super::run_history::{chunk_crc, next_chunk};
use super::trouble::Trouble;
use super::turns::{COLUMNS, Link, TurnRow};
use crate::HistoryPart;
use crate::checksum::runs_from_bytes;

/// Moves the turns up to `up_to` inside a transaction; the checkpoint has been read and found whole in this opening.
pub(super) fn trim(
    conn: &Connection,
    head: &mut HeadRecord,
    up_to: u64,
    parts: &[HistoryPart],
) -> Result<(), Trouble> {
    if up_to <= head.trimmed {
        return Err(Trouble::Trimmed { asked: up_to, first: head.trimmed + 1 });
    }
    let covered = head.checkpoint_position;
    if up_to > covered {
        return Err(Trouble::Refused(format!(
            "position {up_to} is past the checkpoint at {covered}; checkpoint first"
        )));
    }
    let (touched, end) = walk(conn, head, up_to)?;
    check_parts(head, up_to, &touched, parts)?;
    parts.iter().try_for_each(|part| append_chunk(conn, part))?;
    conn.prepare_cached("DELETE FROM turn WHERE position <= ?1")?.execute([up_to as i64])?;
    head.trimmed = up_to;
    head.trimmed_crc = end.crc;
    Ok(())
}

/// Walks the turns to be moved: the runs that they touch, and the end of their chain.
fn walk(
    conn: &Connection,
    head: &HeadRecord,
    up_to: u64,
) -> Result<(BTreeSet<u64>, Link), Trouble> {
    let mut link = Link { position: head.trimmed, crc: head.trimmed_crc };
    let mut touched = BTreeSet::new();
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM turn WHERE position <= ?1 ORDER BY position"
    ))?;
    let mut rows = statement.query([up_to as i64])?;
    while let Some(row) = rows.next()? {
        link = TurnRow::read(row, link)?.link();
        touched.extend(runs_from_bytes(row.get_ref(5)?.as_blob()?));
    }
    let stop = HeadRecord { position: up_to, crc: link.crc, ..*head };
    link.check_at_head(&stop)?;
    Ok((touched, link))
}

fn check_parts(
    head: &HeadRecord,
    up_to: u64,
    touched: &BTreeSet<u64>,
    parts: &[HistoryPart],
) -> Result<(), Trouble> {
    let given: BTreeSet<u64> = parts.iter().map(|part| part.run).collect();
    if let Some(run) = touched.difference(&given).next() {
        return Err(Trouble::Refused(format!(
            "run {run} is touched up to {up_to} but has no part"
        )));
    }
    if given.len() != parts.len() {
        return Err(Trouble::Refused("a run has more than one part".to_owned()));
    }
    let is_outside =
        |part: &&HistoryPart| !(head.trimmed + 1..=up_to).contains(&part.first_position);
    match parts.iter().find(is_outside) {
        None => Ok(()),
        Some(part) => Err(Trouble::Refused(format!(
            "the part of run {} begins at {}, outside {}..={up_to}",
            part.run,
            part.first_position,
            head.trimmed + 1
        ))),
    }
}

fn append_chunk(conn: &Connection, part: &HistoryPart) -> Result<(), Trouble> {
    let chunk = next_chunk(conn, part.run)?;
    let crc = chunk_crc(part.run, chunk, part.first_position, &part.bytes);
    conn.prepare_cached(
        "INSERT INTO history(run, chunk, first_position, crc, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        part.run as i64,
        chunk,
        part.first_position as i64,
        crc,
        &part.bytes[..]
    ])?;
    Ok(())
}
