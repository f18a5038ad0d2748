//! The log of one shard: what a store must do, and the shapes that go in and out.

use std::fmt;
use std::path::Path;

use bytes::Bytes;

use crate::{Blob, BlobHash, StoreFault};

/// One turn to be appended: all its events in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Its place in the log: always the head's position + 1. The first is 1.
    pub position: u64,
    /// The epoch of the writer; an owner that has been replaced is refused.
    pub epoch: u32,
    /// The numbers of the runs that its events touch, sorted.
    pub runs: Vec<u64>,
    /// The encoded events; opaque here.
    pub events: Bytes,
    /// Blobs that its events name; stored in the same commit.
    pub blobs: Vec<Blob>,
    /// Which run names which blob: a blob is kept for as long as one of its runs is.
    pub named: Vec<(u64, BlobHash)>,
    /// Runs of which nothing need be kept any more.
    pub forgotten: Vec<u64>,
    /// `false` completes at once and is synced within 100 ms, for consistency `eventual`.
    pub sync: bool,
}

/// What became of a submitted turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The turn is as durable as it asked to be.
    Durable { position: u64 },
    /// Another owner with this epoch has taken over; nothing was written.
    Fenced { position: u64, epoch: u32 },
    /// The turn was not acknowledged.
    Failed { position: u64, fault: StoreFault },
}

/// A turn as it was read back, its checksum and chain found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTurn {
    pub position: u64,
    pub epoch: u32,
    pub runs: Vec<u64>,
    pub events: Bytes,
}

/// Where the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position of the last turn; 0 for an empty log.
    pub position: u64,
    /// The last position that was moved to history; 0 for none.
    pub trimmed: u64,
    /// The epoch of the present owner.
    pub epoch: u32,
    /// The position of the shard's checkpoint; 0 for none.
    pub checkpoint: u64,
}

/// The state of one run at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub run: u64,
    pub position: u64,
    pub bytes: Bytes,
}

/// The state of a shard at a position, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub position: u64,
    pub bytes: Bytes,
}

/// A run's events on their way from the log to history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPart {
    pub run: u64,
    /// The position of the first turn that it comes from.
    pub first_position: u64,
    pub bytes: Bytes,
}

/// A run's events in history; chunks are numbered from 0 without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryChunk {
    pub run: u64,
    pub chunk: u32,
    pub first_position: u64,
    pub bytes: Bytes,
}

/// One piece of what happened to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPiece {
    History(HistoryChunk),
    Turn(StoredTurn),
}

/// Pieces in order of position, and where to go on if the limit cut them short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunPage {
    pub pieces: Vec<RunPiece>,
    /// The `first` of the next call; `None` when all was given.
    pub next: Option<u64>,
}

/// What a full check has walked, when all of it was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyReport {
    pub turns: u64,
    pub blobs: u64,
    pub snapshots: u64,
    pub history_chunks: u64,
    pub meta_entries: u64,
    /// Frames of the write-ahead log.
    pub wal_frames: u64,
}

/// A shard's log. Writing works by completion: `submit` never answers, `completions` does.
///
/// A local store commits inside `submit`, on the calling thread. Every method can fail with a [`StoreFault`];
/// after one that [is final](StoreFault::is_final) the log must be opened again before it takes writes.
pub trait Log: Send + fmt::Debug {
    /// The epoch that this opening was given; 0 for a reader.
    fn epoch(&self) -> u32;

    /// Which store it is: the same in its copies, another in every other store. Empty for one in memory
    /// and for one that an older version has made.
    fn identity(&mut self) -> Result<Bytes, StoreFault> {
        Ok(Bytes::new())
    }

    /// Where the log stands.
    fn head(&mut self) -> Result<Head, StoreFault>;

    /// Takes a turn; its completion comes back through `completions`.
    fn submit(&mut self, turn: Turn);

    /// Moves what has completed since the last call into `into`, in order of submission.
    fn completions(&mut self, into: &mut Vec<Completion>);

    /// Reads turns from `from` on, at least one if there is one, then as many as fit `limit_bytes` of events.
    ///
    /// An empty answer means that `from` is past the head.
    fn read(&mut self, from: u64, limit_bytes: usize) -> Result<Vec<StoredTurn>, StoreFault>;

    /// Reads what touches one run between two positions, both included, from history and log.
    fn read_run(
        &mut self,
        run: u64,
        first: u64,
        last: u64,
        limit_bytes: usize,
    ) -> Result<RunPage, StoreFault>;

    /// Stores or replaces snapshots. They are derived data, so this waits for no sync.
    fn put_snapshots(&mut self, snapshots: &[Snapshot]) -> Result<(), StoreFault>;

    /// The latest snapshot of a run.
    fn get_snapshot(&mut self, run: u64) -> Result<Option<Snapshot>, StoreFault>;

    /// Stores the shard's checkpoint with snapshots of runs at its position, durably, and reads all of it back.
    fn put_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        snapshots: &[(u64, Bytes)],
    ) -> Result<(), StoreFault>;

    /// The shard's checkpoint.
    fn get_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreFault>;

    /// Stores blobs durably, before any event that names them.
    fn put_blobs(&mut self, blobs: &[Blob]) -> Result<(), StoreFault>;

    /// A blob's bytes, their hash checked; `None` if it was never stored.
    fn get_blob(&mut self, hash: &BlobHash) -> Result<Option<Bytes>, StoreFault>;

    /// Replaces the value of `key` durably if it is `old` now; `None` stands for absent. Answers whether it was.
    fn cas_meta(
        &mut self,
        key: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreFault>;

    /// The value of `key`.
    fn get_meta(&mut self, key: &str) -> Result<Option<Bytes>, StoreFault>;

    /// All entries whose keys start with `prefix`, in order of keys.
    fn list_meta(&mut self, prefix: &str) -> Result<Vec<(String, Bytes)>, StoreFault>;

    /// Moves the turns up to `up_to` into history, in one durable step.
    ///
    /// Refused past the checkpoint, or when a run that those turns touch has no part.
    fn trim(&mut self, up_to: u64, parts: &[HistoryPart]) -> Result<(), StoreFault>;

    /// The position at which an epoch began, which is where the one before ended; `None` if it is to come, or so
    /// long ago that it is not remembered.
    fn epoch_start(&mut self, epoch: u32) -> Result<Option<u64>, StoreFault>;

    /// The runs that were forgotten and of which something is left, in order.
    fn forgotten(&mut self) -> Result<Vec<u64>, StoreFault>;

    /// Deletes about `size_max` bytes of what forgotten runs leave: histories, snapshots, and blobs that no other
    /// run names. Answers whether there is more. It waits for no sync: what a crash takes back is deleted again.
    fn free_forgotten(&mut self, size_max: usize) -> Result<bool, StoreFault>;

    /// Copies the store, as it is now, to a new file; answers the position that the copy holds.
    fn backup(&mut self, dest: &Path) -> Result<u64, StoreFault>;

    /// Makes turns that were submitted without sync durable now.
    fn sync(&mut self) -> Result<(), StoreFault>;

    /// Reads and checks everything that is stored.
    fn verify(&mut self) -> Result<VerifyReport, StoreFault>;

    /// Makes everything durable and gives the store back.
    fn close(self: Box<Self>) -> Result<(), StoreFault>;
}
