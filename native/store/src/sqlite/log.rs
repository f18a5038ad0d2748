//! The trait over one SQLite file: the owner writes and reads, a reader only reads.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::Connection;

use super::head::HeadRecord;
use super::paths::{check_names, check_neighbours, resolve};
use super::run_history::Stretch;
use super::trouble::{Trouble, Wanted};
use super::writer::{Durability, Writer};
use super::{
    backup_file, blobs, checkpoints, connect, epochs, forgotten, meta, run_history, snapshots,
    trim, turns, verify,
};
use crate::{
    Blob, BlobHash, Checkpoint, Completion, Head, HistoryPart, Log, RunPage, Snapshot, StoreFault,
    StoredTurn, Turn, VerifyReport,
};

/// Opens a store as its owner; a missing one is created.
pub(crate) fn open_owner(path: &Path) -> Result<SqliteLog, StoreFault> {
    let path = resolve(path)?;
    check_neighbours(&path)?;
    check_names(&path)?;
    let writer = Writer::open(path).map_err(nothing_is_open)?;
    Ok(SqliteLog::new(Side::Owner(Box::new(writer))))
}

/// Opens a store to read.
pub(crate) fn open_reader(path: &Path) -> Result<SqliteLog, StoreFault> {
    let path = resolve(path)?;
    check_neighbours(&path)?;
    let conn = connect::connect_reader(&path).map_err(nothing_is_open)?;
    Ok(SqliteLog::new(Side::Reader { conn, path }))
}

/// An opening that failed leaves nothing behind that would have to be closed.
fn nothing_is_open(fault: StoreFault) -> StoreFault {
    if let StoreFault::Failed { operation, path, detail } = fault {
        StoreFault::Refused { operation, path, detail }
    } else {
        fault
    }
}

/// A log in one SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteLog {
    side: Side,
    completed: Vec<Completion>,
    /// The position and the checksum of the checkpoint that this opening has read back whole.
    proven: Option<(u64, u32)>,
}

#[derive(Debug)]
enum Side {
    Owner(Box<Writer>),
    Reader { conn: Connection, path: PathBuf },
}

impl SqliteLog {
    const fn new(side: Side) -> Self {
        Self { side, completed: Vec::new(), proven: None }
    }

    fn path(&self) -> &Path {
        match &self.side {
            Side::Owner(writer) => writer.path(),
            Side::Reader { path, .. } => path,
        }
    }

    fn conn(&self) -> &Connection {
        match &self.side {
            Side::Owner(writer) => writer.conn(),
            Side::Reader { conn, .. } => conn,
        }
    }

    fn writer(&mut self) -> Result<&mut Writer, StoreFault> {
        match &mut self.side {
            Side::Owner(writer) => Ok(writer),
            Side::Reader { path, .. } => Err(StoreFault::ReadOnly {
                path: path.clone(),
                detail: "it was opened read-only".to_owned(),
            }),
        }
    }

    /// Reads at one moment: a live owner may write between two statements.
    fn look<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&Connection, &HeadRecord) -> Result<T, Trouble>,
    ) -> Result<T, StoreFault> {
        if let Side::Owner(writer) = &self.side {
            writer.health().may_read()?;
        }
        let outcome = at_one_moment(self.conn(), body);
        outcome.map_err(|trouble| {
            let fault = Wanted { operation, path: self.path() }.fault(trouble);
            // A read that failed otherwise has changed nothing.
            if let (Side::Owner(writer), StoreFault::Damaged(_)) = (&self.side, &fault) {
                writer.health().note(&fault);
            }
            fault
        })
    }

    fn write<T>(
        &mut self,
        operation: &'static str,
        durability: Durability,
        body: impl FnOnce(&Connection, &mut HeadRecord) -> Result<T, Trouble>,
    ) -> Result<T, StoreFault> {
        self.writer()?.write(operation, durability, body)
    }
}

fn at_one_moment<T>(
    conn: &Connection,
    body: impl FnOnce(&Connection, &HeadRecord) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let outcome = HeadRecord::load(conn).and_then(|head| body(conn, &head));
    let ended = conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    let value = outcome?;
    ended?;
    Ok(value)
}

impl Log for SqliteLog {
    fn epoch(&self) -> u32 {
        match &self.side {
            Side::Owner(writer) => writer.head().epoch,
            Side::Reader { .. } => 0,
        }
    }

    fn head(&mut self) -> Result<Head, StoreFault> {
        self.look("reading the head", |_, head| Ok(head.public()))
    }

    fn submit(&mut self, turn: Turn) {
        let position = turn.position;
        let durability = if turn.sync { Durability::Now } else { Durability::Soon };
        let appended = self
            .write("appending a turn", durability, |conn, head| turns::append(conn, head, &turn));
        self.completed.push(match appended {
            Ok(()) => Completion::Durable { position },
            Err(StoreFault::Fenced { found, .. }) => Completion::Fenced { position, epoch: found },
            Err(fault) => Completion::Failed { position, fault },
        });
    }

    fn completions(&mut self, into: &mut Vec<Completion>) {
        into.append(&mut self.completed);
    }

    fn read(&mut self, from: u64, limit_bytes: usize) -> Result<Vec<StoredTurn>, StoreFault> {
        self.look("reading the log", |conn, head| turns::read(conn, head, from, limit_bytes))
    }

