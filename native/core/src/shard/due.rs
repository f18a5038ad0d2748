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
            if !self.put_off(wake, now) {
                let command = self.command_of(wake);
                self.handle(&command, None, now);
            }
        }
    }

    /// A queue's timeout does not fail a task of a paused run: it begins anew when the run goes on. One
    /// that was armed before a pause which is over is armed for its later time.
    fn put_off(&mut self, wake: Wake, now: Millis) -> bool {
        let Wake::QueueTimeout { run, instance } = wake else { return false };
        let Some(found) = self.state.run(run) else { return false };
        if found.state() == RunState::Paused {
            self.aside.entry(run).or_default().wakes.push(wake);
            return true;
        }
        let later = decide::queue_wake(found, instance).filter(|(at, _)| *at > now);
        if let Some((at, wake)) = later {
            self.timers.arm(at, wake);
        }
        later.is_some()
    }

    /// Arms again what was due while its run was paused.
    pub(super) fn arm_again(&mut self, wake: Wake) {
        let Wake::QueueTimeout { run, instance } = wake else { return };
        let found = self.state.run(run);
        if let Some((at, wake)) = found.and_then(|run| decide::queue_wake(run, instance)) {
            self.timers.arm(at, wake);
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
