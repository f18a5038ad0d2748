//! Stores to start from.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pyflow_store::{
    Blob, Checkpoint, Completion, HistoryPart, Log, Options, Snapshot, StoreFault, Turn, open,
};
use tempfile::TempDir;

/// The runs that the scenes use.
pub(crate) const RUNS: std::ops::RangeInclusive<u64> = 1..=4;

/// A directory in memory where there is one: these tests open stores many thousand times.
pub(crate) fn fast_dir() -> TempDir {
    let base = Path::new("/dev/shm");
    let made = if base.is_dir() { tempfile::tempdir_in(base) } else { tempfile::tempdir() };
    made.expect("a temporary directory can be made")
}

pub(crate) fn url(path: &Path) -> String {
    format!("sqlite:///{}", path.display())
}

pub(crate) fn owner(path: &Path) -> Box<dyn Log> {
    try_owner(path).expect("the store opens")
}

pub(crate) fn try_owner(path: &Path) -> Result<Box<dyn Log>, StoreFault> {
    open(&url(path), &Options::default())
}

pub(crate) fn try_reader(path: &Path) -> Result<Box<dyn Log>, StoreFault> {
    open(&url(path), &Options { read_only: true })
}

/// The turn at a position; it touches one or two runs, and its events tell the position.
pub(crate) fn turn(position: u64, epoch: u32) -> Turn {
    let mut runs = vec![position % 4 + 1, position % 3 + 1];
    runs.sort_unstable();
    runs.dedup();
    Turn {
        position,
        epoch,
        runs,
        events: events(position),
        blobs: Vec::new(),
        named: Vec::new(),
        forgotten: Vec::new(),
        sync: true,
    }
}

/// 220 bytes, each position's own.
pub(crate) fn events(position: u64) -> Bytes {
    (0..220_u64).map(|index| (position * 31 + index * 7) as u8).collect()
}

pub(crate) fn blob() -> Blob {
    Blob::new((0..6_000_u32).map(|index| (index * index) as u8).collect())
}

/// Submits a turn and gives its completion.
pub(crate) fn submit(log: &mut dyn Log, turn: Turn) -> Completion {
    log.submit(turn);
    let mut completions = Vec::new();
    log.completions(&mut completions);
    assert_eq!(completions.len(), 1, "a local store completes at once");
    completions.pop().expect("one completion")
}

/// Submits a turn at a position, in the log's own epoch.
pub(crate) fn submit_at(log: &mut dyn Log, position: u64) -> Completion {
    let epoch = log.epoch();
    submit(log, turn(position, epoch))
}

/// Appends turns up to a position; each must become durable.
pub(crate) fn append_to(log: &mut dyn Log, last: u64) {
    for position in log.head().expect("the head can be read").position + 1..=last {
        assert_eq!(submit_at(log, position), Completion::Durable { position });
    }
}

/// Everything that a store can hold: 24 turns of which 8 are trimmed, metadata, a blob, a checkpoint, snapshots.
pub(crate) fn fill(log: &mut dyn Log) {
    append_to(log, 16);
    log.put_blobs(&[blob()]).expect("the blob is stored");
    for name in ["definition/a", "definition/b", "limit"] {
        assert_eq!(log.cas_meta(name, None, Some(name.as_bytes())), Ok(true));
    }
    let checkpoint = Checkpoint { position: 10, bytes: Bytes::from_static(b"all of the shard") };
    let snapshots: Vec<_> = RUNS.map(|run| (run, events(run))).collect();
    log.put_checkpoint(&checkpoint, &snapshots).expect("the checkpoint is stored");
    let parts: Vec<_> = RUNS.map(|run| part(run, 1)).collect();
    log.trim(8, &parts).expect("the log is trimmed");
    let snapshot = Snapshot { run: 2, position: 14, bytes: Bytes::from_static(b"later") };
    log.put_snapshots(&[snapshot]).expect("the snapshot is stored");
    append_to(log, 24);
    log.sync().expect("the store can be synced");
}

pub(crate) fn part(run: u64, first_position: u64) -> HistoryPart {
    HistoryPart { run, first_position, bytes: events(run * 100) }
}

/// The length of a frame of the write-ahead log.
pub(crate) const FRAME: usize = 24 + 4096;

/// The files of a store as a crash at this moment would leave them, but for the room behind the frames.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) main: Vec<u8>,
    pub(crate) wal: Vec<u8>,
}

impl Image {
    pub(crate) fn of(path: &Path) -> Self {
        let main = fs::read(path).expect("the main file is there");
        let mut wal = fs::read(wal_of(path)).unwrap_or_default();
        if let Some((header, frames)) = wal.split_at_checked(32) {
            let room = frames.chunks(FRAME).position(|frame| frame.iter().all(|byte| *byte == 0));
            wal.truncate(room.map_or(wal.len(), |count| header.len() + count * FRAME));
        }
        Self { main, wal }
    }

    /// Writes the files where no store is open.
    pub(crate) fn lay(&self, path: &Path) {
        let _ = fs::remove_file(beside(path, "-shm"));
        fs::write(path, &self.main).expect("the main file can be written");
        if self.wal.is_empty() {
            let _ = fs::remove_file(wal_of(path));
        } else {
            fs::write(wal_of(path), &self.wal).expect("the -wal file can be written");
        }
    }
}

pub(crate) fn wal_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
