//! What is done anew: a run that has failed is opened again, and what failed in it, with all that
//! could not be reached behind it, waits and opens as it did the first time.

use super::entry::{End, Phase};
use super::run::Run;

impl Run {
    /// A failed run goes on. What was cancelled with it as a whole waits anew.
    pub(super) fn reopen(&mut self) {
        if let Some(handler) = self.flow.on_error {
            self.entries[handler].waits_again();
        }
        if self.stop.take().is_none() {
            return;
        }
        for task in 0..self.flow.tasks.len() {
            if !self.was_stopped(task) {
                continue;
            }
            match self.maps.get(&task).copied() {
                None => self.entries[task].waits_again(),
                Some((first, count)) => {
                    self.entries[task].phase = Phase::Mapped;
                    for item in first..first + count {
                        if self.was_stopped(item) {
                            self.entries[item].waits_again();
                        }
                    }
                }
            }
        }
    }

    /// Whether an instance was cancelled with its whole run, not by itself.
    fn was_stopped(&self, instance: usize) -> bool {
        let entry = &self.entries[instance];
        entry.end() == Some(&End::Cancelled) && entry.is_stopped
    }

    /// A task that has failed gets another set of attempts.
    pub(super) fn recover(&mut self, instance: usize) {
        if let Some(handler) = self.flow.on_error {
            self.wait_for_failure_again(handler);
        }
        match self.place(instance) {
            Some((map, Some(_))) => {
                self.entries[instance].waits_again();
                if self.entries[map].end().is_some() {
                    self.entries[map].phase = Phase::Mapped;
                    self.reach_again(map);
                }
            }
            Some((task, None)) => {
                if let Some(span) = self.maps.remove(&task) {
                    self.former_maps.push((task, span));
                }
                self.entries[task].waits_again();
                self.reach_again(task);
            }
            None => {}
        }
    }

    /// All that was not reached because of a task waits anew, and its error handlers wait for a
    /// failure anew.
    fn reach_again(&mut self, task: usize) {
        let mut left = vec![task];
        while let Some(next) = left.pop() {
            if let Some(handler) = self.flow.tasks[next].handler {
                self.wait_for_failure_again(handler.task);
                left.push(handler.task);
            }
            let after: Vec<usize> = self.flow.successors(next).collect();
            for successor in after {
                if self.entries[successor].end() == Some(&End::Unreached) {
                    self.entries[successor].waits_again();
                    left.push(successor);
                }
            }
        }
    }

    fn wait_for_failure_again(&mut self, handler: usize) {
        if self.entries[handler].phase != Phase::Waiting {
            self.entries[handler].waits_again();
        }
    }
}
