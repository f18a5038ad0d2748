//! The trait over a store in memory.

use std::collections::VecDeque;
use std::path::Path;

use bytes::Bytes;

use super::fault::{FaultPlan, MemoryFault};
use super::shelf::{MemoryStore, Shelf, refused};
use crate::{
    Blob, BlobHash, Checkpoint, Completion, Head, HistoryPart, Log, RunPage, Snapshot, StoreFault,
    StoredTurn, Turn, VerifyReport,
};

/// The log of a store in memory, with the faults that were asked for.
#[derive(Debug)]
pub struct MemoryLog {
    source: MemoryStore,
    epoch: u32,
    plan: FaultPlan,
    broken: Option<StoreFault>,
    /// Completions and how many more asks each waits for; a late one holds up those behind it.
    completed: VecDeque<(u32, Completion)>,
}

impl MemoryLog {
    pub(super) const fn new(source: MemoryStore, epoch: u32, plan: FaultPlan) -> Self {
        Self { source, epoch, plan, broken: None, completed: VecDeque::new() }
    }

    /// How many calls this opening has seen.
    pub const fn calls(&self) -> u64 {
        self.plan.calls()
    }

    /// Counts the call; meets its fault, if it has one.
    fn call(&mut self) -> Result<Option<MemoryFault>, StoreFault> {
        let fault = self.plan.next();
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        match fault {
            Some(MemoryFault::Fail(fault)) => Err(self.note(fault)),
            Some(MemoryFault::Fenced) => {
                self.source.shelf().begin_epoch();
                Ok(None)
            }
            other => Ok(other),
        }
    }

    fn note(&mut self, fault: StoreFault) -> StoreFault {
        if fault.is_final() {
            self.broken = Some(fault.clone());
        }
        fault
    }

    fn look<T>(&mut self, body: impl FnOnce(&Shelf) -> T) -> Result<T, StoreFault> {
        self.call()?;
        Ok(body(&self.source.shelf()))
    }

    fn change<T>(
        &mut self,
        body: impl FnOnce(&mut Shelf) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let fault = self.call()?;
        let value = self.change_owned(body)?;
        match fault {
            Some(MemoryFault::FailAfter(fault)) => Err(self.note(fault)),
            _ => Ok(value),
        }
    }

    fn change_owned<T>(
        &self,
        body: impl FnOnce(&mut Shelf) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        let mut held = self.source.shelf();
        if held.epoch == self.epoch {
            body(&mut held)
        } else {
            Err(StoreFault::Fenced { ours: self.epoch, found: held.epoch })
        }
    }

    /// The outcome of a turn, and how many asks late it is.
    fn append(&mut self, turn: Turn) -> Result<u32, StoreFault> {
        let fault = self.call()?;
        self.change_owned(|shelf| shelf.append(turn))?;
        match fault {
            Some(MemoryFault::FailAfter(fault)) => Err(self.note(fault)),
            Some(MemoryFault::Late { asks }) => Ok(asks),
            _ => Ok(0),
        }
    }
}

impl Log for MemoryLog {
    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn head(&mut self) -> Result<Head, StoreFault> {
        self.look(Shelf::head)
    }

    fn submit(&mut self, turn: Turn) {
        let position = turn.position;
        let (asks, completion) = match self.append(turn) {
            Ok(asks) => (asks, Completion::Durable { position }),
            Err(StoreFault::Fenced { found, .. }) => {
                (0, Completion::Fenced { position, epoch: found })
            }
            Err(fault) => (0, Completion::Failed { position, fault }),
        };
        self.completed.push_back((asks, completion));
    }

    fn completions(&mut self, into: &mut Vec<Completion>) {
        while let Some((asks, completion)) = self.completed.pop_front() {
            if asks > 0 {
                self.completed.push_front((asks - 1, completion));
                return;
            }
            into.push(completion);
        }
    }

    fn read(&mut self, from: u64, limit_bytes: usize) -> Result<Vec<StoredTurn>, StoreFault> {
        let limit_bytes = match self.call()? {
            Some(MemoryFault::Short) => 0,
            _ => limit_bytes,
        };
        self.source.shelf().read(from, limit_bytes)
    }

