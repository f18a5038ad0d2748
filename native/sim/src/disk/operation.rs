//! What a store is asked to write, in the order in which it was asked.

use bytes::Bytes;
use pyflow_store::{
    Blob, Checkpoint, Completion, HistoryPart, Log, MemoryLog, MemoryStore, Snapshot, StoreFault,
    Turn,
};

/// One write: it is on the disk whole or not at all, as the checksums of a real store see to.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// An owner has opened the store: the epoch has grown.
    Open,
    Turn(Turn),
    Snapshots(Vec<Snapshot>),
    Checkpoint(Checkpoint, Vec<(u64, Bytes)>),
    Blobs(Vec<Blob>),
    Meta {
        key: String,
        old: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    },
    Trim {
        up_to: u64,
        parts: Vec<HistoryPart>,
    },
    /// Some of what forgotten runs leave is deleted.
    Free {
        size_max: usize,
    },
}

/// What a write was answered with.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// Whether a value was replaced.
    Compared(bool),
    /// Whether there is more to delete.
    Freed(bool),
}

impl Operation {
    /// Whether it is on the disk before it is answered.
    pub(super) fn is_synced(&self) -> bool {
        match self {
            Self::Turn(turn) => turn.sync,
            Self::Snapshots(_) | Self::Free { .. } => false,
            Self::Open
            | Self::Checkpoint(..)
            | Self::Blobs(_)
            | Self::Meta { .. }
            | Self::Trim { .. } => true,
        }
    }

    /// Does it in a store, through the log that is open on it.
    pub(super) fn perform(
        &self,
        store: &MemoryStore,
        log: &mut Option<MemoryLog>,
    ) -> Result<Written, StoreFault> {
        if let Self::Open = self {
            *log = Some(store.open());
            return Ok(Written::Done);
        }
        let log = log.as_mut().expect("a store is opened before it is written to");
        match self {
            Self::Open => Ok(Written::Done),
            Self::Turn(turn) => append(log, turn.clone()),
            Self::Snapshots(snapshots) => log.put_snapshots(snapshots).map(|()| Written::Done),
            Self::Checkpoint(checkpoint, snapshots) => {
                log.put_checkpoint(checkpoint, snapshots).map(|()| Written::Done)
            }
            Self::Blobs(blobs) => log.put_blobs(blobs).map(|()| Written::Done),
            Self::Meta { key, old, new } => {
                log.cas_meta(key, old.as_deref(), new.as_deref()).map(Written::Compared)
            }
            Self::Trim { up_to, parts } => log.trim(*up_to, parts).map(|()| Written::Done),
            Self::Free { size_max } => log.free_forgotten(*size_max).map(Written::Freed),
        }
    }
}

fn append(log: &mut MemoryLog, turn: Turn) -> Result<Written, StoreFault> {
    let ours = log.epoch();
    log.submit(turn);
    let mut completions = Vec::new();
    log.completions(&mut completions);
    match completions.pop().expect("memory completes at once") {
        Completion::Durable { .. } => Ok(Written::Done),
        Completion::Fenced { epoch, .. } => Err(StoreFault::Fenced { ours, found: epoch }),
        Completion::Failed { fault, .. } => Err(fault),
    }
}
