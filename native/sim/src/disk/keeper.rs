//! One disk: it outlives the processes that open it.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use pyflow_store::{Log, MemoryLog, MemoryStore, StoreFault};

use super::log::SimulatedLog;
use super::operation::{Operation, Written};
use super::trouble::{Call, Killed, Trouble, failed, full, misread, refused};
use crate::dice::Dice;

/// A disk; clones are handles of the same one.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    shared: Arc<Mutex<Platter>>,
}

/// A turn as the disk holds it.
#[derive(Clone, Debug)]
pub(crate) struct KeptTurn {
    pub(crate) position: u64,
    pub(crate) epoch: u32,
    pub(crate) events: Bytes,
    /// The runs that the store was told it touches.
    pub(crate) runs: Vec<u64>,
    /// Whether it was synced before it was answered.
    pub(crate) sync: bool,
    /// What was kept beside it, by hash.
    pub(crate) blobs: Vec<([u8; 32], Bytes)>,
}

/// What the disk holds and what is about to befall it.
#[derive(Debug, Default)]
pub(super) struct Platter {
    operations: Vec<Operation>,
    /// So many of them, from the first, are safe from a power cut.
    synced: usize,
    /// What all of them lead to, and the log that is open on it.
    store: MemoryStore,
    log: Option<MemoryLog>,
    /// After so many more calls that it suits: this.
    armed: Option<(u64, Trouble)>,
    is_full: bool,
    /// The power went in a write: how much is left of what was not synced, in percent.
    torn: Option<u8>,
    /// The fault after which the opened log takes nothing more.
    broken: Option<StoreFault>,
    /// How long calls have taken since that was last asked.
    delay_ms: u64,
    /// Troubles that have come to pass.
    befallen: Vec<Trouble>,
    refused_as_full: u64,
    kept: [u64; 2],
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    /// Opens the disk as a new process does: the one before is dead.
    pub(crate) fn open(&self) -> Result<SimulatedLog, StoreFault> {
        let mut platter = self.shared.lock();
        platter.broken = None;
        platter.write("opening the store", Operation::Open)?;
        let epoch = platter.log.as_ref().map_or(0, Log::epoch);
        Ok(SimulatedLog::new(self.shared.clone(), epoch))
    }

    /// Every turn that it holds, those that were moved to histories among them.
    pub(crate) fn turns(&self) -> Vec<KeptTurn> {
        self.turns_from(0)
    }

    /// The turns behind so many first ones.
    pub(crate) fn turns_from(&self, count: usize) -> Vec<KeptTurn> {
        let platter = self.shared.lock();
        let turns = platter.operations.iter().filter_map(|operation| match operation {
            Operation::Turn(turn) => Some(turn),
            Operation::Open
            | Operation::Snapshots(_)
            | Operation::Checkpoint(..)
            | Operation::Blobs(_)
            | Operation::Meta { .. }
            | Operation::Trim { .. }
            | Operation::Free { .. } => None,
        });
        let kept = turns.skip(count).map(|turn| KeptTurn {
            position: turn.position,
            epoch: turn.epoch,
            events: turn.events.clone(),
            runs: turn.runs.clone(),
            sync: turn.sync,
            blobs: turn
                .blobs
                .iter()
                .map(|blob| (*blob.hash().as_bytes(), blob.bytes().clone()))
                .collect(),
        });
        kept.collect()
    }

    /// The power goes: of what was not synced a first part is left, as chance has it.
    pub(crate) fn cut_power(&self, dice: &mut Dice) -> usize {
        let mut platter = self.shared.lock();
        let left = dice.between(platter.synced as u64, platter.operations.len() as u64) as usize;
        platter.cut_to(left)
    }

    /// What a torn write takes with it is lost, now that what came before it has been heard; how many
    /// writes that is.
    pub(crate) fn lose_torn(&self) -> usize {
        let mut platter = self.shared.lock();
        let Some(left_percent) = platter.torn.take() else { return 0 };
        let unsynced = platter.operations.len() - platter.synced;
        let left = platter.synced + unsynced * usize::from(left_percent) / 100;
        platter.cut_to(left)
    }

    /// Makes safe what was written without sync.
    pub(crate) fn sync(&self) {
        let mut platter = self.shared.lock();
        platter.synced = platter.operations.len();
    }

    /// Lets a trouble befall the call after so many others.
    pub(crate) fn arm(&self, after: u64, trouble: Trouble) {
        self.shared.lock().armed = Some((after, trouble));
    }

    /// Nothing is about to befall its next calls any more.
    pub(crate) fn disarm(&self) {
        self.shared.lock().armed = None;
    }

    /// Nothing is wrong with it any more.
    pub(crate) fn calm(&self) {
        self.disarm();
        self.set_full(false);
    }

