//! All answers that a store gives, to compare.

use bytes::Bytes;
use pyflow_store::{BlobHash, Checkpoint, Log, RunPiece, Snapshot, StoreFault, StoredTurn};

use crate::scenes::{RUNS, blob};

/// What a reader can learn from a log, apart from its epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) position: u64,
    pub(crate) trimmed: u64,
    pub(crate) turns: Vec<StoredTurn>,
    pub(crate) runs: Vec<Vec<RunPiece>>,
    pub(crate) snapshots: Vec<Option<Snapshot>>,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) blobs: [Option<Bytes>; 2],
    pub(crate) meta: Vec<(String, Bytes)>,
    pub(crate) values: Vec<Option<Bytes>>,
}

impl Picture {
    pub(crate) fn of(log: &mut dyn Log) -> Result<Self, StoreFault> {
        let head = log.head()?;
        let keys = ["definition/a", "definition/b", "limit", "none"];
        // One more than there are: absence is an answer too.
        let runs = *RUNS.start()..=*RUNS.end() + 1;
        Ok(Self {
            position: head.position,
            trimmed: head.trimmed,
            turns: all_turns(log, head.trimmed + 1)?,
            runs: runs.clone().map(|run| whole_run(log, run)).collect::<Result<_, _>>()?,
            snapshots: runs.map(|run| log.get_snapshot(run)).collect::<Result<_, _>>()?,
            checkpoint: log.get_checkpoint()?,
            blobs: [log.get_blob(&blob().hash())?, log.get_blob(&BlobHash::of(b"none"))?],
            meta: log.list_meta("definition/")?,
            values: keys.iter().map(|key| log.get_meta(key)).collect::<Result<_, _>>()?,
        })
    }
}

/// Reads in small pieces, so that the chain is also followed from one call to the next.
pub(crate) fn all_turns(log: &mut dyn Log, first: u64) -> Result<Vec<StoredTurn>, StoreFault> {
    let mut turns: Vec<StoredTurn> = Vec::new();
    loop {
        let next = turns.last().map_or(first, |turn| turn.position + 1);
        let more = log.read(next, 1_000)?;
        if more.is_empty() {
            return Ok(turns);
        }
        turns.extend(more);
    }
}

pub(crate) fn whole_run(log: &mut dyn Log, run: u64) -> Result<Vec<RunPiece>, StoreFault> {
    let (mut pieces, mut first) = (Vec::new(), Some(1));
    while let Some(from) = first {
        let page = log.read_run(run, from, u64::MAX >> 1, 500)?;
        pieces.extend(page.pieces);
        first = page.next;
    }
    Ok(pieces)
}
