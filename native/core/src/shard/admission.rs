//! Which runs may work at once.

use super::turn::Shard;
use crate::event::RunStarted;
use crate::lifecycle::RunState;
use crate::time::Millis;

impl Shard {
    /// Whether one more run may work.
    pub(super) fn has_room(&self) -> bool {
        self.working.len() < self.settings.max_concurrent_runs
    }

    /// How many runs wait for room.
    pub fn waiting_count(&self) -> usize {
        self.created.len()
    }

    /// Starts the next run that waits, where there is room for one more.
    pub(super) fn admit(&mut self, now: Millis) -> bool {
        while self.has_room() {
            let Some(run) = self.created.pop_first() else { return false };
            let state = self.state.run(run).map(crate::state::Run::state);
            if state == Some(RunState::Created) {
                self.record(RunStarted { run, at: now }.into());
                return true;
            }
        }
        false
    }
}