    /// Whether it has no room at present.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.lock().is_full
    }

    pub(crate) fn set_full(&self, is_full: bool) {
        self.shared.lock().is_full = is_full;
    }

    /// Checkpoints that were written and trims that were made since that was last asked.
    pub(crate) fn take_kept(&self) -> [u64; 2] {
        std::mem::take(&mut self.shared.lock().kept)
    }

    /// Whether the living process has met a fault after which it must be opened again.
    pub(crate) fn is_broken(&self) -> bool {
        self.shared.lock().broken.is_some()
    }

    pub(crate) fn take_delay_ms(&self) -> u64 {
        std::mem::take(&mut self.shared.lock().delay_ms)
    }

    /// The troubles that have come to pass, and how often it was full, since that was last asked.
    pub(crate) fn take_befallen(&self) -> (Vec<Trouble>, u64) {
        let mut platter = self.shared.lock();
        (std::mem::take(&mut platter.befallen), std::mem::take(&mut platter.refused_as_full))
    }
}

impl Platter {
    fn cut_to(&mut self, left: usize) -> usize {
        let lost = self.operations.len() - left;
        if lost > 0 {
            self.operations.truncate(left);
            self.synced = self.synced.min(left);
            self.store = MemoryStore::default();
            self.log = None;
            for operation in &self.operations {
                let done = operation.perform(&self.store, &mut self.log);
                done.expect("what was written once can be written again");
            }
        }
        lost
    }

    /// Counts a call; gives what befalls it.
    fn meet(&mut self, call: Call) -> Option<Trouble> {
        let (after, trouble) = self.armed.filter(|(_, trouble)| trouble.suits(call))?;
        if after > 0 {
            self.armed = Some((after - 1, trouble));
            return None;
        }
        self.armed = None;
        self.befallen.push(trouble);
        Some(trouble)
    }

    fn must_be_whole(&self) -> Result<(), StoreFault> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn breaks(&mut self, fault: StoreFault) -> StoreFault {
        self.broken = Some(fault.clone());
        fault
    }

    /// Asks the store something that changes nothing.
    pub(super) fn read<T>(
        &mut self,
        body: impl FnOnce(&mut MemoryLog) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        self.must_be_whole()?;
        match self.meet(Call::Read) {
            Some(Trouble::KilledBefore | Trouble::KilledAfter) => kill(),
            Some(Trouble::Misread) => return Err(self.breaks(misread())),
            Some(Trouble::Slow { span_ms }) => self.delay_ms += span_ms,
            Some(
                Trouble::Torn { .. }
                | Trouble::SyncFails
                | Trouble::WriteFails
                | Trouble::Refused
                | Trouble::CheckpointRefused,
            )
            | None => {}
        }
        body(self.log.as_mut().expect("a store is opened before it is read"))
    }

    /// Writes for the owner of an epoch; a later owner may have come meanwhile.
    pub(super) fn write_as(
        &mut self,
        ours: u32,
        name: &'static str,
        operation: Operation,
    ) -> Result<Written, StoreFault> {
        let found = self.log.as_ref().map_or(0, Log::epoch);
        if found != ours {
            return Err(StoreFault::Fenced { ours, found });
        }
        self.write(name, operation)
    }

    /// Writes, with what befalls the call.
    fn write(&mut self, name: &'static str, operation: Operation) -> Result<Written, StoreFault> {
        self.must_be_whole()?;
        let is_whole = matches!(operation, Operation::Checkpoint(..));
        let trouble = self.meet(if is_whole { Call::Checkpoint } else { Call::Write });
        match trouble {
            Some(Trouble::KilledBefore) => kill(),
            Some(Trouble::Torn { left_percent }) => {
                self.torn = Some(left_percent);
                kill()
            }
            Some(Trouble::WriteFails) => return Err(self.breaks(failed(name))),
            Some(Trouble::Refused | Trouble::CheckpointRefused) => return Err(refused(name)),
            Some(Trouble::Slow { span_ms }) => self.delay_ms += span_ms,
            Some(Trouble::KilledAfter | Trouble::SyncFails | Trouble::Misread) | None => {}
        }
        if self.is_full && !matches!(operation, Operation::Open) {
            self.refused_as_full += 1;
            return Err(full());
        }
        let synced = operation.is_synced();
        let written = operation.perform(&self.store, &mut self.log)?;
        if !matches!(written, Written::Compared(false)) {
            self.kept[0] += u64::from(matches!(operation, Operation::Checkpoint(..)));
            self.kept[1] += u64::from(matches!(operation, Operation::Trim { .. }));
            self.operations.push(operation);
        }
        match trouble {
            Some(Trouble::SyncFails) => return Err(self.breaks(failed(name))),
            Some(Trouble::KilledAfter) => {
                self.sync_if(synced);
                kill()
            }
            Some(
                Trouble::KilledBefore
                | Trouble::Torn { .. }
                | Trouble::WriteFails
                | Trouble::Refused
                | Trouble::CheckpointRefused
                | Trouble::Misread
                | Trouble::Slow { .. },
            )
            | None => {}
        }
        self.sync_if(synced);
        Ok(written)
    }

    fn sync_if(&mut self, synced: bool) {
        if synced {
            self.synced = self.operations.len();
        }
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.operations.len();
    }
}

/// Ends the process where it stands; nothing is printed, since nothing is wrong.
fn kill() -> ! {
    std::panic::resume_unwind(Box::new(Killed))
}
