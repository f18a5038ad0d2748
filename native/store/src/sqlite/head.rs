//! The head record: one row that every transaction rewrites, with what must be true of the log.
//!
//! It fills the end of its own page, so that it can also be read from a frame of the write-ahead log.

use rusqlite::Connection;

use super::trouble::{Trouble, damaged};
use crate::Head;

/// The page of the table `head`: it is the first table created.
pub(crate) const HEAD_PAGE: u32 = 2;

const MAGIC: [u8; 8] = *b"pyflowHD";
const SIZE: usize = 72;

/// The head of the log and of the transactions that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HeadRecord {
    /// The number of the transaction that wrote it; all kinds count.
    pub(crate) commit: u64,
    /// The last transaction that was known to be synced when this one was written.
    pub(crate) synced_commit: u64,
    pub(crate) position: u64,
    pub(crate) trimmed: u64,
    pub(crate) checkpoint_position: u64,
    pub(crate) epoch: u32,
    /// The checksum of the turn at `position`.
    pub(crate) crc: u32,
    /// The checksum of the turn at `trimmed`, from which the chain goes on.
    pub(crate) trimmed_crc: u32,
    pub(crate) checkpoint_crc: u32,
    /// The checksum of the schema, with the place of each table.
    pub(crate) schema_crc: u32,
}

impl HeadRecord {
    fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&MAGIC);
        let longs = [
            self.commit,
            self.synced_commit,
            self.position,
            self.trimmed,
            self.checkpoint_position,
        ];
        for (room, value) in bytes[8..48].as_chunks_mut::<8>().0.iter_mut().zip(longs) {
            *room = value.to_le_bytes();
        }
        let words = [self.epoch, self.crc, self.trimmed_crc, self.checkpoint_crc, self.schema_crc];
        for (room, value) in bytes[48..68].as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *room = value.to_le_bytes();
        }
        let crc = crc32fast::hash(&bytes[..68]);
        bytes[68..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SIZE] = bytes.try_into().ok()?;
        let long = |index: usize| {
            u64::from_le_bytes(bytes[8 + index * 8..][..8].try_into().expect("8 bytes"))
        };
        let word = |index: usize| {
            u32::from_le_bytes(bytes[48 + index * 4..][..4].try_into().expect("4 bytes"))
        };
        let is_right = bytes[..8] == MAGIC && word(5) == crc32fast::hash(&bytes[..68]);
        is_right.then(|| Self {
            commit: long(0),
            synced_commit: long(1),
            position: long(2),
            trimmed: long(3),
            checkpoint_position: long(4),
            epoch: word(0),
            crc: word(1),
            trimmed_crc: word(2),
            checkpoint_crc: word(3),
            schema_crc: word(4),
        })
    }

    /// The record in an image of its page.
    pub(crate) fn at_end_of(page: &[u8]) -> Option<Self> {
        Self::decode(page.get(page.len().checked_sub(SIZE)?..)?)
    }

    #[cfg(test)]
    pub(crate) fn put_at_end_of(&self, page: &mut [u8]) {
        let start = page.len() - SIZE;
        page[start..].copy_from_slice(&self.encode());
    }

    pub(super) fn load(conn: &Connection) -> Result<Self, Trouble> {
        let mut statement = conn.prepare_cached("SELECT record FROM head WHERE id = 1")?;
        let mut rows = statement.query([])?;
        let row = rows.next()?.ok_or_else(|| damaged("head", None, "its row is missing"))?;
        Self::decode(row.get_ref(0)?.as_blob()?)
            .ok_or_else(|| damaged("head", None, "its checksum is wrong"))
    }

    pub(super) fn store(&self, conn: &Connection) -> Result<(), Trouble> {
        let changed = conn
            .prepare_cached("UPDATE head SET record = ?1 WHERE id = 1")?
            .execute([&self.encode()[..]])?;
        if changed == 1 { Ok(()) } else { Err(damaged("head", None, "its row is missing")) }
    }

    pub(super) fn create(&self, conn: &Connection) -> Result<(), Trouble> {
        conn.execute("INSERT INTO head(id, record) VALUES (1, ?1)", [&self.encode()[..]])?;
        Ok(())
    }

    pub(super) const fn public(&self) -> Head {
        Head {
            position: self.position,
            trimmed: self.trimmed,
            epoch: self.epoch,
            checkpoint: self.checkpoint_position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was_and_no_bit_may_change() {
        let record = HeadRecord {
            commit: 9,
            synced_commit: 8,
            position: 7,
            trimmed: 3,
            checkpoint_position: 5,
            epoch: 2,
            crc: 1,
            trimmed_crc: 4,
            checkpoint_crc: 6,
            schema_crc: u32::MAX,
        };
        let mut bytes = record.encode();

        assert_eq!(HeadRecord::decode(&bytes), Some(record));
        for bit in 0..SIZE * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(HeadRecord::decode(&bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
