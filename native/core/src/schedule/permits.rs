//! Permits: so many at once per key. A permit is held by a lease and ends with it, so that none can
//! leak.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::ids::{InstanceIndex, RunNumber};

/// What a permit is counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermitKey {
    /// A concurrency key that the user named.
    Named(Arc<str>),
    /// All tasks of one type.
    TaskType(Arc<str>),
    /// All tasks of one run.
    Run(RunNumber),
}

type Holder = (RunNumber, InstanceIndex);

#[derive(Debug, Default)]
struct Permit<T> {
    holders: BTreeSet<Holder>,
    parked: VecDeque<T>,
}

/// Permits in use, with the work that waits for them.
#[derive(Debug)]
pub(super) struct Permits<T> {
    keys: BTreeMap<PermitKey, Permit<T>>,
    held: BTreeMap<Holder, Vec<PermitKey>>,
}

impl<T> Default for Permits<T> {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), held: BTreeMap::new() }
    }
}

impl<T> Permits<T> {
    /// The first of these keys of which no permit is free.
    pub(super) fn missing<'a>(&self, wanted: &'a [(PermitKey, u32)]) -> Option<&'a PermitKey> {
        let is_taken = |(key, limit): &&(PermitKey, u32)| {
            self.keys.get(key).is_some_and(|permit| permit.holders.len() >= *limit as usize)
        };
        wanted.iter().find(is_taken).map(|(key, _)| key)
    }

    pub(super) fn take(&mut self, holder: Holder, wanted: Vec<(PermitKey, u32)>) {
        if wanted.is_empty() {
            return;
        }
        for (key, _) in &wanted {
            let permit = self.keys.entry(key.clone());
            permit.or_insert_with(empty).holders.insert(holder);
        }
        self.held.insert(holder, wanted.into_iter().map(|(key, _)| key).collect());
    }

    pub(super) fn park(&mut self, key: &PermitKey, item: T) {
        self.keys.entry(key.clone()).or_insert_with(empty).parked.push_back(item);
    }

    /// Ends what a lease held; gives the work that may try again.
    pub(super) fn release(&mut self, holder: Holder) -> Vec<T> {
        let mut freed = Vec::new();
        for key in self.held.remove(&holder).unwrap_or_default() {
            let Some(permit) = self.keys.get_mut(&key) else { continue };
            permit.holders.remove(&holder);
            freed.extend(permit.parked.pop_front());
            if permit.holders.is_empty() && permit.parked.is_empty() {
                self.keys.remove(&key);
            }
        }
        freed
    }

    /// How many hold and how many wait for permits of a key.
    pub(super) fn counts(&self, key: &PermitKey) -> (usize, usize) {
        self.keys.get(key).map_or((0, 0), |permit| (permit.holders.len(), permit.parked.len()))
    }

    pub(super) fn parked_count(&self) -> usize {
        self.keys.values().map(|permit| permit.parked.len()).sum()
    }
}

fn empty<T>() -> Permit<T> {
    Permit { holders: BTreeSet::new(), parked: VecDeque::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_ends_with_its_lease_and_wakes_one_that_waits() {
        let mut permits: Permits<&str> = Permits::default();
        let key = PermitKey::Named("printer".into());
        let holder = |n| (RunNumber(n), InstanceIndex(0));
        let wanted = vec![(key.clone(), 1)];

        permits.take(holder(1), wanted.clone());
        assert_eq!(permits.missing(&wanted), Some(&key));
        permits.park(&key, "second");

        assert_eq!(permits.release(holder(1)), ["second"]);
        assert_eq!(permits.release(holder(1)), [""; 0], "a repeated end frees nothing twice");
        assert_eq!(permits.missing(&wanted), None);
    }
}
