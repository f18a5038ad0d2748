//! What is due when: in memory only, armed anew from the runs after a restart.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Wake;
use crate::seeded::{Bug, is_planted};
use crate::time::Millis;

/// Wakes by their time, each set at most once.
#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeSet<(Millis, Wake)>,
    set: BTreeMap<Wake, Millis>,
}

impl Timers {
    pub fn arm(&mut self, at: Millis, wake: Wake) {
        if let Some(before) = self.set.insert(wake, at) {
            self.due.remove(&(before, wake));
        }
        self.due.insert((at, wake));
    }

    pub fn disarm(&mut self, wake: Wake) {
        if let Some(at) = self.set.remove(&wake) {
            self.due.remove(&(at, wake));
        }
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Millis> {
        self.due.first().map(|(at, _)| *at)
    }

    /// When this one is due, if it is set.
    pub fn at(&self, wake: Wake) -> Option<Millis> {
        self.set.get(&wake).copied()
    }

    /// Takes one that is due at `now`, in the order of their times.
    pub fn pop_due(&mut self, now: Millis) -> Option<Wake> {
        let (at, wake) = *self.due.first()?;
        let early_ms = if is_planted(Bug::TimersTakenEarly) { 50 } else { 0 };
        if at > now.plus(early_ms) {
            return None;
        }
        self.due.remove(&(at, wake));
        self.set.remove(&wake);
        Some(wake)
    }

    pub fn len(&self) -> usize {
        self.set.len()
    }

    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RunNumber;

    #[test]
    fn wakes_come_in_the_order_of_their_times_and_only_once_due() {
        let mut timers = Timers::default();
        let wake = |n| Wake::RunDeadline { run: RunNumber(n) };
        timers.arm(Millis(30), wake(1));
        timers.arm(Millis(10), wake(2));
        timers.arm(Millis(20), wake(3));
        timers.arm(Millis(40), wake(2));
        timers.disarm(wake(3));

        assert_eq!(timers.pop_due(Millis(29)), None);
        assert_eq!(timers.pop_due(Millis(50)), Some(wake(1)));
        assert_eq!(timers.pop_due(Millis(50)), Some(wake(2)));
        assert!(timers.is_empty());
    }
}
