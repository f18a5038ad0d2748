//! What is due, and what is asked then.

use super::turn::Shard;
use crate::command::{Command, TimeOut, Wake};
use crate::decide;
use crate::lifecycle::RunState;
use crate::time::Millis;

impl Shard {
    /// Fires what is due at `now`.
    pub fn fire_due(&mut self, now: Millis) {
        while !self.is_full()
            && let Some(wake) = self.timers.pop_due(now)
        {
            if !self.put_wake_aside(wake) {
                let command = self.command_of(wake);
                self.handle(&command, None, now);
            }
        }
    }

    /// A queue's timeout does not fail a task of a paused run: it begins anew when the run goes on.
    fn put_wake_aside(&mut self, wake: Wake) -> bool {
        let Wake::QueueTimeout { run, .. } = wake else { return false };
        let is_paused = self.state.run(run).is_some_and(|run| run.state() == RunState::Paused);
        if is_paused {
            self.aside.entry(run).or_default().wakes.push(wake);
        }
        is_paused
    }

    /// Arms again what was due while its run was paused, its whole span from now.
    pub(super) fn arm_again(&mut self, wake: Wake, now: Millis) {
        let Wake::QueueTimeout { run, instance } = wake else { return };
        let Some(found) = self.state.run(run) else { return };
        let options = found.definition().options(found.task_of(instance));
        let span_ms = options.queue_timeout_ms;
        if let Some(span_ms) = span_ms.filter(|_| decide::queue_wake(found, instance).is_some()) {
            self.timers.arm(now.plus(span_ms), wake);
        }
    }

    /// What is asked when something is due: of an attempt, with what its last heartbeat told.
    pub(super) fn command_of(&self, wake: Wake) -> Command {
        let Some((lease, is_silent)) = wake.lease() else { return Command::Fire(wake) };
        let holder = self.sessions.holder(lease);
        let held = holder.and_then(|(session, handle)| self.sessions.find(session, handle));
        let details = held.and_then(|held| held.details.clone());
        Command::TimeOut(TimeOut { lease, is_silent, details })
    }
}
