//! Permits: so many at once per key. A permit is held by a lease and ends with it, so that none can
//! leak.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::queues::Waiting;
use super::racks::Rack;
use crate::ids::{InstanceIndex, RunNumber};
use crate::seeded::{Bug, is_planted};
use crate::time::Millis;

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
/// The order in which those that wait are tried: by urgency, deadline, arrival.
type Place = (usize, Millis, u64);

#[derive(Debug, Default)]
struct Permit {
    holders: BTreeSet<Holder>,
    /// Those that wait, apart for each rack: one that no worker takes must not stand in the way of
    /// others.
    parked: BTreeMap<Rack, BTreeMap<Place, Waiting>>,
}

impl Permit {
    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.parked.is_empty()
    }

    fn take_first(&mut self, rack: &Rack) -> Option<Waiting> {
        let parked = self.parked.get_mut(rack)?;
        let first = parked.pop_first().map(|(_, waiting)| waiting);
        if parked.is_empty() {
            self.parked.remove(rack);
        }
        first
    }
}

/// Permits in use, with the work that waits for them.
#[derive(Debug, Default)]
pub(super) struct Permits {
    keys: BTreeMap<PermitKey, Permit>,
    held: BTreeMap<Holder, Vec<PermitKey>>,
    /// By arrival: what was let go to try again, and the key that it waited for.
    trying: BTreeMap<u64, PermitKey>,
}

