//! The polite end: what workers hold goes back uncounted, all is written, the mark is left.

use pyflow_core::event::LeaseEnd;
use pyflow_core::time::Millis;

use super::ring::Driver;
use crate::fault::Refusal;

/// Under this name the store keeps the position at which its last owner ended politely.
pub(crate) const POLITE_END: &str = "polite_end";

/// So many bytes of log since the last checkpoint are worth another one at the end.
const CLOSING_CHECKPOINT_SIZE: u64 = 4 * 1024 * 1024;

impl Driver {
    /// Gives back what workers hold, writes everything and closes the store.
    pub(crate) fn close(mut self) -> Result<(), Refusal> {
        let now = self.now();
        let writes = self.fault.is_none() && !self.read_only;
        if writes {
            self.give_all_back(now);
        }
        self.idle();
        if writes && self.fault.is_none() {
            if self.checkpoint.1 >= CLOSING_CHECKPOINT_SIZE {
                self.keep_checkpoint();
            }
            self.mark_polite_end()?;
        }
        // Whatever becomes of the model, the log is closed in order.
        let closed = self.model.close();
        self.log.close()?;
        Ok(closed?)
    }

    fn give_all_back(&mut self, now: Millis) {
        for session in self.shard.sessions().ids() {
            self.shard.drain_session(session);
        }
        for session in self.shard.sessions().ids() {
            self.shard.close_session(session, LeaseEnd::Returned, now);
        }
        self.pump();
    }

    fn mark_polite_end(&mut self) -> Result<(), Refusal> {
        let position = self.shard.state().position().to_string();
        let before = self.log.get_meta(POLITE_END)?;
        if before.as_deref() != Some(position.as_bytes()) {
            self.log.cas_meta(POLITE_END, before.as_deref(), Some(position.as_bytes()))?;
        }
        Ok(())
    }
}