    fn read_run(
        &mut self,
        run: u64,
        first: u64,
        last: u64,
        limit_bytes: usize,
    ) -> Result<RunPage, StoreFault> {
        self.look(|shelf| shelf.read_run(run, first, last, limit_bytes))
    }

    fn put_snapshots(&mut self, snapshots: &[Snapshot]) -> Result<(), StoreFault> {
        self.change(|shelf| {
            let head = shelf.head().position;
            if let Some(early) = snapshots.iter().find(|snapshot| snapshot.position > head) {
                let detail = format!("a snapshot at {} is past the head at {head}", early.position);
                return Err(refused("storing snapshots", detail));
            }
            let entries = snapshots.iter().map(|snapshot| (snapshot.run, snapshot.clone()));
            shelf.snapshots.extend(entries);
            Ok(())
        })
    }

    fn get_snapshot(&mut self, run: u64) -> Result<Option<Snapshot>, StoreFault> {
        self.look(|shelf| shelf.snapshots.get(&run).cloned())
    }

    fn put_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        snapshots: &[(u64, Bytes)],
    ) -> Result<(), StoreFault> {
        self.change(|shelf| shelf.put_checkpoint(checkpoint, snapshots))
    }

    fn get_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreFault> {
        self.look(|shelf| shelf.checkpoint.clone())
    }

    fn put_blobs(&mut self, blobs: &[Blob]) -> Result<(), StoreFault> {
        self.change(|shelf| {
            shelf.blobs.extend(blobs.iter().map(|blob| (blob.hash(), blob.bytes().clone())));
            Ok(())
        })
    }

    fn get_blob(&mut self, hash: &BlobHash) -> Result<Option<Bytes>, StoreFault> {
        self.look(|shelf| shelf.blobs.get(hash).cloned())
    }

    fn cas_meta(
        &mut self,
        key: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFault> {
        self.change(|shelf| {
            if shelf.meta.get(key).map(|value| &value[..]) != old {
                return Ok(false);
            }
            match new {
                Some(value) => shelf.meta.insert(key.to_owned(), Bytes::copy_from_slice(value)),
                None => shelf.meta.remove(key),
            };
            Ok(true)
        })
    }

    fn get_meta(&mut self, key: &str) -> Result<Option<Bytes>, StoreFault> {
        self.look(|shelf| shelf.meta.get(key).cloned())
    }

    fn list_meta(&mut self, prefix: &str) -> Result<Vec<(String, Bytes)>, StoreFault> {
        self.look(|shelf| {
            let entries = shelf.meta.range(prefix.to_owned()..);
            let entries = entries.take_while(|(key, _)| key.starts_with(prefix));
            entries.map(|(key, value)| (key.clone(), value.clone())).collect()
        })
    }

    fn epoch_start(&mut self, epoch: u32) -> Result<Option<u64>, StoreFault> {
        self.look(|shelf| shelf.epochs.get(&epoch).copied())
    }

    fn forgotten(&mut self) -> Result<Vec<u64>, StoreFault> {
        self.look(|shelf| shelf.forgotten.iter().copied().collect())
    }

    fn free_forgotten(&mut self, size_max: usize) -> Result<bool, StoreFault> {
        self.change(|shelf| Ok(shelf.free_forgotten(size_max)))
    }

    fn trim(&mut self, up_to: u64, parts: &[HistoryPart]) -> Result<(), StoreFault> {
        self.change(|shelf| shelf.trim(up_to, parts))
    }

    fn backup(&mut self, _dest: &Path) -> Result<u64, StoreFault> {
        self.call()?;
        let detail = "a store in memory has no file; use an sqlite:/// store".to_owned();
        Err(refused("backing up", detail))
    }

    fn sync(&mut self) -> Result<(), StoreFault> {
        self.look(|_| ())
    }

    fn verify(&mut self) -> Result<VerifyReport, StoreFault> {
        self.look(|shelf| VerifyReport {
            turns: shelf.turns.len() as u64,
            blobs: shelf.blobs.len() as u64,
            snapshots: shelf.snapshots.len() as u64,
            history_chunks: shelf.history.values().map(|chunks| chunks.len() as u64).sum(),
            meta_entries: shelf.meta.len() as u64,
            wal_frames: 0,
        })
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreFault> {
        self.look(|_| ())
    }
}
