//! What a store in memory holds. It outlives the logs that are opened on it, as a file would.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::fault::{FaultPlan, MemoryFault};
use super::log::MemoryLog;
use crate::{
    BlobHash, Checkpoint, Head, HistoryChunk, HistoryPart, RunPage, RunPiece, Snapshot, StoreFault,
    StoredTurn, Turn,
};

/// A store in memory. Clones share what it holds.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    held: Arc<Mutex<Shelf>>,
}

impl MemoryStore {
    /// Opens the log as its owner; logs opened before are fenced.
    pub fn open(&self) -> MemoryLog {
        self.open_with_faults([])
    }

    /// Opens the log as its owner; calls fail by their number, counted from 1 for this opening. Asking for
    /// completions is no call.
    pub fn open_with_faults(
        &self,
        faults: impl IntoIterator<Item = (u64, MemoryFault)>,
    ) -> MemoryLog {
        let epoch = self.shelf().begin_epoch();
        MemoryLog::new(self.clone(), epoch, FaultPlan::new(faults))
    }

    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) epoch: u32,
    pub(super) trimmed: u64,
    /// One a position, from the first that was not trimmed.
    pub(super) turns: VecDeque<StoredTurn>,
    pub(super) blobs: BTreeMap<BlobHash, Bytes>,
    pub(super) snapshots: BTreeMap<u64, Snapshot>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) history: BTreeMap<u64, Vec<HistoryChunk>>,
    pub(super) meta: BTreeMap<String, Bytes>,
    /// Where each epoch began.
    pub(super) epochs: BTreeMap<u32, u64>,
    pub(super) forgotten: BTreeSet<u64>,
    /// Which run names which blob.
    named: BTreeSet<(u64, BlobHash)>,
}

impl Shelf {
    pub(super) fn begin_epoch(&mut self) -> u32 {
        self.epoch += 1;
        let position = self.head().position;
        self.epochs.insert(self.epoch, position);
        self.epoch
    }