impl Permits {
    /// The first of these keys of which no permit is free.
    pub(super) fn missing<'a>(&self, wanted: &'a [(PermitKey, u32)]) -> Option<&'a PermitKey> {
        let is_taken = |(key, limit): &&(PermitKey, u32)| {
            self.keys.get(key).is_some_and(|permit| {
                permit.holders.len()
                    >= *limit as usize + usize::from(is_planted(Bug::OnePermitTooMany))
            })
        };
        wanted.iter().find(is_taken).map(|(key, _)| key)
    }

    /// Gives the keys to the lease of what arrived then.
    pub(super) fn take(&mut self, holder: Holder, arrival: u64, wanted: Vec<(PermitKey, u32)>) {
        self.trying.remove(&arrival);
        if wanted.is_empty() {
            return;
        }
        for (key, _) in &wanted {
            self.keys.entry(key.clone()).or_default().holders.insert(holder);
        }
        self.held.insert(holder, wanted.into_iter().map(|(key, _)| key).collect());
    }

    /// Keeps an item until a permit of the key is free; gives another that may try in its place.
    pub(super) fn park(&mut self, key: &PermitKey, waiting: Waiting) -> Option<Waiting> {
        let (arrival, rack) = (waiting.item.arrival, waiting.rack());
        let was_trying_for = self.trying.remove(&arrival);
        let deadline = waiting.deadline.unwrap_or(Millis(u64::MAX));
        let place = (waiting.priority as usize, deadline, arrival);
        let permit = self.keys.entry(key.clone()).or_default();
        permit.parked.entry(rack.clone()).or_default().insert(place, waiting);
        was_trying_for.filter(|other| other != key).and_then(|other| self.try_next(&other, &rack))
    }

    /// An item that was let go has not taken its permit: another of its rack may try.
    pub(super) fn give_up(&mut self, arrival: u64, rack: &Rack) -> Option<Waiting> {
        let key = self.trying.remove(&arrival)?;
        self.try_next(&key, rack)
    }

    /// These arrivals are gone: others may try in place of those of them that were let go.
    pub(super) fn pass_tries_on(&mut self, gone: &[u64]) -> Vec<Waiting> {
        let keys: Vec<PermitKey> =
            gone.iter().filter_map(|arrival| self.trying.remove(arrival)).collect();
        keys.iter().flat_map(|key| self.try_of_each_rack(key)).collect()
    }

    /// What waits for a key may try, the first of each rack.
    pub(super) fn try_of_each_rack(&mut self, key: &PermitKey) -> Vec<Waiting> {
        let racks: Vec<Rack> = self
            .keys
            .get(key)
            .map_or_else(Vec::new, |permit| permit.parked.keys().cloned().collect());
        racks.iter().filter_map(|rack| self.try_next(key, rack)).collect()
    }

    /// The first of a rack that waits for a key may try.
    pub(super) fn try_next(&mut self, key: &PermitKey, rack: &Rack) -> Option<Waiting> {
        let permit = self.keys.get_mut(key)?;
        let next = permit.take_first(rack);
        if permit.is_empty() {
            self.keys.remove(key);
        }
        if let Some(next) = &next {
            self.trying.insert(next.item.arrival, key.clone());
        }
        next
    }

    /// Ends what a lease held; gives the work that may try again.
    pub(super) fn release(&mut self, holder: Holder) -> Vec<Waiting> {
        let mut freed = Vec::new();
        for key in self.held.remove(&holder).unwrap_or_default() {
            let Some(permit) = self.keys.get_mut(&key) else { continue };
            permit.holders.remove(&holder);
            let racks: Vec<Rack> = permit.parked.keys().cloned().collect();
            if permit.is_empty() {
                self.keys.remove(&key);
            }
            freed.extend(racks.iter().filter_map(|rack| self.try_next(&key, rack)));
        }
        freed
    }

    /// How many hold and how many wait for permits of a key.
    pub(super) fn counts(&self, key: &PermitKey) -> (usize, usize) {
        self.keys.get(key).map_or((0, 0), |permit| {
            (permit.holders.len(), permit.parked.values().map(BTreeMap::len).sum())
        })
    }

    pub(super) fn parked(&self) -> impl Iterator<Item = &Waiting> {
        self.keys.values().flat_map(|permit| permit.parked.values().flat_map(BTreeMap::values))
    }

    /// Drops what waits and is not to be kept.
    pub(super) fn retain(&mut self, keep: &mut dyn FnMut(&Waiting) -> bool) {
        for permit in self.keys.values_mut() {
            permit.parked.values_mut().for_each(|parked| parked.retain(|_, waiting| keep(waiting)));
            permit.parked.retain(|_, parked| !parked.is_empty());
        }
        self.keys.retain(|_, permit| !permit.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Priority;
    use crate::schedule::Item;

    fn waiting(arrival: u64, priority: Priority) -> Waiting {
        let (run, instance) = (RunNumber(arrival), InstanceIndex(0));
        Waiting {
            item: Item { run, instance, stamp: (0, 1), arrival },
            task_type: "print".into(),
            rate: None,
            has_rate_of_key: false,
            priority,
            deadline: None,
            fairness_key: "".into(),
            is_suspect: false,
        }
    }

    fn key() -> PermitKey {
        PermitKey::Named("printer".into())
    }

    fn arrivals(freed: &[Waiting]) -> Vec<u64> {
        freed.iter().map(|waiting| waiting.item.arrival).collect()
    }

    #[test]
    fn a_permit_ends_with_its_lease_and_wakes_the_most_urgent_that_waits() {
        let mut permits = Permits::default();
        let holder = (RunNumber(9), InstanceIndex(0));
        permits.take(holder, 9, vec![(key(), 1)]);
        let wanted = [(key(), 1)];

        assert_eq!(permits.missing(&wanted), Some(&key()));
        permits.park(&key(), waiting(1, Priority::Low));
        permits.park(&key(), waiting(2, Priority::High));

        assert_eq!(arrivals(&permits.release(holder)), [2]);
        assert_eq!(
            arrivals(&permits.release(holder)),
            [0; 0],
            "a repeated end frees nothing twice"
        );
        assert_eq!(permits.missing(&wanted), None);
    }

    #[test]
    fn what_does_not_take_its_permit_lets_the_next_one_try() {
        let mut permits = Permits::default();
        let holder = (RunNumber(9), InstanceIndex(0));
        permits.take(holder, 9, vec![(key(), 1)]);
        let rack = waiting(1, Priority::Normal).rack();
        for arrival in 1..=3 {
            permits.park(&key(), waiting(arrival, Priority::Normal));
        }

        assert_eq!(arrivals(&permits.release(holder)), [1]);
        let after_dropped = permits.give_up(1, &rack);
        let other = PermitKey::Named("other".into());
        let after_parked = permits.park(&other, waiting(2, Priority::Normal));

        assert_eq!(after_dropped.map(|waiting| waiting.item.arrival), Some(2));
        assert_eq!(after_parked.map(|waiting| waiting.item.arrival), Some(3));
        assert_eq!((permits.counts(&key()), permits.counts(&other)), ((0, 0), (0, 1)));
    }

    #[test]
    fn the_next_tries_where_one_that_was_let_go_is_gone() {
        let mut permits = Permits::default();
        let holder = (RunNumber(9), InstanceIndex(0));
        permits.take(holder, 9, vec![(key(), 1)]);
        permits.park(&key(), waiting(1, Priority::Normal));
        permits.park(&key(), waiting(2, Priority::Normal));
        assert_eq!(arrivals(&permits.release(holder)), [1]);

        assert_eq!(arrivals(&permits.pass_tries_on(&[])), [0; 0]);
        assert_eq!(arrivals(&permits.pass_tries_on(&[1])), [2]);
    }
}
