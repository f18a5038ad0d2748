//! Checkpoints, and the log behind them: it moves to the histories in slices, each one synced transaction, so that what
//! is asked for meanwhile is answered between two of them. A crash leaves the rest to the next owner.

use pyflow_store::Head;

use super::ring::Driver;
use crate::checkpoint;
use crate::fault::Refusal;

/// What is to be moved out of the log.
#[derive(Debug)]
pub(crate) struct Trimming {
    /// The last position that is to be moved; none: all has been.
    up_to: Option<u64>,
    /// About so many bytes a slice.
    slice_size: usize,
}

impl Trimming {
    /// What the last owner's checkpoint covers and is still in the log.
    pub(crate) fn new(head: &Head, slice_size: usize) -> Self {
        let up_to = (head.trimmed < head.checkpoint).then_some(head.checkpoint);
        Self { up_to, slice_size }
    }

    pub(super) const fn has_work(&self) -> bool {
        self.up_to.is_some()
    }

    fn ask(&mut self, up_to: u64) {
        self.up_to = self.up_to.max(Some(up_to));
    }
}

impl Driver {
    /// Keeps the state whole if there is log enough since the last time, and moves a slice of what is kept.
    pub(super) fn keep_in_time(&mut self) {
        if self.checkpoint.1 >= self.checkpoint_size && self.fault.is_none() {
            self.keep_checkpoint();
        }
        // One that fails leaves the log longer than it need be, until the next checkpoint or the next owner.
        let _ = self.trim_a_slice();
    }

    /// Keeps the state whole; what that covers is then moved from the log to the histories.
    pub(super) fn keep_checkpoint(&mut self) {
        // One that fails costs nothing but the time to fold a longer log.
        if let Ok(position) = self.write_checkpoint() {
            self.trimming.ask(position);
        }
    }

    /// Has the log up to a position moved to the histories; what lies behind it stays, for those who follow it.
    pub(super) fn trim_to(&mut self, up_to: u64) -> Result<(), Refusal> {
        if up_to > self.checkpoint.0 {
            self.write_checkpoint()?;
        }
        self.trimming.ask(up_to);
        self.trim_a_slice()
    }

    /// Keeps the state whole, at the position that it answers.
    fn write_checkpoint(&mut self) -> Result<u64, Refusal> {
        // The read model must not need what the checkpoint lets go of.
        self.project();
        self.shard.state_mut().retire_ended();
        let now = self.clock.now();
        let state = self.shard.state();
        let position = state.position();
        let kept = checkpoint::write(self.log.as_mut(), state, (self.checkpoint.0, now));
        self.checkpoint = (if kept.is_ok() { position } else { self.checkpoint.0 }, 0);
        kept.map(|()| position)
    }

    fn trim_a_slice(&mut self) -> Result<(), Refusal> {
        let Some(up_to) = self.trimming.up_to else { return Ok(()) };
        if self.read_only || self.fault.is_some() {
            return Ok(());
        }
        let has_more = checkpoint::trim(self.log.as_mut(), up_to, self.trimming.slice_size);
        if !matches!(has_more, Ok(true)) {
            self.trimming.up_to = None;
        }
        has_more.map(drop)
    }
}
