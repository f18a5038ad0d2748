//! The log that an engine is opened on: each call goes through the disk and its troubles.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_store::{
    Blob, BlobHash, Checkpoint, Completion, Head, HistoryPart, Log, MemoryLog, RunPage, Snapshot,
    StoreFault, StoredTurn, Turn, VerifyReport,
};

use super::keeper::Platter;
use super::operation::{Operation, Written};
use super::trouble::refused;

/// The log of one opening.
#[derive(Debug)]
pub(crate) struct SimulatedLog {
    platter: Arc<Mutex<Platter>>,
    epoch: u32,
    completed: Vec<Completion>,
}

impl SimulatedLog {
    pub(super) fn new(platter: Arc<Mutex<Platter>>, epoch: u32) -> Self {
        Self { platter, epoch, completed: Vec::new() }
    }

    fn ask<T>(
        &self,
        body: impl FnOnce(&mut MemoryLog) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        self.platter.lock().read(body)
    }

    fn write(&self, name: &'static str, operation: Operation) -> Result<Written, StoreFault> {
        self.platter.lock().write_as(self.epoch, name, operation)
    }
}

impl Log for SimulatedLog {
    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn head(&mut self) -> Result<Head, StoreFault> {
        self.ask(MemoryLog::head)
    }

    fn submit(&mut self, turn: Turn) {
        let position = turn.position;
        let written = self.write("appending a turn", Operation::Turn(turn));
        self.completed.push(match written {
            Ok(_) => Completion::Durable { position },
            Err(StoreFault::Fenced { found, .. }) => Completion::Fenced { position, epoch: found },
            Err(fault) => Completion::Failed { position, fault },
        });
    }

    fn completions(&mut self, into: &mut Vec<Completion>) {
        into.append(&mut self.completed);
    }

    fn read(&mut self, from: u64, limit_bytes: usize) -> Result<Vec<StoredTurn>, StoreFault> {
        self.ask(|log| log.read(from, limit_bytes))
    }

    fn read_run(
        &mut self,
        run: u64,
        first: u64,
        last: u64,
        limit_bytes: usize,
    ) -> Result<RunPage, StoreFault> {
        self.ask(|log| log.read_run(run, first, last, limit_bytes))
    }

    fn put_snapshots(&mut self, snapshots: &[Snapshot]) -> Result<(), StoreFault> {
        self.write("storing snapshots", Operation::Snapshots(snapshots.to_vec())).map(drop)
    }

    fn get_snapshot(&mut self, run: u64) -> Result<Option<Snapshot>, StoreFault> {
        self.ask(|log| log.get_snapshot(run))
    }

    fn put_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        snapshots: &[(u64, Bytes)],
    ) -> Result<(), StoreFault> {
        let operation = Operation::Checkpoint(checkpoint.clone(), snapshots.to_vec());
        self.write("storing the checkpoint", operation).map(drop)
    }

    fn get_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreFault> {
        self.ask(MemoryLog::get_checkpoint)
    }

    fn put_blobs(&mut self, blobs: &[Blob]) -> Result<(), StoreFault> {
        self.write("storing blobs", Operation::Blobs(blobs.to_vec())).map(drop)
    }

    fn get_blob(&mut self, hash: &BlobHash) -> Result<Option<Bytes>, StoreFault> {
        self.ask(|log| log.get_blob(hash))
    }

    fn cas_meta(
        &mut self,
        key: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFault> {
        let (old, new) = (old.map(<[u8]>::to_vec), new.map(<[u8]>::to_vec));
        let operation = Operation::Meta { key: key.to_string(), old, new };
        let written = self.write("replacing metadata", operation)?;
        Ok(!matches!(written, Written::Compared(false)))
    }

    fn get_meta(&mut self, key: &str) -> Result<Option<Bytes>, StoreFault> {
        self.ask(|log| log.get_meta(key))
    }

    fn list_meta(&mut self, prefix: &str) -> Result<Vec<(String, Bytes)>, StoreFault> {
        self.ask(|log| log.list_meta(prefix))
    }

    fn trim(&mut self, up_to: u64, parts: &[HistoryPart]) -> Result<(), StoreFault> {
        self.write("trimming", Operation::Trim { up_to, parts: parts.to_vec() }).map(drop)
    }

    fn epoch_start(&mut self, epoch: u32) -> Result<Option<u64>, StoreFault> {
        self.ask(|log| log.epoch_start(epoch))
    }

    fn forgotten(&mut self) -> Result<Vec<u64>, StoreFault> {
        self.ask(MemoryLog::forgotten)
    }

    fn free_forgotten(&mut self, size_max: usize) -> Result<bool, StoreFault> {
        let written = self.write("deleting what is forgotten", Operation::Free { size_max })?;
        Ok(matches!(written, Written::Freed(true)))
    }

    fn backup(&mut self, _dest: &Path) -> Result<u64, StoreFault> {
        Err(refused("backing up"))
    }

    fn sync(&mut self) -> Result<(), StoreFault> {
        self.platter.lock().sync();
        Ok(())
    }

    fn verify(&mut self) -> Result<VerifyReport, StoreFault> {
        self.ask(MemoryLog::verify)
    }

    fn close(self: Box<Self>) -> Result<(), StoreFault> {
        self.platter.lock().sync();
        Ok(())
    }
}