    fn read_run(
        &mut self,
        run: u64,
        first: u64,
        last: u64,
        limit_bytes: usize,
    ) -> Result<RunPage, StoreFault> {
        let stretch = Stretch { run, first, last, limit_bytes };
        self.look("reading a run", |conn, head| run_history::read(conn, head, stretch))
    }

    fn put_snapshots(&mut self, snapshots: &[Snapshot]) -> Result<(), StoreFault> {
        self.write("storing snapshots", Durability::Soon, |conn, head| {
            if let Some(early) = snapshots.iter().find(|snapshot| snapshot.position > head.position)
            {
                return Err(Trouble::Refused(format!(
                    "a snapshot at {} is past the head at {}",
                    early.position, head.position
                )));
            }
            snapshots.iter().try_for_each(|snapshot| {
                snapshots::put(conn, snapshot.run, snapshot.position, &snapshot.bytes)
            })
        })
    }

    fn get_snapshot(&mut self, run: u64) -> Result<Option<Snapshot>, StoreFault> {
        self.look("reading a snapshot", |conn, _| snapshots::get(conn, run))
    }

    fn put_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        snapshots: &[(u64, Bytes)],
    ) -> Result<(), StoreFault> {
        self.write("storing the checkpoint", Durability::Now, |conn, head| {
            checkpoints::put(conn, head, checkpoint, snapshots)
        })?;
        let proven = self.look("reading the checkpoint back", |conn, head| {
            checkpoints::read_back(conn, head, checkpoint, snapshots)?;
            Ok((head.checkpoint_position, head.checkpoint_crc))
        })?;
        self.proven = Some(proven);
        Ok(())
    }

    fn get_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreFault> {
        let (found, read) = self.look("reading the checkpoint", |conn, head| {
            let read = (head.checkpoint_position, head.checkpoint_crc);
            Ok((checkpoints::get(conn, head)?, read))
        })?;
        self.proven = found.is_some().then_some(read);
        Ok(found)
    }

    fn put_blobs(&mut self, blobs: &[Blob]) -> Result<(), StoreFault> {
        self.write("storing blobs", Durability::Now, |conn, _| blobs::put(conn, blobs))
    }

    fn get_blob(&mut self, hash: &BlobHash) -> Result<Option<Bytes>, StoreFault> {
        self.look("reading a blob", |conn, _| blobs::get(conn, hash))
    }

    fn identity(&mut self) -> Result<Bytes, StoreFault> {
        self.look("reading the identity", |conn, _| meta::get(conn, meta::IDENTITY))
            .map(Option::unwrap_or_default)
    }

    fn cas_meta(
        &mut self,
        key: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFault> {
        self.write("storing metadata", Durability::Now, |conn, _| {
            meta::compare_and_swap(conn, key, old, new)
        })
    }

    fn get_meta(&mut self, key: &str) -> Result<Option<Bytes>, StoreFault> {
        self.look("reading metadata", |conn, _| meta::get(conn, key))
    }

    fn list_meta(&mut self, prefix: &str) -> Result<Vec<(String, Bytes)>, StoreFault> {
        let mut entries = self.look("reading metadata", |conn, _| meta::list(conn, prefix))?;
        entries.retain(|(key, _)| !key.starts_with(meta::OWN));
        Ok(entries)
    }

    fn epoch_start(&mut self, epoch: u32) -> Result<Option<u64>, StoreFault> {
        self.look("reading the epochs", |conn, _| epochs::start_of(conn, epoch))
    }

    fn forgotten(&mut self) -> Result<Vec<u64>, StoreFault> {
        self.look("reading the forgotten runs", |conn, _| forgotten::list(conn))
    }

    fn free_forgotten(&mut self, size_max: usize) -> Result<bool, StoreFault> {
        self.write("freeing forgotten runs", Durability::Soon, |conn, _| {
            forgotten::free(conn, size_max)
        })
    }

    fn trim(&mut self, up_to: u64, parts: &[HistoryPart]) -> Result<(), StoreFault> {
        let proven = self.proven;
        self.write("trimming", Durability::Now, |conn, head| {
            let is_proven = proven == Some((head.checkpoint_position, head.checkpoint_crc));
            if !is_proven {
                checkpoints::get(conn, head)?;
            }
            trim::trim(conn, head, up_to, parts)
        })
    }

    fn backup(&mut self, dest: &Path) -> Result<u64, StoreFault> {
        if let Side::Owner(writer) = &self.side {
            writer.health().may_read()?;
        }
        backup_file(self.path(), dest)
    }

    fn sync(&mut self) -> Result<(), StoreFault> {
        self.writer()?.sync()
    }

    fn verify(&mut self) -> Result<VerifyReport, StoreFault> {
        if let Side::Owner(writer) = &self.side {
            writer.health().may_read()?;
        }
        verify::verify(self.conn(), self.path())
    }

    fn close(self: Box<Self>) -> Result<(), StoreFault> {
        match self.side {
            Side::Owner(writer) => writer.close(),
            Side::Reader { conn, path } => {
                let wanted = Wanted { operation: "closing the store", path: &path };
                conn.close().map_err(|(_, error)| wanted.fault(error.into()))
            }
        }
    }
}
