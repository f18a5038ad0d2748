//! Those who follow events: each asks for what comes after a place that it knows, and asks again.

use std::collections::BTreeMap;

use pyflow_core::ids::RunNumber;

/// One that has heard all there was and waits for more.
#[derive(Debug, Clone)]
pub(crate) struct Watcher {
    pub(crate) ticket: u64,
    /// The last place it knows: a number of the run's history, or a position of the log.
    pub(crate) after: u64,
    pub(crate) limit: usize,
    /// Whether it is cut off when it is too far behind.
    pub(crate) is_bounded: bool,
}

/// Watchers by what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    pub(crate) of_run: BTreeMap<RunNumber, Vec<Watcher>>,
    pub(crate) of_all: Vec<Watcher>,
}

impl Watchers {
    pub(crate) fn is_empty(&self) -> bool {
        self.of_run.is_empty() && self.of_all.is_empty()
    }

    pub(crate) fn forget(&mut self, ticket: u64) {
        self.of_all.retain(|watcher| watcher.ticket != ticket);
        self.of_run.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.ticket != ticket);
            !watchers.is_empty()
        });
    }

    /// Takes the tickets of all of them.
    pub(crate) fn take_tickets(&mut self) -> Vec<u64> {
        let Self { of_run, of_all } = std::mem::take(self);
        let all = of_run.into_values().flatten().chain(of_all);
        all.map(|watcher| watcher.ticket).collect()
    }
}
