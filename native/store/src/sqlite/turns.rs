//! The turns: appending, and reading with every checksum and link checked.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::head::HeadRecord;
use super::trouble::{Trouble, damaged};
use super::{blobs, forgotten};
use crate::checksum::{TurnFields, runs_crc, runs_from_bytes, runs_to_bytes, turn_crc};
use crate::{StoredTurn, Turn};

const PLACE: &str = "the log";

/// Appends a turn and its blobs inside a transaction.
pub(super) fn append(conn: &Connection, head: &mut HeadRecord, turn: &Turn) -> Result<(), Trouble> {
    if turn.epoch != head.epoch {
        return Err(Trouble::Fenced { ours: turn.epoch, found: head.epoch });
    }
    if turn.position != head.position + 1 {
        return Err(Trouble::Refused(format!(
            "position {} does not follow position {}; read the head and submit again from there",
            turn.position, head.position
        )));
    }
    forgotten::note_named(conn, &turn.named)?;
    blobs::put(conn, &turn.blobs)?;
    forgotten::note_forgotten(conn, &turn.forgotten)?;
    let runs = runs_to_bytes(&turn.runs);
    let fields = TurnFields {
        position: turn.position,
        epoch: turn.epoch,
        prev_crc: head.crc,
        runs_crc: runs_crc(turn.position, &runs),
    };
    let crc = turn_crc(fields, &turn.events);
    conn.prepare_cached(
        "INSERT INTO turn(position, epoch, crc, prev_crc, runs_crc, runs, events) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        turn.position as i64,
        turn.epoch,
        crc,
        fields.prev_crc,
        fields.runs_crc,
        runs,
        &turn.events[..]
    ])?;
    head.position = turn.position;
    head.crc = crc;
    Ok(())
}

/// The small columns of a turn's row, in the order of [`COLUMNS`].
#[derive(Debug)]
pub(super) struct TurnRow {
    pub(super) position: u64,
    pub(super) epoch: u32,
    pub(super) crc: u32,
    pub(super) prev_crc: u32,
    pub(super) runs_crc: u32,
}

pub(super) const COLUMNS: &str = "position, epoch, crc, prev_crc, runs_crc, runs";

impl TurnRow {
    /// Reads the small columns; the row must be the one after `link`, and its `runs` must be right.
    pub(super) fn read(row: &Row<'_>, link: Link) -> Result<Self, Trouble> {
        let this = Self {
            position: row.get::<_, i64>(0)? as u64,
            epoch: row.get(1)?,
            crc: row.get(2)?,
            prev_crc: row.get(3)?,
            runs_crc: row.get(4)?,
        };
        let wanted = link.position + 1;
        if this.position != wanted {
            let reason = format!("after position {} comes {}", link.position, this.position);
            return Err(damaged(PLACE, Some(wanted), reason));
        }
        if this.prev_crc != link.crc {
            return Err(damaged(PLACE, Some(wanted), "it does not follow from the turn before"));
        }
        if runs_crc(this.position, row.get_ref(5)?.as_blob()?) != this.runs_crc {
            return Err(damaged(PLACE, Some(wanted), "the checksum of its runs is wrong"));
        }
        Ok(this)
    }

    /// The whole turn.
    pub(super) fn with_events(&self, runs: &[u8], events: &[u8]) -> Result<StoredTurn, Trouble> {
        let fields = TurnFields {
            position: self.position,
            epoch: self.epoch,
            prev_crc: self.prev_crc,
            runs_crc: self.runs_crc,
        };
        if turn_crc(fields, events) != self.crc {
            return Err(damaged(PLACE, Some(self.position), "its checksum is wrong"));
        }
        Ok(StoredTurn {
            position: self.position,
            epoch: self.epoch,
            runs: runs_from_bytes(runs),
            events: Bytes::copy_from_slice(events),
        })
    }

    pub(super) const fn link(&self) -> Link {
        Link { position: self.position, crc: self.crc }
    }
}

/// The end of a proven stretch of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) position: u64,
    pub(super) crc: u32,
}

impl Link {
    /// The link before a position that is still in the log.
    pub(super) fn before(
        conn: &Connection,
        head: &HeadRecord,
        position: u64,
    ) -> Result<Self, Trouble> {
        if position <= head.trimmed {
            return Err(Trouble::Trimmed { asked: position, first: head.trimmed + 1 });
        }
        let before = position - 1;
        if before == head.trimmed {
            return Ok(Self { position: before, crc: head.trimmed_crc });
        }
        if before == head.position {
            return Ok(Self { position: before, crc: head.crc });
        }
        let crc = conn
            .prepare_cached("SELECT crc FROM turn WHERE position = ?1")?
            .query_row([before as i64], |row| row.get(0))
            .optional()?
            .ok_or_else(|| damaged(PLACE, Some(before), "it is missing"))?;
        Ok(Self { position: before, crc })
    }

    /// When the rows end, the chain must have come to the head.
    pub(super) fn check_at_head(self, head: &HeadRecord) -> Result<(), Trouble> {
        if (self.position, self.crc) == (head.position, head.crc) {
            return Ok(());
        }
        let reason = format!("the log ends at {}, its head is at {}", self.position, head.position);
        Err(damaged(PLACE, Some(head.position), reason))
    }
}

/// Reads turns in order, at least one, until the limit on the size of their events.
pub(super) fn read(
    conn: &Connection,
    head: &HeadRecord,
    from: u64,
    limit_bytes: usize,
) -> Result<Vec<StoredTurn>, Trouble> {
    let from = from.max(1);
    if from > head.position {
        return Ok(Vec::new());
    }
    let mut link = Link::before(conn, head, from)?;
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, events FROM turn WHERE position >= ?1 ORDER BY position"
    ))?;
    let mut rows = statement.query([from as i64])?;
    let (mut turns, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let small = TurnRow::read(row, link)?;
        let turn = small.with_events(row.get_ref(5)?.as_blob()?, row.get_ref(6)?.as_blob()?)?;
        link = small.link();
        size += turn.events.len();
        turns.push(turn);
        if size >= limit_bytes {
            return Ok(turns);
        }
    }
    link.check_at_head(head)?;
    Ok(turns)
}

/// The events of one turn, for a scan that reads the small columns only.
pub(super) fn load_events(
    conn: &Connection,
    small: &TurnRow,
    runs: &[u8],
) -> Result<StoredTurn, Trouble> {
    let mut statement = conn.prepare_cached("SELECT events FROM turn WHERE position = ?1")?;
    let mut rows = statement.query([small.position as i64])?;
    let row = rows.next()?.ok_or_else(|| damaged(PLACE, Some(small.position), "it is missing"))?;
    small.with_events(runs, row.get_ref(0)?.as_blob()?)
}

/// Checks that the last turn is there and is the one that the head names.
pub(super) fn check_tail(conn: &Connection, head: &HeadRecord) -> Result<(), Trouble> {
    let last: Option<i64> =
        conn.query_row("SELECT max(position) FROM turn", [], |row| row.get(0))?;
    if last.map_or(head.trimmed, |last| last as u64) != head.position {
        let reason = format!("its last turn is {last:?}, its head is at {}", head.position);
        return Err(damaged(PLACE, Some(head.position), reason));
    }
    if head.position > head.trimmed {
        read(conn, head, head.position, 0)?;
        let link = Link::before(conn, head, head.position + 1)?;
        let stored: u32 = conn
            .prepare_cached("SELECT crc FROM turn WHERE position = ?1")?
            .query_row([head.position as i64], |row| row.get(0))?;
        Link { crc: stored, ..link }.check_at_head(head)?;
    }
    Ok(())
}