    pub(super) fn head(&self) -> Head {
        Head {
            position: self.trimmed + self.turns.len() as u64,
            trimmed: self.trimmed,
            epoch: self.epoch,
            checkpoint: self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.position),
        }
    }

    pub(super) fn append(&mut self, turn: Turn) -> Result<(), StoreFault> {
        if turn.epoch != self.epoch {
            return Err(StoreFault::Fenced { ours: turn.epoch, found: self.epoch });
        }
        let head = self.head().position;
        if turn.position != head + 1 {
            let detail = format!("position {} does not follow position {head}", turn.position);
            return Err(refused("appending a turn", detail));
        }
        for name in &turn.named {
            let is_named = self.named.iter().any(|(_, hash)| *hash == name.1);
            // One that is there without a name is needed by somebody who is not on record.
            if is_named || !self.blobs.contains_key(&name.1) {
                self.named.insert(*name);
            }
        }
        self.blobs.extend(turn.blobs.iter().map(|blob| (blob.hash(), blob.bytes().clone())));
        let Turn { position, epoch, runs, events, forgotten, .. } = turn;
        self.forgotten.extend(forgotten);
        self.turns.push_back(StoredTurn { position, epoch, runs, events });
        Ok(())
    }

    pub(super) fn read(
        &self,
        from: u64,
        limit_bytes: usize,
    ) -> Result<Vec<StoredTurn>, StoreFault> {
        let from = from.max(1);
        if from <= self.trimmed {
            return Err(StoreFault::Trimmed { asked: from, first: self.trimmed + 1 });
        }
        let (mut turns, mut size) = (Vec::new(), 0);
        for turn in self.turns_from(from) {
            size += turn.events.len();
            turns.push(turn.clone());
            if size >= limit_bytes {
                break;
            }
        }
        Ok(turns)
    }

    /// The turns from a position on, as far back as there are any.
    fn turns_from(&self, position: u64) -> impl Iterator<Item = &StoredTurn> {
        let before = position.saturating_sub(self.trimmed + 1) as usize;
        self.turns.range(before.min(self.turns.len())..)
    }

    pub(super) fn read_run(&self, run: u64, first: u64, last: u64, limit_bytes: usize) -> RunPage {
        let mut page = RunPage::default();
        let mut size = 0;
        let turns = self.turns_from(first).take_while(|turn| turn.position <= last);
        let turns = turns.filter(|turn| turn.runs.contains(&run));
        let pieces = self
            .chunks_between(run, first, last)
            .map(|chunk| (chunk.first_position.max(first), RunPiece::History(chunk.clone())))
            .chain(turns.map(|turn| (turn.position, RunPiece::Turn(turn.clone()))));
        for (position, piece) in pieces {
            if size >= limit_bytes && !page.pieces.is_empty() {
                page.next = Some(position);
                break;
            }
            size += match &piece {
                RunPiece::History(chunk) => chunk.bytes.len(),
                RunPiece::Turn(turn) => turn.events.len(),
            };
            page.pieces.push(piece);
        }
        page
    }

    /// A chunk reaches to where the next begins, the last one to the end of what was trimmed.
    fn chunks_between(
        &self,
        run: u64,
        first: u64,
        last: u64,
    ) -> impl Iterator<Item = &HistoryChunk> {
        let chunks = self.history.get(&run).map_or(&[][..], Vec::as_slice);
        chunks.iter().enumerate().filter_map(move |(index, chunk)| {
            let end = chunks.get(index + 1).map_or(self.trimmed + 1, |next| next.first_position);
            (end > first && chunk.first_position <= last).then_some(chunk)
        })
    }

    pub(super) fn put_checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        snapshots: &[(u64, Bytes)],
    ) -> Result<(), StoreFault> {
        let head = self.head();
        let position = checkpoint.position;
        if !(head.checkpoint.max(1)..=head.position).contains(&position) {
            let detail = format!(
                "a checkpoint at {position} lies outside {}..={}",
                head.checkpoint.max(1),
                head.position
            );
            return Err(refused("storing the checkpoint", detail));
        }
        self.checkpoint = Some(checkpoint.clone());
        self.snapshots.extend(
            snapshots
                .iter()
                .map(|(run, bytes)| (*run, Snapshot { run: *run, position, bytes: bytes.clone() })),
        );
        Ok(())
    }

    pub(super) fn trim(&mut self, up_to: u64, parts: &[HistoryPart]) -> Result<(), StoreFault> {
        let wanted = "trimming";
        let head = self.head();
        if up_to <= self.trimmed {
            return Err(StoreFault::Trimmed { asked: up_to, first: self.trimmed + 1 });
        }
        if up_to > head.checkpoint {
            let detail = format!("position {up_to} is past the checkpoint at {}", head.checkpoint);
            return Err(refused(wanted, detail));
        }
        let given: BTreeSet<u64> = parts.iter().map(|part| part.run).collect();
        let count = (up_to - self.trimmed) as usize;
        let mut touched = self.turns.range(..count).flat_map(|turn| &turn.runs);
        if let Some(run) = touched.find(|run| !given.contains(run)) {
            return Err(refused(
                wanted,
                format!("run {run} is touched up to {up_to} but has no part"),
            ));
        }
        if given.len() != parts.len() {
            return Err(refused(wanted, "a run has more than one part".to_owned()));
        }
        let inside = self.trimmed + 1..=up_to;
        if let Some(part) = parts.iter().find(|part| !inside.contains(&part.first_position)) {
            let detail = format!("the part of run {} begins outside {inside:?}", part.run);
            return Err(refused(wanted, detail));
        }
        for part in parts {
            self.append_chunk(part);
        }
        self.turns.drain(..count);
        self.turns.shrink_to(2 * self.turns.len());
        self.trimmed = up_to;
        Ok(())
    }

    /// Deletes about `size_max` bytes of what forgotten runs leave; answers whether there is more.
    pub(super) fn free_forgotten(&mut self, size_max: usize) -> bool {
        let mut freed = 0;
        while let Some(run) = self.forgotten.pop_first() {
            let chunks = self.history.remove(&run).unwrap_or_default();
            freed += chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>();
            self.snapshots.remove(&run);
            let all = (run, BlobHash::from_bytes([0; 32]))..=(run, BlobHash::from_bytes([255; 32]));
            let named: Vec<_> = self.named.range(all).copied().collect();
            for name in named {
                self.named.remove(&name);
                if !self.named.iter().any(|(_, hash)| *hash == name.1) {
                    freed += self.blobs.remove(&name.1).map_or(0, |bytes| bytes.len());
                }
            }
            if freed >= size_max {
                break;
            }
        }
        !self.forgotten.is_empty()
    }

    fn append_chunk(&mut self, part: &HistoryPart) {
        let chunks = self.history.entry(part.run).or_default();
        chunks.push(HistoryChunk {
            run: part.run,
            chunk: chunks.len() as u32,
            first_position: part.first_position,
            bytes: part.bytes.clone(),
        });
    }
}

pub(super) fn refused(operation: &'static str, detail: String) -> StoreFault {
    StoreFault::Refused { operation, path: PathBuf::from("memory://"), detail }
}
